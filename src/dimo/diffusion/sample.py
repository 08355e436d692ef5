"""The reverse process: start from what is known, predict everything, keep what is surest, repeat (method 4.4, 4.5).

One loop for every task. It takes predict(tokens, draw) -> Guess and yields a Step after each round; it knows neither the
network (how a guess is made) nor the task (why something is known).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from dimo.diffusion.schedule import Schedule, masked_after
from dimo.errors import RequestError
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import PAD

Strategy = Literal["confidence", "gumbel", "margin", "entropy"]
STRATEGIES: tuple[str, ...] = ("confidence", "gumbel", "margin", "entropy")


@dataclass(frozen=True)
class SampleOptions:
    """How to draw. The defaults are for motion; captions use steps 12, temperature 0."""

    steps: int = 10  # K rounds of the network; 5 is a draft, 20 to 30 refine details
    temperature: float = 1.0  # of the draw; 0 takes the most probable
    top_k: int = 52  # codes considered per draw: the best tenth of 512, as MoMask; 0 considers all
    guidance: float = 3.0  # l_u + s (l_c - l_u); 1 is no guidance and half the work
    strategy: Strategy = "confidence"  # how rounds rank their guesses: see rank()
    schedule: Schedule = "cosine"  # few places first, many when the context is there
    noise: float = 1.0  # of the "gumbel" strategy; falls to 0 over the rounds
    pad_factor: float = 0.3  # on the confidence of [PAD]: else a caption's end is settled before its words
    seed: int | None = None  # the same seed repeats the result on the same machine

    def __post_init__(self):
        checks = (
            (1 <= self.steps <= 1000, f"steps must be from 1 to 1000, not {self.steps}"),
            (0 <= self.temperature <= 10, f"temperature must be from 0 to 10, not {self.temperature}"),
            (self.top_k >= 0, f"top-k must be 0 (all) or more, not {self.top_k}"),
            (0 <= self.guidance <= 50, f"guidance must be from 0 to 50, not {self.guidance}"),
            (self.strategy in STRATEGIES, f"strategy must be one of {', '.join(STRATEGIES)}, not {self.strategy!r}"),
            (self.schedule in ("cosine", "linear"), f"schedule must be cosine or linear, not {self.schedule!r}"),
            (self.seed is None or 0 <= self.seed < 2**63, f"seed must be from 0 to 2^63 - 1, not {self.seed}"),
            (0 <= self.pad_factor <= 1, f"pad factor must be from 0 to 1, not {self.pad_factor}"),
        )
        for holds, message in checks:
            if not holds:
                raise RequestError(message)


@dataclass(frozen=True)
class Drawn:
    """Choices (...) with the probability of each before temperature and filter, and the margin and entropy there."""

    values: Tensor
    probability: Tensor
    margin: Tensor
    entropy: Tensor


@dataclass(frozen=True)
class Guess:
    """A value for every place: words (B, T) and whole stacks (B, L, Q), with how they were drawn (stacks: level 0)."""

    ids: Drawn
    stacks: Drawn  # values (B, L, Q); the rest (B, L)


Draw = Callable[[Tensor], Drawn]


class Predict(Protocol):
    def __call__(self, tokens: Tokens, draw: Draw) -> Guess: ...


@dataclass(frozen=True)
class Step:
    """The state after a round: tokens, and how sure the newly written places were (NaN where nothing was written)."""

    index: int
    tokens: Tokens
    text_confidence: Tensor
    motion_confidence: Tensor


def draw_from(logits: Tensor, options: SampleOptions, generator: torch.Generator) -> Drawn:
    """Draw from logits (..., N) by Gumbel-argmax under temperature and top-k, in float32."""
    logits = logits.float()
    logp = logits.log_softmax(-1)
    two = logp.topk(2, dim=-1).values.exp()
    entropy = -(logp.exp() * logp.clamp_min(-100)).sum(-1)
    scores = logits
    if 0 < options.top_k < logits.shape[-1]:
        scores = scores.masked_fill(scores < scores.topk(options.top_k, dim=-1).values[..., -1:], -torch.inf)
    if options.temperature > 0:
        uniform = torch.rand(logits.shape, generator=generator).clamp_min(1e-20)
        scores = scores / options.temperature - torch.log(-torch.log(uniform))
    values = scores.argmax(-1)
    return Drawn(values, logp.gather(-1, values.unsqueeze(-1)).squeeze(-1).exp(), two[..., 0] - two[..., 1], entropy)


def rank(drawn: Drawn, options: SampleOptions, progress: float, generator: torch.Generator) -> Tensor:
    """How sure each guess is (...), by strategy; the highest are kept.

    confidence: probability of the drawn value (the paper, MoMask). gumbel: its logarithm plus noise that falls to zero
    with progress 0 to 1 (MaskGIT): more varied at few steps. margin: lead of the best over the second. entropy: negative
    entropy of the whole distribution. The last two do not look at which value was drawn.
    """
    if options.strategy == "gumbel":
        uniform = torch.rand(drawn.probability.shape, generator=generator).clamp_min(1e-20)
        return drawn.probability.clamp_min(1e-20).log() - options.noise * (1 - progress) * torch.log(
            -torch.log(uniform)
        )
    if options.strategy == "margin":
        return drawn.margin
    if options.strategy == "entropy":
        return -drawn.entropy
    return drawn.probability


def keep_best(score: Tensor, open_: Tensor, remaining: list[int]) -> Tensor:
    """(B, N) bool: per row, the best-scored open places, all but remaining[row] of them."""
    order = score.masked_fill(~open_, -torch.inf).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    counts = open_.sum(1) - torch.tensor(remaining)
    return (order < counts[:, None]) & open_


@torch.no_grad()
def sample(tokens: Tokens, predict: Predict, options: SampleOptions) -> Iterator[Step]:
    """Fill all unknown words and stacks of tokens in options.steps rounds; given ones are never touched.

    A stack of which only some levels are given counts as unknown until the first round, keeps its given levels and gets
    the others. Rows are independent: each has its own number of places. The last Step is complete.
    """
    generator = torch.Generator()
    generator.manual_seed(options.seed) if options.seed is not None else generator.seed()

    def draw(logits: Tensor) -> Drawn:
        return draw_from(logits, options, generator)

    open_text = tokens.text_slots & ~tokens.known_text
    open_motion = tokens.motion_slots & (tokens.known_levels < tokens.levels)
    totals = [(int(t), int(m)) for t, m in zip(open_text.sum(1), open_motion.sum(1), strict=True)]
    given_levels, given_codes = tokens.known_levels, tokens.codes
    level = torch.arange(tokens.levels)
    for index in range(options.steps):
        if not (open_text.any() or open_motion.any()):
            return
        guess = predict(tokens, draw)
        progress = (index + 1) / options.steps
        text_score = rank(guess.ids, options, progress, generator)
        if options.strategy in ("confidence", "gumbel"):
            pads = guess.ids.values == PAD
            shifted = (
                text_score + torch.log(torch.tensor(options.pad_factor + 1e-9))
                if options.strategy == "gumbel"
                else text_score * options.pad_factor
            )
            text_score = torch.where(pads, shifted, text_score)
        left = [tuple(masked_after(index, options.steps, n, options.schedule) for n in total) for total in totals]
        new_text = keep_best(
            text_score, open_text, [min(a, int(o)) for (a, _), o in zip(left, open_text.sum(1), strict=True)]
        )
        motion_score = rank(guess.stacks, options, progress, generator)
        new_motion = keep_best(
            motion_score, open_motion, [min(b, int(o)) for (_, b), o in zip(left, open_motion.sum(1), strict=True)]
        )
        stacks = torch.where(level < given_levels.unsqueeze(-1), given_codes, guess.stacks.values)
        tokens = replace(
            tokens,
            ids=torch.where(new_text, guess.ids.values, tokens.ids),
            known_text=tokens.known_text | new_text,
            codes=torch.where(new_motion.unsqueeze(-1), stacks, tokens.codes),
            known_levels=torch.where(new_motion, tokens.levels, tokens.known_levels),
        )
        open_text, open_motion = open_text & ~new_text, open_motion & ~new_motion
        yield Step(
            index,
            tokens,
            guess.ids.probability.masked_fill(~new_text, torch.nan),
            guess.stacks.probability.masked_fill(~new_motion, torch.nan),
        )
