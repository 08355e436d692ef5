"""The HumanML3D motion representation: joint positions to features and back (Guo et al. 2022, section 3).

A frame is [root angular velocity 1 | root linear velocity x,z 2 | root height 1 | joint positions 3(J-1) |
joint rotations 6(J-1) | joint velocities 3J | foot contacts 4]. Metres (published KIT: its own unit) and radians, per frame.

Two modes. "published" repeats the public code bit for bit in meaning, with its known defects, for data and evaluators
made with it. "exact" is ours: the hips enter the facing direction in the intended order, heading is neither delayed by
long smoothing nor forced to identity at frame 0, the sign of a turn never flips at 180 degrees, straight-back bones give
no NaN, and F frames give F vectors (the last one repeats the last velocities) where the published code gives F - 1.
Both decode with the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from dimo.body.contact import UP, facing, heading
from dimo.body.kinematics import inverse
from dimo.body.limbs import reach
from dimo.body.motion import Motion
from dimo.body.rotation import (
    matrix_to_sixd,
    normalise,
    quat_between,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
    sixd_to_matrix,
    yaw_to_quat,
)
from dimo.body.skeleton import Skeleton
from dimo.errors import ShapeError
from dimo.features.layouts import Layout, layout_for

Mode = Literal["exact", "published"]

BENT, STRAIGHT = 0.7, 0.95
"""Distances of a wrist from its shoulder, in lengths of the arm, up to which it is put where it was decoded, and from which it
keeps the bend that its bones had."""
PUBLISHED_SMOOTHING = 20.0
"""Sigma in frames of the public code's Gaussian on the facing direction."""
EXACT_SMOOTHING = 4.0
"""Sigma of ours: removes the sway of the hips within a step, follows a fast turn (90 degrees in 0.5 s lags 3 degrees)."""


STANDING_MPS = (0.002**0.5) * 20.0
"""Metres a second below which a foot stands, 0.89: HumanML3D's threshold of 0.002 square metres a frame at its 20 fps."""


def columns(layout: Layout) -> dict[str, slice]:
    """Which columns of a feature vector hold what (docs/how-it-works.md, Features)."""
    j = layout.joints
    sizes = {
        "angular": 1,
        "linear": 2,
        "height": 1,
        "positions": 3 * (j - 1),
        "rotations": 6 * (j - 1),
        "velocities": 3 * j,
        "contacts": 4,
    }
    out, start = {}, 0
    for name, size in sizes.items():
        out[name] = slice(start, start + size)
        start += size
    return out


