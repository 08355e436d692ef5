"""What is measured of a row's motions in one repeat, and over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dimo.body.skeleton import preset
from dimo.data.records import Clip
from dimo.evaluate.protocol import FRESH, Plan, Trial, draw
from dimo.evaluate.report import Cell, Share
from dimo.evaluators.evaluator import Evaluator
from dimo.features import humanml3d
from dimo.features.layouts import FPS, layout_for
from dimo.metrics import motion as metrics
from dimo.metrics import physics
from dimo.metrics.checks import check_all
from dimo.metrics.facts import checks_of

REAL = "real"
BODY = preset("humanml3d")
"""The body whose joints checks and physics know; of others they say nothing."""
PHYSICS = tuple(physics.Physics.__dataclass_fields__)

Row = Callable[[Sequence[Trial]], Sequence[np.ndarray]]
"""Trials of one batch to positions (F, 22, 3) each, metres, 20 fps, or to HumanML3D features (F, C), which evaluators then read
as they are. Whatever makes motions can stand in a row."""


@dataclass(frozen=True)
class Outcome:
    """Numbers of a row in one repeat: of the whole set, and per clip (nan where a clip has none)."""

    whole: Mapping[str, float]
    clips: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answers:
    """A row's outcomes in every repeat, and its trials and motions of the first."""

    outcomes: tuple[Outcome, ...]
    trials: Sequence[Trial]
    motions: Sequence[np.ndarray]


def run_rows(
    rows: Mapping[str, Row],
    clips: Sequence[Clip],
    evaluator: Evaluator | None,
    plan: Plan,
    *,
    reference: Sequence[Clip] | None = None,
    body: bool = True,
    tick: Callable[[str], None] = lambda _: None,
) -> dict[str, Answers]:
    """Every row in every repeat. All rows of a repeat answer the same trials, so that they can be compared in pairs.

    reference: the real clips that FID is measured against (default: the same ones, cropped anew; none where it is empty).
    body: also what needs no evaluator. tick is called after every batch with the row's name.
    """
    outcomes: dict[str, list[Outcome]] = {name: [] for name in rows}
    first: dict[str, tuple[Sequence[Trial], Sequence[np.ndarray]]] = {}
    fresh_plan = replace(plan, seed=plan.seed + FRESH)
    for repeat in range(plan.repeats):
        trials = draw(clips, plan, repeat)
        texts = real_set = None
        if evaluator is not None:
            texts = evaluator.embed_texts([t.caption for t in trials])
            fresh = draw(clips if reference is None else reference, fresh_plan, repeat)
            real_set = evaluator.embed_motions(_true(evaluator, fresh)) if fresh else None
        for name, row in rows.items():
            motions: list[np.ndarray] = []
            for start in range(0, len(trials), plan.batch):
                motions += row(trials[start : start + plan.batch])
                tick(name)
            whole = {}
            if evaluator is not None and texts is not None:
                read = _true(evaluator, trials) if name == REAL else features_of(motions, evaluator)
                generator = np.random.default_rng([plan.seed, repeat, 1])
                whole = of_set(evaluator.embed_motions(read), texts, real_set, trials, plan.batch, generator)
            motions = [humanml3d.decode(m) if m.ndim == 2 else m for m in motions]
            first.setdefault(name, (trials, motions))
            outcomes[name].append(Outcome(whole, of_clips(motions, trials) if body else {}))
    return {name: Answers(tuple(found), *first[name]) for name, found in outcomes.items()}


def features_of(answers: Sequence[np.ndarray], evaluator: Evaluator) -> list[np.ndarray]:
    """What an evaluator reads of a row's answers: features as they are, positions encoded in its way."""
    return [np.asarray(m, np.float32) if m.ndim == 2 else evaluator.features(m) for m in answers]


def _true(evaluator: Evaluator, trials: Sequence[Trial]) -> list[np.ndarray]:
    return [evaluator.true_features(t.clip.id, t.truth, t.start) for t in trials]


