"""Poses that are taken and held, acted like the gestures of gestures.py: folded arms, hands behind the back, a prayer."""

from __future__ import annotations

from collections.abc import Callable

from dimo.body import posture
from dimo.body.acting import Key
from dimo.data.gestures import DOWN, DOWN_OUT, OUT, Act, Draw, in_hand
from dimo.data.leading import both, held, near, pairs, posed, stay


def cross_arms(d: Draw) -> Act:
    top, low = d.near((-0.1, -0.24, 0.21), 0.02), d.near((-0.1, -0.28, 0.16), 0.02)
    kept = stay(d)
    keys = posed(d, top, (2.0, 6.0)) if kept else held(d, top, (1.0, 3.5), (0.3, -0.35, 0.35))
    over = d.side(0.5)
    under = [Key(k.seconds, low if k.place else None, k.via) for k in keys]
    said = pairs(
        "crosses|crossing the arms",
        "folds|folding the arms in front of the chest",
        "stands|standing with crossed arms",
        "stands|standing with folded arms",
        "crosses|crossing both arms over the chest",
        "keeps|keeping the arms crossed",
    )
    if kept:
        said = pairs(
            "stands|standing with crossed arms",
            "stands|standing with folded arms",
            "keeps|keeping the arms crossed",
            "waits|waiting with crossed arms",
            "stands|standing idle, arms crossed",
            "stands|standing still with the arms folded",
        )
    hands = {over: keys, posture.OTHER[over]: under}
    return Act(said, hands, DOWN_OUT, keys[-1].seconds, shown=near((-0.1, -0.26, 0.19), 0.1, 0.8))


def surrender(d: Draw) -> Act:
    place = d.near((0.3, 0.2, 0.12), 0.05)
    kept = stay(d)
    keys = posed(d, place, (1.5, 4.5), 0.02) if kept else held(d, place, (0.8, 3.0), (0.4, -0.2, 0.3))
    said = pairs(
        "raises|raising both hands in surrender",
        "surrenders|surrendering",
        "puts|putting the hands up in surrender",
        "holds|holding both hands up beside the head",
        "gives|giving up with both hands in the air",
    )
    if kept:
        said = pairs(
            "holds|holding both hands up in surrender",
            "stands|standing with both hands up",
            "surrenders|surrendering with both hands up",
            "keeps|keeping the hands up",
        )
    return Act(said, both(keys), OUT, keys[-1].seconds, shown=near((0.3, 0.2, 0.12), 0.12, 0.5))


def shrug(d: Draw) -> Act:
    place, at, keys, up = d.near((0.36, -0.26, 0.24), 0.04), d.between(0.2, 0.5), [Key(0)], [(0.0, 0.0)]
    for _ in range(d.one(1, 1, 2)):
        rise, hold, fall = d.between(0.25, 0.4), d.between(0.25, 0.8), d.between(0.3, 0.5)
        keys += [Key(at), Key(at + rise, place), Key(at + rise + hold, place), Key(at + rise + hold + fall)]
        high = d.between(14, 24)
        up += [(at, 0.0), (at + rise, high), (at + rise + hold, high), (at + rise + hold + fall, 0.0)]
        at += rise + hold + fall
    said = pairs(
        "shrugs|shrugging",
        "shrugs|shrugging the shoulders",
        "shrugs|shrugging both shoulders",
        "shrugs|shrugging as if not knowing",
        "raises|raising the shoulders in a shrug",
    )
    return Act(said, both(keys), DOWN, at, shrug=up, shown=near((0.36, -0.26, 0.24), 0.14, 0.2))


def hands_behind(d: Draw) -> Act:
    place = d.near((0.05, -0.5, -0.15), 0.02)
    kept = stay(d)
    keys = posed(d, place, (2.0, 6.0)) if kept else held(d, place, (1.0, 3.5), (0.4, -0.5, -0.1))
    said = pairs(
        "puts|putting both hands behind the back",
        "stands|standing with the hands behind the back",
        "holds|holding the hands behind the back",
        "clasps|clasping the hands behind the back",
    )
    if kept:
        said = pairs(
            "stands|standing with the hands behind the back",
            "stands|standing at ease with both hands behind the back",
            "keeps|keeping the hands behind the back",
            "waits|waiting with the hands behind the back",
        )
    return Act(said, both(keys), (1.0, -0.2, -0.7), keys[-1].seconds, shown=near((0.05, -0.5, -0.15), 0.12, 0.7))


