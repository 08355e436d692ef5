"""What the estimators have in common: passes of the model over motions of which some places are hidden."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Pass:
    """One look of the model at a batch: the places that are hidden, and the weight of each in the estimate, both (B, L)."""

    hidden: Tensor
    weight: Tensor


@dataclass(frozen=True)
class Clip:
    """How far a ratio of new to old probability may go before it stops to count: PPO (Schulman et al. 2017), equation 7."""

    epsilon: float = 0.2

    def surrogate(self, ratio: Tensor, advantage: Tensor) -> Tensor:
        """min(ratio A, clip(ratio) A), element by element: to be made large."""
        clipped = ratio.clamp(1 - self.epsilon, 1 + self.epsilon)
        return torch.minimum(ratio * advantage, clipped * advantage)


class Estimator(ABC):
    """passes() says what to hide; loss() makes one number of the log-probabilities that the passes found there.

    Motions of one group have the same number of places, so that one draw of masks serves the whole group and its members
    are compared under the same conditions (LLaDA 1.5's variance reduction; d1 and coupled-GRPO fix their masks likewise).
    """

    ratios: bool = True
    """Whether loss() compares with the policy that sampled: False saves that pass."""

    def __init__(self, clip: Clip | None = None):
        self.clip = clip or Clip()

    @abstractmethod
    def passes(self, real: Tensor, groups: Tensor, generator: np.random.Generator) -> list[Pass]:
        """The passes for motions with the places real (B, L); groups (B) numbers the group of each, which has one length."""

    @abstractmethod
    def loss(self, new: Tensor, old: Tensor, real: Tensor, advantages: Tensor, groups: Tensor) -> Tensor:
        """A scalar to be made small.

        new, old (B, L): the weighted sum over passes of the log-probability of the code sampled at each place, under the
        policy that learns and under the one that sampled; real (B, L) the places that exist; advantages (B); groups (B).
        """


def mean_over(values: Tensor, real: Tensor) -> Tensor:
    """Mean (B) of values (B, L) over the places that exist: a motion counts the same whatever its length."""
    return (values * real).sum(1) / real.sum(1).clamp_min(1)
