"""Locked feet: closed forms of two-bone legs, and what must hold of any motion before and after."""

import numpy as np
import pytest

from dimo.body import footlock, measure
from dimo.body.footlock import ANKLES, HIPS, KNEES, TOES, find_contacts, lock_feet, two_bone
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat, normalise, quat_multiply
from dimo.body.skeleton import Skeleton, preset
from dimo.errors import RequestError, ShapeError

BODY = preset("humanml3d")
FPS = 20.0
X, Y, Z = np.eye(3)
LEG_AND_PELVIS = {0, *HIPS, *KNEES, *ANKLES}


def symmetric_body() -> Skeleton:
    """The preset with its left half mirrored to the right, so that mirroring a motion is exact."""
    offsets = BODY.offsets.copy()
    offsets[:, 0][BODY.mirrored == np.arange(len(BODY))] = 0
    left = [j for j, name in enumerate(BODY.names) if name.startswith("left")]
    offsets[BODY.mirrored[left]] = offsets[left] * [-1, 1, 1]
    return Skeleton(BODY.names, BODY.parents, offsets)


def bent(skeleton: Skeleton, root: np.ndarray, bends: np.ndarray) -> Motion:
    """A body upright at root (F, 3) with knees bent by bends (F, 2) rad, the soles level and the ankle under the hip."""
    rotations = np.zeros((len(root), len(skeleton), 4))
    rotations[..., 0] = 1
    for side in range(2):
        upper, lower = skeleton.lengths[KNEES[side]], skeleton.lengths[ANKLES[side]]
        bend = bends[:, side]
        back = np.arctan2(lower * np.sin(bend), upper + lower * np.cos(bend))  # the ankle stays under the hip
        rotations[:, HIPS[side]] = axis_angle_to_quat(X, -back)
        rotations[:, KNEES[side]] = axis_angle_to_quat(X, bend)
        rotations[:, ANKLES[side]] = axis_angle_to_quat(X, back - bend)
    return Motion(skeleton, FPS, root, rotations)


def standing(skeleton: Skeleton = BODY, frames: int = 40, velocity: tuple[float, float, float] = (0, 0, 0)) -> Motion:
    """Feet and pelvis glide together at velocity in m/s, from a place where the lower toe is on the ground."""
    root = np.arange(frames)[:, None] / FPS * np.array(velocity)
    motion = bent(skeleton, root, np.full((frames, 2), 0.4))
    return motion.moved((0, -motion.joints()[:, TOES, 1].min(), 0))


def stepping(
    skeleton: Skeleton = BODY, frames: int = 60, speed: float = 0.9, slide: float = 0.3, lag: int = 12
) -> Motion:
    """A walk along +Z at speed m/s whose standing foot slides at slide m/s, 24 frames a stride, the right leg lag ahead."""
    period, at = 24, np.arange(frames)
    phase = (at[:, None] + [0, lag]) % period / period
    stance = phase < 0.5
    along = np.where(stance, 2 * phase, 0.5 * (1 + np.cos(2 * np.pi * (phase - 0.5))))  # 0 ahead to 1 behind
    way = (speed - slide) * period / 2 / FPS
    lift = np.where(stance, 0, 0.12 * np.sin(2 * np.pi * (phase - 0.5)) ** 2)
    root = np.stack([np.zeros(frames), np.full(frames, 0.9), at / FPS * speed], axis=1)
    joints = bent(skeleton, root, np.full((frames, 2), 0.1)).joints().copy()
    for side in range(2):
        foot = joints[:, TOES[side]] - joints[:, ANKLES[side]]
        hip, ankle = joints[:, HIPS[side]], joints[:, ANKLES[side]].copy()
        ankle[:, 1] = 0.09 + lift[:, side]
        ankle[:, 2] += way * (0.5 - along[:, side])
        lengths = skeleton.lengths[[KNEES[side], ANKLES[side]]]
        knee, ankle = two_bone(hip, ankle, lengths[0], lengths[1], np.broadcast_to(Z, hip.shape))
        joints[:, KNEES[side]], joints[:, ANKLES[side]], joints[:, TOES[side]] = knee, ankle, ankle + foot
    return Motion.from_joints(skeleton, joints, FPS)


def toe_speed(motion: Motion) -> np.ndarray:
    """(F - 1, 2) horizontal speed of the toes in m/s."""
    return np.linalg.norm(np.diff(motion.joints()[:, TOES], axis=0)[..., [0, 2]], axis=-1) * FPS


# ---- two-bone legs


def test_right_angle_of_a_3_4_5_leg():
    knee, ankle = two_bone(np.zeros(3), np.array([0.0, -5, 0]), np.array(3.0), np.array(4.0), Z)
    np.testing.assert_allclose(knee, [0, -1.8, 2.4], atol=1e-12)  # height of the right angle over the hypotenuse
    np.testing.assert_allclose(ankle, [0, -5, 0], atol=1e-12)


