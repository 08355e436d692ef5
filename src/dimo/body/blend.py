"""Joining motions without a seam: place one on another, let an offset decay, spread a drift. Functions on arrays, numpy.

A clip here is root (F, 3) in metres and local rotations (F, J, 4), as in Motion. What is generated never fits what is
there exactly: its place and heading differ (ground_fit), its pose and velocity at the seam differ (inertialise, after
Bollo 2018, "Inertialization: high-performance animation transitions in Gears of War"), and a filled gap arrives
elsewhere than it should (drift_weights, spread_drift).
"""

from __future__ import annotations

import numpy as np

from dimo.body import kinematics
from dimo.body.rotation import (
    normalise,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_to_rotvec,
    rotvec_to_quat,
    slerp,
    yaw_to_quat,
)
from dimo.body.skeleton import Skeleton

GROUND = np.array([1.0, 0.0, 1.0])
TAPER_SECONDS = 0.2  # a drift sets in and ends over this long, so that no velocity jumps
RESTING_SHARE = 0.15  # of the mean movement that a still frame takes of a drift, so that a still gap can take it too


def ground_yaw(moving: np.ndarray, fixed: np.ndarray) -> float:
    """Yaw in radians by which points moving (N, 3), turned about the vertical through the origin, come nearest to fixed (N, 3).

    Least squares (Procrustes in the plane). Points that all lie on one vertical have no heading: the yaw is then 0.
    """
    # The turn by yaw takes (x, z) to (x cos + z sin, z cos - x sin); the sum of its products with fixed is greatest here.
    along = float(np.sum(moving[:, 0] * fixed[:, 0] + moving[:, 2] * fixed[:, 2]))
    across = float(np.sum(moving[:, 2] * fixed[:, 0] - moving[:, 0] * fixed[:, 2]))
    return float(np.arctan2(across, along)) if abs(along) + abs(across) > 1e-12 else 0.0


def ground_fit(moving: np.ndarray, fixed: np.ndarray) -> tuple[float, np.ndarray]:
    """Yaw in radians and shift (3,) that bring points moving (N, 3) nearest to fixed (N, 3): turn first, then shift.

    Least squares over turns about the vertical and shifts along the ground; heights stay, so shift[1] is 0.
    """
    a, b = moving.mean(axis=0), fixed.mean(axis=0)
    yaw = ground_yaw(moving - a, fixed - b)
    return yaw, (b - quat_rotate(yaw_to_quat(np.array(yaw)), a)) * GROUND


def settle(offset: np.ndarray, velocity: np.ndarray, t: np.ndarray, seconds: float) -> np.ndarray:
    """A curve (F, ...) at times t (F,) in seconds that starts with an offset (...) and velocity and is 0 from `seconds` on.

    The polynomial of degree 5 with x(0) = offset, x'(0) = velocity, x''(0) = 0 and x = x' = x'' = 0 at the end.
    """
    u = np.clip(t / seconds, 0, 1).reshape(-1, *([1] * np.ndim(offset)))
    place = (1 - u) ** 3 * (1 + 3 * u + 6 * u * u)
    speed = u * (1 - u) ** 3 * (1 + 3 * u)
    return place * offset + speed * (np.asarray(velocity) * seconds)