def encode(joints: np.ndarray, mode: Mode = "exact", *, uniform: bool = False) -> np.ndarray:
    """Positions (F, J, 3) to features (F, D) in exact mode, (F - 1, D) in published mode. Any place and heading.

    uniform: first give the clip the bone lengths of the layout's skeleton (as the public preparation does with its
    target skeleton); positions that already have them need it not.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if joints.ndim != 3 or joints.shape[2] != 3:
        raise ShapeError(f"joints must have shape (F, J, 3), not {joints.shape}")
    layout = layout_for(joints=joints.shape[1])
    if len(joints) < 2:
        raise ShapeError(f"features need at least 2 frames, since they hold velocities, not {len(joints)}")
    if not np.isfinite(joints).all():
        raise ShapeError(
            f"frame {int(np.argwhere(~np.isfinite(joints))[0, 0])} holds a position that is not a finite number"
        )
    if uniform:
        joints = uniform_skeleton(joints, layout.skeleton, layout)
    joints = joints - [0, joints[..., 1].min(), 0]
    joints = joints - joints[0, 0] * [1, 0, 1]
    if mode == "published":
        across = _faces(layout, joints[:1])
        joints = quat_rotate(quat_between(across[0], np.array([0.0, 0, 1])), joints)
        q = _published_heading(layout, joints)
        turn = np.arcsin(np.clip(quat_multiply(q[1:], quat_conjugate(q[:-1]))[:, 2], -1, 1))
    else:
        yaw = np.unwrap(heading(normalise(_smooth(_faces(layout, joints), EXACT_SMOOTHING))))
        joints = quat_rotate(yaw_to_quat(-yaw[0]), joints)
        yaw = yaw - yaw[0]
        joints, yaw = np.concatenate([joints, 2 * joints[-1:] - joints[-2:-1]]), np.append(yaw, 2 * yaw[-1] - yaw[-2])
        q = yaw_to_quat(-yaw)
        turn = -np.diff(yaw) / 2
    step = np.diff(joints, axis=0)
    linear = quat_rotate(q[1:], step[:, 0])[:, [0, 2]]
    positions = quat_rotate(q[:, None], joints - joints[:, :1] * [1, 0, 1])[:, 1:]
    rotations = matrix_to_sixd(quat_to_matrix(_chain_rotations(layout, joints, q)[:, 1:]))
    velocities = quat_rotate(q[:-1, None], step)
    feet = [*layout.left_feet, *layout.right_feet]
    # Exact mode is in metres for every body: KIT's own threshold is of its own unit.
    slow = layout.contact_threshold if mode == "published" else (STANDING_MPS / layout.fps) ** 2
    contacts = (np.sum(step[:, feet] ** 2, axis=-1) < slow).astype(float)
    n = len(step)
    parts = [turn[:, None], linear, joints[:-1, 0, 1:2], positions[:-1], rotations[:-1], velocities, contacts]
    return np.concatenate([p.reshape(n, -1) for p in parts], axis=1)


def decode(features: np.ndarray) -> np.ndarray:
    """Features (F, D) to positions (F, J, 3): the root path integrated, the joints placed around it (recover_from_ric)."""
    features = _checked(features)
    layout = layout_for(size=features.shape[1])
    q, root = root_path(features)
    positions = features[:, columns(layout)["positions"]].reshape(len(features), -1, 3)
    positions = quat_rotate(quat_conjugate(q)[:, None], positions) + root[:, None] * [1, 0, 1]
    return np.concatenate([root[:, None], positions], axis=1)


def decode_rotations(features: np.ndarray, skeleton: Skeleton | None = None) -> np.ndarray:
    """Features (F, D) to positions (F, J, 3) by the 6D rotations and the skeleton's bone lengths (recover_from_rot)."""
    features = _checked(features)
    layout = layout_for(size=features.shape[1])
    q, root = root_path(features)
    lengths = (skeleton or layout.skeleton).lengths
    matrices = sixd_to_matrix(features[:, columns(layout)["rotations"]].reshape(len(features), -1, 6))
    out = np.empty((len(features), layout.joints, 3))
    out[:, 0] = root
    for chain in layout.chains:
        turned = quat_to_matrix(q)
        for parent, j in zip(chain[:-1], chain[1:], strict=True):
            turned = turned @ matrices[:, j - 1]
            out[:, j] = out[:, parent] + turned @ (layout.directions()[j] * lengths[j])
    return out


def decode_motion(
    features: np.ndarray, skeleton: Skeleton | None = None, fps: float | None = None, name: str = "motion"
) -> Motion:
    """Features (F, D) to a Motion on the layout's skeleton, whose bone lengths it takes."""
    return decode_motions([features], skeleton, fps, [name])[0]


def decode_motions(
    features: Sequence[np.ndarray], skeleton: Skeleton | None, fps: float | None, names: Sequence[str]
) -> list[Motion]:
    """The same of several, all of one layout, at once: the cost of a motion lies in the number of steps, not of frames."""
    if not features:
        return []
    joints = [decode(each) for each in features]
    layout = layout_for(joints=joints[0].shape[1])
    body, rate, lengths = skeleton or layout.skeleton, fps or layout.fps, [len(j) for j in joints]
    places = np.concatenate(joints)
    whole = Motion(body, rate, places[:, 0], inverse(body, places, lengths=lengths))
    rotations = np.split(_with_hands(whole, places, layout).rotations, np.cumsum(lengths)[:-1])
    return [Motion(body, rate, j[:, 0], r, name) for j, r, name in zip(joints, rotations, names, strict=True)]


def _with_hands(motion: Motion, places: np.ndarray, layout: Layout) -> Motion:
    """The motion with its wrists where they are in places (F, J, 3), as far as its arms reach.

    Decoded bones have no lengths of their own: they shrink where an arm is quick or bent. Arms of full length that point the
    same way carry hands past a head that they touch, past each other, and slower (docs/log.md). An arm that is nearly
    straight keeps its bend and takes only the direction: there a millimetre of length is degrees of the elbow, which would pop.
    """
    body, joints, world = motion.skeleton, motion.joints(), motion.global_rotations()  # of no arm does the other depend
    for limb in layout.arms:
        line = places[:, limb.end] - joints[:, limb.upper]
        wanted, there = (
            np.linalg.norm(v, axis=-1, keepdims=True) for v in (line, joints[:, limb.end] - joints[:, limb.upper])
        )
        extended = wanted / (body.lengths[limb.middle] + body.lengths[limb.end])
        share = np.clip((STRAIGHT - extended) / (STRAIGHT - BENT), 0, 1)
        target = joints[:, limb.upper] + normalise(line) * (there + share * (wanted - there))
        hint = places[:, limb.middle] - (places[:, limb.upper] + places[:, limb.end]) / 2
        # A hand without fingers goes on from its forearm.
        motion = reach(motion, limb, target, world[:, limb.end] if body.children[limb.end] else None, hint)
    return motion


