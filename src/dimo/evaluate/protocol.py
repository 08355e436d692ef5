"""The protocol of a text-to-motion table: which clips, captions, crops and repeats, and what every row is asked for.

Exact where the field has a protocol (method 6.3 to 6.5): a caption drawn per clip and repeat, lengths cut to whole snippets
with a chance of 1/3 one fewer, a random crop, batches of 32 of which the last partial one is dropped, 20 repeats with 95 %
intervals, the real row measured against a fresh pass of the same clips. A row is a callable that gives motions for requests,
so the protocol knows no model; whatever makes motions can stand in a row.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dimo.body.skeleton import preset
from dimo.data.records import Clip
from dimo.errors import RequestError
from dimo.evaluators.encoder import Encoder, unit_rows
from dimo.evaluators.guo import draw_crop
from dimo.features import humanml3d
from dimo.metrics import motion as metrics
from dimo.metrics import physics
from dimo.metrics.checks import check_all
from dimo.metrics.facts import checks_of

FPS = 20.0
LENGTHS = ("truth", "estimated")
MIN_FRAMES = 8
FRESH = 7919  # added to the seed of the pass that FID is measured against
PARENTS = preset("humanml3d").parents
PHYSICS = tuple(physics.Physics.__dataclass_fields__)


@dataclass(frozen=True)
class Plan:
    """How often and on what; a report states all of it."""

    repeats: int = 20
    seed: int = 0
    batch: int = metrics.POOL  # also the pool in which texts compete for motions
    lengths: str = "truth"  # frames that a system is asked for: those of the true crop, or its own estimate
    crop: bool = True  # as the public loader does; False keeps motions whole

    def __post_init__(self):
        if not 1 <= self.repeats <= 1000:
            raise RequestError(f"repeats must be from 1 to 1000, not {self.repeats}")
        if self.lengths not in LENGTHS:
            raise RequestError(f"lengths must be one of {', '.join(LENGTHS)}, not {self.lengths!r}")


@dataclass(frozen=True)
class Request:
    """One motion that a row must give: for `caption`, as long as `truth`, with `seed` as its randomness."""

    clip: Clip
    caption: str
    truth: np.ndarray  # (F, 22, 3): the crop of the clip that this repeat looks at
    start: int  # its first frame
    seed: int

    @property
    def frames(self) -> int:
        return len(self.truth)


Row = Callable[[Sequence[Request]], Sequence[np.ndarray]]
"""Requests of one batch to positions (F, 22, 3) each, metres, 20 fps."""


def draw(clips: Sequence[Clip], plan: Plan, repeat: int) -> list[Request]:
    """The requests of a repeat in their order; whole batches only, unless there is not even one."""
    generator = np.random.default_rng([plan.seed, repeat])
    order = generator.permutation(len(clips))
    order = order[: len(clips) // plan.batch * plan.batch or len(clips)]
    out = []
    for i in order:
        clip = clips[i]
        crop = draw_crop(len(clip.joints), generator) if plan.crop else slice(0, len(clip.joints))
        truth = np.asarray(clip.joints[crop], float)
        text = clip.captions[generator.integers(len(clip.captions))].text
        out.append(Request(clip, text, truth, crop.start, zlib.crc32(f"{plan.seed} {repeat} {clip.id}".encode())))
    return out


def usable(clips: Sequence[Clip]) -> list[Clip]:
    """Clips that the protocol can use: with captions, and of at least MIN_FRAMES frames."""
    return [c for c in clips if c.captions and len(c.joints) >= MIN_FRAMES]


# ---- rows without a model


def real(requests: Sequence[Request]) -> list[np.ndarray]:
    """The truth itself: the ceiling."""
    return [r.truth for r in requests]


def shuffled(requests: Sequence[Request]) -> list[np.ndarray]:
    """True motions under captions of other clips: a measure of agreement that this does not ruin measures none."""
    return [requests[(i + 1 + len(requests) // 2) % len(requests)].truth for i in range(len(requests))]


def nearest(train: Sequence[Clip], captions: Sequence[str], owner: Sequence[int], embed: Callable) -> Row:
    """For each text the training clip whose caption is nearest: what memory alone would give.

    captions[i] belongs to train[owner[i]]; embed maps texts to vectors (N, D) that are compared by their cosine.
    """
    known = unit_rows(np.asarray(embed(list(captions)), float))

    def row(requests: Sequence[Request]) -> list[np.ndarray]:
        asked = unit_rows(np.asarray(embed([r.caption for r in requests]), float))
        best = (asked @ known.T).argmax(1)
        return [fit(np.asarray(train[owner[b]].joints, float), r.frames) for b, r in zip(best, requests, strict=True)]

    return row


def fit(joints: np.ndarray, frames: int) -> np.ndarray:
    """The first frames, where there are more: no system is measured on more than was asked for."""
    return joints[:frames] if len(joints) >= min(frames, 2) else joints


# ---- what one row measures in one repeat


@dataclass(frozen=True)
class Outcome:
    """Numbers of a row in one repeat: of the whole set, and per clip (nan where a clip has none)."""

    whole: Mapping[str, float]
    clips: Mapping[str, np.ndarray]
    embeddings: np.ndarray | None = None


def measure(
    motions: Sequence[np.ndarray],
    requests: Sequence[Request],
    mine: np.ndarray | None,
    texts: np.ndarray | None,
    reference: np.ndarray | None,
    plan: Plan,
    repeat: int,
    body: bool = True,
) -> Outcome:
    """All numbers of a row's motions; mine, texts and reference are embeddings of the motions, of the captions, and of a
    fresh real pass. Without body only what the embeddings say."""
    clips = per_clip(motions, requests) if body else {}
    if mine is None or texts is None:
        return Outcome({}, clips)
    generator = np.random.default_rng([plan.seed, repeat, 1])
    whole = {}
    if reference is not None and min(len(reference), len(mine)) > 1:
        whole["fid"] = metrics.frechet_distance(reference, mine)
    pairs = min(metrics.DIVERSITY_PAIRS, len(mine))
    whole["diversity"] = metrics.diversity(mine, generator, pairs)
    if len(mine) >= plan.batch:
        top = metrics.r_precision(texts, mine, pool=plan.batch)
        whole |= {f"r{k + 1}": float(v) for k, v in enumerate(top)}
        whole["mm_dist"] = metrics.matching_distance(texts, mine, plan.batch)
        if (same := same_label(texts, mine, [r.clip.label for r in requests], plan.batch)) is not None:
            whole["same_action"] = same
    return Outcome(whole, clips, mine)


def embed_motions(encoder: Encoder, motions: Sequence[np.ndarray]) -> np.ndarray:
    """Embeddings (N, D) of positions, by the features that the encoder reads."""
    return encoder.embed_motions([_features(encoder, m) for m in motions])


def _features(encoder: Encoder | None, joints: np.ndarray) -> np.ndarray:
    return humanml3d.encode(joints, encoder.feature_mode if encoder else "exact").astype(np.float32)


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


def per_clip(motions: Sequence[np.ndarray], requests: Sequence[Request]) -> dict[str, np.ndarray]:
    """Checks, physics and bone drift of every motion; a caption without facts has no check."""
    out: dict[str, list[float]] = {name: [] for name in ("checks", *PHYSICS, "bone_drift")}
    for joints, request in zip(motions, requests, strict=True):
        specs = checks_of(request.caption, request.clip.style)
        out["checks"].append(float(check_all(specs, joints, FPS)) if specs else np.nan)
        body = physics.measure_body(joints, FPS) if len(joints) >= 4 else None
        for name in PHYSICS:
            out[name].append(getattr(body, name) if body else np.nan)
        out["bone_drift"].append(metrics.bone_length_drift(joints, PARENTS))
    return {name: np.array(values) for name, values in out.items()}


# ---- repeats


def summarise(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Per metric the mean over repeats, its 95 % half-width, every value, and where it is a mean over clips that of its
    standard error: what another choice of test clips would have changed."""
    out: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(n for o in outcomes for n in o.whole):
        out[name] = entry([o.whole[name] for o in outcomes if name in o.whole])
    for name in dict.fromkeys(n for o in outcomes for n in o.clips):
        rows = [o.clips[name][~np.isnan(o.clips[name])] for o in outcomes]
        rows = [r for r in rows if len(r)]
        if rows:
            out[name] = entry([float(r.mean()) for r in rows], rows[0])
    return out


