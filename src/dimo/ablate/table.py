"""The table of an ablation, as JSON and as Markdown: a line a row, the mean over its seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from dimo.ablate.measure import METRICS, TIME
from dimo.ablate.plan import Plan
from dimo.ablate.records import Found
from dimo.evaluate.tables import Table, in_markdown
from dimo.formats.files import write_atomically

FORMAT = "dimo-ablation"
NOT_YET = "not run yet"
SHOWN = tuple(m for m in METRICS if not m.task.endswith("_second"))


def summary(plan: Plan, found: Sequence[Found]) -> dict[str, Any]:
    """Every row with the seeds that are done: means, and half of the range between seeds where there are several."""
    rows = []
    for name, several in groupby(found, key=lambda f: f.row.id):
        same = list(several)
        records = [f.record for f in same if f.record is not None]
        row = same[0].row
        rows.append(
            {
                "row": name,
                "group": row.group,
                "changes": row.changes,
                "seeds": [f.row.seed for f in same if f.record is not None],
                "missing": [f.row.seed for f in same if f.record is None],
                "metrics": {m.key: _over([r["metrics"].get(m.key) for r in records]) for m in METRICS},
                "seconds": {k: _over([r["seconds"].get(k) for r in records]) for k in TIME},
            }
        )
    done = [f.record for f in found if f.record is not None]
    return {
        "format": FORMAT,
        "version": 1,
        "plan": plan.path.name,
        "about": dict(plan.about),
        "real": {key: value for record in reversed(done) for key, value in record["real"].items()},
        "conditions": done[0]["conditions"] if done else {},
        "rows": rows,
    }


def _over(values: Sequence[float | None]) -> dict[str, float] | None:
    """Mean of what the seeds gave, and half of their range."""
    there = [v for v in values if v is not None]
    if not there:
        return None
    spread = {"half_range": (max(there) - min(there)) / 2} if len(there) > 1 else {}
    return {"mean": sum(there) / len(there), **spread}


def tables(data: dict[str, Any]) -> list[Table]:
    """A table a group, with those columns that any of its rows has."""
    out = []
    for group, several in groupby(data["rows"], key=lambda r: r["group"]):
        rows = list(several)
        shown = [m for m in SHOWN if any(r["metrics"][m.key] for r in rows)]
        clocks = [k for k in TIME if any(r["seconds"][k] for r in rows)]
        lines = []
        for row in rows:
            cells = [_cell(row["metrics"][m.key], m.digits) for m in shown] + [
                _cell(row["seconds"][k], 2) for k in clocks
            ]
            seeds = str(len(row["seeds"])) if row["seeds"] else NOT_YET
            if row["seeds"] and row["missing"]:
                seeds += f" of {len(row['seeds']) + len(row['missing'])}"
            lines.append((row["row"], seeds, *cells))
        real = [f"{data['real'][m.key]:.{m.digits}f}" if m.key in data["real"] else "-" for m in shown]
        if shown:
            lines.insert(0, ("real", "-", *real, *["-"] * len(clocks)))
        head = ("row", "seeds", *(m.head for m in shown), *(TIME[k] for k in clocks))
        out.append(Table(group, head, tuple(lines), data["about"].get(group, "")))
    return out


def _cell(value: dict[str, float] | None, digits: int) -> str:
    if value is None:
        return "-"
    text = f"{value['mean']:.{digits}f}"
    return f"{text} ± {value['half_range']:.{digits}f}" if "half_range" in value else text


def markdown(data: dict[str, Any]) -> str:
    """The tables as a page."""
    there = data["conditions"]
    parts = ["# Ablations"]
    if there:
        parts.append(
            f"On {there['clips']} clips of the split {there['measuring']['evaluate']['split']}; R-Precision, FID and MM-Dist "
            f"by the first evaluator ({there['evaluator'] or 'none'}). Of several seeds the mean, ± half of their range. "
            f"Times are of this machine ({there['threads']} threads, {there['device']})."
        )
    for table in tables(data):
        parts += [f"## {table.title}", *([table.note] if table.note else []), in_markdown(table)]
    return "\n\n".join(parts) + "\n"


def save(plan: Plan, found: Sequence[Found], out: Path) -> None:
    """table.json and table.md in a folder."""
    data = summary(plan, found)
    for name, text in (("table.json", json.dumps(data, indent=1) + "\n"), ("table.md", markdown(data))):
        with write_atomically(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
