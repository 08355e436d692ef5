"""Motion put onto a character: feet where they stood, hands where they were relative to the body, elbows and knees as hinges.

retarget.py turns bones into the same directions, which is right for a skeleton; a character has other proportions, flat feet
and a skin that shows twist. So legs and arms reach for places by two-bone inverse kinematics, head, hands and feet take the
turn that they have in the source, and upper limbs turn about themselves until the joint below them bends the way it does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dimo.body import limbs
from dimo.body.limbs import Limb
from dimo.body.mapping import Roles, find_naming, rest_pose
from dimo.body.motion import Motion
from dimo.body.retarget import leg_length, repair_thorax, retarget
from dimo.body.rotation import (
    axis_angle_to_quat,
    normalise,
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
)
from dimo.body.skeleton import Skeleton

FORWARD = np.array([0.0, 0.0, 1.0])
BENT = (0.14, 0.42)
"""Sines of the bend of a limb up to which it says nothing of its twist, and from which on it says all: 8 and 25 degrees."""

STANDING, STEPPING, FOLLOWS = 0.2, 0.8, 0.1
"""m/s of ankle or toes up to which a foot stands and from which on it steps, and seconds in which a step follows a turn."""

SLACK = 0.3
"""Radians by which a foot turns about its standing toes before the place of longer toes turns too."""

OVER = (0.25, 0.5)
"""Squared cosines of half the tilt of a foot up to which it is upside down and from which on it may stand: 120 and 90 degrees."""

BENDS, OFF = np.pi / 3, (0.02, 0.06)
"""Radians by which toes bend at most, and m from the ground, of a body as tall as the source, in which they cease to."""

UPRIGHT = np.array([1.0, 0.0, 1.0, 0.0])
"""What of a turn (w, x, y, z) is about the vertical."""

SUNK = 0.05
"""Metres from the ground up to which feet are taken to stand on it."""


def onto(motion: Motion, skeleton: Skeleton, sole: float = 0.0) -> Motion:
    """The movement on a character's skeleton, at the same rate. sole: metres from the lowest joint of its feet to the ground.

    The path is scaled by the ratio of the legs, hands by that of the reach of the arms from the middle of the shoulders. Joints
    that no role names keep their rest rotation.
    """
    motion = repair_thorax(motion)
    own, roles = find_naming(motion.skeleton)[1], find_naming(skeleton)[1]
    out = retarget(motion, skeleton)
    standing = _stands(motion.skeleton, own) and _stands(skeleton, roles)
    if standing:
        out = _turned_ends(out, roles, motion, own)
    out = _on_its_feet(out, roles, motion, own, sole, standing)
    out = _hands(out, roles, motion, own)
    for parts, ways in ((("hip", "knee", "ankle"), -FORWARD), (("shoulder", "elbow", "wrist"), FORWARD)):
        for side, limb in limbs.find(roles, skeleton.parents, parts).items():
            out = _hinged(out, limb, ways, roles.get(f"{side}_foot") if parts[0] == "hip" else None)
    out = _grounded(out, roles, motion, own, sole)
    return replace(out, rotations=quat_continuous(out.rotations))


def _at(motion: Motion, joints: tuple[int, ...]) -> np.ndarray:
    return motion.joints()[:, list(joints)].mean(axis=1)


def _stands(skeleton: Skeleton, roles: Roles) -> bool:
    """Whether a body rests standing along Y, so that turns from its rest mean what they mean of another one."""
    rest = rest_pose(skeleton)
    for side in ("left", "right"):
        hip, knee, ankle = (rest[list(roles[f"{side}_{part}"])].mean(0) for part in ("hip", "knee", "ankle"))
        if min(normalise(hip - knee)[1], normalise(knee - ankle)[1]) < 0.8:
            return False
        toe = roles.get(f"{side}_foot")
        if toe and np.hypot(*(normalise(rest[list(toe)].mean(0) - ankle)[[0, 2]])) < 0.5:
            return False
    return True


# ---- head, hands and feet


def _turned_ends(out: Motion, roles: Roles, motion: Motion, own: Roles) -> Motion:
    """Head, hands and feet turned from their rest as those of the source are, whatever their bones' directions at rest."""
    turns = motion.global_rotations()
    for role, before in _ends():
        if role not in roles or role not in own or len(roles[role]) != 1 or len(own[role]) != 1:
            continue
        align = _aligned(out.skeleton, roles, motion.skeleton, own, role, before)
        out = _with_turn(out, roles[role][0], quat_multiply(turns[:, own[role][0]], align))
    return out


