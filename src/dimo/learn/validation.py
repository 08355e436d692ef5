"""Held-out measures of the masked model: every term of the objective, and what an unknown text tells of its length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from dimo.diffusion.corrupt import mask_motion
from dimo.learn import generation
from dimo.learn.batches import ModelData
from dimo.learn.mix import ModelLoss, kinds
from dimo.learn.model import loss
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import UNK


@torch.no_grad()
def measure(
    model: MaskedModel, data: ModelData, options: ModelLoss, batches: int = 8, seed: int = 7
) -> dict[str, float]:
    """Mean of each term on held-out examples with fixed masks, and of the loss, every term in it with its weight.

    Each batch is taken in every kind of step that training has. NaN for terms that training has not.
    """
    training = model.training
    model.eval()
    plan = replace(options, language_steps=0, language=0.0, pretrain_steps=0, label_smoothing=0.0)
    rows = [
        loss(model, data, plan, np.random.default_rng([seed, i]), i, kind)
        for i in range(batches)
        for kind in kinds(plan, model.config.levels)
    ]
    model.train(training)
    means = {name: _mean(float(row[name]) for row in rows) for name in plan.weights}
    total = sum(weight * means[name] for name, weight in plan.weights.items() if means[name] == means[name])
    return {"loss": total, **means}


def figures(options: ModelLoss, generates: bool = False) -> tuple[str, ...]:
    """Figures of measure(), and of generation where there is any, that a training may keep its best weights by."""
    return ("loss", *options.weights, *(generation.FIGURES if generates else ()))


UNKNOWN_TEXTS = (4, 8, 16, 30)
"""Word pieces of the texts that unknown_texts hides."""


@dataclass(frozen=True)
class Unknown:
    """What a model makes of motions beside unknown texts of several lengths, at the same masks."""

    losses: tuple[float, ...]  # mean cross-entropy of base codes, nats a place, for each length
    divergence: float  # the largest mean KL divergence, nats a place, of the predictions for two lengths

    @property
    def span(self) -> float:
        """Between the best and the worst of the losses."""
        return max(self.losses) - min(self.losses)


@torch.no_grad()
def unknown_texts(
    model: MaskedModel,
    motions: Sequence[Tensor],
    *,
    counts: Sequence[int] = UNKNOWN_TEXTS,
    whole: bool = False,
    seed: int = 7,
) -> Unknown:
    """Predictions beside unknown texts of so many word pieces. Masks follow the cosine schedule, or hide all when whole.

    Guidance subtracts this prediction, so what it knows of the text's length is lost to the guided one: all should be equal.
    """
    training = model.training
    model.eval()
    tables, losses = [], []
    for count in counts:
        clean = pack([[UNK] * count] * len(motions), motions, levels=model.config.levels).without_text()
        masked, places = mask_motion(clean, np.random.default_rng(seed), partial=0.0, wrong=0.0)
        if whole:
            masked, places = replace(clean, known_levels=torch.zeros_like(clean.known_levels)), clean.motion_slots
        clean, masked, places = clean.to(model.device), masked.to(model.device), places.to(model.device)
        tables.append(model.base(model(masked).motion[places]).float().log_softmax(-1))
        losses.append(float(nll_loss(tables[-1], clean.codes[..., 0][places])))
    model.train(training)
    apart = [(p.exp() * (p - q)).sum(-1).mean() for p in tables for q in tables]
    return Unknown(tuple(losses), float(max(apart)))


def _mean(values: Iterable[float]) -> float:
    found = [v for v in values if v == v]
    return sum(found) / len(found) if found else float("nan")
