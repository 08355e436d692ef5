"""What a step shows and what it hides: its batches with their masks, drawn on the CPU by whichever process makes them.

Nothing here knows a model: all that a step draws before the model is asked, so that it can be made ahead (ahead.py). Masks are in
diffusion/corrupt.py, batches in batches.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dimo.diffusion.corrupt import mask_motion, mask_text, show_below
from dimo.errors import RequestError
from dimo.learn.batches import ModelData
from dimo.learn.mix import Kind, ModelLoss, divide, draw_kind
from dimo.model.masked import MaskedConfig
from dimo.sequence.tokens import Tokens, pack

LENGTH_EXAMPLES = 8
"""Sequences a step that train the length head: it needs a trunk pass of its own over the text."""


@dataclass(frozen=True)
class Shown:
    """A batch of B sequences: the truth, what the model sees of it, and where it learns."""

    clean: Tokens
    masked: Tokens
    stacks: Tensor | None = None  # (B, L) bool: places of motion that are learnt
    words: Tensor | None = None  # (B, T) bool: places of words that are
    level: Tensor | None = None  # (B,) that is learnt of a whole motion
    asked: Tokens | None = None  # sequences whose texts are asked for the length of their motion

    def to(self, device: torch.device) -> Shown:
        """The same on a device."""

        def moved(part: Any) -> Any:
            return None if part is None else part.to(device)

        return Shown(**{f.name: moved(getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True)
class Drawn:
    """The batches of one step; None of a task that it has not."""

    kind: Kind = "masks"
    motion: Shown | None = None  # T2M and M2M
    text: Shown | None = None  # M2T
    sentences: Shown | None = None  # texts whose motion is not here
    joint: Shown | None = None  # pre-training: both sides masked
    local: tuple[Tokens, int] | None = None  # motions, and the level that is learnt from the levels below alone


def draw(
    data: ModelData,
    options: ModelLoss,
    config: MaskedConfig,
    generator: np.random.Generator,
    step: int,
    kind: Kind | None = None,
) -> Drawn:
    """All batches of a step for a model of these sizes. kind: drawn by its share when None."""
    if step < options.language_steps:
        return Drawn(sentences=_sentences(data, options, config, generator, options.batch))
    if step < options.language_steps + options.pretrain_steps:
        return Drawn(joint=_joint(data, options, config, generator, step))
    kind = kind or draw_kind(options, config.levels, generator)
    to_motion, to_text, blind = divide(options, generator)
    drawn = Drawn(kind)
    if to_motion + blind:
        drawn = replace(drawn, motion=_motion(data, options, config, generator, step, to_motion, blind, kind))
    if to_text and options.language and generator.random() < options.language:
        drawn = replace(drawn, sentences=_sentences(data, options, config, generator, to_text))
    elif to_text:
        drawn = replace(drawn, text=_text(data, options, config, generator, step, to_text, kind))
    if options.local_batch and config.levels > 1:
        # Cheap, since no trunk is asked, and so many of them.
        texts, motions = data.batch(options.local_batch, generator, step, text_varies=False)
        level = int(draw_levels(1, config.levels, generator))
        drawn = replace(drawn, local=(pack(texts, motions, levels=config.levels), level))
    return drawn


def _motion(
    data: ModelData,
    options: ModelLoss,
    config: MaskedConfig,
    generator: np.random.Generator,
    step: int,
    told: int,
    blind: int,
    kind: Kind,
) -> Shown:
    """T2M and M2M in one batch, which differ in whether the text is known; and texts for the length head."""
    clean = pack(*data.batch(told + blind, generator, step, reworded=options.reworded), levels=config.levels)
    without = generator.permutation(len(clean)) < blind
    without |= generator.random(len(clean)) < options.condition_dropout
    known = clean.without_text(torch.from_numpy(without))
    some = torch.from_numpy(generator.permutation(len(clean))[:LENGTH_EXAMPLES])
    asked = clean.take(some)
    if kind == "levels":
        level = draw_levels(len(clean), config.levels, generator)
        shown, places = show_below(known, level, generator, spans=options.spans)
        return Shown(clean, shown, stacks=places, level=level, asked=asked)
    masked, places = _mask_motion(known, config, options, generator)
    return Shown(clean, masked, stacks=places, asked=asked)


def _text(
    data: ModelData,
    options: ModelLoss,
    config: MaskedConfig,
    generator: np.random.Generator,
    step: int,
    size: int,
    kind: Kind,
) -> Shown:
    """M2T: all places that a caption may fill are there, since its length is unknown; those behind it hold [PAD]."""
    told = data.written if options.written and generator.random() < options.written else data
    clean = _pack_captions(told, config, size, generator, step)
    blind = torch.from_numpy(generator.random(len(clean)) < options.motion_dropout)
    clean = replace(clean, known_levels=torch.where(blind[:, None], 0, clean.known_levels))
    # Where the sampler plays first it fills in any places, so that nothing is left of a beginning.
    beginnings = 0.0 if kind == "own" and options.self_correction_text else options.beginnings
    masked, places = _mask_text(clean, data, options, generator, beginnings)
    return Shown(clean, masked, words=places)


def _sentences(
    data: ModelData, options: ModelLoss, config: MaskedConfig, generator: np.random.Generator, size: int
) -> Shown:
    """Sentences without their motion, of which one unknown stack stands there: a masked language model."""
    if not data.sentences:
        raise RequestError("language and language_steps need sentences, which these data have not")
    slots, levels = config.caption_slots, config.levels
    texts = [data.sentences[i][:slots] for i in generator.integers(len(data.sentences), size=size)]
    nothing = [torch.zeros(1, levels, dtype=torch.long)] * size
    clean = pack(texts, nothing, levels=levels, motion_known=False, text_slots=slots)
    masked, places = _mask_text(clean, data, options, generator, options.beginnings)
    return Shown(clean, masked, words=places)


def _joint(
    data: ModelData, options: ModelLoss, config: MaskedConfig, generator: np.random.Generator, step: int
) -> Shown:
    """Pre-training: both sides masked, all masked places of both supervised."""
    clean = _pack_captions(data, config, options.batch, generator, step)
    masked, places = _mask_motion(clean, config, replace(options, spans=0.0), generator)
    masked, words = _mask_text(masked, data, options, generator)
    return Shown(clean, masked, stacks=places, words=words)


def _pack_captions(
    data: ModelData, config: MaskedConfig, size: int, generator: np.random.Generator, step: int
) -> Tokens:
    slots = config.caption_slots
    texts, motions = data.batch(size, generator, step, text_varies=False)
    return pack([t[:slots] for t in texts], motions, levels=config.levels, text_slots=slots)


def _mask_motion(
    tokens: Tokens, config: MaskedConfig, options: ModelLoss, generator: np.random.Generator
) -> tuple[Tokens, Tensor]:
    return mask_motion(
        tokens,
        generator,
        schedule=options.motion_schedule,
        partial=options.partial,
        wrong=options.wrong,
        spans=options.spans,
        base_only=options.base_only,
        codes=config.codes,
    )


def _mask_text(
    tokens: Tokens, data: ModelData, options: ModelLoss, generator: np.random.Generator, beginnings: float = 0.0
) -> tuple[Tokens, Tensor]:
    return mask_text(
        tokens,
        generator,
        schedule=options.text_schedule,
        wrong=options.wrong_words,
        words=data.words,
        confusions=data.confusions,
        beginnings=beginnings,
    )


def draw_levels(count: int, levels: int, generator: np.random.Generator) -> Tensor:
    """(count,) residual levels from 1 to levels - 1, level n in proportion to 1 / n: the lower ones say more of the motion."""
    edges = (1 / np.arange(1, levels)).cumsum()
    return torch.from_numpy(1 + np.searchsorted(edges, generator.random(count) * edges[-1], side="right"))