def spread(d: Draw) -> Act:
    place = d.near((0.72, -0.07, 0.02), 0.03)
    kept = stay(d)
    keys = posed(d, place, (1.5, 4.5)) if kept else held(d, place, (0.8, 3.0), (0.55, -0.45, 0.1))
    said = pairs(
        "holds|holding both arms out to the sides",
        "stretches|stretching the arms out to the sides",
        "spreads|spreading the arms wide",
        "stands|standing in a T-pose",
        "raises|raising both arms to the sides",
        "opens|opening the arms wide",
        "welcomes|welcoming somebody with open arms",
        "spreads|spreading both arms wide to greet somebody",
    )
    if kept:
        said = pairs(
            "stands|standing in a T-pose",
            "holds|holding a T-pose",
            "stands|standing with both arms stretched out to the sides",
            "keeps|keeping both arms out to the sides",
        )
    return Act(said, both(keys), (0.3, -1.0, -0.2), keys[-1].seconds, shown=near((0.7, -0.07, 0.02), 0.14, 0.5))


def on_head(d: Draw) -> Act:
    place, said = d.one(
        (
            (0.1, 0.22, 0.03),
            pairs(
                "puts|putting both hands on the head",
                "holds|holding the head with both hands",
                "stands|standing with both hands on the head",
            ),
        ),
        (
            (0.09, 0.1, -0.08),
            pairs(
                "puts|putting both hands behind the head",
                "clasps|clasping the hands behind the head",
                "leans|leaning back with the hands behind the head",
            ),
        ),
        (
            (0.11, 0.08, 0.05),
            pairs("covers|covering both ears", "covers|covering the ears with both hands", "holds|holding the ears"),
        ),
        (
            (0.06, 0.08, 0.17),
            pairs(
                "covers|covering the face with both hands",
                "cries|crying into both hands",
                "weeps|weeping",
                "hides|hiding the face in both hands",
            ),
        ),
    )
    keys = held(d, d.near(place, 0.015), (0.8, 3.0), (0.4, -0.05, 0.25))
    bent = [(0.0, 0.0), (keys[1].seconds, d.between(5, 25)), (keys[2].seconds, 12), (keys[-1].seconds, 0.0)]
    crying = place[2] > 0.1
    return Act(
        said, both(keys), (1.0, -0.3, 0.2), keys[-1].seconds, nod=bent if crying else [], shown=near(place, 0.12, 0.5)
    )


def facepalm(d: Draw) -> Act:
    side, place = d.side(), d.near((0.03, 0.09, 0.17), 0.015)
    keys = held(d, place, (0.8, 2.0), (0.3, -0.05, 0.3))
    verbs = pairs("facepalms|facepalming", "puts|putting a hand over the face", "buries|burying the face in one hand")
    bent = [(0.0, 0.0), (keys[1].seconds, d.between(12, 28)), (keys[2].seconds, 18), (keys[-1].seconds, 0.0)]
    return Act(
        in_hand(verbs, side), {side: keys}, DOWN_OUT, keys[-1].seconds, nod=bent, shown=near(place, 0.12, 0.5, (side,))
    )


def on_heart(d: Draw) -> Act:
    side = d.side(0.85)
    place = d.near((-0.04, -0.2, 0.17), 0.02)
    keys = held(d, place, (0.8, 2.5), (0.25, -0.35, 0.3))
    verbs = pairs("puts|putting a hand on the heart", "lays|laying a hand on the chest", "swears|swearing an oath")
    return Act(in_hand(verbs, side), {side: keys}, DOWN_OUT, keys[-1].seconds, shown=near(place, 0.1, 0.5, (side,)))


def belly(d: Draw) -> Act:
    place = d.near((0.02, -0.42, 0.17), 0.03)
    keys = held(d, place, (0.8, 2.5))
    bent = d.between(12, 38)
    lean = [(0.0, 0.0), (keys[1].seconds, bent), (keys[2].seconds, bent * 0.8), (keys[-1].seconds, 0.0)]
    said = pairs(
        "holds|holding the stomach in pain",
        "clutches|clutching the belly with both hands",
        "holds|holding the belly with both hands",
        "bends|bending over with stomach ache",
    )
    return Act(said, both(keys), DOWN_OUT, keys[-1].seconds, lean=lean, shown=near(place, 0.14, 0.5))


