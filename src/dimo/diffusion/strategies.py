"""Strategies of sampling as small functions: how guesses are ranked, and what becomes of places already written.

All see places that the sampler itself wrote, or may write; what was given is never among them.

| name       | ranks by                          | afterwards                                   | trade                         |
| confidence | probability of the drawn value    | nothing                                      | the paper's; the reference    |
| gumbel     | its logarithm plus falling noise  | nothing                                      | varied in few rounds, rougher |
| margin     | lead of the best over the second  | nothing                                      | hesitates where two compete   |
| entropy    | sureness of the whole distribution| nothing                                      | ignores which value was drawn |
| random     | chance                            | nothing                                      | its draws are the model's own |
| in_order   | what comes first                  | nothing                                      | a place sees all before it    |
| write_back | as confidence                     | overwrites what the model now doubts, thrice | repairs early slips, no calls |
| remask     | as confidence                     | opens the least sure again, each round       | repairs most, in 20 rounds up |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dimo.diffusion.options import SampleOptions
from dimo.diffusion.schedule import masked_after

WRITE_BACK_AT = (0.25, 0.5, 0.75)
"""Shares of the rounds at which write_back looks back: a quarter and a half as BiMoGen, and once later, since here looking
costs no call of its own (docs/how-it-works.md, Self-correction and re-masking)."""

SURELY = 2.0
"""A written value gives way when the new one is at least this many times as probable."""

REMASK_SHARE = 0.15
"""Of the written places, how many remask opens again in a round (the rate sigma of ReMDM, Wang et al. 2025, capped)."""


@dataclass(frozen=True)
class Drawn:
    """Choices (...) with the probability of each before temperature and filter, and the margin and entropy there.

    The entropy is 0 unless the strategy ranks by it.
    """

    values: Tensor
    probability: Tensor
    margin: Tensor
    entropy: Tensor


def gumbel(at: Tensor, generators: Sequence[torch.Generator], width: int) -> Tensor:
    """Gumbel noise (P, width) for the P places of `at` (B, N) bool, each row's from its own generator, and where `at` is."""
    counts = at.sum(1).tolist()
    noise = torch.empty(sum(counts), width)
    start = 0
    for count, generator in zip(counts, generators, strict=True):
        noise[start : start + count].uniform_(generator=generator)
        start += count
    return -torch.log(-torch.log(noise.clamp_(1e-20, 1 - 1e-7))).to(at.device)


def rank(
    drawn: Drawn, options: SampleOptions, progress: float, open_: Tensor, generators: Sequence[torch.Generator]
) -> Tensor:
    """How sure each guess is (B, N), by strategy; the highest of the open places (B, N) are kept.

    gumbel: its noise falls to zero with progress 0 to 1 (MaskGIT).
    """
    if options.strategy == "gumbel":
        noise = torch.zeros(open_.shape, device=open_.device).masked_scatter(open_, gumbel(open_, generators, 1))
        return drawn.probability.clamp_min(1e-20).log() + options.noise * (1 - progress) * noise
    if options.strategy == "margin":
        return drawn.margin
    if options.strategy == "entropy":
        return -drawn.entropy
    if options.strategy == "random":
        return torch.zeros(open_.shape, device=open_.device).masked_scatter(open_, gumbel(open_, generators, 1))
    if options.strategy == "in_order":
        return -torch.arange(open_.shape[1], device=open_.device).float().expand(open_.shape)
    return drawn.probability


def hold_back(score: Tensor, pads: Tensor, options: SampleOptions) -> Tensor:
    """Scores with those of [PAD] guesses lowered by the pad factor; the others do not tell what was drawn."""
    if options.strategy in ("margin", "entropy", "random", "in_order"):
        return score
    factor = torch.full((), options.pad_factor, device=score.device)
    return torch.where(
        pads, score + torch.log(factor + 1e-9) if options.strategy == "gumbel" else score * factor, score
    )


def keep_best(score: Tensor, open_: Tensor, remaining: list[int]) -> Tensor:
    """(B, N) bool: per row, the best-scored open places, all but remaining[row] of them."""
    order = score.masked_fill(~open_, -torch.inf).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    counts = open_.sum(1) - torch.tensor(remaining, device=open_.device)
    return (order < counts[:, None]) & open_


def left_open(index: int, totals: list[int], open_: Tensor, options: SampleOptions) -> list[int]:
    """Per row, how many places the schedule leaves open after round `index`.

    With options.adaptive a row that is ahead of its schedule goes on from where the schedule would be.
    """
    out = []
    for total, now in zip(totals, open_.sum(1).tolist(), strict=True):
        at = index
        while options.adaptive is not None and masked_after(at, options.steps, total, options.schedule) >= now > 0:
            at += 1
        out.append(min(masked_after(at, options.steps, total, options.schedule), now))
    return out


def looks_back(index: int, options: SampleOptions) -> bool:
    """Whether round `index` judges the places that were written before it."""
    if options.strategy == "write_back":
        return index > 0 and index in {int(share * options.steps) for share in WRITE_BACK_AT}
    return options.strategy == "remask" and 0 < index < options.steps - 1


def overturned(new: Drawn, differs: Tensor, held: Tensor, written: Tensor) -> Tensor:
    """write_back: (B, N) bool, written places whose new value differs and is surely better than the held one.

    held (B, N): probability that the model now gives to what stands there, seeing it.
    """
    return written & differs & (new.probability >= SURELY * held)


def reopened(held: Tensor, written: Tensor, room: list[int]) -> Tensor:
    """remask: (B, N) bool, per row the written places that the model believes in least.

    room[row]: how many places are to be open after this round; no more are opened, so that the number of open places
    follows the schedule as without re-masking (the bound on sigma of ReMDM).
    """
    counts = [min(round(REMASK_SHARE * n), most) for n, most in zip(written.sum(1).tolist(), room, strict=True)]
    return keep_best(-held, written, [n - c for n, c in zip(written.sum(1).tolist(), counts, strict=True)])
