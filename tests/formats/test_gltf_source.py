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


def test_a_skin_of_its_own_and_a_ground_root_do_not_go_together(tmp_path):
    hero = character(tmp_path)
    with pytest.raises(RequestError, match="ground root"):
        walking().save(tmp_path / "out.glb", rig=hero, root_bone=True)
    out = walking().save(tmp_path / "out.glb", rig=hero, root_bone=True, mesh=False)
    assert opened(out)[0]["nodes"][0]["name"] == "root"


def test_a_rig_may_be_of_any_format(tmp_path):
    from dimo.formats import bvh

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
