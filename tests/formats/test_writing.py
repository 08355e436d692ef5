"""Choices of writing: rate, unit, axis, in place, the ground root, no mesh; on every format that has them."""

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dimo import FormatError, Motion, RequestError, Skeleton, preset
from dimo.body.rotation import rotvec_to_quat
from dimo.formats.reading import Options
from dimo.formats.table import read
from dimo.formats.units import UNITS
from dimo.formats.writing import Clip, Output, in_place

BODY = preset("humanml3d")


def walking(skeleton: Skeleton = BODY, frames: int = 40, turn: float = 2.0) -> Motion:
    """A body that goes 2 m while it turns, and sways."""
    generator = np.random.default_rng(3)
    t = np.linspace(0, 1, frames)
    root = np.stack([np.sin(2 * t), 0.95 + 0.03 * np.sin(20 * t), 2 * t], axis=1)
    turns = np.cumsum(generator.normal(0, 0.02, (frames, len(skeleton), 3)), axis=0)
    turns[:, 0] = np.stack([0.1 * np.sin(20 * t), turn * t + 0.1 * np.sin(20 * t), 0 * t], axis=1)
    return Motion(skeleton, 20, root, rotvec_to_quat(turns), "walk")


def document(path: Path) -> dict:
    data = path.read_bytes()
    return json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


def at(motion: Motion, skeleton: Skeleton) -> list[int]:
    return [motion.skeleton.names.index(n) for n in skeleton.names]


# ---- rate


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz"])
@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60, 23.976, 12.5])
def test_keys_are_frames_of_the_rate_that_is_asked(tmp_path, suffix, fps):
    again = Motion.load(walking().save(tmp_path / f"a{suffix}", fps=fps))
    assert again.fps == pytest.approx(fps, rel=1e-8)
    assert len(again) == int(39 / 20 * fps + 1e-9) + 1
    assert np.abs(again.root[:: len(again) - 1][0] - walking().root[0]).max() < 1e-5


# ---- unit and axis


@pytest.mark.parametrize("up", ["x", "y", "z"])
@pytest.mark.parametrize("unit", ["m", "cm", "mm", "inch", "foot"])
def test_bvh_in_every_unit_and_axis_comes_back_as_it_was(tmp_path, unit, up):
    motion = walking()
    path = motion.save(tmp_path / "a.bvh", unit=unit, up=up)
    found = read(path)
    assert (found.unit, found.up) == (UNITS[unit], up)
    assert np.abs(found.motion.joints()[:, at(found.motion, BODY)] - motion.joints()).max() < 1e-5
    first = [float(v) for v in path.read_text().partition("Frame Time")[2].splitlines()[1].split()[:3]]
    turned = {"x": lambda p: [p[1], -p[0], p[2]], "y": lambda p: p, "z": lambda p: [p[0], -p[2], p[1]]}[up](
        motion.root[0]
    )
    assert np.allclose(first, np.array(turned) / UNITS[unit], atol=1e-5)


def test_bvh_in_metres_and_y_up_unless_asked(tmp_path):
    found = read(walking().save(tmp_path / "a.bvh"))
    assert (found.unit, found.up) == (1.0, "y")


def test_a_small_body_lying_down_in_z_up_is_no_guess(tmp_path):
    turned = rotvec_to_quat(np.zeros((5, 22, 3)))
    turned[:, 0] = rotvec_to_quat(np.array([-np.pi / 2, 0, 0]))
    toy = Skeleton(BODY.names, BODY.parents, BODY.offsets * 0.2)
    motion = Motion(toy, 20, np.tile([0, 0.02, 0], (5, 1)), turned)
    found = read(motion.save(tmp_path / "a.bvh", unit="inch", up="z"))
    assert np.abs(found.motion.joints()[:, at(found.motion, BODY)] - motion.joints()).max() < 1e-6


def test_npy_in_centimetres_with_z_up(tmp_path):
    motion = walking()
    joints = np.load(motion.save(tmp_path / "a.npy", unit="cm", up="z"))
    ours = motion.joints()
    assert np.allclose(joints, 100 * np.stack([ours[..., 0], -ours[..., 2], ours[..., 1]], axis=-1), atol=1e-3)


@pytest.mark.parametrize(
    ("suffix", "asked", "words"),
    [
        (".glb", {"unit": "cm"}, "unit cannot be chosen for .glb files: lengths in them are metres"),
        (".glb", {"up": "z"}, "up cannot be chosen for .glb files: Y is up in them"),
        (".npz", {"unit": 0.01}, "unit cannot"),
        (".npz", {"root_bone": True}, "root_bone cannot"),
        (".npy", {"root_bone": True}, "root_bone cannot"),
    ],
)
def test_what_a_format_has_no_choice_of_is_refused(tmp_path, suffix, asked, words):
    with pytest.raises(FormatError) as error:
        walking().save(tmp_path / f"a{suffix}", **asked)
    assert words in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "asked", [{"fps": 0}, {"fps": -3}, {"fps": 2000}, {"fps": float("nan")}, {"unit": "parsec"}, {"up": "w"}]
)
def test_what_is_no_rate_unit_or_axis_is_refused(tmp_path, asked):
    with pytest.raises(RequestError):
        walking().save(tmp_path / "a.bvh", **asked)
    assert list(tmp_path.iterdir()) == []


# ---- in place


