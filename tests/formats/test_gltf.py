"""glTF as other programs write it: every transform, every interpolation, every way to store it."""

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from dimo import FormatError, Motion, Skeleton, preset
from dimo.body.mapping import find_naming, rest_pose
from dimo.body.rotation import normalise, quat_multiply, rotvec_to_quat
from dimo.formats import gltf
from dimo.formats.reading import Options
from dimo.formats.table import read

BODY = preset("humanml3d")


def moving(skeleton: Skeleton = BODY, frames: int = 12, fps: float = 20, seed: int = 0) -> Motion:
    generator = np.random.default_rng(seed)
    root = np.array([0.3, 0.95, -2]) + np.cumsum(generator.normal(0, 0.02, (frames, 3)), axis=0)
    turns = np.cumsum(generator.normal(0, 0.03, (frames, len(skeleton), 3)), axis=0)
    return Motion(skeleton, fps, root, rotvec_to_quat(turns), "walk")


class Builder:
    """A glTF document with accessors added to one buffer."""

    def __init__(self, nodes: list[dict], **parts):
        self.document = {
            "asset": {"version": "2.0"},
            "nodes": nodes,
            "accessors": [],
            "bufferViews": [],
            "animations": [],
            **parts,
        }
        self.data = bytearray()

    def add(self, values, kind: str, component: int = 5126, dtype: str = "<f4", **extra) -> int:
        array = np.ascontiguousarray(values, dtype)
        self.data.extend(b"\0" * (-len(self.data) % 4))
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes})
        self.data.extend(array.tobytes())
        self.document["accessors"].append(
            {
                "bufferView": len(self.document["bufferViews"]) - 1,
                "componentType": component,
                "count": len(array),
                "type": kind,
                **extra,
            }
        )
        return len(self.document["accessors"]) - 1

    def animate(self, name: str, tracks: list[tuple]) -> None:
        """tracks: node, path, times, values, and interpolation."""
        channels, samplers = [], []
        for node, path, times, values, *kind in tracks:
            output = values if isinstance(values, int) else self.add(values, "VEC4" if path == "rotation" else "VEC3")
            samplers.append(
                {"input": self.add(times, "SCALAR"), "output": output, "interpolation": (kind or ["LINEAR"])[0]}
            )
            channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})
        self.document["animations"].append({"name": name, "channels": channels, "samplers": samplers})

    def save(self, path: Path) -> Path:
        self.document["buffers"] = [{"byteLength": len(self.data)}]
        return write_glb(path, self.document, bytes(self.data))