def entry(values: Sequence[float], clips: np.ndarray | None = None) -> dict[str, Any]:
    """One cell of a report from a number per repeat, and the values per clip of one repeat if there are any."""
    found = metrics.interval(values)
    width = None if np.isnan(found.half_width) else found.half_width
    cell: dict[str, Any] = {"mean": found.mean, "half_width": width, "values": [float(v) for v in values]}
    if clips is not None and len(clips) > 1:
        cell |= {"clip_error": float(clips.std(ddof=1) / np.sqrt(len(clips))), "clips": len(clips)}
    return cell


Keep = Callable[[str, int, Sequence[Request], Sequence[np.ndarray]], None]
"""What is told of a row's motions: its name, the repeat, the requests, the motions."""


def run_rows(
    rows: Mapping[str, Row],
    clips: Sequence[Clip],
    encoder: Encoder | None,
    plan: Plan,
    *,
    reference: Sequence[Clip] | None = None,
    truth_features: Callable[[Request], np.ndarray] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    keep: Keep = lambda *_: None,
    body: bool = True,
) -> dict[str, list[Outcome]]:
    """Every row in every repeat. All rows of a repeat answer the same requests, so that they can be compared in pairs.

    reference: the real clips that FID is measured against (default: the same ones, cropped anew; none where it is empty).
    truth_features: a collection's own features of the true crop, for the row "real" and the reference, where encoding the
    positions again would not give them to the last frame. body: see measure.
    """
    true = truth_features or (lambda r: _features(encoder, r.truth))

    out: dict[str, list[Outcome]] = {name: [] for name in rows}
    fresh_plan = replace(plan, seed=plan.seed + FRESH)
    for repeat in range(plan.repeats):
        requests = draw(clips, plan, repeat)
        texts = real_set = None
        if encoder is not None:
            texts = encoder.embed_texts([r.caption for r in requests])
            fresh = draw(clips if reference is None else reference, fresh_plan, repeat)
            real_set = encoder.embed_motions([true(r) for r in fresh]) if fresh else None
        for name, row in rows.items():
            motions: list[np.ndarray] = []
            for start in range(0, len(requests), plan.batch):
                motions += row(requests[start : start + plan.batch])
                progress(name)
            keep(name, repeat, requests, motions)
            mine = None
            if encoder is not None:
                given = [true(q) for q in requests] if name == "real" else [_features(encoder, m) for m in motions]
                mine = encoder.embed_motions(given)
            out[name].append(measure(motions, requests, mine, texts, real_set, plan, repeat, body))
    return out


def check_table(motions: Sequence[np.ndarray], requests: Sequence[Request]) -> dict[str, dict[str, dict[str, float]]]:
    """Instruction checks per check and per action: of the captions that carry a fact, the share of motions that pass."""
    by_check: dict[str, list[bool]] = {}
    by_action: dict[str, list[bool]] = {}
    for joints, request in zip(motions, requests, strict=True):
        specs = checks_of(request.caption, request.clip.style)
        for spec in specs:
            name = " ".join(str(v) for k, v in spec.items() if k in ("check", "direction", "side", "to", "of"))
            by_check.setdefault(name, []).append(check_all([spec], joints, FPS))
        if specs and request.clip.label:
            by_action.setdefault(request.clip.label, []).append(check_all(specs, joints, FPS))
    return {
        kind: {name: {"share": float(np.mean(v)), "clips": len(v)} for name, v in sorted(table.items())}
        for kind, table in (("by_check", by_check), ("by_action", by_action))
    }
