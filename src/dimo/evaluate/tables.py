"""The tables of a report: the same rows for the terminal, for Markdown and for the page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dimo.evaluate.report import ORDINALS, Cell, Report, Share, task_of


@dataclass(frozen=True)
class Column:
    """A metric's key in a row, its head, digits, factor, and which way is better: 1 up, -1 down, 0 near the real row."""

    key: str
    head: str
    digits: int = 3
    factor: float = 1.0
    better: int = -1


@dataclass(frozen=True)
class Table:
    """Cells as text; `head` has one more entry than there are metrics, for the rows' names."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


MOTION = (
    Column("r1", "R@1", better=1),
    Column("r2", "R@2", better=1),
    Column("r3", "R@3", better=1),
    Column("same_action", "same action@1", better=1),
    Column("fid", "FID"),
    Column("mm_dist", "MM-Dist"),
    Column("diversity", "Diversity", better=0),
    Column("mmodality", "MModality", better=0),
)
BODY = (
    Column("checks", "checks %", 1, 100, 1),
    Column("foot_skate_mps", "skate m/s", 3),
    Column("float_m", "float mm", 1, 1000),
    Column("penetration_m", "penetr. mm", 2, 1000),
    Column("jerk_mps3", "jerk m/s3", 1, better=0),
    Column("bone_drift", "bone drift %", 2, 100),
)
TEXT = (
    Column("r1", "R@1", better=1),
    Column("r2", "R@2", better=1),
    Column("r3", "R@3", better=1),
    Column("mm_dist", "MM-Dist"),
    Column("bleu1_raw", "BLEU@1 raw", 1, better=1),
    Column("bleu4_raw", "BLEU@4 raw", 1, better=1),
    Column("rouge_l_raw", "ROUGE-L raw", 1, better=1),
    Column("cider_raw", "CIDEr raw", 1, better=1),
    Column("bleu1_lem", "BLEU@1 lem.", 1, better=1),
    Column("bleu4_lem", "BLEU@4 lem.", 1, better=1),
    Column("rouge_l_lem", "ROUGE-L lem.", 1, better=1),
    Column("cider_lem", "CIDEr lem.", 1, better=1),
    Column("bert_f1", "BERTScore", 1, better=1),
    *(
        Column(f"{k}_published", f"{head}, as published", 1, better=1)
        for k, head in (
            ("bleu1", "BLEU@1"),
            ("bleu4", "BLEU@4"),
            ("rouge_l", "ROUGE-L"),
            ("cider", "CIDEr"),
            ("bert", "BERTScore"),
        )
    ),
    Column("action", "action %", 1, 100, 1),
    Column("side", "side %", 1, 100, 1),
    Column("doubled_words", "doubled %", 1, 100),
)
PLACE = (Column("ade_mm", "ADE mm", 1), Column("fde_mm", "FDE mm", 1))
CODEC = (
    Column("mpjpe_mm", "MPJPE mm", 1),
    Column("pa_mpjpe_mm", "PA-MPJPE mm", 1),
    Column("acceleration_mps2", "accel. m/s2", 2),
    Column("path_mm", "root path mm", 1),
)
CORRECT = (
    Column("fixed", "put right %", 1, 100, 1),
    Column("touched", "changed %", 1, 100, 0),
    Column("harmed", "true ones harmed %", 1, 100),
)
TASKS: Mapping[str, tuple[tuple[str, tuple[Column, ...]], ...]] = {
    "t2m": (("text to motion", MOTION), ("text to motion: body and instructions", BODY)),
    **{task_of(i): ((f"text to motion, by the {ORDINALS[i]} evaluator", MOTION),) for i in range(1, len(ORDINALS))},
    "m2t": (("motion to text", TEXT),),
    "m2m": (("motion completion", PLACE),),
    "codec": (("codec", CODEC),),
    "correct": (("caption correction", CORRECT),),
}
COLUMNS = {c.key: c for parts in TASKS.values() for _, columns in parts for c in columns}


# ---- tables


def tables(report: Report) -> list[Table]:
    """Every table of a report in the order of its tasks, each with the label of the evaluator that its numbers need."""
    out = []
    for name, task in report.tasks.items():
        for title, columns in TASKS.get(name, ()):
            shown = [c for c in columns if any(c.key in row for row in (*task.rows.values(), *task.published.values()))]
            if not any(c.key in row for c in columns for row in task.rows.values()):
                continue
            body = [(n, *(cell(row.get(c.key), c) for c in shown)) for n, row in task.rows.items()]
            body += [
                (f"{n} [published]", *(cell(row.get(c.key), c) for c in shown)) for n, row in task.published.items()
            ]
            label = (task.evaluator or report.evaluator).label if any(c in MOTION for c in shown) else ""
            note = "; ".join(filter(None, (label, task.note)))
            out.append(Table(title, (task.first or "row", *(c.head for c in shown)), tuple(body), note))
    for kind, title in (("by_check", "instruction checks, per check"), ("by_action", "instruction checks, per action")):
        found = {row: kinds[kind] for row, kinds in report.checks.items() if kinds.get(kind)}
        if found:
            names = sorted({n for shares in found.values() for n in shares})
            body = [(n, *(_share(shares.get(n)) for shares in found.values())) for n in names]
            out.append(Table(title, ("asked for", *found), tuple(body), "share of clips that pass"))
    for name, points in report.sweeps.items():
        columns = [c for c in MOTION + BODY if any(c.key in p.metrics for p in points)]
        body = [(f"{p.value:g}", *(cell(p.metrics.get(c.key), c) for c in columns)) for p in points]
        head = (name, *(c.head for c in columns))
        out.append(Table(f"quality against {name}", head, tuple(body), report.evaluator.label))
    return out


def cell(value: Cell | None, column: Column) -> str:
    """A mean with its interval where there is one."""
    if value is None:
        return "-"
    text = f"{column.factor * value.mean:.{column.digits}f}"
    width = value.half_width
    return text if width is None else f"{text} ± {column.factor * width:.{column.digits}f}"


def _share(value: Share | None) -> str:
    return "-" if value is None else f"{100 * value.share:.0f} % of {value.clips}"


def terminal(table: Table) -> str:
    """Aligned columns."""
    rows = [table.head, *table.rows]
    widths = [max(len(r[i]) for r in rows) for i in range(len(table.head))]
    lines = [
        "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))).rstrip()
        for r in rows
    ]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join([f"{table.title}{f' ({table.note})' if table.note else ''}", *lines])


def markdown(report: Report) -> str:
    """The report as a page of Markdown."""
    parts = [f"# {report.title}", *report.notes]
    for table in tables(report):
        parts += [f"## {table.title}", *([f"*{table.note}*"] if table.note else []), in_markdown(table)]
    parts += ["## Settings", f"```json\n{conditions(report)}\n```"]
    return "\n\n".join(parts) + "\n"


def in_markdown(table: Table) -> str:
    """The lines of a table, without its title."""
    escaped = [[c.replace("|", "\\|") for c in row] for row in (table.head, *table.rows)]
    lines = [f"| {' | '.join(r)} |" for r in escaped]
    lines.insert(1, "| " + " | ".join(["---", *["---:"] * (len(table.head) - 1)]) + " |")
    return "\n".join(lines)


def conditions(report: Report) -> str:
    """Settings, versions and hashes as JSON, for the end of a page."""
    data = report.to_json()
    return json.dumps({k: data[k] for k in ("settings", "versions", "hashes")}, indent=1)


def terminals(found: Sequence[Table]) -> str:
    """All tables for a terminal, a blank line between them."""
    return "\n\n".join(map(terminal, found))


def put(text: str, name: str, body: str) -> tuple[str, int]:
    """The text with a body between its markers <!-- name --> and <!-- end -->, and at how many places that was."""
    return re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{body}\n{m[2]}", text, flags=re.S)
