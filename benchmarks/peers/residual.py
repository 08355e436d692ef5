"""The residual transformer of MoMask (Guo et al. 2024, section 3.3): given the base codes of a clip it draws level after level.

A level is predicted at all places at once, from the sum of the codes of all levels below it, the number of the level and
the sentence. Code vectors of a level serve as its output, too. The autoregressive peer has its levels drawn by the same
network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from peer import Encoder, Sizes, Words, draw, dropped
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dimo.diffusion.guidance import guide


@dataclass(frozen=True)
class ResidualConfig:
    """Sizes, and how levels are drawn; guidance, filter and drop are those of MoMask's public code."""

    sizes: Sizes = field(default_factory=Sizes)
    levels: int = 6  # of the codec, the base among them
    codes: int = 512
    longest: int = 49  # code steps
    guidance: float = 5.0
    top_k: int = 52  # a tenth of the codes
    drop: float = 0.2


class Residual(nn.Module):
    """Levels 1 to Q - 1."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        width = config.sizes.width
        self.config = config
        self.codes = nn.Parameter(torch.randn(config.levels, config.codes, width) * 0.02)
        self.level = nn.Embedding(config.levels, width)
        self.places = nn.Parameter(torch.randn(config.longest, width) * 0.02)
        self.encoder = Encoder(config.sizes)

    def forward(self, codes: Tensor, level: Tensor, words: Words, real: Tensor) -> Tensor:
        """Logits (B, L, K) of the level (B,) of codes (B, L, Q), of which the levels below it alone are read."""
        x = self.level(level)[:, None] + self.places[: codes.shape[1]]
        for lower in range(self.config.levels - 1):
            x = x + self.codes[lower][codes[..., lower]] * (level > lower)[:, None, None]
        states = self.encoder(words, x, real)
        return torch.einsum("bld,bkd->blk", states, self.codes[level].to(states.dtype))

    def loss(self, words: Words, codes: Tensor, real: Tensor, generator: np.random.Generator) -> Tensor:
        """Cross-entropy of one level a row at all its places; low levels, which weigh most, are drawn more often."""
        level = torch.from_numpy(draw_levels(len(codes), self.config.levels, generator)).to(codes.device)
        words = words.without(dropped(len(codes), self.config.drop, generator))
        target = codes.gather(2, level[:, None, None].expand(-1, codes.shape[1], 1)).squeeze(2)
        return cross_entropy(self(codes, level, words, real)[real].float(), target[real])

    @torch.no_grad()
    def fill(self, base: Tensor, words: Words, real: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Base codes (B, L) to codes (B, L, Q)."""
        codes = torch.zeros(*base.shape, self.config.levels, dtype=torch.long, device=base.device)
        codes[..., 0] = base
        for level in range(1, self.config.levels):
            at = torch.full((len(base),), level, device=base.device)
            logits = guided(
                lambda w, c, r, at=at: self(c, at[:1].expand(len(c)), w, r), words, codes, real, self.config
            )
            codes[..., level] = draw(logits, real, generators, self.config.top_k)
        return codes


def draw_levels(count: int, levels: int, generator: np.random.Generator) -> np.ndarray:
    """Levels (B,) from 1 to Q - 1: 1 + round((Q - 2) (1 - cos(pi u / 2))) of a uniform u."""
    u = generator.random(count)
    return 1 + np.round((levels - 2) * (1 - np.cos(math.pi * u / 2))).astype(int)


def guided(network, words: Words, codes: Tensor, real: Tensor, config) -> Tensor:
    """Logits l_u + s (l_c - l_u) of network(words, codes, real), both branches as one batch; s = 1 is one branch."""
    if config.guidance == 1:
        return network(words, codes, real)
    both = network(words.both(), torch.cat([codes, codes]), torch.cat([real, real]))
    with_text, without = both.float().chunk(2)
    return guide(with_text, without, config.guidance)
