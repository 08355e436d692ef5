"""Rotations against scipy, group axioms and round trips."""

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from dimo.body import rotation as rot

ORDERS = ["".join(p) for p in permutations("XYZ")]


def random_quats(*shape: int, seed: int = 0) -> np.ndarray:
    return rot.normalise(np.random.default_rng(seed).normal(size=(*shape, 4)))


def to_scipy(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


def assert_same_rotation(a: np.ndarray, b: np.ndarray, radians: float = 1e-9):
    a, b = np.broadcast_arrays(a, b)
    # |a - b| for the nearer of b and -b is half the angle; arccos of a dot product would lose its digits here.
    distance = np.minimum(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    assert distance.max() * 2 < radians


# ---- group axioms


@pytest.mark.parametrize("shape", [(), (7,), (3, 5)])
def test_group_axioms(shape):
    a, b, c = (random_quats(*shape, seed=s) for s in range(3))
    product = rot.quat_multiply(a, b)
    assert product.shape == (*shape, 4)
    np.testing.assert_allclose(np.linalg.norm(product, axis=-1), 1, atol=1e-12)
    left, right = rot.quat_multiply(product, c), rot.quat_multiply(a, rot.quat_multiply(b, c))
    np.testing.assert_allclose(left, right, atol=1e-12)
    np.testing.assert_allclose(rot.quat_multiply(a, rot.IDENTITY), a)
    np.testing.assert_allclose(rot.quat_multiply(rot.IDENTITY, a), a)
    unit = np.broadcast_to(rot.IDENTITY, a.shape)
    np.testing.assert_allclose(rot.quat_multiply(a, rot.quat_conjugate(a)), unit, atol=1e-12)


def test_multiply_and_rotate_agree_with_scipy():
    a, b = random_quats(50, seed=1), random_quats(50, seed=2)
    v = np.random.default_rng(3).normal(size=(50, 3))
    expected = (to_scipy(a) * to_scipy(b)).as_quat(scalar_first=True)
    assert_same_rotation(rot.quat_multiply(a, b), expected)
    np.testing.assert_allclose(rot.quat_rotate(a, v), to_scipy(a).apply(v), atol=1e-12)


def test_quarter_turn_about_y_takes_z_to_x():
    q = rot.yaw_to_quat(np.array(np.pi / 2))
    np.testing.assert_allclose(rot.quat_rotate(q, np.array([0.0, 0.0, 1.0])), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(rot.axis_angle_to_quat(np.array([0.0, 1.0, 0.0]), np.array(np.pi / 2)), q)


def test_rotate_broadcasts_leading_dimensions():
    q, v = random_quats(4, 1, seed=5), np.random.default_rng(6).normal(size=(3, 3))
    out = rot.quat_rotate(q, v)
    assert out.shape == (4, 3, 3)
    np.testing.assert_allclose(out[2, 1], rot.quat_rotate(q[2, 0], v[1]))


# ---- matrices and 6D


def test_matrices_agree_with_scipy():
    q = random_quats(200, seed=7)
    np.testing.assert_allclose(rot.quat_to_matrix(q), to_scipy(q).as_matrix(), atol=1e-12)
    back = rot.matrix_to_quat(to_scipy(q).as_matrix())
    assert (back[:, 0] >= 0).all()
    assert_same_rotation(back, q)


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8], [1 / 3, 2 / 3, -2 / 3]])
@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, np.pi / 2, np.pi - 1e-9, np.pi])
def test_matrix_to_quat_where_one_formula_would_fail(axis, angle):
    q = rot.axis_angle_to_quat(np.array(axis, float), np.array(angle))
    assert_same_rotation(rot.matrix_to_quat(rot.quat_to_matrix(q)), q)


def test_sixd_is_the_first_two_columns_and_back():
    m = rot.quat_to_matrix(random_quats(3, 4, seed=8))
    d = rot.matrix_to_sixd(m)
    np.testing.assert_array_equal(d[1, 2], [*m[1, 2][:, 0], *m[1, 2][:, 1]])
    np.testing.assert_allclose(rot.sixd_to_matrix(d), m, atol=1e-12)


