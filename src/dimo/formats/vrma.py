"""VRM animation (.vrma): motion for any VRM avatar, after VRMC_vrm_animation 1.0 of the VRM consortium.

A glTF without a mesh: the bones of a humanoid in a T-pose, by their VRM names, the hips moving and all of them turning.
formats/gltf.py reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.mapping import rest_pose
from dimo.body.motion import Motion
from dimo.body.onto import onto
from dimo.body.skeleton import Skeleton, preset
from dimo.formats.files import write_atomically
from dimo.formats.gltf import VRM
from dimo.formats.gltf_pack import add_values, pack

EXTENSION = "VRMC_vrm_animation"


def humanoid() -> Skeleton:
    """The body in a T-pose, its 22 joints by their VRM names."""
    whole = preset("vrm")
    kept = [j for j, name in enumerate(whole.names) if name in VRM]
    parents = [kept.index(whole.parents[j]) if j else -1 for j in kept]
    return Skeleton(tuple(whole.names[j] for j in kept), tuple(parents), whole.offsets[kept], "vrm humanoid")


def write(motion: Motion, path: str | Path) -> Path:
    """Write a motion of any body as VRM animation."""
    body = humanoid()
    motion = onto(motion, body)
    rest = body.offsets.copy()
    rest[0] = [0.0, -rest_pose(body)[:, 1].min(), 0.0]
    nodes: list[dict[str, Any]] = []
    for j, name in enumerate(body.names):
        nodes.append({"name": name, "translation": rest[j].tolist()})
        if body.children[j]:
            nodes[-1]["children"] = list(body.children[j])
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "dimo"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "extensionsUsed": [EXTENSION],
        "extensions": {
            EXTENSION: {
                "specVersion": "1.0",
                "humanoid": {"humanBones": {name: {"node": j} for j, name in enumerate(body.names)}},
            }
        },
    }
    data = bytearray()
    times = add_values(document, data, np.arange(len(motion))[:, None] / motion.fps, "SCALAR", bounds=True)
    tracks = [(0, "translation", motion.root, "VEC3")]
    tracks += [(j, "rotation", np.roll(motion.rotations[:, j], -1, axis=-1), "VEC4") for j in range(len(body))]
    samplers, channels = [], []
    for node, what, values, kind in tracks:
        output = add_values(document, data, values, kind)
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": what}})
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
    extras = {"fps": motion.fps}
    document["animations"] = [{"name": motion.name, "samplers": samplers, "channels": channels, "extras": extras}]
    document["buffers"] = [{"byteLength": len(data)}]
    with write_atomically(path) as temporary:
        temporary.write_bytes(pack(document, bytes(data)))
    return Path(path)