def _ends() -> list[tuple[str, str | None]]:
    """Roles of ends, and the role whose bone to them tells how the rest poses differ; none for the head, the toes for feet."""
    sides = ("left", "right")
    return [
        ("head", None),
        *((f"{s}_wrist", f"{s}_elbow") for s in sides),
        *((f"{s}_ankle", f"{s}_foot") for s in sides),
    ]


def _aligned(target: Skeleton, roles: Roles, source: Skeleton, own: Roles, role: str, other: str | None) -> np.ndarray:
    """The turn (4,) from the target's rest to the source's: of feet about the vertical alone, since both stand flat."""
    if other is None or other not in roles or other not in own:
        return np.array([1.0, 0, 0, 0])
    ways = []
    for skeleton, at in ((target, roles), (source, own)):
        rest = rest_pose(skeleton)
        way = rest[list(at[role])].mean(0) - rest[list(at[other])].mean(0)
        ways.append(way * [1, 0, 1] if role.endswith("ankle") else way)
    return quat_between(ways[0], ways[1])


def _with_turn(motion: Motion, joint: int, turn: np.ndarray) -> Motion:
    """The motion with a joint oriented turn (F, 4) in the world."""
    above = motion.global_rotations()[:, motion.skeleton.parents[joint]]
    rotations = motion.rotations.copy()
    rotations[:, joint] = normalise(quat_multiply(quat_conjugate(above), turn))
    return replace(motion, rotations=rotations)


# ---- places


def _on_its_feet(out: Motion, roles: Roles, motion: Motion, own: Roles, sole: float, standing: bool) -> Motion:
    """The body where its hips are those of the source, scaled, and its feet as wide apart as its hips; standing: both rest so."""
    scale = leg_length(out.skeleton, roles) / leg_length(motion.skeleton, own)
    higher = _ankle_height(out.skeleton, roles) + sole - scale * _ankle_height(motion.skeleton, own)
    lift = np.array([0.0, higher, 0.0])

    def middle(m: Motion, at: Roles) -> np.ndarray:
        return (_at(m, at["left_hip"]) + _at(m, at["right_hip"])) / 2

    out = replace(out, root=out.root + scale * middle(motion, own) + lift - middle(out, roles))
    wider = (_hip_width(out.skeleton, roles) - scale * _hip_width(motion.skeleton, own)) / 2
    for side, leg in limbs.legs(roles, out.skeleton.parents).items():
        aside = _aside(motion, own, side) * (wider if side == "left" else -wider)
        ankle = scale * _at(motion, own[f"{side}_ankle"]) + lift + aside
        turn = out.global_rotations()[:, leg.end]
        toe = roles.get(f"{side}_foot")
        now = (
            _at(out, toe) - _at(out, (leg.end,)) if toe else quat_rotate(out.global_rotations()[:, leg.upper], FORWARD)
        )
        if toe is not None and standing:
            ahead = _to_the_toes(now, scale, motion, own, side)
            turn = quat_multiply(quat_between(now, ahead), turn)
            ankle = ankle + ahead - np.linalg.norm(now, axis=-1, keepdims=True) * normalise(ahead)
        out = limbs.reach(out, leg, ankle, turn, now)
        if toe is not None and len(toe) == 1 and standing:
            out = _bent_toes(out, leg.end, toe[0], scale)
    return out


