"""Our GLB and BVH in three.js' own loaders, under Node: every joint within 1 mm of ours in ten frames. Run by make integ-tools.

DIMO_THREE names the folder of the npm package three, of the version that the page of dimo serve carries.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from walks import walking

from dimo import Motion, preset
from dimo.body.rate import at_rate
from dimo.formats.gltf_pack import pack
from dimo.formats.rig import Rig, read_rig

pytestmark = pytest.mark.tools
FRAMES = [0, 1, 7, 16, 24, 33, 41, 50, 60, 71]
BUNDLE = Path(__file__).parents[2] / "src" / "dimo" / "serve" / "page" / "vendor" / "three.js"


@pytest.fixture(scope="module")
def three() -> Path:
    folder = Path(os.environ.get("DIMO_THREE", ".venv/node/node_modules/three"))
    if not (folder / "package.json").is_file() or shutil.which("node") is None:
        pytest.fail("node and the npm package three are needed: make integ-tools gets the package, DIMO_THREE names it")
    return folder.resolve()


def seen(three: Path, path: Path, fps: float) -> list[dict]:
    """Places of the joints in FRAMES."""
    requests = path.with_suffix(".json")
    requests.write_text(json.dumps([{"file": str(path), "times": [f / fps for f in FRAMES]}]))
    script = Path(__file__).with_name("three_joints.mjs")
    done = subprocess.run(["node", str(script), str(three), str(requests)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (poses,) = json.loads(done.stdout)
    return poses


def farthest(poses: list[dict], ours: Motion, scale: float = 1.0, but: tuple[str, ...] = ()) -> float:
    """Metres between a joint in three.js and ours, at most. Names of GLB lose there what paths of tracks cannot hold."""
    at = [j for j, name in enumerate(ours.skeleton.names) if name not in but]
    names = [re.sub(r"[\[\].:/]", "", ours.skeleton.names[j].replace(" ", "_")) for j in at]
    theirs = np.array([[pose[n] for n in names] for pose in poses])
    return float(np.abs(theirs * scale - ours.joints()[FRAMES][:, at]).max())


def test_it_is_the_version_that_the_page_carries(three):
    version = json.loads((three / "package.json").read_text())["version"]
    assert f"three.js {version}," in BUNDLE.read_text(encoding="utf-8")[:80]


@pytest.mark.parametrize("root_bone", [False, True], ids=["", "root"])
@pytest.mark.parametrize(
    ("suffix", "name"),
    # Its reader of BVH moves no joint whose name holds a colon, as Mixamo's do.
    [(".bvh", "humanml3d"), (".bvh", "ue5"), (".glb", "humanml3d"), (".glb", "ue5"), (".glb", "mixamo")],
)
def test_joints_in_three(three, tmp_path, suffix, name, root_bone):
    ours = at_rate(walking(), 24)
    if name != "humanml3d":
        ours = Rig(preset(name)).moved(ours)
    path = ours.save(tmp_path / f"a{suffix}", root_bone=root_bone)
    assert farthest(seen(three, path, 24), ours, but=("root",) if root_bone else ()) < 1e-3


@pytest.mark.parametrize("unit", ["cm", "inch"])
def test_units_of_bvh_in_three(three, tmp_path, unit):
    ours = at_rate(walking(), 24)
    path = ours.save(tmp_path / "a.bvh", unit=unit)
    assert farthest(seen(three, path, 24), ours, {"cm": 0.01, "inch": 0.0254}[unit]) < 1e-3


@pytest.mark.parametrize("root_bone", [False, True], ids=["", "root"])
def test_a_character_in_three(three, tmp_path, root_bone):
    """In its own skin, below an Armature of centimetres with Z up."""
    rig = read_rig(armature(walking().save(tmp_path / "hero.glb")))
    ours = rig.moved(at_rate(walking(), 24))
    path = walking().save(tmp_path / "out.glb", rig=rig, fps=24, root_bone=root_bone)
    poses = seen(three, path, 24)
    assert farthest(poses, ours) < 1e-3
    if root_bone:
        ground = np.array([pose["root"] for pose in poses])
        assert np.abs(ground - ours.joints()[FRAMES, 0] * [1, 0, 1]).max() < 1e-3


def armature(path: Path) -> Path:
    """The file as another program exports it: its joints below a node that scales and turns them."""
    data = path.read_bytes()
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    document["asset"]["generator"] = "another program"
    x, y, z = document["nodes"][0]["translation"]
    document["nodes"][0]["translation"] = [100 * x, -100 * z, 100 * y]
    turn = Rotation.from_euler("x", 90, degrees=True)
    for node in document["nodes"][1:22]:
        node["translation"] = [100 * v for v in node["translation"]]
    first = document["nodes"][0]
    first["rotation"] = (turn * Rotation.from_quat(first["rotation"])).as_quat().tolist()
    document["nodes"].append(
        {"name": "Armature", "children": [0], "scale": [0.01] * 3, "rotation": turn.inv().as_quat().tolist()}
    )
    document["scenes"][0]["nodes"] = [len(document["nodes"]) - 1, 22]
    del document["animations"]
    path.write_bytes(pack(document, data[28 + size :]))
    return path
