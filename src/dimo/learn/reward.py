"""The reward of alignment: how well the model's own captioning branch reads the sentence off a motion, less what is wrong
with the body.

The judge of words is a frozen copy of the model from before alignment (DiMo's reward). Evaluators and instruction checks are
no part of it: they judge the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dimo.codec.codec import Codec
from dimo.errors import RequestError
from dimo.features import humanml3d
from dimo.metrics.physics import measure_body
from dimo.model.masked import MaskedModel
from dimo.tasks.score import text_given_motion


@dataclass(frozen=True)
class RewardOptions:
    """Weights, in nats, of penalties that are 0 for a body at its best and 1 from the limit on."""

    skate: float = 0.1
    skate_limit: float = 0.6  # m/s of feet that stand
    jerk: float = 0.05
    jerk_limit: float = 600.0  # m/s^3; real runs have 300
    floating: float = 0.1
    floating_limit: float = 0.15  # metres off the floor, or under it, of the lowest joint for a quarter of the time

    def __post_init__(self):
        if min(self.skate, self.jerk, self.floating) < 0:
            raise RequestError("the weights of penalties must be 0 or more")
        if min(self.skate_limit, self.jerk_limit, self.floating_limit) <= 0:
            raise RequestError("the limits of penalties must be more than 0")


@dataclass(frozen=True)
class Rewards:
    """Of each motion (N,)."""

    total: Tensor
    agreement: Tensor  # mean log-probability of the sentence's words, given the motion
    skate_mps: Tensor
    penalty: Tensor


def rewards(
    judge: MaskedModel,
    codec: Codec,
    texts: Sequence[Sequence[int]],
    motions: Sequence[Tensor],
    options: RewardOptions,
    seed: int,
) -> Rewards:
    """Rewards of motions, codes (L_i, Q), for texts. seed: of the masks over the words, which depend on it and on the
    number of words alone, so that the motions of a group are asked the same."""
    agreement = text_given_motion(judge, texts, motions, seed)
    skate, penalty = [], []
    for codes in motions:
        features = codec.decode(codes[None].to(codec.device))[0].cpu().double().numpy()
        joints = humanml3d.decode(features)
        body = measure_body(joints, codec.config.fps)
        lowest = joints[..., 1].min(-1)
        off = float(np.percentile(np.abs(lowest), 75))  # a jump is over in less
        skate.append(body.foot_skate_mps)
        penalty.append(
            options.skate * min(1.0, body.foot_skate_mps / options.skate_limit)
            + options.jerk * min(1.0, body.jerk_mps3 / options.jerk_limit)
            + options.floating * min(1.0, off / options.floating_limit)
        )
    lost = torch.tensor(penalty, dtype=agreement.dtype)
    return Rewards(agreement - lost, agreement, torch.tensor(skate), lost)


def advantages(total: Tensor, group: int, tied: float = 1e-4) -> Tensor:
    """Leave-one-out advantages (N,) of rewards (N,), which stand in groups of `group`: each less the mean of the others
    (RLOO, Ahmadian et al. 2024, section 3.3), not divided by the deviation, which would magnify groups that hardly differ.

    0 in groups whose rewards lie within `tied` nats.
    """
    rows = total.view(-1, group)
    others = (rows.sum(1, keepdim=True) - rows) / (group - 1)
    apart = (rows.amax(1) - rows.amin(1) > tied)[:, None]
    return ((rows - others) * apart).flatten()
