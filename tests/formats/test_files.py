"""One contract for every format: what is written is read back; what is not ours is refused in one sentence."""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimo import FormatError, Motion, Skeleton, preset
from dimo.body.rotation import normalise
from dimo.formats import bvh, gltf
from dimo.formats.files import write_atomically
from dimo.formats.mannequin import build
from dimo.formats.table import READ


def random_motion(skeleton: Skeleton, frames: int = 12, fps: float = 20, seed: int = 0) -> Motion:
    generator = np.random.default_rng(seed)
    root = np.array([0.3, 0.9, -2]) + np.cumsum(generator.normal(0, 0.02, (frames, 3)), axis=0)
    rotations = normalise(
        np.concatenate(
            [np.ones((1, len(skeleton), 4)), generator.normal(0, 0.08, (frames - 1, len(skeleton), 4))]
        ).cumsum(axis=0)
    )
    return Motion(skeleton, fps, root, rotations, "random")


@pytest.mark.parametrize("name", ["humanml3d", "kit", "smplx"])
@pytest.mark.parametrize(("suffix", "tolerance"), [(".npz", 0.0), (".bvh", 1e-5), (".glb", 1e-5)])
def test_round_trip(tmp_path: Path, name: str, suffix: str, tolerance: float):
    motion = random_motion(preset(name), fps=25)
    again = Motion.load(motion.save(tmp_path / f"m{suffix}"))
    at = [again.skeleton.names.index(n) for n in motion.skeleton.names]  # BVH and GLB list joints depth first
    assert again.fps == motion.fps
    assert len(again.skeleton) == len(motion.skeleton)
    assert np.abs(again.joints()[:, at] - motion.joints()).max() <= tolerance
    if suffix == ".npz":
        assert again == motion


def test_joints_npy_round_trip(tmp_path: Path):
    motion = random_motion(preset("humanml3d"))
    again = Motion.load(motion.save(tmp_path / "m.npy"))
    assert np.abs(again.joints() - motion.joints()).max() < 1e-5
    assert again.fps == 20


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_bvh_in_every_rotation_order(tmp_path: Path, order: str):
    motion = random_motion(preset("kit"))
    bvh.write(motion, tmp_path / "m.bvh", order=order)
    again = Motion.load(tmp_path / "m.bvh")
    at = [again.skeleton.names.index(n) for n in motion.skeleton.names]
    assert np.abs(again.joints()[:, at] - motion.joints()).max() < 1e-5


BVH = """HIERARCHY
ROOT base
{
\tOFFSET 0 0 0
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT Hips
\t{
\t\tOFFSET 7 7 7
\t\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\t\tJOINT Arm
\t\t{
\t\t\tOFFSET 5 5 5
\t\t\tCHANNELS 5 Yrotation Zrotation Xposition Yposition Zposition
\t\t\tEnd Site
\t\t\t{
\t\t\t\tOFFSET 0 50 0
\t\t\t}
\t\t}
\t}
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 0 0 0 0 0  0 90 0 0 0 0  0 0  100 0 0
0 0 0 0 0 90  0 90 10 0 0 0  90 90  100 0 0
"""


def test_bvh_positions_replace_offsets_and_a_fixed_root_is_folded_in(tmp_path: Path):
    (tmp_path / "m.bvh").write_text(BVH)
    motion = bvh.read(tmp_path / "m.bvh", metres_per_unit=0.01)
    assert motion.skeleton.names == ("Hips", "Arm", "Arm_end")
    assert motion.fps == 30
    assert np.allclose(motion.skeleton.offsets, [[0, 0, 0], [1, 0, 0], [0, 0.5, 0]])
    # Frame 1: the base turns 90 degrees about Y, so +Z becomes +X and +X becomes -Z. The arm turns by Ry(90) Rz(90):
    # its +Y goes to -X, then +Z; the base's turn takes that to +X.
    assert np.allclose(motion.joints()[1], [[0.1, 0.9, 0], [0.1, 0.9, -1], [0.6, 0.9, -1]], atol=1e-9)


def test_bvh_against_another_reader(tmp_path: Path):
    bvhio = pytest.importorskip("bvhio")
    motion = random_motion(preset("humanml3d"), frames=4)
    motion.save(tmp_path / "m.bvh")
    root = bvhio.readAsHierarchy(str(tmp_path / "m.bvh"))
    root.loadPose(3)
    theirs = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in root.layout()}
    for j, name in enumerate(motion.skeleton.names):
        assert np.abs(theirs[name] - motion.joints()[3, j]).max() < 1e-4, name


ASF = """:version 1.10
:name test
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name arm
     direction 1 0 0
     length 10
     axis 0 0 90 XYZ
    dof rx
  end
  begin
     id 2
     name hand
     direction 1 0 0
     length 5
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root arm
    arm hand
  end
"""


