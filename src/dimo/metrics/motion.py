"""The field's numbers on motions, from arrays: retrieval, distributions, reconstruction, completion.

Embeddings are (N, D) of any encoder; rows of two arrays with the same index belong together. Positions are (..., F, J, 3)
in metres. Guo et al. 2022 (section 5 and their public code) define the retrieval and distribution metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimo.errors import ShapeError

POOL = 32
"""Texts and motions that compete in R-Precision."""
DIVERSITY_PAIRS = 300
MULTIMODALITY_PAIRS = 10


@dataclass(frozen=True)
class Interval:
    """A mean over repeats and half the width of its 95 % interval."""

    mean: float
    half_width: float
    repeats: int


def interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Mean and 1.96 std / sqrt(n) of n repeats, std with divisor n as in the public code; one repeat has width nan."""
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"an interval needs one number a repeat, not an array of shape {values.shape}")
    width = 1.96 * values.std() / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return Interval(float(values.mean()), float(width), len(values))


# ---- retrieval


def distances(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Euclidean distances (N, M) between rows (N, D) and columns (M, D)."""
    rows, columns = _embeddings(rows), _embeddings(columns)
    if rows.shape[1] != columns.shape[1]:
        raise ShapeError(f"embeddings of {rows.shape[1]} and {columns.shape[1]} dimensions have no distance")
    squares = (rows**2).sum(1)[:, None] + (columns**2).sum(1) - 2 * rows @ columns.T
    return np.sqrt(np.maximum(squares, 0))


def r_precision(rows: np.ndarray, columns: np.ndarray, top: int = 3, pool: int = POOL) -> np.ndarray:
    """Share (top,) of rows whose own column is among the 1, 2, ... top nearest of its pool.

    Rows are texts and columns motions in text-to-motion, the other way round in captioning. Pools are consecutive; the last
    partial one is dropped, as the public loaders do. Of equal distances the first counts as nearer (a stable sort), so that
    an encoder that maps everything to one point gets chance.
    """
    rows, columns = _whole_pools(rows, columns, pool)
    hits = np.zeros(top)
    for start in range(0, len(rows), pool):
        part = slice(start, start + pool)
        order = np.argsort(distances(rows[part], columns[part]), axis=1, kind="stable")[:, :top]
        found = order == np.arange(pool)[:, None]
        hits[: found.shape[1]] += found.cumsum(1).astype(bool).sum(0)
        hits[found.shape[1] :] += pool
    return hits / len(rows)


def matching_distance(rows: np.ndarray, columns: np.ndarray, pool: int = POOL) -> float:
    """MM-Dist: mean distance of the pairs in whole pools."""
    rows, columns = _whole_pools(rows, columns, pool)
    return float(np.linalg.norm(rows - columns, axis=1).mean())


def _whole_pools(rows: np.ndarray, columns: np.ndarray, pool: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = _embeddings(rows), _embeddings(columns)
    if rows.shape != columns.shape:
        raise ShapeError(f"pairs need arrays of one shape, not {rows.shape} and {columns.shape}")
    whole = len(rows) // pool * pool
    if not whole:
        raise ShapeError(f"{len(rows)} pairs do not fill one pool of {pool}")
    return rows[:whole], columns[:whole]


def _embeddings(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2:
        raise ShapeError(f"embeddings must have shape (N, D), not {values.shape}")
    if not np.isfinite(values).all():
        raise ShapeError(f"embedding {int(np.argwhere(~np.isfinite(values))[0, 0])} holds a number that is not finite")
    return values


# ---- distributions


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """FID: the Frechet distance of the Gaussians fitted to two sets of embeddings (Heusel et al. 2017, equation 6)."""
    real, generated = _embeddings(real), _embeddings(generated)
    if min(len(real), len(generated)) < 2 or real.shape[1] != generated.shape[1]:
        raise ShapeError(f"a Gaussian needs 2 embeddings or more of one size, not {real.shape} and {generated.shape}")
    return gaussian_distance(
        real.mean(0), np.cov(real, rowvar=False), generated.mean(0), np.cov(generated, rowvar=False)
    )


def gaussian_distance(mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)) for means (D,) and covariances (D, D)."""
    cov_a, cov_b = np.atleast_2d(cov_a), np.atleast_2d(cov_b)
    gap = np.atleast_1d(mean_a) - np.atleast_1d(mean_b)
    return float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * root_trace(cov_a, cov_b))


def root_trace(a: np.ndarray, b: np.ndarray) -> float:
    """tr (A B)^(1/2) of two covariances (D, D).

    A B has the eigenvalues of the symmetric A^(1/2) B A^(1/2), so two symmetric decompositions give the trace. Unlike
    sqrtm it stays real, and exact, where there are fewer clips than dimensions.
    """
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(_without_noise(values))) @ vectors.T
    return float(np.sqrt(_without_noise(np.linalg.eigvalsh(root @ b @ root))).sum())


def _without_noise(values: np.ndarray) -> np.ndarray:
    """Eigenvalues (D,) that rounding alone can make are 0: the root would turn each 1e-16 into 1e-8."""
    return np.where(values > len(values) * np.finfo(float).eps * values.max(), values, 0)


