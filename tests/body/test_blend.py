"""Blending: closed forms, exact ends, no jump at the seam, nothing touched outside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimo.body import blend
from dimo.body.rotation import (
    IDENTITY,
    axis_angle_to_quat,
    normalise,
    quat_angle,
    quat_rotate,
    quat_to_rotvec,
    rotvec_to_quat,
    yaw_to_quat,
)
from dimo.body.skeleton import preset

BODY = preset("humanml3d")
FPS = 30.0


def smooth_clip(seed: int, frames: int, joints: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Sines in root and rotation vectors."""
    draw = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] / FPS
    root = np.sin(t * draw.uniform(0.5, 3, 3) + draw.uniform(0, 6, 3))
    vectors = np.sin(t[..., None] * draw.uniform(0.5, 4, (joints, 3)) + draw.uniform(0, 6, (joints, 3)))
    return root, rotvec_to_quat(vectors)


def test_rotation_vectors_and_back():
    v = np.random.default_rng(0).normal(size=(50, 3))
    v[0] = 0
    v[1] *= 1e-12
    assert np.allclose(quat_to_rotvec(rotvec_to_quat(v)), v, atol=1e-12)
    assert np.allclose(quat_to_rotvec(-rotvec_to_quat(v)), v, atol=1e-12)
    assert np.allclose(rotvec_to_quat(np.array([0, np.pi / 2, 0])), yaw_to_quat(np.array(np.pi / 2)))


@settings(deadline=None, max_examples=30)
@given(st.floats(-3.1, 3.1), st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 1000))
def test_ground_fit_finds_the_turn_and_shift_that_were_made(yaw, x, z, seed):
    points = np.random.default_rng(seed).normal(size=(9, 3))
    shift = np.array([x, 0, z])
    found, moved = blend.ground_fit(points, quat_rotate(yaw_to_quat(np.array(yaw)), points) + shift)
    assert found == pytest.approx(yaw, abs=1e-9)
    assert np.allclose(moved, shift, atol=1e-9)


def test_points_above_each_other_have_no_heading():
    line = np.array([[1.0, 0, 2], [1, 5, 2]])
    yaw, shift = blend.ground_fit(line, line + np.array([3.0, 0, 0]))
    assert yaw == 0
    assert np.allclose(shift, [3, 0, 0])


def test_settle_has_the_asked_ends():
    t = np.array([0, 1e-5, 0.4 - 1e-4, 0.4, 0.7])
    x = blend.settle(np.array([2.0]), np.array([-3.0]), t, 0.4)[:, 0]
    assert x[0] == 2
    assert (x[1] - x[0]) / 1e-5 == pytest.approx(-3, abs=1e-3)
    assert abs(x[2]) < 1e-9  # the third power of the time that is left
    assert x[3] == x[4] == 0


@pytest.mark.parametrize("known", [1, 2])
def test_inertialise_is_exact_smooth_and_local(known):
    (root, rotations), (true_root, true_rotations) = smooth_clip(1, 40), smooth_clip(2, 40)
    rotations = normalise(true_rotations * 0.7 + rotations * 0.3)  # of one hemisphere, but another pose
    ends = true_root[:known], true_rotations[:known]
    got_root, got = blend.inertialise(root, rotations, *ends, FPS, 0.4)
    assert np.array_equal(got_root[:known], ends[0])
    assert np.array_equal(got[:known], ends[1])
    after = known - 1 + int(0.4 * FPS)
    assert np.array_equal(got_root[after + 1 :], root[after + 1 :])
    assert np.allclose(quat_angle(got[after + 1 :], rotations[after + 1 :]), 0, atol=1e-7)
    assert np.all(np.sum(got[1:] * got[:-1], axis=-1) > 0)


def test_inertialise_keeps_the_velocity_of_the_known_frames():
    # A still clip joined to one that moves evenly: at a fine step the first new velocity is the old one.
    fps, n = 3000.0, 3000
    known_root = np.array([[0.0, 1, 0], [0.001, 1, 0]])  # 3 m/s
    turn = axis_angle_to_quat(np.array([0.0, 0, 1]), np.array([0.5, 0.502]))  # 6 rad/s
    root, rotations = np.zeros((n, 3)), np.broadcast_to(IDENTITY, (n, 1, 4))
    got_root, got = blend.inertialise(root, rotations, known_root, turn[:, None], fps, 0.4)
    assert np.allclose((got_root[2] - got_root[1]) * fps, [3, 0, 0], atol=0.02)
    assert quat_angle(got[1, 0], got[2, 0]) * fps == pytest.approx(6, abs=0.05)
    steps = np.diff(got_root[:, 0])
    assert np.abs(np.diff(steps)).max() * fps**2 < 100  # no velocity jumps: the acceleration stays finite


