"""Motion on a character of other proportions: feet that stand, hands in their places, hinges that bend as hinges."""

from dataclasses import replace

import numpy as np
import pytest

from dimo import Motion, Skeleton, preset
from dimo.body.mapping import find_naming, rest_pose
from dimo.body.onto import onto
from dimo.body.rotation import normalise, quat_multiply, quat_rotate, rotvec_to_quat

BODY = preset("humanml3d")
AT = {name: j for j, name in enumerate(BODY.names)}
SIDES = ("left", "right")


def character(thigh=0.7, shin=0.5, arm=1.3, hips=1.8, shoulders=1.4, foot=(0.0, -0.02, 0.15), drop=0.0) -> Skeleton:
    """The body with other proportions and flatter feet; drop: radians by which its arms hang down at rest."""
    offsets = BODY.offsets.copy()
    for side, sign in (("left", 1), ("right", -1)):
        offsets[AT[f"{side}_hip"], 0] *= hips
        offsets[AT[f"{side}_knee"]] *= thigh
        offsets[AT[f"{side}_ankle"]] *= shin
        offsets[AT[f"{side}_foot"]] = foot
        offsets[AT[f"{side}_shoulder"]] *= shoulders
        for part in ("elbow", "wrist"):
            turned = quat_rotate(rotvec_to_quat(np.array([0, 0, -sign * drop])), offsets[AT[f"{side}_{part}"]])
            offsets[AT[f"{side}_{part}"]] = arm * turned
    return Skeleton(BODY.names, BODY.parents, offsets, "character")


def squatting(frames: int = 21, hands: float = 0.0) -> Motion:
    """Knees that bend over feet that never move, while the arms come forward and together."""
    t = np.arange(frames) / (frames - 1)
    turn = np.zeros((frames, 22, 3))
    bend = 0.2 + 0.6 * np.sin(np.pi * t)
    for side, sign in (("left", 1), ("right", -1)):
        turn[:, AT[f"{side}_hip"], 0] = -bend
        turn[:, AT[f"{side}_knee"], 0] = 2 * bend
        turn[:, AT[f"{side}_ankle"], 0] = -bend
        turn[:, AT[f"{side}_shoulder"], 1] = -sign * t * 1.2
        turn[:, AT[f"{side}_elbow"], 1] = -sign * t * 1.4
    turn[:, AT["head"], 1] = t
    rotations = rotvec_to_quat(turn)
    motion = Motion(BODY, 20, np.zeros((frames, 3)), rotations)
    joints = motion.joints()
    ankle = joints[:, [AT["left_ankle"], AT["right_ankle"]]].mean(1)
    root = np.array([1.0, 0, 2.0]) - ankle
    lowest = rest_pose(BODY)[AT["left_ankle"], 1] - rest_pose(BODY)[[AT["left_foot"], AT["right_foot"]], 1].min()
    return replace(motion, root=root + np.array([0, lowest, 0]))


def test_feet_that_stand_stand_flat_on_the_ground_as_wide_as_the_hips():
    target, motion = character(), squatting()
    out = onto(motion, target, sole=0.03).joints()
    for side in SIDES:
        for part in ("ankle", "foot"):
            assert np.ptp(out[:, AT[f"{side}_{part}"]], axis=0).max() < 2e-3  # the body's hips differ by 2 mm in height
        way = out[:, AT[f"{side}_foot"]] - out[:, AT[f"{side}_ankle"]]
        assert np.abs(way - [0, -0.02, 0.15])[:, 1].max() < 1e-6  # as flat as at rest
    assert np.abs(out[..., 1].min() - 0.03) < 2e-3
    apart = np.linalg.norm((out[:, AT["left_ankle"]] - out[:, AT["right_ankle"]])[:, [0, 2]], axis=-1)
    source = motion.joints()
    theirs = np.linalg.norm((source[:, AT["left_ankle"]] - source[:, AT["right_ankle"]])[:, [0, 2]], axis=-1)
    rest = rest_pose(target), rest_pose(BODY)
    hips = [np.linalg.norm(r[AT["left_hip"]] - r[AT["right_hip"]]) for r in rest]
    legs = [np.linalg.norm(s.offsets[[AT["left_knee"], AT["left_ankle"]]], axis=-1).sum() for s in (target, BODY)]
    scale = legs[0] / legs[1]
    assert np.abs(apart - (scale * theirs + hips[0] - scale * hips[1])).max() < 5e-3


def on_tiptoe(yaw: float = 0.0, frames: int = 21) -> Motion:
    """Bent legs; the heels rise by 40 degrees about toes that never move, and the body turns by yaw about the left ones."""
    t = np.arange(frames) / (frames - 1)
    turn = np.zeros((frames, 22, 3))
    for side in SIDES:
        turn[:, AT[f"{side}_hip"], 0], turn[:, AT[f"{side}_knee"], 0] = -0.4, 0.8
        turn[:, AT[f"{side}_ankle"], 0] = 0.7 * np.sin(np.pi * t) - 0.4
    turn[:, 0, 1] = yaw * t
    motion = Motion(BODY, 20, np.zeros((frames, 3)), rotvec_to_quat(turn))
    return replace(motion, root=-motion.joints()[:, AT["left_foot"]])


