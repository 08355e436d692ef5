"""The published example, closed forms, and what each mode promises."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dimo.body.motion import Motion
from dimo.body.rotation import yaw_to_quat
from dimo.body.skeleton import preset
from dimo.errors import ShapeError
from dimo.features import differentiable, humanml3d
from dimo.features.layouts import HUMANML3D, LAYOUTS, layout_for

EXAMPLE = Path(__file__).parents[2].parent / "shared" / "data" / "humanml3d_example"
published = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="the published example clip is not at hand")
COLUMNS = humanml3d.columns(HUMANML3D)


def standing(frames: int = 12, yaw: np.ndarray | float = 0.0, root: np.ndarray | None = None) -> np.ndarray:
    """Joints of the rest pose, turned by yaw per frame and put at root (F, 3)."""
    skeleton = preset("humanml3d")
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, 0] = yaw_to_quat(np.broadcast_to(yaw, frames))
    root = np.tile([0.0, 0.9, 0.0], (frames, 1)) if root is None else root
    return Motion(skeleton, 20, root, rotations).joints().copy()


@pytest.mark.parametrize(("joints", "size"), [(22, 263), (21, 251), (52, 623)])
def test_sizes_are_the_published_ones(joints, size):
    assert LAYOUTS[joints].size == size
    assert layout_for(size=size).joints == joints
    assert sum(s.stop - s.start for s in humanml3d.columns(LAYOUTS[joints]).values()) == size


@published
def test_published_vectors_decode_to_published_joints():
    vectors, joints = np.load(EXAMPLE / "new_joint_vecs_012314.npy"), np.load(EXAMPLE / "new_joints_012314.npy")
    assert np.abs(humanml3d.decode(vectors) - joints).max() < 1e-5
    assert np.abs(humanml3d.decode_rotations(vectors) - joints).max() < 1e-5


@published
def test_published_mode_repeats_the_published_vectors():
    vectors, joints = np.load(EXAMPLE / "new_joint_vecs_012314.npy"), np.load(EXAMPLE / "new_joints_012314.npy")
    ours = humanml3d.encode(joints, "published")
    assert ours.shape == (169, 263)
    # The file's own vectors came from one more frame, which the 20-frame smoothing carries up to 80 frames back.
    assert np.abs(ours[:80] - vectors[:80]).max() < 2e-5
    assert np.abs(ours - vectors[:169]).max() < 0.02


def test_published_mode_keeps_the_forced_first_heading_and_exact_mode_does_not():
    # A steady spin: the stored half angle is -rate / 2 everywhere, except where frame 0 was overwritten.
    rate = 0.05
    joints = standing(60, rate * np.arange(60) + 0.4)
    assert np.allclose(humanml3d.encode(joints, "exact")[8:-20, 0], -rate / 2, atol=1e-3)
    published_turn = humanml3d.encode(joints, "published")[:, 0]
    assert abs(published_turn[0]) > 3 * rate / 2


def test_exact_mode_survives_many_turns():
    # Three and a half turns in place: the published asin flips its sign whenever heading crosses 180 degrees (2.6d).
    yaw = np.linspace(0, 7 * np.pi, 300)
    root = np.stack([0.5 * np.sin(yaw), np.full(300, 0.9), 0.5 * np.cos(yaw)], axis=1)
    joints = standing(300, yaw, root)
    features = humanml3d.encode(joints)
    again = humanml3d.decode(features)
    lengths = np.linalg.norm(np.diff(joints[:, 0], axis=0), axis=-1)
    assert np.allclose(np.linalg.norm(np.diff(again[:, 0], axis=0), axis=-1), lengths, atol=1e-9)
    assert np.linalg.norm(again[-1, 0] - again[0, 0]) == pytest.approx(
        np.linalg.norm(joints[-1, 0] - joints[0, 0]), abs=1e-9
    )
    assert (features[20:-20, 0] < 0).all()
    assert (humanml3d.encode(joints, "published")[20:-90, 0] > 0).any()


def test_round_trip_of_any_clip_that_starts_at_the_origin_facing_z():
    generator = np.random.default_rng(0)
    joints = standing(40) + np.cumsum(generator.normal(0, 0.01, (40, 22, 3)), axis=0)
    once = humanml3d.decode(humanml3d.encode(joints))
    assert once.shape == joints.shape
    assert np.abs(humanml3d.decode(humanml3d.encode(once)) - once).max() < 1e-9
    # Rigid: all distances between joints survive.
    assert np.allclose(
        np.linalg.norm(once[:, 3] - once[:, 20], axis=-1), np.linalg.norm(joints[:, 3] - joints[:, 20], axis=-1)
    )


def test_place_and_heading_do_not_matter():
    generator = np.random.default_rng(1)
    joints = standing(30) + np.cumsum(generator.normal(0, 0.01, (30, 22, 3)), axis=0)
    turned = joints @ np.array([[np.cos(1.0), 0, -np.sin(1.0)], [0, 1, 0], [np.sin(1.0), 0, np.cos(1.0)]]) + [3, 0, -2]
    assert np.allclose(humanml3d.encode(joints), humanml3d.encode(turned), atol=1e-9)


def test_walking_straight_ahead_has_the_known_root_channels():
    root = np.stack([np.zeros(20), np.full(20, 0.9), 0.05 * np.arange(20)], axis=1)
    features = humanml3d.encode(standing(20, 0.0, root))
    assert np.allclose(features[:, COLUMNS["angular"]], 0, atol=1e-9)
    assert np.allclose(features[:, COLUMNS["linear"]], [0, 0.05], atol=1e-4)
    assert np.allclose(features[:, COLUMNS["contacts"]], 0)  # 5 cm a frame is above 4.5
    slow = humanml3d.encode(standing(20, 0.0, root * [1, 1, 0.8]))
    assert np.allclose(slow[:, COLUMNS["contacts"]], 1)


def test_a_mirrored_clip_negates_turn_and_sideways_and_swaps_contacts():
    generator = np.random.default_rng(2)
    joints = standing(40, 0.03 * np.arange(40)) + np.cumsum(generator.normal(0, 0.02, (40, 22, 3)), axis=0)
    mirrored = joints[:, preset("humanml3d").mirrored] * [-1, 1, 1]
    a, b = humanml3d.encode(joints), humanml3d.encode(mirrored)
    assert np.allclose(a[:, :2], -b[:, :2], atol=1e-9)
    assert np.allclose(a[:, 2:4], b[:, 2:4], atol=1e-9)
    assert np.array_equal(a[:, -4:-2], b[:, -2:])


def test_a_bone_pointing_straight_back_is_no_nan():
    joints = standing(10)
    joints[:, 15] = joints[:, 12] + [0, 0, -0.1]  # the head's raw direction is +z
    assert np.isfinite(humanml3d.encode(joints)).all()


def test_uniform_skeleton_sets_lengths_and_scales_the_path():
    root = np.stack([np.zeros(20), np.full(20, 0.9), 0.05 * np.arange(20)], axis=1)
    small = standing(20, 0.0, root) * 0.5
    features = humanml3d.encode(small, uniform=True)
    assert np.allclose(features, humanml3d.encode(standing(20, 0.0, root)), atol=1e-4)


def test_torch_decode_equals_numpy():
    generator = np.random.default_rng(3)
    features = humanml3d.encode(
        standing(50, np.sin(np.arange(50) / 5)) + np.cumsum(generator.normal(0, 0.01, (50, 22, 3)), axis=0)
    )
    ours = differentiable.decode(torch.from_numpy(features)[None], 22)[0].numpy()
    assert np.abs(ours - humanml3d.decode(features)).max() < 1e-12


def test_decoded_motion_has_the_positions():
    joints = standing(20, 0.02 * np.arange(20))
    motion = humanml3d.decode_motion(humanml3d.encode(joints))
    assert np.abs(motion.joints() - humanml3d.decode(humanml3d.encode(joints))).max() < 1e-5


def test_hands_of_a_decoded_motion_are_where_the_positions_say():
    """Forearms that have shrunk, as a codec shrinks them: hands that touch still do, on a body with bones of full length."""
    joints = standing(20, 0.02 * np.arange(20))
    wrists, elbows = [20, 21], [18, 19]
    joints[:, elbows] = joints[:, [16, 17]] - [0.0, 0.26, 0.0]
    joints[:, wrists] = joints[:, elbows] + [0.0, 0.05, 0.12]  # bent forward, and half as long as the skeleton's
    places = humanml3d.decode(humanml3d.encode(joints))
    motion = humanml3d.decode_motion(humanml3d.encode(joints))
    assert np.abs(motion.joints()[:, wrists] - places[:, wrists]).max() < 1e-5
    lengths = np.linalg.norm(motion.joints()[:, 1:] - motion.joints()[:, list(motion.skeleton.parents[1:])], axis=-1)
    assert np.abs(lengths - motion.skeleton.lengths[1:]).max() < 1e-9
    assert np.abs(motion.rotations[:, wrists] - [1, 0, 0, 0]).max() < 1e-12
    straight = joints.copy()
    straight[:, wrists] = joints[:, elbows] + 0.97 * (joints[:, elbows] - joints[:, [16, 17]])
    made = humanml3d.decode_motion(humanml3d.encode(straight))  # a little short, and straight: no elbow bends for it
    arm = made.joints()[:, wrists] - made.joints()[:, [16, 17]]
    assert (
        np.abs(np.linalg.norm(arm, axis=-1) - made.skeleton.lengths[[18, 19]] - made.skeleton.lengths[[20, 21]]).max()
        < 1e-5
    )


@pytest.mark.parametrize(
    "bad", [np.zeros((5, 22)), np.zeros((5, 20, 3)), np.zeros((1, 22, 3)), np.full((5, 22, 3), np.nan)]
)
def test_wrong_joints_are_refused(bad):
    with pytest.raises(ShapeError):
        humanml3d.encode(bad)


@pytest.mark.parametrize("bad", [np.zeros((5, 260)), np.zeros(263), np.zeros((0, 263)), np.full((5, 263), np.inf)])
def test_wrong_features_are_refused(bad):
    with pytest.raises(ShapeError):
        humanml3d.decode(bad)