def write_glb(path: Path, document: dict, body: bytes) -> Path:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def opened(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def foreign(tmp_path: Path, motion: Motion, change=lambda document: None, name: str = "foreign.glb") -> Path:
    """Our own file with another program's name on it, and changed."""
    document, body = opened(motion.save(tmp_path / "own.glb"))
    document["asset"]["generator"] = "another exporter"
    for animation in document["animations"]:
        animation.pop("extras", None)
    change(document)
    return write_glb(tmp_path / name, document, body)


def assert_same_joints(a: Motion, b: Motion, tolerance: float = 1e-5) -> None:
    at = [a.skeleton.names.index(n) for n in b.skeleton.names]
    assert len(a) == len(b)
    assert np.abs(a.joints()[:, at] - b.joints()).max() < tolerance


# ---- transforms


def under(*above: dict):
    """Puts the body under nodes, the first on top."""

    def change(document: dict) -> None:
        child = 0
        for node in reversed(above):
            document["nodes"].append({**node, "children": [child]})
            child = len(document["nodes"]) - 1
        document["scenes"][0]["nodes"] = [child]

    return change


def test_nodes_above_the_skeleton_count(tmp_path):
    """Blender's and Mixamo's Armature: centimetres and Z up below it, metres and Y up above it."""
    motion = moving()
    scaled = Motion(
        Skeleton(BODY.names, BODY.parents, BODY.offsets * 100), motion.fps, motion.root * 100, motion.rotations, "walk"
    )
    turn = rotvec_to_quat(np.array([np.pi / 2, 0, 0]))
    rotations = scaled.rotations.copy()
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    lying = Motion(scaled.skeleton, 20, scaled.root[:, [0, 2, 1]] * [1, -1, 1], rotations, "walk")
    armature = {"name": "Armature", "scale": [0.01] * 3, "rotation": [-(0.5**0.5), 0, 0, 0.5**0.5]}
    again = Motion.load(foreign(tmp_path, lying, under(armature)))
    assert_same_joints(again, motion)
    assert (
        np.abs(again.skeleton.offsets - BODY.offsets[[BODY.names.index(n) for n in again.skeleton.names]]).max() < 1e-5
    )
    # The same transform as a matrix, column after column, and shared by two nodes.
    matrix = {"matrix": [0.1, 0, 0, 0, 0, 0, -0.1, 0, 0, 0.1, 0, 0, 0, 0, 0, 1]}
    assert_same_joints(Motion.load(foreign(tmp_path, lying, under(matrix, {"scale": [0.1] * 3}))), motion)


def test_a_mirrored_scale_puts_joints_where_it_says(tmp_path):
    motion = moving()
    again = Motion.load(foreign(tmp_path, motion, under({"scale": [-1, 1, 1]})))
    at = [again.skeleton.names.index(n) for n in BODY.names]
    assert np.abs(again.joints()[:, at] - motion.joints() * [-1, 1, 1]).max() < 1e-5


def naive_world(node: int, nodes: list[dict], moved: dict[tuple[int, str], np.ndarray]) -> np.ndarray:
    """4x4 of a node by the specification, for one moment."""
    above = {c: i for i, n in enumerate(nodes) for c in n.get("children", [])}
    m = np.eye(4)
    while node is not None:
        own = {
            p: moved.get((node, p), nodes[node].get(p, d))
            for p, d in (("translation", [0, 0, 0]), ("rotation", [0, 0, 0, 1]), ("scale", [1, 1, 1]))
        }
        local = np.eye(4)
        local[:3, :3] = Rotation.from_quat(own["rotation"]).as_matrix() @ np.diag(own["scale"])
        local[:3, 3] = own["translation"]
        m, node = local @ m, above.get(node)
    return m


def test_every_transform_and_track_counts(tmp_path):
    """Above, in and between joints, animated or not, against matrices multiplied out."""
    generator = np.random.default_rng(3)
    q = lambda: normalise(generator.normal(size=4)).tolist()  # noqa: E731
    nodes = [
        {"name": "world", "children": [1], "rotation": q(), "translation": [1, 2, 3]},
        {"name": "joint a", "children": [2], "rotation": q(), "scale": [2, 2, 2], "translation": [0, 1, 0]},
        {"name": "between", "children": [3], "rotation": q(), "translation": [0.5, 0, 0]},
        {"name": "joint b", "children": [4, 5], "rotation": q(), "translation": [0, 0.7, 0]},
        {"name": "joint c", "rotation": q(), "translation": [0.1, 0.4, 0]},
        {"name": "joint d", "translation": [-0.1, 0.4, 0]},
    ]
    builder = Builder(nodes, skins=[{"joints": [1, 3, 4, 5]}])
    times = np.arange(5) / 25
    turns = {n: normalise(generator.normal(size=(5, 4))) for n in (0, 1, 2, 3)}
    places = {n: generator.normal(size=(5, 3)) for n in (0, 1)}
    tracks = [(n, "rotation", times, v) for n, v in turns.items()] + [
        (n, "translation", times, v) for n, v in places.items()
    ]
    builder.animate("all", tracks)
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert motion.fps == 25
    # "between" turns, so joint b moves against joint a, and what moves lowest on the way down carries the body.
    assert motion.skeleton.names == ("joint b", "joint c", "joint d")
    assert motion.skeleton.parents == (-1, 0, 0)
    for frame in range(5):
        moved = {(n, "rotation"): v[frame] for n, v in turns.items()}
        moved |= {(n, "translation"): v[frame] for n, v in places.items()}
        expected = [naive_world(n, nodes, moved)[:3, 3] for n in (3, 4, 5)]
        assert np.abs(motion.joints()[frame] - expected).max() < 1e-5


def test_a_scale_track_and_a_translation_of_a_joint(tmp_path):
    nodes = [
        {"name": "a", "children": [1]},
        {"name": "b", "children": [2], "translation": [0, 1, 0]},
        {"name": "c", "translation": [0, 1, 0]},
    ]
    builder = Builder(nodes, skins=[{"joints": [0, 1, 2]}])
    times = np.arange(9) / 30
    builder.animate(
        "grow",
        [
            (0, "scale", times, np.full((9, 3), 2.0)),
            (1, "translation", times, np.tile([0, 3, 0], (9, 1))),
            (0, "rotation", times, np.tile([0, 0, 0, 1], (9, 1))),
        ],
    )
    joints = gltf.parse(builder.save(tmp_path / "a.glb")).motion.joints()
    assert np.allclose(joints, [[0, 0, 0], [0, 6, 0], [0, 8, 0]])


def test_a_pelvis_that_moves_under_a_root_carries_the_body(tmp_path):
    """Unreal: a root on the ground with the way, a pelvis below it with the height, and helpers beside it."""
    motion = moving()
    document, body = opened(foreign(tmp_path, motion))
    count = len(document["nodes"])
    document["nodes"] += [
        {"name": "root", "children": [0, count + 1]},
        {"name": "ik_foot_root", "children": [count + 2]},
        {"name": "ik_foot_l"},
    ]
    document["skins"][0]["joints"] += [count, count + 1, count + 2]
    document["skins"][0].pop("inverseBindMatrices")
    again = read(write_glb(tmp_path / "b.glb", document, body))
    assert again.motion.skeleton.names[0] == "pelvis"
    assert_same_joints(again.motion, motion)
    assert "ik_foot_root" in again.details[0]


def test_a_root_that_stands_still_against_the_pelvis_stays(tmp_path):
    motion = moving(frames=4)
    still = Motion(BODY, 20, np.tile([0, 0.95, 0], (4, 1)), motion.rotations, "still")
    document, body = opened(foreign(tmp_path, still))
    document["nodes"].append({"name": "root", "children": [0]})
    document["skins"][0]["joints"].append(len(document["nodes"]) - 1)
    again = Motion.load(write_glb(tmp_path / "b.glb", document, body))
    assert again.skeleton.names[:2] == ("root", "pelvis")


@pytest.mark.parametrize("flat", [False, True], ids=["feet apart", "all flat"])
def test_limbs_that_hang_beside_the_body_are_hung_where_they_belong(tmp_path, flat):
    """Feet that inverse kinematics moves beside the body, and deform bones without the controls that they hang from."""
    motion = moving()
    apart = [n for n in BODY.names if n.endswith("ankle")] if not flat else list(BODY.names[1:])

    def detach(document: dict) -> None:
        nodes, world = document["nodes"], motion.global_rotations()
        joints = motion.joints()
        root = len(nodes)
        nodes.append({"name": "rig", "children": [0, *(BODY.names.index(n) for n in apart)]})
        for n in apart:
            j = BODY.names.index(n)
            nodes[BODY.parents[j]]["children"].remove(j)
        builder = Builder(nodes, skins=[{"joints": list(range(22))}])
        times = np.arange(len(motion)) / 20
        last = np.roll(world, -1, axis=-1)
        builder.animate("x", [
            *((BODY.names.index(n), "translation", times, joints[:, BODY.names.index(n)]) for n in ("pelvis", *apart)),
            *((j, "rotation", times, last[:, j] if BODY.names[j] in ("pelvis", *apart) else np.roll(motion.rotations[:, j], -1, axis=-1)) for j in range(22)),
        ])  # fmt: skip
        assert root == 23
        builder.save(tmp_path / "apart.glb")

    foreign(tmp_path, motion, detach)
    reading = read(tmp_path / "apart.glb")
    assert_same_joints(reading.motion, motion)
    skeleton = reading.motion.skeleton
    assert {n: skeleton.names[skeleton.parents[j]] for j, n in enumerate(skeleton.names) if j} == {
        n: BODY.names[BODY.parents[j]] for j, n in enumerate(BODY.names) if j
    }
    assert "hang beside the body" in reading.details[0]


def bone_axes(motion: Motion, seed: int = 5) -> tuple[list[dict], np.ndarray, np.ndarray]:
    """Nodes whose local axes are anything, as bones have them in Blender; world bind matrices; and rotation tracks."""
    generator = np.random.default_rng(seed)
    skeleton = motion.skeleton
    frames = normalise(generator.normal(size=(len(skeleton), 4)))  # world orientations at rest, w first
    rest = rest_pose(skeleton)
    nodes, bind, tracks = [], np.tile(np.eye(4), (len(skeleton), 1, 1)), np.empty((len(skeleton), len(motion), 4))
    to_scipy = lambda v: Rotation.from_quat(np.roll(v, -1, axis=-1))  # noqa: E731
    world = motion.global_rotations()
    for j, p in enumerate(skeleton.parents):
        bind[j, :3, :3], bind[j, :3, 3] = to_scipy(frames[j]).as_matrix(), rest[j]
        posed = to_scipy(world[:, j]) * to_scipy(frames[j])
        above = to_scipy(world[:, p]) * to_scipy(frames[p]) if p >= 0 else Rotation.identity(len(motion))
        tracks[j] = (above.inv() * posed).as_quat()
        offset = to_scipy(frames[p]).inv().apply(skeleton.offsets[j].copy()) if p >= 0 else motion.root[0]
        nodes.append(
            {"name": skeleton.names[j], "translation": offset.tolist(), "children": list(skeleton.children[j])}
        )
        nodes[-1]["rotation"] = tracks[j, 0].tolist()
    return nodes, np.linalg.inv(bind), tracks


@pytest.mark.parametrize("bound", [True, False], ids=["bind matrices", "no skin"])
def test_bones_with_axes_of_their_own_rest_upright(tmp_path, bound):
    """The rest pose in world axes comes back from the bind matrices, whatever the bones' axes and the first frame are."""
    motion = moving(seed=2)
    nodes, inverse_bind, tracks = bone_axes(motion)
    builder = Builder(nodes)
    if bound:
        matrices = builder.add(np.swapaxes(inverse_bind, 1, 2).reshape(-1, 16), "MAT4")
        builder.document["skins"] = [{"joints": list(range(len(BODY))), "inverseBindMatrices": matrices}]
    times = np.arange(len(motion)) / 20
    builder.animate(
        "walk", [*((j, "rotation", times, tracks[j]) for j in range(len(BODY))), (0, "translation", times, motion.root)]
    )
    again = Motion.load(builder.save(tmp_path / "a.glb"))
    assert_same_joints(again, motion)
    if bound:
        order = [BODY.names.index(n) for n in again.skeleton.names]
        assert np.abs(again.skeleton.offsets[1:] - BODY.offsets[order][1:]).max() < 1e-5
    else:  # the first pose is the rest then
        assert np.abs(rest_pose(again.skeleton) - (again.joints()[0] - again.root[0])).max() < 1e-5


# ---- time


def chain(builder_nodes: int = 3) -> Builder:
    nodes = [{"name": f"joint {i}", "children": [i + 1], "translation": [0, 1, 0]} for i in range(builder_nodes - 1)]
    return Builder([*nodes, {"name": "end", "translation": [0, 1, 0]}], skins=[{"joints": list(range(builder_nodes))}])


def test_cubic_splines_are_those_of_scipy(tmp_path):
    generator = np.random.default_rng(1)
    keys = np.array([0, 0.4, 0.9, 1.5])
    values, slopes = generator.normal(size=(4, 3)), generator.normal(size=(4, 3))
    q, dq = normalise(generator.normal(size=(4, 4)) * 0.2 + [0, 0, 0, 1]), generator.normal(size=(4, 4)) * 0.1
    builder = chain()
    pack = lambda v, d: np.stack([d, v, d], axis=1).reshape(-1, v.shape[1])  # noqa: E731
    builder.animate(
        "spline",
        [
            (0, "translation", keys, pack(values, slopes), "CUBICSPLINE"),
            (1, "rotation", keys, pack(q, dq), "CUBICSPLINE"),
        ],
    )
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    times = np.arange(len(motion)) / motion.fps
    assert motion.fps >= 20
    assert times[-1] == pytest.approx(1.5, abs=0.5 / motion.fps)
    inside = times <= 1.5
    assert np.abs(motion.root - CubicHermiteSpline(keys, values, slopes)(times))[inside].max() < 1e-5
    turned = normalise(CubicHermiteSpline(keys, q, dq)(times))
    ends = motion.root + np.array([0, 1, 0]) + Rotation.from_quat(turned).apply([0, 1, 0])
    assert np.abs(motion.joints()[:, 2] - ends)[inside].max() < 1e-5


def test_linear_rotations_are_slerped_as_scipys(tmp_path):
    q = normalise(np.random.default_rng(4).normal(size=(3, 4)))
    q[1:][np.sum(q[1:] * q[:-1], axis=1) < 0] *= -1
    builder = chain()
    builder.animate(
        "turn", [(0, "rotation", [0, 0.5, 1.0], q), (0, "translation", np.arange(31) / 30, np.zeros((31, 3)))]
    )
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert motion.fps == 30
    expected = Slerp([0, 0.5, 1], Rotation.from_quat(q))(np.arange(31) / 30).apply([0, 1, 0])
    assert np.abs(motion.joints()[:, 1] - expected).max() < 1e-5


def test_steps_hold_until_the_next_key(tmp_path):
    builder = chain()
    builder.animate(
        "step",
        [
            (0, "translation", [0, 0.5, 1.0], [[0, 0, 0], [1, 0, 0], [2, 0, 0]], "STEP"),
            (1, "rotation", np.arange(21) / 20, np.tile([0, 0, 0, 1], (21, 1))),
        ],
    )
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert motion.fps == 20
    assert motion.root[:, 0].tolist() == [0] * 10 + [1] * 10 + [2]


@pytest.mark.parametrize(
    "fps", [100, 24, 25, 12.5, 29.97, 30000 / 1001, 24000 / 1001, 23.976, 59.94, 120, 7.3, 1000 / 33]
)
@pytest.mark.parametrize("own", [True, False], ids=["ours", "other"])
def test_the_frame_rate_survives(tmp_path, fps, own):
    frames = 1000
    skeleton = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1.0, 0]]))
    root = np.stack([np.sin(np.arange(frames) / 9), np.ones(frames), np.arange(frames) / 50], axis=1)
    turns = rotvec_to_quat(np.random.default_rng(0).normal(0, 1, (frames, 2, 3)))
    motion = Motion(skeleton, fps, root, turns, "dance")
    path = motion.save(tmp_path / "a.glb") if own else foreign(tmp_path, motion)
    again = Motion.load(path)
    assert len(again) == frames
    assert again.fps == pytest.approx(fps, rel=0 if own else 3e-6)
    assert np.abs(again.joints() - motion.joints()).max() < 3e-6


