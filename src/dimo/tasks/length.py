"""How long a motion of a sentence takes: the model's distribution over lengths, and picks from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from dimo.errors import RequestError
from dimo.inpaint.pipeline import Pipeline
from dimo.model.masked import MaskedModel


@dataclass(frozen=True)
class Lengths:
    """Probability (N,) of each length in seconds (N,), ascending; one entry per number of code steps."""

    seconds: np.ndarray
    probability: np.ndarray

    @property
    def median(self) -> float:
        """What generate takes for seconds=None: unlike the most probable length, it does not jump between modes."""
        return self.candidates(1)[0]

    def candidates(self, count: int = 3) -> tuple[float, ...]:
        """`count` lengths in seconds that part the distribution evenly: its quantiles (k + 1/2) / count, ascending.

        Equal ones are given once, so that there may be fewer. RequestError unless count is from 1 to 20.
        """
        if not 1 <= count <= 20:
            raise RequestError(f"the number of candidate lengths must be from 1 to 20, not {count}")
        below = self.probability.cumsum()
        picks = [int((below < (k + 0.5) / count).sum()) for k in range(count)]
        return tuple(float(self.seconds[i]) for i in sorted({min(i, len(self.seconds) - 1) for i in picks}))


@torch.no_grad()
def lengths(model: MaskedModel, ids: Sequence[int], seconds_per_step: float) -> Lengths:
    """The distribution for a text's word-piece ids, over 1, 2, ... code steps."""
    text = torch.tensor([list(ids)], device=model.device)
    logits = model.length_logits(text, torch.ones_like(text, dtype=torch.bool))[0]
    probability = logits.float().softmax(-1).cpu().double()
    return Lengths(np.arange(1, len(probability) + 1) * seconds_per_step, probability.numpy())


def lengths_of(pipeline: Pipeline, text: str) -> Lengths:
    """The distribution for a sentence, as it is asked. RequestError for a text that cannot be."""
    step = pipeline.codec.config.stride / pipeline.codec.config.fps
    return lengths(pipeline.model, pipeline.ids(pipeline.asked(text)), step)


def median_steps(model: MaskedModel, ids: Sequence[int]) -> int:
    """The median length of a text's motion in code steps."""
    return round(lengths(model, ids, 1.0).median)
