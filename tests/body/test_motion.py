"""The Motion value: time, space, mirroring, joining, and what it refuses."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from dimo.body.contact import facing, heading
from dimo.body.motion import Motion
from dimo.body.rotation import IDENTITY, axis_angle_to_quat, normalise, quat_angle, quat_rotate, yaw_to_quat
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import RequestError, ShapeError

X, Y, Z = np.eye(3)
STICK = Skeleton(("root", "tip"), (-1, 0), np.array([[0.0, 0, 0], Z]))


def symmetric_body() -> Skeleton:
    """The 22-joint body with its right side made the exact reflection of its left."""
    body = preset("humanml3d")
    mirrored = body.offsets[body.mirrored] * np.array([-1.0, 1.0, 1.0])
    return replace(body, offsets=(body.offsets + mirrored) / 2)


def random_motion(skeleton: Skeleton, frames: int = 20, fps: float = 20.0, seed: int = 0) -> Motion:
    rng = np.random.default_rng(seed)
    axes = normalise(rng.normal(size=(len(skeleton), 3)))
    angles = np.sin(np.linspace(0, 3, frames))[:, None] * rng.uniform(-0.8, 0.8, len(skeleton))
    root = np.cumsum(rng.normal(size=(frames, 3)) * 0.02, axis=0) + Y
    return Motion(skeleton, fps, root, axis_angle_to_quat(axes, angles))


def turning(frames: int, fps: float, radians_per_second: float, metres_per_second: float = 1.0) -> Motion:
    """A stick on a straight way along X that turns about Y at constant speed."""
    t = np.arange(frames) / fps
    rotations = np.stack([yaw_to_quat(radians_per_second * t), np.tile(IDENTITY, (frames, 1))], axis=1)
    return Motion(STICK, fps, metres_per_second * t[:, None] * X, rotations)


# ---- a value


def test_is_immutable_and_owns_its_arrays():
    root, rotations = np.zeros((3, 3)), np.tile(IDENTITY, (3, 2, 1))
    motion = Motion(STICK, 20, root, rotations)
    root[:] = 5
    rotations[:] = 5
    assert motion.root.max() == 0
    assert motion.rotations.max() == 1
    with pytest.raises(FrozenInstanceError):
        motion.fps = 30
    for array in (motion.root, motion.rotations, motion.joints()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_equality_seconds_and_repr():
    motion = turning(40, 20, 1.0)
    assert motion == turning(40, 20, 1.0)
    assert motion != turning(40, 20, 1.1)
    assert motion != turning(39, 20, 1.0)
    assert motion != "motion"
    assert motion.seconds == 2.0
    assert len(motion) == 40
    assert repr(motion) == "Motion('motion', 40 frames at 20 fps, 2 joints)"


GOOD = {"skeleton": STICK, "fps": 20.0, "root": np.zeros((4, 3)), "rotations": np.tile(IDENTITY, (4, 2, 1))}


def spoiled(key: str, index: tuple, value: float) -> np.ndarray:
    array = GOOD[key].copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": np.zeros((4, 2))}, "root must have shape (F, 3) with F >= 1, not (4, 2)"),
        ({"root": np.zeros((0, 3)), "rotations": np.zeros((0, 2, 4))}, "not (0, 3)"),
        ({"root": np.zeros(3)}, "not (3,)"),
        ({"rotations": np.tile(IDENTITY, (3, 2, 1))}, "rotations must have shape (4, 2, 4), not (3, 2, 4)"),
        ({"rotations": np.tile(IDENTITY, (4, 3, 1))}, "not (4, 3, 4)"),
        ({"fps": 0}, "fps must lie between 0 and 10000, not 0"),
        ({"fps": -20}, "not -20"),
        ({"fps": np.nan}, "not nan"),
        ({"fps": np.inf}, "not inf"),
        ({"root": spoiled("root", (2, 1), np.nan)}, "frame 2 holds a value that is not a finite number"),
        ({"rotations": spoiled("rotations", (3, 1, 0), np.inf)}, "frame 3 holds"),
        ({"rotations": spoiled("rotations", (1, 1, 0), 0.5)}, "joint 1 in frame 1 is not a unit quaternion"),
    ],
)
def test_refuses_what_does_not_fit(changes, words):
    with pytest.raises(ShapeError) as caught:
        Motion(**{**GOOD, **changes})
    assert words in str(caught.value)


def test_from_joints_keeps_positions_of_the_same_body():
    motion = random_motion(preset("humanml3d"))
    again = Motion.from_joints(motion.skeleton, motion.joints(), motion.fps, "again")
    np.testing.assert_allclose(again.joints(), motion.joints(), atol=1e-9)
    assert again.name == "again"


def test_global_rotations_carry_the_bones():
    motion = random_motion(preset("humanml3d"))
    parents = list(motion.skeleton.parents[1:])
    bones = motion.joints()[:, 1:] - motion.joints()[:, parents]
    turned = quat_rotate(motion.global_rotations()[:, parents], motion.skeleton.offsets[1:])
    np.testing.assert_allclose(turned, bones, atol=1e-12)


# ---- time


def test_slices_are_frames():
    motion = turning(40, 20, 1.0)
    part = motion[10:25]
    assert len(part) == 15
    np.testing.assert_array_equal(part.root, motion.root[10:25])
    np.testing.assert_array_equal(motion[-5:].root, motion.root[-5:])
    assert motion[:] == motion


@pytest.mark.parametrize(("key", "words"), [(slice(5, 5), "5:5 leaves no frame"), (slice(0, 9, 2), "use resample")])
def test_wrong_slices(key, words):
    with pytest.raises(RequestError, match=words):
        turning(40, 20, 1.0)[key]


def test_an_index_is_not_a_slice():
    with pytest.raises(TypeError, match="slice of frames"):
        turning(40, 20, 1.0)[3]


def test_cut_is_in_seconds():
    motion = turning(40, 20, 1.0)
    assert motion.cut(0.5, 1.25) == motion[10:25]
    assert motion.cut(0.5) == motion[10:]
    assert motion.cut(0, motion.seconds) == motion


@pytest.mark.parametrize(("start", "end"), [(-0.1, 1), (1, 1), (1.5, 0.5), (0, 2.1), (3, None), (0, np.nan), (0, 0.01)])
def test_cut_outside_the_motion(start, end):
    with pytest.raises(RequestError):
        turning(40, 20, 1.0).cut(start, end)


def test_resample_to_the_same_rate_is_the_same():
    motion = random_motion(preset("humanml3d"))
    assert motion.resample(motion.fps) == motion


@pytest.mark.parametrize(
    ("fps", "new_fps", "frames"), [(120, 20, 241), (30, 20, 31), (20, 30, 31), (20, 120, 5), (60, 7, 100)]
)
def test_resample_of_a_constant_turn_is_the_constant_turn(fps, new_fps, frames):
    motion = turning(frames, fps, 2.0)
    resampled = motion.resample(new_fps)
    expected = turning(len(resampled), new_fps, 2.0)
    np.testing.assert_allclose(resampled.root, expected.root, atol=1e-9)
    np.testing.assert_allclose(quat_angle(resampled.rotations, expected.rotations), 0, atol=1e-7)
    # as many frames as fit between the first and the last one
    assert len(resampled) == int((frames - 1) * new_fps / fps + 1e-9) + 1
    assert resampled.fps == new_fps


def test_resample_up_and_down_gives_the_frames_back():
    motion = random_motion(preset("humanml3d"), 15)
    again = motion.resample(60).resample(20)
    assert len(again) == 15
    np.testing.assert_allclose(again.joints(), motion.joints(), atol=1e-9)


def test_resample_takes_the_short_way_where_signs_differ():
    motion = turning(3, 20, 1.0)
    flipped = motion.rotations.copy()
    flipped[1] *= -1
    resampled = replace(motion, rotations=flipped).resample(40)
    np.testing.assert_allclose(quat_angle(resampled.rotations, turning(5, 40, 1.0).rotations), 0, atol=1e-7)
    assert (np.sum(resampled.rotations[1:] * resampled.rotations[:-1], axis=-1) > 0).all()


def test_resample_of_one_frame():
    one = turning(1, 20, 1.0).resample(60)
    assert len(one) == 1
    np.testing.assert_array_equal(one.root, np.zeros((1, 3)))


@pytest.mark.parametrize("fps", [0, -1, np.nan, np.inf])
def test_resample_to_no_rate(fps):
    with pytest.raises(RequestError, match="fps must lie between"):
        turning(3, 20, 1.0).resample(fps)


# ---- space


def test_moved_turns_about_the_origin_then_shifts():
    motion = random_motion(preset("humanml3d"))
    moved = motion.moved((1, 2, 3), yaw=0.7)
    expected = quat_rotate(yaw_to_quat(np.array(0.7)), motion.joints()) + np.array([1, 2, 3])
    np.testing.assert_allclose(moved.joints(), expected, atol=1e-12)
    assert motion.moved() == motion


def face(motion: Motion) -> np.ndarray:
    index = motion.skeleton.index
    at = [index(n) for n in ("right_hip", "left_hip", "right_shoulder", "left_shoulder")]
    return heading(facing(motion.joints(), *at))


def test_a_quarter_turn_to_the_left_faces_plus_x():
    motion = Motion(preset("humanml3d"), 20, np.zeros((1, 3)), np.tile(IDENTITY, (1, 22, 1)))
    np.testing.assert_allclose(face(motion), 0, atol=0.02)  # the rest body faces +Z
    np.testing.assert_allclose(face(motion.moved(yaw=np.pi / 2)), np.pi / 2, atol=0.02)


def test_mirror_reflects_a_symmetric_body_exactly():
    motion = random_motion(symmetric_body())
    mirrored = motion.mirror()
    expected = motion.joints()[:, motion.skeleton.mirrored] * np.array([-1, 1, 1])
    np.testing.assert_allclose(mirrored.joints(), expected, atol=1e-12)
    np.testing.assert_allclose(mirrored.mirror().rotations, motion.rotations, atol=1e-12)
    np.testing.assert_allclose(mirrored.mirror().root, motion.root, atol=1e-12)


def test_mirror_of_an_uneven_body_points_its_bones_the_other_way():
    motion = random_motion(preset("humanml3d"))
    assert not np.allclose(motion.skeleton.offsets, symmetric_body().offsets, atol=1e-4)
    mirrored = motion.mirror()
    np.testing.assert_allclose(mirrored.root, motion.root * [-1, 1, 1])
    limbs = [motion.skeleton.index(n) for n in ("left_knee", "right_ankle", "left_elbow", "right_wrist", "head")]
    parents = [motion.skeleton.parents[j] for j in limbs]
    twins, twin_parents = motion.skeleton.mirrored[limbs], motion.skeleton.mirrored[parents]
    reflected = normalise(motion.joints()[:, twins] - motion.joints()[:, twin_parents]) * np.array([-1, 1, 1])
    np.testing.assert_allclose(
        normalise(mirrored.joints()[:, limbs] - mirrored.joints()[:, parents]), reflected, atol=1e-9
    )
    # twice is the same but for what the least-squares hips and shoulders of an uneven body leave
    assert np.abs(mirrored.mirror().joints() - motion.joints()).max() < 0.01


def test_mirror_turns_a_left_turn_into_a_right_turn():
    body = symmetric_body()
    turns = np.linspace(0, 1.5, 30)
    rotations = np.tile(IDENTITY, (30, 22, 1))
    rotations[:, 0] = yaw_to_quat(turns)
    motion = Motion(body, 20, turns[:, None] * X, rotations)
    np.testing.assert_allclose(face(motion), turns, atol=1e-9)
    np.testing.assert_allclose(face(motion.mirror()), -turns, atol=1e-9)
    np.testing.assert_allclose(motion.mirror().root, -motion.root)


# ---- joining


def test_concatenate_goes_on_from_place_and_heading():
    first = random_motion(preset("humanml3d"), seed=1)
    second = random_motion(preset("humanml3d"), seed=2).moved((7, 0, -3), yaw=2.0)
    joined = first.concatenate(second)
    assert len(joined) == 40
    np.testing.assert_allclose(joined[:20].joints(), first.joints(), atol=1e-12)
    np.testing.assert_allclose(joined.root[20, [0, 2]], first.root[-1, [0, 2]], atol=1e-9)
    ahead = quat_rotate(joined.rotations[19:21, 0], Z)
    assert np.diff(heading(ahead))[0] == pytest.approx(0, abs=1e-9)
    # the second clip itself is only turned and shifted in the ground plane
    np.testing.assert_allclose(joined.root[20:, 1], second.root[:, 1])
    there, here = joined.joints()[20:], second.joints()
    lengths = np.linalg.norm(there - there[:1, :1], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(here - here[:1, :1], axis=-1), atol=1e-9)


def test_concatenate_walks_on_along_the_heading():
    walk = Motion(STICK, 20, np.arange(21)[:, None] * 0.05 * Z, np.tile(IDENTITY, (21, 2, 1)))
    to_the_left = walk.moved(yaw=np.pi / 2)
    joined = to_the_left.concatenate(walk)
    np.testing.assert_allclose(joined.root[-1], [2, 0, 0], atol=1e-9)


def test_concatenate_without_align_leaves_places_alone():
    first, second = random_motion(STICK, seed=1), random_motion(STICK, seed=2)
    joined = first.concatenate(second, align=False)
    np.testing.assert_array_equal(joined.root, np.concatenate([first.root, second.root]))
    assert quat_angle(joined.rotations[20:], second.rotations).max() < 1e-7


def test_blend_overlaps_and_has_no_step():
    still = Motion(STICK, 20, np.tile(Y, (20, 1)), np.tile(IDENTITY, (20, 2, 1)))
    lifted = replace(still, root=still.root + Y)
    joined = still.concatenate(lifted, blend=0.5)
    assert len(joined) == 30
    height = joined.root[:, 1]
    np.testing.assert_array_equal(height[:10], 1)
    np.testing.assert_array_equal(height[20:], 2)
    assert (np.diff(height[9:21]) > 0).all()
    assert np.diff(height).max() < 0.15


def test_blend_longer_than_a_clip_overlaps_all_of_it():
    first, second = random_motion(STICK, 8, seed=1), random_motion(STICK, 5, seed=2)
    assert len(first.concatenate(second, blend=10)) == 8


def test_concatenate_refuses_other_bodies_rates_and_negative_blends():
    motion = turning(10, 20, 1.0)
    with pytest.raises(ShapeError, match="different skeletons"):
        motion.concatenate(random_motion(preset("kit")))
    with pytest.raises(ShapeError, match="at 20 and 30 fps"):
        motion.concatenate(turning(10, 30, 1.0))
    with pytest.raises(RequestError, match="blend"):
        motion.concatenate(motion, blend=-0.5)
