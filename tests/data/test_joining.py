"""Seams: where two clips meet, place, heading and pose go on, and arms can be those of another."""

import numpy as np
import pytest

from dimo.body import measure
from dimo.body.kinematics import global_rotations
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat, quat_angle, quat_multiply, yaw_to_quat
from dimo.data.joining import ARMS, BODY, join, with_arm, with_hanging_arms

FPS = 20.0
X, Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])


def gliding(seconds=3.0, speed=0.0, yaw=0.0, arms=-1.4, drop=0.0, lean=0.0) -> Motion:
    """A rigid body with its arms at an angle, heading along yaw, its pelvis `drop` metres lower than standing."""
    n = round(seconds * FPS)
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    for side, sign in (("left", 1), ("right", -1)):
        rotations[:, ARMS[side][1]] = axis_angle_to_quat(Z, np.full(n, sign * arms))
    rotations[:, 0] = quat_multiply(yaw_to_quat(np.full(n, yaw)), axis_angle_to_quat(X, np.full(n, lean)))
    path = speed * np.arange(n)[:, None] / FPS * [np.sin(yaw), 0, np.cos(yaw)]
    return Motion(BODY, FPS, path + np.array([0, 0.97 - drop, 0]), rotations)


@pytest.mark.parametrize("yaw", [0.0, 1.2, -2.5])
def test_the_second_goes_on_where_the_first_ends(yaw):
    first, second = gliding(speed=1.0, yaw=0.4), gliding(speed=1.0, yaw=yaw, arms=-1.2)
    joined = join(first, second.moved((3, 0, -2)))
    assert joined is not None
    motion, seam = joined
    assert len(motion) > len(first) + len(second) - 12
    joints = motion.joints()
    assert np.allclose(measure.heading(joints), 0.4, atol=0.02)
    steps = np.diff(joints[:, 0], axis=0)
    assert np.allclose(steps, np.array([np.sin(0.4), 0, np.cos(0.4)]) / FPS, atol=0.02)
    above = [
        j for j, name in enumerate(BODY.names) if not name.endswith(("knee", "ankle", "foot"))
    ]  # the feet are held
    assert np.linalg.norm(np.diff(joints[:, above], axis=0), axis=-1).max() < 0.1  # nothing jumps
    assert np.allclose(joints[: seam - 25], first.joints()[: seam - 25], atol=1e-6)


def test_poses_too_far_apart_are_not_joined():
    assert join(gliding(), gliding(drop=0.05)) is not None
    assert join(gliding(), gliding(drop=0.18)) is None
    assert join(gliding(), gliding(lean=np.radians(70))) is None
    assert join(gliding(0.2), gliding()) is None


def test_a_clip_that_must_not_be_cut_loses_no_more_than_allowed():
    first = gliding(2.0, speed=1.0)
    joined = join(first, gliding(2.0, speed=1.0), lost=(0.1, 0.1))
    assert joined is not None
    assert len(joined[0]) >= 2 * len(first) - 4


def test_an_arm_of_another_clip_leaves_all_else():
    body, other = gliding(), gliding(arms=1.2)
    made = with_arm(body, other, ("left",))
    middle = len(made) // 2
    left, right = ARMS["left"][1], ARMS["right"][1]
    assert np.degrees(quat_angle(made.rotations[middle, left], other.rotations[middle, left])) < 1e-6
    assert np.array_equal(made.rotations[:, right], body.rotations[:, right])
    assert np.degrees(quat_angle(made.rotations[0, left], body.rotations[0, left])) < 1e-6


def test_hanging_arms_hang_whatever_the_trunk_does():
    leaning = gliding(arms=1.2, lean=np.radians(50), yaw=0.7)
    made = with_hanging_arms(leaning, gliding(1.0))
    wanted = global_rotations(BODY, gliding(3.0, yaw=0.7).rotations)
    got = global_rotations(BODY, made.rotations)
    for side in ("left", "right"):
        shoulder, elbow, wrist = ARMS[side][1:]
        for joint in (shoulder, elbow):
            assert np.degrees(quat_angle(got[:, joint], wanted[:, joint])).max() < 5
        joints = made.joints()
        assert (joints[:, wrist, 1] < joints[:, shoulder, 1] - 0.4).all()
    others = [j for j in range(22) if j not in ARMS["left"] + ARMS["right"]]
    assert np.allclose(made.rotations[:, others], leaning.rotations[:, others])
