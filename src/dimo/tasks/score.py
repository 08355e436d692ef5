"""Pseudo-likelihood of a text given a motion, and of a motion given a text, with their priors divided out.

A score is a mean over masks of several ratios of the mean log-probability of the masked places. It depends on the pair
alone: the masks follow from the length, so neither the batch nor the order of a list changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from dimo.diffusion.guidance import guide
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens, pack
from dimo.sequence.vocabulary import PAD

RATIOS = (0.35, 0.55, 0.75, 1.0)
"""Shares of places masked: partly known texts judge wording, the fully masked one content."""

PAIRS = 16
"""CaptionedClips at most in one pass of the model, each at all RATIOS: texts of one length, motions of similar ones.

Longer motions beside a motion do not change its score. Longer texts would, a little: they push the [SEP] behind it away.
"""

TEXT_WEIGHT = 0.25
"""Of the text's gain in the rank. Among 32 captions of the validation split the right one came first for 77 % of 64 motions with
weights from 0 to 1, and for 52 % by the text's gain alone."""

BLIND_PLACES = 12
"""Masked word places beside a motion scored without text: a caption's usual length, the same for every motion."""


@dataclass(frozen=True)
class Score:
    """How a text and a motion fit, in nats per place; higher is better.

    The gains are pointwise mutual information per place: they say how much one side explains of the other, so that a
    common sentence or an easy motion is not preferred for being common. They compare different texts and different
    motions; text and motion compare only what has the same prior.
    """

    text: float  # log p(words | motion)
    motion: float  # log p(base codes | words)
    text_gain: float  # the first less log p(words), the motion unknown
    motion_gain: float  # the second less log p(base codes), the text unknown

    @property
    def rank(self) -> float:
        """What lists are sorted by: the motion's gain and a quarter of the text's."""
        return self.motion_gain + TEXT_WEIGHT * self.text_gain


def score(
    model: MaskedModel,
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    *,
    motion_priors: Sequence[float] | None = None,
) -> list[Score]:
    """Scores of the pairs of texts[i] and motions[i], codes (L_i, Q). motion_priors: log_motion of them, when known."""
    given = text_given_motion(model, texts, motions).tolist()
    blind = {(tuple(t), len(m)): (t, m) for t, m in zip(texts, motions, strict=True)}
    words = text_given_motion(
        model, [t for t, _ in blind.values()], [m for _, m in blind.values()], blind=True
    ).tolist()
    prior = dict(zip(blind, words, strict=True))
    moved = motion_given_text(model, texts, motions).tolist()
    still = log_motion(model, motions).tolist() if motion_priors is None else list(motion_priors)
    rows = zip(texts, motions, given, moved, still, strict=True)
    return [Score(g, m, g - prior[tuple(t), len(c)], m - s) for t, c, g, m, s in rows]


def text_given_motion(
    model: MaskedModel, texts: Sequence[Sequence[int]], motions: Sequence[Tensor], seed: int = 0, *, blind: bool = False
) -> Tensor:
    """Mean log-probability (N,) of the words of texts[i] given motions[i], or given only their lengths when blind.

    The places behind a text hold [PAD] and are masked in the same ratio, as in training; they do not count.
    """
    slots = max([model.config.caption_slots, *map(len, texts)])

    def run(clean: Tokens, hidden: Tensor, ratio: Tensor) -> tuple[Tensor, Tensor]:
        known = torch.zeros_like(clean.known_levels) if blind else clean.known_levels
        known_text = clean.text_slots & ~hidden & ~_share(clean.text_slots & (clean.ids == PAD), ratio, seed)
        out = model(replace(clean, known_text=known_text, known_levels=known), for_motion=False)
        return model.text_logits(out.text[hidden]).float(), clean.ids[hidden]

    return _mean(model, texts, motions, lambda clean: clean.text_slots & (clean.ids != PAD), run, seed, slots)


