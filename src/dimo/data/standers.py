"""What those do who stand, and hardly anybody recorded: kneel, duck, dodge, rise on the toes, stand on one leg.

Made like dimo.data.paces from real standing, with what dimo.data.shaping has. Feet that are not lifted stay.
"""

from __future__ import annotations

import numpy as np

from dimo.body import acting, measure, posture
from dimo.body.acting import AHEAD, LEFT, LEFT_OF, UP, course, feet, frame, moved_root, on_feet, tipped
from dimo.body.measure import ANKLE, FOOT, HIP
from dimo.body.motion import Motion
from dimo.body.posture import KNEE, OTHER, SIDES
from dimo.body.rotation import axis_angle_to_quat, quat_multiply, quat_rotate
from dimo.data.gestures import DOWN_OUT, HEAD, OUT, Draw
from dimo.data.paces import Pace
from dimo.data.shaping import (
    across,
    made,
    on_toes,
    places_of,
    put,
    say,
    stretched,
    trunk,
)

KNEE_M = 0.03
"""Height of a kneeling knee above the toe joints of feet that stand."""


def kneeling(stand: Motion, d: Draw) -> Pace | None:
    """Down on one knee, or on one and then the other; up again or not."""
    first, both = d.side(0.5), d.generator.random() < 0.4
    sides = (first, OTHER[first]) if both else (first,)
    start, down, then = d.between(0.0, 0.4), d.between(0.7, 1.1), d.between(0.5, 0.8) if both else 0.0
    reached, rise = start + down + then, stand.seconds - d.between(0.05, 0.3) - down - then
    if reached + 0.6 > stand.seconds:
        return None
    rises = rise - reached > 0.6 and d.generator.random() < 0.6
    times, turn, joints, lengths = acting.seconds(stand), frame(stand), stand.joints(), stand.skeleton.lengths
    up = [(rise + then, 1.0), (rise + then + down, 0.0)] if rises else []
    low = course(times, [(start, 0.0), (start + down, 1.0), *up])
    up = [(rise, 1.0), (rise + then, 0.0)] if rises else []
    second = course(times, [(start + down, 0.0), (reached, 1.0), *up]) if both else 0 * low
    ahead, axis = np.cross(across(stand), UP), across(stand)
    slope, pitch, back = np.radians(d.between(0, 12)), np.radians(d.one(72.0, 140.0)), d.between(0.1, 0.2)
    knee = measure.floor(joints) + KNEE_M
    thigh, shin = lengths[KNEE[first]], lengths[ANKLE[first]]
    drop = joints[:, HIP[first], 1].mean() - knee - thigh * np.cos(slope)
    places, turns = feet(stand)
    for side, share in zip(sides, (low, second), strict=False):
        # The thigh stands on the knee, the shin lies behind it, the foot on its toes or on its back.
        turned = axis_angle_to_quat(axis, pitch * share)
        foot = quat_rotate(axis_angle_to_quat(axis, pitch), (joints[:, ANKLE[side]] - joints[:, FOOT[side]]).mean(0))
        high = measure.floor(joints) + foot[1] - knee
        along = (joints[:, HIP[side]] - joints[:, ANKLE[side]]).mean(0) @ ahead - back
        along += thigh * np.sin(slope) - np.sqrt(shin**2 - high**2)
        end = joints[:, ANKLE[side]].mean(0) * [1, 0, 1] + along * ahead + (knee + high) * UP
        arc = 0.06 * np.sin(np.pi * share)[:, None] * UP
        places[side] = places[side] + share[:, None] * (end - places[side]) + arc
        turns[side] = quat_multiply(turned, turns[side])
    motion = on_feet(moved_root(stand, -low[:, None] * (drop * UP + back * ahead)), places, turns)
    rests = not both and d.generator.random() < 0.5
    motion = trunk(motion, low * (d.between(9, 15) if rests else d.between(0, 6)))
    if rests:
        x, y, z = places_of(motion, KNEE)[OTHER[first]][int(reached * stand.fps) + 1]
        place = (LEFT_OF[OTHER[first]] * float(x), float(y) + 0.07, float(z))
        when = [(start + 0.4 * down, 0), (reached + 0.2, 1), *([(rise, 1), (rise + 0.8 * down, 0)] if rises else [])]
        motion = put(motion, {OTHER[first]: place}, DOWN_OUT, turn, when)
    ends = (" and ~stand up again", " and then ~rise", ", then ~get up again") if rises else ("",)
    offers = not both and not rests and d.generator.random() < 0.4
    if offers:
        when = [(start + 0.5 * down, 0), (reached + 0.2, 1), *([(rise, 1), (rise + 0.8 * down, 0)] if rises else [])]
        holds = SIDES if d.generator.random() < 0.5 else (d.side(0.7),)
        motion = put(motion, dict.fromkeys(holds, d.near((0.06, -0.14, 0.42), 0.02)), DOWN_OUT, turn, when)
    words = f"""
        ~kneel down on one knee; ~kneel; ~go down on one knee; ~kneel on the {first} knee; ~get down on one knee;
        ~go down on the {first} knee; ~kneel down
    """
    if both:
        words = (
            "~kneel on both knees; ~get down on the knees; ~kneel; ~go to the knees; ~kneel down; ~drop to both knees"
        )
    if offers:
        words = """
            ~propose on one knee; ~kneel and ~hold out a ring; ~go down on one knee to propose; ~propose marriage;
            ~kneel down and ~offer something with outstretched hands
        """
    said = say(";".join(w + end for w in words.split(";") for end in ends))
    joints = measure.smooth(motion.joints(), motion.fps)
    near = [joints[:, KNEE[s], 1] < measure.floor(stand.joints()) + 0.08 for s in sides]
    return made(motion, stand, said, "kneeling", measure.longest_run(np.all(near, axis=0)) / motion.fps > 0.5)