def with_toes(skeleton: Skeleton) -> Skeleton:
    """And a bone from each foot to the tip of its toes."""
    index = [AT["left_foot"], AT["right_foot"]]
    offsets = np.concatenate([skeleton.offsets, [[0, 0, 0.07]] * 2])
    return Skeleton((*skeleton.names, "tip_l", "tip_r"), (*skeleton.parents, *index), offsets, "character")


@pytest.mark.parametrize("foot", [(0.0, -0.02, 0.25), (0.0, -0.03, 0.07), (0.0, -0.09, 0.1)])
def test_toes_stand_while_the_heel_rises_on_feet_of_any_length(foot):
    motion, target = on_tiptoe(), character(foot=foot)
    out, source = onto(motion, target).joints(), motion.joints()
    bones = [AT[f"{side}_{part}"] for side in SIDES for part in ("knee", "ankle")]
    scale = target.lengths[bones].sum() / BODY.lengths[bones].sum()
    assert np.abs(np.diff(source[:, AT["left_foot"]], axis=0)).max() < 1e-9
    for side in SIDES:
        toe, ankle = AT[f"{side}_foot"], AT[f"{side}_ankle"]
        assert np.abs(np.diff(out[:, toe] - scale * source[:, toe], axis=0)).max() < 1e-5
        rises = [scale * np.ptp(source[:, ankle, 1]), np.ptp(out[:, ankle, 1])]
        assert rises[1] == pytest.approx(rises[0], rel=0.3)  # as high as the legs of the source ask, whatever the foot


def test_toes_lie_level_while_they_stand_and_go_with_the_foot_in_the_air():
    target = with_toes(character(foot=(0.0, -0.02, 0.25)))
    out = onto(on_tiptoe(), target)
    joints, tips = out.joints(), (22, 23)
    for side, tip in zip(SIDES, tips, strict=True):
        way = joints[:, tip] - joints[:, AT[f"{side}_foot"]]
        tilt = normalise(joints[:, AT[f"{side}_foot"]] - joints[:, AT[f"{side}_ankle"]])[:, 1]
        assert tilt.min() < -0.25  # the foot itself is steep
        assert np.abs(way[:, 1]).max() < 1e-6
    motion = on_tiptoe()
    height = np.interp(np.arange(21), [0, 6, 9, 11, 14, 20], [0, 0, 0.5, 0.5, 0, 0])  # and a leap in the middle of it
    leap = onto(replace(motion, root=motion.root + height[:, None] * [0, 1.0, 0]), target)
    turns = leap.global_rotations()
    for side in SIDES:
        assert np.abs(turns[10, AT[f"{side}_foot"]] - turns[10, AT[f"{side}_ankle"]]).max() < 1e-6
        assert np.abs(turns[3, AT[f"{side}_foot"]] - turns[3, AT[f"{side}_ankle"]]).max() > 0.02


def test_a_longer_foot_that_turns_a_little_does_not_move_its_toes_and_one_that_turns_far_follows():
    target = character(foot=(0.0, -0.02, 0.25))
    toe = onto(on_tiptoe(yaw=0.25), target).joints()[:, AT["left_foot"]]
    assert np.abs(np.diff(toe, axis=0))[:, [0, 2]].max() < 1e-5
    out = onto(on_tiptoe(yaw=3.0, frames=61), target)
    way = (out.joints()[:, AT["left_foot"]] - out.joints()[:, AT["left_ankle"]])[-1]
    heading = np.arctan2(way[0], way[2])
    assert 2.6 < heading < 3.01


def test_the_way_is_as_long_as_the_legs_allow():
    motion = squatting()
    root = motion.root + np.linspace(0, 1, 21)[:, None] * [0, 0, 3.0]
    out = onto(replace(motion, root=root), character())
    legs = (
        0.7 * np.linalg.norm(BODY.offsets[AT["left_knee"]]) + 0.5 * np.linalg.norm(BODY.offsets[AT["left_ankle"]])
    ) / (np.linalg.norm(BODY.offsets[[AT["left_knee"], AT["left_ankle"]]], axis=-1).sum())
    hips = out.joints()[:, [AT["left_hip"], AT["right_hip"]]].mean(1)
    assert hips[-1, 2] - hips[0, 2] == pytest.approx(3 * legs, rel=0.01)


