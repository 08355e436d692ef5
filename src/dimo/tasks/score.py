"""Pseudo-likelihood of a text given a motion, and of a motion given a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dimo.diffusion.guidance import guide
from dimo.model.joint import JointModel
from dimo.sequence.tokens import pack

RATIOS = (0.35, 0.55, 0.75, 1.0)
"""Shares of places masked: partly known texts judge wording, the fully masked one content (method 5.3)."""


@torch.no_grad()
def text_given_motion(
    model: JointModel, texts: Sequence[Sequence[int]], motions: Sequence[Tensor], seed: int = 0
) -> Tensor:
    """Mean log-probability (N,) of the words of texts[i] given motions[i], over masks of several ratios.

    Less the same without the motion's help would favour rare words; callers that compare texts subtract that prior.
    """
    clean = pack(texts, list(motions), levels=model.config.levels)
    generator = np.random.default_rng(seed)
    order = torch.from_numpy(
        np.where(clean.text_slots.numpy(), generator.random(clean.ids.shape), np.inf).argsort(1).argsort(1)
    )
    sizes = clean.text_slots.sum(1, keepdim=True)
    total = torch.zeros(len(clean))
    for ratio in RATIOS:
        hidden = (order < (ratio * sizes).ceil()) & clean.text_slots
        out = model(replace(clean, known_text=clean.text_slots & ~hidden))
        logp = model.text_logits(out.text[hidden]).float().log_softmax(-1).gather(1, clean.ids[hidden][:, None])[:, 0]
        rows = torch.nonzero(hidden)[:, 0]
        total += torch.zeros(len(clean)).index_add_(0, rows, logp) / hidden.sum(1).clamp_min(1)
    return total / len(RATIOS)


@torch.no_grad()
def motion_given_text(
    model: JointModel,
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    *,
    guidance: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Mean log-probability (N,) of the base codes of motions[i] given texts[i], over masks of several ratios.

    With guidance 0 the text is ignored: the difference to guidance 1 is how much the text explains of the motion.
    """
    clean = pack(texts, list(motions), levels=model.config.levels)
    generator = np.random.default_rng(seed)
    shape = clean.motion_slots.shape
    order = torch.from_numpy(
        np.where(clean.motion_slots.numpy(), generator.random(shape), np.inf).argsort(1).argsort(1)
    )
    sizes = clean.motion_slots.sum(1, keepdim=True)
    total = torch.zeros(len(clean))
    for ratio in RATIOS:
        hidden = (order < (ratio * sizes).ceil()) & clean.motion_slots
        masked = replace(clean, known_levels=torch.where(hidden, 0, clean.known_levels))
        logits = model.base(model(masked).motion[hidden]).float()
        if guidance != 1:
            logits = guide(logits, model.base(model(masked.without_text()).motion[hidden]).float(), guidance)
        logp = logits.log_softmax(-1).gather(1, clean.codes[..., 0][hidden][:, None])[:, 0]
        rows = torch.nonzero(hidden)[:, 0]
        total += torch.zeros(len(clean)).index_add_(0, rows, logp) / hidden.sum(1).clamp_min(1)
    return total / len(RATIOS)
