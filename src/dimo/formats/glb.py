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
from dimo.body.skeleton import Skeleton
from dimo.formats.files import write_atomically
from dimo.formats.gltf_file import DTYPES, FLOAT, UINT, USHORT
from dimo.formats.gltf_source import GltfSource
from dimo.formats.mannequin import build
from dimo.formats.writing import Clip

ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
GENERATOR = "dimo"


class Buffer:
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


def write(motion: Motion, path: str | Path, *, mesh: bool = True, root_bone: bool = False) -> Path:
    """Write a Motion as GLB: its skeleton, an animation, and a mannequin skinned to it (mesh) or the skin's joints alone.

    root_bone puts a joint on the ground above the pelvis, which carries the path and the heading. A body that was read from a
    glTF of another program is written into that file: its meshes, skins, materials and nodes stay as they are, and its own root
    bone is that joint where it has one.
    """
    source = motion.skeleton.source
    if isinstance(source, GltfSource) and mesh:
        return source.write(motion, path, root_bone=root_bone)
    import pygltflib as g

    clip = Clip.of(motion, root_bone)
    gltf = g.GLTF2(asset=g.Asset(version="2.0", generator=GENERATOR))
    buffer = Buffer(gltf)
    add_joints(gltf, buffer, clip)
    if mesh:
        _add_mannequin(gltf, buffer, motion.skeleton, len(clip.skeleton) - len(motion.skeleton), _rest(clip.skeleton))
    gltf.scenes.append(g.Scene(name=motion.name, nodes=[0, len(clip.skeleton)] if mesh else [0]))
    gltf.scene = 0
    add_animation(gltf, buffer, clip)
    return save(gltf, buffer, path)


def save(gltf: Any, buffer: Buffer, path: str | Path) -> Path:
    """Write a document with what its buffer collected."""
    import pygltflib as g

    gltf.buffers.append(g.Buffer(byteLength=len(buffer.data)))
    gltf.set_binary_blob(bytes(buffer.data))
    with write_atomically(path) as temporary:
        temporary.write_bytes(b"".join(gltf.save_to_bytes()))
    return Path(path)


def add_joints(gltf: Any, buffer: Buffer, clip: Clip) -> None:
    """Nodes of the joints in the first frame's pose, and a skin of them, by which programs know that they are bones."""
    import pygltflib as g

    skeleton, count = clip.skeleton, len(clip.skeleton)
    for j, name in enumerate(skeleton.names):
        place = clip.places[j][0] if j in clip.places else skeleton.offsets[j]
        node = g.Node(name=name, translation=place.tolist(), rotation=_w_last(clip.rotations[0, j]).tolist())
        if skeleton.children[j]:
            node.children = list(skeleton.children[j])
        gltf.nodes.append(node)
    inverse = np.tile(np.eye(4), (count, 1, 1))
    inverse[:, 3, :3] = -_rest(skeleton)  # column-major: the translation is the last row of what is stored
    matrices = buffer.add(inverse.reshape(count, 16), FLOAT, "MAT4")
    gltf.skins.append(g.Skin(joints=list(range(count)), skeleton=0, inverseBindMatrices=matrices))


def _rest(skeleton: Skeleton) -> np.ndarray:
    return forward(skeleton, np.zeros(3), np.broadcast_to([1.0, 0, 0, 0], (len(skeleton), 4)))


def _add_mannequin(gltf: Any, buffer: Buffer, skeleton: Skeleton, first: int, rest: np.ndarray) -> None:
    """A mesh skinned to a skeleton whose joints are those of the document from `first` on, which rest at (J, 3)."""
    import pygltflib as g

    mesh = build(skeleton)
    attributes = g.Attributes(
        POSITION=buffer.add(mesh.positions + rest[first], FLOAT, "VEC3", ARRAY_BUFFER, bounds=True),
        NORMAL=buffer.add(normalise(mesh.normals), FLOAT, "VEC3", ARRAY_BUFFER),
        COLOR_0=buffer.add(mesh.colours, FLOAT, "VEC3", ARRAY_BUFFER),
        # glTF wants joint 0 where the weight is 0.
        JOINTS_0=buffer.add(np.where(mesh.weights > 0, mesh.joints + first, 0), USHORT, "VEC4", ARRAY_BUFFER),
        WEIGHTS_0=buffer.add(mesh.weights, FLOAT, "VEC4", ARRAY_BUFFER),
    )
    triangles = buffer.add(mesh.triangles.reshape(-1), UINT, "SCALAR", ELEMENT_BUFFER)
    look = g.PbrMetallicRoughness(baseColorFactor=[1, 1, 1, 1], metallicFactor=0.0, roughnessFactor=0.7)
    gltf.materials.append(g.Material(name="mannequin", pbrMetallicRoughness=look))
    primitive = g.Primitive(attributes=attributes, indices=triangles, material=0)
    gltf.meshes.append(g.Mesh(name="mannequin", primitives=[primitive]))
    gltf.nodes.append(g.Node(name="mannequin", mesh=0, skin=0))


def add_animation(gltf: Any, buffer: Buffer, clip: Clip) -> None:
    """An animation of all joints that have children, and of the places of those that move against their parents."""
    import pygltflib as g

    times = buffer.add(np.arange(len(clip)) / clip.fps, FLOAT, "SCALAR", bounds=True)
    # The keys are 32-bit floats, from which a rate can be told to seven digits only; so it is written too.
    animation = g.Animation(name=clip.name, extras={"fps": clip.fps})
    tracks = [(j, "translation", place, "VEC3") for j, place in clip.places.items()]
    tracks += [
        (j, "rotation", _w_last(clip.rotations[:, j]), "VEC4")
        for j in range(len(clip.skeleton))
        if j == 0 or clip.skeleton.children[j]
    ]
    for j, what, values, kind in tracks:
        output = buffer.add(values, FLOAT, kind)
        animation.samplers.append(g.AnimationSampler(input=times, output=output, interpolation="LINEAR"))
        target = g.AnimationChannelTarget(node=j, path=what)
        animation.channels.append(g.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))
    gltf.animations.append(animation)


def _w_last(q: np.ndarray) -> np.ndarray:
    return np.roll(q, -1, axis=-1)