def _to_the_toes(now: np.ndarray, scale: float, motion: Motion, own: Roles, side: str) -> np.ndarray:
    """(F, 3) from where the ankle should be to where the toes should, on a body whose foot points along now (F, 3).

    Toes move as those of the source, scaled, and so stand where those do, though a foot of another length rises about them:
    what its length differs by lies flat on the ground ahead, and only turns there. A foot that is no longer flat but upside
    down has no such direction, and turns as a whole.
    """
    if f"{side}_foot" not in own or len(own[f"{side}_ankle"]) != 1:
        return now
    turn = motion.global_rotations()[:, own[f"{side}_ankle"][0]]
    theirs = scale * (_at(motion, own[f"{side}_foot"]) - _at(motion, own[f"{side}_ankle"]))
    longer = quat_rotate(quat_conjugate(turn), now - theirs)  # as in the source's rest pose, in which its feet are flat
    upright = np.sum((turn * UPRIGHT) ** 2, axis=-1, keepdims=True)
    share = np.clip((upright - OVER[0]) / (OVER[1] - OVER[0]), 0, 1)
    heading = _stepwise(2 * np.arctan2(turn[:, 2], turn[:, 0]), motion, own, side, SLACK)
    ground = axis_angle_to_quat(np.array([0.0, 1.0, 0.0]), heading)
    return theirs + share * quat_rotate(ground, longer) + (1 - share) * (now - theirs)


def _bent_toes(motion: Motion, ankle: int, toe: int, scale: float) -> Motion:
    """The toes level with the ground where the heel has left it and they have not; scale: of the body, for what is near it."""
    rest, places, turn = rest_pose(motion.skeleton), motion.joints(), motion.global_rotations()[:, ankle]
    foot = rest[toe] - rest[ankle]
    down = np.arcsin(np.clip(-normalise(places[:, toe] - places[:, ankle])[:, 1], -1, 1))
    flat = np.arcsin(np.clip(-normalise(foot)[1], -1, 1))
    height = places[:, toe, 1] - np.percentile(places[:, toe, 1], 10)
    near = np.clip((scale * OFF[1] - height) / (scale * (OFF[1] - OFF[0])), 0, 1)
    left = np.cross([0.0, 1.0, 0.0], quat_rotate(normalise(turn * UPRIGHT), foot * [1, 0, 1]))
    bend = axis_angle_to_quat(normalise(left), -near * np.clip(down - flat, 0, BENDS))
    return _with_turn(motion, toe, quat_multiply(bend, turn))


def _grounded(out: Motion, roles: Roles, motion: Motion, own: Roles, sole: float) -> Motion:
    """The whole body lifted or lowered so that its soles stand on 0, or as high as the source's feet do, scaled."""
    scale = leg_length(out.skeleton, roles) / leg_length(motion.skeleton, own)
    theirs = _floor(motion, own)
    level = 0.0 if abs(theirs) < SUNK else scale * theirs
    return replace(out, root=out.root + np.array([0.0, level + sole - _floor(out, roles), 0.0]))


def _floor(motion: Motion, roles: Roles) -> float:
    return float(np.percentile(motion.joints()[:, feet(motion.skeleton, roles), 1].min(axis=1), 10))


def _hip_width(skeleton: Skeleton, roles: Roles) -> float:
    rest = rest_pose(skeleton)
    return float(np.linalg.norm(rest[list(roles["left_hip"])].mean(0) - rest[list(roles["right_hip"])].mean(0)))


def _aside(motion: Motion, own: Roles, side: str) -> np.ndarray:
    """(F, 3) the direction to the body's left over the ground, which turns with the body only while this foot moves."""
    across = (_at(motion, own["left_hip"]) - _at(motion, own["right_hip"])) * [1, 0, 1]
    follows = _stepwise(np.arctan2(across[:, 2], across[:, 0]), motion, own, side)
    return np.stack([np.cos(follows), np.zeros(len(motion)), np.sin(follows)], axis=-1)


def _stepwise(angle: np.ndarray, motion: Motion, own: Roles, side: str, slack: float = np.inf) -> np.ndarray:
    """An angle (F,) that is followed while a foot steps, and while it stands only where it is more than slack radians off."""
    places = np.stack([_at(motion, own[role]) for role in (f"{side}_ankle", f"{side}_foot") if role in own])
    speeds = np.linalg.norm(np.diff(places, axis=1, prepend=places[:, :1]), axis=-1) * motion.fps
    speed = speeds.min(axis=0)  # of the toes while the heel leaves the ground
    share = np.clip((speed - STANDING) / (STEPPING - STANDING), 0, 1) * (1 - np.exp(-1 / (FOLLOWS * motion.fps)))
    angle = np.unwrap(angle)
    out = angle.copy()
    for f in range(1, len(motion)):
        behind = (1 - share[f]) * (angle[f] - out[f - 1])
        out[f] = angle[f] - np.clip(behind, -slack, slack)
    return out


