"""Signs among people, acted like the gestures of gestures.py: a handshake, a hug, a cheer."""

from __future__ import annotations

from collections.abc import Callable

from dimo.body import posture
from dimo.body.acting import Key
from dimo.data.gestures import DOWN, DOWN_OUT, OUT, Act, Draw, in_hand
from dimo.data.leading import both, held, in_turn, last, near, pairs, repeated


def beckon(d: Draw) -> Act:
    side = d.side()
    keys = repeated(d, d.near((0.18, -0.16, 0.46)), d.near((0.14, -0.02, 0.22)), (2, 4), (0.5, 0.9))
    verbs = pairs(
        "beckons|beckoning",
        "beckons|beckoning somebody to come",
        "gestures|gesturing to come closer",
        "motions|motioning someone to come here",
    )
    return Act(
        in_hand(verbs, side), {side: keys}, DOWN, keys[-1].seconds, shown=near((0.18, -0.16, 0.46), 0.12, 0.05, (side,))
    )


def handshake(d: Draw) -> Act:
    side = d.side(0.9)
    place = d.near((0.06, -0.32, 0.43), 0.03)
    keys = repeated(d, place, (place[0], place[1] + d.between(0.07, 0.12), place[2]), (2, 5), (0.3, 0.5))
    verbs = pairs("shakes|shaking hands", "shakes|shaking somebody's hand", "gives|giving a handshake")
    lean = [(0.0, 0.0), (keys[1].seconds, d.between(0, 10)), (keys[-1].seconds, 0.0)]
    shown = near(place, 0.15, 0.5, (side,))
    return Act(in_hand(verbs, side), {side: keys}, DOWN, keys[-1].seconds, lean=lean, shown=shown)


def high_five(d: Draw) -> Act:
    side, back, top = d.side(0.75), d.near((0.3, 0.15, 0.1)), d.near((0.12, 0.2, 0.45))
    at = d.between(0.35, 0.6)
    hit = at + d.between(0.14, 0.22)
    keys = [Key(0), Key(at, back), Key(hit, top), Key(hit + d.between(0.05, 0.25), top), Key(hit + 0.9)]
    verbs = pairs("gives|giving a high five", "high-fives|high-fiving somebody")
    return Act(in_hand(verbs, side), {side: keys}, DOWN_OUT, keys[-1].seconds, shown=near(top, 0.12, 0.05, (side,)))


def cheer(d: Draw) -> Act:
    top, low = d.near((0.24, 0.44, 0.08), 0.04), d.near((0.3, 0.16, 0.14), 0.04)
    if d.generator.random() < 0.3:
        side = d.side()
        keys = repeated(d, low, top, (2, 4), (0.4, 0.7))
        verbs = pairs("pumps|pumping a fist in the air", "raises|raising a fist in triumph", "celebrates|celebrating")
        return Act(in_hand(verbs, side), {side: keys}, OUT, keys[-1].seconds, shown=near(top, 0.14, 0.05, (side,)))
    keys = held(d, top, (1.0, 2.5)) if d.generator.random() < 0.35 else repeated(d, low, top, (2, 5), (0.4, 0.7))
    said = pairs(
        "cheers|cheering",
        "celebrates|celebrating a victory",
        "celebrates|celebrating with both arms in the air",
        "raises|raising both fists in victory",
        "cheers|cheering with both arms up",
        "celebrates|celebrating",
        "throws|throwing both arms up in triumph",
    )
    return Act(said, both(keys), OUT, keys[-1].seconds, shown=near(top, 0.14, 0.05))


def blow_kiss(d: Draw) -> Act:
    side, mouth, away = d.side(), d.near((0.03, 0.02, 0.2), 0.01), d.near((0.2, 0.0, 0.5), 0.04)
    rise, hold = d.between(0.5, 0.8), d.between(0.2, 0.5)
    sent = rise + hold + d.between(0.3, 0.5)
    keys = [Key(0), Key(rise, mouth), Key(rise + hold, mouth), Key(sent, away), Key(sent + 0.4, away), Key(sent + 1.1)]
    verbs = pairs("blows|blowing a kiss", "throws|throwing a kiss")
    return Act(in_hand(verbs, side), {side: keys}, DOWN_OUT, keys[-1].seconds, shown=near(mouth, 0.1, 0.2, (side,)))


def flap(d: Draw) -> Act:
    up, down = d.near((0.6, 0.22, 0.02), 0.04), d.near((0.58, -0.38, 0.03), 0.04)
    keys = repeated(d, down, up, (3, 6), (0.5, 1.0))
    said = pairs(
        "flaps|flapping the arms like a bird",
        "flaps|flapping both arms like wings",
        "beats|beating the arms up and down like wings",
        "flies|flying like a bird",
    )
    return Act(said, both(keys), (0.4, -1.0, -0.3), keys[-1].seconds, shown=near(up, 0.14, 0.05))


def beat_chest(d: Draw) -> Act:
    hit, away = d.near((0.05, -0.2, 0.17), 0.02), d.near((0.42, -0.1, 0.3), 0.03)
    period, at = d.between(0.5, 0.8), d.between(0.4, 0.7)
    count = int(d.generator.integers(4, 9))
    keys = in_turn(at, away, lambda t: [Key(t + 0.5 * period, hit), Key(t + period, away)], count, period)
    said = pairs(
        "beats|beating the chest like a gorilla",
        "pounds|pounding on the chest",
        "drums|drumming on the chest with both fists",
    )
    return Act(said, keys, OUT, last(keys), shown=near(hit, 0.1, 0.05))


def talk(d: Draw) -> Act:
    """Hands that go along with what is said: from place to place before the belly and the chest."""
    keys: dict[str, list[Key]] = {}
    end = d.between(2.2, 5.5)
    for side in posture.SIDES:
        at, keys[side] = d.between(0.4, 0.8), [Key(0)]
        while at < end - 0.6:
            place = (d.between(0.08, 0.34), d.between(-0.42, -0.14), d.between(0.2, 0.4))
            keys[side].append(Key(at, place))
            if d.generator.random() < 0.4:
                keys[side].append(Key(at + 0.15, d.near(place, 0.01)))
                at += 0.15
            at += d.between(0.25, 0.6)
        keys[side].append(Key(end + 0.3))
    said = pairs(
        "talks|talking with the hands",
        "gestures|gesturing while talking",
        "explains|explaining something with both hands",
        "gives|giving a speech",
        "gesticulates|gesticulating",
        "has|having a conversation with gestures",
        "talks|talking with gestures",
    )
    return Act(said, keys, DOWN_OUT, end + 0.3)


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "beckon": (beckon, 0.3),
    "handshake": (handshake, 0.35),
    "high_five": (high_five, 0.25),
    "cheer": (cheer, 0.6),
    "blow_kiss": (blow_kiss, 0.2),
    "flap": (flap, 0.25),
    "beat_chest": (beat_chest, 0.2),
    "talk": (talk, 0.4),
}
"""Signs, and how often each is drawn."""