def root_path(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heading-to-Z quaternions (F, 4) and root positions (F, 3), integrated (docs/how-it-works.md, Features)."""
    half = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    q = np.stack([np.cos(half), np.zeros_like(half), np.sin(half), np.zeros_like(half)], axis=-1)
    step = np.zeros((len(features), 3))
    step[1:, [0, 2]] = features[:-1, 1:3]
    root = np.cumsum(quat_rotate(quat_conjugate(q), step), axis=0)
    root[:, 1] = features[:, 3]
    return q, root


def uniform_skeleton(joints: np.ndarray, target: Skeleton, layout: Layout) -> np.ndarray:
    """The clip (F, J, 3) with the target's bone lengths; its root path is scaled by the ratio of leg bones."""
    parents = np.array(target.parents)
    first = np.abs(joints[0] - joints[0, parents]).max(
        axis=-1
    )  # the largest coordinate of each bone, as the public code measures
    rest = np.abs(target.offsets).max(axis=-1)
    scale = rest[list(layout.leg)].sum() / first[list(layout.leg)].sum()
    bones = normalise(joints[:, 1:] - joints[:, parents[1:]]) * target.lengths[1:, None]
    out = np.empty_like(joints)
    out[:, 0] = joints[:, 0] * scale
    for j in range(1, len(parents)):
        out[:, j] = out[:, parents[j]] + bones[:, j - 1]
    return out


def _faces(layout: Layout, joints: np.ndarray) -> np.ndarray:
    return facing(joints, layout.right_hip, layout.left_hip, layout.right_shoulder, layout.left_shoulder)


def _published_heading(layout: Layout, joints: np.ndarray) -> np.ndarray:
    """q (F, 4) of the public inverse kinematics, with exchanged hips and forced first frame (docs/how-it-works.md, Features)."""
    # The public function unpacks [right hip, left hip, right shoulder, left shoulder] as (left hip, right hip, right
    # shoulder, left shoulder), so the hip line enters reversed.
    hips = joints[:, layout.left_hip] - joints[:, layout.right_hip]
    shoulders = joints[:, layout.right_shoulder] - joints[:, layout.left_shoulder]
    ahead = np.cross(UP, normalise(hips + shoulders))  # not of unit length where the line is not level
    q = quat_between(normalise(_smooth(ahead, PUBLISHED_SMOOTHING)), np.array([0.0, 0, 1]))
    q[0] = (1, 0, 0, 0)
    return q


def _chain_rotations(layout: Layout, joints: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Local rotations (F, J, 4) by shortest rotations along chains that start at q (docs/how-it-works.md, Features)."""
    steps = [(parent, j) for chain in layout.chains for parent, j in zip(chain[:-1], chain[1:], strict=True)]
    parents, ends = (list(side) for side in zip(*steps, strict=True))
    bones = np.empty((len(joints), layout.joints, 4))
    bones[:, ends] = quat_between(layout.directions()[ends], joints[:, ends] - joints[:, parents])
    # What a bone's rotation is told from: of the chain's first bone the heading, wherever the chain begins.
    before = bones[:, parents]
    before[:, [ends.index(chain[1]) for chain in layout.chains]] = q[:, None]
    out = np.zeros_like(bones)
    out[:, 0] = q
    out[:, ends] = quat_multiply(quat_conjugate(before), bones[:, ends])
    return out


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian filter over axis 0, cut at 4 sigma, the ends extended by their own value (SciPy's mode "nearest")."""
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, i], kernel, mode="valid") for i in range(values.shape[1])], axis=1)


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) == 0:
        raise ShapeError(f"features must have shape (F, D) with F >= 1, not {features.shape}")
    if not np.isfinite(features).all():
        raise ShapeError(
            f"frame {int(np.argwhere(~np.isfinite(features))[0, 0])} holds a feature that is not a finite number"
        )
    return features