@pytest.mark.parametrize("drop", [0.0, 0.9], ids=["T-pose", "A-pose"])
def test_hands_are_where_they_were_from_the_shoulders(drop):
    """What wrists are from the middle of the shoulders, by the reach of the arms: hands that meet do so on every body."""
    target, motion = character(drop=drop), squatting()
    out, source = onto(motion, target).joints(), motion.joints()

    def reach(skeleton: Skeleton) -> float:
        rest = rest_pose(skeleton)
        arm = np.linalg.norm(skeleton.offsets[[AT["left_elbow"], AT["left_wrist"]]], axis=-1).sum()
        arm += np.linalg.norm(skeleton.offsets[[AT["right_elbow"], AT["right_wrist"]]], axis=-1).sum()
        return float(arm + np.linalg.norm(rest[AT["left_shoulder"]] - rest[AT["right_shoulder"]])) / 2

    scale = reach(target) / reach(BODY)
    for side in SIDES:
        seen = [
            j[:, AT[f"{side}_wrist"]] - j[:, [AT["left_shoulder"], AT["right_shoulder"]]].mean(1) for j in (out, source)
        ]
        error = np.linalg.norm(seen[0] - scale * seen[1], axis=-1)
        assert error[1:].max() < 1e-6
        assert error[0] < 0.02 * scale  # stretched arms on shoulders of another width reach nearly as far
    lengths = np.linalg.norm(out[:, AT["left_wrist"]] - out[:, AT["left_elbow"]], axis=-1)
    assert np.allclose(lengths, target.lengths[AT["left_wrist"]])


def test_the_head_turns_as_it_does_though_no_bone_shows_it():
    out = onto(squatting(), character())
    assert np.abs(out.global_rotations()[:, AT["head"]] - squatting().global_rotations()[:, AT["head"]]).max() < 1e-9


@pytest.mark.parametrize("limb", [("hip", "knee", "ankle", -1), ("shoulder", "elbow", "wrist", 1)])
def test_knees_and_elbows_bend_about_their_own_axis(limb):
    upper, middle, end, way = limb
    twisted = squatting()
    rotations = twisted.rotations.copy()
    for side in SIDES:  # the same places, with thighs and upper arms that are turned about themselves
        own = normalise(BODY.offsets[AT[f"{side}_{middle}"]])
        rotations[:, AT[f"{side}_{upper}"]] = quat_multiply(
            rotations[:, AT[f"{side}_{upper}"]], rotvec_to_quat(0.7 * own)
        )
        back = quat_multiply(rotvec_to_quat(-0.7 * own), rotations[:, AT[f"{side}_{middle}"]])
        rotations[:, AT[f"{side}_{middle}"]] = back
    twisted = replace(twisted, rotations=rotations)
    assert np.abs(twisted.joints() - squatting().joints()).max() < 1e-9
    out = onto(twisted, character())
    joints, world = out.joints(), out.global_rotations()
    for side in SIDES:
        a, b, c = (joints[:, AT[f"{side}_{part}"]] for part in (upper, middle, end))
        lower, along = normalise(c - b), normalise(b - a)
        bend = lower - np.sum(lower * along, axis=-1, keepdims=True) * along
        clear = np.linalg.norm(bend, axis=-1) > 0.45
        assert clear.sum() >= 8
        hinge = quat_rotate(world[:, AT[f"{side}_{upper}"]], np.array([1.0, 0, 0] if upper == "hip" else [0, 1.0, 0]))
        assert np.abs(np.sum(hinge * normalise(bend), axis=-1)[clear]).max() < 1e-6
        shown = quat_rotate(world[:, AT[f"{side}_{upper}"]], np.array([0, 0, float(way)]))
        assert np.sum(shown * bend, axis=-1)[clear].min() > 0


def test_the_same_body_moves_as_before():
    motion = squatting()
    out = onto(motion, Skeleton(BODY.names, BODY.parents, BODY.offsets))
    assert np.abs(out.joints() - motion.joints()).max() < 0.01
    steps = np.abs(np.diff(out.rotations, axis=0)).max()
    assert steps < 0.2


def test_a_body_that_does_not_rest_standing_is_retargeted_by_directions():
    """Bones along their own axes, as some motion capture has them: their rest says nothing of feet and head."""
    offsets = np.zeros_like(BODY.offsets)
    offsets[:, 1] = BODY.lengths
    lying = Skeleton(BODY.names, BODY.parents, offsets)
    motion = Motion.from_joints(lying, squatting().joints(), 20)
    out = onto(motion, character()).joints()
    assert np.isfinite(out).all()
    assert out[:, AT["head"], 1].min() > out[:, AT["pelvis"], 1].max() * 0.9


def test_find_naming_says_what_a_character_lacks():
    from dimo.errors import RequestError
    from dimo.formats.rig import Rig

    with pytest.raises(RequestError, match="cannot be mapped"):
        Rig(Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1.0, 0]])))
    assert find_naming(Rig(character()).skeleton)[0].name == "plain"
