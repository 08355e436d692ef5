"""The nodes of a glTF document: which of them are the joints of a body, and where they are over time.

Every transform counts: of nodes above the skeleton (Blender's and Mixamo's "Armature" of scale 0.01), of nodes between
joints, and of every track of translation, rotation and scale, stepped, linear or cubic (glTF 2.0, appendix C).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dimo.body.rotation import matrix_to_quat, normalise, quat_to_matrix, slerp
from dimo.formats.gltf_file import Damaged, Document

PATHS = {"translation": 3, "rotation": 4, "scale": 3}
DEFAULTS = {"translation": (0.0, 0.0, 0.0), "rotation": (0.0, 0.0, 0.0, 1.0), "scale": (1.0, 1.0, 1.0)}
CHUNK = 400_000
"""Matrices that are held at once."""

Track = tuple[np.ndarray, np.ndarray, str]
"""Key times (K,), values (K, W) or for CUBICSPLINE (K, 3, W), and the interpolation."""


@dataclass(frozen=True)
class Nodes:
    """The tree of nodes: parents (-1 at the top), names, and each node's own translation, rotation (x, y, z, w) and scale."""

    parents: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    rest: tuple[dict[str, np.ndarray], ...]
    drawn: frozenset[int]  # with a mesh or a camera, which are no joints of their own

    def above(self, n: int) -> Iterator[int]:
        """A node and all above it."""
        while n >= 0:
            yield n
            n = self.parents[n]


def read_nodes(document: Document) -> Nodes:
    """The nodes of a document; Damaged when they are linked in a circle or to nowhere."""
    entries = document.list("nodes")
    parents = [-1] * len(entries)
    children: list[tuple[int, ...]] = []
    for i, entry in enumerate(entries):
        own = entry.get("children", [])
        if not isinstance(own, list):
            raise Damaged(f"the children of node {i} are no array")
        for child in own:
            document.item("nodes", child)
            if parents[child] != -1 or child == i:
                raise Damaged(f"node {child} hangs from two nodes, or its joints are linked in a circle")
            parents[child] = i
        children.append(tuple(own))
    seen = set()
    for i in range(len(entries)):
        way = []
        while i >= 0 and i not in seen:
            if i in way:
                raise Damaged("its joints are linked in a circle")
            way.append(i)
            i = parents[i]
        seen.update(way)
    names = tuple(str(e["name"]) if e.get("name") else f"node_{i}" for i, e in enumerate(entries))
    drawn = frozenset(i for i, e in enumerate(entries) if {"mesh", "camera"} & e.keys())
    return Nodes(tuple(parents), tuple(children), names, tuple(_transform(e, i) for i, e in enumerate(entries)), drawn)


def _transform(entry: dict[str, Any], index: int) -> dict[str, np.ndarray]:
    """Translation, rotation and scale of a node; a matrix is taken apart."""
    try:
        if "matrix" in entry:
            m = np.array(entry["matrix"], float).reshape(4, 4).T
            turn, scale = split(m[:3, :3])
            x, y, z, w = np.roll(turn, -1)
            out = {"translation": m[:3, 3], "rotation": np.array([x, y, z, w]), "scale": scale}
        else:
            out = {p: np.array(entry.get(p, DEFAULTS[p]), float).reshape(w) for p, w in PATHS.items()}
    except (ValueError, TypeError):
        raise Damaged(f"the transform of node {index} is none") from None
    if not all(np.isfinite(v).all() and np.abs(v).max() < 1e12 for v in out.values()):
        raise Damaged(f"the transform of node {index} is no finite one")
    return out


