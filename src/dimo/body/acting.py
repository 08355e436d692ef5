"""Limbs led along paths that are written down: hands to places around the body, the trunk turned and bent, feet lifted.

Places are metres in a frame that goes with the body: x to its left, y up, z ahead of it, in its smoothed heading. Between two
places a hand moves with minimum jerk (Flash and Hogan 1985), on a straight line or on an arc (a quadratic Bezier curve).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dimo.body import limbs, measure, posture
from dimo.body.limbs import Limb
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat, quat_multiply, quat_rotate, yaw_to_quat

LEFT_OF = {"left": 1.0, "right": -1.0}
ARM = {s: Limb(measure.SHOULDER[s], measure.ELBOW[s], measure.WRIST[s]) for s in ("left", "right")}
BEND_M, FIRM = 0.03, 5.0
"""What the elbow's direction weighs against where the elbow is, in metres of bend: of a hand that is its own, of one led."""
BACK = (0.3, -0.4, -1.0)
"""Where the elbow of a swinging arm points."""
LEG = {s: Limb(measure.HIP[s], posture.KNEE[s], measure.ANKLE[s]) for s in posture.SIDES}
LEFT, UP, AHEAD = np.eye(3)
STRAIGHT = 0.998
"""Share of the length of a leg that it may be stretched to."""
STEADY_SECONDS = 0.5
"""The heading is smoothed so long: hips that sway must not sway a hand that is held."""


@dataclass(frozen=True)
class Key:
    """Where a hand is at a time: `place` from the neck joint, its x away from the body's middle; None: where it is anyhow.

    via: the place that bends the way there into an arc.
    """

    seconds: float
    place: tuple[float, float, float] | None = None
    via: tuple[float, float, float] | None = None


def minimum_jerk(t: np.ndarray) -> np.ndarray:
    """From 0 to 1 while t goes from 0 to 1, at rest at both ends."""
    t = np.clip(t, 0, 1)
    return t**3 * (10 - 15 * t + 6 * t**2)


def course(times: np.ndarray, keys: Sequence[tuple[float, float]]) -> np.ndarray:
    """(F,) a number that goes through keys of (seconds, value) with minimum jerk between them, constant outside."""
    out = np.full(len(times), keys[0][1], float)
    for (a, va), (b, vb) in zip(keys[:-1], keys[1:], strict=True):
        out = np.where(times >= a, va + (vb - va) * minimum_jerk((times - a) / max(b - a, 1e-9)), out)
    return out


def frame(motion: Motion) -> np.ndarray:
    """(F, 4) rotation from body places to the world: the smoothed heading."""
    h = measure.moving_average(measure.heading(motion.joints()), round(STEADY_SECONDS * motion.fps) | 1)
    return yaw_to_quat(h)


def seconds(motion: Motion) -> np.ndarray:
    return np.arange(len(motion)) / motion.fps


def lead_hand(
    motion: Motion, side: str, keys: Sequence[Key], elbow: tuple[float, float, float], turn: np.ndarray
) -> Motion:
    """The motion with a hand led through keys; `elbow`, as a direction in body places, is where the elbow points meanwhile.

    turn: (F, 4) what `frame` says of the body before its trunk was twisted. Places hang on the neck as it is, so that a hand at
    the mouth stays there while the body walks or bows.
    """
    times = seconds(motion)
    joints = motion.joints()
    own, neck = joints[:, measure.WRIST[side]], joints[:, measure.NECK]

    def world(place: tuple[float, float, float] | None) -> np.ndarray:
        return own if place is None else neck + quat_rotate(turn, _on(side, place))

    target, led = world(keys[0].place).copy(), np.full(len(own), float(keys[0].place is not None))
    for a, b in zip(keys[:-1], keys[1:], strict=True):
        t = minimum_jerk((times - a.seconds) / max(b.seconds - a.seconds, 1e-9))[:, None]
        start, end = world(a.place), world(b.place)
        way = (1 - t) * start + t * end
        if b.via is not None:
            way = (1 - t) ** 2 * start + 2 * t * (1 - t) * world(b.via) + t**2 * end
        now = times >= a.seconds
        target = np.where(now[:, None], way, target)
        share = (1 - t[:, 0]) * (a.place is not None) + t[:, 0] * (b.place is not None)
        led = np.where(now, share, led)
    return _put_hand(motion, side, target, led, quat_rotate(turn, _on(side, elbow)))


