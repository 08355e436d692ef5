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
from dimo.errors import DimoError, FormatError, RequestError
from dimo.formats.axes import from_y
from dimo.formats.files import read_bytes, write_atomically
from dimo.formats.gltf_file import MAX_BYTES, Document, beside
from dimo.formats.gltf_nodes import Nodes, rest_world, split, topmost_first, world
from dimo.formats.gltf_pack import add_values, add_view, pack
from dimo.formats.gltf_prune import without_animations
from dimo.formats.gltf_root import topmost_bone, with_root
from dimo.formats.writing import Clip, has_ground_root, is_under, pelvis_of, with_ground_root

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

    def write(self, motion: Motion, path: str | Path, *, root_bone: bool = False) -> Path:
        """Write the file with a motion of its body as its only animation, as GLB; FormatError for a part of it that is damaged.

        root_bone: path and heading are on its own root bone, or on a new one above all others.
        """
        try:
            content = self._content(motion, root_bone)
        except DimoError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:  # of what reading had no need of
            what = f"{type(error).__name__}: {error}"
            raise FormatError(f"its glTF is not as the specification has it ({what[:120]})", path=self.path) from None
        with write_atomically(path) as temporary:
            temporary.write_bytes(content)
        return Path(path)

    def _content(self, motion: Motion, root_bone: bool) -> bytes:
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
        source, clip = self._rooted(document, data, motion) if root_bone else (self, Clip.of(motion))
        source._animate(document, data, clip)
        document["buffers"] = [{"byteLength": len(data)}]
        return pack(document, bytes(data))

    def _rooted(self, document: dict[str, Any], data: bytearray, motion: Motion) -> tuple[GltfSource, Clip]:
        """The motion below a ground root, and this source with the node of it as its first joint."""
        top = topmost_bone(document, self.nodes, self.at[0])
        if top == self.at[0]:
            found = has_ground_root(motion.skeleton)
            if found:
                return self, Clip.of(motion, root_bone=True)
        else:  # the file has bones above those that the motion moves
            pelvis = self.at[pelvis_of(motion.skeleton)]
            (ends,) = world(self.nodes, {}, [top, pelvis], np.zeros(1))[0] * self.unit
            found = is_under(motion.skeleton, float(np.linalg.norm(ends[1] - ends[0])))
        nodes, node = (self.nodes, top) if found else with_root(document, data, self.document, self.nodes, top)
        at, rest = (node, *self.at), np.concatenate([rest_world(nodes, [node]), self.rest])
        return replace(self, nodes=nodes, at=at, rest=rest), with_ground_root(motion, own=False)

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

    def _animate(self, document: dict[str, Any], data: bytearray, clip: Clip) -> None:
        animation: dict[str, Any] = {
            "name": clip.name, "samplers": [], "channels": [], "extras": {"by": BY, "fps": clip.fps}
        }  # fmt: skip
        times = add_values(document, data, np.arange(len(clip))[:, None] / clip.fps, "SCALAR", bounds=True)
        start = times if len(clip) == 1 else add_values(document, data, np.zeros((1, 1)), "SCALAR", bounds=True)
        for node, what, values in self._tracks(clip):
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

    def _tracks(self, clip: Clip) -> list[tuple[int, str, np.ndarray]]:
        """Per node what moves or differs from how it stands in the file: (F, 3) translations, (F, 4) rotations, w last."""
        skeleton, places, rotations = from_y(
            clip.skeleton, clip.places, clip.rotations, self.up, root_only=self.root_only
        )
        targets, turns = replace(clip, skeleton=skeleton, places=places, rotations=normalise(rotations)).worlds()
        targets, turns = targets / self.unit, quat_multiply(turns, self.rest)
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
