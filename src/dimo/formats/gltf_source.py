"""A glTF file kept with the body that was read from it, so that a motion can be written into it: its meshes, skins, materials
and nodes stay as they are, and its animations give way to one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import normalise, quat_conjugate, quat_continuous, quat_multiply, quat_to_matrix
from dimo.errors import RequestError
from dimo.formats.axes import from_y
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.gltf_file import MAX_BYTES, Document, beside
from dimo.formats.gltf_nodes import Nodes, split, topmost_first
from dimo.formats.gltf_pack import add_values, add_view, pack
from dimo.formats.gltf_prune import without_animations

STILL = 1e-6
"""Of a rotation, and of a place as a share of the body's size: less is no movement."""

BY = "dimo"
"""In the extras of an animation of ours, with its rate."""


@dataclass(frozen=True, eq=False)
class GltfSource:
    """A document, its nodes, and per joint of the motion its node and its node's world orientation at rest (J, 4)."""

    document: Document
    path: Path
    nodes: Nodes
    names: tuple[str, ...]
    at: tuple[int, ...]
    rest: np.ndarray
    unit: float = 1.0
    up: str = "y"
    root_only: bool = False

    def settled(self, motion: Motion, unit: float, up: str, rest: bool) -> GltfSource | None:
        """With what was decided of it, for the joints that the motion has; None where one of them is not the file's."""
        index = {name: i for i, name in enumerate(self.names)}
        if any(name not in index for name in motion.skeleton.names):
            return None
        order = [index[name] for name in motion.skeleton.names]
        return replace(
            self,
            names=motion.skeleton.names,
            at=tuple(self.at[i] for i in order),
            rest=self.rest[order],
            unit=unit,
            up=up,
            root_only=rest,
        )

    def write(self, motion: Motion, path: str | Path) -> Path:
        """Write the file with a motion of its body as its only animation, as GLB."""
        document, buffers = without_animations(self.document.json, list(self.document.buffers))
        data = bytearray()
        starts = []
        for buffer in buffers:
            data.extend(b"\0" * (-len(data) % 4))
            starts.append(len(data))
            data.extend(buffer)
        for view in document.get("bufferViews", []):
            view["byteOffset"] = view.get("byteOffset", 0) + starts[view["buffer"]]
            view["buffer"] = 0
        self._embed_images(document, data)
        self._animate(document, data, motion)
        document["buffers"] = [{"byteLength": len(data)}]
        with write_atomically(path) as temporary:
            temporary.write_bytes(pack(document, bytes(data)))
        return Path(path)

    def _embed_images(self, document: dict[str, Any], data: bytearray) -> None:
        """Pictures that lie beside a .gltf, put into the buffer."""
        for image in document.get("images", []):
            uri = image.get("uri")
            if not isinstance(uri, str) or uri.startswith("data:"):
                continue
            content = read_bytes(beside(self.path, uri), MAX_BYTES)
            del image["uri"]
            image["bufferView"] = add_view(document, data, content)
            png = content[:8] == b"\x89PNG\r\n\x1a\n"
            image.setdefault("mimeType", "image/png" if png else "image/jpeg")

    def _animate(self, document: dict[str, Any], data: bytearray, motion: Motion) -> None:
        animation: dict[str, Any] = {
            "name": motion.name, "samplers": [], "channels": [], "extras": {"by": BY, "fps": motion.fps}
        }  # fmt: skip
        times = add_values(document, data, np.arange(len(motion))[:, None] / motion.fps, "SCALAR", bounds=True)
        start = times if len(motion) == 1 else add_values(document, data, np.zeros((1, 1)), "SCALAR", bounds=True)
        for node, what, values in self._tracks(motion):
            still = np.abs(values - values[0]).max() <= STILL
            entry = document["nodes"][node]
            if "matrix" in entry:  # which glTF does not allow beside an animation
                del entry["matrix"]
                entry.update({k: [float(x) for x in v] for k, v in self.nodes.rest[node].items()})
            values = values[:1] if still else values
            output = add_values(document, data, values, "VEC4" if what == "rotation" else "VEC3")
            animation["samplers"].append(
                {"input": start if still else times, "output": output, "interpolation": "LINEAR"}
            )
            target = {"node": node, "path": what}
            animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})
        document["animations"] = [animation]

    def _tracks(self, motion: Motion) -> list[tuple[int, str, np.ndarray]]:
        """Per node what moves or differs from how it stands in the file: (F, 3) translations, (F, 4) rotations, w last."""
        skeleton, places, rotations = from_y(
            motion.skeleton, {0: motion.root}, motion.rotations, self.up, root_only=self.root_only
        )
        turned = replace(motion, skeleton=skeleton, root=places[0], rotations=normalise(rotations))
        targets = turned.joints() / self.unit
        turns = quat_multiply(turned.global_rotations(), self.rest)
        joint = {n: j for j, n in enumerate(self.at)}
        size = float(np.ptp(targets[0], axis=0).max()) or 1.0
        worlds: dict[int, tuple[np.ndarray, np.ndarray]] = {-1: (np.eye(3)[None], np.zeros((1, 3)))}
        tracks = []
        for n in topmost_first(self.nodes, list(self.at)):
            above, origin = worlds[self.nodes.parents[n]]
            own = self.nodes.rest[n]
            scale = own["scale"][None, None, :]
            if n not in joint:
                turn = quat_to_matrix(np.roll(normalise(own["rotation"]), 1))[None]
                worlds[n] = above @ (turn * scale), origin + (above @ own["translation"][:, None])[..., 0]
                continue
            j = joint[n]
            local = quat_continuous(quat_multiply(quat_conjugate(split(above)[0]), turns[:, j]))
            offset = np.linalg.solve(above, (targets[:, j] - origin)[..., None])[..., 0]
            # A place as it is in the file needs no track; what is away from it by less than rounding is as it is.
            reach = np.linalg.norm(above, axis=1).max()
            if np.abs(offset - own["translation"]).max() * reach > STILL * size:
                tracks.append((n, "translation", offset))
            else:
                offset = own["translation"][None]
            rotation = np.roll(local, -1, axis=-1)
            rest = normalise(own["rotation"])
            if np.abs(rotation - rest * np.sign(rotation @ rest)[:, None]).max() > STILL:
                tracks.append((n, "rotation", rotation))
            worlds[n] = above @ (quat_to_matrix(local) * scale), origin + (above @ offset[..., None])[..., 0]
        if not tracks:
            raise RequestError(f"the motion leaves the body of {self.path} as it stands")
        return tracks
