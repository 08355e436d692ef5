"""Which differences between two reports exceed the noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dimo.evaluate.report import COLUMNS, Column, Table

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


def noise_of(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float | None, str]:
    """Half-width of the 95 % interval of the difference of two cells, and how it was found.

    Welch's t interval over repeats where both have several (the noise of sampling on these clips); otherwise the errors over
    clips of both, as if the clips were drawn anew for each (wider than a paired test).
    """
    first, second = (np.asarray(c.get("values", []), float) for c in (a, b))
    if min(len(first), len(second)) >= 2:
        u, v = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
        if u + v == 0:
            return 0.0, "repeats"
        freedom = (u + v) ** 2 / (u**2 / (len(first) - 1) + v**2 / (len(second) - 1))
        return float(t_quantile(freedom) * np.sqrt(u + v)), "repeats"
    if "clip_error" in a and "clip_error" in b:
        return float(1.959964 * math.hypot(a["clip_error"], b["clip_error"])), "clips"
    return None, "none"


def compare(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """All metrics that both reports have, by task and row."""
    out = []
    for task, data in a["tasks"].items():
        for row, cells in data["rows"].items():
            others = b["tasks"].get(task, {}).get("rows", {}).get(row, {})
            for key, cell in cells.items():
                if key in COLUMNS and key in others:
                    noise, test = noise_of(cell, others[key])
                    out.append(Difference(task, row, COLUMNS[key], cell["mean"], others[key]["mean"], noise, test))
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


def caveats(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Why two reports may not be comparable: other data, encoders, length protocol or clips."""
    out = []
    for name, path in (
        ("test data", ("hashes", "data")),
        ("encoder", ("encoder", "name")),
        ("encoder's weights", ("encoder", "sha256")),
        ("length protocol", ("settings", "lengths")),
        ("split", ("settings", "split")),
        ("number of clips", ("settings", "clips")),
    ):
        values = [r.get(path[0], {}).get(path[1]) for r in (a, b)]
        if values[0] != values[1]:
            out.append(f"the {name} differ: {values[0]} against {values[1]}")
    second = [r["tasks"].get("t2m_second", {}).get("encoder", {}).get("sha256") for r in (a, b)]
    if None not in second and second[0] != second[1]:
        out.append(f"the second encoder's weights differ: {second[0]} against {second[1]}")
    return out
