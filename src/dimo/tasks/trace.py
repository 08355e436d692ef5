"""How a generated motion condenses out of noise: the states of the sampler, decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from dimo.body.motion import Motion
from dimo.diffusion.sample import Step
from dimo.inpaint.pipeline import Pipeline


@dataclass(frozen=True)
class Trace:
    """State 0 is noise; state k is what stands after round k, of one motion of L code steps and K rounds.

    Open places are drawn as random codes, the same ones throughout: the model itself sees them as unknown.
    """

    text: str
    motions: tuple[Motion, ...]  # K + 1
    written: np.ndarray  # (K + 1, L) int: the round, from 1, in which each place was written last; 0 where it is open
    confidence: np.ndarray  # (K + 1, L): how sure it was then, 0 to 1; NaN where it is open
    frames_per_step: int

    @property
    def rounds(self) -> int:
        """K, the number of model calls."""
        return len(self.motions) - 1


@dataclass(frozen=True)
class State:
    """What stands after one round of one motion; round 0 is noise. codes (L, Q) hold -1 for a level that is not there yet."""

    round: int
    codes: torch.Tensor
    motion: Motion
    written: np.ndarray  # (L,), as a row of Trace
    confidence: np.ndarray  # (L,), likewise


def states(pipeline: Pipeline, steps: Iterable[Step], name: str, frames: int, seed: int = 0) -> Iterator[State]:
    """The states of the first row of the sampler's steps as they come, each `frames` frames long."""
    codec = pipeline.codec
    state: State | None = None
    noise = torch.zeros(0)
    for step in steps:
        tokens = step.tokens.to(torch.device("cpu"))
        length = int(tokens.motion_slots[0].sum())
        if state is None:
            generator = torch.Generator().manual_seed(seed)
            noise = torch.randint(0, codec.config.codes, (length, codec.config.levels), generator=generator)
            motion = pipeline.to_motion(noise, name)[:frames]
            yield (state := State(0, noise, motion, np.zeros(length, int), np.full(length, np.nan)))
        sure = step.motion_confidence[0, :length].cpu().double().numpy()
        open_ = (tokens.known_levels[0, :length] == 0).numpy()
        new = ~np.isnan(sure)
        written = np.where(open_, 0, np.where(new, step.index + 1, state.written))
        confidence = np.where(open_, np.nan, np.where(new, sure, state.confidence))
        known = torch.arange(tokens.levels) < tokens.known_levels[0, :length, None]
        codes = torch.where(known, tokens.codes[0, :length], -1)
        codes = torch.where(torch.from_numpy(open_)[:, None], noise, codes)
        motion = pipeline.to_motion(codes, name)[:frames]
        yield (state := State(step.index + 1, codes, motion, written, confidence))


def trace(passed: Iterable[State], text: str, frames_per_step: int) -> Trace:
    """The trace of all states of one motion."""
    passed = list(passed)
    return Trace(
        text,
        tuple(state.motion for state in passed),
        np.stack([state.written for state in passed]),
        np.stack([state.confidence for state in passed]),
        frames_per_step,
    )
