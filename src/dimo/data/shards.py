"""Prepared clips as Parquet files, one row a clip.

Joints are float32: in half precision a root 8 m away would move in steps of 8 mm. Zstandard halves the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dimo.data.records import Caption, Clip
from dimo.errors import DimoError, FormatError
from dimo.formats.files import write_atomically

MANIFEST = "manifest.json"
TEXT_FIELDS = ("id", "split", "recording", "source", "licence", "label", "style", "provenance")
FLAGS = ("mirrored", "composite")
NUMBERS = ("fps", "repeats")


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DimoError("prepared data needs pyarrow: pip install 'dimo[train]'") from None
    return pyarrow


def write(path: Path, clips: Iterable[Clip]) -> int:
    """Write clips to one Parquet file; returns how many."""
    pa = _arrow()
    clips = list(clips)
    columns: dict[str, Any] = {name: [getattr(c, name) for c in clips] for name in (*TEXT_FIELDS, *FLAGS)}
    columns |= {name: [float(getattr(c, name)) for c in clips] for name in NUMBERS}
    columns["frames"] = [len(c.joints) for c in clips]
    columns["joints"] = pa.array([np.asarray(c.joints, np.float32).ravel() for c in clips], pa.list_(pa.float32()))
    caption = pa.struct([("text", pa.string()), ("kind", pa.string())])
    columns["captions"] = pa.array(
        [[{"text": t.text, "kind": t.kind} for t in c.captions] for c in clips], pa.list_(caption)
    )
    with write_atomically(path) as temporary:
        pa.parquet.write_table(pa.table(columns), temporary, compression="zstd")
    return len(clips)


def files(folder: Path) -> list[Path]:
    """The shards of a prepared folder in order; FormatError when it is not one."""
    if not folder.is_dir():
        raise FormatError("no such folder of prepared data; dimo prepare writes one", path=folder)
    # Names that begin with a dot are files half written by a preparation that is still running.
    found = sorted(p for p in folder.glob("*.parquet") if not p.name.startswith("."))
    if not found:
        raise FormatError("holds no .parquet shards; dimo prepare writes them", path=folder)
    return found


def read(folder: Path, split: str | None = None) -> Iterator[Clip]:
    """Clips of a prepared folder, of one split or all, shard by shard."""
    pa = _arrow()
    for path in files(folder):
        try:
            filters = None if split is None else [("split", "=", split)]
            table = pa.parquet.read_table(path, filters=filters)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise FormatError(f"not a readable shard ({str(error).splitlines()[0]})", path=path) from None
        missing = {*TEXT_FIELDS, *FLAGS, *NUMBERS, "frames", "joints", "captions"} - set(table.column_names)
        if missing:
            raise FormatError(f"the shard lacks the column {min(missing)!r}", path=path)
        joints = table.column("joints")
        rows = table.drop_columns(["joints"]).to_pylist()
        for i, row in enumerate(rows):
            values = joints[i].values.to_numpy(zero_copy_only=False).reshape(row["frames"], -1, 3)
            captions = tuple(Caption(c["text"], c["kind"]) for c in row["captions"])
            fields = {name: row[name] for name in (*TEXT_FIELDS, *FLAGS, *NUMBERS)}
            yield Clip(joints=values, captions=captions, **fields)


def write_manifest(folder: Path, data: dict[str, Any]) -> None:
    """Counts, settings and versions beside the shards."""
    with write_atomically(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