def motion_given_text(
    model: MaskedModel,
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    *,
    guidance: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Mean log-probability (N,) of the base codes of motions[i] given texts[i].

    With guidance 0 the text is ignored: the difference to guidance 1 is how much the text explains of the motion.
    """

    def run(clean: Tokens, hidden: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        masked = replace(clean, known_levels=torch.where(hidden, 0, clean.known_levels))
        logits = model.base(model(masked).motion[hidden]).float()
        if guidance != 1:
            logits = guide(logits, model.base(model(masked.without_text()).motion[hidden]).float(), guidance)
        return logits, clean.codes[..., 0][hidden]

    return _mean(model, texts, motions, lambda clean: clean.motion_slots, run, seed)


def log_motion(model: MaskedModel, motions: Sequence[Tensor], seed: int = 0) -> Tensor:
    """Mean log-probability (N,) of the base codes of motions with the text unknown: their prior."""

    def run(clean: Tokens, hidden: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        masked = replace(clean.without_text(), known_levels=torch.where(hidden, 0, clean.known_levels))
        return model.base(model(masked).motion[hidden]).float(), clean.codes[..., 0][hidden]

    return _mean(model, [[0] * BLIND_PLACES] * len(motions), motions, lambda clean: clean.motion_slots, run, seed)


@torch.no_grad()
def _mean(
    model: MaskedModel,
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    slots: Callable[[Tokens], Tensor],
    run: Callable[[Tokens, Tensor, Tensor], tuple[Tensor, Tensor]],
    seed: int,
    text_slots: int | None = None,
) -> Tensor:
    """Mean over RATIOS of the mean log-probability (N,) at hidden places, which run(tokens, hidden, ratio (B, 1)) gives
    as (logits, values)."""
    total, device = torch.zeros(len(texts)), model.device
    for part in _batches(texts, motions):
        chosen = [texts[i] for i in part], [motions[i] for i in part]
        clean = Tokens.cat([pack(*chosen, levels=model.config.levels, text_slots=text_slots).to(device)] * len(RATIOS))
        ratio = torch.tensor(RATIOS, device=device).repeat_interleave(len(part))[:, None]
        hidden = _share(slots(clean), ratio, seed)
        logits, values = run(clean, hidden, ratio)
        logp = logits.log_softmax(-1).gather(1, values[:, None])[:, 0]
        rows = torch.nonzero(hidden)[:, 0]
        sums = torch.zeros(len(clean), device=device).index_add_(0, rows, logp)
        total[part] = (sums / hidden.sum(1).clamp_min(1)).view(len(RATIOS), -1).mean(0).cpu()
    return total


def _share(slots: Tensor, ratio: Tensor, seed: int) -> Tensor:
    """(B, N) bool: a ratio (B, 1) of the places of slots (B, N), rounded up, the same ones in every row with as many places."""
    return (_orders(slots, seed) < (ratio * slots.sum(1, keepdim=True)).ceil()) & slots


def _batches(texts: Sequence[Sequence[int]], motions: Sequence[Tensor]) -> list[list[int]]:
    """Indices of the pairs of each pass."""
    out: list[list[int]] = []
    for i in sorted(range(len(texts)), key=lambda i: (len(texts[i]), len(motions[i]))):
        if not out or len(out[-1]) == PAIRS or len(texts[out[-1][0]]) != len(texts[i]):
            out.append([])
        out[-1].append(i)
    return out


def _orders(slots: Tensor, seed: int) -> Tensor:
    """(B, N) in which order each row's places are masked: drawn from the seed and the number of its places alone."""
    out, places = torch.full(slots.shape, slots.shape[1]), slots.cpu()
    for row, n in enumerate(places.sum(1).tolist()):
        out[row, places[row]] = _order(seed, n)
    return out.to(slots.device)


@lru_cache(maxsize=1024)
def _order(seed: int, n: int) -> Tensor:
    """(n,) a permutation. Kept, since every row and ratio of the same length asks for it again; not to be written to."""
    return torch.from_numpy(np.random.default_rng([seed, n]).permutation(n))
