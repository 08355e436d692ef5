"""The forward process: what training hides from the model. Functions on Tokens that draw from a numpy Generator.

Each sequence gets its own time u ~ U(0, 1) and round(ratio(u) x its own number of places) masked places, at least one
(method 4.1, counted over real places so that short clips are never left whole).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dimo.diffusion.schedule import Schedule, mask_ratio
from dimo.sequence.tokens import Tokens


def choose_places(slots: Tensor, generator: np.random.Generator, schedule: Schedule) -> Tensor:
    """(B, N) bool: the places to mask among slots (B, N)."""
    real = slots.numpy()
    keys = np.where(real, generator.random(real.shape), np.inf)
    order = keys.argsort(axis=1).argsort(axis=1)  # rank of each place in a random order, padding last
    ratios = np.array([mask_ratio(u, schedule) for u in generator.random(len(real))])
    counts = np.maximum(1, np.round(ratios * real.sum(1))).astype(int)
    return torch.from_numpy((order < counts[:, None]) & real)


def mask_motion(
    tokens: Tokens,
    generator: np.random.Generator,
    *,
    schedule: Schedule = "cosine",
    partial: float = 0.1,
    wrong: float = 0.06,
    codes: int = 512,
) -> tuple[Tokens, Tensor]:
    """Hide stacks of a batch; returns the corrupted tokens and the places (B, L) to be supervised at level 0.

    Of the places left visible, `partial` keep only a random number of their lower levels (so that half-known stacks are
    nothing new), and `wrong` are filled with random codes and supervised, which lets the model doubt what it sees.
    """
    hidden = choose_places(tokens.motion_slots, generator, schedule)
    shape = hidden.shape
    known = torch.where(hidden, 0, tokens.known_levels)
    some = torch.from_numpy(generator.random(shape) < partial) & ~hidden
    known = torch.where(
        some, torch.minimum(torch.from_numpy(generator.integers(1, tokens.levels + 1, shape)), known), known
    )
    false = torch.from_numpy(generator.random(shape) < wrong) & ~hidden & tokens.motion_slots
    noise = torch.from_numpy(generator.integers(0, codes, tokens.codes.shape))
    values = torch.where(false.unsqueeze(-1), noise, tokens.codes)
    return replace(tokens, known_levels=known, codes=values), hidden | false


def mask_text(
    tokens: Tokens, generator: np.random.Generator, *, schedule: Schedule = "linear"
) -> tuple[Tokens, Tensor]:
    """Hide words of a batch; returns the corrupted tokens and the hidden places (B, T)."""
    hidden = choose_places(tokens.text_slots, generator, schedule)
    return replace(tokens, known_text=tokens.known_text & ~hidden), hidden


def drop_text(tokens: Tokens, share: float, generator: np.random.Generator) -> Tokens:
    """Hide the whole text of a share of the sequences: condition dropout for guidance."""
    drop = torch.from_numpy(generator.random(len(tokens)) < share)
    return replace(tokens, known_text=tokens.known_text & ~drop[:, None])
