"""Skeletons: validity, JSON, presets, twins."""

import json

import numpy as np
import pytest

from dimo.body.skeleton import MAX_JOINTS, Skeleton, other_side, preset, preset_names
from dimo.errors import DimoError, FormatError, RequestError, ShapeError


def chain(count: int = 3) -> Skeleton:
    return Skeleton(
        tuple(f"bone{i}" for i in range(count)),
        tuple(range(-1, count - 1)),
        np.tile([0.0, 0.5, 0.0], (count, 1)),
        "chain",
    )


def test_children_lengths_index():
    body = Skeleton(("a", "b", "c", "d"), (-1, 0, 0, 2), np.array([[9, 9, 9], [3, 4, 0], [0, 0, 2], [0, 1, 0]]))
    assert body.children == ((1, 2), (), (3,), ())
    np.testing.assert_allclose(body.lengths, [0, 5, 2, 1])
    assert body.index("c") == 2
    assert len(body) == 4
    with pytest.raises(RequestError, match="no joint 'hand' in the skeleton; it has a, b, c, d"):
        body.index("hand")


def test_value_semantics():
    assert chain() == chain()
    assert hash(chain()) == hash(chain())
    assert chain(3) != chain(4)
    assert chain() != "chain"
    with pytest.raises(ValueError, match="read-only"):
        chain().offsets[0, 0] = 1.0
    given = np.zeros((1, 3))
    body = Skeleton(("root",), (-1,), given)
    given[0, 0] = 7
    assert body.offsets[0, 0] == 0


@pytest.mark.parametrize(
    ("names", "parents", "offsets", "words"),
    [
        ((), (), np.zeros((0, 3)), "1 to 2000 joints, not 0"),
        (tuple(map(str, range(MAX_JOINTS + 1))), (-1,) * (MAX_JOINTS + 1), np.zeros((MAX_JOINTS + 1, 3)), "not 2001"),
        (("a", "b"), (-1,), np.zeros((2, 3)), "2 names needs as many parents"),
        (("a", "b"), (-1, 0), np.zeros((2, 2)), "(2, 2)"),
        (("a", "b", "a"), (-1, 0, 1), np.zeros((3, 3)), "'a' stands twice"),
        (("a", "b"), (0, 0), np.zeros((2, 3)), "joint 0 (a) must be the root"),
        (("a", "b"), (-1, 1), np.zeros((2, 3)), "joint 1 (b) has parent 1"),
        (("a", "b"), (-1, -1), np.zeros((2, 3)), "joint 1 (b) has parent -1"),
        (("a", "b", "c"), (-1, 2, 1), np.zeros((3, 3)), "joint 1 (b) has parent 2"),
        (("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, np.nan, 0]]), "offset of joint 1 (b)"),
    ],
)
def test_wrong_skeletons_are_refused_with_the_joint(names, parents, offsets, words):
    with pytest.raises(ShapeError) as caught:
        Skeleton(names, parents, offsets)
    assert words in str(caught.value)


# ---- JSON


@pytest.mark.parametrize("name", preset_names())
def test_json_round_trip(name):
    body = preset(name)
    again = Skeleton.from_json(body.to_json())
    assert again == body
    assert again.name == body.name


def test_json_is_what_the_format_says():
    data = json.loads(chain(2).to_json())
    assert data == {
        "format": "dimo-skeleton",
        "version": 1,
        "name": "chain",
        "joints": [
            {"name": "bone0", "parent": -1, "offset": [0.0, 0.5, 0.0]},
            {"name": "bone1", "parent": 0, "offset": [0.0, 0.5, 0.0]},
        ],
    }


def test_names_with_quotes_and_other_scripts_survive_json():
    body = Skeleton(('a "b"\n', "骨"), (-1, 0), np.zeros((2, 3)), "näme")
    assert Skeleton.from_json(body.to_json()) == body


def document(**changes) -> str:
    return json.dumps({**json.loads(chain(2).to_json()), **changes})


ROOT = {"name": "a", "parent": -1, "offset": [0, 0, 0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", '"format": "dimo-skeleton"'),
        (document(format="other"), '"format": "dimo-skeleton"'),
        (document(version=2), '"version": 1'),
        (document(joints=None), '"joints"'),
        (document(joints=[]), "1 to 2000 joints"),
        (document(joints=[1]), '"name", "parent" and "offset"'),
        (document(joints={"a": 1}), '"name", "parent" and "offset"'),
        (document(joints=[{"name": "a", "parent": -1}]), "'offset'"),
        (document(joints=[{**ROOT, "offset": [0, 0]}]), "(1, 2)"),
        (document(joints=[{**ROOT, "offset": ["x", 0, 0]}]), '"offset" [x, y, z]'),
        (
            document(joints=[{**ROOT, "offset": [0, 0, 0]}, {**ROOT, "name": "b", "offset": [0, 0]}]),
            '"offset" [x, y, z]',
        ),
        (document(joints=[{**ROOT, "parent": "none"}]), '"parent"'),
        (document(joints=[{**ROOT, "parent": 1e999}]), '"parent"'),
        (document(joints=[{**ROOT, "offset": [float("nan"), 0, 0]}]), "not a finite number"),
        (document(joints=[ROOT, {**ROOT, "name": "b", "parent": 2}, {**ROOT, "name": "c", "parent": 1}]), "parent 2"),
    ],
)
def test_wrong_json_is_one_sentence_with_the_file(text, words):
    with pytest.raises(FormatError) as caught:
        Skeleton.from_json(text, "body.json")
    message = str(caught.value)
    assert words in message
    assert message.startswith("body.json: ")
    assert "\n" not in message
    assert len(message) < 300


# ---- presets


@pytest.mark.parametrize(
    ("name", "joints"),
    [
        ("humanml3d", 22),
        ("kit", 21),
        ("smplx", 52),
        ("bandai_namco", 21),
        ("cmu_acclaim", 38),
        ("cmu_bvh", 57),
        ("cmu_common", 38),
    ],
)
def test_preset_sizes(name, joints):
    assert len(preset(name)) == joints
    assert preset(name).name == name


def test_unknown_preset_lists_the_choices():
    with pytest.raises(RequestError, match=r"no skeleton preset 'robot'; there are .*humanml3d.*kit.*smplx"):
        preset("robot")
    with pytest.raises(DimoError):
        preset("../presets/kit")


def test_humanml3d_preset_has_the_published_order_and_chains():
    body = preset("humanml3d")
    # The kinematic chains of HumanML3D's paramUtil (t2m_kinematic_chain): each joint's parent is its neighbour.
    for chain_ in ([0, 2, 5, 8, 11], [0, 1, 4, 7, 10], [0, 3, 6, 9, 12, 15], [9, 14, 17, 19, 21], [9, 13, 16, 18, 20]):
        for parent, joint in zip(chain_, chain_[1:], strict=False):
            assert body.parents[joint] == parent
    # left is +X, up is +Y
    assert body.offsets[body.index("left_hip"), 0] > 0 > body.offsets[body.index("right_hip"), 0]
    assert body.offsets[body.index("left_knee"), 1] < 0 < body.offsets[body.index("spine1"), 1]


def test_smplx_starts_with_the_humanml3d_body():
    assert preset("smplx").names[:22] == preset("humanml3d").names
    assert preset("smplx").parents[:22] == preset("humanml3d").parents


@pytest.mark.parametrize("name", ["humanml3d", "kit", "smplx"])
def test_presets_pair_every_limb_joint(name):
    body = preset(name)
    twins = body.mirrored
    np.testing.assert_array_equal(twins[twins], np.arange(len(body)))
    for j, joint in enumerate(body.names):
        sided = "left" in joint or "right" in joint
        assert (twins[j] != j) == sided
    parents = np.array(body.parents)
    # a twin's parent is the parent's twin, so that a mirrored body is a body
    np.testing.assert_array_equal(twins[parents[1:]], parents[twins[1:]])


# ---- twins by name


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_hip", "right_hip"),
        ("LeftUpLeg", "RightUpLeg"),
        ("lThigh", "rThigh"),
        ("lForeArm", "rForeArm"),
        ("Foot_L", "Foot_R"),
        ("UpperArm.L", "UpperArm.R"),
        ("l_hand", "r_hand"),
        ("lfemur", "rfemur"),
        ("lhipjoint", "rhipjoint"),
        ("lthumb", "rthumb"),
        ("mixamorig:LeftArm", "mixamorig:RightArm"),
        ("mixamorig:LeftHandThumb1", "mixamorig:RightHandThumb1"),
        ("LEFT_KNEE", "RIGHT_KNEE"),
        ("Toes_L_end", "Toes_R_end"),
        ("lFoot_end", "rFoot_end"),
        ("LeftToeBase_end", "RightToeBase_end"),
        ("L_Shoulder", "R_Shoulder"),
    ],
)
def test_other_side(left, right):
    assert other_side(left) == right
    assert other_side(right) == left


