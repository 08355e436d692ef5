"""Motion from one body to another, by joint names and bone directions.

Rest poses differ between sources (T-pose, arms down), so nothing is taken from local angles: the world positions of
the source give a direction per bone, and the target's bones are turned into those directions (kinematics.inverse).
The 22 joints of HumanML3D are the common ground: each known naming says which joint, or mean of joints, stands for each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from dimo.body import kinematics
from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import RequestError

ROLES = preset("humanml3d").names
"""The common joints, in HumanML3D's order."""

OPTIONAL = {
    "spine1",
    "spine2",
    "left_collar",
    "right_collar",
    "left_foot",
    "right_foot",
    "head",
    "left_wrist",
    "right_wrist",
}
"""Joints that a body may lack: they then lie on the way between their neighbours, or go on straight at a chain's end."""


@dataclass(frozen=True)
class Naming:
    """How one family of files names the 22 joints.

    joints: role to a file's joint, or to several whose mean is meant. Sides are written once, for the left: "{side}"
    stands for the left word, and the right comes from `sides`.
    """

    name: str
    sides: tuple[str, str]
    joints: dict[str, tuple[str, ...]]

    def table(self) -> dict[str, tuple[str, ...]]:
        """All 22 roles to plain (lower-case, letters and digits only) joint names."""
        out: dict[str, tuple[str, ...]] = {}
        for role, sources in self.joints.items():
            if role.startswith("*"):
                for word, side in zip(("left", "right"), self.sides, strict=True):
                    out[word + role[1:]] = tuple(plain(s.replace("{side}", side)) for s in sources)
            else:
                out[role] = tuple(plain(s.replace("{side}", self.sides[0])) for s in sources)
        return out


def plain(name: str) -> str:
    """A joint name without namespace, case and separators: "mixamorig:LeftUpLeg" and "left_up_leg" are "leftupleg"."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


_ARM = {"*_shoulder": ("{side}Arm",), "*_elbow": ("{side}ForeArm",), "*_wrist": ("{side}Hand",)}
_LEG = {"*_hip": ("{side}UpLeg",), "*_knee": ("{side}Leg",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}ToeBase",)}

NAMINGS = (
    Naming("plain", ("left", "right"), {
        **{r: (r,) for r in ROLES if not r.startswith(("left_", "right_"))},
        **{"*" + r[4:]: ("{side}" + r[4:],) for r in ROLES if r.startswith("left_")},
    }),
    Naming("bandai-namco", ("L", "R"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Chest",), "spine3": ("Chest", "Neck"), "neck": ("Neck",), "head": ("Head",),
        "*_hip": ("UpperLeg_{side}",), "*_knee": ("LowerLeg_{side}",), "*_ankle": ("Foot_{side}",), "*_foot": ("Toes_{side}",),
        "*_collar": ("Shoulder_{side}",), "*_shoulder": ("UpperArm_{side}",), "*_elbow": ("LowerArm_{side}",), "*_wrist": ("Hand_{side}",),
    }),
    Naming("cmu-daz", ("l", "r"), {
        "pelvis": ("hip",), "spine1": ("abdomen",), "spine2": ("chest",), "spine3": ("chest", "neck"), "neck": ("neck",), "head": ("head",),
        "*_hip": ("{side}Thigh",), "*_knee": ("{side}Shin",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Foot_end",),
        "*_collar": ("{side}Collar",), "*_shoulder": ("{side}Shldr",), "*_elbow": ("{side}ForeArm",), "*_wrist": ("{side}Hand",),
    }),
    # CMU's angles on Hips/LowerBack/Spine/Spine1: LowerBack starts in the hips, so the spine counts from its end.
    Naming("cmu-motionbuilder", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Spine1",), "spine3": ("Neck",), "neck": ("Neck1",), "head": ("Head",),
        "lowerback": ("LowerBack",), "*_collar": ("{side}Shoulder", "{side}Arm"), **_LEG, **_ARM,
    }),
    # Joints stand at the start of each Acclaim bone, so "the end of lfemur" is ltibia.
    Naming("acclaim", ("l", "r"), {
        "pelvis": ("root",), "spine1": ("upperback",), "spine2": ("thorax",), "spine3": ("lowerneck",), "neck": ("upperneck",), "head": ("head_end",),
        "*_hip": ("{side}femur",), "*_knee": ("{side}tibia",), "*_ankle": ("{side}foot",), "*_foot": ("{side}toes",),
        "*_collar": ("{side}clavicle", "{side}humerus"), "*_shoulder": ("{side}humerus",), "*_elbow": ("{side}radius",), "*_wrist": ("{side}wrist",),
    }),
    Naming("mixamo", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Spine1",), "spine3": ("Spine2",), "neck": ("Neck",), "head": ("Head",),
        "*_collar": ("{side}Shoulder",), **_LEG, **_ARM,
    }),
    Naming("kit", ("left", "right"), {
        "pelvis": ("root",), "spine1": ("spine1",), "spine3": ("chest",), "neck": ("neck",), "head": ("head",),
        "*_hip": ("{side}_hip",), "*_knee": ("{side}_knee",), "*_ankle": ("{side}_ankle",), "*_foot": ("{side}_toe",),
        "*_shoulder": ("{side}_shoulder",), "*_elbow": ("{side}_elbow",), "*_wrist": ("{side}_wrist",),
    }),
    Naming("hips-spine-chest", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine3": ("Chest",), "neck": ("Neck",), "head": ("Head",),
        "*_hip": ("{side}UpperLeg",), "*_knee": ("{side}LowerLeg",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toes",),
        "*_collar": ("{side}Shoulder",), "*_shoulder": ("{side}UpperArm",), "*_elbow": ("{side}LowerArm",), "*_wrist": ("{side}Hand",),
    }),
    Naming("hip-knee-ankle", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine3": ("Chest",), "neck": ("Neck",), "head": ("Head",),
        "*_hip": ("{side}Hip",), "*_knee": ("{side}Knee",), "*_ankle": ("{side}Ankle",), "*_foot": ("{side}Toe",),
        "*_collar": ("{side}Collar",), "*_shoulder": ("{side}Shoulder",), "*_elbow": ("{side}Elbow",), "*_wrist": ("{side}Wrist",),
    }),
)  # fmt: skip


def find_naming(skeleton: Skeleton) -> tuple[Naming, dict[str, tuple[int, ...]]]:
    """The naming that fits a skeleton, and per role the indices of its joints.

    RequestError lists the joints that are missing for the naming that comes closest.
    """
    index = {plain(n): j for j, n in reversed(list(enumerate(skeleton.names)))}
    best: tuple[int, Naming, list[str]] | None = None
    for naming in NAMINGS:
        table = naming.table()
        found = {
            role: tuple(index[s] for s in sources)
            for role, sources in table.items()
            if all(s in index for s in sources)
        }
        missing = [role for role in [*ROLES, *table] if role not in found and role not in OPTIONAL]
        if not missing:
            return naming, {role: found[role] for role in ROLES if role in found}
        if best is None or len(missing) < best[0]:
            best = (len(missing), naming, list(dict.fromkeys(missing)))
    assert best is not None
    _, naming, missing = best
    wanted = ", ".join(
        f"{role} (as in {naming.name}: {' + '.join(naming.table().get(role, ('nothing',)))})" for role in missing
    )
    raise RequestError(
        f"the skeleton {skeleton.name!r} cannot be mapped to the 22-joint body; not found: {wanted}; "
        f"it has {', '.join(skeleton.names[:80])}"
    )


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
    between("head", "spine3", "neck", 1.4)
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
