"""Building glTF: values added to the one buffer of a document, and both packed into a GLB file."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from dimo.formats.gltf_file import FLOAT, SIZES


def add_view(document: dict[str, Any], data: bytearray, content: bytes) -> int:
    """Add bytes to the only buffer; the index of their bufferView."""
    data.extend(b"\0" * (-len(data) % 4))
    views = document.setdefault("bufferViews", [])
    views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content)})
    data.extend(content)
    return len(views) - 1


def add_values(
    document: dict[str, Any], data: bytearray, values: np.ndarray, kind: str, *, bounds: bool = False
) -> int:
    """Add an accessor of 32-bit floats (N, W); bounds: with the smallest and largest, as key times need. Its index."""
    array = np.ascontiguousarray(values, "<f4").reshape(len(values), SIZES[kind])
    accessor: dict[str, Any] = {
        "bufferView": add_view(document, data, array.tobytes()), "componentType": FLOAT, "count": len(array), "type": kind
    }  # fmt: skip
    if bounds:
        accessor["min"], accessor["max"] = array.min(0).astype(float).tolist(), array.max(0).astype(float).tolist()
    document.setdefault("accessors", []).append(accessor)
    return len(document["accessors"]) - 1


def pack(document: dict[str, Any], data: bytes) -> bytes:
    """A GLB file of a JSON document and its one buffer (glTF 2.0, section 4.4)."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    head = struct.pack("<4sIII4s", b"glTF", 2, 28 + len(text) + len(data), len(text), b"JSON")
    return head + text + struct.pack("<I4s", len(data), b"BIN\0") + data
