"""Residual vector quantization: Q codebooks, each quantizing what the ones before it left over.

Zeghidour et al. 2021 (SoundStream), section III-C, with MoMask's training constants where nothing better was measured
(Guo et al. 2024). Codebooks follow their vectors by exponential moving averages, of one batch or of several together
(learn/codebooks.py); everything that must survive a reload is a buffer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Quantized:
    """vectors (B, L, D): sum of the chosen codes, straight-through; codes (B, L, Q), -1 where a level was dropped."""

    vectors: Tensor
    codes: Tensor
    commitment: Tensor  # scalar: mean squared distance of residuals to their codes, over active levels
    perplexity: Tensor  # (Q,): exp of the entropy of code use in this batch


Shown = tuple[Tensor, Tensor]
"""What a level was shown: vectors (N, D), and the codes (N,) that it gave them."""


def vectors_of(codes: Tensor, codebooks: Tensor) -> Tensor:
    """Codes (..., q) of the first q <= Q levels to vectors (..., D) by codebooks (Q, K, D); -1 adds nothing."""
    total = torch.zeros(*codes.shape[:-1], codebooks.shape[-1], device=codes.device)
    for level in range(codes.shape[-1]):
        code = codes[..., level]
        total = total + codebooks[level][code.clamp_min(0)] * (code >= 0).unsqueeze(-1)
    return total


class ResidualQuantizer(nn.Module):
    """Q levels of K codes of D dimensions."""

    codebooks: Tensor
    counts: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, levels: int, size: int, dim: int, *, decay: float = 0.99, dead_below: float = 0.5):
        super().__init__()
        self.levels, self.size, self.dim, self.decay, self.dead_below = levels, size, dim, decay, dead_below
        self.seen: list[list[Shown]] | None = None
        """Where it is a list, codebooks stay as they are in training: a pass adds what its active levels were shown, and whoever
        put the list here calls follow()."""
        self.register_buffer("codebooks", torch.zeros(levels, size, dim))
        self.register_buffer("counts", torch.ones(levels, size))
        self.register_buffer("sums", torch.zeros(levels, size, dim))
        self.register_buffer("started", torch.zeros(levels, dtype=torch.bool))

    def nearest(self, vectors: Tensor, level: int) -> Tensor:
        """Index (N,) of the nearest code of a level to vectors (N, D), by |c|^2 - 2 x.c."""
        book = self.codebooks[level]
        return (book.square().sum(1) - 2 * vectors @ book.T).argmin(1)

    def near(self, vectors: Tensor, level: int, noise: float) -> Tensor:
        """Index (N,) of a code of a level drawn for each of vectors (N, D): the nearest one, or one about as near.

        A code at squared distance d is drawn in proportion to exp(-d / (noise m)), m being the mean of the nearest ones'
        squared distances (the Gumbel trick; MoMask, Guo et al. 2024, draws likewise at a temperature of its own scale).
        """
        book = self.codebooks[level]
        far = vectors.square().sum(1, keepdim=True) + book.square().sum(1) - 2 * vectors @ book.T
        scale = noise * far.amin(1).mean().clamp_min(1e-12)
        drawn = torch.empty(far.shape).exponential_().log_().to(far.device)
        return (drawn + far / scale).argmin(1)

    def encode(self, vectors: Tensor) -> Tensor:
        """Vectors (B, L, D) to codes (B, L, Q)."""
        residual = vectors.reshape(-1, self.dim).float()
        codes = []
        for level in range(self.levels):
            code = self.nearest(residual, level)
            residual = residual - self.codebooks[level][code]
            codes.append(code)
        return torch.stack(codes, -1).view(*vectors.shape[:-1], self.levels)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (..., q) of the first q <= Q levels to vectors (..., D); -1 adds nothing."""
        return vectors_of(codes, self.codebooks)

    def forward(
        self,
        vectors: Tensor,
        *,
        active: int | None = None,
        noise: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Quantized:
        """Quantize vectors (B, L, D) with the first `active` levels (quantizer dropout); updates codebooks in training.

        noise: codes about as near as the nearest are taken, too (near), so that a decoder learns to do with either.
        """
        flat = vectors.reshape(-1, self.dim).float()
        residual, total = flat, torch.zeros_like(flat)
        commitment = flat.new_zeros(())
        codes, perplexity = [], []
        shown: list[Shown] = []
        active = self.levels if active is None else active
        for level in range(active):
            if self.training and not self.started[level]:
                self._start(residual.detach(), level, generator)
            at = residual.detach()
            code = self.near(at, level, noise) if noise else self.nearest(at, level)
            chosen = self.codebooks[level][code]
            commitment = commitment + (residual - chosen).square().mean()
            use = torch.bincount(code, minlength=self.size).float()
            share = use / use.sum()
            perplexity.append(torch.exp(-(share * (share + 1e-10).log()).sum()))
            shown.append((at, code))
            total = total + chosen
            residual = residual - chosen
            codes.append(code)
        if self.training:
            self._learn(shown, generator)
        straight = flat + (total - flat).detach()
        missing = [torch.full_like(codes[0], -1)] * (self.levels - active)
        return Quantized(
            straight.view_as(vectors),
            torch.stack(codes + missing, -1).view(*vectors.shape[:-1], self.levels),
            commitment / active,
            torch.stack(perplexity + [flat.new_zeros(())] * (self.levels - active)),
        )

    @torch.no_grad()
    def _start(self, residual: Tensor, level: int, generator: torch.Generator | None) -> None:
        """First codes of a level: random residuals of the first batch that reaches it."""
        at = torch.randint(len(residual), (self.size,), generator=generator).to(residual.device)
        self.codebooks[level] = residual[at]
        self.sums[level] = residual[at]
        self.counts[level] = 1
        self.started[level] = True

    @torch.no_grad()
    def _learn(self, shown: list[Shown], generator: torch.Generator | None) -> None:
        """Follow what the levels were shown, or leave that to whoever follows several passes at once."""
        if self.seen is not None:
            self.seen.append(shown)
            return
        for level, (vectors, codes) in enumerate(shown):
            at = torch.randint(len(vectors), (self.size,), generator=generator).to(vectors.device)
            self.follow(level, *self.tally(vectors, codes), vectors[at])

    def tally(self, vectors: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """How many (K,) of vectors (N, D) each code (N,) was given to, and their sums (K, D)."""
        sums = vectors.new_zeros(self.size, self.dim).index_add_(0, codes, vectors)
        return torch.bincount(codes, minlength=self.size).float(), sums

    @torch.no_grad()
    def follow(self, level: int, use: Tensor, sums: Tensor, fresh: Tensor) -> None:
        """Moving averages of a level's counts by use (K,) and of its sums by sums (K, D), as tally() gives them.

        A code that is no longer used restarts at its row of fresh (K, D).
        """
        self.counts[level].mul_(self.decay).add_(use, alpha=1 - self.decay)
        self.sums[level].mul_(self.decay).add_(sums, alpha=1 - self.decay)
        dead = self.counts[level] < self.dead_below
        self.sums[level] = torch.where(dead[:, None], fresh, self.sums[level])
        self.counts[level] = torch.where(dead, 1.0, self.counts[level])
        self.codebooks[level] = self.sums[level] / self.counts[level].unsqueeze(1)
