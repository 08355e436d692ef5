"""Forward and inverse kinematics: local rotations to joint positions and back. Numpy, free leading dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dimo.body.rotation import (
    IDENTITY,
    matrix_to_quat,
    normalise,
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
)
from dimo.body.skeleton import Skeleton
from dimo.errors import ShapeError


def global_rotations(skeleton: Skeleton, rotations: np.ndarray) -> np.ndarray:
    """Local (..., J, 4) to global rotations (..., J, 4): the product down the chain from the root."""
    out = np.empty_like(rotations)
    for j, parent in enumerate(skeleton.parents):
        local = rotations[..., j, :]
        out[..., j, :] = local if parent < 0 else quat_multiply(out[..., parent, :], local)
    return out


def forward(skeleton: Skeleton, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Joint positions (..., J, 3) in metres from root positions (..., 3) and local rotations (..., J, 4)."""
    turned = global_rotations(skeleton, rotations)
    # The root has no parent, and its row is not used.
    bones = quat_rotate(turned[..., skeleton.parents, :], skeleton.offsets)
    out = np.empty((*rotations.shape[:-1], 3), dtype=np.result_type(root, rotations))
    for j, parent in enumerate(skeleton.parents):
        out[..., j, :] = root if parent < 0 else out[..., parent, :] + bones[..., j, :]
    return out


def fit_rotation(rest: np.ndarray, seen: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Rotation R (..., 3, 3) that minimises sum_i w_i |R rest_i - seen_i|^2; rest (N, 3), seen (..., N, 3).

    Kabsch 1976 / Wahba's problem by singular values, with the determinant kept at +1.
    """
    w = np.ones(len(rest)) if weights is None else weights
    h = np.einsum("n,...ni,nj->...ij", w, seen, rest)
    u, _, vt = np.linalg.svd(h)
    u[..., :, 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return u @ vt


def inverse(
    skeleton: Skeleton, joints: np.ndarray, anchored: np.ndarray | None = None, lengths: Sequence[int] | None = None
) -> np.ndarray:
    """Local rotations (F, J, 4) whose bones point as in joints (F, J, 3), continuous in sign over time.

    A joint with several children takes the least-squares rotation onto their directions. A joint with one child takes
    the shortest rotation of its rest bone in the parent's frame: no twist is invented, so nothing pops where a limb is
    straight and its hinge axis undefined. A leaf keeps its parent's orientation. Bone lengths are the skeleton's own:
    forward() of the result moves joints along their bones only.

    anchored (J,) says which positions count (all by default). Joints between two anchored ones stay unbent, so that a
    richer skeleton can follow a simpler one. lengths: of several motions in joints, one after the other; each is then as if
    it had come alone.
    """
    joints = np.asarray(joints, float)
    if joints.ndim != 3 or joints.shape[1:] != (len(skeleton), 3):
        raise ShapeError(f"joints must have shape (F, {len(skeleton)}, 3) for this skeleton, not {joints.shape}")
    counts = np.ones(len(skeleton), bool) if anchored is None else np.asarray(anchored, bool)
    local = np.broadcast_to(IDENTITY, (*joints.shape[:2], 4)).copy()
    world = local.copy()
    for j, parent in enumerate(skeleton.parents):
        above = world[:, parent] if parent >= 0 else np.broadcast_to(IDENTITY, (len(joints), 4))
        targets = _next_anchored(skeleton, j, counts) if counts[j] else []
        targets = [(c, v) for c, v in targets if np.linalg.norm(v) > 1e-9]
        if targets:
            rest = normalise(np.array([v for _, v in targets]))
            seen = normalise(joints[:, [c for c, _ in targets]] - joints[:, j : j + 1])
            seen = quat_rotate(quat_conjugate(above)[:, None], seen)  # directions in the parent's frame
            if len(rest) > 1 and not _collinear(rest):
                local[:, j] = matrix_to_quat(fit_rotation(rest, seen))
            else:
                local[:, j] = quat_between(rest[0], seen[:, 0])
        world[:, j] = quat_multiply(above, local[:, j])
    if lengths is None:
        return quat_continuous(local)
    return np.concatenate([quat_continuous(part) for part in np.split(local, np.cumsum(lengths)[:-1])])


def _next_anchored(skeleton: Skeleton, j: int, anchored: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The nearest anchored joints below j, each with its rest offset from j in j's frame (3,)."""
    found, open_joints = [], [(c, skeleton.offsets[c]) for c in skeleton.children[j]]
    while open_joints:
        c, offset = open_joints.pop(0)
        if anchored[c]:
            found.append((c, offset))
        else:
            open_joints += [(k, offset + skeleton.offsets[k]) for k in skeleton.children[c]]
    return found


def _collinear(directions: np.ndarray) -> bool:
    """Whether all rest directions (N, 3) lie on one line, so that they cannot fix a rotation."""
    return np.linalg.matrix_rank(directions, tol=1e-3) < 2
