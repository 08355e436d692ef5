"""VRM animation against what its specification asks of a file."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.body.onto import onto
from dimo.body.rotation import rotvec_to_quat
from dimo.formats.reading import Options
from dimo.formats.table import read
from dimo.formats.vrma import humanoid

BODY = preset("humanml3d")
# vrm-specification, VRMC_vrm-1.0, humanoid: the bones that every avatar has, and what they hang from.
REQUIRED = {
    "hips", "spine", "head",
    *(f"{s}{b}" for s in ("left", "right") for b in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")),
}  # fmt: skip


def walking(frames: int = 15) -> Motion:
    generator = np.random.default_rng(0)
    root = np.array([0.3, 0.95, -2]) + np.cumsum(generator.normal(0, 0.02, (frames, 3)), axis=0)
    return Motion(BODY, 30, root, rotvec_to_quat(np.cumsum(generator.normal(0, 0.03, (frames, 22, 3)), axis=0)), "walk")


def document(path: Path) -> dict:
    data = path.read_bytes()
    assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
    return json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


def test_the_file_is_what_the_specification_asks(tmp_path):
    d = document(walking().save(tmp_path / "a.vrma"))
    extension = d["extensions"]["VRMC_vrm_animation"]
    bones = extension["humanoid"]["humanBones"]
    assert (extension["specVersion"], d["extensionsUsed"]) == ("1.0", ["VRMC_vrm_animation"])
    assert bones.keys() >= REQUIRED
    assert not {"leftEye", "rightEye"} & bones.keys()
    assert len({b["node"] for b in bones.values()}) == len(bones)
    assert not any(key in d for key in ("meshes", "skins", "materials"))
    # A T-pose without scale: every bone unturned, arms along X, legs down.
    assert all(not {"rotation", "scale", "matrix"} & n.keys() for n in d["nodes"])
    at = {name: np.array(d["nodes"][b["node"]]["translation"]) for name, b in bones.items()}
    for side, x in (("left", 1), ("right", -1)):
        for bone in ("LowerArm", "Hand"):
            assert np.allclose(at[f"{side}{bone}"] / np.linalg.norm(at[f"{side}{bone}"]), [x, 0, 0], atol=1e-6)
        for bone in ("LowerLeg", "Foot"):
            assert np.allclose(at[f"{side}{bone}"] / np.linalg.norm(at[f"{side}{bone}"]), [0, -1, 0], atol=1e-6)
    # Only the hips move, and nothing scales.
    channels = [(c["target"]["node"], c["target"]["path"]) for c in d["animations"][0]["channels"]]
    assert [n for n, p in channels if p == "translation"] == [bones["hips"]["node"]]
    assert {p for _, p in channels} == {"translation", "rotation"}


def test_it_stands_on_the_ground_at_rest(tmp_path):
    d = document(walking().save(tmp_path / "a.vrma"))
    heights = {}
    for i, n in enumerate(d["nodes"]):  # parents come first
        parent = next((p for p, m in enumerate(d["nodes"]) if i in m.get("children", [])), None)
        heights[i] = n["translation"][1] + (heights[parent] if parent is not None else 0)
    assert min(heights.values()) == pytest.approx(0, abs=1e-9)


def test_it_comes_back_as_it_was(tmp_path):
    found = read(walking().save(tmp_path / "a.vrma"), Options())
    assert (found.kind, found.naming, found.motion.fps) == ("VRMA", "map", 30)
    expected = onto(walking(), humanoid())
    at = [found.motion.skeleton.names.index(n) for n in humanoid().names]
    assert np.abs(found.motion.joints()[:, at] - expected.joints()).max() < 1e-5


def test_motion_of_other_bodies_and_rates(tmp_path):
    kit = onto(walking(), preset("kit"))
    found = Motion.load(kit.save(tmp_path / "a.vrma", fps=24, in_place=True))
    assert found.fps == 24
    assert np.ptp(found.root[:, [0, 2]], axis=0).max() < 0.1