def ducking(stand: Motion, d: Draw) -> Pace | None:
    """Quickly down with a bent trunk, the hands near the head, and up again."""
    start, quick = d.between(0.1, 0.7), d.between(0.28, 0.42)
    stay = start + quick + d.between(0.15, 0.8)
    end = stay + d.between(0.4, 0.7)
    share = course(acting.seconds(stand), [(start, 0), (start + quick, 1), (stay, 1), (end, 0)])
    turn, (places, turns) = frame(stand), feet(stand)
    shift = share[:, None] * (-d.between(0.33, 0.46) * UP - d.between(0.06, 0.12) * quat_rotate(turn, AHEAD))
    motion = on_feet(tipped(moved_root(stand, shift), share * d.between(8, 18)), places, turns)
    motion = trunk(trunk(motion, share * d.between(25, 42)), share * d.between(0, 20), joints=HEAD)
    covers = d.generator.random() < 0.7
    if covers:
        # Ahead of a neck that is bent forward: the head is there.
        place = d.near((0.13, 0.1, 0.18), 0.02)
        when = [(start - 0.05, 0), (start + quick, 1), (stay, 1), (end + 0.1, 0)]
        motion = put(motion, dict.fromkeys(SIDES, place), OUT, turn, when)
    said = say("""
        ~duck; ~duck down to avoid something; ~duck under a punch; ~duck quickly;
        ~crouch down quickly to avoid being hit; ~duck and ~come up again; ~dodge by ducking down;
        ~duck under something flying overhead
    """)
    said += say("~duck, covering the head with both hands; ~duck and ~cover the head") if covers else []
    low = measure.lowered(motion.joints(), 0.3)
    return made(motion, stand, said, "ducking", stand.seconds > end and 0.1 < measure.longest_run(low) / motion.fps < 2)


