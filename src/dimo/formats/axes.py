"""Which way is up in a file, told from the body, and bodies turned so that it is +Y."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.mapping import Roles, rest_pose
from dimo.body.motion import Motion
from dimo.body.rotation import (
    IDENTITY,
    axis_angle_to_quat,
    normalise,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
)
from dimo.body.skeleton import Skeleton

AXES = ("x", "y", "z")
TO_Y = {
    "x": axis_angle_to_quat(np.array([0.0, 0.0, 1.0]), np.array(np.pi / 2)),
    "y": IDENTITY,
    "z": axis_angle_to_quat(np.array([1.0, 0.0, 0.0]), np.array(-np.pi / 2)),
}
"""The turn that takes each axis to +Y. Of "z" it takes -Y, where tools with Z up have the front, to +Z."""

UPRIGHT = 0.8
"""Cosine of the angle to an axis below which a body stands along it."""

SAMPLES = 200
"""Frames looked at, evenly spaced."""


def poses(motion: Motion, most: int = SAMPLES) -> np.ndarray:
    """World joints (N, J, 3) of up to `most` frames, evenly spaced."""
    at = np.unique(np.linspace(0, len(motion) - 1, most).round().astype(int))
    return forward(motion.skeleton, motion.root[at], motion.rotations[at])


def body_axis(joints: np.ndarray, roles: Roles) -> tuple[np.ndarray, np.ndarray]:
    """Direction (N, 3) from the ankles to the head of poses (N, J, 3), and whether trunk and legs are in line (N,)."""

    def at(*names: str) -> np.ndarray:
        return np.mean([joints[:, list(roles[n])].mean(1) for n in names], axis=0)

    head = at("neck" if "neck" in roles else "head")
    pelvis, ankles = at("left_hip", "right_hip"), at("left_ankle", "right_ankle")
    straight = np.sum(normalise(head - pelvis) * normalise(pelvis - ankles), axis=-1) > 0.5
    return normalise(head - ankles), straight


def rest_axis(motion: Motion, roles: Roles) -> str | None:
    """The axis along which the body stands at rest, None where the rest pose is no standing body."""
    along, straight = body_axis(rest_pose(motion.skeleton)[None], roles)
    best = int(np.argmax(along[0]))
    return AXES[best] if straight[0] and along[0, best] > UPRIGHT else None


def find_up(motion: Motion, roles: Roles, declared: str | None) -> tuple[str, str]:
    """The axis that is up in the world of a motion, and what told it.

    declared: what the file or its format says. The rest pose counts most: a body that lies or crawls throughout still
    rests upright. It is overruled where nearly all frames stand along another axis with the feet on its zero plane.
    """
    joints = poses(motion)
    along, straight = body_axis(joints, roles)
    upright = {a: float(np.mean(straight & (along[:, i] > UPRIGHT))) for i, a in enumerate(AXES)}
    at_rest = rest_axis(motion, roles)
    moved = max(upright, key=lambda a: upright[a])
    if declared is not None:
        if at_rest == moved != declared and upright[moved] > 0.5 and upright[declared] < 0.1:
            return moved, f"the body stands along it, though the format's up is {declared}"
        return declared, "by the format"
    if at_rest is None:
        return (moved, "the body stands along it") if upright[moved] >= 0.5 else ("y", "nothing says otherwise")
    if upright[at_rest] < 0.1 and upright[moved] > 0.9 and _stands(joints, AXES.index(moved), AXES.index(at_rest)):
        return moved, f"the body moves standing along it, though it rests along {at_rest}"
    return at_rest, "the body rests standing along it"


def _stands(joints: np.ndarray, axis: int, other: int) -> bool:
    """Whether the lowest joints along an axis stay at 0, and along the other do not (as those of a lying body would)."""
    height = float(np.median(np.ptp(joints[..., axis], axis=1)))
    low, side = (float(np.percentile(joints[..., a].min(axis=1), 5)) for a in (axis, other))
    return abs(low) < 0.15 * height and not -0.03 * height < side < 0.1 * height


def turn_up(motion: Motion, up: str, rest: str | None) -> Motion:
    """The motion with its `up` axis turned to +Y; its rest pose too, unless that stands along +Y already."""
    if up == "y":
        return motion
    q = TO_Y[up]
    root = quat_rotate(q, motion.root)
    if rest == "y":
        rotations = motion.rotations.copy()
        rotations[:, 0] = quat_multiply(q, rotations[:, 0])
        return replace(motion, root=root, rotations=quat_continuous(rotations))
    rotations = motion.rotations.copy()  # q r q^-1: the same rotation about turned axes
    rotations[..., 1:] = quat_rotate(q, rotations[..., 1:])
    skeleton = replace(motion.skeleton, offsets=quat_rotate(q, motion.skeleton.offsets))
    return replace(motion, skeleton=skeleton, root=root, rotations=rotations)


def from_y(
    skeleton: Skeleton, places: Mapping[int, np.ndarray], rotations: np.ndarray, up: str, *, root_only: bool = False
) -> tuple[Skeleton, dict[int, np.ndarray], np.ndarray]:
    """What turn_up undoes: rest offsets, places (F, 3) of joints in their parents, and rotations (F, J, 4) with `up` for +Y.

    root_only: the rest pose stays along +Y, and the root alone turns.
    """
    if up == "y":
        return skeleton, dict(places), rotations
    q = quat_conjugate(TO_Y[up])
    rotations = rotations.copy()
    if root_only:
        rotations[:, 0] = quat_multiply(q, rotations[:, 0])
        return skeleton, {j: quat_rotate(q, p) if j == 0 else p for j, p in places.items()}, rotations
    rotations[..., 1:] = quat_rotate(q, rotations[..., 1:])
    turned = replace(skeleton, offsets=quat_rotate(q, skeleton.offsets), source=None)
    return turned, {j: quat_rotate(q, p) for j, p in places.items()}, rotations