@pytest.mark.parametrize(
    "name",
    [
        "Hips",
        "root",
        "lowerback",
        "lowerneck",
        "head",
        "Spine",
        "LowerBack",
        "Root",
        "rib",
        "leg",
        "pelvis",
        "joint_Root",
    ],
)
def test_names_on_the_midline_stay(name):
    assert other_side(name) == name


@pytest.mark.parametrize(
    ("name", "table", "joints", "wrist"),
    [
        ("mixamo", "mixamo", 65, 0), ("ue5", "unreal-5", 64, -1), ("unity", "unity", 52, 0), ("vrm", "unity", 52, 0),
        ("rigify", "rigify", 53, 0),
    ],
)  # fmt: skip
def test_rigs_of_engines_stand_in_their_rest_pose(name, table, joints, wrist):
    from dimo.body.mapping import find_naming, rest_pose

    skeleton = preset(name)
    naming, roles = find_naming(skeleton)
    assert (naming.name, len(skeleton), len(roles)) == (table, joints, 22)
    rest = rest_pose(skeleton)
    at = {role: rest[j] for role, (j,) in roles.items()}
    reach = at["left_wrist"] - at["left_shoulder"]
    assert reach[1] / reach[0] == pytest.approx(wrist, abs=1e-3)  # a T-pose, or arms halfway down
    assert at["left_hip"][0] > at["right_hip"][0]
    assert at["head"][1] - at["left_foot"][1] == pytest.approx(1.55, abs=0.01)
    mirrored = rest[skeleton.mirrored] * [-1, 1, 1]
    assert np.abs(mirrored - rest).max() < 1e-9
