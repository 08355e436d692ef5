"""Estimates of a masked model's likelihood, for policy gradients: one file each, chosen by name.

The likelihood of a whole motion under a sampler that fills places in any order is a sum over orders and out of reach.
Every estimator hides some places, asks the model for the log-probability of what was sampled there, and makes a loss of it
whose gradient moves probability from the worse motions of a group to the better ones.
"""

from __future__ import annotations

from dimo.learn.estimators.base import Clip, Estimator, Pass
from dimo.learn.estimators.coupled import Coupled
from dimo.learn.estimators.full_mask import FullMask
from dimo.learn.estimators.weighted import Weighted

ESTIMATORS: dict[str, type[Estimator]] = {"full_mask": FullMask, "coupled": Coupled, "weighted": Weighted}

__all__ = ["ESTIMATORS", "Clip", "Coupled", "Estimator", "FullMask", "Pass", "Weighted"]