def test_keys_that_were_thinned_keep_their_grid(tmp_path):
    keep = np.array([0, 1, 2, 5, 6, 9, 14, 15, 20])
    path = np.stack([np.arange(21) / 10, np.zeros(21), np.zeros(21)], axis=1)
    builder = chain()
    builder.animate(
        "thin", [(0, "translation", keep / 30, path[keep]), (1, "rotation", np.array([3, 11]) / 30, [[0, 0, 0, 1]] * 2)]
    )
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert (motion.fps, len(motion)) == (30, 21)
    assert np.abs(motion.root - path).max() < 1e-5


def test_the_lead_in_before_the_first_key_is_left_out(tmp_path):
    """Blender's first frame is 1, so its keys begin at 1/24 s."""
    builder = chain()
    times = np.arange(1, 11) / 24
    builder.animate("late", [(0, "translation", times, np.arange(30).reshape(10, 3))])
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert (motion.fps, len(motion)) == (24, 10)
    assert np.allclose(motion.root, np.arange(30).reshape(10, 3))


# ---- which


def test_one_of_several_animations(tmp_path):
    builder = chain()
    for name, x in (("Idle", 0.0), ("Walk", 1.0), ("walk", 2.0), ("2", 3.0)):
        builder.animate(name, [(0, "translation", np.arange(9) / 20, np.full((9, 3), x))])
    path = builder.save(tmp_path / "a.glb")
    first = read(path)
    assert first.motion.root[0, 0] == 0
    assert "'Idle', animation 1 of 4" in first.notes[0]
    assert "'Walk'" in first.notes[0]
    for wanted, x in (("Walk", 1), ("walk", 2), ("1", 0), (2, 3), ("2", 3), ("IDLE", 0), (3, 2)):
        chosen = read(path, Options(animation=wanted))
        assert chosen.motion.root[0, 0] == x
        assert not chosen.notes
    for wanted in ("Run", "0", "5", "-1"):
        with pytest.raises(FormatError, match="Idle") as error:
            read(path, Options(animation=wanted))
        assert "4 '2'" in str(error.value)
    with pytest.raises(FormatError, match="one motion"):
        read(moving().save(tmp_path / "a.bvh"), Options(animation=1))