def dodging(stand: Motion, d: Draw) -> Pace | None:
    """The trunk and the pelvis quickly to one side on bent knees and back, perhaps to the other side then."""
    side, guarded = d.side(0.5), d.generator.random() < 0.5
    sides = (side, OTHER[side]) if stand.seconds > 3 and d.generator.random() < 0.35 else (side,)
    at, keys = d.between(0.1, 0.5), [(0.0, 0.0)]
    begin = at
    for s in sides:
        quick = d.between(0.22, 0.38)
        stay = at + quick + d.between(0.05, 0.4)
        keys += [(at, 0.0), (at + quick, LEFT_OF[s] * d.between(0.85, 1.15)), (stay, LEFT_OF[s])]
        at = stay + d.between(0.35, 0.55)
        keys.append((at, 0.0))
    if at + 0.05 > stand.seconds:
        return None
    share = course(acting.seconds(stand), keys)
    turn, (places, turns) = frame(stand), feet(stand)
    wide, down = d.between(0.16, 0.25), d.between(0.06, 0.14)
    shift = wide * share[:, None] * quat_rotate(turn, LEFT) - down * abs(share)[:, None] * UP
    motion = on_feet(moved_root(stand, shift), places, turns)
    motion = trunk(motion, abs(share) * d.between(3, 14), 0.0, share * d.between(16, 28))
    motion = trunk(motion, roll=share * d.between(0, 10), joints=HEAD)
    if guarded:
        when = [(begin - 0.1, 0), (begin + 0.3, 1), (at - 0.1, 1), (at + 0.5, 0)]
        motion = put(motion, dict.fromkeys(SIDES, d.near((0.12, -0.1, 0.21), 0.03)), DOWN_OUT, turn, when)
    said = say(f"""
        ~dodge to the {side}; ~lean to the {side} to dodge; ~evade to the {side}; ~dodge something to the {side};
        ~lean {side} to avoid a punch; ~slip a punch to the {side}; ~dodge {side} without moving the feet
    """)
    if len(sides) == 2:
        said = say(f"""
            ~dodge {sides[0]} and {sides[1]}; ~dodge to the {sides[0]} and then to the {sides[1]}; ~dodge punches;
            ~lean to the {sides[0]} and then to the {sides[1]} to dodge; ~dodge from side to side; ~bob and ~weave
        """)
    went = (motion.joints()[:, measure.NECK] - stand.joints()[:, measure.NECK]) @ across(stand)
    return made(motion, stand, said, "dodging", min((went * LEFT_OF[s]).max() for s in sides) > 0.2)


def rising(stand: Motion, d: Draw) -> Pace | None:
    """Up on the toes of both feet and down again, once and long or several times."""
    times, count = acting.seconds(stand), d.one(1, 1, 1, 2, 3, 4)
    keys, at, each = [(0.0, 0.0)], d.between(0.1, 0.5), d.between(0.45, 0.8)
    for _ in range(count):
        stay = at + each + (d.between(0.8, 2.5) if count == 1 else d.between(0.1, 0.4))
        keys += [(at, 0.0), (at + each, 1.0), (stay, 1.0), (stay + each, 0.0)]
        at = stay + each + d.between(0.05, 0.3)
    if keys[-1][0] > stand.seconds:
        return None
    motion = on_feet(*on_toes(stand, d.between(52, 66), course(times, keys)))
    said = say("""
        ~stand on tiptoe; ~rise onto the toes; ~stand on the toes; ~go up on tiptoe; ~raise the heels off the floor;
        ~rise onto the toes and ~come down again; ~stand on tiptoes and ~lower the heels again
    """)
    if count > 1:
        often = {2: "twice", 3: "three times", 4: "four times"}[count]
        said = say(f"""
            ~rise onto the toes {often}; ~do {count} calf raises; ~do calf raises; ~raise the heels {often};
            ~go up on tiptoe {often}; ~rise up and down on the toes
        """)
    up = measure.smooth(motion.joints(), motion.fps)
    high = np.min([up[:, ANKLE[s], 1] - up[:, FOOT[s], 1] for s in SIDES], axis=0)
    return made(motion, stand, said, "on_toes", len(posture.intervals(high > 0.095, 2)) == count)


