"""Binary glTF 2.0: a Motion as a skinned mannequin with one animation, readable by Blender, game engines and browsers.

glTF is metres, Y up, facing +Z like dimo; only quaternions are stored w last. formats/gltf.py reads it, and what others write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.kinematics import forward
from dimo.body.motion import Motion
from dimo.body.rotation import normalise
from dimo.formats.files import write_atomically
from dimo.formats.gltf_file import DTYPES, FLOAT, UINT, USHORT
from dimo.formats.mannequin import build

ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
GENERATOR = "dimo"


class _Buffer:
    """Collects arrays into one binary chunk, each aligned to 4 bytes, with its view and accessor."""

    def __init__(self, gltf: Any):
        self.gltf, self.data = gltf, bytearray()

    def add(
        self, values: np.ndarray, component: int, kind: str, target: int | None = None, bounds: bool = False
    ) -> int:
        from pygltflib import Accessor, BufferView

        data = np.ascontiguousarray(values, dtype=DTYPES[component])
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
    gltf = g.GLTF2(asset=g.Asset(version="2.0", generator=GENERATOR))
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
    # The keys are 32-bit floats, from which a rate can be told to seven digits only; so it is written too.
    animation = g.Animation(name=motion.name, extras={"fps": motion.fps})
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
