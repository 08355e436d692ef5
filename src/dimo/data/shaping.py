"""What paces are made with: the trunk bent and turned, feet moved and still standing, hands held at places, words.

Feet that stood still stand still afterwards, if not where they stood: while a foot carries the body its shift is
constant. The pelvis comes down where the legs would be too short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dimo.body import acting, measure, posture
from dimo.body.acting import AHEAD, LEFT, LEFT_OF, Key, bend, course, feet, frame, moved_root
from dimo.body.measure import ANKLE, ELBOW, FOOT, NECK, SHOULDER, WRIST
from dimo.body.motion import Motion
from dimo.body.posture import SIDES
from dimo.body.rotation import axis_angle_to_quat, normalise, quat_conjugate, quat_multiply, quat_rotate
from dimo.data.gestures import SPINE, Draw
from dimo.data.paces import Pace, standing
from dimo.data.phrases import Pairs
from dimo.text.verbs import gerund, third_person

Place = tuple[float, float, float]
BEFORE = (0.2, -0.12, 0.35)
"""Place of a hand ahead of its shoulder."""
QUICK_MPS2 = 120.0
"""Acceleration up to which nothing jumps, unless the body's own is as great: elbows that flip have more."""
DEEPEST_M = 0.05
"""A joint may be so far below the floor, or below where the body had its lowest."""


# ---- words and checks


def say(sentences: str) -> Pairs:
    """Finite and -ing forms of sentences with ; between them and ~ before the stem of each verb: "~kneel and ~rise"."""
    each = [" ".join(s.split()) for s in sentences.split(";")]
    finite, ing = (lambda verb: third_person(verb[1])), (lambda verb: gerund(verb[1]))
    return [(re.sub(r"~([\w-]+)", finite, s), re.sub(r"~([\w-]+)", ing, s)) for s in each]


def made(motion: Motion, body: Motion, said: Pairs, kind: str, shown: bool) -> Pace | None:
    """The pace, unless what should show does not, or a joint jumps or is deeper below the floor than the body was."""
    quickest, own = (np.abs(np.diff(m.joints(), 2, axis=0)).max() * m.fps**2 for m in (motion, body))
    deepest = min(0.0, body.joints()[..., 1].min()) - DEEPEST_M
    sound = quickest < max(QUICK_MPS2, own + 30) and motion.joints()[..., 1].min() > deepest
    return Pace(motion, said, kind) if shown and sound else None


def places_of(motion: Motion, joints: Mapping[str, int] = WRIST) -> dict[str, np.ndarray]:
    """(F, 3) of each side: where a joint is from the neck, x to the body's left."""
    at, back = motion.joints(), quat_conjugate(frame(motion))
    return {s: quat_rotate(back, at[:, j] - at[:, NECK]) for s, j in joints.items()}


def mostly(mask: np.ndarray) -> bool:
    """Whether it holds but for a few frames."""
    return bool(mask.mean() > 0.85)


def kept(motion: Motion, places: Mapping[str, Place], within: float) -> bool:
    """Whether hands are mostly so near, in metres, to places."""
    off = (
        np.linalg.norm(w * [LEFT_OF[s], 1, 1] - places[s], axis=-1) for s, w in places_of(motion).items() if s in places
    )
    return all(mostly(o < within) for o in off)


def weaving(joints: np.ndarray) -> float:
    """Width in metres of the band along a straight line in which the pelvis goes."""
    ground = joints[:, measure.PELVIS][:, [0, 2]]
    return float(np.ptp((ground - ground.mean(0)) @ np.linalg.svd(ground - ground.mean(0), full_matrices=False)[2][1]))


# ---- trunk, feet and hands


def trunk(
    motion: Motion,
    pitch: np.ndarray | float = 0.0,
    yaw: np.ndarray | float = 0.0,
    roll: np.ndarray | float = 0.0,
    joints: Mapping[int, float] = SPINE,
) -> Motion:
    """The trunk, or the head, bent forward, turned to the left and leaning to the left, in degrees."""
    motion = bend(motion, joints, np.radians(yaw), np.radians(pitch))
    rotations = motion.rotations.copy()
    for j, share in joints.items():
        rotations[:, j] = quat_multiply(rotations[:, j], axis_angle_to_quat(-AHEAD, np.radians(roll) * share))
    return replace(motion, rotations=rotations)


def stances(motion: Motion) -> dict[str, np.ndarray]:
    """(F,) bool of each foot: whether its heel or its toes stand."""
    joints, heels = motion.joints(), standing(motion)
    out = {}
    for side in SIDES:
        toe = joints[:, FOOT[side]]
        fast = np.linalg.norm(np.gradient(toe[:, [0, 2]], axis=0), axis=-1) * motion.fps
        out[side] = heels[side] | ((fast < 0.35) & (toe[:, 1] < np.percentile(toe[:, 1], 5) + 0.04))
    return out


