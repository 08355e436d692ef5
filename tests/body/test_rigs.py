"""Every rig of rigs.txt by its names, by its shape alone, and with left never right."""

import re
from pathlib import Path

import numpy as np
import pytest

from dimo.body.kinematics import inverse
from dimo.body.mapping import by_names, by_structure, find_naming, map_template, read_map, rest_pose, with_map
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.rigs import NAMINGS, ROLES
from dimo.body.rotation import axis_angle_to_quat, quat_rotate, yaw_to_quat
from dimo.body.skeleton import Skeleton, preset
from dimo.body.structure import NoBiped, match, side_of
from dimo.errors import FormatError, RequestError

# A body of 1.75 m in a T-pose, metres, Y up, facing +Z, its left on +X.
PLACES = {
    "ground": (0, 0, 0), "pelvis": (0, 0.95, 0), "pelvis.side": (0.05, 0.93, 0), "neck": (0, 1.47, -0.02), "head": (0, 1.57, 0.01),
    "top": (0, 1.75, 0.01), "eye": (0.03, 1.63, 0.08), "jaw": (0, 1.58, 0.06), "bust": (0.09, 1.32, 0.12), "collar": (0.03, 1.42, 0),
    "shoulder": (0.17, 1.44, -0.02), "elbow": (0.45, 1.44, -0.03), "wrist": (0.7, 1.44, -0.03), "palm": (0.74, 1.44, -0.02),
    "thumb1": (0.74, 1.43, 0.02), "thumb2": (0.77, 1.43, 0.04), "index1": (0.79, 1.44, 0.01), "index2": (0.83, 1.44, 0.01),
    "index3": (0.855, 1.44, 0.01), "middle1": (0.8, 1.44, -0.02), "middle2": (0.845, 1.44, -0.02), "hip": (0.09, 0.89, 0),
    "knee": (0.1, 0.49, 0.01), "ankle": (0.1, 0.09, -0.02), "ball": (0.1, 0.02, 0.11), "toe": (0.1, 0.02, 0.18), "heel": (0.1, 0.01, -0.07),
    "hair1": (0.1, 1.66, -0.08), "hair2": (0.14, 1.4, -0.12), "hair3": (0.15, 1.1, -0.12), "hair4": (0.15, 0.8, -0.12),
    "skirt1": (0.15, 0.92, 0), "skirt2": (0.2, 0.75, 0), "skirt3": (0.25, 0.55, 0), "skirt4": (0.28, 0.4, 0),
}  # fmt: skip
BETWEEN = {
    "spine": ("pelvis", "neck"), "neck": ("neck", "head"), "collar": ("collar", "shoulder"), "upperarm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"), "thigh": ("hip", "knee"), "shin": ("knee", "ankle"), "foot": ("ankle", "ball"),
}  # fmt: skip


def place(word: str, side: int) -> np.ndarray:
    """A word of rigs.txt, such as hip, hip.right or spine.42, as a point; side: 1 left, -1 right."""
    name, _, rest = word.partition(".")
    if rest in ("left", "right"):
        word, side = name, 1 if rest == "left" else -1
    if word in PLACES:
        at = np.array(PLACES[word], float)
    else:
        a, b = (np.array(PLACES[w], float) for w in BETWEEN[name])
        at = a + float("0." + rest) * (b - a)
    return at * [side, 1, 1]