def of_set(
    motions: np.ndarray,
    texts: np.ndarray,
    reference: np.ndarray | None,
    trials: Sequence[Trial],
    pool: int,
    generator: np.random.Generator,
) -> dict[str, float]:
    """What embeddings (N, D) of a row's motions say, beside those of the captions and of a fresh real pass."""
    whole = {}
    if reference is not None and min(len(reference), len(motions)) > 1:
        whole["fid"] = metrics.frechet_distance(reference, motions)
    whole["diversity"] = metrics.diversity(motions, generator, min(metrics.DIVERSITY_PAIRS, len(motions)))
    if len(motions) >= pool:
        whole |= retrieval(texts, motions, pool)
        if (same := same_label(texts, motions, [t.clip.label for t in trials], pool)) is not None:
            whole["same_action"] = same
    return whole


def retrieval(rows: np.ndarray, columns: np.ndarray, pool: int) -> dict[str, float]:
    """R-Precision and MM-Dist of embeddings (N, D) that belong together, rows looking for columns; empty below one pool."""
    if len(rows) < pool:
        return {}
    top = metrics.r_precision(rows, columns, pool=pool)
    return {f"r{k + 1}": float(v) for k, v in enumerate(top)} | {
        "mm_dist": metrics.matching_distance(rows, columns, pool)
    }


def same_label(texts: np.ndarray, motions: np.ndarray, labels: Sequence[str], pool: int) -> float | None:
    """Share of texts whose nearest motion of the pool shows the text's action; None without labels.

    In a set of few actions a pool of 32 holds several clips of each, so R-Precision counts right answers as wrong; this
    does not.
    """
    if not all(labels):
        return None
    hits = []
    for start in range(0, len(texts) // pool * pool, pool):
        part = slice(start, start + pool)
        best = metrics.distances(texts[part], motions[part]).argmin(1)
        hits += [labels[start + b] == labels[start + i] for i, b in enumerate(best)]
    return float(np.mean(hits)) if hits else None


def of_clips(motions: Sequence[np.ndarray], trials: Sequence[Trial]) -> dict[str, np.ndarray]:
    """Checks, physics and bone drift of every motion; a caption without facts has no check."""
    out: dict[str, list[float]] = {name: [] for name in ("checks", *PHYSICS, "bone_drift")}
    for joints, trial in zip(motions, trials, strict=True):
        known = joints.shape[1] == len(BODY)
        specs = checks_of(trial.caption, trial.clip.style) if known else []
        out["checks"].append(float(check_all(specs, joints, FPS)) if specs else np.nan)
        body = physics.measure_body(joints, FPS) if known and len(joints) >= 4 else None
        for name in PHYSICS:
            out[name].append(getattr(body, name) if body else np.nan)
        parents = layout_for(joints=joints.shape[1]).skeleton.parents
        out["bone_drift"].append(metrics.bone_length_drift(joints, parents))
    return {name: np.array(values) for name, values in out.items()}


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Cell]:
    """A row of a report: per metric the mean over repeats and its spread (report.Cell)."""
    out: dict[str, Cell] = {}
    for name in dict.fromkeys(n for o in outcomes for n in o.whole):
        out[name] = Cell.of([o.whole[name] for o in outcomes if name in o.whole])
    for name in dict.fromkeys(n for o in outcomes for n in o.clips):
        rows = [o.clips[name][~np.isnan(o.clips[name])] for o in outcomes]
        rows = [r for r in rows if len(r)]
        if rows:
            out[name] = Cell.of([float(r.mean()) for r in rows], rows[0])
    return out


def check_table(motions: Sequence[np.ndarray], trials: Sequence[Trial]) -> dict[str, dict[str, Share]]:
    """Instruction checks per check and per action: of the captions that carry a fact, the share of motions that pass."""
    by_check: dict[str, list[bool]] = {}
    by_action: dict[str, list[bool]] = {}
    for joints, trial in zip(motions, trials, strict=True):
        specs = checks_of(trial.caption, trial.clip.style) if joints.shape[1] == len(BODY) else []
        for spec in specs:
            name = " ".join(str(v) for k, v in spec.items() if k in ("check", "direction", "side", "to", "of"))
            by_check.setdefault(name, []).append(check_all([spec], joints, FPS))
        if specs and trial.clip.label:
            by_action.setdefault(trial.clip.label, []).append(check_all(specs, joints, FPS))
    return {
        kind: {name: Share(float(np.mean(v)), len(v)) for name, v in sorted(table.items())}
        for kind, table in (("by_check", by_check), ("by_action", by_action))
    }
