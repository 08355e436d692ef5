"""States that the sampler comes to: a training batch after a few of its own rounds with the model as it is now.

While sampling, what a model sees as known is what it wrote itself, mistakes and all. Masks alone never show it that. So some
batches go through one or two rounds of the real sampler first, and are then learnt from as ever: what was hidden is
supervised with the truth, also where the sampler has written something else (self-correction after BiMoGen, which fills all
places by argmax; the share of places written here differs as it does from round to round).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import torch

from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.predictor import Predictor
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens
from dimo.tasks.caption import CAPTION_OPTIONS

MOTION = SampleOptions(guidance=1.0)
WORDS = CAPTION_OPTIONS
MOST_STEPS, MOST_ROUNDS = 4, 2
"""Of 1 to 4 steps the first one or two are played: with the cosine they write from 8 % of the open places to all."""


@torch.no_grad()
def play(model: MaskedModel, tokens: Tokens, like: SampleOptions, generator: np.random.Generator) -> Tokens:
    """Tokens after the first rounds of sampling their open places, with drawn values or, half of the times, the likeliest.

    Written stacks have their base code or, when the rounds are over, all levels. Values at open places are not read.
    """
    steps = int(generator.integers(1, MOST_STEPS + 1))
    rounds = int(generator.integers(1, min(steps, MOST_ROUNDS) + 1))
    options = replace(like, steps=steps, temperature=float(generator.integers(2)))
    seeds = generator.integers(2**62, size=len(tokens)).tolist()
    training = model.training
    model.eval()
    try:
        for step in islice(sample(tokens, Predictor(model), options, seeds), rounds):
            tokens = step.tokens
    finally:
        model.train(training)
        # Autocast keeps the weights that it has cast, in older torch without their gradients, which the next pass needs.
        torch.clear_autocast_cache()
    return tokens