def test_reachable_targets_are_hit_with_bones_kept():
    rng = np.random.default_rng(0)
    hip, pole = rng.normal(size=(2, 200, 3))
    target = hip + normalise(rng.normal(size=(200, 3))) * rng.uniform(0.1, 0.79, (200, 1))
    knee, ankle = two_bone(hip, target, np.array(0.39), np.array(0.42), pole)
    np.testing.assert_allclose(ankle, target, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(knee - hip, axis=-1), 0.39, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(ankle - knee, axis=-1), 0.42, atol=1e-9)
    # The knee lies in the plane of line and pole, on the pole's side.
    normal = np.cross(target - hip, pole)
    assert np.abs(np.sum(normalise(normal) * (knee - hip), axis=-1)).max() < 1e-9
    aside = pole - np.sum(pole * normalise(target - hip), axis=-1, keepdims=True) * normalise(target - hip)
    assert (np.sum(aside * (knee - hip), axis=-1) > 0).all()


def test_unreachable_target_is_stretched_towards():
    knee, ankle = two_bone(np.zeros(3), np.array([0.0, -3, 4]), np.array(0.4), np.array(0.6), X)
    np.testing.assert_allclose(ankle, [0, -0.6, 0.8], atol=1e-9)
    np.testing.assert_allclose(knee, [0, -0.24, 0.32], atol=1e-7)
    _, near = two_bone(np.zeros(3), np.array([0.0, -0.01, 0]), np.array(0.4), np.array(0.6), X)
    np.testing.assert_allclose(near, [0, -0.2, 0], atol=1e-7)


# ---- contacts


def test_contacts_of_a_clean_walk_are_its_stance_phases():
    motion = stepping(slide=0.0)
    planted = find_contacts(motion.joints(), FPS)
    phase = (np.arange(60)[:, None] + [0, 12]) % 24
    assert planted[(phase > 1) & (phase < 11)].all()
    assert not planted[(phase > 13) & (phase < 23)].any()


def test_probabilities_can_deny_a_contact():
    joints = standing().joints()
    assert find_contacts(joints, FPS).all()
    sure = np.ones((40, 4))
    sure[:, 3] = 0.1  # the right toe
    assert find_contacts(joints, FPS, sure).all(axis=0).tolist() == [True, False]
    assert not find_contacts(joints, FPS, sure)[:, 1].any()


def test_trembling_for_a_minute_is_one_contact_and_a_long_slide_is_several():
    rng = np.random.default_rng(0)
    joints = standing(frames=1200).joints() + rng.normal(scale=0.002, size=(1200, 1, 3))
    assert find_contacts(joints, FPS).all()
    slide = standing(frames=60, velocity=(0, 0, 0.9))
    stands = footlock.intervals(find_contacts(slide.joints(), FPS)[:, 0])
    assert len(stands) > 3
    locked = lock_feet(slide)
    assert np.median([toe_speed(locked)[a : b - 1, 0].mean() for a, b in stands if b - a > 1]) < 0.1


def test_intervals_of_a_mask():
    mask = np.array([1, 1, 0, 0, 1, 0, 1], bool)
    assert footlock.intervals(mask).tolist() == [[0, 2], [4, 5], [6, 7]]
    assert footlock.intervals(np.zeros(3, bool)).tolist() == []


# ---- locking


def test_sliding_planted_feet_stand():
    motion = standing(velocity=(0.05, 0, 0.08))
    locked = lock_feet(motion)
    assert toe_speed(motion).min() > 0.09
    assert toe_speed(locked).max() < 1e-6
    np.testing.assert_allclose(locked.root[:, [0, 2]], motion.root[:, [0, 2]], atol=0)


def test_standing_feet_of_a_sliding_walk_stand():
    motion = stepping(slide=0.3)
    locked = lock_feet(motion)
    phase = (np.arange(59)[:, None] + [0, 12]) % 24
    stance = (phase > 2) & (phase < 9)
    assert np.median(toe_speed(motion)[stance]) > 0.25
    assert np.median(toe_speed(locked)[stance]) < 1e-6
    assert toe_speed(locked)[stance].mean() < 0.1 * toe_speed(motion)[stance].mean()


def test_bones_and_upper_body_are_kept():
    motion = stepping()
    locked = lock_feet(motion)
    lengths = np.linalg.norm(locked.joints()[:, 1:] - locked.joints()[:, BODY.parents[1:]], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(BODY.lengths[1:], lengths.shape), atol=1e-9)
    others = [j for j in range(22) if j not in LEG_AND_PELVIS]
    assert np.array_equal(locked.rotations[:, others], motion.rotations[:, others])
    assert np.array_equal(locked.rotations[:, 0], motion.rotations[:, 0])
    np.testing.assert_allclose(
        locked.joints()[:, TOES] - locked.joints()[:, ANKLES],
        motion.joints()[:, TOES] - motion.joints()[:, ANKLES],
        atol=1e-9,
    )
    assert not np.array_equal(locked.joints(), motion.joints())


