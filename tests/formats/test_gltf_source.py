"""Motion written into the file of a character: its bones move, and all else stays as it was."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dimo import FormatError, Motion, RequestError, Skeleton, preset
from dimo.body.onto import onto
from dimo.body.rotation import rotvec_to_quat
from dimo.cli.main import main
from dimo.formats import bvh
from dimo.formats.gltf_pack import pack
from dimo.formats.gltf_prune import without_animations
from dimo.formats.rig import read_rig
from dimo.formats.table import read

BODY = preset("humanml3d")
SHORT = Skeleton(BODY.names, BODY.parents, BODY.offsets * 0.6, "short")


def walking(frames: int = 12) -> Motion:
    generator = np.random.default_rng(0)
    root = np.array([0.3, 0.95, -2]) + np.cumsum(generator.normal(0, 0.02, (frames, 3)), axis=0)
    return Motion(BODY, 30, root, rotvec_to_quat(np.cumsum(generator.normal(0, 0.03, (frames, 22, 3)), axis=0)), "walk")


def opened(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def array(document: dict, body: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
    dtype = {5126: "<f4", 5125: "<u4", 5123: "<u2"}[accessor["componentType"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return np.frombuffer(body, dtype, accessor["count"] * width, start).reshape(-1, width)


def character(folder: Path, *, animations: int = 2, name: str = "hero.glb") -> Path:
    """A character as Blender exports one: centimetres and Z up under an Armature, bones along their own axes, a picture."""
    generator = np.random.default_rng(1)
    still = Motion(
        SHORT, 24, np.tile([0, 0.57, 0.0], (5, 1)), rotvec_to_quat(generator.normal(0, 0.1, (5, 22, 3))), "Idle"
    )
    document, body = opened(still.save(folder / "own.glb"))
    document["asset"]["generator"] = "another program"
    body = bytearray(body)
    frames = Rotation.random(22, random_state=2)  # each bone's own axes at rest
    rest = np.zeros((22, 3))
    for j, parent in enumerate(BODY.parents):
        if parent >= 0:
            rest[j] = rest[parent] + SHORT.offsets[j]
    up = Rotation.from_euler("x", 90, degrees=True)  # from Y up to the Z up below the Armature
    inverse = []
    for j, parent in enumerate(BODY.parents):
        node = document["nodes"][j]
        if parent >= 0:
            place, own = frames[parent].inv().apply(np.array(SHORT.offsets[j])), frames[parent].inv() * frames[j]
        else:
            place, own = up.apply([0, 0.57, 0]), up * frames[j]
        node["translation"], node["rotation"] = (place * 100).tolist(), own.as_quat().tolist()
        m = np.eye(4)
        m[:3, :3] = 100 * frames[j].inv().as_matrix()
        m[:3, 3] = -m[:3, :3] @ rest[j]
        inverse.append(m.T.reshape(16))
    view = document["bufferViews"][document["accessors"][document["skins"][0]["inverseBindMatrices"]]["bufferView"]]
    at = view["byteOffset"]
    body[at : at + 22 * 64] = np.array(inverse, "<f4").tobytes()
    document["nodes"].append(
        {"name": "Armature", "children": [0], "scale": [0.01] * 3, "rotation": [-(0.5**0.5), 0, 0, 0.5**0.5]}
    )
    document["scenes"][0]["nodes"] = [23, 22]
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(body), "byteLength": len(picture)})
    body += picture
    document["images"] = [{"bufferView": len(document["bufferViews"]) - 1, "mimeType": "image/png"}]
    document["textures"] = [{"source": 0}]
    document["extensions"] = {"VRMC_vrm": {"specVersion": "1.0"}}
    document["extensionsUsed"] = ["VRMC_vrm", "KHR_materials_unlit"]
    document["animations"] = [{**document["animations"][0], "name": f"take {i}"} for i in range(animations)]
    document["buffers"] = [{"byteLength": len(body)}]
    (folder / name).write_bytes(pack(document, bytes(body)))
    return folder / name


def world_places(document: dict, body: bytes, frame: int) -> dict[str, np.ndarray]:
    """World places of the joints in a frame of the only animation, by matrices and the specification."""
    (animation,) = document["animations"]
    moved = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        values = array(document, body, sampler["output"])
        target = channel["target"]
        moved[target["node"], target["path"]] = values[min(frame, len(values) - 1)]
    above = {c: i for i, n in enumerate(document["nodes"]) for c in n.get("children", [])}
    places = {}
    for joint in document["skins"][0]["joints"]:
        m, node = np.eye(4), joint
        while node is not None:
            n = document["nodes"][node]
            local = np.eye(4)
            turn = moved.get((node, "rotation"), n.get("rotation", [0, 0, 0, 1]))
            local[:3, :3] = Rotation.from_quat(turn).as_matrix() @ np.diag(n.get("scale", [1, 1, 1]))
            local[:3, 3] = moved.get((node, "translation"), n.get("translation", [0, 0, 0]))
            m, node = local @ m, above.get(node)
        places[document["nodes"][joint]["name"]] = m[:3, 3]
    return places


@pytest.mark.parametrize("animations", [0, 1, 2])
def test_the_motion_is_on_the_bones_and_all_else_stays(tmp_path, animations):
    hero = character(tmp_path, animations=animations)
    out = walking().save(tmp_path / "out.glb", rig=hero)
    before, old = opened(hero)
    after, new = opened(out)
    rig = read_rig(hero)
    expected = onto(walking(), rig.skeleton, rig.sole).joints()
    for frame in (0, 5, 11):
        for name, place in world_places(after, new, frame).items():
            assert np.abs(place - expected[frame, rig.skeleton.names.index(name)]).max() < 1e-5, (frame, name)
    for key in ("nodes", "materials", "textures", "extensions", "extensionsUsed", "scenes", "scene"):
        assert after[key] == before[key], key
    for kind in ("POSITION", "NORMAL", "JOINTS_0", "WEIGHTS_0"):
        pairs = [(d, b, d["meshes"][0]["primitives"][0]["attributes"][kind]) for d, b in ((before, old), (after, new))]
        assert np.array_equal(*(array(*p) for p in pairs)), kind
    assert np.array_equal(
        *(array(d, b, d["skins"][0]["inverseBindMatrices"]) for d, b in ((before, old), (after, new)))
    )
    view = after["bufferViews"][after["images"][0]["bufferView"]]
    assert new[view["byteOffset"] : view["byteOffset"] + view["byteLength"]][:4] == b"\x89PNG"
    again = read(out)
    assert again.motion.fps == 30
    assert [a["name"] for a in after["animations"]] == ["walk"]
    assert (again.motion.name, len(again.motion), len(again.notes)) == ("out", 12, 0)


def test_what_only_old_animations_used_is_gone(tmp_path):
    hero = character(tmp_path)
    before, old = opened(hero)
    bare, (left,) = without_animations(before, [old])
    assert "animations" not in bare
    used = {s[k] for a in before["animations"] for s in a["samplers"] for k in ("input", "output")}
    assert len(bare["accessors"]) == len(before["accessors"]) - len(used)
    size = sum(
        v["byteLength"]
        for i, v in enumerate(before["bufferViews"])
        if i in {before["accessors"][a]["bufferView"] for a in used}
    )
    assert len(old) - len(left) == pytest.approx(size, abs=400)
    assert before["animations"]  # the document itself is as it was
    before["extensionsUsed"].append("EXT_of_somebody")
    same, (kept,) = without_animations(before, [old])
    assert (len(same["accessors"]), kept) == (len(before["accessors"]), old)


def test_a_converted_character_keeps_its_skin(tmp_path):
    """Reading a character and writing it on needs no rig: it is the body that the motion is of."""
    hero = character(tmp_path)
    motion = Motion.load(hero, animation=2)
    after, new = opened(motion[1:4].save(tmp_path / "out.glb"))
    assert after["nodes"] == opened(hero)[0]["nodes"]
    for name, place in world_places(after, new, 2).items():
        assert np.abs(place - motion.joints()[3, motion.skeleton.names.index(name)]).max() < 1e-5
    bare, _ = opened(motion.save(tmp_path / "bare.glb", mesh=False))
    assert not bare.get("meshes")
    assert "Armature" not in json.dumps(bare)


def test_pictures_and_buffers_beside_a_gltf_come_along(tmp_path):
    document, body = opened(character(tmp_path))
    document["images"] = [{"uri": "skin%20of%20hero.png"}]
    picture = b"\x89PNG\r\n\x1a\n" + bytes(80)
    (tmp_path / "skin of hero.png").write_bytes(picture)
    (tmp_path / "hero.bin").write_bytes(body)
    document["buffers"][0]["uri"] = "hero.bin"
    (tmp_path / "hero.gltf").write_text(json.dumps(document))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    after, new = opened(walking().save(folder / "out.glb", rig=tmp_path / "hero.gltf"))
    view = after["bufferViews"][after["images"][0]["bufferView"]]
    assert new[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == picture
    assert after["images"][0]["mimeType"] == "image/png"
    assert after["buffers"] == [{"byteLength": len(new)}] or after["buffers"][0]["byteLength"] <= len(new)


def test_bones_that_stand_still_have_one_key_or_none(tmp_path):
    hero = character(tmp_path)
    still = walking()
    still = Motion(BODY, 30, still.root, np.tile(still.rotations[:1], (12, 1, 1)), "stiff")
    after, _ = opened(still.save(tmp_path / "out.glb", rig=hero))
    counts = [after["accessors"][s["output"]]["count"] for s in after["animations"][0]["samplers"]]
    assert sorted(set(counts)) == [1, 12]
    assert counts.count(12) <= 8  # the pelvis' place, and legs that reach


def with_bone(folder: Path, name: str, height: float) -> Path:
    """The character with a bone above its pelvis, in its skin, that stands so many metres over the ground at rest."""
    document, body = opened(character(folder))
    skin = document["skins"][0]
    bone = len(document["nodes"])
    document["nodes"].append({"name": name, "children": [0], "translation": [0, 0, 100 * height]})
    document["nodes"][22 + 1]["children"] = [bone]  # Armature
    z = document["nodes"][0]["translation"]
    document["nodes"][0]["translation"] = [z[0], z[1], z[2] - 100 * height]
    inverse = np.linalg.inv(rest_matrix(document, bone)).T.reshape(1, 16)
    matrices = np.concatenate([array(document, body, skin["inverseBindMatrices"]), inverse]).astype("<f4").tobytes()
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(body), "byteLength": len(matrices)})
    document["accessors"].append(
        {"bufferView": len(document["bufferViews"]) - 1, "componentType": 5126, "count": 23, "type": "MAT4"}
    )
    skin["joints"].append(bone)
    skin["inverseBindMatrices"] = len(document["accessors"]) - 1
    body += matrices
    document["buffers"] = [{"byteLength": len(body)}]
    (folder / "hero.glb").write_bytes(pack(document, body))
    return folder / "hero.glb"


def rest_matrix(document: dict, node: int) -> np.ndarray:
    above = {c: i for i, n in enumerate(document["nodes"]) for c in n.get("children", [])}
    m = np.eye(4)
    while node is not None:
        n, local = document["nodes"][node], np.eye(4)
        local[:3, :3] = Rotation.from_quat(n.get("rotation", [0, 0, 0, 1])).as_matrix() @ np.diag(
            n.get("scale", [1] * 3)
        )
        local[:3, 3] = n.get("translation", [0, 0, 0])
        m, node = local @ m, above.get(node)
    return m


def turning(frames: int = 40) -> Motion:
    """A walk that turns by 2 radians on its way."""
    walk = walking(frames)
    turns = walk.rotations.copy()
    turns[:, 0] = rotvec_to_quat(np.linspace(0, 1, frames)[:, None] * [0, 2.0, 0])
    return Motion(BODY, 30, walk.root, turns, "walk")


@pytest.mark.parametrize("bone", [None, ("root", 0.0), ("Bip001", 0.57)], ids=["none", "ground", "in_the_body"])
def test_a_ground_root_in_a_skin_of_ones_own(tmp_path, bone):
    """Its own root bone carries path and heading; where it has none, a new one does. Nothing else moves otherwise."""
    hero = character(tmp_path) if bone is None else with_bone(tmp_path, *bone)
    rig = read_rig(hero)
    expected = onto(turning(), rig.skeleton, rig.sole)
    before, old = opened(hero)
    after, new = opened(turning().save(tmp_path / "out.glb", rig=hero, root_bone=True))
    own = bone is not None and bone[0] == "root"
    joints, was = after["skins"][0]["joints"], before["skins"][0]["joints"]
    assert joints[: len(was)] == was  # so that every vertex follows what it followed
    assert len(joints) == len(was) + (not own)
    root = next(i for i in joints if after["nodes"][i]["name"] == "root")
    above = {c: i for i, n in enumerate(after["nodes"]) for c in n.get("children", [])}
    assert after["nodes"][above[root]]["name"] == "Armature"
    assert after["nodes"][after["nodes"][root]["children"][0]]["name"] == ("Bip001" if bone and not own else "pelvis")
    first = array(before, old, before["skins"][0]["inverseBindMatrices"])
    bound = array(after, new, after["skins"][0]["inverseBindMatrices"])
    assert np.allclose(bound[: len(first)], first)
    if not own:  # bound where the bone below it was, undone by how that hangs from it
        below = after["nodes"][root]["children"][0]
        bind = [np.linalg.inv(bound[joints.index(n)].reshape(4, 4).T) for n in (root, below)]
        local = np.linalg.inv(rest_matrix(before, above[root])) @ rest_matrix(before, below)
        assert np.allclose(bind[0] @ local, bind[1], atol=1e-6)
        assert not {"translation", "rotation", "scale", "matrix"} & after["nodes"][root].keys()
    pelvis = expected.skeleton.index("pelvis")
    for frame in (0, 13, 39):
        places = world_places(after, new, frame)
        for name, place in places.items():
            if name == "root":
                assert np.abs(place - expected.joints()[frame, pelvis] * [1, 0, 1]).max() < 1e-5
            elif name != "Bip001":
                assert np.abs(place - expected.joints()[frame, expected.skeleton.index(name)]).max() < 1e-5, name
    heading = heading_of(after, new, root)
    assert np.abs(heading - np.linspace(0, 2, 40)).max() < 0.21  # averaged over half a second, of 1.5 radians a second
    again = read(tmp_path / "out.glb").motion
    assert np.abs(again.joints()[:, again.skeleton.index("left_wrist")]
                  - expected.joints()[:, expected.skeleton.index("left_wrist")]).max() < 1e-5  # fmt: skip


def heading_of(document: dict, body: bytes, node: int) -> np.ndarray:
    """(F,) radians about Y by which a node below the Armature, where Z is up, has turned; and about nothing else."""
    (animation,) = document["animations"]
    (channel,) = (c for c in animation["channels"] if c["target"] == {"node": node, "path": "rotation"})
    turns = Rotation.from_quat(array(document, body, animation["samplers"][channel["sampler"]]["output"]))
    vectors = turns.as_rotvec()
    assert np.abs(vectors[:, :2]).max() < 1e-6
    return vectors[:, 2]


def test_a_root_bone_that_was_folded_into_the_pelvis_carries_the_way_again(tmp_path):
    """A character whose own animation moves the pelvis over a root at rest is read without that root."""
    hero = with_bone(tmp_path, "root", 0.0)
    document, body = opened(hero)
    for i, channel in enumerate(document["animations"][0]["channels"]):
        if channel["target"] == {"node": 0, "path": "translation"}:
            accessor = document["accessors"][document["animations"][0]["samplers"][channel["sampler"]]["output"]]
            start = document["bufferViews"][accessor["bufferView"]]["byteOffset"]
            way = np.linspace([0, 0, 57], [50, -100, 60], accessor["count"]).astype("<f4").tobytes()
            body = body[:start] + way + body[start + len(way) :]
            assert i >= 0
    hero.write_bytes(pack(document, body))
    motion = read(hero).motion
    assert "root" not in motion.skeleton.names
    after, new = opened(motion.save(tmp_path / "out.glb", root_bone=True))
    assert [n["name"] for n in after["nodes"]] == [n["name"] for n in document["nodes"]]
    for frame in (0, len(motion) - 1):
        places = world_places(after, new, frame)
        pelvis = motion.joints()[frame, motion.skeleton.index("pelvis")]
        assert np.abs(places["pelvis"] - pelvis).max() < 1e-5
        assert np.abs(places["root"] - pelvis * [1, 0, 1]).max() < 1e-5
    assert np.linalg.norm(places["root"]) > 1.0


def test_a_bvh_rig_with_a_ground_root(tmp_path):
    """In its own unit and axis; a root of its own, even one that its clip leaves still, keeps its name."""
    names, parents = ("Reference", *BODY.names), (-1, 0, *(p + 1 for p in BODY.parents[1:]))
    offsets = np.concatenate([np.zeros((1, 3)), [[0, 0.57, 0]], SHORT.offsets[1:]])
    still = Motion(Skeleton(names, parents, offsets), 20, np.zeros((8, 3)), rotvec_to_quat(np.zeros((8, 23, 3))))
    text = bvh.write(still, tmp_path / "hero.bvh", unit="cm", up="z").read_text()
    moving = text.replace("CHANNELS 3", "CHANNELS 6 Xposition Yposition Zposition", 1).splitlines()
    start = next(i for i, line in enumerate(moving) if line.startswith("Frame Time")) + 1
    for f in range(8):  # the pelvis goes, the root above it rests
        row = moving[start + f].split()
        moving[start + f] = " ".join([*row[:6], str(5 * f), "0", "57", *row[6:]])
    for kind, lines in (("rests", text), ("folded", "\n".join(moving) + "\n")):
        (tmp_path / f"{kind}.bvh").write_text(lines)
        rig = read_rig(tmp_path / f"{kind}.bvh").skeleton
        assert ("Reference" in rig.names) == (kind == "rests")
        expected = onto(turning(), rig)
        out = turning().save(tmp_path / "out.bvh", rig=tmp_path / f"{kind}.bvh", root_bone=True)
        head = out.read_text()
        assert head.startswith("HIERARCHY\nROOT Reference\n{\n\tOFFSET 0.000000 0.000000 0.000000\n")
        rows = np.array([line.split() for line in head.splitlines()[-40:]], float)
        pelvis = expected.joints()[:, rig.index("pelvis")]
        assert (
            np.abs(rows[:, :3] - 100 * np.stack([pelvis[:, 0], -pelvis[:, 2], 0 * pelvis[:, 0]], axis=1)).max() < 1e-4
        )
        again = read(out)
        assert (again.unit, again.up) == (0.01, "z")
        at = [again.motion.skeleton.index(n) for n in BODY.names]
        theirs = [rig.index(n) for n in BODY.names]
        assert np.abs(again.motion.joints()[:, at] - expected.joints()[:, theirs]).max() < 1e-5


def test_a_rig_may_be_of_any_format(tmp_path):
    theirs = Motion(SHORT, 20, np.tile([0, 0.57, 0.0], (2, 1)), rotvec_to_quat(np.zeros((2, 22, 3))))
    text = bvh.write(theirs, tmp_path / "hero.bvh", unit="inch", up="z", order="YXZ").read_text()
    (tmp_path / "hero.bvh").write_text(text)
    out = walking().save(tmp_path / "out.bvh", rig=tmp_path / "hero.bvh")
    found = read(out)
    assert (found.unit, found.up) == (0.0254, "z")
    assert "Yrotation Xrotation Zrotation" in out.read_text()
    expected = onto(walking(), read_rig(tmp_path / "hero.bvh").skeleton)
    assert np.abs(found.motion.joints() - expected.joints()).max() < 1e-4
    assert walking().save(tmp_path / "out.glb", rig=SHORT).exists()


def test_what_is_no_rig_is_refused(tmp_path):
    (tmp_path / "box.glb").write_bytes(pack({"asset": {"version": "2.0"}, "nodes": [{"name": "box"}]}, b""))
    with pytest.raises(FormatError, match="no skin, so there is no body"):
        walking().save(tmp_path / "out.glb", rig=tmp_path / "box.glb")
    line = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1.0, 0]]))
    Motion(line, 20, np.zeros((2, 3)), rotvec_to_quat(np.zeros((2, 2, 3)))).save(tmp_path / "line.bvh")
    with pytest.raises(RequestError, match="cannot be mapped"):
        walking().save(tmp_path / "out.glb", rig=tmp_path / "line.bvh")
    assert not (tmp_path / "out.glb").exists()


@pytest.mark.parametrize("what", ["buffer", "byteLength"])
def test_damage_that_reading_passed_by_is_refused_before_anything_is_written(tmp_path, what):
    """A view that only a mesh uses does not say where it is."""
    hero = character(tmp_path)
    document, body = opened(hero)
    indices = document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]
    del document["bufferViews"][indices["bufferView"]][what]
    hero.write_bytes(pack(document, body))
    with pytest.raises(FormatError, match="not as the specification has it") as error:
        walking().save(tmp_path / "out.glb", rig=hero)
    assert str(hero) in str(error.value)
    assert not (tmp_path / "out.glb").exists()


def test_the_command_line_puts_motion_on_a_character(tmp_path, capsys):
    hero, clip, out = character(tmp_path), walking().save(tmp_path / "walk.npz"), tmp_path / "out.glb"
    assert main(["convert", str(clip), str(out), "--rig", str(hero), "--fps", "24"]) == 0
    assert Motion.load(out).fps == 24
    assert [n["name"] for n in opened(out)[0]["nodes"]] == [n["name"] for n in opened(hero)[0]["nodes"]]
    for argv, words in (
        (["convert", str(clip), str(hero), "--rig", str(hero)], "this output is the input"),
        (["generate", "walks", "-o", str(hero), "--rig", str(hero), "--model", "nowhere"], "this output is the input"),
        (
            ["generate", "walks", "-o", str(out), "--rig", str(tmp_path / "none.glb"), "--model", "nowhere"],
            "no such file",
        ),
        (["convert", str(clip), str(out), "--rig-map", str(clip)], "--rig-map goes with --rig"),
    ):
        capsys.readouterr()
        assert main(argv) == 2
        assert words in capsys.readouterr().err


def test_a_map_says_which_joint_of_a_rig_is_which(tmp_path):
    names = tuple(f"x{j}" for j in range(22))
    odd = Skeleton(names, BODY.parents, BODY.offsets + np.random.default_rng(1).normal(0, 0.3, (22, 3)))
    path = Motion(odd, 20, np.zeros((2, 3)), rotvec_to_quat(np.zeros((2, 22, 3)))).save(tmp_path / "odd.bvh")
    clip, out = walking().save(tmp_path / "walk.npz"), tmp_path / "out.bvh"
    assert main(["convert", str(clip), str(out), "--rig", str(path)]) == 2
    joints = {role: f"x{j}" for j, role in enumerate(BODY.names)}
    (tmp_path / "m.json").write_text(json.dumps({"format": "dimo-map", "version": 1, "joints": joints}))
    assert main(["convert", str(clip), str(out), "--rig", str(path), "--rig-map", str(tmp_path / "m.json")]) == 0
    assert set(Motion.load(out).skeleton.names) == set(names)
