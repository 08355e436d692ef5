"""Motion to text: motion known, all places of the caption masked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from dimo.body.motion import Motion
from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.pipeline import Pipeline
from dimo.inpaint.predictor import Predictor
from dimo.inpaint.request import Request, samples_of, seed_of
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD
from dimo.tasks.score import text_given_motion

CAPTION_OPTIONS = SampleOptions(steps=12, temperature=0.0, top_k=0, guidance=1.0, schedule="linear", pad_factor=0.6)
"""How captions are drawn: the most probable words, few at a time."""

SEVERAL = 0.7
"""The temperature where several are drawn of one motion."""

BATCH = 64
"""Captions that are drawn together."""


@dataclass(frozen=True)
class Caption:
    """What a motion shows, and its mean log-probability per word piece given the motion (higher is surer).

    others: further samples, the surest first, doubles removed.
    """

    text: str
    score: float
    others: tuple[Caption, ...] = ()


def options_for(samples: int, steps: int, temperature: float | None) -> SampleOptions:
    """How so many captions of a motion are drawn. temperature: None is the most probable caption, or 0.7 for several."""
    if temperature is None:
        temperature = 0.0 if samples == 1 else SEVERAL
    return replace(CAPTION_OPTIONS, steps=steps, temperature=temperature)


def captions(
    pipeline: Pipeline, motions: Sequence[Motion], samples: int, options: SampleOptions, seed: int | None
) -> list[Caption]:
    """The surest of `samples` captions for each motion, drawn together; the seed is that of each motion alone."""
    seeds = [seed_of(r) for r in samples_of(Request((), seed=seed), samples)]
    codes = [pipeline.to_codes(m) for m in motions]
    drawn = caption(pipeline.model, [c for c in codes for _ in seeds], options, seeds * len(codes))
    return [_best(pipeline, drawn[i * samples : (i + 1) * samples], one) for i, one in enumerate(codes)]


def _best(pipeline: Pipeline, drawn: Sequence[list[int]], codes: Tensor) -> Caption:
    """The surest caption of a motion's samples, with the others."""
    found = {text: ids for ids in reversed(drawn) if (text := pipeline.wordpiece.decode(ids))}
    if not found:
        return Caption("", -math.inf)
    scores = text_given_motion(pipeline.model, list(found.values()), [codes] * len(found)).tolist()
    best, *others = sorted((Caption(t, s) for t, s in zip(found, scores, strict=True)), key=lambda c: -c.score)
    return replace(best, others=tuple(others))


def caption(
    model: MaskedModel, motions: Sequence[Tensor], options: SampleOptions, seeds: Sequence[int | None] = ()
) -> list[list[int]]:
    """Word-piece ids of a caption for each motion, codes (L_i, Q), each by its own seed; a caption ends at its first [PAD]."""
    seeds = list(seeds) or [options.seed] * len(motions)
    out: dict[int, list[int]] = {}
    order = sorted(range(len(motions)), key=lambda i: len(motions[i]))
    for batch in (order[k : k + BATCH] for k in range(0, len(order), BATCH)):
        nothing: list[list[int]] = [[] for _ in batch]
        tokens = pack(
            nothing,
            [motions[i] for i in batch],
            levels=model.config.levels,
            text_known=False,
            text_slots=model.config.caption_slots,
        ).to(model.device)
        *_, last = sample(tokens, Predictor(model), options, [seeds[i] for i in batch])
        for i, row in zip(batch, last.tokens.ids.tolist(), strict=True):
            out[i] = row[: row.index(PAD)] if PAD in row else row
    return [out[i] for i in range(len(motions))]
