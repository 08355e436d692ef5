"""An evaluation from clips to a report: of a dimo model (`run`), or of motions that any system made (`run_motions`)."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch

from dimo.api import DiMo
from dimo.data import heldout
from dimo.data.records import Clip
from dimo.errors import RequestError
from dimo.evaluate import (
    ahead,
    completion,
    correction,
    motion_to_text,
    protocol,
    published,
    reconstruction,
    text_to_motion,
)
from dimo.evaluate.ahead import Workers
from dimo.evaluate.measure import BODY, Answers, Row
from dimo.evaluate.protocol import Plan
from dimo.evaluate.report import ORDINALS, Conditions, EvaluatorFacts, Report, Task
from dimo.evaluate.rows import ModelRows, nearest, real, shuffled
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluate.settings import Progress, Settings, silent, stage
from dimo.evaluate.store import Store
from dimo.evaluators.evaluator import Evaluator, word_vectors
from dimo.evaluators.find import find_all
from dimo.metrics.motion import DIVERSITY_PAIRS


def run(
    model: DiMo,
    clips: Sequence[Clip],
    settings: Settings | None = None,
    *,
    evaluators: Sequence[Evaluator] | None = None,
    train: Sequence[Clip] = (),
    generated: Path | None = None,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> Report:
    """A report of a model on clips of a split that it has not seen (data.heldout.load reads them).

    evaluators: those that ship with the weights, unless others are given; all measure text to motion, the first one the rest
    too. train: clips among which the row "nearest" looks; without them there is none. generated: a folder in which what the
    model makes is kept, so that a run that was cut off goes on. workers: processes that make it ahead, by the weights that
    `model` was loaded from. RequestError for what cannot be measured.
    """
    settings = settings or Settings()
    if max(settings.sweeps.get("levels", (0,))) > model.codec.config.levels:
        raise RequestError(f"the sweep of levels goes beyond the {model.codec.config.levels} of the codec")
    clips, evaluators = _usable(clips), _evaluators(evaluators)
    _check_bodies(model, clips, evaluators)
    plan, first = Plan(settings.repeats, settings.seed), evaluators[0] if evaluators else None
    report = _blank(clips, settings, evaluators, plan)
    report.hashes = {"weights": _weights(model), "data": heldout.fingerprint(clips)}
    report.settings.sampling, report.settings.footlock = asdict(settings.options), settings.holds_feet
    report.settings.protocol = settings.protocol
    if "t2m" in settings.tasks:
        feet = " with planted feet held" if settings.holds_feet else ""
        report.notes.append(protocol.NOTES[settings.protocol].format(feet=feet))
    kept = tempfile.TemporaryDirectory() if generated is None else nullcontext(generated)
    with _timed(report, "all"), kept as folder:
        key = [report.hashes, model.fingerprint(), settings.split]
        rows = ModelRows(model, settings, Store(Path(folder), key))
        if workers is not None:
            ahead.make(workers, model, clips, settings, plan, Path(folder), key, progress)
        report.settings.memory = 0.0 if model.memory is None else rows.memory
        report.settings.recall = rows.recall
        report.notes += _not_read(rows, clips)
        if settings.captions is not None:
            report.notes.append(f"Captions were drawn by {json.dumps(asdict(settings.captions))}.")
        answers: dict[str, Answers] = {}
        said: list[str] = []
        if "t2m" in settings.tasks:
            answers = _text_to_motion(report, rows, clips, settings, evaluators, train, plan, progress)
        if "m2t" in settings.tasks and not report.stopped:
            said = _motion_to_text(report, rows, clips, first, plan, progress)
        _motion_to_motion(report, rows, clips, settings, progress)
    if settings.published:
        published.add(report, settings.published)
    if settings.samples and len(model.codec.skeleton) == len(BODY):  # which the page can draw
        report.samples = _samples(settings, clips, answers, said)
    return report


def run_motions(
    clips: Sequence[Clip],
    settings: Settings | None = None,
    *,
    evaluators: Sequence[Evaluator] | None = None,
    truth: Sequence[Clip] = (),
    progress: Progress = silent,
) -> Report:
    """A report of motions that any system made: clips whose joints are the system's (inputs.read_motions reads them).

    truth: real clips, which give the first row and what FID is against; without them what needs no truth is measured. Of the
    settings those of text to motion count that need no model. RequestError for what cannot be measured.
    """
    settings = settings or Settings()
    if settings.protocol != "dimo":
        raise RequestError("motions of a system are measured by their positions; the protocol humanml3d is for a model")
    clips, truth, evaluators = _usable(clips), protocol.usable(truth), _evaluators(evaluators)
    plan = Plan(settings.repeats, settings.seed, crop=False)
    report = _blank(clips, settings, evaluators, plan)
    report.hashes = {"motions": heldout.fingerprint(clips)}
    if truth:
        report.hashes["data"] = heldout.fingerprint(truth)
    else:
        report.notes.append("No real clips were given, so there is no real row and no FID.")
    data_set = settings.published or "HumanML3D"
    with _timed(report, "all"):
        answers = text_to_motion.by_each(
            report, {"system": real}, clips, evaluators, plan, progress, what="system", data_set=data_set, truth=truth
        )
    report.tasks["t2m"].note = "motions as they are, not cropped"
    if report.stopped:
        return report
    if settings.published:
        published.add(report, settings.published)
    trials, motions = answers["system"].trials, answers["system"].motions
    drawn = sorted(np.random.default_rng(settings.seed).permutation(len(trials))[: settings.samples])
    items = (Sample(trials[i].clip.id, trials[i].caption, None, motions[i]) for i in drawn)
    report.samples = Samples(tuple(items), settings.seed)
    return report


# ---- the tasks, each of which adds its table to the report


def _text_to_motion(
    report: Report,
    rows: ModelRows,
    clips: Sequence[Clip],
    settings: Settings,
    evaluators: Sequence[Evaluator],
    train: Sequence[Clip],
    plan: Plan,
    progress: Progress,
) -> dict[str, Answers]:
    """The tables by every evaluator; MultiModality and sweeps by the first. Returns the rows' answers of the first repeat."""
    first = evaluators[0] if evaluators else None
    made: dict[str, Row] = {"real": real, "codec": rows.reconstruct, "shuffled": shuffled}
    if any(text.by_people for clip in train for text in clip.captions):
        made["nearest"] = nearest(train, first.sentences if first is not None else word_vectors)
    made["model"] = rows.generate()
    made = {n: row for n, row in made.items() if n in settings.rows or n == "real"}
    data_set = settings.published or "HumanML3D"
    answers = text_to_motion.by_each(report, made, clips, evaluators, plan, progress, what="model", data_set=data_set)
    report.tasks["t2m"].note = f"lengths: {settings.lengths}"
    if not report.stopped:
        with _timed(report, "t2m"):
            if settings.multimodality and first is not None and "model" in answers:
                trials = answers["model"].trials[: settings.multimodality]
                cell = text_to_motion.multimodality(rows, trials, first, settings.seed)
                report.tasks["t2m"].rows["model"]["mmodality"] = cell
                count = text_to_motion.MULTIMODAL
                report.notes.append(f"MModality over {len(trials)} texts, {count} motions each, one repeat.")
            for name, values in settings.sweeps.items():
                report.sweeps[name] = text_to_motion.sweep(name, values, rows, clips, first, plan, progress)
    return answers


