"""Fights and weapons that are not there, acted like the gestures of gestures.py."""

from __future__ import annotations

from collections.abc import Callable

from dimo.body import posture
from dimo.body.acting import LEFT_OF, Key
from dimo.data.gestures import DOWN_OUT, GUARD, Act, Curve, Draw, in_hand
from dimo.data.leading import Place, both, held, last, near, pairs, together


def bow(d: Draw) -> Act:
    """The left hand holds the bow ahead, the right one draws to the cheek, and lets go."""
    side = d.side(0.85)
    front, cheek = d.near((0.02, -0.05, 0.52), 0.02), d.near((0.1, 0.0, 0.13), 0.015)
    rise, draw, hold = d.between(0.5, 0.9), d.between(0.6, 1.1), d.between(0.3, 1.2)
    drawn = rise + draw
    shot = drawn + hold
    end = shot + d.between(0.8, 1.3)
    string: Place = (-0.04, -0.07, 0.44)
    hands = {
        posture.OTHER[side]: [Key(0), Key(rise, front), Key(shot + 0.4, front), Key(end)],
        side: [
            Key(0),
            Key(rise, string),
            Key(drawn, cheek),
            Key(shot, cheek),
            Key(shot + 0.15, (0.3, 0.0, 0.0)),
            Key(shot + 0.4, (0.3, -0.02, 0.02)),
            Key(end),
        ],
    }
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (rise, 18 * sign), (drawn, 32 * sign), (shot + 0.4, 30 * sign), (end, 0.0)]
    said = pairs(
        "shoots|shooting an arrow with a bow",
        "draws|drawing a bow to shoot",
        "fires|firing an arrow",
        "pulls|pulling back a bowstring",
        "shoots|shooting with bow and arrow",
        "aims|aiming with a bow and arrow",
    )
    return Act(said, hands, (1.0, 0.0, -0.2), end, twist, shown=near(cheek, 0.12, 0.2, (side,)))


def pistol(d: Draw) -> Act:
    aimed: Place = (0.0, d.between(-0.1, 0.02), d.between(0.46, 0.52))
    rise = d.between(0.4, 0.8)
    at = rise + d.between(0.3, 1.0)
    way: list[tuple[float, Place, Place | None]] = [(rise, aimed, None), (at, aimed, None)]
    shots = d.one(0, 1, 2, 3)
    for _ in range(shots):
        way += [(at + 0.08, (0.0, aimed[1] + d.between(0.06, 0.1), aimed[2] - 0.04), None), (at + 0.3, aimed, None)]
        at += 0.3 + d.between(0.1, 0.5)
        way.append((at, aimed, None))
    end = at + d.between(0.5, 0.9)
    said = pairs(
        "aims|aiming a gun",
        "points|pointing a pistol forward with both hands",
        "aims|aiming a handgun with both hands",
        "holds|holding a gun in both hands",
    )
    if shots:
        said = pairs(
            "shoots|shooting a gun", "fires|firing a pistol", "shoots|shooting with a handgun", "fires|firing a gun"
        )
    return Act(said, together(way, end, 0.025), DOWN_OUT, end, shown=near((0.0, -0.05, 0.49), 0.14, 0.4))


def rifle(d: Draw) -> Act:
    side = d.side(0.85)
    butt, barrel = d.near((0.1, -0.12, 0.17), 0.02), d.near((-0.03, -0.1, 0.44), 0.02)
    keys = held(d, butt, (0.8, 3.0))
    other = [Key(k.seconds, barrel if k.place else None) for k in keys]
    said = pairs(
        "aims|aiming a rifle",
        "raises|raising a rifle to the shoulder",
        "shoots|shooting a rifle",
        "holds|holding a rifle at the shoulder",
        "points|pointing a rifle forward",
    )
    twist = [
        (0.0, 0.0),
        (keys[1].seconds, 15 * LEFT_OF[side]),
        (keys[2].seconds, 15 * LEFT_OF[side]),
        (keys[3].seconds, 0.0),
    ]
    hands = {side: keys, posture.OTHER[side]: other}
    return Act(said, hands, DOWN_OUT, last(hands), twist, shown=near(butt, 0.1, 0.5, (side,)))


def block(d: Draw) -> Act:
    place = d.near((0.08, 0.04, 0.23), 0.02)
    rise, hold = d.between(0.2, 0.35), d.between(0.5, 1.6)
    end = rise + hold + d.between(0.5, 0.8)
    start = d.between(0.2, 0.6)
    keys = [Key(0), Key(start), Key(start + rise, place), Key(start + rise + hold, place), Key(start + end)]
    lean = [(0.0, 0.0), (start, 0.0), (start + rise, d.between(5, 20)), (start + rise + hold, 10), (start + end, 0.0)]
    said = pairs(
        "blocks|blocking with both arms",
        "blocks|blocking a punch",
        "covers|covering up behind the forearms",
        "raises|raising the guard",
        "protects|protecting the head with the arms",
        "shields|shielding the face with both arms",
    )
    return Act(said, both(keys), DOWN_OUT, start + end, lean=lean, shown=near(place, 0.1, 0.3))


