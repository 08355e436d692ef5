"""The objective of the masked model: joint pre-training, the task mix, whole levels, self-correction (docs/objective.md).

A step is a batch of motion to be filled in, with or without its text, and a batch of captions to be filled in, beside their
motion. What they show and hide is drawn in tasks.py, on the CPU, and moved to where the model is; states with the model's own
mistakes are in self_correction.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dimo.learn import self_correction
from dimo.learn.batches import ModelData
from dimo.learn.mix import Kind, ModelLoss
from dimo.learn.tasks import Drawn, Shown, draw, draw_levels
from dimo.model.masked import Hidden, MaskedModel
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import PAD


def loss(
    model: MaskedModel,
    data: ModelData,
    options: ModelLoss,
    generator: np.random.Generator,
    step: int,
    kind: Kind | None = None,
) -> dict[str, Tensor]:
    """The loss of one step and its terms, NaN where the step has none of a term. kind: drawn by its share when None."""
    return loss_of(model, draw(data, options, model.config, generator, step, kind), options, generator)


def loss_of(model: MaskedModel, drawn: Drawn, options: ModelLoss, generator: np.random.Generator) -> dict[str, Tensor]:
    """The loss of a step that is drawn; generator: for what is drawn once the model has been asked."""
    terms, place = {}, model.device
    if drawn.sentences is not None:
        terms |= _words(model, drawn.sentences.to(place), options)
    if drawn.joint is not None:
        shown = drawn.joint.to(place)
        hidden = model(shown.masked)
        terms |= _motion_losses(model, hidden, shown, options, generator)
        terms |= {"text": _text_loss(model, hidden, shown, options)}
    if drawn.motion is not None:
        terms |= _motion_task(model, drawn.motion.to(place), drawn.kind, options, generator)
    if drawn.text is not None:
        terms |= _text_task(model, drawn.text.to(place), drawn.kind, options, generator)
    if drawn.local is not None:
        motions, level = drawn.local
        terms["local"] = _local_loss(model, motions.to(place), level, options)
    weights = options.weights
    total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
    absent = torch.full_like(total, torch.nan)
    return {"loss": total, **{name: terms.get(name, absent) for name in weights}}


# ---- the tasks


def _motion_task(
    model: MaskedModel, shown: Shown, kind: Kind, options: ModelLoss, generator: np.random.Generator
) -> dict[str, Tensor]:
    """T2M and M2M in one batch; and the length head."""
    assert shown.asked is not None
    guess = model.length_logits(shown.asked.ids, shown.asked.text_slots).float()
    terms = {"length": cross_entropy(guess, shown.asked.motion_slots.sum(1) - 1)}
    if kind == "levels":
        assert shown.stacks is not None
        assert shown.level is not None
        hidden = model(shown.masked)
        return terms | {"whole": _level_loss(model, hidden, shown.clean, shown.stacks, shown.level, options)}
    if kind == "masks" or not options.self_correction:
        return terms | _motion_losses(model, model(shown.masked), shown, options, generator)
    hidden = model(self_correction.play(model, shown.masked, self_correction.MOTION, generator))
    own = _motion_losses(model, hidden, shown, options, generator)
    return terms | {f"correct_{name}": value for name, value in own.items()}


def _text_task(
    model: MaskedModel, shown: Shown, kind: Kind, options: ModelLoss, generator: np.random.Generator
) -> dict[str, Tensor]:
    """M2T."""
    if kind != "own" or not options.self_correction_text:
        return _words(model, shown, options)
    masked = shown.masked
    seen = masked.known_levels.any(1)  # where the motion is unknown it is not asked for, so these stay as they are
    if seen.any():
        played = self_correction.play(model, masked.take(seen), self_correction.WORDS, generator)
        ids, known = masked.ids.clone(), masked.known_text.clone()
        ids[seen], known[seen] = played.ids, played.known_text
        masked = replace(masked, ids=ids, known_text=known)
    return {"correct_text": _text_loss(model, model(masked), shown, options)}


def _words(model: MaskedModel, shown: Shown, options: ModelLoss) -> dict[str, Tensor]:
    return {"text": _text_loss(model, model(shown.masked), shown, options)}


# ---- the terms


def _motion_losses(
    model: MaskedModel, hidden: Hidden, shown: Shown, options: ModelLoss, generator: np.random.Generator
) -> dict[str, Tensor]:
    """Cross-entropy at level 0 on the places, and at one drawn residual level per sequence where masked does not know it."""
    clean, masked, places = shown.clean, shown.masked, shown.stacks
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


def _local_loss(model: MaskedModel, clean: Tokens, level: int, options: ModelLoss) -> Tensor:
    """Cross-entropy of one residual level, all places, given the true levels below and nothing else."""
    codes, real = clean.codes, clean.motion_slots
    logits = model.code_logits(None, codes, real, level)[real].float()
    return cross_entropy(logits, codes[..., level][real], label_smoothing=options.label_smoothing)


def _text_loss(model: MaskedModel, hidden: Hidden, shown: Shown, options: ModelLoss) -> Tensor:
    """Cross-entropy of the words at places (B, T), a weighted mean in which [PAD] counts for less."""
    places = shown.words
    logits = model.text_logits(hidden.text[places]).float()
    target = shown.clean.ids[places]
    weight = torch.where(target == PAD, options.pad_weight, 1.0)
    return (cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum().clamp_min(1e-6)
