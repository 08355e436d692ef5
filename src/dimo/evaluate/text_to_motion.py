"""The task t2m: rows of motions for the same captions, by every evaluator, and what one of them says as options change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from dimo.data.records import Clip
from dimo.evaluate import published
from dimo.evaluate.measure import REAL, Answers, Row, check_table, features_of, run_rows, summarise
from dimo.evaluate.protocol import Plan, Trial
from dimo.evaluate.report import ORDINALS, Cell, EvaluatorFacts, Point, Report, Task, task_of
from dimo.evaluate.rows import ModelRows, real
from dimo.evaluate.settings import Progress, stage
from dimo.evaluators.evaluator import Evaluator
from dimo.metrics import motion as metrics

MULTIMODAL = 30
"""Motions of one text in MultiModality, as in the public code."""


def by_each(
    report: Report,
    rows: Mapping[str, Row],
    clips: Sequence[Clip],
    evaluators: Sequence[Evaluator],
    plan: Plan,
    progress: Progress,
    *,
    what: str,
    data_set: str,
    truth: Sequence[Clip] | None = None,
) -> dict[str, Answers]:
    """The same rows by evaluator after evaluator, each a task of the report: what several say is less likely to be a quirk of
    one. Returns every row's answers to the first one.

    A published evaluator measures the real row first. What does not give the published one (of data_set) must not be used on
    `what`: where it is the first evaluator the report is `stopped`. truth: real clips that are no part of `clips`, the real
    row and the reference of FID then; without them the real row is one of `rows`.
    """
    first: dict[str, Answers] = {}
    for index, evaluator in enumerate(evaluators or (None,)):
        began, name, ordinal = monotonic(), task_of(index), ORDINALS[index]
        cells: dict[str, dict[str, Cell]] = {}
        report.tasks[name] = Task(cells, evaluator=EvaluatorFacts.of(evaluator) if index else None)
        original = evaluator is not None and evaluator.comparable
        if truth or (truth is None and original):
            found = run_rows({REAL: real}, clips if truth is None else truth, evaluator, plan, body=index == 0)
            cells[REAL] = summarise(found[REAL].outcomes)
            if original and (reason := published.mismatch(cells[REAL], data_set)):
                if index:
                    report.notes.append(f"The {ordinal} evaluator measures no row of the {what}: {reason}.")
                    continue
                report.notes.append(f"No row of the {what} is printed: {reason}.")
                report.stopped = reason
                return found if truth is None else {}
        title = f"{ordinal} evaluator" if index else "t2m"
        tick = stage(progress, title, plan.batches(len(clips)) * len(rows) * plan.repeats)
        found = run_rows(rows, clips, evaluator, plan, reference=truth, body=index == 0, tick=tick)
        cells |= {row: summarise(answers.outcomes) for row, answers in found.items()}
        first = first or found
        report.settings.seconds[name] = monotonic() - began
    # The codec's row would repeat the checks of the real one.
    report.checks = {row: check_table(a.motions, a.trials) for row, a in first.items() if row != "codec"}
    return first


def multimodality(rows: ModelRows, trials: Sequence[Trial], evaluator: Evaluator, seed: int) -> Cell:
    """MultiModality over the captions of these trials."""
    row = rows.generate(draw=1)
    asked = ([replace(t, seed=t.seed + i) for i in range(MULTIMODAL)] for t in trials)
    made = [evaluator.embed_motions(features_of(row(some), evaluator)) for some in asked]
    return Cell.of([metrics.multimodality(np.stack(made), np.random.default_rng(seed))])


def sweep(
    name: str,
    values: Sequence[float],
    rows: ModelRows,
    clips: Sequence[Clip],
    evaluator: Evaluator | None,
    plan: Plan,
    progress: Progress,
) -> list[Point]:
    """One repeat of the model's row at each value of a sampling option, or of the levels that are decoded."""
    out = []
    tick = stage(progress, f"sweep of {name}", len(values) * plan.batches(len(clips)))
    for value in values:
        if name == "levels":
            row = rows.generate(levels=int(value))
        else:
            row = rows.generate({name: int(value) if name == "steps" else value})
        found = run_rows({"model": row}, clips, evaluator, replace(plan, repeats=1), tick=tick)["model"]
        out.append(Point(value, summarise(found.outcomes)))
    return out