def test_an_animation_of_the_camera_is_passed_by(tmp_path):
    builder = chain()
    builder.document["nodes"].append({"name": "camera", "camera": 0})
    builder.animate("fly", [(3, "translation", np.arange(9) / 20, np.zeros((9, 3)))])
    builder.animate("walk", [(0, "translation", np.arange(9) / 20, np.ones((9, 3)))])
    reading = read(builder.save(tmp_path / "a.glb"))
    assert reading.motion.root[0, 0] == 1
    assert "'walk', animation 2 of 2" in reading.notes[0]
    with pytest.raises(FormatError, match="moves no joints"):
        read(tmp_path / "a.glb", Options(animation="fly"))


def test_animated_nodes_without_a_skin(tmp_path):
    motion = moving()

    def strip(document: dict) -> None:
        del document["skins"]
        document["nodes"][-1].pop("skin")
        document["nodes"][10]["children"] = [*document["nodes"][10].get("children", []), len(document["nodes"])]
        document["nodes"].append({"name": "a hat that is only drawn", "mesh": 0})

    again = Motion.load(foreign(tmp_path, motion, strip))
    assert set(again.skeleton.names) == set(BODY.names)
    assert_same_joints(again, motion)
    assert_same_joints(
        Motion.load(
            foreign(tmp_path, motion, lambda d: (strip(d), under({"name": "Armature", "scale": [1, 1, 1]})(d)))
        ),
        motion,
    )


