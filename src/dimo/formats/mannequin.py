"""A simple mannequin for any skeleton: tapered tubes along the bones, a head, hands and feet, with skin weights.

Built in the rest pose (all local rotations identity). Left parts are tinted blue, right parts red, so that sides can be
told apart from behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.retarget import find_naming
from dimo.body.rotation import normalise
from dimo.body.skeleton import Skeleton
from dimo.errors import RequestError

SIDES = 12  # corners of a ring
RINGS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
GREY, BLUE, RED = (0.72, 0.72, 0.74), (0.42, 0.55, 0.85), (0.88, 0.48, 0.42)

RADII = {  # half width and half depth in metres at the start and the end of the bone that leaves a role towards another
    ("pelvis", "spine1"): ((0.15, 0.105), (0.135, 0.1)),
    ("spine1", "spine2"): ((0.135, 0.1), (0.14, 0.1)),
    ("spine2", "spine3"): ((0.14, 0.1), (0.15, 0.105)),
    ("spine3", "neck"): ((0.15, 0.1), (0.055, 0.055)),
    ("pelvis", "hip"): ((0.1, 0.1), (0.09, 0.09)),
    ("hip", "knee"): ((0.088, 0.088), (0.055, 0.058)),
    ("knee", "ankle"): ((0.056, 0.06), (0.036, 0.04)),
    ("ankle", "foot"): ((0.042, 0.045), (0.04, 0.028)),
    ("spine3", "collar"): ((0.07, 0.08), (0.065, 0.07)),
    ("collar", "shoulder"): ((0.07, 0.07), (0.056, 0.058)),
    ("shoulder", "elbow"): ((0.052, 0.052), (0.038, 0.038)),
    ("elbow", "wrist"): ((0.039, 0.039), (0.026, 0.026)),
    ("neck", "head"): ((0.055, 0.055), (0.055, 0.055)),
}
LEG_OF_PRESET = 0.82  # metres hip to ankle of the body that RADII fit


@dataclass(frozen=True)
class Mesh:
    """Vertices (N, 3) with normals, colours (N, 3) in 0 to 1, up to 4 joints and weights each, and triangles (T, 3)."""

    positions: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    joints: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray


def build(skeleton: Skeleton) -> Mesh:
    """The mannequin of a skeleton. Bodies whose joints have unknown names get plain tubes."""
    rest = forward(skeleton, np.zeros(3), np.broadcast_to([1.0, 0, 0, 0], (len(skeleton), 4)))
    try:
        roles = {joints[0]: role for role, joints in find_naming(skeleton)[1].items() if len(joints) == 1}
    except RequestError:
        roles = {}
    scale = _scale(rest, roles)
    parts: list[Mesh] = []
    for j, parent in enumerate(skeleton.parents):
        if parent >= 0 and skeleton.lengths[j] > 0.01 * scale:
            parts.append(_bone(skeleton, rest, roles, parent, j, scale))
    for j, role in roles.items():
        part = role.removeprefix("left_").removeprefix("right_")
        colour = _colour(skeleton.names[j], role)
        if part == "head":
            up = normalise(rest[j] - rest[skeleton.parents[j]]) * [0, 1, 1] + [0, 0.3, 0]
            centre = rest[j] + normalise(up) * 0.07 * scale
            parts.append(_ellipsoid(centre, np.array([0.075, 0.11, 0.09]) * scale, j, colour))
            parts.append(
                _ellipsoid(
                    centre + np.array([0, -0.015, 0.09]) * scale, np.array([0.015, 0.022, 0.02]) * scale, j, colour
                )
            )
        elif part == "wrist" and not any(skeleton.lengths[c] > 0.03 * scale for c in skeleton.children[j]):
            along = normalise(rest[j] - rest[skeleton.parents[j]])
            parts.append(
                _ellipsoid(rest[j] + along * 0.08 * scale, np.array([0.095, 0.028, 0.045]) * scale, j, colour, along)
            )
        elif part == "foot":
            parts.append(
                _ellipsoid(
                    rest[j] + np.array([0, 0.012, 0.02]) * scale, np.array([0.045, 0.028, 0.06]) * scale, j, colour
                )
            )
    return _merge(parts) if parts else _merge([_ellipsoid(rest[0], np.full(3, 0.1), 0, GREY)])


def _scale(rest: np.ndarray, roles: dict[int, str]) -> float:
    """Size of the body against the preset's, by its leg; by overall height for unknown bodies."""
    at = {role: rest[j] for j, role in roles.items()}
    if {"left_hip", "left_knee", "left_ankle"} <= at.keys():
        leg = np.linalg.norm(at["left_hip"] - at["left_knee"]) + np.linalg.norm(at["left_knee"] - at["left_ankle"])
        return float(leg / LEG_OF_PRESET)
    return float(max(np.ptp(rest, axis=0).max(), 1e-3) / 1.7)


