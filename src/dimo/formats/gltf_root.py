"""The node of a character that carries its way over the ground: its own root bone, or a new one above all its bones.

A new one is a joint of the skin too, the last one, so that engines take it for a bone and what says which vertex follows
which joint stays right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dimo.body.rotation import normalise, quat_to_matrix
from dimo.formats.gltf_file import Document
from dimo.formats.gltf_nodes import DEFAULTS, Nodes
from dimo.formats.gltf_pack import add_values
from dimo.formats.rigid import unique


def topmost_bone(document: dict[str, Any], nodes: Nodes, bone: int) -> int:
    """The highest node above a bone that is a joint of a skin, or the bone itself."""
    joints = {n for skin in document.get("skins", []) for n in skin["joints"]}
    return next((n for n in reversed([*nodes.above(bone)]) if n in joints), bone)


def with_root(document: dict[str, Any], data: bytearray, before: Document, nodes: Nodes, top: int) -> tuple[Nodes, int]:
    """Put a node between `top` and what it hangs from, where that stands, so that nothing moves at rest; and its index.

    document is changed; before: the one that it is a copy of, whose matrices can be read.
    """
    node, above = len(nodes.parents), nodes.parents[top]
    name = unique([*nodes.names, "root"])[-1]
    document["nodes"].append({"name": name, "children": [top]})
    holders = [document["nodes"][above]["children"]] if above >= 0 else [
        s["nodes"] for s in document.get("scenes", []) if "nodes" in s
    ]  # fmt: skip
    for holder in holders:
        holder[:] = [node if n == top else n for n in holder]
    for index, skin in enumerate(document.get("skins", [])):
        if top in skin["joints"]:
            _add_joint(document, data, before, index, nodes, top, node)
    parents, children = [*nodes.parents, above], [*nodes.children, (top,)]
    parents[top] = node
    if above >= 0:
        children[above] = tuple(node if n == top else n for n in children[above])
    still = {path: np.array(value) for path, value in DEFAULTS.items()}
    return replace(
        nodes,
        parents=tuple(parents),
        children=tuple(children),
        names=(*nodes.names, name),
        rest=(*nodes.rest, still),
    ), node


def _add_joint(
    document: dict[str, Any], data: bytearray, before: Document, index: int, nodes: Nodes, top: int, node: int
) -> None:
    """The node as the last joint of a skin. Where `top` was bound with W = R L, the node above it was with R = W L^-1."""
    skin = document["skins"][index]
    if "inverseBindMatrices" in skin:
        matrices = before.array(before.item("skins", index)["inverseBindMatrices"])[: len(skin["joints"])]
        bound = matrices[skin["joints"].index(top)].reshape(4, 4).T  # W^-1; columns are stored one after another
        own, local = nodes.rest[top], np.eye(4)
        local[:3, :3] = quat_to_matrix(np.roll(normalise(own["rotation"]), 1)) * own["scale"]
        local[:3, 3] = own["translation"]
        matrices = np.concatenate([matrices, (local @ bound).T.reshape(1, 16)])
        skin["inverseBindMatrices"] = add_values(document, data, matrices, "MAT4")
    skin["joints"].append(node)
    if skin.get("skeleton") == top:
        skin["skeleton"] = node