def _ankle_height(skeleton: Skeleton, roles: Roles) -> float:
    """Metres from the lowest joint at and below the ankles up to them, at rest."""
    rest = rest_pose(skeleton)
    ankles = [roles[f"{side}_ankle"][0] for side in ("left", "right")]
    return float(rest[ankles, 1].mean() - rest[feet(skeleton, roles), 1].min())


def feet(skeleton: Skeleton, roles: Roles) -> list[int]:
    """The ankles and all joints below them."""
    ankles = [roles[f"{side}_ankle"][0] for side in ("left", "right")]
    return [j for j in range(len(skeleton)) if any(limbs.is_below(skeleton.parents, j, a) for a in ankles)]


def _hands(out: Motion, roles: Roles, motion: Motion, own: Roles) -> Motion:
    """Wrists as far from the middle of the shoulders as in the source, by the ratio of what the arms can reach from there."""
    found = limbs.arms(roles, out.skeleton.parents)
    if len(found) < 2 or not {"left_wrist", "right_wrist"} <= own.keys():
        return out
    scale = _arm_reach(out.skeleton, roles) / _arm_reach(motion.skeleton, own)

    def middle(m: Motion, at: Roles) -> np.ndarray:
        return (_at(m, at["left_shoulder"]) + _at(m, at["right_shoulder"])) / 2

    centre, theirs = middle(out, roles), middle(motion, own)
    for side, arm in found.items():
        target = centre + scale * (_at(motion, own[f"{side}_wrist"]) - theirs)
        turns = out.global_rotations()
        elbow = _at(motion, own[f"{side}_elbow"]) - _at(motion, own[f"{side}_shoulder"])
        out = limbs.reach(out, arm, target, turns[:, arm.end], elbow)
    return out


def _arm_reach(skeleton: Skeleton, roles: Roles) -> float:
    """Metres from the middle of the shoulders to the wrist of a stretched arm."""
    rest = rest_pose(skeleton)

    def apart(a: str, b: str) -> float:
        return float(np.linalg.norm(rest[list(roles[a])].mean(0) - rest[list(roles[b])].mean(0)))

    arms = [apart(f"{s}_shoulder", f"{s}_elbow") + apart(f"{s}_elbow", f"{s}_wrist") for s in ("left", "right")]
    return (sum(arms) + apart("left_shoulder", "right_shoulder")) / 2


# ---- twist


def _hinged(motion: Motion, limb: Limb, bend: np.ndarray, toe: tuple[int, ...] | None) -> Motion:
    """The motion with the upper bone of a limb turned about itself so that its joint bends as a hinge.

    bend: the direction (3,) at rest in which the lower bone bends. A straight leg takes the direction of its toes, a straight
    arm stays as it is. All joints stay in place, and the end's turn too.
    """
    rest, places, world = rest_pose(motion.skeleton), motion.joints(), motion.global_rotations()
    a, b, c = (places[:, j] for j in (limb.upper, limb.middle, limb.end))
    along, lower = normalise(b - a), normalise(c - b)
    now = _across(quat_rotate(world[:, limb.upper], bend), along)
    shown = _across(lower, along)
    sine = np.linalg.norm(shown, axis=-1, keepdims=True)
    if toe is None:
        otherwise = now
    else:
        otherwise = normalise(-_across(places[:, list(toe)].mean(axis=1) - c, along))
    share = np.clip((sine - BENT[0]) / (BENT[1] - BENT[0]), 0, 1)
    wanted = share * normalise(shown) + (1 - share) * normalise(otherwise)
    angle = np.arctan2(np.sum(np.cross(now, wanted) * along, axis=-1), np.sum(now * wanted, axis=-1))
    upper = quat_multiply(axis_angle_to_quat(along, angle), world[:, limb.upper])
    straight = quat_rotate(upper, normalise(rest[limb.end] - rest[limb.middle]))
    middle = quat_multiply(quat_between(straight, lower), upper)
    out = _with_turn(motion, limb.upper, upper)
    out = _with_turn(out, limb.middle, middle)
    return _with_turn(out, limb.end, world[:, limb.end])


def _across(v: np.ndarray, along: np.ndarray) -> np.ndarray:
    return v - np.sum(v * along, axis=-1, keepdims=True) * along
