"""How the rigs that people use name their joints: one table each, facts of the rigs' makers.

The 22 joints of HumanML3D are the common ground ("roles"): each table says which joint, or mean of joints, of a rig stands
for each role. A table says nothing of sizes or rest poses; body/mapping.py chooses the table that fits a skeleton, and
body/structure.py does without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from dimo.body.skeleton import preset

ROLES = preset("humanml3d").names
"""The common joints, in HumanML3D's order."""

OPTIONAL = {
    "spine1",
    "spine2",
    "left_collar",
    "right_collar",
    "left_foot",
    "right_foot",
    "neck",
    "head",
    "left_wrist",
    "right_wrist",
}
"""Joints that a body may lack: they then lie on the way between their neighbours, or go on straight at a chain's end.
Of neck and head one must be there."""

Sources = tuple[tuple[str, ...], ...]
"""Joints whose mean stands for a role; each by its plain names, the first that is found counts."""


@dataclass(frozen=True)
class Naming:
    """How one family of files names the 22 joints.

    joints: role to a file's joint, or to several whose mean is meant; "a|b" takes b where there is no a. Sides are written
    once: "*" in a role and "{side}" in a joint stand for left, then right, in the words of `sides`. Other keys than roles
    are joints that must be there too.
    """

    name: str
    sides: tuple[str, str]
    joints: dict[str, tuple[str, ...]]

    @cached_property
    def table(self) -> dict[str, Sources]:
        """Every role, sides written out, to plain joint names."""
        out: dict[str, Sources] = {}
        for role, sources in self.joints.items():
            for word, side in zip(("left", "right"), self.sides, strict=True):
                out[role.replace("*", word)] = tuple(
                    tuple(plain(s) for s in source.replace("{side}", side).split("|")) for source in sources
                )
        return out


def plain(name: str) -> str:
    """A joint name without namespace, case and separators: "mixamorig:LeftUpLeg" and "left_up_leg" are "leftupleg"."""
    return re.sub(r"[\W_]", "", re.split(r"[:|]", name)[-1].lower())


