"""The project's own pack: index.jsonl, captions.jsonl, and archives, packed (.tar.xz) or unpacked in folders of their name."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from dimo.data.records import Job
from dimo.errors import FormatError


def is_pack(folder: Path) -> bool:
    return (folder / "index.jsonl").is_file() and (folder / "captions.jsonl").is_file()


def jobs(folder: Path, unpacked: Path) -> list[Job]:
    """One job per row of the index. Archives that are not unpacked beside the index are unpacked into `unpacked` once."""
    captions = {row["id"]: tuple(row["captions"]) for row in rows(folder / "captions.jsonl", ("id", "captions"))}
    out = []
    places: dict[str, Path] = {}
    for row in rows(folder / "index.jsonl", ("id", "archive", "path", "fps", "split")):
        if row["archive"] not in places:
            places[row["archive"]] = _place(folder, row["archive"], unpacked)
        place = places[row["archive"]]
        out.append(
            Job(
                id=row["id"],
                path=place / row["path"],
                captions=captions.get(row["id"], ()),
                asf=place / row["skeleton"] if row.get("skeleton") else None,
                fps=float(row["fps"]) if row.get("skeleton") else None,
                split=row["split"],
                recording=row.get("recording") or row["id"],
                source=row.get("source") or "",
                licence=row.get("licence") or "",
                label=row.get("content") or "",
                style=row.get("style") or "",
            )
        )
    return out


def rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; FormatError names a line that is none or lacks a key."""
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise FormatError("not a JSON object", path=path, line=number)
        if missing := [k for k in needed if k not in row]:
            raise FormatError(f"the key {missing[0]!r} is missing", path=path, line=number)
        out.append(row)
    return out


def _place(folder: Path, archive: str, unpacked: Path) -> Path:
    name = archive.split(".")[0]
    for place in (folder / name, unpacked / name):
        if place.is_dir():
            return place
    if not (folder / archive).is_file():
        raise FormatError(f"neither the archive {archive} nor a folder {name} is there", path=folder)
    target = unpacked / name
    partial = unpacked / f".{name}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(folder / archive) as tar:
            tar.extractall(partial, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FormatError(f"cannot be unpacked ({error})", path=folder / archive) from None
    partial.rename(target)
    return target
