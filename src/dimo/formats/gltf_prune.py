"""A glTF document without its animations, and without the data that only they used."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

KNOWN = (
    "KHR_materials_",
    "KHR_texture_",
    "KHR_lights_punctual",
    "KHR_draco_",
    "KHR_mesh_quantization",
    "EXT_texture_",
    "VRM",
)
"""Beginnings of extensions that point to no accessor, or to views only by the key "bufferView"."""


def without_animations(document: dict[str, Any], buffers: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """A copy of the document without animations, and its buffers.

    With extensions that are not known here, which may point to data in ways of their own, no data is taken out.
    """
    out = copy.deepcopy(document)
    used = _used_by_animations(out)
    out.pop("animations", None)
    if not used or not all(str(e).startswith(KNOWN) for e in out.get("extensionsUsed", [])):
        return out, buffers
    used -= {holder[key] for holder, key in _accessor_places(out)}
    accessors, views = out.get("accessors", []), out.get("bufferViews", [])
    number = _renumbered(len(accessors), used)
    for holder, key in _accessor_places(out):
        holder[key] = number[holder[key]]
    out["accessors"] = [a for i, a in enumerate(accessors) if i not in used]
    places = [*_view_places(out)]
    kept = {holder[key] for holder, key in places}
    number = _renumbered(len(views), set(range(len(views))) - kept)
    for holder, key in places:
        holder[key] = number[holder[key]]
    return _packed(out, [view for i, view in enumerate(views) if i in kept], buffers)


def _used_by_animations(document: dict[str, Any]) -> set[int]:
    used: set[int] = set()
    for animation in document.get("animations", []):
        for sampler in animation.get("samplers", []):
            used |= {sampler[key] for key in ("input", "output") if isinstance(sampler.get(key), int)}
    return used


def _renumbered(count: int, gone: set[int]) -> dict[int, int]:
    return {old: new for new, old in enumerate(i for i in range(count) if i not in gone)}


def _accessor_places(document: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Every object and key that names an accessor."""
    for mesh in document.get("meshes", []):
        for primitive in mesh.get("primitives", []):
            if "indices" in primitive:
                yield primitive, "indices"
            for attributes in (primitive.get("attributes", {}), *primitive.get("targets", [])):
                yield from ((attributes, key) for key in attributes)
    for skin in document.get("skins", []):
        if "inverseBindMatrices" in skin:
            yield skin, "inverseBindMatrices"


def _view_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every object, at any depth, with a key "bufferView"."""
    if isinstance(value, dict):
        if isinstance(value.get("bufferView"), int):
            yield value, "bufferView"
        for item in value.values():
            yield from _view_places(item)
    elif isinstance(value, list):
        for item in value:
            yield from _view_places(item)


def _packed(
    document: dict[str, Any], views: list[dict[str, Any]], buffers: list[bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    """The document with these views, and one buffer that holds just them."""
    data = bytearray()
    moved: dict[tuple[int, int, int], int] = {}
    for view in views:
        start, length = view.get("byteOffset", 0), view["byteLength"]
        key = (view["buffer"], start, length)
        if key not in moved:
            data.extend(b"\0" * (-len(data) % 8))
            moved[key] = len(data)
            data.extend(buffers[view["buffer"]][start : start + length])
        view["buffer"], view["byteOffset"] = 0, moved[key]
    document["bufferViews"] = views
    return document, [bytes(data)]