_ARM = {"*_shoulder": ("{side}Arm",), "*_elbow": ("{side}ForeArm",), "*_wrist": ("{side}Hand",)}
_LEG = {
    "*_hip": ("{side}UpLeg",),
    "*_knee": ("{side}Leg",),
    "*_ankle": ("{side}Foot",),
    "*_foot": ("{side}ToeBase|{side}Toe|{side}Toes",),
}
_HEAD = {"neck": ("Neck",), "head": ("Head",)}
_UNREAL = {
    "*_hip": ("thigh_{side}",), "*_knee": ("calf_{side}",), "*_ankle": ("foot_{side}",), "*_foot": ("ball_{side}",),
    "*_collar": ("clavicle_{side}",), "*_shoulder": ("upperarm_{side}",), "*_elbow": ("lowerarm_{side}",), "*_wrist": ("hand_{side}",),
    "neck": ("neck_01",), "head": ("head",),
}  # fmt: skip
_LIMBS = {
    "*_hip": ("{side}UpperLeg",), "*_knee": ("{side}LowerLeg",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toes|{side}ToeBase|{side}Toe",),
    "*_collar": ("{side}Shoulder",), "*_shoulder": ("{side}UpperArm",), "*_elbow": ("{side}LowerArm",), "*_wrist": ("{side}Hand",),
}  # fmt: skip
_BONES = {
    "*_hip": ("{side}Hip",), "*_knee": ("{side}Knee",), "*_ankle": ("{side}Ankle",), "*_foot": ("{side}Toe",),
    "*_collar": ("{side}Collar",), "*_shoulder": ("{side}Shoulder",), "*_elbow": ("{side}Elbow",), "*_wrist": ("{side}Wrist",),
}  # fmt: skip
_DAZ = {
    "*_hip": ("{side}Thigh",), "*_knee": ("{side}Shin",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toe|{side}Toes",),
    "*_collar": ("{side}Collar",), "*_shoulder": ("{side}Shldr",), "*_elbow": ("{side}ForeArm",), "*_wrist": ("{side}Hand",),
}  # fmt: skip
_BIPED = {
    "*_hip": ("{side}Thigh",), "*_knee": ("{side}Calf",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toe0|{side}ToeBase",),
    "*_collar": ("{side}Clavicle",), "*_shoulder": ("{side}UpperArm",), "*_elbow": ("{side}Forearm",), "*_wrist": ("{side}Hand",),
}  # fmt: skip

NAMINGS = (
    Naming("plain", ("left", "right"), {
        **{r: (r,) for r in ROLES if not r.startswith(("left_", "right_"))},
        **{"*" + r[4:]: ("{side}" + r[4:],) for r in ROLES if r.startswith("left_")},
    }),
    Naming("bandai-namco", ("L", "R"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Chest",), "spine3": ("Chest", "Neck"), **_HEAD,
        "*_hip": ("UpperLeg_{side}",), "*_knee": ("LowerLeg_{side}",), "*_ankle": ("Foot_{side}",), "*_foot": ("Toes_{side}",),
        "*_collar": ("Shoulder_{side}",), "*_shoulder": ("UpperArm_{side}",), "*_elbow": ("LowerArm_{side}",), "*_wrist": ("Hand_{side}",),
    }),
    Naming("cmu-daz", ("l", "r"), {
        "pelvis": ("hip",), "spine1": ("abdomen",), "spine2": ("chest",), "spine3": ("chest", "neck"), **_HEAD, **_DAZ, "*_foot": ("{side}Foot_end",),
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
    # Mixamo, MotionBuilder's HumanIK, LaFAN1 (whose toes are LeftToe).
    Naming("mixamo", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Spine1",), "spine3": ("Spine2",), **_HEAD, "*_collar": ("{side}Shoulder",), **_LEG, **_ARM,
    }),
    Naming("kit", ("left", "right"), {
        "pelvis": ("root",), "spine1": ("spine1",), "spine3": ("chest",), **_HEAD,
        "*_hip": ("{side}_hip",), "*_knee": ("{side}_knee",), "*_ankle": ("{side}_ankle",), "*_foot": ("{side}_toe",),
        "*_shoulder": ("{side}_shoulder",), "*_elbow": ("{side}_elbow",), "*_wrist": ("{side}_wrist",),
    }),
    Naming("hips-spine-chest", ("Left", "Right"), {"pelvis": ("Hips",), "spine1": ("Spine",), "spine3": ("Chest",), **_HEAD, **_LIMBS}),
    Naming("hip-knee-ankle", ("Left", "Right"), {"pelvis": ("Hips",), "spine3": ("Chest",), **_HEAD, **_BONES}),
    # Unity's HumanBodyBones and the bone names of the VRM specification.
    Naming("unity", ("Left", "Right"), {"pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Chest",), "spine3": ("UpperChest",), **_HEAD, **_LIMBS}),
    Naming("vroid", ("L", "R"), {
        "pelvis": ("J_Bip_C_Hips",), "spine1": ("J_Bip_C_Spine",), "spine2": ("J_Bip_C_Chest",), "spine3": ("J_Bip_C_UpperChest",), "neck": ("J_Bip_C_Neck",), "head": ("J_Bip_C_Head",),
        "*_hip": ("J_Bip_{side}_UpperLeg",), "*_knee": ("J_Bip_{side}_LowerLeg",), "*_ankle": ("J_Bip_{side}_Foot",), "*_foot": ("J_Bip_{side}_ToeBase",),
        "*_collar": ("J_Bip_{side}_Shoulder",), "*_shoulder": ("J_Bip_{side}_UpperArm",), "*_elbow": ("J_Bip_{side}_LowerArm",), "*_wrist": ("J_Bip_{side}_Hand",),
    }),
    # Epic's mannequins; MakeHuman's game rig is named like the one of Unreal 4.
    Naming("unreal-5", ("l", "r"), {"pelvis": ("pelvis",), "spine1": ("spine_02",), "spine2": ("spine_03",), "spine3": ("spine_05",), **_UNREAL}),
    Naming("unreal-4", ("l", "r"), {"pelvis": ("pelvis",), "spine1": ("spine_01",), "spine2": ("spine_02",), "spine3": ("spine_03",), **_UNREAL}),
    # Blender's human metarig and what Rigify makes of it (DEF-spine, DEF-thigh.L); spine.004 and .005 are the neck.
    Naming("rigify", ("L", "R"), {
        "pelvis": ("spine|hips",), "spine1": ("spine.001",), "spine2": ("spine.002",), "spine3": ("spine.003",), "neck": ("spine.004|neck",), "head": ("spine.006|head|spine.005",),
        "*_hip": ("thigh.{side}",), "*_knee": ("shin.{side}",), "*_ankle": ("foot.{side}",), "*_foot": ("toe.{side}",),
        "*_collar": ("shoulder.{side}",), "*_shoulder": ("upper_arm.{side}",), "*_elbow": ("forearm.{side}",), "*_wrist": ("hand.{side}",),
    }),
    Naming("auto-rig-pro", ("l", "r"), {
        "pelvis": ("root.x",), "spine1": ("spine_01.x",), "spine2": ("spine_02.x",), "spine3": ("spine_03.x|spine_02.x",), "neck": ("neck.x",), "head": ("head.x",),
        "*_hip": ("thigh_stretch.{side}",), "*_knee": ("leg_stretch.{side}",), "*_ankle": ("foot.{side}",), "*_foot": ("toes_01.{side}",),
        "*_collar": ("shoulder.{side}",), "*_shoulder": ("arm_stretch.{side}",), "*_elbow": ("forearm_stretch.{side}",), "*_wrist": ("hand.{side}",),
    }),
    # 3ds Max ("Bip01 L Thigh", "Bip001 ...") and Valve ("ValveBiped.Bip01_L_Thigh", up to Spine4, Neck1, Head1).
    Naming("biped", ("L", "R"), {
        "pelvis": ("Pelvis",), "spine1": ("Spine",), "spine2": ("Spine1",), "spine3": ("Spine4|Spine3|Spine2|Spine1",), "neck": ("Neck|Neck1",), "head": ("Head|Head1",), **_BIPED,
    }),
    # Character Creator and iClone, whose neck bones are called twists.
    Naming("character-creator", ("L", "R"), {
        "pelvis": ("Hip",), "spine1": ("Waist",), "spine2": ("Spine01",), "spine3": ("Spine02",), "neck": ("NeckTwist01|Neck",), "head": ("Head",), **_BIPED,
    }),
    Naming("daz-genesis", ("l", "r"), {
        "pelvis": ("hip",), "spine1": ("abdomen",), "spine2": ("abdomen2",), "spine3": ("chest",), **_HEAD, **_DAZ,
    }),
    Naming("daz-genesis-3", ("l", "r"), {  # Genesis 3, 8 and 8.1
        "pelvis": ("hip",), "spine1": ("abdomenLower",), "spine2": ("chestLower",), "spine3": ("chestUpper",), "neck": ("neckLower",), "head": ("head",), **_DAZ,
        "*_hip": ("{side}ThighBend",), "*_shoulder": ("{side}ShldrBend",), "*_elbow": ("{side}ForearmBend",),
    }),
    Naming("daz-genesis-9", ("l", "r"), {
        "pelvis": ("hip",), "spine1": ("spine1",), "spine2": ("spine2",), "spine3": ("spine4",), "neck": ("neck1",), "head": ("head",), **_DAZ,
        "*_collar": ("{side}_shoulder",), "*_shoulder": ("{side}_upperarm",),
    }),
    # MakeHuman's default rig counts its spine from above.
    Naming("makehuman", ("L", "R"), {
        "pelvis": ("root",), "spine1": ("spine04",), "spine2": ("spine02",), "spine3": ("spine01",), "neck": ("neck01",), "head": ("head",),
        "*_hip": ("upperleg01.{side}",), "*_knee": ("lowerleg01.{side}",), "*_ankle": ("foot.{side}",), "*_foot": ("toe3-1.{side}|toe2-1.{side}",),
        "*_collar": ("clavicle.{side}",), "*_shoulder": ("upperarm01.{side}",), "*_elbow": ("lowerarm01.{side}",), "*_wrist": ("wrist.{side}",),
    }),
    Naming("second-life", ("Left", "Right"), {
        "pelvis": ("mPelvis",), "spine2": ("mTorso",), "spine3": ("mChest",), "neck": ("mNeck",), "head": ("mHead",),
        "*_hip": ("mHip{side}",), "*_knee": ("mKnee{side}",), "*_ankle": ("mAnkle{side}",), "*_foot": ("mFoot{side}",),
        "*_collar": ("mCollar{side}",), "*_shoulder": ("mShoulder{side}",), "*_elbow": ("mElbow{side}",), "*_wrist": ("mWrist{side}",),
    }),
    # NVIDIA's SOMA body: LeftLeg is the hip, LeftShin the knee.
    Naming("soma", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine1",), "spine2": ("Spine2",), "spine3": ("Chest",), "neck": ("Neck1",), "head": ("Head",),
        "*_hip": ("{side}Leg",), "*_knee": ("{side}Shin",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}ToeBase",), "*_collar": ("{side}Shoulder",), **_ARM,
    }),
    # SMPL and its kin: L_Hip, m_avg_L_Hip; L_Thorax and Torso, Spine, Chest in simulation. SMPL-X is "plain".
    Naming("smpl", ("L", "R"), {
        "pelvis": ("Pelvis",), "spine1": ("Spine1|Torso",), "spine2": ("Spine2|Spine",), "spine3": ("Spine3|Chest",), **_HEAD, **_BONES,
        "*_foot": ("{side}Foot|{side}Toe",), "*_collar": ("{side}Collar|{side}Thorax",),
    }),
    # Biovision's own skeleton.
    Naming("biovision", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine",), "spine2": ("Spine1",), "spine3": ("Chest",), **_HEAD,
        "*_hip": ("{side}UpLeg",), "*_knee": ("{side}LowLeg",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toe|{side}ToeBase",),
        "*_collar": ("{side}Collar",), "*_shoulder": ("{side}UpArm",), "*_elbow": ("{side}LowArm",), "*_wrist": ("{side}Hand",),
    }),
    # Xsens writes BVH with Chest to Chest4 (so does 100STYLE), and names its segments by vertebrae elsewhere.
    Naming("xsens-bvh", ("Left", "Right"), {"pelvis": ("Hips",), "spine1": ("Chest",), "spine2": ("Chest2",), "spine3": ("Chest4",), **_HEAD, **_BONES}),
    Naming("xsens", ("Left", "Right"), {
        "pelvis": ("Pelvis",), "spine1": ("L5",), "spine2": ("T12",), "spine3": ("T8",), **_HEAD, **_LIMBS, "*_elbow": ("{side}ForeArm",),
    }),
    Naming("rokoko", ("Left", "Right"), {
        "pelvis": ("Hips",), "spine1": ("Spine1",), "spine2": ("Spine2",), "spine3": ("Spine4|Spine3",), "neck": ("Neck|NeckLower",), "head": ("Head",),
        "*_hip": ("{side}Thigh",), "*_knee": ("{side}Shin",), "*_ankle": ("{side}Foot",), "*_foot": ("{side}Toe|{side}ToeBase",), "*_collar": ("{side}Shoulder",), **_ARM,
    }),
    Naming("synty", ("L", "R"), {
        "pelvis": ("Hips",), "spine1": ("Spine_01",), "spine2": ("Spine_02",), "spine3": ("Spine_03",), **_HEAD,
        "*_hip": ("UpperLeg_{side}",), "*_knee": ("LowerLeg_{side}",), "*_ankle": ("Ankle_{side}",), "*_foot": ("Ball_{side}",),
        "*_collar": ("Clavicle_{side}",), "*_shoulder": ("Shoulder_{side}",), "*_elbow": ("Elbow_{side}",), "*_wrist": ("Hand_{side}",),
    }),
    Naming("quaternius", ("L", "R"), {
        "pelvis": ("Hips",), "spine1": ("Abdomen",), "spine3": ("Torso",), **_HEAD,
        "*_hip": ("UpperLeg.{side}",), "*_knee": ("LowerLeg.{side}",), "*_ankle": ("Foot.{side}",), "*_foot": ("Toes.{side}|Foot.{side}_end",),
        "*_collar": ("Shoulder.{side}",), "*_shoulder": ("UpperArm.{side}",), "*_elbow": ("LowerArm.{side}",), "*_wrist": ("Wrist.{side}|Palm.{side}|Palm2.{side}|Fist.{side}|Hand.{side}",),
    }),
    Naming("kaykit", ("l", "r"), {
        "pelvis": ("hips",), "spine1": ("spine",), "spine3": ("chest",), "head": ("head",),
        "*_hip": ("upperleg.{side}",), "*_knee": ("lowerleg.{side}",), "*_ankle": ("foot.{side}",), "*_foot": ("toes.{side}",),
        "*_shoulder": ("upperarm.{side}",), "*_elbow": ("lowerarm.{side}",), "*_wrist": ("wrist.{side}|hand.{side}",),
    }),
)  # fmt: skip