def _motion_to_text(
    report: Report,
    rows: ModelRows,
    clips: Sequence[Clip],
    evaluator: Evaluator | None,
    plan: Plan,
    progress: Progress,
) -> list[str]:
    """The model's caption of every clip."""
    with _timed(report, "m2t"):
        said = rows.captions(clips, plan.batch, stage(progress, "m2t", -(-len(clips) // plan.batch)))
        found = motion_to_text.measure({"model": said}, clips, evaluator, plan)
    report.tasks["m2t"] = Task(found, motion_to_text.NOTE)
    report.confusion = motion_to_text.confusion(said, clips)
    return said


def _motion_to_motion(
    report: Report, rows: ModelRows, clips: Sequence[Clip], settings: Settings, progress: Progress
) -> None:
    """Gaps, the codec alone, and captions put right."""
    part, seed = heldout.spread(clips, settings.part), settings.seed
    for name, used, passes, first, measure in (
        ("m2m", part, len(completion.KINDS), "without a text", lambda c, t: completion.measure(c, rows, seed, t)),
        ("codec", clips, 1, "levels", lambda c, t: reconstruction.measure(c, rows, t)),
        ("correct", part, 1, "words exchanged", lambda c, t: correction.measure(c, rows, seed, t)),
    ):
        if name in settings.tasks and not report.stopped:
            with _timed(report, name):
                cells = measure(used, stage(progress, name, passes * len(used)))
            report.tasks[name] = Task(cells, f"{len(used)} clips", first)


# ---- the report around the numbers


def _blank(clips: Sequence[Clip], settings: Settings, evaluators: Sequence[Evaluator], plan: Plan) -> Report:
    """A report without numbers."""
    notes = []
    if not evaluators:
        notes.append("No evaluator was found, so R-Precision, FID, MM-Dist and Diversity are not measured.")
    elif len(clips) < plan.batch:
        notes.append(f"R-Precision and MM-Dist need pools of {plan.batch} motions; there are {len(clips)}.")
    elif len(clips) < DIVERSITY_PAIRS:
        notes.append(f"Diversity over {len(clips)} pairs, since there are fewer than {DIVERSITY_PAIRS} clips.")
    return Report(
        title=f"Evaluation on {len(clips)} clips",
        settings=Conditions(
            split=settings.split,
            clips=len(clips),
            repeats=plan.repeats,
            seed=plan.seed,
            batch=plan.batch,
            lengths=settings.lengths,
            threads=torch.get_num_threads(),
        ),
        versions={
            "dimo": version("dimo"),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "platform": sys.platform,
        },
        evaluator=EvaluatorFacts.of(evaluators[0] if evaluators else None),
        notes=notes,
    )


def _usable(clips: Sequence[Clip]) -> list[Clip]:
    found = protocol.usable(clips)
    if len(found) < 2:
        raise RequestError(
            f"2 clips or more with a caption and {protocol.MIN_FRAMES} frames are needed, not {len(found)}"
        )
    return found


def _check_bodies(model: DiMo, clips: Sequence[Clip], evaluators: Sequence[Evaluator]) -> None:
    """RequestError for clips on another body, or at another rate, than the model's, or an evaluator of another body."""
    config, joints, fps = model.codec.config, clips[0].joints.shape[1], clips[0].fps
    if joints != len(model.codec.skeleton) or abs(fps - config.fps) > 1e-6:
        raise RequestError(
            f"the clips have {joints} joints at {fps:g} fps, and the model {len(model.codec.skeleton)} ({config.skeleton}) at "
            f"{config.fps:g}; dimo prepare --body {config.skeleton} makes clips for it"
        )
    for evaluator in evaluators:
        if evaluator.columns != config.features:
            raise RequestError(
                f"the {evaluator.name} reads {evaluator.columns} features a frame, and this model's body ({config.skeleton}) "
                f"has {config.features}; dimo train evaluator makes one for it"
            )


def _evaluators(given: Sequence[Evaluator] | None) -> Sequence[Evaluator]:
    found = find_all() if given is None else given
    if len(found) > len(ORDINALS):
        raise RequestError(f"a report has room for {len(ORDINALS)} evaluators, not for {len(found)}")
    return found


def _not_read(rows: ModelRows, clips: Sequence[Clip]) -> list[str]:
    """Notes on captions that the model cannot read to their end, or at all."""
    captions = [c.text for clip in clips for c in clip.captions]
    read = [rows.shortened(text) for text in captions]
    long = sum(a != b for a, b in zip(captions, read, strict=True))
    strange = sum(not rows.readable(text) for text in read)
    notes, longest = [], rows.model.model.config.max_text
    if long:
        notes.append(
            f"Of {len(captions)} captions {long} have more than the {longest} word pieces that the model reads; they were cut."
        )
    if strange:
        notes.append(f"Of {len(captions)} captions {strange} are no English to the model; it was asked without a text.")
    return notes


def _weights(model: DiMo) -> Mapping[str, Any]:
    return dict(model.config.get("sha256", {})) or {"fingerprint": model.fingerprint()}


@contextmanager
def _timed(report: Report, name: str) -> Iterator[None]:
    """Adds the seconds of what is done within."""
    began = monotonic()
    yield
    report.settings.seconds[name] = report.settings.seconds.get(name, 0.0) + monotonic() - began


def _samples(settings: Settings, clips: Sequence[Clip], answers: Mapping[str, Answers], said: Sequence[str]) -> Samples:
    """Random clips of the first repeat, with what the model made of their captions, and what it says of them."""
    captions = dict(zip((c.id for c in clips), said, strict=False))
    generator = np.random.default_rng([settings.seed, 4])
    if "real" not in answers:
        drawn = sorted(generator.permutation(len(clips))[: settings.samples])
        shown = [(clips[i], clips[i].captions[0].text, np.asarray(clips[i].joints, float), None) for i in drawn]
    else:
        trials = answers["real"].trials
        made = answers["model"].motions if "model" in answers else [None] * len(trials)
        drawn = sorted(generator.permutation(len(trials))[: settings.samples])
        shown = [(trials[i].clip, trials[i].caption, trials[i].truth, made[i]) for i in drawn]
    items = (Sample(c.id, text, truth, guess, captions.get(c.id, ""), c.label) for c, text, truth, guess in shown)
    return Samples(tuple(items), settings.seed)
