"""report.html: tables, curves, the confusion of captions and random samples in one file that asks no network for anything."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dimo.evaluate.report import Confusion, Point, Report
from dimo.evaluate.samples import Samples
from dimo.evaluate.tables import BODY, MOTION, Table, conditions, tables
from dimo.view import player
from dimo.view.curves import curve

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #26282d; max-width: 1180px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em } h2 { font-size: 1.15em; margin-top: 2em } .note { color: #6b6e76 }
.label { background: #fff3d6; border-left: 4px solid #d9a520; padding: .4em .8em; display: inline-block }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #e4e6ea; white-space: nowrap }
th:first-child, td:first-child { text-align: left } tr.published td { color: #6b6e76; font-style: italic }
.curves { display: flex; flex-wrap: wrap; gap: 1em } svg text { font: 11px system-ui; fill: #44474f }
svg .title { font-weight: 600; font-size: 12px } .grid { stroke: #e9ebef } .real { stroke: #3d8b5f; stroke-dasharray: 4 3 }
.curve { fill: none; stroke: #3e68be; stroke-width: 2 } .bar { stroke: #3e68be } .dot { fill: #3e68be }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1.2em }
.pair { display: flex; gap: 6px } canvas { background: #fafafa; border-radius: 6px; width: 100%; height: auto }
figure { margin: 0 } figcaption { font-size: 13px } .said { color: #3e68be }
.confusion td { text-align: center; padding: .2em .45em }
.confusion th.side { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; border: 0 }
pre { background: #f4f5f7; padding: 1em; overflow-x: auto; font-size: 12px }
"""


def page(report: Report) -> str:
    """The whole page as text."""
    title = html.escape(report.title)
    label = report.evaluator.label
    parts = [f"<h1>{title}</h1>"]
    parts += [f'<p class="label">Numbers of the evaluator: {html.escape(label)}.</p>'] if label else []
    parts += [f"<p>{html.escape(note)}</p>" for note in report.notes]
    parts += [_table(t) for t in tables(report)]
    for name, points in report.sweeps.items():
        parts.append(_curves(name, points, report))
    if report.confusion is not None:
        parts.append(_confusion(report.confusion))
    samples, scripts = report.samples, ""
    if samples is not None and samples.items:
        parts.append(_gallery(samples))
        motions = {
            f"{k}{i}": v
            for i, s in enumerate(samples.items)
            for k, v in (("t", s.truth), ("m", s.made))
            if v is not None
        }
        scripts = player.script(motions, samples.fps)
    parts.append(f"<h2>Settings</h2><pre>{html.escape(conditions(report))}</pre>")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + f"\n{scripts}\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(c)}</th>" for c in table.head)
    rows = "".join(
        f"<tr{' class=published' if row[0].endswith('[published]') else ''}>"
        + "".join(f"<td>{html.escape(c)}</td>" for c in row)
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    return f'<h2>{html.escape(table.title)}</h2>{note}<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _curves(name: str, points: Sequence[Point], report: Report) -> str:
    real = report.tasks["t2m"].rows.get("real", {}) if "t2m" in report.tasks else {}
    drawn = []
    for column in MOTION + BODY:
        found = [p for p in points if column.key in p.metrics]
        if len(found) < 2:
            continue
        cells = [p.metrics[column.key] for p in found]
        drawn.append(
            curve(
                column.head,
                name,
                [p.value for p in found],
                [column.factor * c.mean for c in cells],
                [None if c.half_width is None else column.factor * c.half_width for c in cells],
                column.factor * real[column.key].mean if column.key in real else None,
            )
        )
    return (
        f'<h2>Curves: quality against {html.escape(name)}</h2><p class="note">dashed: the real row</p>'
        f'<div class="curves">{"".join(drawn)}</div>'
    )


def _confusion(confusion: Confusion) -> str:
    names, counts = confusion.names, confusion.counts
    head = "<th></th>" + "".join(f'<th class="side">{html.escape(n)}</th>' for n in names)
    rows = []
    for name, row in zip(names, counts, strict=True):
        total = max(1, sum(row))
        cells = "".join(f'<td style="background:rgba(62,104,190,{0.85 * v / total:.2f})">{v or ""}</td>' for v in row)
        rows.append(f"<tr><th>{html.escape(name)}</th>{cells}</tr>")
    return (
        "<h2>Confusion of captions</h2><p class='note'>rows: the action of the label; columns: the action that the caption "
        f"names; clips</p><div class='wide'><table class='confusion'><tr>{head}</tr>{''.join(rows)}</table></div>"
    )


def _gallery(samples: Samples) -> str:
    figures = []
    for i, sample in enumerate(samples.items):
        shown = [
            (k, n) for k, n, v in ((f"t{i}", "real", sample.truth), (f"m{i}", "made", sample.made)) if v is not None
        ]
        canvases = "".join(
            f'<figure><canvas width="260" height="230" data-motion="{k}"></canvas><figcaption>{n}</figcaption></figure>'
            for k, n in shown
        )
        said = (
            f'<br><span class="said">caption of the real one: {html.escape(sample.caption)}</span>'
            if sample.caption
            else ""
        )
        text = f"<b>{html.escape(sample.text)}</b>{said}"
        figures.append(f'<figure><div class="pair">{canvases}</div><figcaption>{text}</figcaption></figure>')
    return (
        f'<h2>Samples</h2><p class="note">{len(samples.items)} clips drawn at random with seed {samples.seed}, not chosen; '
        f'click one to stop it</p><div class="gallery">{"".join(figures)}</div>'
    )
