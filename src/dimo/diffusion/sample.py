"""The reverse process: start from what is known, predict everything, keep what is surest, repeat (method 4.4, 4.5).

One loop for every task. It takes predict(tokens, draw) -> Guess and yields a Step after each round; it knows neither the
network (how a guess is made) nor the task (why something is known). What is kept and taken back is in strategies.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from dimo.diffusion.options import STRATEGIES, SampleOptions, Strategy
from dimo.diffusion.strategies import Drawn, hold_back, keep_best, left_open, looks_back, overturned, rank, reopened
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import PAD

__all__ = [
    "STRATEGIES",
    "Draw",
    "Drawn",
    "Guess",
    "Places",
    "Predict",
    "SampleOptions",
    "Step",
    "Strategy",
    "draw_from",
    "keep_best",
    "sample",
]


@dataclass(frozen=True)
class Places:
    """Something per place: words (B, T) and stacks (B, L)."""

    text: Tensor
    motion: Tensor


@dataclass(frozen=True)
class Guess:
    """A value for every open place: words (B, T) and whole stacks (B, L, Q), with how they were drawn (stacks: level 0).

    held: at the places that the sampler asked to doubt, the probability of what stands there now (stacks: level 0).
    """

    ids: Drawn
    stacks: Drawn  # values (B, L, Q); the rest (B, L)
    held: Places | None = None


class Draw(Protocol):
    def __call__(self, logits: Tensor, /, sure: bool = True) -> Drawn:
        """Draw from logits (..., N); without sure, nobody asks how sure the values are, and the rest stays empty."""
        ...


class Predict(Protocol):
    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        """Guess the open places of tokens, and those of doubted (bool) although they are written."""
        ...


@dataclass(frozen=True)
class Step:
    """The state after a round: tokens, and how sure the newly written places were (NaN where nothing was written)."""

    index: int  # of the round; index + 1 calls of predict were made so far
    tokens: Tokens
    text_confidence: Tensor
    motion_confidence: Tensor


def draw_from(logits: Tensor, options: SampleOptions, generator: torch.Generator, sure: bool = True) -> Drawn:
    """Draw from logits (..., N) by Gumbel-argmax under temperature and top-k, in float32; sure as in Draw."""
    logits = logits.float()
    limited = 0 < options.top_k < logits.shape[-1]
    best = logits.topk(max(2, options.top_k) if limited else 2, dim=-1).values
    scores = logits
    if limited:
        scores = scores.masked_fill(scores < best[..., options.top_k - 1, None], -torch.inf)
    if options.temperature > 0:
        uniform = torch.rand(logits.shape, generator=generator).clamp_min(1e-20)
        scores = scores / options.temperature - torch.log(-torch.log(uniform))
    values = scores.argmax(-1)
    if not sure:
        nothing = torch.zeros(values.shape)
        return Drawn(values, nothing, nothing, nothing)
    total = logits.logsumexp(-1, keepdim=True)
    two = (best[..., :2] - total).exp()
    probability = (logits.gather(-1, values.unsqueeze(-1)) - total).squeeze(-1).exp()
    entropy = torch.zeros_like(probability)
    if options.strategy == "entropy":  # over a vocabulary it costs more than the rest together
        logp = logits - total
        entropy = -(logp.exp() * logp.clamp_min(-100)).sum(-1)
    return Drawn(values, probability, two[..., 0] - two[..., 1], entropy)


def _close_texts(ids: Tensor, new: Tensor, tokens: Tokens, open_: Tensor) -> tuple[Tensor, Tensor]:
    """Ids (B, T) with [PAD] behind the first newly written one, and the open places (B, T) that this closes.

    A [PAD] with a word behind it, known or just written, ends nothing: it is the sampler's mistake and closes no place.
    """
    written = torch.where(new, ids, torch.where(tokens.known_text, tokens.ids, PAD))
    words = (new | tokens.known_text) & (written != PAD)
    at = torch.arange(ids.shape[1])
    last_word = torch.where(words, at, -1).amax(1, keepdim=True) if ids.shape[1] else torch.zeros(len(ids), 0)
    ends = new & (ids == PAD) & (at > last_word)
    behind = open_ & (ends.cumsum(1) > 0)
    return torch.where(behind, PAD, ids), behind


@torch.no_grad()
def sample(tokens: Tokens, predict: Predict, options: SampleOptions) -> Iterator[Step]:
    """Fill all unknown words and stacks of tokens in at most options.steps rounds; given ones are never touched.

    A stack of which only some levels are given counts as unknown until the first round, keeps its given levels and gets
    the others; it is never revised. Rows are independent: each has its own number of places. [PAD] ends a text: where
    one is written, all open places behind it are closed with it, and the rounds are spread over the places that remain.
    With options.adaptive a round also keeps every guess of at least that probability, and the rounds end when nothing is
    open. The last Step is complete.
    """
    generator = torch.Generator()
    generator.manual_seed(options.seed) if options.seed is not None else generator.seed()

    def draw(logits: Tensor, /, sure: bool = True) -> Drawn:
        return draw_from(logits, options, generator, sure)

    open_text = tokens.text_slots & ~tokens.known_text
    open_motion = tokens.motion_slots & (tokens.known_levels < tokens.levels)
    ours_text, ours_motion = open_text, open_motion & (tokens.known_levels == 0)  # what a strategy may take back
    text_total, motion_total = open_text.sum(1).tolist(), open_motion.sum(1).tolist()
    given_levels, given_codes = tokens.known_levels, tokens.codes
    level = torch.arange(tokens.levels)
    for index in range(options.steps):
        if not (open_text.any() or open_motion.any()):
            return
        doubted = None
        if looks_back(index, options):
            doubted = Places(ours_text & ~open_text & (tokens.ids != PAD), ours_motion & ~open_motion)
        guess = predict(tokens, draw) if doubted is None else predict(tokens, draw, doubted)
        progress = (index + 1) / options.steps
        pads = guess.ids.values == PAD
        text_score = hold_back(rank(guess.ids, options, progress, generator), pads, options)
        motion_score = rank(guess.stacks, options, progress, generator)
        text_left = left_open(index, text_total, open_text, options)
        motion_left = left_open(index, motion_total, open_motion, options)
        again_text, again_motion = torch.zeros_like(open_text), torch.zeros_like(open_motion)
        if doubted is not None and guess.held is not None and options.strategy == "remask":
            again_text = reopened(guess.held.text, doubted.text, text_left)
            again_motion = reopened(guess.held.motion, doubted.motion, motion_left)
            text_left = [n - r for n, r in zip(text_left, again_text.sum(1).tolist(), strict=True)]
            motion_left = [n - r for n, r in zip(motion_left, again_motion.sum(1).tolist(), strict=True)]
        new_text = keep_best(text_score, open_text, text_left)
        new_motion = keep_best(motion_score, open_motion, motion_left)
        if options.adaptive is not None:
            sure = torch.where(pads, guess.ids.probability * options.pad_factor, guess.ids.probability)
            new_text = new_text | (open_text & (sure >= options.adaptive))
            new_motion = new_motion | (open_motion & (guess.stacks.probability >= options.adaptive))
        guessed_ids, behind = _close_texts(guess.ids.values, new_text, tokens, open_text)
        text_total = [n - int(c) for n, c in zip(text_total, (behind & ~new_text).sum(1), strict=True)]
        new_text = new_text | behind
        if doubted is not None and guess.held is not None and options.strategy == "write_back":
            new_text = new_text | overturned(
                guess.ids, (guess.ids.values != tokens.ids) & ~pads, guess.held.text, doubted.text
            )
            differs = guess.stacks.values[..., 0] != tokens.codes[..., 0]
            new_motion = new_motion | overturned(guess.stacks, differs, guess.held.motion, doubted.motion)
        stacks = torch.where(level < given_levels.unsqueeze(-1), given_codes, guess.stacks.values)
        tokens = replace(
            tokens,
            ids=torch.where(new_text, guessed_ids, tokens.ids),
            known_text=(tokens.known_text | new_text) & ~again_text,
            codes=torch.where(new_motion.unsqueeze(-1), stacks, tokens.codes),
            known_levels=torch.where(again_motion, 0, torch.where(new_motion, tokens.levels, tokens.known_levels)),
        )
        open_text, open_motion = (open_text & ~new_text) | again_text, (open_motion & ~new_motion) | again_motion
        yield Step(
            index,
            tokens,
            guess.ids.probability.masked_fill(~new_text, torch.nan),
            guess.stacks.probability.masked_fill(~new_motion, torch.nan),
        )