def load_rigs() -> dict[str, tuple[str, Skeleton]]:
    """Rig to the table that knows it, and its skeleton."""
    blocks: dict[str, tuple[str, list[tuple[int, str, str]]]] = {}
    for line in (Path(__file__).parent / "rigs.txt").read_text().splitlines():
        if line.startswith("["):
            title, table = line.strip("[]").split()
            blocks[title] = (table, [])
        elif line.strip() and not line.startswith("#"):
            name, _, word = line.strip().rpartition(" ")
            blocks[title][1].append(((len(line) - len(line.lstrip())) // 2, name, word))
    return {title: (table, skeleton_of(lines, title)) for title, (table, lines) in blocks.items()}


def skeleton_of(lines: list[tuple[int, str, str]], title: str) -> Skeleton:
    names, parents, points = [], [], []

    def add(start: int, parent: int, side: int) -> None:
        depth, name, word = lines[start]
        both = "{" in name and side == 0
        for s in (1, -1) if both else (side,):
            written = re.sub(r"\{(\w+)\|(\w+)\}", lambda m, s=s: m[1] if s > 0 else m[2], name)
            names.append(written)
            parents.append(parent)
            points.append(place(word, s or 1))
            me = len(names) - 1
            for i in range(start + 1, len(lines)):
                if lines[i][0] <= depth:
                    break
                if lines[i][0] == depth + 1:
                    add(i, me, s)

    add(0, -1, 0)
    at = np.array(points)
    offsets = np.array([at[j] - at[p] if p >= 0 else at[j] for j, p in enumerate(parents)])
    return Skeleton(tuple(names), tuple(parents), offsets, title)


RIGS = load_rigs()
SPINE = {"spine1", "spine2", "spine3"}


def standing(skeleton: Skeleton) -> np.ndarray:
    """Joints (J, 3) of the rest pose on the ground; the root's offset is where it stands."""
    return rest_pose(skeleton) + skeleton.offsets[0]


def posed(skeleton: Skeleton, yaw: float = 0.0) -> Motion:
    """The rig with its left arm straight up and its left leg raised ahead, by moving what hangs from shoulder and hip."""
    rest = standing(skeleton)
    joints = rest.copy()
    for words, axis, angle in (("shoulder", [0, 0, 1.0], np.pi / 2), ("hip", [1.0, 0, 0], -np.pi / 2)):
        top = next(
            j
            for j in range(len(skeleton))
            if np.allclose(rest[j], PLACES[words], atol=1e-6)
            and not np.allclose(rest[skeleton.parents[j]], PLACES[words])
        )
        for j in range(len(skeleton)):
            k = j
            while k > top:
                k = skeleton.parents[k]
            if k == top:
                turn = axis_angle_to_quat(np.array(axis), np.array(angle))
                joints[j] = rest[top] + quat_rotate(turn, rest[j] - rest[top])
    turned = quat_rotate(yaw_to_quat(np.array(yaw)), joints)
    return Motion(skeleton, 20, turned[None, 0], inverse(skeleton, turned[None]))


@pytest.mark.parametrize("title", RIGS)
def test_every_rig_is_known_by_its_names(title):
    table, skeleton = RIGS[title]
    naming, roles = find_naming(skeleton)
    assert naming.name == table
    rest = standing(skeleton)
    for role, joints in roles.items():
        side = 1 if role.startswith("left") else -1
        part = role.split("_")[-1]
        at = rest[list(joints)].mean(0)
        if part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            assert np.allclose(at, place(part, side)), (role, skeleton.names[joints[0]])
        elif part == "foot":
            assert np.allclose(at, place("ball", side))
        elif part in ("pelvis", "neck", "head"):
            assert np.allclose(at, place(part, 1), atol=0.06), (role, skeleton.names[joints[0]])
    heights = [rest[list(roles[r])].mean(0)[1] for r in ("pelvis", "spine1", "spine2", "spine3") if r in roles]
    assert heights == sorted(heights)


@pytest.mark.parametrize("title", RIGS)
def test_left_is_left_on_every_rig(title):
    joints = retarget(posed(RIGS[title][1])).joints()[0]
    body = {name: joints[j] for j, name in enumerate(ROLES)}
    assert body["left_wrist"][1] > body["head"][1] + 0.2
    assert body["right_wrist"][1] < body["head"][1]
    assert body["left_wrist"][0] > 0.05
    assert body["right_wrist"][0] < -0.4
    assert body["left_knee"][2] > 0.3  # ahead of the hip, in the direction that the body faces
    assert abs(body["right_knee"][2]) < 0.1
    assert body["left_hip"][0] > 0 > body["right_hip"][0]


def anonymous(skeleton: Skeleton) -> Skeleton:
    return Skeleton(tuple(f"b{j:03d}" for j in range(len(skeleton))), skeleton.parents, skeleton.offsets, "unknown")


@pytest.mark.parametrize("title", RIGS)
@pytest.mark.parametrize("named", [True, False], ids=["sides in names", "no names"])
def test_shape_alone_says_the_same_as_names(title, named):
    _, skeleton = RIGS[title]
    _, known = find_naming(skeleton)
    rest = standing(skeleton)
    blank = skeleton if named else anonymous(skeleton)
    found = by_structure(blank, rest)
    for role, joints in known.items():
        if role not in SPINE and "collar" not in role and role in found:
            error = np.linalg.norm(rest[list(found[role])].mean(0) - rest[list(joints)].mean(0))
            assert error < 0.065, (role, skeleton.names[joints[0]], skeleton.names[found[role][0]])
    assert {r for r in known if r not in SPINE and "collar" not in r and r != "neck"} <= set(found)
    assert find_naming(anonymous(skeleton))[0].name == "structure"


@pytest.mark.parametrize("title", RIGS)
def test_shape_alone_keeps_left_left(title):
    joints = retarget(posed(anonymous(RIGS[title][1]))).joints()[0]
    body = {name: joints[j] for j, name in enumerate(ROLES)}
    assert body["left_wrist"][1] > body["head"][1] + 0.2 > body["right_wrist"][1]
    assert body["left_knee"][2] > 0.3
    assert body["left_wrist"][0] > 0.05


@pytest.mark.parametrize("up", ["z", "x"])
def test_shape_is_seen_whichever_way_is_up(up):
    _, skeleton = RIGS["mixamo"]
    rest = rest_pose(skeleton)
    turned = rest[:, [0, 2, 1]] * [1, -1, 1] if up == "z" else rest[:, [1, 0, 2]] * [1, -1, 1]
    known, found = find_naming(skeleton)[1], match(anonymous(skeleton), turned)
    assert {r: found[r] for r in found if r not in SPINE and r != "pelvis"} == {
        r: known[r] for r in found if r not in SPINE and r != "pelvis"
    }


SPELLINGS = {
    "mixamorigHips": lambda n: n.replace(":", ""),
    "mixamorig_Hips": lambda n: n.replace(":", "_"),
    "mixamorig1:Hips": lambda n: n.replace("mixamorig", "mixamorig1"),
    "mixamorig9Hips": lambda n: n.replace("mixamorig:", "mixamorig9"),
    "Hips": lambda n: n.partition(":")[2],
    "Character1_Hips": lambda n: "Character1_" + n.partition(":")[2],
    "robot|mixamorig:Hips": lambda n: "robot|" + n,
    "MIXAMORIG:HIPS": str.upper,
    "mixamorig:Hips_jnt": lambda n: n + "_jnt",
    "hips": lambda n: n.partition(":")[2].lower(),
    "left_up_leg": lambda n: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", n.partition(":")[2]).lower(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_mixamo_in_every_spelling(spelling):
    _, skeleton = RIGS["mixamo"]
    written = Skeleton(tuple(map(SPELLINGS[spelling], skeleton.names)), skeleton.parents, skeleton.offsets)
    assert find_naming(written)[0].name == "mixamo"
    assert find_naming(written)[1] == find_naming(skeleton)[1]


@pytest.mark.parametrize("title", ["mixamo", "biped", "rigify-def", "character-creator"])
def test_numbers_that_a_gallery_appends_do_not_count(title):
    table, skeleton = RIGS[title]
    written = tuple(f"{n}_{7 * j + 3:02d}" for j, n in enumerate(skeleton.names))
    numbered = Skeleton(written, skeleton.parents, skeleton.offsets)
    assert find_naming(numbered)[0].name == table
    assert find_naming(numbered)[1] == find_naming(skeleton)[1]


def test_blenders_underscores_for_spaces_and_dots():
    for title in ("biped", "rigify-def", "makehuman"):
        table, skeleton = RIGS[title]
        written = tuple(n.replace(" ", "_").replace(".", "_") for n in skeleton.names)
        assert find_naming(Skeleton(written, skeleton.parents, skeleton.offsets))[0].name == table


def test_no_two_tables_say_the_same():
    assert len({n.name for n in NAMINGS}) == len(NAMINGS)
    for naming in NAMINGS:
        sources = list(naming.table.values())
        sides = [naming.table[r] for r in naming.table if r.startswith("left")]
        assert all(s not in sides for s in (naming.table[r] for r in naming.table if r.startswith("right")))
        assert all(sources)


def test_a_table_is_chosen_by_what_it_knows():
    naming, _ = by_names(preset("cmu_bvh").names)[0] or (None, None)
    assert naming is not None
    assert naming.name == "cmu-daz"
    for name, table in (
        ("humanml3d", "plain"),
        ("kit", "kit"),
        ("bandai_namco", "bandai-namco"),
        ("cmu_acclaim", "acclaim"),
    ):
        assert find_naming(preset(name))[0].name == table


# ---- what is no biped


def horse() -> Skeleton:
    lines = ["body -1 0 1 0", "chest 0 0 1 1", "neck 1 0 1.3 1.3", "head 2 0 1.6 1.6"]
    for side, x in (("L", 0.2), ("R", -0.2)):
        for top, z in (("hind", 0), ("front", 1)):
            parent = 0 if top == "hind" else 1
            for i, y in enumerate((0.9, 0.5, 0.1, 0.0)):
                lines.append(f"{top}{i}{side} {parent if i == 0 else len(lines) - 1} {x} {y} {z}")
    rows = [line.split() for line in lines]
    at = np.array([[float(v) for v in row[2:]] for row in rows])
    parents = [int(row[1]) for row in rows]
    return Skeleton(
        tuple(row[0] for row in rows),
        tuple(parents),
        np.array([at[j] - (at[p] if p >= 0 else at[0]) for j, p in enumerate(parents)]),
        "horse",
    )


def test_a_horse_is_no_biped():
    with pytest.raises(NoBiped, match="two arms above two legs"):
        match(horse(), rest_pose(horse()))
    with pytest.raises(RequestError) as error:
        find_naming(horse())
    sentence = str(error.value)
    assert "horse" in sentence
    assert "--map" in sentence
    assert len(sentence) < 400
    assert "\n" not in sentence


def test_a_chain_is_no_biped():
    chain = Skeleton(tuple(f"link{j}" for j in range(30)), tuple(range(-1, 29)), np.tile([0, 0.1, 0], (30, 1)))
    with pytest.raises(RequestError, match="link0") as error:
        find_naming(chain)
    assert "24 more" in str(error.value)


def test_what_a_known_rig_lacks_is_named():
    _, skeleton = RIGS["unreal-4"]
    names = tuple("arm_x" if n == "lowerarm_l" else "gun" if n == "calf_r" else n for n in skeleton.names)
    flat = Skeleton(names, (-1, *([0] * (len(skeleton) - 1))), skeleton.offsets, "hero")
    with pytest.raises(RequestError) as error:
        find_naming(flat)
    assert "left_elbow" in str(error.value)
    assert "right_knee" in str(error.value)
    assert "unreal-4" in str(error.value)


# ---- maps


def test_a_map_says_what_names_do_not():
    blank = anonymous(RIGS["mixamo"][1])
    known = {r: tuple(blank.names[j] for j in js) for r, js in find_naming(RIGS["mixamo"][1])[1].items()}
    mapped = with_map(blank, known)
    assert find_naming(mapped)[0].name == "map"
    assert find_naming(mapped)[1] == find_naming(RIGS["mixamo"][1])[1]
    swapped = {role: known[role.replace("left", "X").replace("right", "left").replace("X", "right")] for role in known}
    body = retarget(posed(with_map(blank, swapped))).joints()[0]
    assert body[ROLES.index("right_wrist")][1] > body[ROLES.index("head")][1]
    assert mapped == blank  # what a body is does not change


def test_a_template_comes_back_as_the_mapping():
    for title in ("unreal-5", "rigify-def", "acclaim"):
        _, skeleton = RIGS[title]
        text = map_template(skeleton)
        assert find_naming(with_map(skeleton, read_map(text, "m.json")))[1] == find_naming(skeleton)[1]
    assert '"left_hip": null' in map_template(horse())
    assert '"front3R"' in map_template(horse())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a map"),
        ('{"format": "dimo-map", "version": 1}', '"joints"'),
        ('{"format": "dimo-map", "version": 1, "joints": {"pelvis": 3}}', "pelvis"),
        ('{"format": "dimo-map", "version": 1, "joints": {"pelvis": []}}', "pelvis"),
    ],
)
def test_a_map_that_is_none(text, words):
    with pytest.raises(FormatError, match=r"m\.json") as error:
        read_map(text, "m.json")
    assert words in str(error.value)


def test_a_map_of_another_body_is_refused_by_its_joint():
    _, skeleton = RIGS["mixamo"]
    known = {r: tuple(skeleton.names[j] for j in js) for r, js in find_naming(skeleton)[1].items()}
    with pytest.raises(RequestError, match="wing"):
        with_map(skeleton, known | {"left_wrist": ("wing",)})
    with pytest.raises(RequestError, match="tail"):
        with_map(skeleton, known | {"tail": (skeleton.names[0],)})
    with pytest.raises(RequestError, match="left_knee"):
        with_map(skeleton, {r: n for r, n in known.items() if r != "left_knee"})


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("LeftUpLeg", 1), ("mixamorig:RightArm", -1), ("Bip01 L Thigh", 1), ("CC_Base_R_Hand", -1), ("thigh_l", 1), ("DEF-shin.R.001", -1),
        ("J_Bip_L_Foot", 1), ("lThighBend", 1), ("rShldr", -1), ("LHipJoint", 1), ("mHipRight", -1), ("左足", 1), ("l_hand", 1),
        ("Hips", 0), ("spine_01", 0), ("Root", 0), ("LowerBack", 0), ("lowerneck", 0), ("head", 0), ("Rib", 0), ("Leg", 0), ("root", 0),
    ],
)  # fmt: skip
def test_side_of(name, side):
    assert side_of(name) == side
