"""What Blender exports of its own human rig, read by us. Run by make integ-tools."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from dimo.formats import blender
from dimo.formats.reading import Reading
from dimo.formats.table import read

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """A folder with rig.glb, rig.bvh, and rig.json of where Blender has the bones."""
    program = blender.find()
    if program is None:
        pytest.fail("no Blender is found: dimo setup blender gets one")
    folder = tmp_path_factory.mktemp("rig")
    script = str(Path(__file__).with_name("blender_rig.py"))
    start = [script] if program.is_python else [*blender.BACKGROUND, "--python", script, "--"]
    done = subprocess.run([str(program.program), *start, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def farthest(reading: Reading, poses: list[dict[str, list[float]]]) -> float:
    """Metres between a joint of ours and a bone of its name in Blender, at most, over all frames."""
    names = [n for n in reading.motion.skeleton.names if n in poses[0]]
    assert len(names) > 60  # the body and its fingers
    theirs = np.array([[pose[n] for n in names] for pose in poses])[..., [0, 2, 1]] * [1, 1, -1]
    ours = reading.motion.joints()[:, [reading.motion.skeleton.names.index(n) for n in names]]
    return float(np.abs(ours - theirs).max())


@pytest.mark.parametrize("suffix", [".glb", ".bvh"])
def test_blenders_own_rig_is_read(exported, suffix):
    poses = json.loads((exported / "rig.json").read_text())
    reading = read(exported / f"rig{suffix}")
    assert reading.naming == "rigify"
    assert (reading.motion.fps, len(reading.motion)) == (24, len(poses))
    assert reading.up == ("z" if suffix == ".bvh" else "y")
    assert farthest(reading, poses) < 1e-3
