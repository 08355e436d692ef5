"""The objective of the masked model: joint pre-training, the task mix, whole levels, self-correction (docs/objective.md).

A step is a batch of motion to be filled in, with or without its text, and a batch of captions to be filled in, beside their
motion. Masks are in diffusion/corrupt.py, batches in batches.py, states with the model's own mistakes in self_correction.py.
Batches are drawn and masked on the CPU, and then moved to where the model is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dimo.diffusion.corrupt import mask_motion, mask_text, show_below
from dimo.diffusion.schedule import SCHEDULES, Schedule
from dimo.errors import RequestError
from dimo.learn import self_correction
from dimo.learn.batches import ModelData
from dimo.model.masked import Hidden, MaskedModel
from dimo.sequence.tokens import Tokens, pack
from dimo.sequence.vocabulary import PAD

LENGTH_EXAMPLES = 8
"""Sequences a step that train the length head: it needs a trunk pass of its own over the text."""

Kind = Literal["masks", "levels", "own"]
"""What a step shows as known: the truth but for masks and noise, all base codes of a motion, or the model's own."""


@dataclass(frozen=True)
class ModelLoss:
    """Mix and weights of the tasks."""

    batch: int = 48  # sequences a step
    mix: tuple[float, float, float] = (8.0, 1.0, 1.0)  # T2M : M2T : M2M
    language_steps: int = 0  # first steps, about sentences alone: how people describe motion
    language: float = 0.0  # share of the M2T batches that go on with sentences whose motion is unknown
    pretrain_steps: int = 0  # steps that follow: joint masking of both sides
    motion_schedule: Schedule = "cosine"  # ratios of masks: MaskGIT's for motion ...
    text_schedule: Schedule = "linear"  # ... and a masked language diffusion's for words
    condition_dropout: float = 0.1  # share of T2M sequences without text, for guidance
    text_weight: float = 0.5  # of words against codes
    depth_weight: float = 1.0  # of the residual levels (one drawn per sequence) against level 0
    local_batch: int = 0  # further sequences whose levels are learnt from the levels below alone, which needs no trunk
    whole_levels_share: float = 0.3  # of the steps that learn a level above base codes that are all known
    pad_weight: float = 0.1  # of [PAD] among words: most of a caption's places are [PAD] and say nothing
    length_weight: float = 0.1
    label_smoothing: float = 0.05
    self_correction_share: float = 0.2  # of the steps that begin from what the model itself has filled in
    self_correction: float = 0.0  # weight of motion in these steps; with 0 here and for words there are none
    self_correction_text: float = 0.0  # weight of words in these steps, beside text_weight
    partial: float = 0.1  # of visible stacks that show some of their lower levels only
    base_only: float = 0.5  # of the sequences whose visible stacks show base codes alone, as while a motion is drawn
    wrong: float = 0.06  # of visible stacks that hold random codes
    spans: float = 0.3  # of the sequences whose masks fall within one stretch: continuing and filling in
    wrong_words: float = 0.1  # of visible words of a caption that are exchanged: caption correction
    motion_dropout: float = 0.1  # of M2T sequences without motion: the prior of the words, to be divided out of scores
    reworded: float = 0.0  # share of the texts of T2M that are said in other words; captions to be learnt never are
    written: float = 0.0  # share of the M2T batches whose captions people wrote; the rest draws any caption

    def __post_init__(self):
        shares = (
            "condition_dropout",
            "whole_levels_share",
            "self_correction_share",
            "partial",
            "base_only",
            "wrong",
            "spans",
        )
        for name in (*shares, "wrong_words", "motion_dropout", "reworded", "written", "language", "label_smoothing"):
            if not 0 <= getattr(self, name) <= 1:
                raise RequestError(f"{name} must be from 0 to 1, not {getattr(self, name):g}")
        for name in (
            "text_weight",
            "depth_weight",
            "pad_weight",
            "length_weight",
            "self_correction",
            "self_correction_text",
        ):
            if not getattr(self, name) >= 0:
                raise RequestError(f"{name} must be 0 or more, not {getattr(self, name):g}")
        for name in ("motion_schedule", "text_schedule"):
            if getattr(self, name) not in SCHEDULES:
                raise RequestError(f"{name} must be one of {', '.join(SCHEDULES)}, not {getattr(self, name)!r}")
        if self.local_batch < 0:
            raise RequestError(f"local_batch must be 0 or more, not {self.local_batch}")
        if self.batch < 1 or len(self.mix) != 3 or min(self.mix) < 0 or not sum(self.mix) > 0:
            raise RequestError("training needs a batch of 1 or more and a mix of three numbers, not all of them 0")
        if self.whole_levels_share + self.self_correction_share > 1:
            raise RequestError(
                "whole_levels_share and self_correction_share are shares of the same steps and exceed 1 together"
            )

    @property
    def speaks(self) -> bool:
        """Whether sentences without motion are needed."""
        return self.language_steps > 0 or self.language > 0

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each term in the loss; the terms are the columns of the log, whatever a step consists of."""
        return {
            "base": 1.0,
            "depth": self.depth_weight,
            "whole": self.depth_weight,
            **({"local": self.depth_weight} if self.local_batch else {}),
            "text": self.text_weight,
            "length": self.length_weight,
            "correct_base": self.self_correction,
            "correct_depth": self.self_correction * self.depth_weight,
            "correct_text": self.self_correction_text * self.text_weight,
        }


def loss(
    model: MaskedModel,
    data: ModelData,
    options: ModelLoss,
    generator: np.random.Generator,
    step: int,
    kind: Kind | None = None,
) -> dict[str, Tensor]:
    """The loss of one step and its terms, NaN where the step has none of a term. kind: drawn by its share when None."""
    if step < options.language_steps:
        terms = {"text": _sentence_loss(model, data, options, generator, options.batch)}
    elif step < options.language_steps + options.pretrain_steps:
        terms = _joint_task(model, data, options, generator, step)
    else:
        kind = kind or draw_kind(options, model.config.levels, generator)
        to_motion, to_text, blind = divide(options, generator)
        terms = {}
        if to_motion + blind:
            terms |= _motion_task(model, data, options, generator, step, to_motion, blind, kind)
        if to_text:
            terms |= _text_task(model, data, options, generator, step, to_text, kind)
        if options.local_batch and model.config.levels > 1:
            terms["local"] = _local_loss(model, data, options, generator, step)
    weights = options.weights
    total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
    absent = torch.full_like(total, torch.nan)
    return {"loss": total, **{name: terms.get(name, absent) for name in weights}}


def kinds(options: ModelLoss, levels: int) -> dict[Kind, float]:
    """The kinds of steps that occur, with their shares."""
    whole = options.whole_levels_share if levels > 1 else 0.0
    own = options.self_correction_share if options.self_correction or options.self_correction_text else 0.0
    shares: dict[Kind, float] = {"levels": whole, "own": own, "masks": 1 - whole - own}
    return {kind: share for kind, share in shares.items() if share > 0}


def draw_kind(options: ModelLoss, levels: int, generator: np.random.Generator) -> Kind:
    """A kind of step, by the shares."""
    at = generator.random()
    shares = kinds(options, levels)
    for kind, share in shares.items():
        at -= share
        if at < 0:
            return kind
    return kind


def divide(options: ModelLoss, generator: np.random.Generator) -> tuple[int, int, int]:
    """Sequences for T2M, M2T and M2M: `batch` in all, and on average in the ratio of the mix, however small the batch."""
    edges = np.cumsum([0.0, *options.mix]) / sum(options.mix) * options.batch
    a, b, c = np.diff(np.floor(edges + generator.random()).astype(int)).tolist()
    return a, b, c


# ---- the tasks


def _motion_task(
    model: MaskedModel,
    data: ModelData,
    options: ModelLoss,
    generator: np.random.Generator,
    step: int,
    told: int,
    blind: int,
    kind: Kind,
) -> dict[str, Tensor]:
    """T2M and M2M in one batch, which differ in whether the text is known; and the length head."""
    levels, device = model.config.levels, model.device
    clean = pack(*data.batch(told + blind, generator, step, reworded=options.reworded), levels=levels)
    without = generator.permutation(len(clean)) < blind
    without |= generator.random(len(clean)) < options.condition_dropout
    known = clean.without_text(torch.from_numpy(without))
    some = torch.from_numpy(generator.permutation(len(clean))[:LENGTH_EXAMPLES])
    asked = clean.take(some).to(device)
    guess = model.length_logits(asked.ids, asked.text_slots).float()
    terms = {"length": cross_entropy(guess, asked.motion_slots.sum(1) - 1)}
    if kind == "levels":
        level = draw_levels(len(clean), levels, generator)
        shown, places = show_below(known, level, generator, spans=options.spans)
        clean, places, level = clean.to(device), places.to(device), level.to(device)
        return terms | {"whole": _level_loss(model, model(shown.to(device)), clean, places, level, options)}
    masked, places = _mask_motion(known, model, options, generator)
    clean, masked, places = clean.to(device), masked.to(device), places.to(device)
    if kind == "masks" or not options.self_correction:
        hidden = model(masked)
        return terms | _motion_losses(model, hidden, clean, masked, places, options, generator)
    hidden = model(self_correction.play(model, masked, self_correction.MOTION, generator))
    own = _motion_losses(model, hidden, clean, masked, places, options, generator)
    return terms | {f"correct_{name}": value for name, value in own.items()}


def _text_task(
    model: MaskedModel,
    data: ModelData,
    options: ModelLoss,
    generator: np.random.Generator,
    step: int,
    size: int,
    kind: Kind,
) -> dict[str, Tensor]:
    """M2T: all places that a caption may fill are there, since its length is unknown; those behind it hold [PAD]."""
    if options.language and generator.random() < options.language:
        return {"text": _sentence_loss(model, data, options, generator, size)}
    told = data.written if options.written and generator.random() < options.written else data
    clean = _pack_captions(model, told, size, generator, step)
    blind = torch.from_numpy(generator.random(len(clean)) < options.motion_dropout)
    clean = replace(clean, known_levels=torch.where(blind[:, None], 0, clean.known_levels))
    masked, places = _mask_text(clean, data, options, generator)
    clean, masked, places = clean.to(model.device), masked.to(model.device), places.to(model.device)
    if kind != "own" or not options.self_correction_text:
        return {"text": _text_loss(model, model(masked), clean, places, options)}
    seen = ~blind.to(model.device)  # where the motion is unknown it is not asked for, so these stay as they are
    if seen.any():
        played = self_correction.play(model, masked.take(seen), self_correction.WORDS, generator)
        ids, known = masked.ids.clone(), masked.known_text.clone()
        ids[seen], known[seen] = played.ids, played.known_text
        masked = replace(masked, ids=ids, known_text=known)
    return {"correct_text": _text_loss(model, model(masked), clean, places, options)}


def _sentence_loss(
    model: MaskedModel, data: ModelData, options: ModelLoss, generator: np.random.Generator, size: int
) -> Tensor:
    """Sentences without their motion, of which one unknown stack stands there: a masked language model."""
    if not data.sentences:
        raise RequestError("language and language_steps need sentences, which these data have not")
    slots, levels = model.config.caption_slots, model.config.levels
    texts = [data.sentences[i][:slots] for i in generator.integers(len(data.sentences), size=size)]
    nothing = [torch.zeros(1, levels, dtype=torch.long)] * size
    clean = pack(texts, nothing, levels=levels, motion_known=False, text_slots=slots)
    masked, places = _mask_text(clean, data, options, generator)
    clean, masked, places = clean.to(model.device), masked.to(model.device), places.to(model.device)
    return _text_loss(model, model(masked), clean, places, options)


def _joint_task(
    model: MaskedModel, data: ModelData, options: ModelLoss, generator: np.random.Generator, step: int
) -> dict[str, Tensor]:
    """Pre-training: both sides masked, all masked places of both supervised."""
    clean = _pack_captions(model, data, options.batch, generator, step)
    masked, places = _mask_motion(clean, model, replace(options, spans=0.0), generator)
    masked, words = _mask_text(masked, data, options, generator)
    clean, places, words = clean.to(model.device), places.to(model.device), words.to(model.device)
    masked = masked.to(model.device)
    hidden = model(masked)
    motion = _motion_losses(model, hidden, clean, masked, places, options, generator)
    return motion | {"text": _text_loss(model, hidden, clean, words, options)}


def _pack_captions(model: MaskedModel, data: ModelData, size: int, generator: np.random.Generator, step: int) -> Tokens:
    slots = model.config.caption_slots
    texts, motions = data.batch(size, generator, step, text_varies=False)
    return pack([t[:slots] for t in texts], motions, levels=model.config.levels, text_slots=slots)


def _mask_motion(
    tokens: Tokens, model: MaskedModel, options: ModelLoss, generator: np.random.Generator
) -> tuple[Tokens, Tensor]:
    return mask_motion(
        tokens,
        generator,
        schedule=options.motion_schedule,
        partial=options.partial,
        wrong=options.wrong,
        spans=options.spans,
        base_only=options.base_only,
        codes=model.config.codes,
    )


def _mask_text(
    tokens: Tokens, data: ModelData, options: ModelLoss, generator: np.random.Generator
) -> tuple[Tokens, Tensor]:
    return mask_text(
        tokens,
        generator,
        schedule=options.text_schedule,
        wrong=options.wrong_words,
        words=data.words,
        confusions=data.confusions,
    )


# ---- the terms


def draw_levels(count: int, levels: int, generator: np.random.Generator) -> Tensor:
    """(count,) residual levels from 1 to levels - 1, level n in proportion to 1 / n: the lower ones say more of the motion."""
    edges = (1 / np.arange(1, levels)).cumsum()
    return torch.from_numpy(1 + np.searchsorted(edges, generator.random(count) * edges[-1], side="right"))


def _motion_losses(
    model: MaskedModel,
    hidden: Hidden,
    clean: Tokens,
    masked: Tokens,
    places: Tensor,
    options: ModelLoss,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """Cross-entropy at level 0 on the places, and at one drawn residual level per sequence where masked does not know it."""
    target = clean.codes[..., 0][places]
    logits = model.base(hidden.motion[places]).float()
    terms = {"base": cross_entropy(logits, target, label_smoothing=options.label_smoothing)}
    if model.config.levels > 1:
        level = draw_levels(len(clean), model.config.levels, generator).to(model.device)
        unknown = (masked.known_levels <= level[:, None]) & clean.motion_slots
        if unknown.any():
            terms["depth"] = _level_loss(model, hidden, clean, unknown, level, options)
    return terms


def _level_loss(
    model: MaskedModel, hidden: Hidden, clean: Tokens, places: Tensor, level: Tensor, options: ModelLoss
) -> Tensor:
    """Cross-entropy of one residual level per sequence (B,) at places (B, L), the levels below given by the truth."""
    logits = model.code_logits(hidden.motion, clean.codes, clean.motion_slots, level)[places].float()
    target = clean.codes.gather(2, level[:, None, None].expand(-1, clean.codes.shape[1], 1)).squeeze(2)[places]
    return cross_entropy(logits, target, label_smoothing=options.label_smoothing)


def _local_loss(
    model: MaskedModel, data: ModelData, options: ModelLoss, generator: np.random.Generator, step: int
) -> Tensor:
    """Cross-entropy of one residual level, all places, given the true levels below and nothing else: cheap, so many of them."""
    clean = pack(*data.batch(options.local_batch, generator, step, text_varies=False), levels=model.config.levels)
    level = int(draw_levels(1, model.config.levels, generator))
    codes, real = clean.codes.to(model.device), clean.motion_slots.to(model.device)
    logits = model.code_logits(None, codes, real, level)[real].float()
    return cross_entropy(logits, codes[..., level][real], label_smoothing=options.label_smoothing)


def _text_loss(model: MaskedModel, hidden: Hidden, clean: Tokens, places: Tensor, options: ModelLoss) -> Tensor:
    """Cross-entropy of the words at places (B, T), a weighted mean in which [PAD] counts for less."""
    logits = model.text_logits(hidden.text[places]).float()
    target = clean.ids[places]
    weight = torch.where(target == PAD, options.pad_weight, 1.0)
    return (cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum().clamp_min(1e-6)
