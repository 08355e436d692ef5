"""Motion to text: motion known, all places of the caption masked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from dimo.body.motion import Motion
from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.filters import TEXT_FILTERS, as_captions_go_on, ends_sooner, no_phrase_twice
from dimo.inpaint.pipeline import Pipeline
from dimo.inpaint.predictor import Predictor
from dimo.inpaint.request import Request, samples_of, seed_of
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD
from dimo.tasks.score import text_given_motion
from dimo.text.phrases import Phrases

CAPTION_OPTIONS = SampleOptions(steps=12, temperature=0.0, top_k=0, guidance=1.0, schedule="linear", pad_factor=0.6)
"""How captions are drawn: the most probable words, few at a time."""

IN_ORDER = replace(CAPTION_OPTIONS, strategy="in_order")
"""How they are drawn where it is known how captions go on: a word a round, each with all words before it in sight. Words that
are filled in together do not see each other, and two of five such captions were broken (docs/log.md)."""

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


def options_for(samples: int, steps: int | None, temperature: float | None) -> SampleOptions:
    """How so many captions of a motion are drawn. steps: rounds in which all words are filled in; None writes them in order.
    temperature: None is the most probable caption, or 0.7 for several."""
    if temperature is None:
        temperature = 0.0 if samples == 1 else SEVERAL
    if steps is None:
        return replace(IN_ORDER, temperature=temperature)
    return replace(CAPTION_OPTIONS, steps=steps, temperature=temperature)


def captions(
    pipeline: Pipeline, motions: Sequence[Motion], samples: int, options: SampleOptions, seed: int | None
) -> list[Caption]:
    """The surest of `samples` captions for each motion, drawn together; the seed is that of each motion alone."""
    seeds = [seed_of(r) for r in samples_of(Request((), seed=seed), samples)]
    codes = [pipeline.to_codes(m) for m in motions]
    several = [c for c in codes for _ in seeds]
    phrases = pipeline.phrases if options.strategy == IN_ORDER.strategy else None
    drawn = caption(pipeline.model, several, options, seeds * len(codes), phrases=phrases)
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
    model: MaskedModel,
    motions: Sequence[Tensor],
    options: SampleOptions,
    seeds: Sequence[int | None] = (),
    *,
    phrases: Phrases | None = None,
) -> list[list[int]]:
    """Word-piece ids of a caption for each motion, codes (L_i, Q), each by its own seed; a caption ends at its first [PAD].

    In order, a caption goes on as one of phrases does and says nothing twice; without phrases it is filled in as
    CAPTION_OPTIONS say.
    """
    predictor = Predictor(model)
    if options.strategy == IN_ORDER.strategy and phrases is not None:
        rules = (no_phrase_twice, as_captions_go_on(phrases), ends_sooner)
        predictor = Predictor(model, text_filters=(*TEXT_FILTERS, *rules), in_order=True)
        options = replace(options, steps=model.config.caption_slots, schedule="linear")
    elif options.strategy == IN_ORDER.strategy:
        options = replace(options, strategy=CAPTION_OPTIONS.strategy)
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
        *_, last = sample(tokens, predictor, options, [seeds[i] for i in batch])
        for i, row in zip(batch, last.tokens.ids.tolist(), strict=True):
            out[i] = row[: row.index(PAD)] if PAD in row else row
    return [out[i] for i in range(len(motions))]
