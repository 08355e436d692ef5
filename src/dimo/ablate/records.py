"""What is kept of rows: a JSON file each, taken again only for the key that it was made under."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dimo.ablate import keys
from dimo.ablate.row import Row
from dimo.ablate.trainings import Trainings
from dimo.evaluators.evaluator import Evaluator
from dimo.formats.files import write_atomically

FORMAT = "dimo-ablation-row"


@dataclass(frozen=True)
class Found:
    """A row, the key of its numbers, and its record where it is done."""

    row: Row
    key: str
    record: dict[str, Any] | None


class Records:
    """The JSON files of rows below a folder."""

    def __init__(self, out: Path):
        self.folder = out / "rows"

    def path(self, row: Row) -> Path:
        return self.folder / f"{row.file}.json"

    def read(self, row: Row, key: str) -> dict[str, Any] | None:
        """The row's record, unless there is none, or one of another key, or of a file that is damaged."""
        record = _record(self.path(row))
        return record if record is not None and record["key"] == key else None

    def alike(self, key: str) -> dict[str, Any] | None:
        """The record of any row with this key: rows that differ in nothing but their names need not be measured twice."""
        found = (_record(p) for p in sorted(self.folder.glob("*.json")))
        return next((r for r in found if r is not None and r["key"] == key), None)

    def write(self, row: Row, key: str, trainings: Trainings, known: dict[str, Any]) -> dict[str, Any]:
        record = {
            "format": FORMAT,
            "version": keys.VERSION,
            "row": row.id,
            "seed": row.seed,
            "key": key,
            "changes": row.changes,
            "training": trainings.facts(row),
            **known,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(self.path(row)) as temporary:
            temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return record


def find(rows: Sequence[Row], trainings: Trainings, evaluators: Sequence[Evaluator]) -> list[Found]:
    """What is known of rows, without computing anything."""
    records, out = Records(trainings.places.out), []
    for row in rows:
        key = keys.of_row(row, trainings.key(row), evaluators)
        out.append(Found(row, key, records.read(row, key)))
    return out


def _record(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and record.get("format") == FORMAT and record.get("version") == keys.VERSION
    return record if whole and isinstance(record.get("metrics"), dict) and "key" in record else None