def swing_hand(motion: Motion, side: str, path: np.ndarray, share: np.ndarray, turn: np.ndarray) -> Motion:
    """The motion with a hand on a path (F, 3) of places, by a share (F,) of the way there from where it is."""
    joints = motion.joints()
    own = joints[:, measure.WRIST[side]]
    there = joints[:, measure.NECK] + quat_rotate(turn, _on(side, path))
    return _put_hand(motion, side, own + share[:, None] * (there - own), share, quat_rotate(turn, _on(side, BACK)))


def _on(side: str, places: Sequence[float] | np.ndarray) -> np.ndarray:
    """Places (..., 3) whose x is away from the body's middle, on that side of it."""
    return np.asarray(places, float) * [LEFT_OF[side], 1, 1]


def _put_hand(motion: Motion, side: str, target: np.ndarray, led: np.ndarray, elbow: np.ndarray) -> Motion:
    """The motion with a wrist at target (F, 3), turned as it was; led (F,): how far the elbow obeys the direction elbow (F, 3)."""
    wrist = motion.global_rotations()[:, measure.WRIST[side]]
    return limbs.reach(motion, ARM[side], target, wrist, elbow, BEND_M + FIRM * led[:, None])


def bend(motion: Motion, joints: Mapping[int, float], yaw: np.ndarray | float, pitch: np.ndarray | float) -> Motion:
    """Joints turned about their own vertical (to the left) and bent forward, in radians, each by its share."""
    rotations = motion.rotations.copy()
    for j, share in joints.items():
        turned = axis_angle_to_quat(np.array([0.0, 1, 0]), np.asarray(yaw, float) * share)
        bent = axis_angle_to_quat(np.array([1.0, 0, 0]), np.asarray(pitch, float) * share)
        rotations[:, j] = quat_multiply(rotations[:, j], quat_multiply(turned, bent))
    return replace(motion, rotations=rotations)


def shrug(motion: Motion, angle: np.ndarray) -> Motion:
    """Both shoulders raised by an angle (F,) in radians about the collar bones' inner ends."""
    rotations = motion.rotations.copy()
    for side, j in measure.COLLAR.items():
        raised = axis_angle_to_quat(np.array([0.0, 0, 1]), LEFT_OF[side] * angle)
        rotations[:, j] = quat_multiply(rotations[:, j], raised)
    return replace(motion, rotations=rotations)


def moved_root(motion: Motion, shift: np.ndarray) -> Motion:
    return replace(motion, root=motion.root + shift)


def feet(motion: Motion) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Where the ankles are and how they are turned."""
    joints, world = motion.joints(), motion.global_rotations()
    places = {s: joints[:, j].copy() for s, j in measure.ANKLE.items()}
    return places, {s: world[:, j] for s, j in measure.ANKLE.items()}


def put_feet(motion: Motion, places: dict[str, np.ndarray], turns: dict[str, np.ndarray]) -> Motion:
    """Ankles at places (F, 3), oriented turns (F, 4) in the world; knees go on pointing where they point, or ahead."""
    ahead = quat_rotate(frame(motion), AHEAD)
    for side, leg in LEG.items():
        motion = limbs.reach(motion, leg, places[side], turns[side], ahead)
    return motion


def on_feet(motion: Motion, places: dict[str, np.ndarray], turns: dict[str, np.ndarray]) -> Motion:
    """put_feet with the pelvis lowered, smoothly, where a leg is too short."""
    joints, drop = motion.joints(), np.zeros(len(motion))
    lengths = motion.skeleton.lengths
    for side in posture.SIDES:
        leg = STRAIGHT * (lengths[posture.KNEE[side]] + lengths[measure.ANKLE[side]])
        x, y, z = (joints[:, measure.HIP[side]] - places[side]).T
        drop = np.maximum(drop, y - np.sqrt(np.maximum(leg**2 - x**2 - z**2, 0)))
    half = round(0.15 * motion.fps)
    most = np.lib.stride_tricks.sliding_window_view(np.pad(drop, half, mode="edge"), 2 * half + 1).max(axis=1)
    return put_feet(moved_root(motion, -measure.moving_average(most, half)[:, None] * UP), places, turns)


def tipped(motion: Motion, pitch: np.ndarray | float) -> Motion:
    """The whole body turned forward about the pelvis, in degrees; its feet are to be put back."""
    rotations = motion.rotations.copy()
    turned = axis_angle_to_quat(quat_rotate(frame(motion), LEFT), np.radians(pitch) * np.ones(len(motion)))
    rotations[:, 0] = quat_multiply(turned, rotations[:, 0])
    return replace(motion, rotations=rotations)