def stepped(motion: Motion, shift: dict[str, np.ndarray], loose: float = 0.0) -> dict[str, np.ndarray]:
    """Shifts (F,) of each foot that are constant while it stands, and ease from one to the next while it swings.

    loose: the share of it that a foot is without half way between.
    """
    out, frames = {}, np.arange(len(motion))
    for side, stood in stances(motion).items():
        spans = posture.intervals(stood, 3) or [(0, len(frames))]
        keys = [(f, float(shift[side][a:b].mean())) for a, b in spans for f in (float(a), b - 1.0)]
        swing = np.zeros(len(frames))
        for (_, a), (b, _) in zip(spans[:-1], spans[1:], strict=True):
            swing += np.sin(np.pi * np.clip((frames - a + 1) / (b - a + 1), 0, 1)) ** 2
        out[side] = course(frames, keys) * (1 - loose * swing)
    return out


def across(motion: Motion) -> np.ndarray:
    """The unit direction to the left of the whole way."""
    return normalise(quat_rotate(frame(motion), LEFT).mean(0))


def straight(motion: Motion) -> bool:
    """Whether it keeps its heading."""
    return bool((quat_rotate(frame(motion), LEFT) @ across(motion)).min() > 0.9)


def leant(motion: Motion, pitch: float) -> float:
    """By how many degrees the trunk is to be bent forward to be at that pitch."""
    return max(0.0, pitch - float(np.median(measure.pitch_degrees(motion.joints()))))


def rocking(motion: Motion) -> np.ndarray:
    """(F,) from -1 to 1: over which foot the body is, 1 the left one."""
    stood = standing(motion)
    return measure.moving_average(stood["left"].astype(float) - stood["right"], round(0.5 * motion.fps) | 1)


def on_toes(
    motion: Motion, slant: float, share: np.ndarray | float = 1.0
) -> tuple[Motion, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Feet pitched forward about their toes until they slope by `slant` degrees or more (a flat one does by 25), the
    body raised with them; and where the ankles then are, and how turned. share: how far on the way to it they are."""
    joints, (places, turns) = motion.joints(), feet(motion)
    axis, moved = quat_rotate(frame(motion), LEFT), []
    for side in SIDES:
        foot = joints[:, ANKLE[side]] - joints[:, FOOT[side]]
        own = np.degrees(np.arcsin(foot[:, 1] / np.linalg.norm(foot, axis=-1)))
        more = measure.moving_average(share * np.maximum(slant - own, 0.0), round(0.15 * motion.fps) | 1)
        turned = axis_angle_to_quat(axis, np.radians(more))
        places[side] = joints[:, FOOT[side]] + quat_rotate(turned, foot)
        turns[side] = quat_multiply(turned, turns[side])
        moved.append(places[side] - joints[:, ANKLE[side]])
    lift = measure.moving_average(np.mean(moved, axis=0), round(0.3 * motion.fps) | 1)
    return moved_root(motion, lift), places, turns


def stretched(motion: Motion, sides: Sequence[str], way: Place, share: float) -> dict[str, Place]:
    """Where hands are whose arms point that way from the shoulder, at so large a share of the length of the arm."""
    out = {}
    for side in sides:
        x, y, z = np.median(places_of(motion, SHOULDER)[side], axis=0) * [LEFT_OF[side], 1, 1]
        arm = motion.skeleton.lengths[ELBOW[side]] + motion.skeleton.lengths[WRIST[side]]
        u, v, w = normalise(np.array(way)) * share * arm
        out[side] = (float(x + u), float(y + v), float(z + w))
    return out


def hold(motion: Motion, places: Mapping[str, Place], elbow: Place, turn: np.ndarray, d: Draw, sway=0.015) -> Motion:
    """Hands kept near places, swaying by so many metres."""
    for side, place in places.items():
        # The elbow starts from where the arm is: from where it hangs, and not from where it swings.
        arm, rotations = [SHOULDER[side], ELBOW[side]], motion.rotations.copy()
        rotations[:, arm] = rotations[motion.joints()[:, WRIST[side], 1].argmin(), arm]
        motion = replace(motion, rotations=rotations)
        if place[1] > -0.1:
            # An elbow turns with the arm from where it was; from hanging to upright there are too many ways.
            motion = acting.lead_hand(motion, side, [Key(0.0, BEFORE)], elbow, turn)
        keys = [Key(0.0, d.near(place, sway))]
        while keys[-1].seconds < motion.seconds:
            keys.append(Key(keys[-1].seconds + d.between(0.5, 1.0), d.near(place, sway)))
        motion = acting.lead_hand(motion, side, keys, elbow, turn)
    return motion


def put(
    motion: Motion, places: Mapping[str, Place], elbow: Place, turn: np.ndarray, when: Sequence[tuple[float, float]]
) -> Motion:
    """Hands at places from when the values of a course (seconds, value) are 1 until they are 0 again, or to the end."""
    for side, place in places.items():
        keys = [Key(seconds, place if value else None) for seconds, value in when]
        motion = acting.lead_hand(motion, side, keys, elbow, turn)
    return motion
