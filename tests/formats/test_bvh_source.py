"""BVH to BVH: what was read is written as it stood, and what is new in the same channels."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.body.rotation import quat_angle, quat_multiply, rotvec_to_quat
from dimo.cli.main import main
from dimo.formats.reading import Options
from dimo.formats.table import read

OTHERS = """HIERARCHY
ROOT Hips
{
  OFFSET 1.50 92.25 -3.125
  CHANNELS 6 Yposition Xposition Zposition Zrotation Yrotation Xrotation
  JOINT LeftUpLeg
  {
    OFFSET 9.1 -4 0.0
    CHANNELS 3 Xrotation Zrotation Yrotation
    JOINT LeftLeg
    {
      OFFSET 0 -41.0000000 0
      CHANNELS 3 Yrotation Xrotation Zrotation
      JOINT LeftFoot
      {
        OFFSET 0 -40 0
        CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
        End Site
        {
          OFFSET 0 -8 14.1234567
        }
      }
    }
  }
  JOINT RightUpLeg
  {
    OFFSET -9.1 -4 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT RightLeg
    {
      OFFSET 0 -41 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT RightFoot
      {
        OFFSET 0 -40 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        End Site
        {
          OFFSET 0 -8 14
        }
      }
    }
  }
  JOINT Spine
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 0 0
    }
  }
}
MOTION
Frames: 6
Frame Time: 0.0333333
"""


def rows() -> list[str]:
    """Six frames with angles that jump by whole turns, lie beyond 180 degrees and stand in gimbal lock."""
    generator = np.random.default_rng(5)
    values = generator.uniform(-170, 170, (6, 30)).round(4)
    values[:, :3] = generator.uniform(-90, 90, (6, 3)).round(4)
    values[2, 6:9] = [359.5, -350.25, 270]
    values[3, 9:12] = [10, 90, 20]
    values[:, 12:15] = 0  # the places of LeftFoot
    return [" ".join(f"{v:.4f}" for v in row) for row in values]


def written(folder: Path) -> Path:
    path = folder / "theirs.bvh"
    path.write_text(OTHERS + "\n".join(rows()) + "\n")
    return path


def parts(path: Path) -> tuple[list[str], list[str]]:
    """Words of the hierarchy without zeros that say nothing, and the rows."""
    head, _, tail = path.read_text().partition("MOTION")
    words = [re.sub(r"(\.\d*?)0+$", r"\1", w).rstrip(".") if "." in w else w for w in head.split()]
    return words, tail.splitlines()[3:]


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+\.?\d*", text)]


def test_a_file_comes_back_as_it_was(tmp_path):
    path = written(tmp_path)
    motion = Motion.load(path, unit="cm")
    head, values = parts(motion.save(tmp_path / "ours.bvh"))
    theirs, _ = parts(path)
    assert values == rows()
    assert head == theirs
    again = read(tmp_path / "ours.bvh")
    assert again.unit == 0.01
    assert again.motion == motion


def test_kept_frames_are_equal_wherever_they_are(tmp_path):
    motion = Motion.load(written(tmp_path), unit="cm")
    turned = replace(
        motion,
        rotations=quat_multiply(rotvec_to_quat(np.array([0.2, 0.1, 0.0])), motion.rotations),
        root=motion.root + 0.5,
    )
    mixed = motion[2:5].concatenate(turned, align=False).concatenate(motion[0:2], align=False)
    _, values = parts(mixed.save(tmp_path / "ours.bvh"))
    assert [values[i] for i in (0, 1, 2, 9, 10)] == [rows()[i] for i in (2, 3, 4, 0, 1)]
    again = Motion.load(tmp_path / "ours.bvh")
    turning = [j for j, name in enumerate(motion.skeleton.names) if not name.endswith("_end")]
    assert quat_angle(again.rotations, mixed.rotations)[:, turning].max() < 1e-6
    assert np.abs(again.root - mixed.root).max() < 1e-7
    # The first new frame goes on from the last kept one without whole turns in between.
    step = np.array(numbers(values[3])) - numbers(values[2])
    assert np.abs(step[3:12]).max() <= 180
    assert np.abs(step[15:]).max() <= 180


@pytest.mark.parametrize(("unit", "up"), [("m", "y"), ("cm", "z"), ("inch", "x")])
def test_in_another_unit_or_axis_the_channels_stay(tmp_path, unit, up):
    motion = Motion.load(written(tmp_path), unit="cm")
    path = motion.save(tmp_path / "ours.bvh", unit=unit, up=up)
    assert re.findall(r"(?:Xrot\S+|Yrot\S+|Zrot\S+) ?", path.read_text()) == re.findall(
        r"(?:Xrot\S+|Yrot\S+|Zrot\S+) ?", OTHERS
    )
    again = read(path)
    assert again.up == up
    assert np.abs(again.motion.joints() - motion.joints()).max() < 1e-5


def test_z_up_files_stay_z_up(tmp_path):
    """Of both kinds: those that rest along Z, and those whose root alone is turned."""
    body = preset("humanml3d")
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.02, (8, 22, 3)), axis=0)
    motion = Motion(body, 30, np.tile([0.3, 0.95, 1], (8, 1)), rotvec_to_quat(turns))
    ours = motion.save(tmp_path / "a.bvh", up="z", unit="cm").read_text()
    for name, text in (("rest.bvh", ours), ("root.bvh", _root_only(tmp_path, motion))):
        (tmp_path / name).write_text(re.sub("Frame Time: .*", "Frame Time: 0.033333", text))
        found = read(tmp_path / name)
        assert (found.up, found.unit) == ("z", 0.01), name
        index = [found.motion.skeleton.names.index(n) for n in body.names]
        assert np.abs(found.motion.joints()[:, index] - motion.joints()).max() < 1e-5
        again = found.motion.save(tmp_path / "again.bvh")
        assert parts(again)[1] == parts(tmp_path / name)[1]
        moved = found.motion.moved((0.1, 0, 0)).save(tmp_path / "moved.bvh")
        assert np.allclose(
            np.array([numbers(r) for r in parts(moved)[1]]) - [numbers(r) for r in parts(again)[1]],
            [10] + [0] * 68,
            atol=2e-6,
        )
        flat = read(found.motion.save(tmp_path / "flat.bvh", up="y", unit="m"))
        assert flat.up == "y"
        assert np.abs(flat.motion.joints()[:, index] - motion.joints()).max() < 1e-5


def _root_only(folder: Path, motion: Motion) -> str:
    """The same motion with the rest pose along Y and the root turned to Z up."""
    q = rotvec_to_quat(np.array([np.pi / 2, 0, 0]))
    rotations = motion.rotations.copy()
    rotations[:, 0] = quat_multiply(q, rotations[:, 0])
    turned = replace(motion, root=motion.root[:, [0, 2, 1]] * [1, -1, 1], rotations=rotations)
    return turned.save(folder / "root_only.bvh", unit="cm").read_text()


def test_channels_that_cannot_hold_what_is_new_are_written_anew(tmp_path):
    hinge = OTHERS.replace("CHANNELS 3 Yrotation Xrotation Zrotation", "CHANNELS 1 Xrotation")
    values = [" ".join(r.split()[:9] + r.split()[10:11] + r.split()[12:]) for r in rows()]
    path = tmp_path / "hinge.bvh"
    path.write_text(hinge + "\n".join(values) + "\n")
    motion = Motion.load(path, unit="cm")
    assert parts(motion.save(tmp_path / "same.bvh"))[1] == values
    knee = motion.skeleton.index("LeftLeg")
    rotations = motion.rotations.copy()
    rotations[:, knee] = quat_multiply(rotations[:, knee], rotvec_to_quat(np.array([0.1, 0, 0])))
    bent = replace(motion, rotations=rotations)
    assert "CHANNELS 1 Xrotation" in bent.save(tmp_path / "bent.bvh").read_text()
    assert quat_angle(Motion.load(tmp_path / "bent.bvh").rotations, bent.rotations).max() < 1e-6
    rotations[:, knee] = quat_multiply(rotations[:, knee], rotvec_to_quat(np.array([0, 0.1, 0])))
    twisted = replace(motion, rotations=rotations)
    assert "CHANNELS 1 " not in twisted.save(tmp_path / "twisted.bvh").read_text()
    again = Motion.load(tmp_path / "twisted.bvh")
    at = [again.skeleton.names.index(n) for n in motion.skeleton.names]
    assert np.abs(again.joints()[:, at] - twisted.joints()).max() < 1e-5


def test_a_rotation_order_that_is_asked_counts(tmp_path):
    motion = Motion.load(written(tmp_path), unit="cm")
    assert "Yrotation Zrotation Xrotation" in motion.save(tmp_path / "a.bvh", order="YZX").read_text()


def test_editing_keeps_what_is_kept_to_the_last_digit(tmp_path):
    from dimo.api import DiMo

    tiny = str(DiMo.debug().save_pretrained(tmp_path / "tiny"))
    turns = np.cumsum(np.random.default_rng(0).normal(0, 0.02, (60, 22, 3)), axis=0)
    body = Motion(preset("humanml3d"), 30, np.tile([0.3, 0.95, 1], (60, 1)), rotvec_to_quat(turns))
    text = body.save(tmp_path / "a.bvh", unit="inch", up="z").read_text()
    path = tmp_path / "b.bvh"
    path.write_text(re.sub("Frame Time: .*", "Frame Time: 0.0333333", text))
    out = tmp_path / "out.bvh"
    argv = ["edit", str(path), "--extend", "1", "--steps", "1", "--seed", "0", "--model", tiny]
    assert main([*argv, "--unit", "inch", "-o", str(out)]) == 0
    assert parts(out)[0] == parts(path)[0]
    assert parts(out)[1][:60] == parts(path)[1]
    assert len(parts(out)[1]) == 90
    found = read(out, Options())
    assert (found.unit, found.up) == (0.0254, "z")
