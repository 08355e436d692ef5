"""wd1 (Tang et al. 2025): no ratio at all, the likelihoods of a group weighted by its advantages.

The better motions are pulled with weights softmax(A), the worse pushed with softmax(-A), A in deviations of its group; the
policy that sampled need not be asked again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dimo.learn.estimators.base import mean_over
from dimo.learn.estimators.full_mask import FullMask


class Weighted(FullMask):
    """Over the same pass as FullMask: everything hidden at once."""

    ratios = False

    def loss(self, new: Tensor, old: Tensor, real: Tensor, advantages: Tensor, groups: Tensor) -> Tensor:
        likelihood = mean_over(new, real)
        total = []
        for group in groups.unique():
            member = groups == group
            scaled = advantages[member] / advantages[member].std(correction=0).clamp_min(1e-6)
            pull, push = scaled.softmax(0), (-scaled).softmax(0)
            total.append(((push - pull) * likelihood[member]).sum())
        return torch.stack(total).mean()
