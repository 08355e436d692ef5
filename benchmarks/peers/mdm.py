"""MDM: continuous diffusion over the features of a motion, after Tevet et al. 2023 (Human Motion Diffusion Model).

A transformer sees the sentence, the time and every frame with noise on it, and predicts the frames without it (x0). The
noise follows the cosine schedule of Nichol and Dhariwal 2021; sampling is DDIM (Song et al. 2021, equation 12, without
noise of its own), which allows few steps, with classifier-free guidance. As with the published model on HumanML3D the loss
is that of x0 alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from peer import Encoder, Peer, Sizes, Words, dropped, padded
from torch import Tensor, nn

from dimo.diffusion.guidance import guide
from dimo.errors import RequestError

OFFSET, STEEPEST = 0.008, 0.999
"""s of the cosine schedule and the largest beta (Nichol and Dhariwal 2021, section 3.2)."""


@dataclass(frozen=True)
class MDMConfig:
    """Sizes and constants; those of the process are the published ones, with DDIM in place of a thousand steps."""

    sizes: Sizes = field(default_factory=Sizes)
    features: int = 263
    times: int = 1000  # T: t = 0 is the motion, t = T noise
    steps: int = 50  # of DDIM
    guidance: float = 2.5
    drop: float = 0.1  # share of sentences that are left out while learning

    def __post_init__(self):
        if not 1 <= self.steps <= self.times:
            raise RequestError(f"steps must be from 1 to the {self.times} times of the process, not {self.steps}")


def signal(times: int) -> Tensor:
    """alpha-bar (T + 1,): the share of a motion's variance that is left at t = 0 to T, the product of all 1 - beta up to t."""
    t = torch.arange(times + 1, dtype=torch.float64) / times
    level = torch.cos((t + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    betas = (1 - level[1:] / level[:-1]).clamp_max(STEEPEST)
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 - betas).cumprod(0)])


def corrupt(motion: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """x_t = sqrt(alpha-bar) x_0 + sqrt(1 - alpha-bar) noise."""
    return level.sqrt() * motion + (1 - level).sqrt() * noise


def ddim(predict: Callable[[Tensor, int], Tensor], noise: Tensor, levels: Tensor, steps: int) -> Tensor:
    """From noise to a motion: at each time predict(x_t, t) says x_0, from which x_t is led on to the next time."""
    x = noise
    for now, later in pairwise(torch.linspace(len(levels) - 1, 0, steps + 1).round().long().tolist()):
        clean = predict(x, now)
        left = (x - levels[now].sqrt() * clean) / (1 - levels[now]).sqrt()  # the noise that x_0 leaves to be explained
        x = corrupt(clean, left, levels[later])
    return x


def sinusoid(values: Tensor, width: int) -> Tensor:
    """(..., width) sines and then cosines of values (...) at width / 2 rates from 1 to 1 / 10000 (Vaswani et al. 2017)."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=values.device) / half)
    angles = values[..., None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class MDM(Peer):
    """The transformer over [time] words frames."""

    reads_codes = False
    levels: Tensor

    def __init__(self, config: MDMConfig):
        super().__init__()
        width = config.sizes.width
        self.config = config
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.read, self.say = nn.Linear(config.features, width), nn.Linear(width, config.features)
        self.encoder = Encoder(config.sizes)
        self.register_buffer("levels", signal(config.times).float(), persistent=False)

    def forward(self, noisy: Tensor, times: Tensor, words: Words, real: Tensor) -> Tensor:
        """Frames (B, F, C) at times (B,) to frames without noise (B, F, C)."""
        width = self.config.sizes.width
        places = sinusoid(torch.arange(noisy.shape[1], device=noisy.device), width)
        time = self.time(sinusoid(times, width))[:, None]
        there = torch.cat([torch.ones_like(real[:, :1]), real], dim=1)
        return self.say(self.encoder(words, torch.cat([time, self.read(noisy) + places], dim=1), there)[:, 1:])

    def loss(self, words: Words, motion: Tensor, real: Tensor, generator: np.random.Generator) -> dict[str, Tensor]:
        """Mean square of what is missed of x_0, over real frames."""
        motion = motion.float()
        noise = torch.from_numpy(generator.standard_normal(motion.shape, np.float32)).to(motion.device)
        times = torch.from_numpy(generator.integers(1, self.config.times + 1, len(motion))).to(motion.device)
        words = words.without(dropped(len(motion), self.config.drop, generator))
        found = self(corrupt(motion, noise, self.levels[times][:, None, None]), times, words, real)
        return {"loss": (found.float() - motion).square()[real].mean()}

    @torch.no_grad()
    def make(
        self, words: Words, lengths: Sequence[int], generators: Sequence[torch.Generator], *, own: bool = False
    ) -> list[Tensor]:
        """Normalised features (F, C) for each row."""
        noise, real = padded(
            [torch.randn(n, self.config.features, generator=g) for n, g in zip(lengths, generators, strict=True)]
        )
        noise, real = noise.to(self.device), real.to(self.device)
        guided = self.config.guidance != 1
        seen = words.both() if guided else words

        def predict(x: Tensor, time: int) -> Tensor:
            times = torch.full((len(seen.real),), time, device=x.device)
            if not guided:
                return self(x, times, seen, real)
            with_text, without = self(x.repeat(2, 1, 1), times, seen, real.repeat(2, 1)).chunk(2)
            return guide(with_text, without, self.config.guidance)

        made = ddim(predict, noise, self.levels, self.config.steps)
        return [row[:n] for row, n in zip(made, lengths, strict=True)]