def inertialise(
    root: np.ndarray,
    rotations: np.ndarray,
    known_root: np.ndarray,
    known_rotations: np.ndarray,
    fps: float,
    seconds: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The clip root (F, 3), rotations (F, J, 4) made to go on from the known frames (K, 3), (K, J, 4), K of 1 or 2.

    The clip's first K frames are its own version of the known ones. In the result they are the known ones, bit for
    bit; later frames carry the offset of the last of them, and the velocity of that offset, decaying to nothing within
    `seconds`; frames after that are unchanged. With K = 1 the clip keeps its own velocity. For the far end of a gap
    give both reversed in time.
    """
    k = len(known_root)
    place = known_root - root[:k]
    turn = quat_to_rotvec(quat_multiply(known_rotations, quat_conjugate(rotations[:k])))
    speed = [(x[-1] - x[0]) * fps if k > 1 else np.zeros_like(x[-1]) for x in (place, turn)]
    t = np.arange(1, len(root) - k + 1) / fps
    live = t < seconds
    out_root, out_rotations = np.array(root, float), np.array(rotations, float)
    now = np.flatnonzero(live) + k
    out_root[now] += settle(place[-1], speed[0], t[live], seconds)
    out_rotations[now] = quat_multiply(
        rotvec_to_quat(settle(turn[-1], speed[1], t[live], seconds)), np.asarray(rotations)[now]
    )
    out_root[:k], out_rotations[:k] = known_root, known_rotations
    # Signs go on from the known frames, which keep theirs.
    out_rotations[k - 1 :] = quat_continuous(out_rotations[k - 1 :])
    return out_root, out_rotations


def drift_weights(root: np.ndarray, rotations: np.ndarray, fps: float) -> np.ndarray:
    """How much of a drift each frame (F,) has taken: 0 at the first, 1 at the last, growing where the body moves.

    Grows with horizontal speed and turning of the root, a little where it rests, and starts and ends gently.
    """
    n = len(root) - 1
    if n < 1:
        return np.ones(len(root))
    step = np.linalg.norm(np.diff(root, axis=0) * GROUND, axis=-1)
    ahead = quat_rotate(rotations[:, 0], np.array([0.0, 0.0, 1.0])) * GROUND
    moved = step + 0.3 * np.linalg.norm(np.diff(ahead, axis=0), axis=-1)  # a turn on the spot by 1 rad counts as 0.3 m
    middle = np.arange(n) + 0.5
    edge = np.clip(np.minimum(middle, n - middle) / max(min(TAPER_SECONDS * fps, n / 2), 1.0), 0, 1)
    density = (moved + RESTING_SHARE * moved.mean() + 1e-6) * edge * edge * (3 - 2 * edge)
    return np.concatenate([[0.0], np.cumsum(density) / density.sum()])


def spread_drift(
    root: np.ndarray, rotations: np.ndarray, yaw: float, target: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The clip bent so that its last frame is turned by yaw radians and stands at target (3,) on the ground.

    Each step of the path is turned by its share of the yaw (weights (F,), 0 to 1), then the rest of the way is shared
    out likewise. The first frame and all heights stay. Rotations below the root are not touched.
    """
    turn = yaw_to_quat(weights * yaw)
    between = yaw_to_quat((weights[1:] + weights[:-1]) / 2 * yaw)
    steps = quat_rotate(between, np.diff(root, axis=0))
    path = np.concatenate([root[:1], root[:1] + np.cumsum(steps, axis=0)])
    path = path + weights[:, None] * (target - path[-1]) * GROUND
    path[:, 1] = root[:, 1]
    out = np.array(rotations, float)
    out[:, 0] = quat_multiply(turn, out[:, 0])
    return path, out


def sample_at(root: np.ndarray, rotations: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root (N, 3) and rotations (N, J, 4) at fractional frames at (N,), clamped to the clip; velocities do not jump.

    Cubic through the four frames around (Catmull and Rom 1974), on quaternions of one sign, normalised; whole numbers
    give the frames themselves.
    """
    n = len(root)
    at = np.clip(at, 0, n - 1)
    low = np.minimum(np.floor(at).astype(int), max(n - 2, 0))
    u = at - low
    continuous = quat_continuous(rotations)
    out = []
    for values in (np.asarray(root, float), continuous):
        x = u.reshape(-1, *([1] * (values.ndim - 1)))
        p0, p1, p2, p3 = (values[np.clip(low + i, 0, n - 1)] for i in (-1, 0, 1, 2))
        # Beyond the ends the clip goes on straight, so that a straight line stays one.
        p0 = np.where((low == 0).reshape(x.shape), 2 * p1 - p2, p0)
        p3 = np.where((low >= n - 2).reshape(x.shape), 2 * p2 - p1, p3)
        curve = p1 + 0.5 * x * (p2 - p0 + x * (2 * p0 - 5 * p1 + 4 * p2 - p3 + x * (3 * (p1 - p2) + p3 - p0)))
        out.append(np.where(x == 0, p1, np.where(x == 1, p2, curve)))
    return out[0], normalise(out[1])


def detail(skeleton: Skeleton, true: np.ndarray, simple: np.ndarray) -> np.ndarray:
    """What a simpler body cannot say of a pose: per joint the rotation (..., J, 4) after the simple one to the true one.

    true and simple are local rotations (..., J, 4) of the same moment; simple is what came back from the other body.
    Bones point alike in both, so this is twist about them, and the pose of fingers and other joints of one body only.
    """
    true_world = kinematics.global_rotations(skeleton, np.asarray(true, float))
    simple_world = kinematics.global_rotations(skeleton, np.asarray(simple, float))
    return quat_multiply(quat_conjugate(simple_world), true_world)


def with_detail(skeleton: Skeleton, rotations: np.ndarray, details: np.ndarray) -> np.ndarray:
    """Local rotations (..., J, 4) with details (..., J, 4) of `detail` put back: with_detail(simple, detail) is true."""
    world = kinematics.global_rotations(skeleton, np.asarray(rotations, float))
    return local_rotations(skeleton, quat_multiply(world, details))


def local_rotations(skeleton: Skeleton, world: np.ndarray) -> np.ndarray:
    """World orientations (..., J, 4) to rotations in the parents' frames: undoes kinematics.global_rotations."""
    parents = np.array(skeleton.parents)
    local = np.array(world, float)
    inner = np.flatnonzero(parents >= 0)
    local[..., inner, :] = quat_multiply(quat_conjugate(world[..., parents[inner], :]), world[..., inner, :])
    return local


def between_details(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """From details a (J, 4) to b (J, 4) by weights (F,) from 0 to 1: (F, J, 4)."""
    count = len(weights)
    shape = (count, *a.shape)
    return slerp(np.broadcast_to(a, shape), np.broadcast_to(b, shape), np.asarray(weights)[:, None])