def one_leg(stand: Motion, d: Draw) -> Pace | None:
    """One foot lifted and kept up, the weight over the other, swaying a little."""
    side, start, up = d.side(0.5), d.between(0.0, 0.4), d.between(0.5, 0.9)
    lifted, stood = side, OTHER[side]
    down = stand.seconds - d.between(0.7, 1.0)
    if down - start - up < 0.7:
        return None
    lowers = down - start - up > 1.2 and d.generator.random() < 0.5
    back = [(down, 1.0), (down + 0.6, 0.0)] if lowers else []
    times, left = acting.seconds(stand), across(stand)
    turn, (places, turns), joints = frame(stand), feet(stand), stand.joints()
    over = course(times, [(start, 0), (start + 0.6 * up, 1), *back])
    lift = course(times, [(start + 0.3 * up, 0), (start + up + 0.2, 1), *back])
    tree = d.generator.random() < 0.3
    way, out, ahead, high, tip = d.one(
        ("in front", 0.0, d.between(0.15, 0.28), d.between(0.28, 0.4), d.between(5, 30)),
        ("behind", 0.0, -d.between(0.25, 0.38), d.between(0.25, 0.4), d.between(45, 80)),
        ("", d.between(0.03, 0.12), d.between(0.0, 0.12), d.between(0.25, 0.36), d.between(10, 35)),
    )
    if tree:
        way, out, ahead, high, tip = "", -0.04, 0.06, d.between(0.36, 0.44), d.between(20, 45)
    wave = lift * np.sin(times * d.between(2.5, 4.5) + d.between(0, 6))
    to = (joints[:, ANKLE[stood]] - joints[:, measure.PELVIS]).mean(0) @ left
    motion = moved_root(stand, (0.8 * to * over + 0.008 * wave)[:, None] * left - 0.01 * over[:, None] * UP)
    away = np.array([LEFT_OF[lifted] * out, high, ahead])
    places[lifted] = places[lifted] + lift[:, None] * quat_rotate(turn, away)
    turns[lifted] = quat_multiply(axis_angle_to_quat(quat_rotate(turn, LEFT), np.radians(tip) * lift), turns[lifted])
    motion = trunk(on_feet(motion, places, turns), 0.0, 0.0, d.between(1, 4) * wave)
    when = [(start, 0), (start + up, 1), *([(down + 0.1, 1), (down + 0.7, 0)] if lowers else [])]
    above = d.generator.random() < 0.6
    if tree:
        palms = (0.04, 0.5, 0.06) if above else (0.035, -0.2, 0.21)
        motion = put(motion, dict.fromkeys(SIDES, palms), OUT if above else (0.9, -0.7, -0.1), turn, when)
    elif d.generator.random() < 0.65:
        arms = (1.0, d.between(-0.3, 0.1), d.between(0.0, 0.3))
        motion = put(motion, stretched(motion, SIDES, arms, d.between(0.88, 0.98)), OUT, turn, when)
    said = say(f"""
        ~stand on one leg; ~stand on the {stood} leg; ~balance on one foot; ~balance on the {stood} leg;
        ~lift the {lifted} foot and ~balance on the {stood} leg; ~stand on one foot; ~balance on one leg;
        ~hold the {lifted} foot off the floor; ~stand on the {stood} leg with the {lifted} foot lifted {way}
    """)
    if tree:
        where = "above the head" if above else "in front of the chest"
        said = say(f"""
            ~do the yoga tree pose; ~hold the tree pose; ~stand in tree pose on the {stood} leg; ~do a yoga pose on one leg;
            ~stand on one leg with the palms together {where}; ~balance on one leg, palms together {where}
        """)
    feet_up = motion.joints()[:, ANKLE[lifted], 1] - motion.joints()[:, ANKLE[stood], 1]
    return made(motion, stand, said, "one_leg", measure.longest_run(feet_up > 0.2) / motion.fps > 0.8)