def test_a_clean_motion_stays_and_locking_twice_is_locking_once():
    skeleton = symmetric_body()  # both toes are exactly on the floor
    motion = standing(skeleton)
    np.testing.assert_allclose(lock_feet(motion).joints(), motion.joints(), atol=1e-9)
    once = lock_feet(stepping(skeleton))
    held = find_contacts(once.joints(), FPS)
    twice = lock_feet(once)
    moved = np.linalg.norm(twice.joints() - once.joints(), axis=-1)
    assert moved[:, TOES][held].max() < 0.02
    assert moved.mean() < 0.005


def test_frames_far_from_the_ground_stay_bit_for_bit():
    root = np.zeros((60, 3))
    root[:, 1] = np.where(np.arange(60) < 25, 0, 1.5 * np.minimum((np.arange(60) - 25) / 10, 1))
    motion = bent(BODY, root, np.full((60, 2), 0.4))
    locked = lock_feet(motion)
    assert not np.array_equal(locked.rotations[:20], motion.rotations[:20])
    assert np.array_equal(locked.rotations[45:], motion.rotations[45:])
    assert np.array_equal(locked.root[45:], motion.root[45:])


def test_frozen_frames_stay_bit_for_bit_and_join_smoothly():
    motion = stepping()
    frozen = np.zeros(60, bool)
    frozen[:8] = frozen[30:34] = True
    locked = lock_feet(motion, frozen=frozen)
    assert np.array_equal(locked.rotations[frozen], motion.rotations[frozen])
    assert np.array_equal(locked.root[frozen], motion.root[frozen])
    moved = np.linalg.norm(locked.joints() - motion.joints(), axis=-1).max(axis=1)
    assert moved[[8, 29, 34]].max() < 0.02 < moved.max()
    assert lock_feet(motion, frozen=np.ones(60, bool)) == motion


def test_mirrored_motions_get_mirrored_results():
    motion = stepping(symmetric_body())
    locked = lock_feet(motion)
    np.testing.assert_allclose(lock_feet(motion.mirror()).joints(), locked.mirror().joints(), atol=1e-9)
    assert not np.array_equal(locked.joints(), motion.joints())


def test_the_result_turns_and_moves_with_the_motion():
    motion = stepping(
        lag=11
    )  # at half a stride both feet change at the same speed, and rounding says which is the slower
    place = {"offset": (1.0, 0.0, -2.0), "yaw": 0.7}
    moved = lock_feet(motion.moved(**place)).joints()
    np.testing.assert_allclose(moved, lock_feet(motion).moved(**place).joints(), atol=1e-9)


def test_sunken_feet_are_raised_to_the_floor():
    motion = standing(symmetric_body())
    root = motion.root.copy()
    root[18:21, 1] -= 0.04  # three frames of forty: fewer than the tenth that defines the floor
    sunken = Motion(motion.skeleton, FPS, root, motion.rotations)
    floor = measure.floor(sunken.joints())
    assert sunken.joints()[:, TOES, 1].min() < floor - 0.03
    assert lock_feet(sunken).joints()[:, TOES, 1].min() > floor - 1e-9


def test_floating_contact_is_put_down():
    motion = standing(symmetric_body())
    root = motion.root.copy()
    root[20:, 1] += 0.03 * np.minimum(np.arange(20) / 5, 1)
    locked = lock_feet(Motion(motion.skeleton, FPS, root, motion.rotations))
    assert np.abs(locked.joints()[:, TOES, 1] - measure.floor(motion.joints())).max() < 1e-3


def test_a_leg_that_cannot_reach_lowers_the_pelvis_smoothly():
    motion = bent(BODY, np.zeros((40, 3)), np.full((40, 2), 0.12))
    tilt = motion.rotations.copy()
    tilt[20:, 0] = quat_multiply(axis_angle_to_quat(Z, np.array(0.25)), tilt[20:, 0])
    locked = lock_feet(Motion(BODY, FPS, motion.root, tilt))
    drop = motion.root[:, 1] - locked.root[:, 1]
    assert 0 <= drop.min() <= drop.max() <= footlock.DEFAULT.drop_m + 1e-12
    legs = np.linalg.norm(locked.joints()[:, ANKLES] - locked.joints()[:, HIPS], axis=-1)
    assert (legs <= BODY.lengths[KNEES] + BODY.lengths[ANKLES] + 1e-9).all()
    assert np.abs(np.diff(drop)).max() < 0.025


def test_one_and_two_frames():
    assert lock_feet(standing(frames=1)) == standing(frames=1)
    assert len(lock_feet(standing(frames=2))) == 2


def test_bad_requests_say_what_is_wrong():
    other = Motion(preset("kit"), FPS, np.zeros((2, 3)), np.tile([1.0, 0, 0, 0], (2, 21, 1)))
    with pytest.raises(RequestError, match="22 joints"):
        lock_feet(other)
    with pytest.raises(ShapeError, match="frozen"):
        lock_feet(standing(), frozen=np.zeros(3, bool))
    with pytest.raises(ShapeError, match="contacts"):
        lock_feet(standing(), contacts=np.zeros((40, 2)))
