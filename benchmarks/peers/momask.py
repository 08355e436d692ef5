"""MoMask's base and residual transformers (Guo et al. 2024) over our codec: masked motion codes, without a text side.

The base transformer fills in masked base codes; it reads the sentence but predicts no word. Masking, corruption and sampling follow
the paper and its public code: a cosine share of the places is masked, a few of them are shown wrong or right all the same,
and while sampling the least sure places are masked again round by round. Levels above the base: residual.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from peer import Encoder, Peer, Sizes, Words, draw, dropped
from residual import Residual, ResidualConfig, guided
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dimo.errors import RequestError

SETTLED = 1e5
"""Score of a place that is not masked again; probabilities are below it."""


@dataclass(frozen=True)
class MoMaskConfig:
    """Sizes and constants; those of masking and sampling are the published ones."""

    sizes: Sizes = field(default_factory=Sizes)
    levels: int = 6
    codes: int = 512
    longest: int = 49  # code steps
    wrong: float = 0.1  # share of the chosen places that show a random code
    right: float = 0.12  # share of the others that show the true one; the rest is masked
    drop: float = 0.1  # share of sentences that are left out while learning
    steps: int = 10
    guidance: float = 4.0
    top_k: int = 52  # a tenth of the codes

    def __post_init__(self):
        if self.steps < 1:
            raise RequestError(f"steps must be 1 or more, not {self.steps}")


def choose(real: Tensor, generator: np.random.Generator) -> Tensor:
    """(B, L) bool: of a row's n real places round(n cos(pi u / 2)), at least one, at random."""
    count = real.sum(1)
    u = torch.from_numpy(generator.random(len(real)))
    wanted = (count * torch.cos(math.pi * u / 2)).round().clamp_min(1)
    order = torch.from_numpy(generator.random(real.shape)).masked_fill(~real, 2).argsort(1).argsort(1)
    return order < wanted[:, None]


class MoMask(Peer):
    """The base transformer with the residual one beside it, trained together on a sum of their losses."""

    def __init__(self, config: MoMaskConfig):
        super().__init__()
        width = config.sizes.width
        self.config, self.mask = config, config.codes  # the id behind the last code
        self.codes = nn.Embedding(config.codes + 1, width)
        self.places = nn.Parameter(torch.randn(config.longest, width) * 0.02)
        self.encoder = Encoder(config.sizes)
        self.head = nn.Linear(width, config.codes)
        nn.init.normal_(self.codes.weight, std=0.02)
        above = ResidualConfig(config.sizes, config.levels, config.codes, config.longest, top_k=config.top_k)
        self.residual = Residual(above) if config.levels > 1 else None

    def forward(self, words: Words, codes: Tensor, real: Tensor) -> Tensor:
        """Base codes (B, L), some of them self.mask, to logits (B, L, K)."""
        return self.head(self.encoder(words, self.codes(codes) + self.places[: codes.shape[1]], real))

    def shown(self, base: Tensor, chosen: Tensor, generator: np.random.Generator) -> Tensor:
        """What the network sees of base codes (B, L) whose chosen places it has to tell."""
        u, v = (torch.from_numpy(generator.random(base.shape)) for _ in range(2))
        wrong = chosen & (u < self.config.wrong)
        hidden = chosen & ~wrong & (v >= self.config.right)
        random = torch.from_numpy(generator.integers(0, self.config.codes, base.shape))
        return torch.where(hidden, self.mask, torch.where(wrong, random, base))

    def loss(self, words: Words, motion: Tensor, real: Tensor, generator: np.random.Generator) -> dict[str, Tensor]:
        """Cross-entropy of the chosen base codes, and of a level above them."""
        place, base = motion.device, motion[..., 0].cpu()
        chosen = choose(real.cpu(), generator)
        seen = self.shown(base, chosen, generator).to(place)
        hidden = words.without(dropped(len(base), self.config.drop, generator))
        logits = self(hidden, seen, real)[chosen.to(place)].float()
        terms = {"base": cross_entropy(logits, base[chosen].to(place))}
        if self.residual is not None:
            terms["residual"] = self.residual.loss(words, motion, real, generator)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    @torch.no_grad()
    def make(
        self, words: Words, lengths: Sequence[int], generators: Sequence[torch.Generator], *, own: bool = False
    ) -> list[Tensor]:
        """Codes (L, Q) for each row."""
        counts = torch.tensor(list(lengths))
        real = (torch.arange(int(counts.max())) < counts[:, None]).to(self.device)
        base = self.fill(words, real, generators)
        codes = base[..., None] if self.residual is None else self.residual.fill(base, words, real, generators)
        return [row[:n] for row, n in zip(codes, lengths, strict=True)]

    def fill(self, words: Words, real: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Base codes (B, L), from nothing but masks at the real places (B, L)."""
        count = real.sum(1)
        codes = torch.zeros(real.shape, dtype=torch.long, device=real.device)
        score = torch.where(real, 0.0, SETTLED)
        for index in range(self.config.steps):
            share = math.cos(math.pi / 2 * index / max(1, self.config.steps - 1))
            open_ = (count * share).round().clamp_min(1)
            masked = (score.argsort(dim=1, stable=True).argsort(dim=1) < open_[:, None]) & real
            logits = guided(self, words, torch.where(masked, self.mask, codes), real, self.config)
            drawn = draw(logits, masked, generators, self.config.top_k)
            codes = torch.where(masked, drawn, codes)
            sure = logits.float().softmax(-1).gather(2, drawn[..., None]).squeeze(2)
            score = torch.where(masked, sure, SETTLED)
        return codes