def test_in_place_stays_above_its_start_and_moves_as_before(tmp_path):
    motion = walking()
    still = in_place(motion)
    assert np.abs(still.root[:, [0, 2]] - motion.root[0, [0, 2]]).max() < 1e-12
    assert np.array_equal(still.root[:, 1], motion.root[:, 1])
    assert np.array_equal(still.rotations, motion.rotations)
    again = Motion.load(motion.save(tmp_path / "a.npz", in_place=True))
    assert again == still


# ---- the ground root


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
@pytest.mark.parametrize("name", ["humanml3d", "kit", "cmu_bvh"])
def test_a_ground_root_moves_nothing(tmp_path, suffix, name):
    motion = walking(preset(name))
    again = Motion.load(motion.save(tmp_path / f"a{suffix}", root_bone=True))
    assert np.abs(again.joints()[:, at(again, motion.skeleton)] - motion.joints()).max() < 2e-5


def test_the_ground_root_carries_path_and_heading():
    motion = walking(frames=120)
    clip = Clip.of(motion, root_bone=True)
    assert clip.skeleton.names[:2] == ("root", "pelvis")
    assert clip.skeleton.parents[:4] == (-1, 0, 1, 1)
    assert np.allclose(clip.places[0], motion.root * [1, 0, 1])
    turn = Rotation.from_quat(clip.rotations[:, 0], scalar_first=True)
    assert np.abs(turn.apply([0, 1, 0]) - [0, 1, 0]).max() < 1e-9  # about the vertical alone
    heading = np.degrees(np.unwrap(np.arctan2(*turn.apply([0, 0, 1])[:, [0, 2]].T)))
    assert np.abs(heading - np.degrees(np.linspace(0, 2, 120))).max() < 6
    assert np.abs(np.diff(heading, 2)).max() < 0.5  # it does not swing with the hips
    # The pelvis above it stays over it.
    assert np.abs(clip.places[1][:, [0, 2]]).max() < 1e-9


def test_a_root_that_is_there_is_used(tmp_path):
    """Unreal's skeleton has a root on the ground already."""
    names = ("root", *BODY.names)
    offsets = np.concatenate([np.zeros((1, 3)), [[0, 0.95, 0]], BODY.offsets[1:]])
    skeleton = Skeleton(names, (-1, 0, *(p + 1 for p in BODY.parents[1:])), offsets)
    body = walking()
    turned = np.concatenate([rotvec_to_quat(np.zeros((40, 1, 3))), body.rotations], axis=1)
    motion = Motion(skeleton, 20, body.root - [0, 0.95, 0], turned)
    clip = Clip.of(motion, root_bone=True)
    assert clip.skeleton.names == names
    assert np.allclose(clip.places[0], motion.joints()[:, 1] * [1, 0, 1])
    again = Motion.load(motion.save(tmp_path / "a.glb", root_bone=True))
    assert again.skeleton.names[0] == "pelvis"
    assert np.abs(again.joints()[:, at(again, BODY)] - motion.joints()[:, 1:]).max() < 1e-5


def test_in_place_with_a_ground_root_stands_still():
    clip = Clip.of(Output(in_place=True).applied(walking()), root_bone=True)
    assert np.ptp(clip.places[0], axis=0).max() < 1e-12


def test_the_mannequin_hangs_on_the_pelvis_below_a_ground_root(tmp_path):
    plain, rooted = (document(walking().save(tmp_path / f"{r}.glb", root_bone=r)) for r in (False, True))
    assert [n["name"] for n in rooted["nodes"]] == ["root", *(n["name"] for n in plain["nodes"])]
    low = [d["accessors"][d["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["min"] for d in (plain, rooted)]
    assert np.allclose(np.array(low[1]) - low[0], [0, np.median(walking().root[:, 1]), 0], atol=1e-6)


# ---- no mesh


def test_without_a_mesh_the_skin_still_says_what_is_a_bone(tmp_path):
    d = document(walking().save(tmp_path / "a.glb", mesh=False))
    assert not d.get("meshes")
    assert [n["name"] for n in d["nodes"]] == [*BODY.names]
    assert d["skins"][0]["joints"] == list(range(22))
    again = Motion.load(tmp_path / "a.glb")
    assert np.abs(again.joints()[:, at(again, BODY)] - walking().joints()).max() < 1e-5
    whole = walking().save(tmp_path / "b.glb")
    assert (tmp_path / "a.glb").stat().st_size < 0.5 * whole.stat().st_size


# ---- ends


def test_no_bone_of_a_bvh_is_a_point_and_ends_of_our_own_are_no_joints(tmp_path):
    motion = walking()
    text = motion.save(tmp_path / "a.bvh").read_text()
    ends = re.findall(r"End Site\s*\{\s*OFFSET (\S+) (\S+) (\S+)", text)
    assert len(ends) == 5
    assert min(np.linalg.norm([float(v) for v in end]) for end in ends) > 0.03
    again = Motion.load(tmp_path / "a.bvh")
    assert set(again.skeleton.names) == set(BODY.names)
    twice = Motion.load(again.save(tmp_path / "b.bvh"))
    assert twice.skeleton == again.skeleton
    assert (tmp_path / "b.bvh").read_text() == text
    # As another program writes it on, they are ends like any other.
    (tmp_path / "c.bvh").write_text(re.sub("Frame Time: .*", "Frame Time: 0.05", text))
    assert len(Motion.load(tmp_path / "c.bvh", unit="m").skeleton) == 27


def test_options_of_reading_do_not_stick(tmp_path):
    path = walking().save(tmp_path / "a.bvh")
    found = read(path, Options(unit="cm"))
    assert np.allclose(found.motion.skeleton.offsets * 100, Motion.load(path).skeleton.offsets)
