"""Forward and inverse kinematics against closed forms, scipy, and each other."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dimo.body import kinematics
from dimo.body.rotation import (
    IDENTITY,
    axis_angle_to_quat,
    normalise,
    quat_angle,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
    yaw_to_quat,
)
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import ShapeError

X, Y, Z = np.eye(3)


def random_pose(skeleton: Skeleton, frames: int, seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Root (F, 3) and rotations (F, J, 4), turned by up to about `spread` radians a joint, smooth over nothing."""
    rng = np.random.default_rng(seed)
    axes = normalise(rng.normal(size=(frames, len(skeleton), 3)))
    return rng.normal(size=(frames, 3)), axis_angle_to_quat(axes, rng.uniform(0, spread, (frames, len(skeleton))))


def identity(frames: int, joints: int) -> np.ndarray:
    return np.broadcast_to(IDENTITY, (frames, joints, 4)).copy()


# ---- forward


def test_rest_pose_is_the_sum_of_offsets_from_the_root_place():
    body = Skeleton(("a", "b", "c", "d"), (-1, 0, 1, 0), np.array([[5.0, 5, 5], [0, 1, 0], [0, 2, 0], [1, 0, 0]]))
    joints = kinematics.forward(body, np.array([[10.0, 0, 0]]), identity(1, 4))
    np.testing.assert_allclose(joints[0], [[10, 0, 0], [10, 1, 0], [10, 3, 0], [11, 0, 0]])


def test_planar_arm_has_its_textbook_position():
    lengths, angles = np.array([0.5, 0.4, 0.3]), np.array([0.3, -1.1, 0.7])
    offsets = np.array([[0, 0, 0], *(length * X for length in lengths)])
    arm = Skeleton(("a", "b", "c", "d"), (-1, 0, 1, 2), offsets)
    local = np.stack([*(axis_angle_to_quat(Z, np.array(a)) for a in angles), IDENTITY])
    joints = kinematics.forward(arm, np.zeros(3), local)
    sums = np.cumsum(angles)
    expected = np.cumsum(np.stack([lengths * np.cos(sums), lengths * np.sin(sums), 0 * sums], axis=1), axis=0)
    np.testing.assert_allclose(joints[1:], expected, atol=1e-12)


def test_forward_agrees_with_a_loop_over_matrices():
    body = preset("humanml3d")
    root, rotations = random_pose(body, 3, spread=3.0)
    joints = kinematics.forward(body, root, rotations)
    world = kinematics.global_rotations(body, rotations)
    for f in range(3):
        turn, place = {}, {}
        for j, parent in enumerate(body.parents):
            local = Rotation.from_quat(rotations[f, j], scalar_first=True).as_matrix()
            turn[j] = local if parent < 0 else turn[parent] @ local
            place[j] = root[f] if parent < 0 else place[parent] + turn[parent] @ body.offsets[j]
            np.testing.assert_allclose(joints[f, j], place[j], atol=1e-12)
            np.testing.assert_allclose(quat_to_matrix(world[f, j]), turn[j], atol=1e-12)


def test_forward_keeps_bone_lengths_and_leading_dimensions():
    body = preset("smplx")
    root, rotations = random_pose(body, 12, seed=1, spread=3.0)
    joints = kinematics.forward(body, root.reshape(3, 4, 3), rotations.reshape(3, 4, 52, 4))
    assert joints.shape == (3, 4, 52, 3)
    bones = joints[..., 1:, :] - joints[..., list(body.parents[1:]), :]
    np.testing.assert_allclose(
        np.linalg.norm(bones, axis=-1), np.broadcast_to(body.lengths[1:], (3, 4, 51)), atol=1e-12
    )


def test_forward_turns_and_moves_with_the_root():
    body = preset("kit")
    root, rotations = random_pose(body, 5, seed=2)
    q, shift = normalise(np.array([0.3, 0.5, -0.2, 0.7])), np.array([1.0, -2.0, 3.0])
    turned = rotations.copy()
    turned[:, 0] = quat_multiply(q, rotations[:, 0])
    there = kinematics.forward(body, quat_rotate(q, root) + shift, turned)
    np.testing.assert_allclose(there, quat_rotate(q, kinematics.forward(body, root, rotations)) + shift, atol=1e-12)


# ---- fitting one rotation


def test_fit_rotation_recovers_a_rotation():
    rng = np.random.default_rng(3)
    rest = rng.normal(size=(4, 3))
    q = normalise(rng.normal(size=(20, 4)))
    seen = quat_rotate(q[:, None], rest)
    np.testing.assert_allclose(kinematics.fit_rotation(rest, seen), quat_to_matrix(q), atol=1e-10)
    # two directions fix a rotation, though the third singular value is zero
    np.testing.assert_allclose(kinematics.fit_rotation(rest[:2], seen[:, :2]), quat_to_matrix(q), atol=1e-9)


def test_fit_rotation_is_the_least_squares_one_of_scipy():
    rng = np.random.default_rng(4)
    rest, weights = rng.normal(size=(5, 3)), rng.uniform(0.1, 2, 5)
    seen = rng.normal(size=(10, 5, 3))  # no rotation fits: some of these would be fitted best by a reflection
    fitted = kinematics.fit_rotation(rest, seen, weights)
    np.testing.assert_allclose(np.linalg.det(fitted), 1, atol=1e-10)
    for i in range(10):
        expected, _ = Rotation.align_vectors(seen[i], rest, weights=weights)
        np.testing.assert_allclose(fitted[i], expected.as_matrix(), atol=1e-8)


# ---- inverse


