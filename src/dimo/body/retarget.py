"""Motion from one body to another, by bone directions.

Rest poses differ between sources (T-pose, arms down), so nothing is taken from local angles: the world positions of
the source give a direction per bone, and the target's bones are turned into those directions (kinematics.inverse).
The 22 joints of HumanML3D are the common ground: body/mapping.py says which joint, or mean of joints, stands for each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dimo.body import kinematics
from dimo.body.mapping import find_naming
from dimo.body.motion import Motion
from dimo.body.rigs import plain
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import RequestError

__all__ = ["find_naming", "leg_length", "repair_thorax", "retarget"]


def repair_thorax(motion: Motion) -> Motion:
    """The same motion with the thorax bone put back where a CMU conversion lost it.

    In those files Neck and both Shoulders stand on Spine1 itself, though the thorax, about as long as the bone from
    Spine to Spine1, lies between them. Recognised by the names and by offsets of zero; anything else is returned as is.
    """
    names = {plain(n): j for j, n in enumerate(motion.skeleton.names)}
    try:
        spine1, above = names["spine1"], [names[n] for n in ("neck", "leftshoulder", "rightshoulder")]
    except KeyError:
        return motion
    skeleton = motion.skeleton
    if any(skeleton.parents[j] != spine1 or skeleton.lengths[j] > 1e-6 for j in above):
        return motion
    offsets = skeleton.offsets.copy()
    offsets[above] = offsets[spine1]
    return replace(motion, skeleton=replace(skeleton, offsets=offsets))


def retarget(motion: Motion, skeleton: Skeleton | None = None) -> Motion:
    """The same movement on another skeleton (default: the 22-joint HumanML3D body), at the same frame rate.

    Bone directions are kept; the root path is scaled by the ratio of leg lengths, so that steps fit the legs. Joints
    of the target that no role names (fingers, eyes) keep their rest rotation.
    """
    skeleton = skeleton or preset("humanml3d")
    motion = repair_thorax(motion)
    _, source = find_naming(motion.skeleton)
    _, target = find_naming(skeleton)
    positions = _role_positions(motion, source)
    anchors = {role: at[0] for role, at in target.items() if len(at) == 1 and role in positions}
    # A role that the target shares with another (the mean of two joints) has no joint of its own and is left out.
    joints = np.zeros((len(motion), len(skeleton), 3))
    anchored = np.zeros(len(skeleton), bool)
    for role, j in anchors.items():
        joints[:, j], anchored[j] = positions[role], True
    root = anchors["pelvis"]
    scale = leg_length(skeleton, target) / leg_length(motion.skeleton, source)
    rotations = kinematics.inverse(skeleton, joints, anchored)
    out = Motion(skeleton, motion.fps, np.zeros((len(motion), 3)), rotations, motion.name)
    return replace(out, root=positions["pelvis"] * scale - out.joints()[:, root])


def _role_positions(motion: Motion, source: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Position (F, 3) per role; optional roles that the source lacks are placed between or beyond their neighbours."""
    joints = motion.joints()
    at = {role: joints[:, list(indices)].mean(axis=1) for role, indices in source.items()}

    def between(role: str, a: str, b: str, t: float) -> None:
        if role not in at:
            at[role] = at[a] + t * (at[b] - at[a])

    between("spine1", "pelvis", "spine3", 0.35)
    between("spine2", "spine1", "spine3", 0.5)
    if "neck" in at:
        between("head", "spine3", "neck", 1.4)
    else:
        between("neck", "spine3", "head", 0.7)
    for side in ("left", "right"):
        between(f"{side}_collar", "spine3", f"{side}_shoulder", 0.5)
        between(f"{side}_wrist", f"{side}_shoulder", f"{side}_elbow", 2.0)
    return at


def leg_length(skeleton: Skeleton, roles: dict[str, tuple[int, ...]]) -> float:
    """Mean over both legs of hip to knee plus knee to ankle, metres, in the rest pose."""
    rest = kinematics.forward(skeleton, np.zeros(3), np.broadcast_to([1.0, 0, 0, 0], (len(skeleton), 4)))

    def distance(a: str, b: str) -> float:
        return float(np.linalg.norm(rest[list(roles[a])].mean(0) - rest[list(roles[b])].mean(0)))

    legs = [distance(f"{s}_hip", f"{s}_knee") + distance(f"{s}_knee", f"{s}_ankle") for s in ("left", "right")]
    length = sum(legs) / 2
    if length <= 1e-6:
        raise RequestError(f"the legs of the skeleton {skeleton.name!r} have no length, so steps cannot be scaled")
    return length
