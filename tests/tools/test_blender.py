"""Our files in a real Blender: every joint within 1 mm of ours, on whole frames. Run by make integ-tools."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from walks import BODY, walking

from dimo import Motion
from dimo.body.rate import at_rate
from dimo.formats import blender

pytestmark = pytest.mark.tools
FIRST = {".bvh": 1, ".fbx": 1}
"""Frame of Blender's scene that our first frame is; 0 elsewhere."""


@pytest.fixture(scope="module")
def program() -> blender.Blender:
    found = blender.find()
    if found is None:
        pytest.fail("no Blender is found: dimo setup blender gets one")
    return found


def seen(program: blender.Blender, path: Path, fps: int, frames: list[int]) -> dict:
    script, target = Path(__file__).with_name("blender_joints.py"), path.with_suffix(".json")
    start = [str(script)] if program.is_python else [*blender.BACKGROUND, "--python", str(script), "--"]
    numbers = map(str, (FIRST.get(path.suffix, 0) + f for f in frames))
    done = subprocess.run(
        [str(program.program), *start, str(path), str(fps), str(target), *numbers],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(target.read_text())


@pytest.mark.parametrize("root_bone", [False, True], ids=["", "root"])
@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".fbx", ".usda"])
def test_joints_in_blender(program, tmp_path, suffix, root_bone):
    if suffix == ".usda":
        pytest.importorskip("pxr")
    if suffix == ".fbx" and root_bone:
        pytest.skip("its importer ties a bone to its parent where it begins at its end")
    path = walking().save(tmp_path / f"a{suffix}", fps=24, root_bone=root_bone)
    ours, frames = at_rate(walking(), 24), [0, 1, 7, 16, 24, 33, 41, 50, 60, 71]
    found = seen(program, path, 24, frames)
    assert found["shortest"] > 0.01
    for frame, pose in zip(frames, found["poses"], strict=True):
        for j, name in enumerate(BODY.names):
            x, y, z = pose[name]
            assert np.abs([x, z, -y] - ours.joints()[frame, j]).max() < 1e-3, (frame, name)


@pytest.mark.parametrize("fps", [24, 30, 23.976])
def test_fbx_comes_back(program, tmp_path, fps):
    ours = at_rate(walking(), fps)
    again = Motion.load(walking().save(tmp_path / "a.fbx", fps=fps, root_bone=fps == 30))
    assert again.fps == pytest.approx(fps, abs=1e-4)
    at = [again.skeleton.names.index(n) for n in BODY.names]
    assert np.abs(again.joints()[:, at] - ours.joints()).max() < 1e-3


@pytest.mark.parametrize("root_bone", [False, True], ids=["", "root"])
def test_fbx_in_ufbx(program, tmp_path, root_bone):
    """A second reader, which ties no bone to its parent, so that it sees a pelvis rise over a ground root."""
    ufbx = pytest.importorskip("ufbx")
    scene = ufbx.load_file(
        str(walking().save(tmp_path / "a.fbx", fps=24, root_bone=root_bone)),
        target_axes=ufbx.axes_right_handed_y_up,
        target_unit_meters=1.0,
    )
    ours, frames = at_rate(walking(), 24), [0, 1, 7, 16, 24, 33, 41, 50, 60, 71]
    for frame in frames:
        posed = ufbx.evaluate_scene(scene, scene.anim, scene.anim.time_begin + frame / 24)
        places = {node.name: list(node.node_to_world.c3) for node in posed.nodes}
        for j, name in enumerate(BODY.names):
            assert np.abs(np.array(places[name]) - ours.joints()[frame, j]).max() < 1e-3, (frame, name)
