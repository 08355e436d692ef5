"""Metrics against closed forms, permutations and scipy."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes, sqrtm
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from dimo.errors import ShapeError
from dimo.metrics import motion as metrics


def rng(seed=0):
    return np.random.default_rng(seed)


def covariance(size, seed):
    a = rng(seed).normal(size=(size, size + 3))
    return a @ a.T / size


# ---- intervals


def test_interval_of_known_numbers():
    # std of 1, 2, 3, 4 with divisor 4 is sqrt(1.25)
    found = metrics.interval([1, 2, 3, 4])
    assert found.mean == 2.5
    assert found.half_width == pytest.approx(1.96 * np.sqrt(1.25) / 2)
    assert found.repeats == 4
    assert np.isnan(metrics.interval([7.0]).half_width)


# ---- retrieval


def test_distances_equal_scipy():
    a, b = rng().normal(size=(5, 8)), rng(1).normal(size=(7, 8))
    np.testing.assert_allclose(metrics.distances(a, b), cdist(a, b), atol=1e-12)
    assert metrics.distances(a * 1e3, a * 1e3).diagonal().max() < 1e-3  # no square root of a rounding error below 0


def test_identical_embeddings_are_found():
    x = rng().normal(size=(64, 16))
    np.testing.assert_array_equal(metrics.r_precision(x, x), [1, 1, 1])
    assert metrics.matching_distance(x, x) == 0


@pytest.mark.parametrize(("shift", "expected"), [(0, [1, 1, 1]), (1, [0, 1, 1]), (2, [0, 0, 1]), (3, [0, 0, 0])])
def test_rank_of_the_true_column_on_a_line(shift, expected):
    # Row i lies so that exactly `shift` other columns are nearer than its own: columns at 0, 1, 2, ... on a line,
    # rows beyond the true column by a bit over half a step for each column to be passed. Edges are cut off by pools.
    columns = np.zeros((32, 32))
    rows = np.zeros((32, 32))
    for i in range(32):
        columns[i, i] = 1
        rows[i, i] = 1.0
        for k in range(1, shift + 1):
            rows[i, (i + k) % 32] = 1.0 + 0.1 * k  # nearer to column i + k than to column i
    np.testing.assert_array_equal(metrics.r_precision(rows, columns), expected)


def test_rotated_pairs_are_never_found_and_pools_are_separate():
    x = rng().normal(size=(64, 16)) * 10
    permuted = np.concatenate([np.roll(x[:32], 1, axis=0), x[32:]])
    np.testing.assert_allclose(metrics.r_precision(x, permuted, top=1), [0.5])
    swapped = np.concatenate([x[32:], x[:32]])  # every true column lies in the other pool: chance is all there is
    assert metrics.r_precision(x, swapped, top=1)[0] < 0.2


def test_one_point_for_everything_gets_chance():
    x = np.ones((32, 4))
    np.testing.assert_allclose(metrics.r_precision(x, x), np.array([1, 2, 3]) / 32)


def test_the_last_partial_pool_is_dropped():
    x = rng().normal(size=(40, 4))
    y = x.copy()
    y[32:] += 100
    assert metrics.matching_distance(x, y) == 0
    assert metrics.r_precision(x, y)[0] == 1


def test_matching_distance_of_a_shift():
    x = rng().normal(size=(32, 9))
    assert metrics.matching_distance(x, x + 2) == pytest.approx(6)  # 2 * sqrt(9)


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (np.zeros((31, 2)), np.zeros((31, 2)), "pool of 32"),
        (np.zeros((32, 2)), np.zeros((33, 2)), "one shape"),
        (np.zeros(32), np.zeros(32), "(N, D)"),
        (np.full((32, 2), np.nan), np.zeros((32, 2)), "not finite"),
    ],
)
def test_pairs_that_do_not_fit(rows, columns, words):
    with pytest.raises(ShapeError) as error:
        metrics.r_precision(rows, columns)
    assert words in str(error.value)


# ---- distributions


@pytest.mark.parametrize("size", [1, 3, 40])
def test_root_trace_equals_scipy(size):
    a, b = covariance(size, 1), covariance(size, 2)
    assert metrics.root_trace(a, b) == pytest.approx(np.trace(sqrtm(a @ b)).real, rel=1e-8)


def test_gaussian_distance_where_covariances_commute():
    # For covariances with common axes: |m|^2 + sum (sqrt(a) - sqrt(b))^2.
    turn = Rotation.random(rng=3).as_matrix()
    a, b, m = np.array([4.0, 1, 0.25]), np.array([1.0, 9, 0]), np.array([1.0, -2, 2])
    found = metrics.gaussian_distance(m, (turn * a) @ turn.T, np.zeros(3), (turn * b) @ turn.T)
    assert found == pytest.approx(9 + 1 + 4 + 0.25)


def test_frechet_distance_of_sampled_gaussians_and_of_shifts():
    a = rng().normal(size=(200_000, 2)) * [1, 2] + [3, 0]
    b = rng(1).normal(size=(200_000, 2)) * [2, 1]
    assert metrics.frechet_distance(a, b) == pytest.approx(9 + 1 + 1, rel=0.02)
    x = rng().normal(size=(50, 6))
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(x, x + 1) == pytest.approx(6)
    assert metrics.frechet_distance(x, 3 * x - 2 * x.mean(0)) == pytest.approx(4 * np.trace(np.cov(x.T)))


def test_frechet_distance_with_fewer_clips_than_dimensions():
    x, y = rng().normal(size=(10, 64)), rng(1).normal(size=(12, 64))
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    product = np.cov(x.T) @ np.cov(y.T)
    want = np.sqrt(np.maximum(np.linalg.eigvals(product).real, 0)).sum()
    assert metrics.root_trace(np.cov(x.T), np.cov(y.T)) == pytest.approx(want, rel=1e-5)


def test_diversity():
    # All 300 of two far clusters of equal size: half of the pairs are 10 apart.
    x = np.repeat([[0.0, 0], [6, 8]], 150, axis=0)
    assert metrics.diversity(x, rng()) == pytest.approx(5, rel=0.2)
    # Without replacement 300 of 300 are a permutation each, so the means of a line's coordinates agree.
    assert metrics.diversity(np.ones((400, 3)), rng()) == 0
    assert metrics.diversity(x, rng(5)) == metrics.diversity(x, rng(5))
    with pytest.raises(ShapeError, match="300"):
        metrics.diversity(x[:299], rng())


def test_multimodality():
    x = np.zeros((4, 30, 2))
    x[:, ::2] = [3, 4]
    values = [metrics.multimodality(x, rng(s)) for s in range(300)]
    assert np.mean(values) == pytest.approx(2.5, rel=0.05)  # two indices have unlike parity half of the time
    # One draw serves every text: texts with the same motions give the same mean as one of them.
    assert metrics.multimodality(x[:1], rng(9)) == metrics.multimodality(x, rng(9))
    with pytest.raises(ShapeError, match="10 motions"):
        metrics.multimodality(x[:, :9], rng())


# ---- reconstruction


def motion(frames=12, seed=0):
    return rng(seed).normal(size=(frames, 22, 3))


def test_mpjpe_ignores_the_path_and_sees_the_pose():
    truth = motion()
    guess = truth + rng(1).normal(size=(12, 1, 3))
    assert metrics.mpjpe(truth, guess) == pytest.approx(0, abs=1e-12)
    guess = truth.copy()
    guess[:, 5] += [0, 3, 4]
    assert metrics.mpjpe(truth, guess) == pytest.approx(5 / 22)


def test_pa_mpjpe_ignores_similarities_but_not_reflections():
    truth = motion()
    turns = Rotation.random(12, rng=2).as_matrix()
    guess = 0.7 * truth @ np.swapaxes(turns, -1, -2) + rng(3).normal(size=(12, 1, 3))
    assert metrics.pa_mpjpe(truth, guess) == pytest.approx(0, abs=1e-12)
    assert metrics.pa_mpjpe(truth, truth * [-1, 1, 1]) > 0.1


def test_procrustes_equals_scipy_and_is_least():
    truth, guess = motion(1)[0], motion(1)[0] + 0.3 * motion(1, seed=4)[0]
    t, g = truth - truth.mean(0), guess - guess.mean(0)
    turn, sum_of_values = orthogonal_procrustes(g, t)
    want = g @ turn * sum_of_values / (g**2).sum() + truth.mean(0)
    np.testing.assert_allclose(metrics.procrustes(truth, guess), want, atol=1e-12)


def test_acceleration_error_of_parabolas():
    t = np.arange(20) / 20
    truth = np.zeros((20, 22, 3))
    guess = truth + (0.5 * 9.81 * t**2)[:, None, None] * [0, 1, 0] + t[:, None, None]
    assert metrics.acceleration_error(truth, guess, 20.0) == pytest.approx(9.81)


def test_displacements():
    truth = motion(10)
    guess = truth + np.arange(10)[:, None, None] * [0.6, 0, 0.8]
    assert metrics.average_displacement(truth, guess) == pytest.approx(4.5)
    assert metrics.final_displacement(truth, guess) == pytest.approx(9)
    assert metrics.average_displacement(truth[None], guess[None]) == pytest.approx(4.5)


def test_bone_length_drift():
    joints = np.zeros((4, 3, 3))
    joints[:, 1, 0] = [1, 1, 1, 1.4]  # one of four frames 40 % too long
    joints[:, 2] = joints[:, 1] + [0, 2, 0]
    assert metrics.bone_length_drift(joints, [-1, 0, 1]) == pytest.approx(0.4 / 8)
    turned = joints[:1] @ Rotation.random(5, rng=0).as_matrix()
    assert metrics.bone_length_drift(turned, [-1, 0, 1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.mpjpe(np.zeros((3, 22, 3)), np.zeros((4, 22, 3))),
        lambda: metrics.acceleration_error(np.zeros((2, 22, 3)), np.zeros((2, 22, 3)), 20),
        lambda: metrics.bone_length_drift(np.zeros((3, 4, 3)), [-1, 0, 1]),
        lambda: metrics.frechet_distance(np.zeros((1, 3)), np.zeros((5, 3))),
        lambda: metrics.interval([]),
        lambda: metrics.distances(np.zeros((2, 3)), np.zeros((2, 4))),
    ],
)
def test_shapes_are_checked(call):
    with pytest.raises(ShapeError):
        call()