def diversity(embeddings: np.ndarray, generator: np.random.Generator, pairs: int = DIVERSITY_PAIRS) -> float:
    """Mean distance of `pairs` pairs: two draws of indices, each without replacement. Near the real value is good."""
    embeddings = _embeddings(embeddings)
    if len(embeddings) < pairs:
        raise ShapeError(f"diversity draws {pairs} of the motions, and there are only {len(embeddings)}")
    first, second = (generator.choice(len(embeddings), pairs, replace=False) for _ in range(2))
    return float(np.linalg.norm(embeddings[first] - embeddings[second], axis=1).mean())


def multimodality(embeddings: np.ndarray, generator: np.random.Generator, pairs: int = MULTIMODALITY_PAIRS) -> float:
    """Mean distance of `pairs` pairs among the motions of one text, over embeddings (texts, motions of one text, D).

    As in the public code the draws are made once and used for every text, and may pair a motion with itself. Noise
    raises it: read it beside FID.
    """
    embeddings = np.asarray(embeddings, np.float64)
    if embeddings.ndim != 3 or embeddings.shape[1] < pairs:
        raise ShapeError(
            f"multimodality needs (texts, {pairs} motions or more, D), not an array of shape {embeddings.shape}"
        )
    first, second = (generator.choice(embeddings.shape[1], pairs, replace=False) for _ in range(2))
    return float(np.linalg.norm(embeddings[:, first] - embeddings[:, second], axis=-1).mean())


# ---- reconstruction


def mpjpe(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean distance of joints in metres after moving each frame's root onto the true one (momask's tokenizer table)."""
    truth, guess = _positions(truth, guess)
    return _mean_distance(truth - truth[..., :1, :], guess - guess[..., :1, :])


def pa_mpjpe(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean distance of joints in metres after the best similarity (turn, scale, shift) of each frame (Procrustes)."""
    truth, guess = _positions(truth, guess)
    return _mean_distance(truth, procrustes(truth, guess))


def procrustes(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """guess (..., J, 3) turned, scaled and shifted to be nearest to truth in squares (Umeyama 1991, equations 39 to 43)."""
    centre_t, centre_g = truth.mean(-2, keepdims=True), guess.mean(-2, keepdims=True)
    t, g = truth - centre_t, guess - centre_g
    u, s, vt = np.linalg.svd(np.swapaxes(t, -1, -2) @ g)
    # A reflection would fit some flat poses better; no body is one.
    sign = np.ones_like(s)
    sign[..., -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    turn = (u * sign[..., None, :]) @ vt
    scale = (s * sign).sum(-1) / np.maximum((g**2).sum((-1, -2)), 1e-12)
    return scale[..., None, None] * g @ np.swapaxes(turn, -1, -2) + centre_t


def acceleration_error(truth: np.ndarray, guess: np.ndarray, fps: float) -> float:
    """Mean length of the difference of joint accelerations in m/s^2, by second differences (Kanazawa et al. 2019).

    Tables in mm a frame^2 give this times 1000 / fps^2.
    """
    truth, guess = _positions(truth, guess)
    if truth.shape[-3] < 3:
        raise ShapeError(f"accelerations need 3 frames, not {truth.shape[-3]}")
    return _mean_distance(np.diff(truth, n=2, axis=-3), np.diff(guess, n=2, axis=-3)) * fps**2


def bone_length_drift(joints: np.ndarray, parents: Sequence[int]) -> float:
    """Mean deviation of bone lengths from the bone's own median over the clip, as a share of it; 0 for rigid bones.

    joints (F, J, 3); parents with -1 at the root. Bones of no length are left out.
    """
    joints = np.asarray(joints, np.float64)
    child = np.flatnonzero(np.asarray(parents) >= 0)
    if joints.ndim != 3 or joints.shape[1] != len(parents) or not len(child):
        raise ShapeError(f"bones of {len(parents)} joints do not fit positions of shape {joints.shape}")
    length = np.linalg.norm(joints[:, child] - joints[:, np.asarray(parents)[child]], axis=-1)
    usual = np.median(length, axis=0)
    real = usual > 1e-6
    return float(np.abs(length[:, real] / usual[real] - 1).mean()) if real.any() else 0.0


# ---- completion


def average_displacement(truth: np.ndarray, guess: np.ndarray) -> float:
    """ADE: mean distance of joints in metres over all frames, without alignment.

    Some papers take the length of a whole pose's difference instead of the mean over joints; those numbers are larger.
    """
    return _mean_distance(*_positions(truth, guess))


def final_displacement(truth: np.ndarray, guess: np.ndarray) -> float:
    """FDE: mean distance of joints in metres in the last frame, without alignment."""
    truth, guess = _positions(truth, guess)
    return _mean_distance(truth[..., -1:, :, :], guess[..., -1:, :, :])


def _positions(truth: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, guess = np.asarray(truth, np.float64), np.asarray(guess, np.float64)
    if truth.shape != guess.shape or truth.ndim < 3 or truth.shape[-1] != 3 or not truth.size:
        raise ShapeError(f"two motions need one shape (..., F, J, 3), not {truth.shape} and {guess.shape}")
    return truth, guess


def _mean_distance(truth: np.ndarray, guess: np.ndarray) -> float:
    return float(np.linalg.norm(truth - guess, axis=-1).mean())
