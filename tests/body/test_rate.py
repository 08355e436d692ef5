"""Other frame rates: duration, rotations by slerp, and feet that stand as they did."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from dimo import Motion, Skeleton, preset
from dimo.body.limbs import legs, reach
from dimo.body.mapping import find_naming
from dimo.body.rate import at_rate
from dimo.body.rotation import quat_multiply, rotvec_to_quat

BODY = preset("humanml3d")
LEG = [BODY.index(f"left_{part}") for part in ("hip", "knee", "ankle", "foot")]
ROLES = find_naming(BODY)[1]


def squatting(fps: float = 20, frames: int = 21) -> Motion:
    """Knees that bend and straighten over feet that never move: hips and ankles give way by closed forms."""
    t = np.arange(frames) / (frames - 1)
    turn = np.zeros((frames, 22, 3))
    bend = 0.6 * np.sin(np.pi * t)
    for side in ("left", "right"):
        turn[:, BODY.index(f"{side}_hip"), 0] = -bend
        turn[:, BODY.index(f"{side}_knee"), 0] = 2 * bend
        turn[:, BODY.index(f"{side}_ankle"), 0] = -bend
    motion = Motion(BODY, fps, np.zeros((frames, 3)), rotvec_to_quat(turn))
    ankle = motion.joints()[:, LEG[2]]
    return Motion(BODY, fps, np.array([0, 0.95, 0]) - ankle + ankle[0], rotvec_to_quat(turn))


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60, 15, 23.976])
def test_a_foot_that_stands_stands_at_every_rate(fps):
    motion = squatting()
    out = at_rate(motion, fps)
    assert out.fps == fps
    assert abs((len(out) - 1) / fps - 1) < 1 / fps
    for joint in ("left_ankle", "left_foot"):  # of the right one the hip is not exactly the left one's mirror
        place = out.joints()[:, BODY.index(joint)]
        assert np.ptp(place, axis=0).max() < 1e-6
    slid = motion.resample(fps).joints()[:, LEG[2]]
    assert np.ptp(slid, axis=0).max() > 1e-4  # what slerp alone does


def test_rotations_in_between_are_slerped_against_scipy():
    generator = np.random.default_rng(0)
    rotations = rotvec_to_quat(np.cumsum(generator.normal(0, 0.1, (9, 22, 3)), axis=0))
    root = np.cumsum(generator.normal(0, 0.5, (9, 3)), axis=0)  # so fast that no foot stands
    out = at_rate(Motion(BODY, 20, root, rotations), 60)
    assert len(out) == 25
    for joint in (0, LEG[0], LEG[1], BODY.index("right_elbow")):
        expected = Slerp(np.arange(9) / 20, Rotation.from_quat(rotations[:, joint], scalar_first=True))
        found = Rotation.from_quat(out.rotations[:, joint], scalar_first=True)
        assert (expected(np.arange(25) / 60) * found.inv()).magnitude().max() < 1e-6
    assert np.allclose(out.root[::3], root)


def test_frames_that_fall_together_are_the_same():
    motion = squatting()
    assert np.abs(at_rate(motion, 60).joints()[::3] - motion.joints()).max() < 1e-9
    assert np.abs(at_rate(motion, 10).joints() - motion.joints()[::2]).max() < 1e-9
    assert at_rate(motion, 20) is motion


def test_a_body_that_is_none_is_resampled_all_the_same():
    line = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0.0]]))
    motion = Motion(line, 20, np.zeros((3, 3)), rotvec_to_quat(np.zeros((3, 2, 3))))
    assert len(at_rate(motion, 40)) == 5
    assert len(at_rate(motion[0:1], 40)) == 1


def test_a_leg_reaches_a_target_and_keeps_its_bones_and_foot():
    motion = squatting()[8:12]
    leg = legs(ROLES, BODY.parents)["left"]
    target = motion.joints()[:, LEG[2]] + [0.05, 0.1, 0.1]
    turn = quat_multiply(rotvec_to_quat(np.array([0.1, 0.3, 0])), motion.global_rotations()[:, LEG[2]])
    out = reach(motion, leg, target, turn, np.tile([0, 0, 1.0], (4, 1)))
    assert np.abs(out.joints()[:, LEG[2]] - target).max() < 1e-9
    assert np.abs(out.global_rotations()[:, LEG[2]] - turn).max() < 1e-9
    others = [j for j in range(22) if j not in LEG]
    assert np.array_equal(out.joints()[:, others], motion.joints()[:, others])
    far = reach(motion, leg, target - np.array([0, 5, 0]), turn, np.tile([0, 0, 1.0], (4, 1))).joints()
    lengths = np.linalg.norm(far[:, LEG[1:3]] - far[:, LEG[:2]], axis=-1)
    assert np.allclose(lengths, BODY.lengths[LEG[1:3]])
    assert np.allclose(np.linalg.norm(far[:, LEG[2]] - far[:, LEG[0]], axis=-1), BODY.lengths[LEG[1:3]].sum())


def test_a_straight_leg_bends_where_the_hint_says():
    motion = Motion(BODY, 20, np.zeros((1, 3)), rotvec_to_quat(np.zeros((1, 22, 3))))
    leg = legs(ROLES, BODY.parents)["left"]
    target = motion.joints()[:, LEG[2]] + [0, 0.2, 0]
    turn = motion.global_rotations()[:, LEG[2]]
    for way in (1.0, -1.0):
        out = reach(motion, leg, target, turn, np.array([[0, 0, way]])).joints()[0]
        middle = (out[LEG[0]] + out[LEG[2]]) / 2
        assert (out[LEG[1]] - middle)[2] * way > 0.1
