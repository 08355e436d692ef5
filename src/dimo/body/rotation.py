"""Rotations as pure functions on numpy arrays with free leading dimensions.

Quaternions are unit, w first, shape (..., 4); matrices (..., 3, 3) act on column vectors; angles are radians.
Euler orders are written as they stand in a file: "ZXY" means R = Rz @ Rx @ Ry (intrinsic, first letter outermost).
"""

from __future__ import annotations

from functools import reduce

import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
AXES = {"X": 0, "Y": 1, "Z": 2}


def normalise(v: np.ndarray, eps: float = 1e-12) -> np.ndarray:
    """v (..., D) divided by its length; a vector shorter than eps is divided by eps, never by zero."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), eps)


def quat_multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product a b (..., 4): the rotation that applies b first, then a."""
    a, b = np.asarray(a), np.asarray(b)
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    out = np.empty((*np.broadcast_shapes(a.shape, b.shape)[:-1], 4), np.result_type(a, b))
    out[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    out[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return out


def quat_conjugate(q: np.ndarray) -> np.ndarray:
    """Inverse of a unit quaternion (..., 4)."""
    return np.asarray(q) * np.array([1, -1, -1, -1], dtype=np.asarray(q).dtype)


def quat_rotate(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Vectors v (..., 3) rotated by q (..., 4); leading dimensions broadcast."""
    w, u = q[..., :1], q[..., 1:]
    t = 2 * _cross(u, v)
    return v + w * t + _cross(u, t)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product (..., 3): np.cross spends most of its time on axes that never vary here."""
    a0, a1, a2, b0, b1, b2 = a[..., 0], a[..., 1], a[..., 2], b[..., 0], b[..., 1], b[..., 2]
    out = np.empty((*np.broadcast_shapes(a.shape, b.shape)[:-1], 3), np.result_type(a, b))
    out[..., 0] = a1 * b2 - a2 * b1
    out[..., 1] = a2 * b0 - a0 * b2
    out[..., 2] = a0 * b1 - a1 * b0
    return out


def quat_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shortest rotation taking direction a (..., 3) to direction b (..., 3), as (..., 4).

    It has no twist about the axis. For antiparallel directions it is half a turn about a fixed perpendicular axis.
    """
    a, b = normalise(np.asarray(a, float)), normalise(np.asarray(b, float))
    a, b = np.broadcast_arrays(a, b)
    w = 1 + np.sum(a * b, axis=-1, keepdims=True)
    q = normalise(np.concatenate([w, _cross(a, b)], axis=-1))
    opposite = w < 1e-14  # above it, rounding turns q by less than 1e-8
    if not opposite.any():
        return q
    # Any axis perpendicular to a serves half a turn: cross a with the unit axis it is least aligned with.
    helper = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
    flip = np.concatenate([np.zeros_like(w), normalise(_cross(a, helper))], axis=-1)
    return np.where(opposite, flip, q)


def quat_to_matrix(q: np.ndarray) -> np.ndarray:
    """(..., 4) to (..., 3, 3)."""
    w, x, y, z = np.moveaxis(np.asarray(q), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_quat(m: np.ndarray) -> np.ndarray:
    """(..., 3, 3) to (..., 4) with w >= 0, by Shepperd's method: the largest of four candidates is never near zero."""
    m = np.asarray(m, float)
    d = np.diagonal(m, axis1=-2, axis2=-1)
    trace = d.sum(-1)
    squares = np.stack([1 + trace, *(1 + 2 * d[..., i] - trace for i in range(3))], axis=-1)  # 4 w^2, 4 x^2, ...
    x, y, z = (m[..., 2, 1] - m[..., 1, 2]), (m[..., 0, 2] - m[..., 2, 0]), (m[..., 1, 0] - m[..., 0, 1])
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    rows = np.stack(
        [
            np.stack([squares[..., 0], x, y, z], -1),
            np.stack([x, squares[..., 1], xy, xz], -1),
            np.stack([y, xy, squares[..., 2], yz], -1),
            np.stack([z, xz, yz, squares[..., 3]], -1),
        ],
        axis=-2,
    )
    best = np.argmax(squares, axis=-1)[..., None, None]
    q = normalise(np.take_along_axis(rows, best, axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def matrix_to_sixd(m: np.ndarray) -> np.ndarray:
    """First two columns, column 0 then column 1: (..., 3, 3) to (..., 6). (Zhou et al. 2019; HumanML3D's order.)"""
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def sixd_to_matrix(d: np.ndarray) -> np.ndarray:
    """Gram-Schmidt on two columns: (..., 6) to (..., 3, 3). (Zhou et al. 2019, section B.)"""
    x = normalise(d[..., :3])
    z = normalise(np.cross(x, d[..., 3:]))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def axis_angle_to_quat(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Unit axis (..., 3) and angle (...,) to (..., 4)."""
    half = np.asarray(angle, float)[..., None] / 2
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)


def quat_to_rotvec(q: np.ndarray) -> np.ndarray:
    """(..., 4) to axis times angle (..., 3), the angle from 0 to pi: q and -q give the same."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    small = sine < 1e-9  # there angle / sine is 2 within rounding
    return q[..., 1:] * np.where(small, 2.0, 2 * np.arctan2(sine, q[..., :1]) / np.where(small, 1.0, sine))


def rotvec_to_quat(v: np.ndarray) -> np.ndarray:
    """Axis times angle (..., 3) to (..., 4)."""
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.concatenate([np.cos(angle / 2), np.sinc(angle / (2 * np.pi)) / 2 * v], axis=-1)


def yaw_to_quat(yaw: np.ndarray) -> np.ndarray:
    """Rotation about +Y by yaw (...,) as (..., 4). Positive yaw takes +Z towards +X: the actor's left."""
    yaw = np.asarray(yaw, float)
    zero = np.zeros_like(yaw)
    return np.stack([np.cos(yaw / 2), zero, np.sin(yaw / 2), zero], axis=-1)


def euler_to_quat(angles: np.ndarray, order: str) -> np.ndarray:
    """Intrinsic angles (..., len(order)) to (..., 4): "ZXY" is Rz Rx Ry, angles given in that order."""
    angles = np.asarray(angles, float)
    axes = np.eye(3)
    parts = [axis_angle_to_quat(axes[AXES[letter]], angles[..., i]) for i, letter in enumerate(order)]
    return reduce(quat_multiply, parts, np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4)))


def matrix_to_euler(m: np.ndarray, order: str) -> np.ndarray:
    """(..., 3, 3) to intrinsic angles (..., 3) for any order of three different axes; middle angle in [-pi/2, pi/2].

    At gimbal lock (the middle angle at its end) the third angle is set to zero.
    """
    i, j, k = (AXES[letter] for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0  # even permutations of XYZ
    cosine = np.hypot(m[..., i, i], m[..., i, j])
    middle = np.arctan2(sign * m[..., i, k], cosine)  # arcsin would lose half its digits near the end
    third = np.where(cosine < 1e-7, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    # Undo the third turn; what is left of column j shows the first one, however near the lock is.
    c, s = np.cos(third)[..., None], np.sin(third)[..., None]
    column = c * m[..., :, j] + sign * s * m[..., :, i]
    first = np.arctan2(sign * column[..., k], column[..., j])
    return np.stack([first, middle, third], axis=-1)


def quat_angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle in [0, pi] between two rotations (..., 4)."""
    relative = quat_multiply(quat_conjugate(a), b)
    return 2 * np.arctan2(np.linalg.norm(relative[..., 1:], axis=-1), np.abs(relative[..., 0]))


def quat_continuous(q: np.ndarray, axis: int = 0) -> np.ndarray:
    """The same rotations with signs chosen so that neighbours along axis never lie in opposite hemispheres."""
    q = np.moveaxis(np.asarray(q), axis, 0)
    dots = np.sum(q[1:] * q[:-1], axis=-1, keepdims=True)
    signs = np.concatenate([np.ones_like(q[:1, ..., :1]), np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)])
    return np.moveaxis(q * signs, 0, axis)


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Spherical interpolation from a (t = 0) to b (t = 1) the short way round; t broadcasts against (...,)."""
    dot = np.sum(a * b, axis=-1)
    b = np.where(dot[..., None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0, 1))
    t = np.broadcast_to(t, angle.shape)
    small = angle < 1e-6  # sin(angle) would lose all digits; there the straight line is exact to 1e-12
    sine = np.where(small, 1.0, np.sin(angle))
    wa = np.where(small, 1 - t, np.sin((1 - t) * angle) / sine)
    wb = np.where(small, t, np.sin(t * angle) / sine)
    return normalise(wa[..., None] * a + wb[..., None] * b)