def split(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rotation (..., 4), w first, nearest to a matrix (..., 3, 3), and its scale along the columns (..., 3).

    Where the columns stand at right angles that is their directions, else the polar decomposition. A mirrored
    matrix gives the rotation of the one that is mirrored along x.
    """
    m = np.asarray(m, float)
    flip = np.ones(m.shape[:-1])
    flip[..., 0] = np.where(np.linalg.det(m) < 0, -1.0, 1.0)
    m = m * flip[..., None, :]
    lengths = np.linalg.norm(m, axis=-2)
    r = m / np.maximum(lengths, 1e-12)[..., None, :]
    sheared = np.abs(np.swapaxes(r, -1, -2) @ r - np.eye(3)).max((-1, -2)) > 1e-5
    if sheared.any():
        u, _, vt = np.linalg.svd(m[sheared])
        u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
        r[sheared] = u @ vt
    return matrix_to_quat(r), lengths * flip


# ---- tracks


def read_tracks(document: Document, animation: dict[str, Any]) -> dict[tuple[int, str], Track]:
    """Tracks by node and path. Weights of morphs, and pointers to other things, are left out."""
    samplers, tracks = animation.get("samplers", []), {}
    channels = animation.get("channels", [])
    if not isinstance(samplers, list) or not isinstance(channels, list):
        raise Damaged("an animation has no channels and samplers")
    arrays: dict[int, np.ndarray] = {}

    def array(index: Any) -> np.ndarray:
        if index not in arrays:
            arrays[index] = document.array(index)
        return arrays[index]

    for channel in channels:
        target, at = channel.get("target", {}), channel.get("sampler")
        node, path = target.get("node"), target.get("path")
        if path not in PATHS or node is None:
            continue
        document.item("nodes", node)
        if not isinstance(at, int) or not 0 <= at < len(samplers):
            raise Damaged(f"there is no sampler {str(at)[:20]}")
        sampler = samplers[at]
        kind = sampler.get("interpolation", "LINEAR")
        times, values = array(sampler.get("input"))[:, 0], array(sampler.get("output"))
        if kind not in ("LINEAR", "STEP", "CUBICSPLINE"):
            raise Damaged(f"the interpolation {str(kind)[:20]!r} is unknown")
        if values.shape != (len(times) * (3 if kind == "CUBICSPLINE" else 1), PATHS[path]):
            raise Damaged(f"the {path} of node {node} has {len(values)} values for {len(times)} keys")
        if (np.diff(times) <= 0).any() or times[0] < -1e6 or times[-1] > 1e7:
            raise Damaged(f"the key times of node {node} do not rise")
        if np.abs(values).max() > 1e12:
            raise Damaged(f"the {path} of node {node} is beyond belief")
        tracks[node, path] = (times, values.reshape(len(times), 3, -1) if kind == "CUBICSPLINE" else values, kind)
    return tracks


def sample(track: Track, times: np.ndarray, turn: bool) -> np.ndarray:
    """A track at times (F,), held before its first key and after its last; turn: its values are rotations (x, y, z, w)."""
    keys, values, kind = track
    if len(keys) == 1:
        only = values[0, 1] if kind == "CUBICSPLINE" else values[0]
        return np.broadcast_to(normalise(only) if turn else only, (len(times), len(only)))
    low = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    span = keys[low + 1] - keys[low]
    t = np.clip((times - keys[low]) / span, 0, 1)
    # Times that are keys but for rounding are that key, so that what was sampled comes back as it was.
    t = np.where(np.abs(t - np.round(t)) < 1e-3, np.round(t), t)[:, None]
    if kind == "CUBICSPLINE":
        a, out_a, in_b, b = values[low, 1], values[low, 2], values[low + 1, 0], values[low + 1, 1]
        dt = span[:, None]
        out = (
            (2 * t**3 - 3 * t**2 + 1) * a
            + dt * (t**3 - 2 * t**2 + t) * out_a
            + (-2 * t**3 + 3 * t**2) * b
            + dt * (t**3 - t**2) * in_b
        )
        return normalise(out) if turn else out
    if kind == "STEP":
        t = np.floor(t)
    if turn:
        return slerp(normalise(values[low]), normalise(values[low + 1]), t[:, 0])
    return values[low] * (1 - t) + values[low + 1] * t


# ---- worlds


def world(
    nodes: Nodes, tracks: dict[tuple[int, str], Track], joints: list[int], times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places (F, J, 3) and orientations (F, J, 4), w first, of joints at times (F,); scale is in the places only."""
    needed = topmost_first(nodes, joints)
    places, turns = np.empty((len(times), len(joints), 3)), np.empty((len(times), len(joints), 4))
    step = max(16, CHUNK // max(len(needed), 1))
    for start in range(0, len(times), step):
        part = times[start : start + step]
        at: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for n in needed:
            at[n] = _placed(_local(nodes, tracks, n, part), at.get(nodes.parents[n]))
        for j, n in enumerate(joints):
            m, p = at[n]
            places[start : start + step, j] = p
            turns[start : start + step, j] = split(m)[0]
    return places, turns


def rest_world(nodes: Nodes, joints: list[int]) -> np.ndarray:
    """Orientations (J, 4), w first, of joints by the nodes' own transforms."""
    return world(nodes, {}, joints, np.zeros(1))[1][0]


def topmost_first(nodes: Nodes, joints: list[int]) -> list[int]:
    """Joints and all nodes above them, parents before children."""
    needed: dict[int, None] = {}
    for n in joints:
        for k in reversed(list(nodes.above(n))):
            needed.setdefault(k)
    return list(needed)


def _local(
    nodes: Nodes, tracks: dict[tuple[int, str], Track], n: int, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (F or 1, 3, 3) and place (F or 1, 3) of a node in its parent."""
    value: Callable[[str], np.ndarray] = lambda path: (  # noqa: E731
        sample(tracks[n, path], times, path == "rotation") if (n, path) in tracks else nodes.rest[n][path][None]
    )
    turn = quat_to_matrix(np.roll(normalise(value("rotation")), 1, axis=-1))
    return turn * value("scale")[:, None, :], value("translation")


def _placed(
    local: tuple[np.ndarray, np.ndarray], above: tuple[np.ndarray, np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray]:
    if above is None:
        return local
    m, p = above
    return m @ local[0], p + (m @ local[1][..., None])[..., 0]