def test_nothing_changes_where_nothing_differs():
    root, rotations = smooth_clip(3, 30)
    got_root, got = blend.inertialise(root, rotations, root[:2], rotations[:2], FPS, 0.4)
    assert np.allclose(got_root, root, atol=1e-15)
    assert np.allclose(got, rotations, atol=1e-12)


def test_drift_weights_follow_the_movement():
    n = 61
    root = np.zeros((n, 3))
    root[30:, 2] = np.arange(n - 30) * 0.05  # stands for a second, then walks
    weights = blend.drift_weights(root, np.broadcast_to(IDENTITY, (n, 1, 4)), FPS)
    assert weights[0] == 0
    assert weights[-1] == pytest.approx(1)
    assert np.all(np.diff(weights) >= 0)
    assert weights[30] < 0.2
    steps = np.diff(weights)
    assert steps[0] < 0.2 * steps.max()
    assert steps[-1] < 0.2 * steps.max()
    still = blend.drift_weights(np.zeros((n, 3)), np.broadcast_to(IDENTITY, (n, 1, 4)), FPS)
    assert still[30] == pytest.approx(0.5, abs=0.02)


@settings(deadline=None, max_examples=20)
@given(st.floats(-3, 3), st.floats(-2, 2), st.floats(-2, 2), st.integers(0, 99), st.integers(2, 40))
def test_spread_drift_arrives_exactly(yaw, x, z, seed, frames):
    root, rotations = smooth_clip(seed, frames)
    weights = blend.drift_weights(root, rotations, FPS)
    target = np.array([x, 7.0, z])
    path, turned = blend.spread_drift(root, rotations, yaw, target, weights)
    assert np.allclose(path[-1], [x, root[-1, 1], z])
    assert np.allclose(path[0], root[0])
    assert np.array_equal(path[:, 1], root[:, 1])
    assert np.array_equal(turned[:, 1:], rotations[:, 1:])
    assert np.allclose(turned[0], rotations[0])
    ahead = np.array([0.0, 0, 1])
    want = quat_rotate(yaw_to_quat(np.array(yaw)), quat_rotate(rotations[-1, 0], ahead))
    assert np.allclose(quat_rotate(turned[-1, 0], ahead), want, atol=1e-9)


def test_no_drift_changes_nothing():
    root, rotations = smooth_clip(4, 30)
    path, turned = blend.spread_drift(root, rotations, 0.0, root[-1], np.linspace(0, 1, 30))
    assert np.allclose(path, root)
    assert np.allclose(turned, rotations)


def test_sample_at_frames_gives_frames_and_lines_stay_lines():
    root, rotations = smooth_clip(5, 20)
    got_root, got = blend.sample_at(root, rotations, np.array([0, 3, 19, 25.0, -1]))
    assert np.array_equal(got_root, root[[0, 3, 19, 19, 0]])
    assert np.allclose(got, rotations[[0, 3, 19, 19, 0]], atol=1e-15)
    line = np.arange(10.0)[:, None] * [1, 2, 3]
    at = np.linspace(0, 9, 31)
    assert np.allclose(blend.sample_at(line, rotations[:10], at)[0], at[:, None] * [1, 2, 3])


def test_sample_at_follows_a_smooth_curve():
    root, rotations = smooth_clip(6, 60)
    fine_root, fine = smooth_clip(6, 60)
    coarse = np.arange(0, 60, 2)
    got_root, got = blend.sample_at(root[coarse], rotations[coarse], np.arange(58) / 2)
    assert np.abs(got_root - fine_root[:58]).max() < 2e-3
    assert quat_angle(got, fine[:58]).max() < 5e-3


def test_one_frame_can_be_sampled():
    root, rotations = smooth_clip(7, 1)
    assert np.array_equal(blend.sample_at(root, rotations, np.array([0.0, 2.5]))[0], root[[0, 0]])


def test_details_come_back():
    draw = np.random.default_rng(8)
    true, simple = (rotvec_to_quat(draw.normal(size=(4, len(BODY), 3))) for _ in range(2))
    back = blend.with_detail(BODY, simple, blend.detail(BODY, true, simple))
    assert quat_angle(back, true).max() < 1e-7


def test_details_between_two_poses():
    a, b = rotvec_to_quat(np.array([[0.0, 0, 0]])), rotvec_to_quat(np.array([[0.0, 1.0, 0]]))
    got = blend.between_details(a, b, np.array([0, 0.25, 1]))
    assert np.allclose(quat_to_rotvec(got)[:, 0, 1], [0, 0.25, 1])