def test_skins_of_body_and_clothes_are_one_body(tmp_path):
    motion = moving()

    def dress(document: dict) -> None:
        joints = document["skins"][0]["joints"]
        document["skins"] = [{"joints": joints[9:]}, {"joints": joints[:9]}, {"joints": joints[3:5]}]

    reading = read(foreign(tmp_path, motion, dress))
    assert not reading.notes
    assert_same_joints(reading.motion, motion)


def test_two_bodies_of_which_one_is_read(tmp_path):
    builder = chain(4)
    other = [{"name": f"horse {i}", "children": [5 + i], "translation": [0, 1, 0]} for i in range(6)]
    builder.document["nodes"] += [*other, {"name": "tail"}]
    builder.document["skins"].append({"joints": list(range(4, 11))})
    times = np.arange(9) / 20
    builder.animate(
        "both",
        [
            (0, "translation", times, np.zeros((9, 3))),
            (4, "translation", times, np.ones((9, 3))),
            (5, "rotation", times, [[0, 0, 0, 1]] * 9),
        ],
    )
    reading = read(builder.save(tmp_path / "a.glb"))
    assert reading.motion.skeleton.names[0] == "horse 0"
    assert "largest of 2 skeletons" in reading.notes[0]


def test_bones_without_a_common_root_get_the_node_above_them(tmp_path):
    """Deform bones that were exported flat hang side by side under the armature."""
    builder = Builder(
        [
            {"name": "rig", "children": [1, 2], "translation": [0, 0, 5]},
            {"name": "DEF-a", "children": [3]},
            {"name": "DEF-b", "translation": [1, 0, 0]},
            {"name": "DEF-c", "translation": [0, 1, 0]},
        ],
        skins=[{"joints": [1, 2, 3]}],
    )
    builder.animate(
        "x",
        [
            (1, "rotation", np.arange(9) / 20, [[0, 0, 0, 1]] * 9),
            (2, "rotation", np.arange(9) / 20, [[0, 0, 0, 1]] * 9),
        ],
    )
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert motion.skeleton.names == ("rig", "DEF-a", "DEF-c", "DEF-b")
    assert np.allclose(motion.joints()[0], [[0, 0, 5], [0, 0, 5], [0, 1, 5], [1, 0, 5]])


