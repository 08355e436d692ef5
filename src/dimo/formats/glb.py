"""Binary glTF 2.0: a Motion as a skinned mannequin with one animation, readable by Blender, game engines and browsers.

glTF is metres, Y up, facing +Z like dimo; only quaternions are stored w last. Reading takes the skeleton and animation of
a file with one skin, as this module writes it.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.motion import Motion
from dimo.body.rotation import normalise, slerp
from dimo.body.skeleton import MAX_JOINTS, Skeleton
from dimo.errors import FormatError, ShapeError
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.mannequin import build

MAX_BYTES = 512 * 2**20
MAX_FRAMES = 1_000_000
FLOAT, USHORT, UBYTE, UINT = 5126, 5123, 5121, 5125
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
_DTYPES = {FLOAT: "<f4", USHORT: "<u2", UBYTE: "u1", UINT: "<u4"}
_SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class _Buffer:
    """Collects arrays into one binary chunk, each aligned to 4 bytes, with its view and accessor."""

    def __init__(self, gltf: Any):
        self.gltf, self.data = gltf, bytearray()

    def add(
        self, values: np.ndarray, component: int, kind: str, target: int | None = None, bounds: bool = False
    ) -> int:
        from pygltflib import Accessor, BufferView

        data = np.ascontiguousarray(values, dtype=_DTYPES[component])
        self.data.extend(b"\0" * (-len(self.data) % 4))
        self.gltf.bufferViews.append(
            BufferView(buffer=0, byteOffset=len(self.data), byteLength=data.nbytes, target=target)
        )
        accessor = Accessor(
            bufferView=len(self.gltf.bufferViews) - 1, componentType=component, count=len(data), type=kind
        )
        if bounds:
            flat = data.reshape(len(data), -1)
            accessor.min, accessor.max = flat.min(0).astype(float).tolist(), flat.max(0).astype(float).tolist()
        self.data.extend(data.tobytes())
        self.gltf.accessors.append(accessor)
        return len(self.gltf.accessors) - 1


def write(motion: Motion, path: str | Path) -> Path:
    """Write a Motion as GLB with a mannequin skinned to its skeleton."""
    import pygltflib as g

    skeleton, mesh = motion.skeleton, build(motion.skeleton)
    count = len(skeleton)
    gltf = g.GLTF2(asset=g.Asset(version="2.0", generator="dimo"))
    buffer = _Buffer(gltf)
    attributes = g.Attributes(
        POSITION=buffer.add(mesh.positions, FLOAT, "VEC3", ARRAY_BUFFER, bounds=True),
        NORMAL=buffer.add(normalise(mesh.normals), FLOAT, "VEC3", ARRAY_BUFFER),
        COLOR_0=buffer.add(mesh.colours, FLOAT, "VEC3", ARRAY_BUFFER),
        # glTF wants joint 0 where the weight is 0.
        JOINTS_0=buffer.add(np.where(mesh.weights > 0, mesh.joints, 0), USHORT, "VEC4", ARRAY_BUFFER),
        WEIGHTS_0=buffer.add(mesh.weights, FLOAT, "VEC4", ARRAY_BUFFER),
    )
    triangles = buffer.add(mesh.triangles.reshape(-1), UINT, "SCALAR", ELEMENT_BUFFER)
    material = g.Material(
        name="mannequin",
        pbrMetallicRoughness=g.PbrMetallicRoughness(
            baseColorFactor=[1, 1, 1, 1], metallicFactor=0.0, roughnessFactor=0.7
        ),
    )
    gltf.materials.append(material)
    gltf.meshes.append(
        g.Mesh(name="mannequin", primitives=[g.Primitive(attributes=attributes, indices=triangles, material=0)])
    )

    for j, name in enumerate(skeleton.names):
        place = motion.root[0] if j == 0 else skeleton.offsets[j]
        turn = motion.rotations[0, j]
        node = g.Node(name=name, translation=place.tolist(), rotation=_w_last(turn).tolist())
        if skeleton.children[j]:
            node.children = list(skeleton.children[j])
        gltf.nodes.append(node)
    rest = forward(skeleton, np.zeros(3), np.broadcast_to([1.0, 0, 0, 0], (count, 4)))
    inverse = np.tile(np.eye(4), (count, 1, 1))
    inverse[:, 3, :3] = -rest  # column-major: the translation is the last row of what is stored
    gltf.skins.append(
        g.Skin(
            joints=list(range(count)),
            skeleton=0,
            inverseBindMatrices=buffer.add(inverse.reshape(count, 16), FLOAT, "MAT4"),
        )
    )
    gltf.nodes.append(g.Node(name="mannequin", mesh=0, skin=0))
    gltf.scenes.append(g.Scene(name=motion.name, nodes=[0, count]))
    gltf.scene = 0

    times = buffer.add(np.arange(len(motion)) / motion.fps, FLOAT, "SCALAR", bounds=True)
    animation = g.Animation(name=motion.name)
    tracks = [(0, "translation", motion.root, "VEC3")]
    tracks += [
        (j, "rotation", _w_last(motion.rotations[:, j]), "VEC4") for j in range(count) if j == 0 or skeleton.children[j]
    ]
    for j, what, values, kind in tracks:
        animation.samplers.append(
            g.AnimationSampler(input=times, output=buffer.add(values, FLOAT, kind), interpolation="LINEAR")
        )
        target = g.AnimationChannelTarget(node=j, path=what)
        animation.channels.append(g.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))
    gltf.animations.append(animation)
    gltf.buffers.append(g.Buffer(byteLength=len(buffer.data)))
    gltf.set_binary_blob(bytes(buffer.data))
    with write_atomically(path) as temporary:
        temporary.write_bytes(b"".join(gltf.save_to_bytes()))
    return Path(path)


def _w_last(q: np.ndarray) -> np.ndarray:
    return np.roll(q, -1, axis=-1)


def read(path: str | Path) -> Motion:
    """Read the skeleton and first animation of a GLB with a skin; keys are resampled to their smallest spacing."""
    data = read_bytes(path, MAX_BYTES)
    document, binary = _chunks(data, path)
    try:
        return _assemble(document, binary, path)
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(
            f"its glTF is not as this reader needs it ({type(error).__name__}: {error})", path=path
        ) from None


def _chunks(data: bytes, path: str | Path) -> tuple[dict, bytes]:
    """The JSON document and the binary chunk of a GLB file (glTF 2.0, section 4.4)."""
    if len(data) < 20 or data[:4] != b"glTF":
        raise FormatError("not a GLB file: it does not begin with 'glTF'", path=path)
    version, total, size, kind = struct.unpack("<IIII", data[4:20])
    if version != 2 or total > len(data) or kind != 0x4E4F534A or 20 + size > len(data):
        raise FormatError("a damaged or cut off GLB file, or not of version 2", path=path)
    try:
        document = json.loads(data[20 : 20 + size])
    except (ValueError, RecursionError) as error:
        raise FormatError(f"its JSON part cannot be read ({error})", path=path) from None
    rest = data[20 + size :]
    if len(rest) < 8 or not isinstance(document, dict):
        raise FormatError("it has no binary part, so no animation can be read", path=path)
    return document, rest[8 : 8 + struct.unpack("<I", rest[:4])[0]]


def _accessor(document: dict, binary: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    width, count = _SIZES[accessor["type"]], int(accessor["count"])
    if accessor["componentType"] != FLOAT or "byteStride" in view:
        raise ValueError("animation data must be packed floats")
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    if not 0 < count <= MAX_FRAMES * 4 or start < 0 or start + 4 * width * count > len(binary):
        raise ValueError(f"accessor {index} lies outside of the data")
    return np.frombuffer(binary, "<f4", count * width, start).reshape(count, width).astype(np.float64)


def _assemble(document: dict, binary: bytes, path: str | Path) -> Motion:
    if not document.get("skins") or not document.get("animations"):
        raise FormatError("it holds no skin with an animation, so there is no motion in it", path=path)
    nodes = document["nodes"]
    if len(document["skins"][0]["joints"]) > MAX_JOINTS:
        raise FormatError(f"more than {MAX_JOINTS} joints", path=path)
    above = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    members = set(document["skins"][0]["joints"])
    order: list[int] = []
    open_nodes = [n for n in document["skins"][0]["joints"] if above.get(n) not in members]
    if len(open_nodes) != 1:
        raise FormatError(f"its skin has {len(open_nodes)} roots; one body with one root is supported", path=path)
    while open_nodes:  # depth first, and each joint once even if a damaged file links in circles
        n = open_nodes.pop(0)
        if n in order:
            raise FormatError("its joints are linked in a circle", path=path)
        order.append(n)
        open_nodes = [c for c in nodes[n].get("children", []) if c in members] + open_nodes
    animation = document["animations"][0]
    tracks: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        if sampler.get("interpolation", "LINEAR") != "LINEAR":
            raise FormatError("its animation is not linearly interpolated, the only kind that is read", path=path)
        key = (channel["target"]["node"], channel["target"]["path"])
        tracks[key] = (
            _accessor(document, binary, sampler["input"])[:, 0],
            _accessor(document, binary, sampler["output"]),
        )
    spacing = [np.diff(t).min() for t, _ in tracks.values() if len(t) > 1]
    end = max(t[-1] for t, _ in tracks.values())
    step = min(spacing) if spacing else 1 / 20
    if not 1e-4 <= step <= 10 or end / step > MAX_FRAMES:
        raise FormatError(f"its keys are {step:g} s apart, which is no frame rate", path=path)
    fps = round(1 / step, 2)
    times = np.arange(round(end * fps) + 1) / fps
    offsets = np.array([nodes[n].get("translation", [0, 0, 0]) for n in order], float)
    root = np.tile(offsets[0], (len(times), 1))
    rotations = np.empty((len(times), len(order), 4))
    for j, n in enumerate(order):
        still = np.roll(np.array(nodes[n].get("rotation", [0, 0, 0, 1]), float), 1)
        t, q = tracks.get((n, "rotation"), (np.zeros(1), np.roll(still, -1)[None]))
        rotations[:, j] = _at(times, t, np.roll(q, 1, axis=-1))
    if (order[0], "translation") in tracks:
        t, values = tracks[order[0], "translation"]
        root = np.stack([np.interp(times, t, values[:, i]) for i in range(3)], axis=-1)
    offsets[0] = 0
    names = tuple(str(nodes[n].get("name", f"joint_{n}")) for n in order)
    parents = tuple(order.index(above[n]) if above.get(n) in members else -1 for n in order)
    return Motion(Skeleton(names, parents, offsets, Path(path).stem), fps, root, normalise(rotations), Path(path).stem)


def _at(times: np.ndarray, keys: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Quaternion keys (K, 4) slerped at times (F,)."""
    high = np.clip(np.searchsorted(keys, times), 1, len(keys) - 1) if len(keys) > 1 else np.zeros(len(times), int)
    low = np.maximum(high - 1, 0)
    span = np.maximum(keys[high] - keys[low], 1e-12)
    return slerp(q[low], q[high], np.clip((times - keys[low]) / span, 0, 1))
