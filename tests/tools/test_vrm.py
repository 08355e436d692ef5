"""Our VRM animations on an avatar, by three-vrm, which VRM's own tools are made with, under Node. Run by make integ-tools.

The avatar is half as large as ours, and its bones rest in turned frames, as a modeller's may: the file has to move it all the same.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from walks import walking

from dimo.body.mapping import rest_pose
from dimo.body.onto import onto
from dimo.body.rate import at_rate
from dimo.formats.gltf_pack import pack
from dimo.formats.vrma import humanoid

pytestmark = pytest.mark.tools
SIZE = 0.5
FRAMES = [0, 1, 7, 16, 24, 33, 41, 50, 60, 71]


@pytest.fixture(scope="module")
def modules() -> Path:
    folder = Path(os.environ.get("DIMO_THREE", ".venv/node/node_modules/three")).resolve().parent
    if not (folder / "@pixiv" / "three-vrm-animation").is_dir() or shutil.which("node") is None:
        pytest.fail("node and the npm packages of three-vrm are needed: make integ-tools gets them")
    return folder


def avatar(path: Path) -> Path:
    """A VRM 1.0 file without a mesh: the bones of a person who stands in a T-pose and faces +Z."""
    body = humanoid()
    turns = Rotation.random(len(body), rng=np.random.default_rng(0))
    offsets = body.offsets.copy()
    offsets[0] = [0, -rest_pose(body)[:, 1].min(), 0]
    nodes = []
    for j, (name, parent) in enumerate(zip(body.names, body.parents, strict=True)):
        back = turns[parent].inv() if parent >= 0 else Rotation.identity()
        nodes.append(
            {
                "name": f"bone of the {name}",
                "translation": (SIZE * back.apply(offsets[j])).tolist(),
                "rotation": (back * turns[j]).as_quat().tolist(),
                **({"children": list(body.children[j])} if body.children[j] else {}),
            }
        )
    meta = {"name": "avatar", "authors": ["us"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
    bones = {name: {"node": j} for j, name in enumerate(body.names)}
    vrm = {"specVersion": "1.0", "meta": meta, "humanoid": {"humanBones": bones}}
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "extensionsUsed": ["VRMC_vrm"],
        "extensions": {"VRMC_vrm": vrm},
        "buffers": [{"byteLength": 4}],
    }
    path.write_bytes(pack(document, bytes(4)))
    return path


def test_an_avatar_moves_as_ours(modules, tmp_path):
    motion = at_rate(walking(), 24)
    animation = motion.save(tmp_path / "a.vrma")
    request = tmp_path / "request.json"
    times = [f / 24 for f in FRAMES]
    told = {"avatar": str(avatar(tmp_path / "a.vrm")), "animation": str(animation), "times": times}
    request.write_text(json.dumps(told))
    script = Path(__file__).with_name("vrm_joints.mjs")
    done = subprocess.run(
        ["node", str(script), str(modules), str(request)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout)
    ours = onto(motion, humanoid())
    places = np.array([[pose[name] for name in humanoid().names] for pose in theirs])
    assert np.abs(places - SIZE * ours.joints()[FRAMES]).max() < 1e-3
    assert np.ptp(places[:, 0], axis=0).max() > 0.1  # it went somewhere
