"""The Khronos validator finds no error and no warning in what we write. Run by make integ-tools.

DIMO_THREE names the folder of the npm package three, beside which gltf-validator is.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from walks import walking

from dimo import preset
from dimo.formats.rig import Rig

pytestmark = pytest.mark.tools
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "validate_glb.mjs"


def validated(path: Path) -> dict:
    modules = Path(os.environ.get("DIMO_THREE", ".venv/node/node_modules/three")).resolve().parent
    if not (modules / "gltf-validator").is_dir() or shutil.which("node") is None:
        pytest.fail("node and the npm package gltf-validator are needed: make integ-tools gets the package")
    done = subprocess.run(
        ["node", str(SCRIPT), str(path)],
        capture_output=True, text=True, check=False, env={**os.environ, "NODE_MODULES": str(modules)},
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return {**json.loads(done.stdout), "code": done.returncode}


@pytest.mark.parametrize("how", [{}, {"mesh": False}, {"root_bone": True}], ids=["mannequin", "bare", "root"])
@pytest.mark.parametrize("name", ["humanml3d", "ue5"])
def test_our_glb_is_valid(tmp_path, name, how):
    found = validated(Rig(preset(name)).moved(walking()).save(tmp_path / "a.glb", **how))
    assert (found["code"], found["numErrors"], found["numWarnings"]) == (0, 0, 0), found["messages"]
    assert found["info"]["animationCount"] == 1


def test_our_vrm_animation_is_valid(tmp_path):
    found = validated(walking().save(tmp_path / "a.vrma"))
    assert (found["numErrors"], found["numWarnings"]) == (0, 0), found["messages"]


def test_a_motion_on_a_character_is_valid(tmp_path):
    hero = walking().save(tmp_path / "hero.glb")
    for root_bone in (False, True):
        found = validated(walking().save(tmp_path / "out.glb", rig=hero, root_bone=root_bone))
        assert (found["numErrors"], found["numWarnings"]) == (0, 0), found["messages"]


def test_the_validator_sees_damage(tmp_path):
    path = walking().save(tmp_path / "a.glb")
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"SCALAR"', b'"SCALAX"', 1))
    assert validated(path)["numErrors"] > 0