def _colour(name: str, role: str) -> tuple[float, float, float]:
    word = (role or name).lower()
    if "left" in word or name.endswith(("_L", "_l")):
        return BLUE
    return RED if "right" in word or name.endswith(("_R", "_r")) else GREY


def _bone(skeleton: Skeleton, rest: np.ndarray, roles: dict[int, str], parent: int, child: int, scale: float) -> Mesh:
    """A closed tube from parent to child; it turns with the parent, and blends with the joints at its ends."""
    short = [roles.get(j, "").removeprefix("left_").removeprefix("right_") for j in (parent, child)]
    length = skeleton.lengths[child]
    default = float(np.clip(0.2 * length, 0.008 * scale, 0.06 * scale))
    start, end = RADII.get((short[0], short[1]), ((default / scale,) * 2, (0.75 * default / scale,) * 2))
    direction = normalise(rest[child] - rest[parent])
    side = np.array([1.0, 0, 0]) if abs(direction[0]) < 0.9 else np.array([0.0, 0, 1])
    side = normalise(side - direction * (side @ direction))
    front = np.cross(direction, side)
    above = skeleton.parents[parent]
    positions, normals, joints, weights = [], [], [], []
    angles = np.arange(SIDES) * 2 * np.pi / SIDES
    caps = [(-0.5, 0.0), (-0.35, 0.7)], [(0.35, 0.7), (0.5, 0.0)]  # rounded ends: beyond in radii, share of the radius
    stations = [(0.0, *c) for c in caps[0]] + [(t, 0.0, 1.0) for t in RINGS] + [(1.0, *c) for c in caps[1]]
    for t, beyond, share in stations:
        radius = (np.array(start) * (1 - t) + np.array(end) * t) * scale
        centre = rest[parent] + direction * (length * t + beyond * radius.mean())
        ring = np.cos(angles)[:, None] * side / radius[0] + np.sin(angles)[:, None] * front / radius[1]
        positions.append(
            centre + share * (np.cos(angles)[:, None] * side * radius[0] + np.sin(angles)[:, None] * front * radius[1])
        )
        normals.append(normalise(ring * share * radius.mean() + direction * np.sign(beyond) * (1 - share)))
        w_above = 0.5 * max(0.0, 1 - t / 0.25) if above >= 0 else 0.0
        w_child = 0.5 * max(0.0, (t - 0.75) / 0.25) if skeleton.children[child] else 0.0
        joints.append(np.tile([parent, max(above, 0), child, 0], (SIDES, 1)))
        weights.append(np.tile([1 - w_above - w_child, w_above, w_child, 0.0], (SIDES, 1)))
    count = len(stations)
    colour = _colour(skeleton.names[child], roles.get(child, ""))
    return Mesh(
        np.concatenate(positions),
        np.concatenate(normals),
        np.tile(colour, (count * SIDES, 1)),
        np.concatenate(joints),
        np.concatenate(weights),
        _quads(count, SIDES),
    )


def _ellipsoid(
    centre: np.ndarray,
    radii: np.ndarray,
    joint: int,
    colour: tuple[float, float, float],
    along: np.ndarray | None = None,
) -> Mesh:
    """A sphere stretched to radii (3,), its first axis along a direction if one is given; all of it moves with one joint."""
    rings = 9
    polar = np.linspace(0, np.pi, rings)
    angles = np.arange(SIDES) * 2 * np.pi / SIDES
    unit = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(angles),
            np.broadcast_to(-np.cos(polar)[:, None], (rings, SIDES)),
            -np.sin(polar)[:, None] * np.sin(angles),
        ],
        axis=-1,
    ).reshape(-1, 3)
    axes = np.eye(3)
    if along is not None:
        up = np.array([0.0, 1, 0]) if abs(along[1]) < 0.9 else np.array([0.0, 0, 1])
        third = normalise(np.cross(along, up))
        axes = np.stack([along, np.cross(third, along), third])
    n = len(unit)
    joints, weights = np.zeros((n, 4), int), np.zeros((n, 4))
    joints[:, 0], weights[:, 0] = joint, 1
    normals = normalise((unit / radii) @ axes)
    return Mesh(centre + (unit * radii) @ axes, normals, np.tile(colour, (n, 1)), joints, weights, _quads(rings, SIDES))


def _quads(rings: int, sides: int) -> np.ndarray:
    """Triangles (T, 3) between consecutive rings, counter-clockwise seen from outside."""
    i, k = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
    a, b = i * sides + k, i * sides + (k + 1) % sides
    c, d = a + sides, b + sides
    return np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])


def _merge(parts: list[Mesh]) -> Mesh:
    first = np.cumsum([0] + [len(p.positions) for p in parts[:-1]])

    def joined(field: str) -> np.ndarray:
        return np.concatenate([getattr(p, field) for p in parts])

    triangles = np.concatenate([p.triangles + n for p, n in zip(parts, first, strict=True)])
    return Mesh(
        joined("positions"), joined("normals"), joined("colours"), joined("joints"), joined("weights"), triangles
    )