def stop_sign(d: Draw) -> Act:
    side = d.side()
    place = d.near((0.12, 0.0, 0.5), 0.03)
    keys = held(d, place, (0.6, 2.0), (0.2, -0.3, 0.3))
    verbs = pairs(
        "holds|holding up a hand to say stop",
        "signals|signalling stop",
        "stretches|stretching one arm out in front to stop somebody",
    )
    return Act(in_hand(verbs, side), {side: keys}, DOWN, keys[-1].seconds, shown=near(place, 0.12, 0.4, (side,)))


def watch(d: Draw) -> Act:
    side = d.side(0.25)
    place = d.near((-0.03, -0.22, 0.27), 0.02)
    keys = held(d, place, (0.7, 2.0))
    nod = [(0.0, 0.0), (keys[1].seconds, d.between(18, 32)), (keys[2].seconds, 25), (keys[-1].seconds, 0.0)]
    verbs = pairs("looks|looking at a watch", "checks|checking the time", "looks|looking at the wristwatch")
    return Act(verbs, {side: keys}, (1.0, -0.3, 0.1), keys[-1].seconds, nod=nod, shown=near(place, 0.1, 0.4, (side,)))


def lookout(d: Draw) -> Act:
    side = d.side()
    place = d.near((0.06, 0.17, 0.2), 0.015)
    keys = held(d, place, (1.0, 3.0), (0.35, -0.1, 0.35))
    verbs = pairs(
        "shades|shading the eyes with a hand",
        "looks|looking into the distance with a hand above the eyes",
        "keeps|keeping a lookout with a hand at the brow",
    )
    turn, stays = d.between(10, 30) * d.one(1, -1), keys[2].seconds
    twist = [(0.0, 0.0), (keys[1].seconds, turn), (stays, -turn), (keys[-1].seconds, 0.0)]
    return Act(in_hand(verbs, side), {side: keys}, OUT, keys[-1].seconds, twist, shown=near(place, 0.12, 0.5, (side,)))


def hug(d: Draw) -> Act:
    place = d.near((-0.06, -0.15, 0.36), 0.02)
    keys = held(d, place, (0.8, 2.5), (0.65, -0.15, 0.35))
    said = pairs(
        "hugs|hugging somebody",
        "gives|giving a hug",
        "embraces|embracing someone",
        "puts|putting both arms around somebody",
    )
    return Act(said, both(keys), (1.0, -0.4, 0.2), keys[-1].seconds, shown=near(place, 0.13, 0.5))


def pray(d: Draw) -> Act:
    place = d.near((0.035, -0.2, 0.22), 0.01)
    keys = held(d, place, (1.2, 4.0), (0.3, -0.35, 0.3))
    nod = [(0.0, 0.0), (keys[1].seconds + 0.3, d.between(10, 30)), (keys[2].seconds, 20), (keys[-1].seconds, 0.0)]
    said = pairs(
        "prays|praying",
        "puts|putting the hands together in prayer",
        "joins|joining both palms in front of the chest",
        "says|saying a prayer",
        "folds|folding the hands to pray",
    )
    return Act(said, both(keys), (0.9, -0.7, -0.1), keys[-1].seconds, nod=nod, shown=near(place, 0.08, 0.8))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "cross_arms": (cross_arms, 0.5),
    "surrender": (surrender, 0.35),
    "shrug": (shrug, 0.4),
    "hands_behind": (hands_behind, 0.25),
    "spread": (spread, 0.3),
    "on_head": (on_head, 0.5),
    "facepalm": (facepalm, 0.25),
    "on_heart": (on_heart, 0.25),
    "belly": (belly, 0.2),
    "stop_sign": (stop_sign, 0.25),
    "watch": (watch, 0.25),
    "lookout": (lookout, 0.2),
    "hug": (hug, 0.25),
    "pray": (pray, 0.35),
}
"""Poses, and how often each is drawn."""