def test_sixd_orthonormalises_like_gram_schmidt():
    d = np.random.default_rng(9).normal(size=(100, 6))
    m = rot.sixd_to_matrix(d)
    np.testing.assert_allclose(m @ m.swapaxes(-1, -2), np.broadcast_to(np.eye(3), m.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(m), 1)
    a, b = d[:, :3], d[:, 3:]
    x = a / np.linalg.norm(a, axis=1, keepdims=True)
    y = b - (b * x).sum(1, keepdims=True) * x
    np.testing.assert_allclose(m[..., 0], x, atol=1e-12)
    np.testing.assert_allclose(m[..., 1], y / np.linalg.norm(y, axis=1, keepdims=True), atol=1e-12)


# ---- euler angles


@pytest.mark.parametrize("order", ORDERS)
def test_euler_agrees_with_scipy_in_every_order(order):
    angles = np.random.default_rng(10).uniform(-np.pi, np.pi, (200, 3))
    expected = Rotation.from_euler(order, angles)  # capital letters: intrinsic, as in BVH
    assert_same_rotation(rot.euler_to_quat(angles, order), expected.as_quat(scalar_first=True))
    np.testing.assert_allclose(rot.matrix_to_euler(expected.as_matrix(), order), expected.as_euler(order), atol=1e-7)


@pytest.mark.parametrize("order", ["X", "Y", "Z", "XZ", "YX"])
def test_euler_with_fewer_than_three_channels(order):
    angles = np.random.default_rng(11).uniform(-np.pi, np.pi, (20, len(order)))
    assert_same_rotation(
        rot.euler_to_quat(angles, order), Rotation.from_euler(order, angles).as_quat(scalar_first=True)
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [np.pi / 2, -np.pi / 2, np.pi / 2 - 1e-7, -np.pi / 2 + 1e-6])
def test_euler_at_gimbal_lock_gives_angles_of_the_same_rotation(order, middle):
    angles = np.array([[0.3, middle, -1.1], [2.9, middle, 0.4], [-2.0, middle, -3.0]])
    m = Rotation.from_euler(order, angles).as_matrix()
    back = rot.matrix_to_euler(m, order)
    np.testing.assert_allclose(Rotation.from_euler(order, back).as_matrix(), m, atol=1e-6)
    assert (np.abs(back[:, 1]) <= np.pi / 2).all()


# ---- shortest arcs, angles, signs, interpolation


def test_quat_between_takes_a_to_b_without_twist():
    a, b = np.random.default_rng(12).normal(size=(2, 300, 3))
    q = rot.quat_between(a, b)
    np.testing.assert_allclose(rot.quat_rotate(q, rot.normalise(a)), rot.normalise(b), atol=1e-12)
    expected = np.arccos((rot.normalise(a) * rot.normalise(b)).sum(-1))
    np.testing.assert_allclose(
        to_scipy(q).magnitude(), expected, atol=1e-9
    )  # no turn is shorter than the angle between
    np.testing.assert_allclose((q[:, 1:] * a).sum(-1), 0, atol=1e-12)


@pytest.mark.parametrize("a", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [-0.2, 5, 0.1], [1e-3, 0, 0]])
def test_quat_between_equal_and_antiparallel(a):
    a = np.array(a, float)
    np.testing.assert_allclose(rot.quat_between(a, 3 * a), rot.IDENTITY, atol=1e-12)
    half_turn = rot.quat_between(a, -2 * a)
    np.testing.assert_allclose(np.linalg.norm(half_turn), 1)
    np.testing.assert_allclose(rot.quat_rotate(half_turn, rot.normalise(a)), -rot.normalise(a), atol=1e-12)


@pytest.mark.parametrize("epsilon", [1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8])
def test_quat_between_near_antiparallel_still_reaches_b(epsilon):
    a = np.array([0.0, 0.0, 1.0])
    b = np.array([np.sin(epsilon), 0.0, -np.cos(epsilon)])
    np.testing.assert_allclose(rot.quat_rotate(rot.quat_between(a, b), a), b, atol=1e-7)


def test_quat_angle():
    a, b = random_quats(100, seed=13), random_quats(100, seed=14)
    expected = (to_scipy(a).inv() * to_scipy(b)).magnitude()
    np.testing.assert_allclose(rot.quat_angle(a, b), expected, atol=1e-9)
    np.testing.assert_allclose(rot.quat_angle(a, -b), expected, atol=1e-9)
    np.testing.assert_allclose(rot.quat_angle(a, -a), 0, atol=1e-9)
    tiny = rot.yaw_to_quat(np.array(1e-9))
    np.testing.assert_allclose(rot.quat_angle(rot.IDENTITY, tiny), 1e-9, rtol=1e-6)


def test_quat_continuous_keeps_rotations_and_mends_signs():
    t = np.linspace(0, 4 * np.pi, 200)
    q = rot.yaw_to_quat(t)
    flipped = q * np.random.default_rng(15).choice([-1.0, 1.0], size=(200, 1))
    flipped[0] = q[0]
    np.testing.assert_allclose(rot.quat_continuous(flipped), q, atol=1e-12)
    along_second = rot.quat_continuous(np.stack([flipped, flipped]), axis=1)
    np.testing.assert_allclose(along_second, np.stack([q, q]), atol=1e-12)
    assert rot.quat_continuous(q[:1]).shape == (1, 4)


def test_slerp_agrees_with_scipy():
    a, b = random_quats(40, seed=16), random_quats(40, seed=17)
    t = np.random.default_rng(18).uniform(size=40)
    for i in range(40):
        expected = Slerp([0, 1], to_scipy(np.stack([a[i], b[i]])))(t[i]).as_quat(scalar_first=True)
        assert_same_rotation(rot.slerp(a[i], b[i], t[i]), expected)
    assert_same_rotation(rot.slerp(a, b, np.zeros(40)), a)
    assert_same_rotation(rot.slerp(a, b, np.ones(40)), b)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 1e-6, 1e-5, 1e-3, 1.0, np.pi - 1e-6])
def test_slerp_of_a_turn_is_the_part_of_the_turn(angle):
    start, end = rot.yaw_to_quat(np.array(0.5)), rot.yaw_to_quat(np.array(0.5 + angle))
    for t in (0.0, 0.25, 0.5, 1.0):
        assert_same_rotation(rot.slerp(start, -end, np.array(t)), rot.yaw_to_quat(np.array(0.5 + t * angle)), 1e-10)


def test_normalise_of_nothing_is_nothing():
    np.testing.assert_array_equal(rot.normalise(np.zeros((2, 3))), np.zeros((2, 3)))
