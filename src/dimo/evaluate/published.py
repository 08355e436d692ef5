"""Numbers that others published, printed beside ours as what they are, and the check that an evaluator is the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from dimo.evaluate.report import Cell, Report

NAMES = {"mmodality": "mmodality", "bertscore": "bert_published"}
TEXT = ("bleu1", "bleu4", "rouge_l", "cider")
CHECKED = ("r1", "r2", "r3", "mm_dist", "diversity")
"""Numbers of the real row that a report must reproduce before it may print a model's."""


def read() -> dict[str, Any]:
    """The packaged file: data set, task, row, metric to [value, half-width or null]."""
    return json.loads(resources.files("dimo.evaluate").joinpath("published.json").read_text(encoding="utf-8"))


def rows(data_set: str, task: str) -> dict[str, dict[str, Cell]]:
    """Rows of a table in the cells of a report; empty for tasks that nobody published in this form."""
    return {
        name: {_name(key): Cell(*value) for key, value in cells.items() if key != "source"}
        for name, cells in read()[data_set].get(task, {}).items()
    }


def add(report: Report, data_set: str) -> None:
    """Put what others printed for a data set beside a report's own rows."""
    for name, task in report.tasks.items():
        task.published = rows(data_set, name)
    report.published_sources = sources()
    report.notes.append(
        f"Rows marked [published] are numbers that others printed for {data_set} (sources in report.json); they compare with "
        "ours only where data and evaluator are the published ones."
    )


def _name(key: str) -> str:
    # A published BLEU belongs to neither of our two forms unless its paper says which it used.
    return f"{key}_published" if key in TEXT else NAMES.get(key, key)


def sources() -> dict[str, str]:
    """What the short names of sources stand for."""
    return read()["sources"]


def mismatch(real: Mapping[str, Cell], data_set: str, slack: float = 1.5) -> str | None:
    """Why a real row is not the published one, as a sentence, or None when it is within the intervals.

    The difference may be as large as both half-widths together, times `slack`: two runs of the same protocol differ by more
    than one interval now and then. A single repeat has no width, so its own noise is taken as that of the published row
    times sqrt(20).
    """
    theirs = rows(data_set, "t2m")["Real"]
    for key in CHECKED:
        if key not in real:
            return f"the real row lacks {key}, so it cannot be compared with the published one"
        mine, other = real[key], theirs[key]
        width, own = other.half_width or 0.0, mine.half_width
        allowed = slack * (width + (width * 20**0.5 if own is None else own))
        if abs(mine.mean - other.mean) > allowed:
            return (
                f"the real row's {key} is {mine.mean:.3f} and the published one {other.mean:.3f}: more than the "
                f"{allowed:.3f} that intervals allow, so data, statistics or evaluator are not the published ones"
            )
    return None
