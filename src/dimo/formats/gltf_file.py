"""The container of glTF 2.0: .glb in one file, or .gltf with its buffers as data URIs or files beside it, and accessors."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from dimo.errors import FormatError
from dimo.formats.files import read_bytes

MAX_BYTES = 512 * 2**20
MAX_VALUES = 64_000_000
MAX_ZEROS = 1_000_000
"""Entries of an accessor without a bufferView, which are zeros by the specification."""

FLOAT, UINT, USHORT, SHORT, UBYTE, BYTE = 5126, 5125, 5123, 5122, 5121, 5120
DTYPES = {FLOAT: "<f4", UINT: "<u4", USHORT: "<u2", SHORT: "<i2", UBYTE: "u1", BYTE: "i1"}
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
UNREADABLE = ("EXT_meshopt_compression", "KHR_meshopt_compression")
"""Extensions that pack animation data in a way that is not read here."""


class Damaged(ValueError):
    """Something in the document points where nothing is; the message says what."""


@dataclass(frozen=True)
class Document:
    """The JSON of a file and the bytes of its buffers."""

    json: dict[str, Any]
    buffers: tuple[bytes, ...]

    def list(self, key: str) -> list[dict[str, Any]]:
        """A top-level array of objects, empty where there is none; Damaged when it is something else."""
        value = self.json.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise Damaged(f"{key} is no array of objects")
        return value

    def item(self, key: str, index: Any) -> dict[str, Any]:
        """An entry of a top-level array; Damaged when there is no such entry."""
        values = self.list(key)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(values):
            raise Damaged(f"there is no entry {str(index)[:20]} in {key}")
        return values[index]

    def array(self, index: Any) -> np.ndarray:
        """The values (N, W) of an accessor as float64: strided, sparse, and normalised integers too."""
        accessor = self.item("accessors", index)
        kind, count = accessor.get("componentType"), accessor.get("count")
        width = SIZES.get(str(accessor.get("type")))
        if kind not in DTYPES or width is None or not isinstance(count, int) or not 0 < count * width <= MAX_VALUES:
            raise Damaged(f"accessor {index} has no readable type or size")
        if "bufferView" not in accessor and count > MAX_ZEROS:
            raise Damaged(f"accessor {index} claims {count:,} values and has none")
        values = np.zeros((count if "bufferView" not in accessor else 0, width), DTYPES[kind])
        if "bufferView" in accessor:
            start = _whole(accessor.get("byteOffset", 0))
            values = self._read(accessor["bufferView"], start, DTYPES[kind], count, width)
        if "sparse" in accessor:
            values = self._sparse(accessor["sparse"], values, kind)
        with np.errstate(invalid="ignore"):  # of NaNs that signal, which are refused below
            out = values.astype(np.float64)
        if accessor.get("normalized") and kind != FLOAT:
            out = np.maximum(out / np.iinfo(DTYPES[kind]).max, -1.0)
        if not np.isfinite(out).all():
            raise Damaged(f"accessor {index} holds a value that is not a finite number")
        return out

    def _read(self, view_index: Any, offset: int, dtype: str, count: int, width: int) -> np.ndarray:
        view = self.item("bufferViews", view_index)
        buffer = _whole(view.get("buffer"))
        if buffer >= len(self.buffers):
            raise Damaged(f"there is no buffer {buffer}")
        data, size = self.buffers[buffer], np.dtype(dtype).itemsize * width
        start, stride = _whole(view.get("byteOffset", 0)) + offset, _whole(view.get("byteStride", size)) or size
        if stride < size or start + stride * (count - 1) + size > len(data):
            raise Damaged(f"bufferView {view_index} is shorter than what lies in it")
        rows = np.ndarray((count, width), dtype, data, start, (stride, np.dtype(dtype).itemsize))
        return rows.copy()

    def _sparse(self, sparse: dict[str, Any], values: np.ndarray, kind: int) -> np.ndarray:
        count, where, what = _whole(sparse.get("count")), sparse.get("indices", {}), sparse.get("values", {})
        if not 0 < count <= len(values) or where.get("componentType") not in (UBYTE, USHORT, UINT):
            raise Damaged("a sparse accessor has no readable indices")
        offset = _whole(where.get("byteOffset", 0))
        at = self._read(where.get("bufferView"), offset, DTYPES[where["componentType"]], count, 1)[:, 0]
        if at.max() >= len(values):
            raise Damaged("a sparse accessor writes beyond its end")
        offset = _whole(what.get("byteOffset", 0))
        values[at] = self._read(what.get("bufferView"), offset, DTYPES[kind], count, values.shape[1])
        return values


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**40:
        raise Damaged(f"{str(value)[:20]!r} is no offset or count")
    return value


def open_document(path: str | Path) -> Document:
    """Read a .glb or .gltf with all its buffers. FormatError when it is neither, or a buffer is missing."""
    data = read_bytes(path, MAX_BYTES)
    binary: bytes | None = None
    if data[:4] == b"glTF":
        text, binary = _chunks(data, path)
    elif Path(path).suffix.lower() == ".gltf":
        text = data
    else:
        raise FormatError("not a GLB file: it does not begin with 'glTF'", path=path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"its JSON part cannot be read ({error})", path=path) from None
    if not isinstance(document, dict):
        raise FormatError("its JSON part is no glTF document", path=path)
    packed = [e for e in UNREADABLE if e in (document.get("extensionsRequired") or [])]
    if packed:
        raise FormatError(f"it is packed by {packed[0]}; export it again without compression", path=path)
    try:
        buffers = tuple(
            _buffer(entry, i, binary, Path(path)) for i, entry in enumerate(Document(document, ()).list("buffers"))
        )
    except Damaged as error:
        raise FormatError(f"its glTF is damaged: {error}", path=path) from None
    return Document(document, buffers)


def _chunks(data: bytes, path: str | Path) -> tuple[bytes, bytes]:
    """The JSON and the binary chunk of a GLB file (glTF 2.0, section 4.4)."""
    if len(data) < 20:
        raise FormatError("a cut off GLB file", path=path)
    version, total, size, kind = struct.unpack("<IIII", data[4:20])
    if version != 2 or total > len(data) or kind != 0x4E4F534A or 20 + size > len(data):
        raise FormatError("a damaged or cut off GLB file, or not of version 2", path=path)
    rest = data[20 + size :]
    binary = rest[8 : 8 + struct.unpack("<I", rest[:4])[0]] if len(rest) >= 8 else b""
    return data[20 : 20 + size], binary


def _buffer(entry: dict[str, Any], index: int, binary: bytes | None, path: Path) -> bytes:
    uri = entry.get("uri")
    if uri is None:
        if binary is None or index > 0:
            raise Damaged(f"buffer {index} has no uri")
        return binary
    if not isinstance(uri, str):
        raise Damaged(f"the uri of buffer {index} is no text")
    if uri.startswith("data:"):
        head, _, payload = uri.partition(",")
        try:
            return (
                base64.b64decode(payload, validate=True)
                if head.endswith(";base64")
                else unquote(payload).encode("latin-1")
            )
        except (binascii.Error, UnicodeEncodeError):
            raise Damaged(f"the data uri of buffer {index} is damaged") from None
    return read_bytes(beside(path, uri), MAX_BYTES)


def beside(path: Path, uri: str) -> Path:
    """The file that a relative uri names, in the folder of `path` or below it; FormatError for anywhere else."""
    name = unquote(uri)
    target = path.parent / name
    folder = path.parent.resolve()
    inside = ":" not in name.split("/")[0] and "\0" not in name and not Path(name).is_absolute() and "\\" not in name
    if not inside or not target.resolve().is_relative_to(folder):
        raise FormatError(f"it asks for the file {name[:80]!r}, which is not in its own folder", path=path)
    return target
