"""The protocol's answer: glTF 2.0 as JSON, its buffer inside, an animation for each sample, and what MMCP_motion says of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dimo.formats.gltf_file import FLOAT
from dimo.serve.mmcp_schemas import VERSION, Skeleton


@dataclass(frozen=True)
class Sample:
    """Rotations (F, J, 4) x, y, z, w, the root's places (F, 3), and for joints that may stand whether they do (F,)."""

    rotations: np.ndarray
    root: np.ndarray
    contacts: Mapping[str, np.ndarray] = field(default_factory=dict)


class _Buffer:
    def __init__(self):
        self.data, self.views, self.accessors = bytearray(), [], []

    def add(self, values: np.ndarray, kind: str, bounds: bool = False) -> int:
        data = np.ascontiguousarray(values, "<f4")
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": data.nbytes})
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": FLOAT,
            "count": len(data),
            "type": kind,
        }
        if bounds:
            accessor |= {"min": [float(data.min())], "max": [float(data.max())]}
        self.accessors.append(accessor)
        self.data += data.tobytes()
        return len(self.accessors) - 1


def document(
    skeleton: Skeleton,
    samples: Sequence[Sample],
    fps: float,
    *,
    model: str,
    names: Mapping[str, str],
    notes: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """names: our joints to those of the request, where they differ. notes: what the model has to say."""
    places = {joint.name: j for j, joint in enumerate(skeleton.joints)}
    nodes: list[dict[str, Any]] = [
        {"name": j.name, "translation": list(j.rest_translation), "rotation": list(j.rest_rotation)}
        for j in skeleton.joints
    ]
    for j, joint in enumerate(skeleton.joints):
        if joint.parent is not None:
            nodes[places[joint.parent]].setdefault("children", []).append(j)
    buffer = _Buffer()
    times = buffer.add(np.arange(len(samples[0].root)) / fps, "SCALAR", bounds=True)
    animations, told = [], []
    for number, sample in enumerate(samples):
        tracks = [(j, "rotation", buffer.add(sample.rotations[:, j], "VEC4")) for j in range(len(nodes))]
        tracks.append((0, "translation", buffer.add(sample.root, "VEC3")))
        animations.append(
            {
                "name": f"sample_{number}",
                "samplers": [{"input": times, "output": at, "interpolation": "LINEAR"} for _, _, at in tracks],
                "channels": [
                    {"sampler": i, "target": {"node": j, "path": path}} for i, (j, path, _) in enumerate(tracks)
                ],
            }
        )
        contacts = {name: stands.astype(bool).tolist() for name, stands in sample.contacts.items()}
        told.append(
            {
                "name": f"sample_{number}",
                "num_frames": len(sample.root),
                "chunk_boundaries": [],
                **({"foot_contacts": contacts} if contacts else {}),
            }
        )
    motion: dict[str, Any] = {"version": VERSION, "model": model, "fps": fps, "samples": told}
    if any(ours != theirs for ours, theirs in names.items()):
        motion["canonical_to_request"] = dict(names)
    if notes:
        motion["notes"] = [dict(note) for note in notes]
    uri = "data:application/octet-stream;base64," + base64.b64encode(bytes(buffer.data)).decode()
    return {
        "asset": {"version": "2.0", "generator": "dimo"},
        "nodes": nodes,
        "scenes": [{"nodes": [0]}],
        "scene": 0,
        "skins": [{"name": "skin", "joints": list(range(len(nodes)))}],
        "animations": animations,
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data), "uri": uri}],
        "extensionsUsed": ["MMCP_motion"],
        "extensions": {"MMCP_motion": motion},
    }