def shove(d: Draw) -> Act:
    chest, ahead = d.near((0.14, -0.16, 0.2), 0.02), d.near((0.13, -0.14, 0.52), 0.02)
    ready = d.between(0.4, 0.7)
    hit = ready + d.between(0.15, 0.3)
    keys = [Key(0), Key(ready, chest), Key(hit, ahead), Key(hit + d.between(0.2, 0.8), ahead), Key(hit + 1.5)]
    lean = [(0.0, 0.0), (ready, -4), (hit, d.between(8, 22)), (hit + 0.3, 12), (hit + 1.5, 0.0)]
    casts = d.generator.random() < 0.4
    said = pairs("shoves|shoving somebody", "pushes|pushing somebody away with both hands", "shoves|shoving forward")
    if casts:
        said = pairs(
            "casts|casting a spell",
            "throws|throwing a fireball with both hands",
            "shoots|shooting energy from both hands",
            "thrusts|thrusting both hands forward to cast magic",
        )
    return Act(said, both(keys), DOWN_OUT, hit + 1.5, lean=lean, shown=near(ahead, 0.12, 0.1))


def slap(d: Draw) -> Act:
    side = d.side(0.8)
    back, across = d.near((0.5, 0.0, 0.1), 0.04), d.near((-0.12, 0.0, 0.45), 0.04)
    ready = d.between(0.4, 0.7)
    hit = ready + d.between(0.18, 0.28)
    keys = [Key(0), Key(ready, back), Key(hit, across, (0.45, 0.05, 0.5)), Key(hit + 0.2, across), Key(hit + 0.9)]
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (ready, 20 * sign), (hit, -28 * sign), (hit + 0.9, 0.0)]
    verbs = pairs("slaps|slapping somebody", "slaps|slapping somebody in the face", "swings|swinging an open hand")
    return Act(in_hand(verbs, side), {side: keys}, DOWN_OUT, hit + 0.9, twist, shown=near(across, 0.14, 0.05, (side,)))


def uppercut(d: Draw) -> Act:
    side = d.side(0.7)
    low, top = d.near((0.15, -0.5, 0.2), 0.03), d.near((0.04, 0.16, 0.36), 0.03)
    ready = d.between(0.4, 0.7)
    hit = ready + d.between(0.15, 0.22)
    guard = d.near(GUARD, 0.02)
    hands = {
        side: [Key(0), Key(ready, low), Key(hit, top, (0.1, -0.4, 0.5)), Key(hit + 0.35, guard), Key(hit + 1.1)],
        posture.OTHER[side]: [Key(0), Key(ready, guard), Key(hit + 0.35, guard), Key(hit + 1.1)],
    }
    sign = LEFT_OF[side]
    twist = [(0.0, 0.0), (ready, 22 * sign), (hit, -25 * sign), (hit + 0.5, 0.0)]
    verbs = pairs("throws|throwing an uppercut", "punches|punching upward", "lands|landing an uppercut")
    return Act(in_hand(verbs, side), hands, DOWN_OUT, hit + 1.1, twist, shown=near(top, 0.14, 0.05, (side,)))


def combination(d: Draw) -> Act:
    """A jab, a cross, and a hook or an uppercut from the guard."""
    front = d.side(0.25)
    rear, sign = posture.OTHER[front], LEFT_OF[front]
    guard, straight = d.near(GUARD, 0.02), d.near((0.02, -0.07, 0.68), 0.03)
    last_one = d.one("hook", "uppercut", "")
    hits: list[tuple[str, Place, Place | None, float]] = [(front, straight, None, -18.0), (rear, straight, None, 34.0)]
    if last_one == "hook":
        hits.append((front, d.near((-0.1, -0.03, 0.4), 0.03), (0.55, -0.05, 0.4), -35.0))
    if last_one == "uppercut":
        hits.append((front, d.near((0.04, 0.16, 0.38), 0.03), (0.1, -0.5, 0.45), -28.0))
    at = d.between(0.5, 0.8)
    hands = {s: [Key(0), Key(at, guard)] for s in posture.SIDES}
    twist: Curve = [(0.0, 0.0), (at, 0.0)]
    for side, place, via, turn in hits:
        quick = d.between(0.12, 0.18)
        hands[side] += [Key(at, guard), Key(at + quick, place, via), Key(at + quick + d.between(0.22, 0.32), guard)]
        twist += [(at, twist[-1][1]), (at + quick, turn * sign)]
        at += quick + d.between(0.2, 0.4)
    stays, end = at + 0.3, at + d.between(0.8, 1.2)
    for s in posture.SIDES:
        hands[s] += [Key(stays, guard), Key(end)]
    twist += [(stays, 0.0), (end, 0.0)]
    third = {"hook": "a hook", "uppercut": "an uppercut"}.get(last_one)
    series = f"a jab, a cross and {third}" if third else "a jab and a cross"
    said = pairs(
        f"throws|throwing {series}",
        f"boxes|boxing with {series}",
        "throws|throwing a combination of punches",
        "boxes|boxing",
        "shadowboxes|shadowboxing",
    )
    if third:
        said += pairs(f"throws|throwing a jab, a cross and then {third}")
    return Act(said, hands, DOWN_OUT, end, twist, shown=near(straight, 0.22, 0.04))


ACTS: dict[str, tuple[Callable[[Draw], Act], float]] = {
    "bow": (bow, 0.45),
    "pistol": (pistol, 0.45),
    "rifle": (rifle, 0.35),
    "block": (block, 0.4),
    "shove": (shove, 0.45),
    "slap": (slap, 0.25),
    "uppercut": (uppercut, 0.3),
    "combination": (combination, 0.45),
}
"""Moves of fights, and how often each is drawn."""
