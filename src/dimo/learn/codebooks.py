"""Codebooks follow the batches of a whole step, whichever processes made them.

A codebook is a moving average of what its codes were given to, and no gradient (codec/quantize.py), so what the processes of a
training share is the tallies of a step. Each takes the sums over all batches of the step, and a code that is used no longer
restarts at the same vector on each: the result is that of one process, and of one batch that holds them all.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dimo.codec.codec import Codec
from dimo.codec.quantize import ResidualQuantizer
from dimo.learn import parallel

RESTARTS = 1_000_003
"""Where a shard's number stands in loop.step_generator: restarts are drawn by a generator that is no shard's."""


class Codebooks:
    """The codebooks of a quantizer in training, which follow `shards` batches at once; seed: that of the training."""

    def __init__(self, quantizer: ResidualQuantizer, shards: int, seed: int):
        self.quantizer, self.shards, self.seed = quantizer, shards, seed
        quantizer.seen = []

    @torch.no_grad()
    def settle(self, step: int) -> None:
        """Follow what the passes since the last call were shown, here and in the other processes; all of them call it."""
        quantizer, (rank, processes) = self.quantizer, parallel.world()
        seen, quantizer.seen = quantizer.seen or [], []
        mine = list(zip(range(rank, self.shards, processes), seen, strict=True))
        counts = torch.zeros(self.shards, quantizer.levels, dtype=torch.float64)  # of vectors that a level was shown
        for shard, levels in mine:
            counts[shard, : len(levels)] = torch.tensor([len(vectors) for vectors, _ in levels], dtype=torch.float64)
        parallel.add_up([counts])
        ends = counts.cumsum(0).long()
        # The vectors of all shards, one after the other: each process draws the same ones of them, and fills in those it has.
        generator = np.random.default_rng([self.seed, step, RESTARTS])
        size = quantizer.size
        drawn = [torch.from_numpy(generator.choice(max(1, n), size, replace=n < size)) for n in ends[-1].tolist()]
        use, sums = torch.zeros_like(quantizer.counts), torch.zeros_like(quantizer.sums)
        fresh = torch.zeros_like(quantizer.sums)
        for shard, levels in mine:
            for level, (vectors, codes) in enumerate(levels):
                n, total = quantizer.tally(vectors, codes)
                use[level] += n
                sums[level] += total
                at = drawn[level] - (int(ends[shard, level]) - len(vectors))
                here = (at >= 0) & (at < len(vectors))
                rows = vectors[at.clamp(0, len(vectors) - 1).to(vectors.device)]
                fresh[level] = torch.where(here.to(vectors.device)[:, None], rows, fresh[level])
        parallel.add_up([use, sums, fresh])
        for level in torch.nonzero(ends[-1]).flatten().tolist():
            quantizer.follow(level, use[level], sums[level], fresh[level])


@torch.no_grad()
def begin_codebooks(codec: Codec, features: Tensor) -> None:
    """First codes of every level, from a batch (B, F, C): alike in all processes, and before any drops a level."""
    codec.quantizer.seen = []
    codec(features)
    codec.quantizer.seen = None
