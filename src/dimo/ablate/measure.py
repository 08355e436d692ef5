"""Measuring a row's model, and the few numbers of the evaluation that stand in the table."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from dimo import evaluate
from dimo.ablate.row import Row, file_part, in_json
from dimo.ablate.trainings import DONE
from dimo.api import DiMo
from dimo.data.records import Clip
from dimo.diffusion.options import SampleOptions
from dimo.evaluate.report import Report
from dimo.evaluate.rows import ModelRows
from dimo.evaluate.settings import Progress
from dimo.evaluate.store import Store
from dimo.evaluators.evaluator import Evaluator
from dimo.inpaint.request import Request
from dimo.tasks import caption, generate

SECONDS = 4.0
"""Of the motions by which times are taken."""
TIMES = 3


@dataclass(frozen=True)
class Metric:
    """A cell of a report: of the task's row whose name ends with `row`. better: as evaluate.tables.Column."""

    key: str
    head: str
    task: str
    row: str
    cell: str
    digits: int = 3
    better: int = -1


METRICS = (
    Metric("fid", "FID", "t2m", "model", "fid"),
    Metric("r1", "R@1", "t2m", "model", "r1", better=1),
    Metric("r3", "R@3", "t2m", "model", "r3", better=1),
    Metric("mm_dist", "MM-Dist", "t2m", "model", "mm_dist"),
    Metric("fid_second", "FID, 2nd evaluator", "t2m_second", "model", "fid"),
    Metric("r3_second", "R@3, 2nd evaluator", "t2m_second", "model", "r3", better=1),
    Metric("cider", "CIDEr", "m2t", "model", "cider_raw", 1, 1),
    Metric("text_r1", "captions R@1", "m2t", "model", "r1", better=1),
    Metric("predict_mm", "ADE predict, mm", "m2m", "predict after 20 %: model", "ade_mm", 0),
    Metric("between_mm", "ADE between, mm", "m2m", "between 25 % and 25 %: model", "ade_mm", 0),
    Metric("codec_mm", "codec MPJPE, mm", "codec", "", "mpjpe_mm", 1),
)
REAL = tuple(replace(m, row="real") for m in METRICS if m.task in ("t2m", "t2m_second", "m2t"))
"""The same of real motions and captions."""
TIME = {"train_step": "train, s a step", "generate": "generate, s", "caption": "caption, s"}
"""Times and their heads; they depend on the machine and on what else it does."""


def measure(
    row: Row,
    folder: Path,
    kept: Path,
    clips: Sequence[Clip],
    evaluators: Sequence[Evaluator],
    device: str,
    progress: Progress,
) -> tuple[dict[str, Any], Report]:
    """What is kept of a row whose model lies in `folder`, and the whole report.

    What the model makes is stored in `kept`, the folder of its training, so that rows that sample from it alike in part do that
    part once.
    """
    model = DiMo.from_pretrained(folder, device=device)
    drawn = row.measuring.drawn
    model.model.config = drawn.of(model.model.config)
    generated = kept / "generated" / file_part(f"{drawn.levels}-{drawn.temperature:g}")
    settings = row.measuring.settings()
    report = evaluate.run(model, clips, settings, evaluators=evaluators, generated=generated, progress=progress)
    report.title = f"{row.title}, on {len(clips)} clips"
    known = {
        "metrics": numbers(report, METRICS),
        "real": numbers(report, REAL),
        "seconds": {
            "train_step": json.loads((kept / DONE).read_text())["seconds_a_step"] if (kept / DONE).is_file() else None,
            **times(model, row, clips),
        },
        "conditions": {
            "evaluator": report.evaluator.label,
            "clips": report.settings.clips,
            "threads": torch.get_num_threads(),
            "device": str(model.pipeline.device),
            "versions": report.versions,
            "hashes": dict(report.hashes),
            "measuring": in_json(row.measuring),
        },
    }
    return known, report


def numbers(report: Report, wanted: Sequence[Metric]) -> dict[str, float]:
    """The means of those cells that a report has."""
    out = {}
    for metric in wanted:
        rows = report.tasks[metric.task].rows if metric.task in report.tasks else {}
        found = [
            cells[metric.cell] for name, cells in rows.items() if name.endswith(metric.row) and metric.cell in cells
        ]
        if found:
            out[metric.key] = found[-1].mean  # of the codec the last row, that of all levels
    return out


def times(model: DiMo, row: Row, clips: Sequence[Clip]) -> dict[str, float | None]:
    """Seconds that a motion and a caption take, one at a time, sampled as the row says; None where it measures neither."""
    asked, tasks = row.measuring, row.measuring.evaluate.tasks
    rows = ModelRows(model, asked.settings(), Store(Path(), ""))
    made: dict[str, float | None] = {"generate": None, "caption": None}
    texts = [text for c in clips for text in (rows.shortened(c.captions[0].text),) if rows.readable(text)]
    if "t2m" in tasks and texts:
        request = generate.generate(model.pipeline, texts[0], SECONDS, 0)
        made["generate"] = _median(lambda: _make(model, request, asked.sampling))
    if "m2t" in tasks:
        motions = [rows.motion_of(clips[0])]
        made["caption"] = _median(lambda: caption.captions(model.pipeline, motions, 1, asked.captions, 0))
    return made


def _make(model: DiMo, request: Request, options: SampleOptions) -> object:
    return model.pipeline.make([request], options, footlock=True)


def _median(call: Callable[[], object]) -> float:
    call()  # what is slow once is left out
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found)
