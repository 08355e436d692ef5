"""Training of the joint model on code shards and captions: joint pre-training, the task mix, self-correction.

DESIGN section 4; masks as in method 4.1, condition dropout as in 4.3, self-correction as in 4.7 (BiMoGen).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dimo.diffusion.corrupt import drop_text, mask_motion, mask_text
from dimo.model.masked import Hidden, MaskedModel
from dimo.sequence.tokens import Tokens, pack
from dimo.sequence.vocabulary import PAD

LENGTH_EXAMPLES = 8
"""Sequences a step that train the length head: it needs a trunk pass of its own over the text."""


@dataclass(frozen=True)
class ModelLoss:
    """Mix and weights of the tasks."""

    batch: int = 48  # sequences a step
    mix: tuple[float, float, float] = (8.0, 1.0, 1.0)  # T2M : M2T : M2M
    pretrain_steps: int = 0  # joint masking of both sides first
    condition_dropout: float = 0.1  # share of T2M sequences without text, for guidance
    text_weight: float = 0.5  # of words against codes
    depth_weight: float = 1.0  # of the residual levels (one drawn per sequence) against level 0
    pad_weight: float = 0.1  # of [PAD] among words: most of a caption's places are [PAD] and say nothing
    length_weight: float = 0.1
    label_smoothing: float = 0.05
    self_correction: float = 0.0  # weight of the second pass on the model's own fill-ins
    partial: float = 0.1
    wrong: float = 0.06  # of visible stacks that hold random codes
    spans: float = 0.3  # of the sequences whose masks fall within one stretch: continuing and filling in
    wrong_words: float = 0.1  # of visible words of a caption that are exchanged: caption correction
    motion_dropout: float = 0.1  # of M2T sequences without motion: the prior of the words, to be divided out of scores
    written: float = 0.0  # share of the M2T batches whose captions people wrote; the rest draws any caption


@dataclass(frozen=True)
class Example:
    """One motion as codes (L, Q) and its captions as word-piece ids; weight is its share in sampling.

    The first `written` captions were written by people, the rest derived from labels, measurements or parts.
    """

    codes: Tensor
    captions: tuple[tuple[int, ...], ...]
    weight: float = 1.0
    written: int = 0


class ModelData:
    """Examples drawn by weight, put into batches of similar length.

    confusions: for a word's id, the ids that captions confuse it with (text.confusions).
    """

    def __init__(
        self, examples: Sequence[Example], spread: int = 6, confusions: dict[int, tuple[int, ...]] | None = None
    ):
        self.examples = list(examples)
        self.confusions = confusions or {}
        self.words = np.array([i for e in self.examples for caption in e.captions for i in caption])
        weights = np.array([e.weight for e in self.examples], float)
        self.share = weights / weights.sum()
        self.lengths = np.array([len(e.codes) for e in self.examples])
        self.spread = spread

    @cached_property
    def written(self) -> ModelData:
        """The examples with written captions and only these; everything where nothing is written."""
        kept = [replace(e, captions=e.captions[: e.written]) for e in self.examples if e.written]
        return ModelData(kept, self.spread, self.confusions) if kept else self

    def batch(self, size: int, generator: np.random.Generator) -> tuple[list[Sequence[int]], list[Tensor]]:
        """Texts and codes of `size` examples: a run of neighbours in length out of spread x size drawn ones."""
        drawn = generator.choice(len(self.examples), size * self.spread, p=self.share)
        drawn = drawn[np.argsort(self.lengths[drawn], kind="stable")]
        start = generator.integers(0, len(drawn) - size + 1)
        chosen = [self.examples[i] for i in drawn[start : start + size]]
        return [e.captions[generator.integers(len(e.captions))] for e in chosen], [e.codes for e in chosen]


def loss(
    model: MaskedModel, data: ModelData, options: ModelLoss, generator: np.random.Generator, step: int
) -> dict[str, Tensor]:
    """Named losses of one step: a batch per task in the ratio of the mix, or joint masking during pre-training."""
    levels, slots = model.config.levels, model.config.caption_slots
    share = np.array(options.mix) / sum(options.mix)
    sizes = [int(n) for n in np.floor(share * options.batch + generator.random())]
    out: dict[str, Tensor] = {}
    if step < options.pretrain_steps:
        sizes = [0, 0, 0]
        texts, motions = data.batch(options.batch, generator)
        clean = pack([t[:slots] for t in texts], motions, levels=levels, text_slots=slots)
        masked, places = mask_motion(
            clean, generator, partial=options.partial, wrong=options.wrong, codes=model.config.codes
        )
        masked, words = _mask_words(masked, data, options, generator)
        hidden = model(masked)
        out |= _motion_losses(model, hidden, clean, masked, places, options, generator)
        out["text"] = _text_loss(model, hidden, clean, words, options)
    if sizes[0] + sizes[2]:
        texts, motions = data.batch(sizes[0] + sizes[2], generator)
        clean = pack(texts, motions, levels=levels)
        blind = torch.from_numpy(generator.permutation(len(clean)) < sizes[2])
        clean_known = drop_text(clean, options.condition_dropout, generator)
        clean_known = replace(clean_known, known_text=clean_known.known_text & ~blind[:, None])
        masked, places = mask_motion(
            clean_known,
            generator,
            partial=options.partial,
            wrong=options.wrong,
            spans=options.spans,
            codes=model.config.codes,
        )
        hidden = model(masked)
        out |= _motion_losses(model, hidden, clean, masked, places, options, generator)
        if options.self_correction:
            out["correct"] = _self_correction(model, hidden, clean, masked)
        some = slice(LENGTH_EXAMPLES)
        guess = model.length_logits(clean.ids[some], clean.text_slots[some]).float()
        out["length"] = cross_entropy(guess, clean.motion_slots[some].sum(1) - 1)
    if sizes[1]:
        told = data.written if options.written and generator.random() < options.written else data
        texts, motions = told.batch(sizes[1], generator)
        clean = pack([t[:slots] for t in texts], motions, levels=levels, text_slots=slots)
        blind = torch.from_numpy(generator.random(len(clean)) < options.motion_dropout)
        clean = replace(clean, known_levels=torch.where(blind[:, None], 0, clean.known_levels))
        masked, words = _mask_words(clean, data, options, generator)
        out["text"] = _text_loss(model, model(masked), clean, words, options)
    weights = {
        "base": 1.0,
        "depth": options.depth_weight,
        "text": options.text_weight,
        "length": options.length_weight,
        "correct": options.self_correction,
    }
    total = sum((weights[k] * v for k, v in out.items()), torch.zeros(()))
    return {"loss": total, **out}


def _mask_words(
    tokens: Tokens, data: ModelData, options: ModelLoss, generator: np.random.Generator
) -> tuple[Tokens, Tensor]:
    return mask_text(tokens, generator, wrong=options.wrong_words, words=data.words, confusions=data.confusions)


def _motion_losses(
    model: MaskedModel,
    hidden: Hidden,
    clean: Tokens,
    masked: Tokens,
    places: Tensor,
    options: ModelLoss,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """Cross-entropy at level 0 on the hidden places, and at one drawn residual level per sequence where it is unknown."""
    smooth = options.label_smoothing
    base = cross_entropy(model.base(hidden.motion[places]).float(), clean.codes[..., 0][places], label_smoothing=smooth)
    level = torch.from_numpy(generator.integers(1, model.config.levels, len(clean)))
    logits = model.code_logits(hidden.motion, clean.codes, clean.motion_slots, level)
    unknown = (masked.known_levels <= level[:, None]) & clean.motion_slots
    target = clean.codes.gather(2, level[:, None, None].expand(-1, clean.codes.shape[1], 1)).squeeze(2)
    depth = (
        cross_entropy(logits[unknown].float(), target[unknown], label_smoothing=smooth) if unknown.any() else base * 0
    )
    return {"base": base, "depth": depth}


def _text_loss(model: MaskedModel, hidden: Hidden, clean: Tokens, places: Tensor, options: ModelLoss) -> Tensor:
    logits = model.text_logits(hidden.text[places]).float()
    target = clean.ids[places]
    weight = torch.where(target == PAD, options.pad_weight, 1.0)
    return (cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()


def _self_correction(model: MaskedModel, hidden: Hidden, clean: Tokens, masked: Tokens) -> Tensor:
    """Cross-entropy of level 0 everywhere on the model's own argmax fill-ins, given as if they were known (method 4.7)."""
    with torch.no_grad():
        own = model.base(hidden.motion).argmax(-1)
        hidden_places = masked.known_levels == 0
        codes = masked.codes.clone()
        codes[..., 0] = torch.where(hidden_places, own, codes[..., 0])
        known = torch.where(hidden_places & masked.motion_slots, 1, masked.known_levels)
    again = model(replace(masked, codes=codes, known_levels=known))
    real = clean.motion_slots
    return cross_entropy(model.base(again.motion[real]).float(), clean.codes[..., 0][real])


@torch.no_grad()
def measure(
    model: MaskedModel, data: ModelData, options: ModelLoss, batches: int = 8, seed: int = 7
) -> dict[str, float]:
    """Mean losses on held-out examples with fixed masks."""
    model.eval()
    rows = []
    for i in range(batches):
        generator = np.random.default_rng([seed, i])
        rows.append(
            {
                k: float(v)
                for k, v in loss(
                    model, data, replace(options, pretrain_steps=0, label_smoothing=0.0), generator, 0
                ).items()
            }
        )
    return {k: float(np.mean([r[k] for r in rows if k in r])) for k in rows[0]}
