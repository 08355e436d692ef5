"""Ends of limbs put where they should be, on any skeleton whose joints are known: feet that stand, hands that touch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dimo.body.footlock import two_bone
from dimo.body.mapping import Roles
from dimo.body.motion import Motion
from dimo.body.rotation import normalise, quat_between, quat_conjugate, quat_multiply, quat_rotate

SIDES = ("left", "right")
BEND = 0.03
"""Metres of bend below which the hint says more than the limb does where its middle joint goes."""


@dataclass(frozen=True)
class Limb:
    """Joints of a leg or an arm: hip, knee, ankle, or shoulder, elbow, wrist. Others may stand between them."""

    upper: int
    middle: int
    end: int


def find(roles: Roles, parents: tuple[int, ...], parts: tuple[str, str, str]) -> dict[str, Limb]:
    """The limbs of both sides whose three parts are single joints, one below the other."""
    out = {}
    for side in SIDES:
        at = [roles.get(f"{side}_{part}", ()) for part in parts]
        if all(len(joints) == 1 for joints in at):
            upper, middle, end = (joints[0] for joints in at)
            if is_below(parents, middle, upper) and is_below(parents, end, middle):
                out[side] = Limb(upper, middle, end)
    return out


def legs(roles: Roles, parents: tuple[int, ...]) -> dict[str, Limb]:
    return find(roles, parents, ("hip", "knee", "ankle"))


def arms(roles: Roles, parents: tuple[int, ...]) -> dict[str, Limb]:
    return find(roles, parents, ("shoulder", "elbow", "wrist"))


def is_below(parents: tuple[int, ...], j: int, top: int) -> bool:
    """Whether joint j hangs below joint top."""
    while j > top:
        j = parents[j]
    return j == top


def reach(
    motion: Motion,
    limb: Limb,
    target: np.ndarray,
    turn: np.ndarray | None,
    hint: np.ndarray,
    say: float | np.ndarray = BEND,
) -> Motion:
    """The motion with the end of a limb at target (F, 3), as near as its bones allow, and oriented turn (F, 4) in the world,
    or, without one, as it was to the bone above it.

    The middle joint bends in the plane in which it does, for straight limbs towards hint (F, 3); say, a number or (F, 1): the
    metres of its bend below which the hint says more than it does. Two-bone inverse kinematics.
    """
    places, world = motion.joints(), motion.global_rotations()
    a, b, c = (places[:, j] for j in (limb.upper, limb.middle, limb.end))
    upper, lower = np.linalg.norm(b - a, axis=-1), np.linalg.norm(c - b, axis=-1)
    way, line = normalise(c - a), normalise(target - a)
    pole = _across(b - a, way) + say * normalise(_across(hint, way))
    pole = quat_rotate(quat_between(way, line), pole)
    middle, end = two_bone(a, target, upper, lower, pole)
    first, second = quat_between(b - a, middle - a), quat_between(c - b, end - middle)
    rotations, parents = motion.rotations.copy(), motion.skeleton.parents
    for j, above, new in (
        (limb.upper, None, quat_multiply(first, world[:, limb.upper])),
        (limb.middle, first, quat_multiply(second, world[:, limb.middle])),
        (limb.end, second, turn),
    ):
        if new is None:
            continue
        parent = world[:, parents[j]]
        parent = parent if above is None else quat_multiply(above, parent)
        local = normalise(quat_multiply(quat_conjugate(parent), new))
        flip = np.sum(local * rotations[:, j], axis=-1, keepdims=True) < 0
        rotations[:, j] = np.where(flip, -local, local)
    return replace(motion, rotations=rotations)


def _across(v: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The part of v (F, 3) at right angles to the unit direction along (F, 3)."""
    return v - np.sum(v * along, axis=-1, keepdims=True) * along
