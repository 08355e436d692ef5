"""A mask and its complement, so that each place is asked for once with some of the others in sight.

After coupled-GRPO (Gong et al. 2025, "DiffuCoder", section 4) and ESPO (Ou et al. 2025): the evidence lower bound of the
motion by two antithetic masks, and one ratio for the whole motion, normalised by its length.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dimo.learn.estimators.base import Estimator, Pass, mean_over


class Coupled(Estimator):
    """Of L places l are hidden first, with l drawn evenly from 1 to L, then the others.

    An evidence lower bound weights a hidden place by L / l (LLaDA, Nie et al. 2025, equation 6, with counts in the place of
    ratios). The mean of the two passes, or the one of all places where l = L, is on average that bound: what a sampler that
    fills one place after the other, in a random order, gives in the mean over orders.
    """

    def passes(self, real: Tensor, groups: Tensor, generator: np.random.Generator) -> list[Pass]:
        first = torch.zeros_like(real)
        weight = torch.zeros(real.shape), torch.zeros(real.shape)
        drawn: dict[int, np.ndarray] = {}
        for row, (n, group) in enumerate(zip(real.sum(1).tolist(), groups.tolist(), strict=True)):
            if group not in drawn:
                drawn[group] = generator.permutation(n)[: generator.integers(1, n + 1)]
            count = len(drawn[group])
            first[row, drawn[group]] = True
            weight[0][row] = n / count / 2 if count < n else 1.0
            weight[1][row] = n / max(1, n - count) / 2
        second = real & ~first
        return [Pass(first, weight[0] * first), Pass(second, weight[1] * second)]

    def loss(self, new: Tensor, old: Tensor, real: Tensor, advantages: Tensor, groups: Tensor) -> Tensor:
        ratio = torch.exp(mean_over(new, real) - mean_over(old, real))
        return -self.clip.surrogate(ratio, advantages).mean()
