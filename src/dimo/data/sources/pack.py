"""The project's own pack: index.jsonl, captions.jsonl, and archives, packed (.tar.xz) or unpacked in folders of their name."""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from dimo.data.records import BY_PEOPLE, Job
from dimo.errors import FormatError
from dimo.features.layouts import FPS
from dimo.formats.files import json_object

FAULTS = {r"uiprmd_m(09|10)_s10_.*": "its right arm stands straight out to the side all the time, whatever it does"}
"""Clips by their id that were seen to be wrong."""
WINDOW_FPS = FPS
"""Of the frames that HumanML3D's entries are given in."""


def is_pack(folder: Path) -> bool:
    return (folder / "index.jsonl").is_file() and (folder / "captions.jsonl").is_file()


def jobs(folder: Path, unpacked: Path) -> list[Job]:
    """One job per row of the index. Archives that are not unpacked beside the index are unpacked into `unpacked` once."""
    said = {row["id"]: row for row in rows(folder / "captions.jsonl", ("id", "captions"))}
    index = rows(folder / "index.jsonl", ("id", "archive", "path", "fps", "split"))
    shown = repeats(index)
    out = []
    places: dict[str, Path] = {}
    for row in index:
        if row["archive"] not in places:
            places[row["archive"]] = _place(folder, row["archive"], unpacked)
        place = places[row["archive"]]
        captions = said.get(row["id"], {"captions": ()})
        kind = captions.get("kind", "written")
        if kind not in BY_PEOPLE:
            raise FormatError(
                f"{row['id']}: captions of the kind {kind!r}; there are {', '.join(BY_PEOPLE)}",
                path=folder / "captions.jsonl",
            )
        out.append(
            Job(
                id=row["id"],
                path=place / row["path"],
                captions=tuple(captions["captions"]),
                kind=kind,
                labelled=kind == "written",
                asf=place / row["skeleton"] if row.get("skeleton") else None,
                fps=None if row["path"].endswith(".bvh") else float(row["fps"]),  # a BVH names its own
                split=row["split"],
                recording=_recording(row),
                repeats=shown[row["id"]],
                source=row.get("source") or "",
                licence=row.get("licence") or "",
                label=row.get("content") or "",
                style=row.get("style") or "",
                fault=next((reason for ids, reason in FAULTS.items() if re.fullmatch(ids, row["id"])), ""),
            )
        )
    return out


def _recording(row: dict[str, Any]) -> str:
    """The take in the studio: several collections may hold cuts of it under names of their own."""
    return row.get("pack_recording") or row.get("recording") or row["id"]


def repeats(index: list[dict[str, Any]]) -> dict[str, float]:
    """How many clips of the index show a moment of each clip, itself among them, on average over its length.

    Windows into a take (`humanml3d`) say where they begin and end; the pieces that the pack itself cuts a take into are
    taken to cover it evenly, since the index does not say where they begin.
    """
    takes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in index:
        takes[_recording(row)].append(row)
    out = {}
    for clips in takes.values():
        windows = {r["id"]: _window(r) for r in clips if r.get("humanml3d")}
        pieces = [r for r in clips if not r.get("humanml3d")]
        for name, (start, end) in windows.items():
            shared = sum(max(0.0, min(end, b) - max(start, a)) for a, b in windows.values())
            out[name] = shared / (end - start) + bool(pieces)
        covered = sum(b - a for a, b in windows.values())
        whole = sum(r.get("seconds") or r["frames"] / r["fps"] for r in pieces) if windows else 1.0
        out |= {r["id"]: 1.0 + covered / max(whole, covered) if windows else 1.0 for r in pieces}
    return out


def _window(row: dict[str, Any]) -> tuple[float, float]:
    """Seconds of the take that a HumanML3D entry covers, or the part of it that is described."""
    start = row["humanml3d"]["start_frame"] / WINDOW_FPS
    first, last = row.get("part_s") or (0.0, row["humanml3d"]["end_frame"] / WINDOW_FPS - start)
    return start + first, start + last


def rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; FormatError names a line that is none or lacks a key."""
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        row = json_object(line, path, number)
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