@pytest.mark.parametrize("name", ["humanml3d", "kit", "smplx"])
@pytest.mark.parametrize("spread", [0.5, 3.1])
def test_inverse_after_forward_gives_the_positions_back(name, spread):
    body = preset(name)
    root, rotations = random_pose(body, 30, seed=5, spread=spread)
    joints = kinematics.forward(body, root, rotations)
    solved = kinematics.inverse(body, joints)
    np.testing.assert_allclose(np.linalg.norm(solved, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(kinematics.forward(body, root, solved), joints, atol=1e-9)


def test_inverse_of_the_rest_pose_is_no_rotation():
    body = preset("humanml3d")
    rest = kinematics.forward(body, np.zeros((2, 3)), identity(2, 22))
    np.testing.assert_allclose(kinematics.inverse(body, rest), identity(2, 22), atol=1e-9)


def test_inverse_moves_joints_along_their_bones_only():
    body = preset("humanml3d")
    root, rotations = random_pose(body, 4, seed=6)
    longer = Skeleton(body.names, body.parents, body.offsets * 1.3)
    joints = kinematics.forward(longer, root, rotations)
    back = kinematics.forward(body, root, kinematics.inverse(body, joints))
    np.testing.assert_allclose(back - root[:, None], (joints - root[:, None]) / 1.3, atol=1e-9)


def test_inverse_is_equivariant():
    body = preset("humanml3d")
    root, rotations = random_pose(body, 6, seed=7)
    joints = kinematics.forward(body, root, rotations)
    q = yaw_to_quat(np.array(1.2))
    here, there = (
        kinematics.inverse(body, joints),
        kinematics.inverse(body, quat_rotate(q, joints) + np.array([1.0, 0, 2])),
    )
    np.testing.assert_allclose(quat_angle(there[:, 0], quat_multiply(q, here[:, 0])), 0, atol=1e-7)
    np.testing.assert_allclose(quat_angle(there[:, 1:], here[:, 1:]), 0, atol=1e-7)


def test_inverse_invents_no_twist_and_does_not_pop_on_a_straight_limb():
    arm = Skeleton(("shoulder", "elbow", "wrist"), (-1, 0, 1), np.array([[0.0, 0, 0], X, X]))
    bend = np.linspace(-0.2, 0.2, 401)  # the elbow passes through the straight pose
    local = identity(len(bend), 3)
    local[:, 1] = axis_angle_to_quat(Z, bend)
    solved = kinematics.inverse(arm, kinematics.forward(arm, np.zeros((len(bend), 3)), local))
    np.testing.assert_allclose(quat_angle(solved, local), 0, atol=1e-7)
    assert quat_angle(solved[1:], solved[:-1]).max() < 0.0011  # the step of `bend` is 0.001


def test_inverse_is_continuous_in_sign():
    body = preset("humanml3d")
    turns = np.linspace(0, 4 * np.pi, 100)
    local = identity(100, 22)
    local[:, 0] = yaw_to_quat(turns)
    solved = kinematics.inverse(body, kinematics.forward(body, np.zeros((100, 3)), local))
    assert (np.sum(solved[1:] * solved[:-1], axis=-1) > 0).all()


def test_a_leaf_keeps_its_parents_orientation_and_a_zero_bone_is_left_out():
    body = Skeleton(("a", "b", "tip"), (-1, 0, 1), np.array([[0.0, 0, 0], Y, [0.0, 0, 0]]))
    solved = kinematics.inverse(body, np.array([[[0.0, 0, 0], X, X]]))
    np.testing.assert_allclose(solved[:, 1:], identity(1, 2), atol=1e-12)
    np.testing.assert_allclose(quat_rotate(solved[0, 0], Y), X, atol=1e-12)


def test_only_anchored_joints_are_followed():
    """A spine of three bones follows a file that knows its two ends only, and stays straight between them."""
    spine = Skeleton(("pelvis", "low", "mid", "neck", "head"), (-1, 0, 1, 2, 3), np.array([[0.0, 0, 0], Y, Y, Y, Y]))
    joints = np.full((1, 5, 3), 99.0)
    joints[0, [0, 3, 4]] = [[0, 0, 0], [3, 0, 0], [3, 0, 1]]
    anchored = np.array([True, False, False, True, True])
    solved = kinematics.inverse(spine, joints, anchored)
    expected = [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 0, 1]]
    np.testing.assert_allclose(kinematics.forward(spine, np.zeros((1, 3)), solved)[0], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(22, 3), (2, 21, 3), (2, 22, 2)])
def test_inverse_refuses_wrong_shapes(shape):
    with pytest.raises(ShapeError, match=r"joints must have shape \(F, 22, 3\) for this skeleton, not"):
        kinematics.inverse(preset("humanml3d"), np.zeros(shape))


def test_motions_one_after_the_other_come_out_as_if_each_had_come_alone():
    """Bit for bit, also where the second begins turned by more than half a turn against the end of the first."""
    body = preset("humanml3d")
    parts = []
    for seed, frames in enumerate((7, 1, 12)):
        root, rotations = random_pose(body, frames, seed)
        rotations[:, 0] = yaw_to_quat(np.linspace(0, 3, frames) + 4 * seed)
        parts.append(kinematics.forward(body, root, rotations))
    together = kinematics.inverse(body, np.concatenate(parts), lengths=[len(p) for p in parts])
    alone = np.concatenate([kinematics.inverse(body, p) for p in parts])
    assert np.array_equal(together, alone)
    assert not np.array_equal(kinematics.inverse(body, np.concatenate(parts)), alone)
