"""Which differences between two reports exceed the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dimo.evaluate.report import ORDINALS, Cell, Report, task_of
from dimo.evaluate.tables import COLUMNS, Column, Table

T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
         2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
"""97.5 % quantile of Student's t for 1 to 30 degrees of freedom (any table of it)."""


@dataclass(frozen=True)
class Difference:
    """One metric of one row in two reports; noise is the half-width of the 95 % interval of b - a, None where unknown."""

    task: str
    row: str
    column: Column
    a: float
    b: float
    noise: float | None
    test: str

    @property
    def exceeds(self) -> bool | None:
        return None if self.noise is None else abs(self.b - self.a) > self.noise

    @property
    def verdict(self) -> str:
        if self.exceeds is None:
            return "unknown: one repeat, and no spread over clips"
        if not self.exceeds:
            return "within the noise"
        if self.column.better == 0:
            return "differs"
        return "b is better" if (self.b - self.a) * self.column.better > 0 else "a is better"


def t_quantile(freedom: float) -> float:
    """97.5 % quantile of Student's t; beyond 30 degrees of freedom by the first correction of the normal one."""
    if freedom <= len(T_975):
        return T_975[max(1, math.floor(freedom)) - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom)


def noise_of(a: Cell, b: Cell) -> tuple[float | None, str]:
    """Half-width of the 95 % interval of the difference of two cells, and how it was found.

    Welch's t interval over repeats where both have several (the noise of sampling on these clips); otherwise the errors over
    clips of both, as if the clips were drawn anew for each (wider than a paired test).
    """
    first, second = np.asarray(a.values, float), np.asarray(b.values, float)
    if min(len(first), len(second)) >= 2:
        u, v = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
        if u + v == 0:
            return 0.0, "repeats"
        freedom = (u + v) ** 2 / (u**2 / (len(first) - 1) + v**2 / (len(second) - 1))
        return float(t_quantile(freedom) * np.sqrt(u + v)), "repeats"
    if a.clip_error is not None and b.clip_error is not None:
        return float(1.959964 * math.hypot(a.clip_error, b.clip_error)), "clips"
    return None, "none"


def compare(a: Report, b: Report) -> list[Difference]:
    """All metrics that both reports have, by task and row."""
    out = []
    for name, task in a.tasks.items():
        theirs = b.tasks[name].rows if name in b.tasks else {}
        for row, cells in task.rows.items():
            others = theirs.get(row, {})
            for key, cell in cells.items():
                if key in COLUMNS and key in others:
                    noise, test = noise_of(cell, others[key])
                    out.append(Difference(name, row, COLUMNS[key], cell.mean, others[key].mean, noise, test))
    return out


def table(differences: list[Difference], *, all_rows: bool = False) -> Table:
    """What exceeds the noise or cannot be told, or everything."""
    rows = []
    for d in differences:
        if all_rows or d.exceeds is not False:
            numbers = [f"{d.column.factor * x:.{d.column.digits}f}" for x in (d.a, d.b, d.b - d.a)]
            noise = "-" if d.noise is None else f"{d.column.factor * d.noise:.{d.column.digits}f} ({d.test})"
            rows.append((f"{d.task}, {d.row}", d.column.head, *numbers, noise, d.verdict))
    head = ("row", "metric", "a", "b", "b - a", "95 % noise", "verdict")
    return Table("differences" if all_rows else "differences beyond the noise", head, tuple(rows))


def caveats(a: Report, b: Report) -> list[str]:
    """Why two reports may not be comparable: other data, evaluators, lengths asked for, clips, or share of memory."""
    pairs = [
        ("test data", *(r.hashes.get("data") for r in (a, b))),
        ("first evaluator's weights", a.evaluator.sha256, b.evaluator.sha256),
        ("protocols", *(r.settings.protocol or "dimo" for r in (a, b))),
        ("lengths asked for", a.settings.lengths, b.settings.lengths),
        ("split", a.settings.split, b.settings.split),
        ("number of clips", a.settings.clips, b.settings.clips),
    ]
    for index in range(1, len(ORDINALS)):
        first, second = (r.tasks.get(task_of(index)) for r in (a, b))
        if first is not None and second is not None and first.evaluator is not None and second.evaluator is not None:
            pairs.append((f"{ORDINALS[index]} evaluator's weights", first.evaluator.sha256, second.evaluator.sha256))
    if None not in (a.settings.memory, b.settings.memory):
        pairs.append(("share of remembered motions", a.settings.memory, b.settings.memory))
    if None not in (a.settings.recall, b.settings.recall):
        pairs.append(("share of recalled motions", a.settings.recall, b.settings.recall))
    return [f"the {name} differ: {first} against {second}" for name, first, second in pairs if first != second]
