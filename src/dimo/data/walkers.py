"""More ways to walk that hardly anybody recorded: with one hand somewhere, backwards, sadly, in a stiff march.

Made like dimo.data.ways from real walking, with what dimo.data.shaping has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dimo.body import acting, measure, posture
from dimo.body.acting import LEFT_OF, UP, course, feet, frame, minimum_jerk, on_feet
from dimo.body.measure import ANKLE, HIP
from dimo.body.motion import Motion
from dimo.body.posture import OTHER, SIDES
from dimo.data.gestures import DOWN_OUT, HEAD, OUT, Draw
from dimo.data.paces import Pace, slower
from dimo.data.shaping import (
    across,
    hold,
    kept,
    made,
    mostly,
    places_of,
    say,
    stances,
    straight,
    stretched,
    trunk,
)

ONE_HAND: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], str]] = {
    "phone": (
        (0.13, 0.06, 0.12),
        DOWN_OUT,
        "~walk with a phone at the ear; ~talk on the phone while walking; ~walk, holding a phone to the {side} ear; "
        "~walk around on the phone; ~walk slowly with a phone held to the ear",
    ),
    "head": (
        (0.13, 0.22, 0.04),
        OUT,
        "~walk with one hand on the head; ~carry a jar on the head, holding it with the {side} hand; "
        "~walk, holding a basket on the head with one hand; ~carry something on the head",
    ),
    "torch": (
        (0.16, 0.02, 0.4),
        DOWN_OUT,
        "~walk, holding a torch up ahead; ~walk with a lantern held up in the {side} hand; "
        "~walk with one arm stretched out in front; ~hold a candle ahead while walking",
    ),
    "umbrella": (
        (0.12, -0.1, 0.24),
        DOWN_OUT,
        "~walk with an umbrella; ~walk, holding an umbrella in the {side} hand; ~carry an umbrella; "
        "~walk in the rain under an umbrella",
    ),
    "chest": (
        (-0.02, -0.22, 0.18),
        DOWN_OUT,
        "~walk with a hand on the chest; ~walk, clutching the chest with the {side} hand; ~walk, holding the heart",
    ),
    "side": (
        (0.12, -0.42, 0.14),
        (1.0, -0.4, -0.4),
        "~walk, holding the {side} side in pain; ~walk, wounded, a hand pressed to the side; ~clutch the ribs while walking",
    ),
    "eyes": (
        (0.06, 0.16, 0.2),
        OUT,
        "~walk, shading the eyes with the {side} hand; ~walk with a hand over the eyes against the sun; "
        "~walk, looking into the distance with a hand at the brow",
    ),
    "up": (
        (0.2, 0.42, 0.1),
        OUT,
        "~walk with the {side} arm raised; ~walk with one hand up; ~walk with one arm in the air",
    ),
}
"""Where one hand of somebody who walks is, where its elbow points, and words."""


def one_handed(walk: Motion, d: Draw) -> Pace | None:
    """One hand kept at one place, the other arm swinging."""
    name, side = d.one(*ONE_HAND), d.side(0.6)
    place, elbow, words = ONE_HAND[name]
    motion = slower(walk, d.between(1.0, 1.4))
    turn = frame(motion)
    if name == "side":
        motion = trunk(motion, d.between(8, 20), 0.0, LEFT_OF[side] * d.between(3, 8))
    motion = hold(motion, {side: d.near(place, 0.02)}, elbow, turn, d, 0.008)
    return made(motion, walk, say(words.format(side=side)), f"one_handed_{name}", kept(motion, {side: place}, 0.14))


AWAY: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], str]] = {
    "up": (
        (0.28, 0.15, 0.1),
        (1.0, -0.6, 0.1),
        "~back away with both hands up; ~walk backwards with both hands raised; ~back away with the hands up in surrender; "
        "~step back, holding both hands up",
    ),
    "guard": (
        (0.12, -0.1, 0.22),
        DOWN_OUT,
        "~back away with raised fists; ~walk backwards with the guard up; ~retreat, both fists in front of the chin",
    ),
    "gun": (
        (0.04, -0.05, 0.42),
        (0.7, -1.0, 0.0),
        "~walk backwards aiming a gun; ~back away, pointing a gun ahead with both hands; ~retreat with a pistol raised",
    ),
    "ward": (
        (0.17, -0.06, 0.42),
        DOWN_OUT,
        "~back away with both hands stretched out in front; ~back away in fear; ~retreat in fear with the hands held out",
    ),
}
"""Where both hands of somebody are who backs away, where their elbows point, and words."""


def backing(walk: Motion, d: Draw) -> Pace | None:
    """A walk that runs backwards, with both hands somewhere."""
    name = d.one(*AWAY)
    place, elbow, words = AWAY[name]
    motion = slower(replace(walk, root=walk.root[::-1], rotations=walk.rotations[::-1]), d.between(1.15, 1.7))
    turn = frame(motion)
    if name == "ward":
        motion = trunk(motion, -d.between(2, 10))
    motion = hold(motion, dict.fromkeys(SIDES, d.near(place, 0.02)), elbow, turn, d, 0.012)
    back = posture.ahead(motion.joints()) < -0.5
    return made(motion, walk, say(words), f"backing_{name}", back and kept(motion, dict.fromkeys(SIDES, place), 0.14))


def sad(walk: Motion, d: Draw) -> Pace | None:
    """Slowly, the head and the shoulders down, the hands hanging or at the back."""
    motion = slower(walk, d.between(1.4, 2.0))
    turn = frame(motion)
    bent = d.between(18, 32)
    motion = trunk(trunk(motion, bent), d.between(22, 38), joints=HEAD)
    tied = d.generator.random() < 0.35
    if tied:
        place = (d.between(0.02, 0.06), d.between(-0.46, -0.4), -d.between(0.14, 0.18))
        motion = hold(motion, dict.fromkeys(SIDES, place), (1.0, -0.2, -0.6), turn, d, 0.006)
        said = say("""
            ~trudge with the hands tied behind the back; ~walk like a prisoner, head down, hands behind the back;
            ~walk slowly with the head down and both hands behind the back; ~trudge along, hands tied behind the back
        """)
    else:
        hang = {s: (0.2, -0.55, d.between(0.05, 0.14)) for s in SIDES}
        motion = hold(motion, hang, (0.5, 0.0, -1.0), turn, d, 0.025)
        said = say("""
            ~walk sadly; ~walk with the head down; ~trudge along; ~walk slowly with hanging shoulders; ~trudge, head down;
            ~walk as if exhausted; ~shuffle along tiredly; ~walk dejectedly, looking at the floor; ~walk like a sad person
        """)
    down = measure.pitch_degrees(motion.joints()) - measure.pitch_degrees(walk.joints()).mean()
    behind = all(mostly(w[:, 2] < -0.02) for w in places_of(motion).values()) if tied else True
    return made(motion, walk, said, "sad", behind and mostly(down > 3))


def goose_step(walk: Motion, d: Draw) -> Pace | None:
    """Each leg swung up straight ahead, the arms swinging stiffly against it."""
    if not straight(walk):
        return None
    motion = slower(walk, d.between(1.4, 1.9))
    turn, (places, turns) = frame(motion), feet(motion)
    ahead, high = np.cross(across(motion), UP), np.radians(d.between(42, 56))
    lengths, joints, swinging = motion.skeleton.lengths, motion.joints(), {}
    for side, stood in stances(motion).items():
        swing = np.zeros(len(motion))
        for a, b in posture.intervals(~stood, 4):
            t = np.clip((np.arange(len(motion)) - a + 1) / (b - a + 1), 0, 1)
            # Highest late in the swing, when the foot is ahead of the body.
            swing += course(t, [(0.0, 0.0), (0.6, 1.0), (1.0, 0.0)])
        swinging[side] = measure.moving_average(swing, 5)
        leg = 0.99 * (lengths[posture.KNEE[side]] + lengths[ANKLE[side]])
        up = joints[:, HIP[side]] + leg * (np.sin(high) * ahead - np.cos(high) * UP)
        places[side] = places[side] + swinging[side][:, None] * (up - places[side])
    motion = on_feet(trunk(motion, -d.between(0, 6)), places, turns)
    for side in SIDES:
        share = minimum_jerk(np.clip(swinging[OTHER[side]], 0, 1))
        back = np.array(stretched(motion, (side,), (0.12, -1.0, -0.15), 0.98)[side])
        front = np.array(stretched(motion, (side,), (0.05, -0.6, 0.9), 0.98)[side])
        path = back + share[:, None] * (front - back)
        motion = acting.swing_hand(motion, side, path, np.full(len(motion), 0.95), turn)
    said = say("""
        ~march like a soldier; ~goose-step; ~march with straight legs; ~march stiffly like a toy soldier;
        ~parade, swinging the straight legs up; ~march on parade with stiff arms and legs; ~march like a tin soldier
    """)
    rise = [np.ptp(motion.joints()[:, ANKLE[s], 1]) for s in SIDES]
    return made(motion, walk, said, "goose_step", min(rise) > 0.14)


PACES: dict[str, tuple[Callable[[Motion, Draw], Pace | None], bool, float]] = {
    "one_handed": (one_handed, True, 1.6),
    "backing": (backing, True, 1.2),
    "sad": (sad, True, 1.0),
    "goose_step": (goose_step, True, 0.7),
}
"""Ways: how, whether on somebody who walks, and how often each is drawn."""