# ---- storage


def test_normalised_strided_and_sparse_data(tmp_path):
    q = normalise(np.random.default_rng(6).normal(size=(9, 4)))
    builder = chain()
    packed = builder.add(np.round(q * 32767), "VEC4", 5122, "<i2", normalized=True)
    wide = np.zeros((9, 5))
    wide[:, :3] = np.arange(27).reshape(9, 3)
    strided = builder.add(wide[:, :3], "VEC3")
    builder.document["accessors"][strided]["bufferView"] = len(builder.document["bufferViews"])
    builder.document["bufferViews"].append(
        {"buffer": 0, "byteOffset": len(builder.data), "byteLength": 180, "byteStride": 20}
    )
    builder.data.extend(wide.astype("<f4").tobytes())
    builder.animate("x", [(1, "rotation", np.arange(9) / 20, packed), (0, "translation", np.arange(9) / 20, strided)])
    motion = gltf.parse(builder.save(tmp_path / "a.glb")).motion
    assert np.allclose(motion.root, np.arange(27).reshape(9, 3))
    ends = motion.joints()[:, 2] - motion.joints()[:, 1]
    assert np.abs(ends - Rotation.from_quat(q).apply([0, 1, 0])).max() < 2e-4

    at, what = builder.add([[2], [7]], "SCALAR", 5123, "<u2"), builder.add([[5, 5, 5], [8, 8, 8]], "VEC3")
    views = [builder.document["accessors"][i]["bufferView"] for i in (at, what)]
    builder.document["accessors"].append(
        {
            "componentType": 5126,
            "count": 9,
            "type": "VEC3",
            "sparse": {
                "count": 2,
                "indices": {"bufferView": views[0], "componentType": 5123},
                "values": {"bufferView": views[1]},
            },
        }
    )
    builder.document["animations"] = []
    builder.animate("y", [(0, "translation", np.arange(9) / 20, len(builder.document["accessors"]) - 1)])
    motion = gltf.parse(builder.save(tmp_path / "b.glb")).motion
    assert motion.root[:, 0].tolist() == [0, 0, 5, 0, 0, 0, 0, 8, 0]


