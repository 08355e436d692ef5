"""What people ask for and hardly anybody recorded, acted on real bodies: a salute, a drink, applause, a punch, a throw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import acting, measure, posture
from dimo.body.acting import Key
from dimo.data.gestures import DOWN, DOWN_OUT, GUARD, OUT, Act, Curve, Draw, in_hand
from dimo.data.leading import stay


def _to_head(side: str, seconds: float, metres: float = 0.28) -> Callable[[np.ndarray, float], bool]:
    return lambda j, fps: measure.longest_run(posture.hand_to_head(j, side) < metres) / fps >= seconds


def salute(d: Draw) -> Act:
    side, rise, hold = d.side(0.85), d.between(0.35, 0.7), d.between(0.6, 2.0)
    brow = d.near((0.17, 0.17, 0.14))
    end = rise + hold + d.between(0.35, 0.7)
    verbs = [
        ("salutes", "saluting"),
        ("gives a salute", "giving a salute"),
        ("does a military salute", "doing a military salute"),
        ("salutes like a soldier", "saluting like a soldier"),
    ]
    long = f"the {side} hand to the forehead in a salute"
    said = [*in_hand(verbs, side), (f"raises {long}", f"raising {long}")]
    return Act(
        said,
        {side: [Key(0), Key(rise, brow, d.near((0.38, -0.1, 0.3))), Key(rise + hold, brow), Key(end)]},
        OUT,
        end,
        lean=[(0, 0), (rise, d.between(-6, 0)), (rise + hold, -3), (end, 0)],
        shown=_to_head(side, 0.3),
    )


def drink(d: Draw) -> Act:
    side, at, keys, nod = d.side(), d.between(0.5, 0.9), [Key(0)], [(0.0, 0.0)]
    chest = d.near((0.08, -0.25, 0.28))
    for _ in range(d.one(1, 1, 2)):
        mouth, tilted = d.near((0.06, 0.02, 0.22), 0.02), d.near((0.06, 0.07, 0.22), 0.02)
        keys += [Key(at, mouth), Key(at + 0.4, tilted)]
        nod += [(at, 0.0), (at + 0.4, d.between(-30, -12))]
        at += 0.4 + d.between(0.5, 1.6)
        keys += [Key(at, tilted), Key(at + 0.5, chest)]
        nod += [(at, nod[-1][1]), (at + 0.5, 0.0)]
        at += 0.5 + d.between(0.1, 0.6)
        keys.append(Key(at, chest))
    end = at + d.between(0.4, 0.8)
    what = d.one("cup", "glass", "bottle", "mug", "can")
    verbs = [
        (f"drinks from a {what}", f"drinking from a {what}"),
        ("takes a drink", "taking a drink"),
        ("drinks", "drinking"),
        ("takes a sip", "taking a sip"),
        (f"lifts a {what} and drinks", f"lifting a {what} and drinking"),
        (f"raises a {what} to the mouth", f"raising a {what} to the mouth"),
        ("drinks some water", "drinking some water"),
    ]
    return Act(in_hand(verbs, side), {side: [*keys, Key(end)]}, DOWN_OUT, end, nod=nod, shown=_to_head(side, 0.3))


def eat(d: Draw) -> Act:
    side, at, keys = d.side(), d.between(0.4, 0.7), [Key(0)]
    waist = d.near((0.08, -0.33, 0.3))
    for _ in range(d.one(1, 2, 2, 3)):
        mouth = d.near((0.05, 0.02, 0.2), 0.02)
        keys += [Key(at, waist), Key(at + 0.5, mouth)]
        at += 0.5 + d.between(0.3, 0.6)
        keys.append(Key(at, mouth))
        at += d.between(0.4, 0.7)
    verbs = [
        ("eats something", "eating something"),
        ("eats", "eating"),
        ("brings food to the mouth", "bringing food to the mouth"),
    ]
    return Act(
        in_hand(verbs, side),
        {side: [*keys, Key(at, waist), Key(at + 0.6)]},
        DOWN_OUT,
        at + 0.6,
        shown=_to_head(side, 0.25),
    )


def phone(d: Draw) -> Act:
    side, rise, hold = d.side(), d.between(0.6, 1.0), d.between(1.5, 4.5)
    ear = d.near((0.13, 0.06, 0.12), 0.02)
    end = rise + hold + d.between(0.5, 0.9)
    verbs = [
        ("talks on the phone", "talking on the phone"),
        ("makes a phone call", "making a phone call"),
        ("answers the phone", "answering the phone"),
        ("holds a phone to the ear", "holding a phone to the ear"),
    ]
    return Act(
        in_hand(verbs, side),
        {side: [Key(0), Key(rise, ear, (0.3, -0.2, 0.35)), Key(rise + hold, ear), Key(end)]},
        DOWN_OUT,
        end,
        shown=_to_head(side, 0.5),
    )


def scratch(d: Draw) -> Act:
    side, at = d.side(), d.between(0.5, 0.9)
    spot, words = d.one(
        (
            (0.1, 0.26, 0.05),
            [("scratches the head", "scratching the head"), ("scratches their head", "scratching their head")],
        ),
        (
            (0.1, 0.2, 0.16),
            [("wipes the forehead", "wiping the forehead"), ("wipes sweat off the brow", "wiping sweat off the brow")],
        ),
        (
            (0.04, 0.02, 0.19),
            [("coughs into the hand", "coughing into the hand"), ("covers the mouth", "covering the mouth")],
        ),
        ((0.06, -0.02, 0.19), [("rubs the chin", "rubbing the chin"), ("touches the face", "touching the face")]),
    )
    keys = [Key(0), Key(at, d.near(spot, 0.02), (0.35, -0.1, 0.3))]
    for _ in range(int(d.generator.integers(3, 9))):
        at += d.between(0.12, 0.25)
        keys.append(Key(at, d.near(spot, 0.045)))
    end = at + d.between(0.5, 0.8)
    return Act(in_hand(words, side), {side: [*keys, Key(end)]}, DOWN_OUT, end, shown=_to_head(side, 0.3, 0.3))


def clap(d: Draw) -> Act:
    overhead = d.generator.random() < 0.25
    middle = (0.0, d.between(0.42, 0.48), d.between(0.06, 0.14))
    low = d.near((0.0, d.between(-0.3, -0.08), d.between(0.26, 0.4)), 0.0)
    at, height = d.between(0.4, 0.8), middle if overhead else low
    period, wide = d.between(0.3, 0.6), d.between(0.13, 0.22)
    count = int(d.generator.integers(3, max(4, round(3.5 / period))))
    keys = {s: [Key(0)] for s in posture.SIDES}
    for i in range(count):
        for s in posture.SIDES:
            keys[s].append(Key(at + i * period, (wide, height[1], height[2])))
            keys[s].append(Key(at + (i + 0.5) * period, (0.055, height[1], height[2] + 0.02)))
    end = at + count * period
    for s in posture.SIDES:
        keys[s] += [Key(end, (wide, height[1], height[2])), Key(end + 0.6)]
    said = [
        ("claps", "clapping"),
        ("claps their hands", "clapping their hands"),
        ("claps the hands", "clapping the hands"),
        ("applauds", "applauding"),
        ("gives a round of applause", "giving a round of applause"),
        ("is clapping", "clapping"),
        ("claps several times", "clapping several times"),
    ]
    if overhead:
        said = [
            ("claps above the head", "clapping above the head"),
            ("claps with both hands high above the head", "clapping with both hands high above the head"),
            ("claps overhead", "clapping overhead"),
        ]
    elbow = OUT if overhead else (0.6, -1.0, -0.2)
    return Act(said, keys, elbow, end + 0.6, shown=lambda j, fps: posture.claps(j, fps) >= 3)


def reach_up(d: Draw) -> Act:
    side, both, rise = d.side(), d.generator.random() < 0.35, d.between(0.5, 1.1)
    sides = posture.SIDES if both else (side,)
    end = rise + d.between(0.4, 1.5)
    down = end + d.between(0.6, 1.0)
    top = d.near((0.13 if both else 0.1, d.between(0.42, 0.5), d.between(0.05, 0.3)), 0.03)
    if both:
        said = [
            ("stretches both arms above the head", "stretching both arms above the head"),
            ("raises both arms and stretches", "raising both arms and stretching"),
            ("stretches upwards", "stretching upwards"),
            ("reaches up with both hands", "reaching up with both hands"),
            ("lifts something onto a high shelf", "lifting something onto a high shelf"),
        ]
    else:
        verbs = [
            ("reaches up high", "reaching up high"),
            ("reaches for a high shelf", "reaching for a high shelf"),
            ("takes something down from a shelf", "taking something down from a shelf"),
            ("reaches up", "reaching up"),
            ("grabs something from a shelf above", "grabbing something from a shelf above"),
        ]
        said = in_hand(verbs, side)
    keys = [Key(0), Key(rise, top, (0.25, -0.05, 0.5)), Key(end, top), Key(down)]
    return Act(
        said,
        dict.fromkeys(sides, keys),
        (0.7, -0.3, 0.5),
        down,
        shown=lambda j, fps: all(measure.longest_run(posture.hand_over_head(j, s) > 0.2) / fps >= 0.2 for s in sides),
    )


def point(d: Draw) -> Act:
    side, rise, hold = d.side(), d.between(0.4, 0.8), d.between(0.5, 1.8)
    where, place = d.one(
        ("forward", (0.15, -0.08, 0.5)),
        ("ahead", (0.15, -0.05, 0.5)),
        (f"to the {side}", (0.66, -0.05, 0.1)),
        ("up", (0.25, 0.3, 0.33)),
    )
    said = [
        (f"points {where}", f"pointing {where}"),
        (f"points {where} with the {side} hand", f"pointing {where} with the {side} hand"),
    ]
    return Act(
        said,
        {
            side: [
                Key(0),
                Key(rise, d.near(place), (0.3, -0.3, 0.35)),
                Key(rise + hold, d.near(place, 0.02)),
                Key(rise + hold + 0.7),
            ]
        },
        DOWN,
        rise + hold + 0.7,
        shown=lambda j, fps: measure.longest_run(measure.hand_up(j, side)) / fps > 0.4,
    )


def hips(d: Draw) -> Act:
    rise, hold = d.between(0.6, 1.0), d.between(1.0, 3.0)
    place = d.near((0.21, -0.5, 0.03), 0.02)
    if stay(d):
        said = [
            ("stands with hands on hips", "standing with hands on hips"),
            ("stands with both hands on the hips", "standing with both hands on the hips"),
            ("keeps both hands on the hips", "keeping both hands on the hips"),
        ]
        kept = [Key(0, place), Key(hold + 1, place)]
        return Act(said, dict.fromkeys(posture.SIDES, kept), (1.0, 0.0, -0.4), hold + 1)
    said = [
        ("puts both hands on the hips", "putting both hands on the hips"),
        ("stands with hands on hips", "standing with hands on hips"),
    ]
    keys = [Key(0), Key(rise, place, (0.35, -0.45, 0.1)), Key(rise + hold, place), Key(rise + hold + 0.7)]
    return Act(said, dict.fromkeys(posture.SIDES, keys), (1.0, 0.0, -0.4), rise + hold + 0.7)


def punch(d: Draw) -> Act:
    first, at, count = d.side(), d.between(0.4, 0.7), d.one(1, 1, 2, 2, 3, 4)
    guarded, side = d.generator.random() < 0.75, first
    rest = d.near(GUARD, 0.03) if guarded else d.near((0.2, -0.4, 0.08), 0.04)
    keys = {s: [Key(0), Key(at, rest)] for s in posture.SIDES}
    if not guarded and count == 1:
        keys[posture.OTHER[first]] = [Key(0)]
    twist: Curve = [(0, 0), (at, 0)]
    alternate = d.generator.random() < 0.7
    for _ in range(count):
        at += d.between(0.08, 0.35)
        quick, back = d.between(0.1, 0.17), d.between(0.22, 0.4)
        turn = d.between(20, 45) * (-acting.LEFT_OF[side])
        keys[side] += [Key(at, rest), Key(at + quick, d.near((0.03, -0.08, 0.7), 0.04)), Key(at + quick + back, rest)]
        twist += [(at, 0), (at + quick, turn), (at + quick + back, 0)]
        at += quick + back
        side = posture.OTHER[side] if alternate else side
    end = at + d.between(0.5, 0.9)
    for s in posture.SIDES:
        keys[s] += [Key(at + 0.1, keys[s][-1].place), Key(end)]
    sides = {first, posture.OTHER[first]} if alternate and count > 1 else {first}
    verbs = [
        ("punches", "punching"),
        ("boxes", "boxing"),
        ("throws punches", "throwing punches"),
        ("shadowboxes", "shadowboxing"),
        ("punches the air", "punching the air"),
        ("fights with the fists", "fighting with the fists"),
    ]
    if count == 1:
        verbs = [
            ("punches", "punching"),
            ("throws a punch", "throwing a punch"),
            ("punches forward", "punching forward"),
            ("hits something in front", "hitting something in front"),
            ("lands one punch", "landing one punch"),
        ]
    said = verbs if len(sides) == 2 else in_hand(verbs, first)
    return Act(
        said, keys, DOWN_OUT, end, twist, shown=lambda j, fps: all(measure.punch_speed(j, s, fps) > 2.3 for s in sides)
    )


def throw(d: Draw) -> Act:
    side, back, aim = d.side(0.7), d.between(0.5, 0.9), d.between(0.26, 0.38)
    overhand = d.generator.random() < 0.75
    cocked = d.near((0.33, 0.16, -0.1), 0.04)
    through = d.near((-0.02, -0.2, 0.52), 0.05)
    via = d.near((0.2, 0.75, 0.45), 0.06) if overhand else d.near((0.65, 0.05, 0.45), 0.06)
    release = back + d.between(0.05, 0.25)
    end = release + aim + d.between(0.6, 1.0)
    sign = acting.LEFT_OF[side]
    what = d.one("a ball", "something", "a stone", "an object", "a baseball", "a spear")
    verbs = [
        (f"throws {what}", f"throwing {what}"),
        (f"throws {what} forward", f"throwing {what} forward"),
        (f"tosses {what} away", f"tossing {what} away"),
        (f"hurls {what}", f"hurling {what}"),
        ("pitches a ball", "pitching a ball"),
    ]
    keys = [Key(0), Key(back, cocked, (0.45, -0.25, 0.1)), Key(release, cocked), Key(release + aim, through, via)]
    return Act(
        in_hand(verbs, side),
        {side: [*keys, Key(end)]},
        (1.0, -0.2, -0.3),
        end,
        [(0, 0), (back, 28 * sign), (release, 28 * sign), (release + aim, -24 * sign), (end, 0)],
        [(0, 0), (back, -6), (release + aim, d.between(8, 20)), (end, 0)],
        shown=lambda j, fps: posture.throw_speed(j, side, fps) > 3.0,
    )


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "salute": (salute, 1.0),
    "drink": (drink, 1.0),
    "eat": (eat, 0.5),
    "phone": (phone, 0.8),
    "scratch": (scratch, 0.8),
    "clap": (clap, 1.2),
    "reach_up": (reach_up, 1.2),
    "point": (point, 0.8),
    "hips": (hips, 0.4),
    "punch": (punch, 1.8),
    "throw": (throw, 1.2),
}
"""Gestures, and how often each is drawn."""