def test_acclaim_axis_and_units(tmp_path: Path):
    # The arm's own x axis is the world's y (axis 0 0 90), so rx 90 takes its direction +x to -z.
    (tmp_path / "s.asf").write_text(ASF)
    (tmp_path / "s_01.amc").write_text(
        ":FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 0 0 0\narm 90\n2\nroot 1 2 3 0 90 0\narm 0\n"
    )
    motion = Motion.load(tmp_path / "s_01.amc", fps=60)
    unit = 0.0254 / 0.45
    hand = motion.skeleton.names.index("hand_end")
    assert np.allclose(motion.root[0], np.array([1, 2, 3]) * unit)
    assert np.allclose(motion.joints()[0, hand] - motion.root[0], np.array([0, 0, -15]) * unit)
    assert np.allclose(motion.joints()[1, hand] - motion.root[1], np.array([0, 0, -15]) * unit)
    assert motion.fps == 60


def test_glb_structure(tmp_path: Path):
    motion = random_motion(preset("humanml3d"))
    data = motion.save(tmp_path / "m.glb").read_bytes()
    magic, version, total, size, kind = struct.unpack("<4sIII4s", data[:20])
    assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
    document = json.loads(data[20 : 20 + size])
    assert [document["nodes"][j]["name"] for j in document["skins"][0]["joints"]] == list(motion.skeleton.names)
    assert all(view.get("byteOffset", 0) % 4 == 0 for view in document["bufferViews"])
    times = document["accessors"][document["animations"][0]["samplers"][0]["input"]]
    assert times["count"] == len(motion)
    assert times["max"][0] == pytest.approx((len(motion) - 1) / motion.fps)


@pytest.mark.parametrize("name", ["humanml3d", "kit", "smplx"])
def test_mannequin_is_a_closed_skinned_body(name: str):
    skeleton = preset(name)
    mesh = build(skeleton)
    assert np.allclose(mesh.weights.sum(1), 1)
    assert mesh.joints.max() < len(skeleton)
    assert len(mesh.triangles) < 20_000
    # Outward triangles: the volume by the divergence theorem is positive, and that of a person of 1.4 to 1.9 m.
    a, b, c = (mesh.positions[mesh.triangles[:, i]] for i in range(3))
    assert 0.02 < np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 < 0.2
    assert 1.3 < np.ptp(mesh.positions[:, 1]) < 2.0


@pytest.mark.parametrize("suffix", [s for s in READ if s != ".fbx"])  # which a program of its own reads
@settings(max_examples=25, deadline=None)
@given(data=st.binary(min_size=0, max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, suffix: str, data: bytes):
    path = tmp_path_factory.mktemp("bytes") / f"x{suffix}"
    path.write_bytes({".glb": b"glTF", ".bvh": b"HIERARCHY\nROOT a\n{\n", ".npy": b"\x93NUMPY"}.get(suffix, b"") + data)
    with pytest.raises(FormatError) as error:
        Motion.load(path)
    assert "\n" not in str(error.value)


def test_a_pickle_is_not_opened(tmp_path: Path):
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "x.npy").write_bytes(buffer.getvalue())
    with pytest.raises(FormatError):
        Motion.load(tmp_path / "x.npy")


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path: Path):
    target = tmp_path / "m.txt"
    target.write_text("old")

    def fail_halfway() -> None:
        with write_atomically(target) as temporary:
            Path(temporary).write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_glb_read_refuses_circles(tmp_path: Path):
    motion = random_motion(preset("kit"))
    data = motion.save(tmp_path / "m.glb").read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    document = json.loads(data[20 : 20 + size])
    document["nodes"][4]["children"] = [3]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = data[20 + size :]
    (tmp_path / "c.glb").write_bytes(
        struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(body), len(text), b"JSON") + text + body
    )
    with pytest.raises(FormatError):
        gltf.read(tmp_path / "c.glb")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", np.array([0x110000], "<u4").view("<U1")[0:1].reshape(())),
        ("name", np.array([0xD800], "<u4").view("<U1").reshape(())),
        ("fps", np.array([0x7FF0000000000001], "<u8").view("<f8").reshape(())),
        ("roles", np.array('{"pelvis": ["tail"]}')),
        ("roles", np.array("[")),
    ],
)
def test_an_archive_with_what_is_no_value(tmp_path: Path, key: str, value: np.ndarray):
    path = random_motion(preset("kit")).save(tmp_path / "m.npz")
    with np.load(path) as data:
        entries = dict(data)
    np.savez(path, **{**entries, key: value})
    with pytest.raises(FormatError) as error:
        Motion.load(path)
    assert len(str(error.value)) < 400


def test_numpy_headers_of_python_2_are_read(tmp_path: Path):
    joints = random_motion(preset("humanml3d")).joints().astype("<f4")
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (12L, 22L, 3L), }"
    header = header.ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + joints.tobytes()
    )
    assert np.abs(Motion.load(tmp_path / "a.npy").joints() - joints).max() < 1e-5
    np.save(tmp_path / "b.npy", np.asfortranarray(joints))
    assert np.abs(Motion.load(tmp_path / "b.npy").joints() - joints).max() < 1e-5