@pytest.mark.parametrize(
    ("component", "dtype", "most"), [(5120, "i1", 127), (5121, "u1", 255), (5122, "<i2", 32767), (5123, "<u2", 65535)]
)
def test_normalised_integers_are_shares_of_one(tmp_path, component, dtype, most):
    builder = chain()
    at = builder.add(np.array([[most, 0, most // 2]] * 9), "VEC3", component, dtype, normalized=True)
    builder.animate("x", [(0, "translation", np.arange(9) / 20, at)])
    root = gltf.parse(builder.save(tmp_path / "a.glb")).motion.root
    assert np.allclose(root, [1, 0, (most // 2) / most])


def as_text(tmp_path: Path, uri: str, motion: Motion) -> Path:
    document, body = opened(foreign(tmp_path, motion))
    document["buffers"] = [{"byteLength": len(body), "uri": uri.replace("DATA", base64.b64encode(body).decode())}]
    path = tmp_path / "deep" / "a.gltf"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    (path.parent / "my buffer.bin").write_bytes(body)
    (tmp_path / "outside.bin").write_bytes(body)
    return path


@pytest.mark.parametrize("uri", ["data:application/octet-stream;base64,DATA", "my%20buffer.bin", "./my buffer.bin"])
def test_gltf_with_its_buffers(tmp_path, uri):
    motion = moving()
    assert_same_joints(Motion.load(as_text(tmp_path, uri, motion)), motion)


@pytest.mark.parametrize(
    "uri",
    [
        "../outside.bin",
        "/etc/hostname",
        "..%2Foutside.bin",
        "http://example.com/a.bin",
        "file:///etc/hostname",
        "C:\\a.bin",
        "link.bin",
        "a/../../outside.bin",
    ],
)
def test_buffers_outside_of_the_folder_are_refused(tmp_path, uri):
    path = as_text(tmp_path, uri, moving())
    (path.parent / "link.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(FormatError, match="not in its own folder"):
        Motion.load(path)


@pytest.mark.parametrize(
    ("uri", "words"), [("nothing.bin", "no such file"), ("data:;base64,!!", "data uri"), ("", "folder")]
)
def test_buffers_that_are_not_there(tmp_path, uri, words):
    with pytest.raises(FormatError, match=words):
        Motion.load(as_text(tmp_path, uri, moving()))


# ---- size, names, damage


@pytest.mark.parametrize("height", [0.1, 0.64, 1.0, 1.7, 4.8, 17, 100])
@pytest.mark.parametrize("suffix", [".glb", ".bvh", ".npz"])
def test_our_own_files_come_back_at_their_size(tmp_path, suffix, height):
    factor = height / 1.7
    skeleton = Skeleton(BODY.names, BODY.parents, BODY.offsets * factor, "figure")
    small = moving(skeleton)
    motion = Motion(skeleton, 20, small.root * factor, small.rotations, "figure")
    again = read(motion.save(tmp_path / f"a{suffix}"))
    assert_same_joints(again.motion, motion, 1e-5 * max(1, factor))
    assert 0.95 < again.height / height < 1.1


def test_a_file_of_others_in_centimetres_is_told(tmp_path):
    motion = moving()
    big = Motion(Skeleton(BODY.names, BODY.parents, BODY.offsets * 100), 20, motion.root * 100, motion.rotations, "big")
    reading = read(foreign(tmp_path, big))
    assert_same_joints(reading.motion, motion)
    assert "taken as cm" in reading.notes[0]
    kept = read(foreign(tmp_path, big), Options(unit="m"))
    assert_same_joints(kept.motion, big, 1e-3)
    assert not kept.notes


def test_a_vrm_says_which_bone_is_which(tmp_path):
    motion = moving()
    bones = {"hips": "pelvis", "spine": "spine1", "chest": "spine3", "neck": "neck", "head": "head"}
    for side in ("left", "right"):
        for bone, role in (
            ("UpperLeg", "hip"),
            ("LowerLeg", "knee"),
            ("Foot", "ankle"),
            ("UpperArm", "shoulder"),
            ("LowerArm", "elbow"),
            ("Hand", "wrist"),
        ):
            bones[f"{side}{bone}"] = f"{side}_{role}"

    def rename(document: dict) -> None:
        names = [n.get("name") for n in document["nodes"]]
        human = {bone: {"node": names.index(role)} for bone, role in bones.items()}
        document["extensions"] = {"VRMC_vrm_animation": {"specVersion": "1.0", "humanoid": {"humanBones": human}}}
        for i, node in enumerate(document["nodes"]):
            node["name"] = f"骨{i}"

    reading = read(foreign(tmp_path, motion, rename, "a.vrma"))
    assert (reading.naming, reading.kind) == ("map", "VRMA")
    roles = find_naming(reading.motion.skeleton)[1]
    at = [roles[r][0] for r in ("left_wrist", "right_ankle", "spine3")]
    assert (
        np.abs(
            reading.motion.joints()[:, at]
            - motion.joints()[:, [BODY.index(n) for n in ("left_wrist", "right_ankle", "spine3")]]
        ).max()
        < 1e-5
    )
    saved = Motion.load(reading.motion.save(tmp_path / "a.npz"))  # and our own file keeps it
    assert find_naming(saved.skeleton)[1] == roles


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("animations"), "no animation"),
        (lambda d: d.pop("nodes"), "damaged"),
        (lambda d: d["nodes"][4].update(children=[3]), "circle"),
        (lambda d: d["nodes"][4].update(children=[4]), "circle"),
        (lambda d: d["nodes"][4].update(children=[99]), "no entry 99"),
        (lambda d: d["nodes"][4].update(rotation=[0, 0, 0]), "transform of node 4"),
        (lambda d: d["nodes"][4].update(matrix=[1]), "transform of node 4"),
        (lambda d: d["nodes"][4].update(translation=[0, 1e300, 0]), "transform of node 4"),
        (lambda d: d["skins"][0].update(joints=[]), "skin 0"),
        (lambda d: d["animations"][0]["samplers"][0].update(interpolation="MAGIC"), "MAGIC"),
        (lambda d: d["animations"][0]["samplers"][0].update(input=999), "no entry 999"),
        (lambda d: d["animations"][0]["channels"][0].update(sampler=-1), "no sampler"),
        (lambda d: [a.update(count=10**12) for a in d["accessors"]], "readable type or size"),
        (lambda d: [a.update(count=10**7) for a in d["accessors"]], "shorter"),
        (lambda d: [(a.update(count=10**7), a.pop("bufferView")) for a in d["accessors"]], "claims"),
        (lambda d: [v.update(buffer=7) for v in d["bufferViews"]], "no buffer 7"),
        (lambda d: [v.update(byteOffset=-4) for v in d["bufferViews"]], "no offset"),
        (lambda d: d.update(extensionsRequired=["EXT_meshopt_compression"]), "without compression"),
        (lambda d: d.update(buffers=[{}, {"uri": 3}]), "buffer"),
    ],
)  # fmt: skip
def test_damage_is_refused_in_a_sentence(tmp_path, change, words):
    with pytest.raises(FormatError, match=words) as error:
        Motion.load(foreign(tmp_path, moving(), change))
    assert len(str(error.value)) < 300


def test_what_is_not_read_does_no_harm(tmp_path):
    motion = moving()

    def more(document: dict) -> None:
        document["nodes"].append({"name": "camera", "camera": 0})
        document["cameras"] = [{"type": "perspective"}]
        animation = document["animations"][0]
        animation["channels"].append({"sampler": 0, "target": {"node": 22, "path": "weights"}})
        animation["channels"].append(
            {"sampler": 0, "target": {"path": "pointer", "extensions": {"KHR_animation_pointer": {}}}}
        )
        document["extensionsUsed"] = ["KHR_animation_pointer"]

    assert_same_joints(Motion.load(foreign(tmp_path, motion, more)), motion)
