"""A report as plain data, and its tables: the same rows for the terminal, for Markdown and for the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dimo.errors import FormatError
from dimo.formats.files import read_text, write_atomically

FORMAT, VERSION = "dimo-evaluation", 1
LIMIT_BYTES = 256 * 2**20
FILE = "report.json"


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
    "t2m_second": (("text to motion, by the second encoder", MOTION),),
    "m2t": (("motion to text", TEXT),),
    "m2m": (("motion completion", PLACE),),
    "codec": (("codec", CODEC),),
    "correct": (("caption correction", CORRECT),),
}
COLUMNS = {c.key: c for parts in TASKS.values() for _, columns in parts for c in columns}


def save(report: Mapping[str, Any], path: Path) -> Path:
    """Write report.json whole or not at all."""
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "version": VERSION, **report}, indent=1) + "\n", "utf-8")
    return path


def load(path: Path) -> dict[str, Any]:
    """A report from its file, or from the folder that holds it; FormatError for anything else."""
    path = path / FILE if path.is_dir() else path
    try:
        data = json.loads(read_text(path, LIMIT_BYTES))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not readable as JSON ({str(error).splitlines()[0]})", path=path) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("tasks"), dict):
        raise FormatError("not a report of dimo evaluate", path=path)
    if data.get("version") != VERSION:
        raise FormatError(f"version {data.get('version')} is not the {VERSION} that this dimo reads", path=path)
    for task in data["tasks"].values():
        rows = task.get("rows") if isinstance(task, dict) else None
        if not isinstance(rows, dict) or not all(isinstance(r, dict) for r in rows.values()):
            raise FormatError("holds a task without rows", path=path)
    return data


# ---- tables


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Every table of a report in the order of its tasks, each with the label of the encoder that its numbers need."""
    out = []
    for task, data in report["tasks"].items():
        for title, columns in TASKS.get(task, ()):
            every = [*data["rows"].values(), *data.get("published", {}).values()]
            shown = [c for c in columns if any(c.key in row for row in every)]
            if not any(c.key in row for c in columns for row in data["rows"].values()):
                continue
            if not shown:
                continue
            body = [(name, *(cell(row.get(c.key), c) for c in shown)) for name, row in data["rows"].items()]
            body += [
                (f"{name} [published]", *(cell(row.get(c.key), c) for c in shown))
                for name, row in data.get("published", {}).items()
            ]
            encoder = data.get("encoder") or report.get("encoder", {})
            label = encoder.get("label", "") if any(c in MOTION for c in shown) else ""
            note = "; ".join(filter(None, (label, *([data["note"]] if data.get("note") else []))))
            out.append(Table(title, (data.get("first", "row"), *(c.head for c in shown)), tuple(body), note))
    checks = report.get("checks", {})
    for kind, title in (("by_check", "instruction checks, per check"), ("by_action", "instruction checks, per action")):
        found = {name: table[kind] for name, table in checks.items() if table.get(kind)}
        if found:
            names = sorted({n for table in found.values() for n in table})
            body = [(n, *(_share(table.get(n)) for table in found.values())) for n in names]
            out.append(Table(title, ("asked for", *found), tuple(tuple(r) for r in body), "share of clips that pass"))
    for name, points in report.get("sweeps", {}).items():
        columns = [c for c in MOTION + BODY if any(c.key in p["metrics"] for p in points)]
        body = [(f"{p['value']:g}", *(cell(p["metrics"].get(c.key), c) for c in columns)) for p in points]
        note = report.get("encoder", {}).get("label", "")
        out.append(Table(f"quality against {name}", (name, *(c.head for c in columns)), tuple(body), note))
    return out


def cell(value: Mapping[str, Any] | None, column: Column) -> str:
    """A mean with its interval where there is one."""
    if not value or value.get("mean") is None:
        return "-"
    text = f"{column.factor * value['mean']:.{column.digits}f}"
    width = value.get("half_width")
    return text if width is None else f"{text} ± {column.factor * width:.{column.digits}f}"


def _share(value: Mapping[str, Any] | None) -> str:
    return "-" if value is None else f"{100 * value['share']:.0f} % of {value['clips']}"


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


def markdown(report: Mapping[str, Any]) -> str:
    """The report as a page of Markdown."""
    parts = [f"# {report.get('title', 'Evaluation')}", *report.get("notes", [])]
    for table in tables(report):
        escaped = [[c.replace("|", "\\|") for c in row] for row in (table.head, *table.rows)]
        lines = [f"| {' | '.join(r)} |" for r in escaped]
        lines.insert(1, "| " + " | ".join(["---", *["---:"] * (len(table.head) - 1)]) + " |")
        parts += [f"## {table.title}", *([f"*{table.note}*"] if table.note else []), "\n".join(lines)]
    settings = json.dumps({k: report[k] for k in ("settings", "versions", "hashes") if k in report}, indent=1)
    parts += ["## Settings", f"```json\n{settings}\n```"]
    return "\n\n".join(parts) + "\n"


def key_lines(reports: Sequence[Table]) -> str:
    """All tables for a terminal, a blank line between them."""
    return "\n\n".join(map(terminal, reports))
