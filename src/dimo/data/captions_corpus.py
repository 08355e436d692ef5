"""Sentences about motion without the motion: how people describe it, for learning language before anything else.

A pack may hold the captions of HumanML3D (with its official splits) and of KIT-ML (split here by the motion's number) beside
its own. Preparation writes all of them as one file of lines, `texts.jsonl`, next to the shards, each with its split, so that
nobody learns from a sentence that is for tests.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dimo.data.records import Job
from dimo.data.splits import split_of
from dimo.errors import FormatError
from dimo.formats.files import json_object, write_atomically
from dimo.text.normalise import normalise

TEXTS = "texts.jsonl"
SPLITS = ("train", "val", "test")
KIT_SHARES = (0.8, 0.05)
OFFICIAL = {"humanml3d": "humanml3d_captions.jsonl.xz", "kitml": "kitml_captions.jsonl.xz"}
"""Collections that a pack may hold as text only, and their files."""


def sentences(folder: Path, split: str = "train", collections: Iterable[str] | None = None) -> list[str]:
    """The sentences of a split of a prepared folder, in plain form, as often as they were written.

    collections: of humanml3d, kitml and pack (the captions of the clips themselves); all of them where none are named.
    FormatError for a folder without texts.
    """
    wanted = None if collections is None else set(collections)
    path = folder / TEXTS
    if not path.is_file():
        raise FormatError(f"holds no {TEXTS}; dimo prepare writes it", path=folder)
    rows = _rows(path.read_text(encoding="utf-8").splitlines(), path)
    return [r["text"] for r in rows if r["split"] == split and (wanted is None or r["collection"] in wanted)]


def write(folder: Path, source: Path, jobs: Iterable[Job], shares: tuple[float, float]) -> int:
    """Write the texts of a source into a prepared folder; returns how many."""
    lines = []
    for text, split, collection in (*_own(jobs, shares), *_official(source)):
        if plain := normalise(text):
            lines.append(json.dumps({"text": plain, "split": split, "collection": collection}))
    with write_atomically(folder / TEXTS) as temporary:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def _own(jobs: Iterable[Job], shares: tuple[float, float]) -> Iterator[tuple[str, str, str]]:
    for job in jobs:
        split = job.split or split_of(job.recording or job.id, shares)
        yield from ((text, split, "pack") for text in job.captions)


def _official(source: Path) -> Iterator[tuple[str, str, str]]:
    for collection, name in OFFICIAL.items():
        path = source / name
        if not path.is_file():
            continue
        try:
            with lzma.open(path, "rt", encoding="utf-8") as file:
                lines = file.read().splitlines()
        except (OSError, lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
            raise FormatError(f"cannot be unpacked ({error})", path=path) from None
        for number, row in enumerate(_rows(lines, path), start=1):
            if collection == "kitml":
                # A name that begins with M is the mirror image of the one without, and says the same.
                yield str(row.get("text", "")), split_of(str(row.get("id", "")).lstrip("M"), KIT_SHARES), collection
                continue
            if row.get("split") not in SPLITS or not isinstance(row.get("captions"), list):
                raise FormatError("needs a split and a list of captions", path=path, line=number)
            yield from ((str(text), row["split"], collection) for text in row["captions"])


def _rows(lines: Iterable[str], path: Path) -> Iterator[dict[str, Any]]:
    return (json_object(line, path, number) for number, line in enumerate(lines, start=1))
