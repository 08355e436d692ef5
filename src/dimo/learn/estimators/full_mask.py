"""diffu-GRPO (Zhao et al. 2025, "d1", section 3.2): everything is hidden at once, and places are taken as independent.

One pass, little variance, and a bias: what the codes of a motion say of each other is not seen.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dimo.learn.estimators.base import Estimator, Pass, mean_over


class FullMask(Estimator):
    """A ratio for each place, clipped by itself."""

    def passes(self, real: Tensor, groups: Tensor, generator: np.random.Generator) -> list[Pass]:
        return [Pass(real, real.float())]

    def loss(self, new: Tensor, old: Tensor, real: Tensor, advantages: Tensor, groups: Tensor) -> Tensor:
        ratio = torch.exp(new - old)
        return -mean_over(self.clip.surrogate(ratio, advantages[:, None]), real).mean()
