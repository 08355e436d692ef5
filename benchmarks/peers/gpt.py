"""An autoregressive decoder over our codes, after T2M-GPT (Zhang et al. 2023) and MotionGPT (Jiang et al. 2023).

The sentence stands before the motion as a prefix that sees itself; base codes follow from left to right, each seeing what
is before it, until an end token. While learning some of the codes before are random ones, so that a slip does not spoil
what follows (T2M-GPT, corrupted sequences). Levels above the base are drawn by the residual transformer that the masked
peer has, too (residual.py): with all six levels in a row a clip of 8 s would take 240 passes instead of 40.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from peer import Block, Peer, Sizes, Words, draw
from residual import Residual, ResidualConfig
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

NOT_ASKED = -100
"""Target of places that are padding; cross_entropy leaves it out."""


@dataclass(frozen=True)
class GPTConfig:
    """Sizes and constants."""

    sizes: Sizes = field(default_factory=Sizes)
    levels: int = 6
    codes: int = 512
    longest: int = 49  # code steps
    shortest: int = 2  # before the end token is allowed: motion of 8 frames can be measured
    corrupt: float = 0.5  # each clip shows a share of random codes between 0 and this
    top_k: int = 52  # a tenth of the codes


class GPT(Peer):
    """Text prefix, [begin], base codes; the id behind the last code is the end token."""

    own_lengths = True

    def __init__(self, config: GPTConfig):
        super().__init__()
        width = config.sizes.width
        self.config, self.end = config, config.codes
        self.words = nn.Linear(config.sizes.text_width, width)
        self.codes = nn.Embedding(config.codes + 1, width)  # the last row is [begin]
        self.places = nn.Parameter(torch.randn(config.longest + 1, width) * 0.02)
        self.blocks = nn.ModuleList(Block(config.sizes) for _ in range(config.sizes.layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, config.codes + 1)
        nn.init.normal_(self.codes.weight, std=0.02)
        above = ResidualConfig(config.sizes, config.levels, config.codes, config.longest, top_k=config.top_k)
        self.residual = Residual(above) if config.levels > 1 else None

    def forward(self, words: Words, codes: Tensor) -> Tensor:
        """Base codes (B, L) to logits (B, L + 1, K + 1): at each place what comes next, from [begin] on."""
        x = torch.cat([self.words(words.states), self._embed(codes)], dim=1)
        text, every = words.real.shape[1], x.shape[1]
        order = torch.ones(every, every, dtype=torch.bool, device=x.device).tril()
        order[:, :text] = True
        there = torch.cat([words.real, torch.ones_like(x[:, text:, 0], dtype=torch.bool)], dim=1)
        mask = order & there[:, None, None]
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x[:, text:]))

    def _embed(self, codes: Tensor) -> Tensor:
        begun = torch.cat([codes.new_full((len(codes), 1), self.end), codes], dim=1)
        return self.codes(begun) + self.places[: begun.shape[1]]

    def loss(self, words: Words, motion: Tensor, real: Tensor, generator: np.random.Generator) -> dict[str, Tensor]:
        """Cross-entropy of what comes next, the end among it, and of a level above the base."""
        base = motion[..., 0]
        share = generator.random((len(base), 1)) * self.config.corrupt
        wrong = torch.from_numpy(generator.random(base.shape) < share).to(base.device)
        random = torch.from_numpy(generator.integers(0, self.config.codes, base.shape)).to(base.device)
        logits = self(words, torch.where(wrong, random, base)).float()
        target = torch.full(logits.shape[:2], NOT_ASKED, device=base.device)
        target[:, :-1] = torch.where(real, base, NOT_ASKED)
        count = real.sum(1, keepdim=True)  # what was cut to the longest does not end there
        target.scatter_(1, count, torch.where(count < self.config.longest, self.end, NOT_ASKED))
        terms = {"base": cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NOT_ASKED)}
        if self.residual is not None:
            terms["residual"] = self.residual.loss(words, motion, real, generator)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    @torch.no_grad()
    def make(
        self, words: Words, lengths: Sequence[int], generators: Sequence[torch.Generator], *, own: bool = False
    ) -> list[Tensor]:
        """Codes (L, Q) for each row; own: until the end token comes, `longest` at most."""
        most = [self.config.longest] * len(lengths) if own else list(lengths)
        base, counts = self.follow(words, torch.tensor(most, device=self.device), generators, ends=own)
        real = torch.arange(base.shape[1], device=base.device) < counts[:, None]
        codes = base[..., None] if self.residual is None else self.residual.fill(base, words, real, generators)
        return [row[:n] for row, n in zip(codes, counts.tolist(), strict=True)]

    def follow(
        self, words: Words, most: Tensor, generators: Sequence[torch.Generator], *, ends: bool
    ) -> tuple[Tensor, Tensor]:
        """Base codes (B, L) one after the other, and how many of them each row has (B,): `most` unless it `ends` before.

        What was computed of places before is kept (keys and values), so that each code costs one place.
        """
        past: list[list[Tensor]] = [[] for _ in self.blocks]
        start = self.codes.weight[self.end].expand(len(most), 1, -1) + self.places[0]
        x, there = torch.cat([self.words(words.states), start], dim=1), words.real
        there = torch.cat([there, torch.ones_like(there[:, :1])], dim=1)
        prefix = there[:, None, None].repeat(1, 1, x.shape[1], 1)
        prefix[:, :, :-1, -1] = False  # words do not see [begin]
        mask, counts, made = prefix, torch.zeros_like(most), []
        open_ = most > 0
        while bool(open_.any()):
            for block, kept in zip(self.blocks, past, strict=True):
                x = block(x, mask, kept)
            logits = self.head(self.norm(x[:, -1:]))
            if not ends or len(made) < self.config.shortest:
                logits[..., self.end] = -torch.inf
            drawn = draw(logits, open_[:, None], generators, self.config.top_k)
            open_ = open_ & (drawn[:, 0] != self.end)
            counts = counts + open_
            made.append(torch.where(drawn == self.end, 0, drawn))
            open_ = open_ & (counts < most)
            there = torch.cat([there, torch.ones_like(there[:, :1])], dim=1)
            x, mask = self.codes(made[-1]) + self.places[len(made)], there[:, None, None]
        codes = torch.cat(made, dim=1)
        return codes[:, : int(counts.max())], counts
