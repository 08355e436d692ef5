"""The reverse process: start from what is known, predict everything, keep what is surest, repeat (MaskGIT; MoMask).

One loop for every task. It takes predict(tokens, draw) -> Guess and yields a Step after each round; it knows neither the
network (how a guess is made) nor the task (why something is known). What is kept and taken back is in strategies.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from dimo.diffusion.options import STRATEGIES, SampleOptions, Strategy
from dimo.diffusion.strategies import (
    Drawn,
    gumbel,
    hold_back,
    keep_best,
    left_open,
    looks_back,
    overturned,
    rank,
    reopened,
)
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
    "generators_of",
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
    """A value for every open place: words (B, T) and base codes (B, L), with how they were drawn.

    held: at the places that the sampler asked to doubt, the probability of what stands there now.
    """

    ids: Drawn
    base: Drawn
    held: Places | None = None


class Draw(Protocol):
    def __call__(self, logits: Tensor, at: Tensor, /, sure: bool = True) -> Drawn:
        """Draw a value for each place of `at` (B, N) bool from logits (P, V), those of these places in their order.

        Everything of Drawn is (B, N), 0 elsewhere. Without sure, nobody asks how sure the values are, and the rest stays 0.
        """
        ...


class Predict(Protocol):
    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        """Guess the open places of tokens, and those of doubted (bool) although they are written."""
        ...

    def upper(self, tokens: Tokens, draw: Draw, /) -> Tensor:
        """Codes (B, L, Q) of tokens whose base codes are all known, with the unknown levels above them drawn."""
        ...


@dataclass(frozen=True)
class Step:
    """The state after a round: tokens, and how sure the newly written places were (NaN where nothing was written)."""

    index: int  # of the round; index + 1 calls of predict were made so far
    tokens: Tokens
    text_confidence: Tensor
    motion_confidence: Tensor


def generators_of(seeds: Sequence[int | torch.Generator | None]) -> list[torch.Generator]:
    """A generator for each sequence of a batch, from its seed unless it has one; None takes a seed from the system.

    They are on the CPU whatever the batch is on, so that a seed draws the same numbers on every device.
    """
    made = []
    for seed in seeds:
        if isinstance(seed, torch.Generator):
            made.append(seed)
            continue
        made.append(generator := torch.Generator())
        generator.manual_seed(seed) if seed is not None else generator.seed()
    return made


def draw_from(
    logits: Tensor, at: Tensor, options: SampleOptions, generators: Sequence[torch.Generator], sure: bool = True
) -> Drawn:
    """As Draw: by Gumbel-argmax under temperature and top-k, in float32, each row of `at` from its own generator.

    A row asks its generator for as many numbers as it has places, so that its draw is the same beside any others.
    """
    logits = logits.float()
    limited = 0 < options.top_k < logits.shape[-1]
    best = logits.topk(max(2, options.top_k) if limited else 2, dim=-1)
    scores, among = (best.values[:, : options.top_k], best.indices) if limited else (logits, None)
    if options.temperature > 0:
        scores = scores / options.temperature + gumbel(at, generators, scores.shape[-1])
    values = scores.argmax(-1, keepdim=True)
    values = values if among is None else among.gather(-1, values)
    nothing = torch.zeros(at.shape, device=at.device)
    placed = torch.zeros_like(at, dtype=torch.long).masked_scatter(at, values)
    if not sure:
        return Drawn(placed, nothing, nothing, nothing)
    total = logits.logsumexp(-1, keepdim=True)
    two = (best.values[:, :2] - total).exp()
    probability = (logits.gather(-1, values) - total).exp()
    entropy = torch.zeros(len(logits), device=logits.device)
    if options.strategy == "entropy":  # over a vocabulary it costs more than the rest together
        logp = logits - total
        entropy = -(logp.exp() * logp.clamp_min(-100)).sum(-1)
    sureness = (probability, two[:, 0] - two[:, 1], entropy)
    return Drawn(placed, *(nothing.masked_scatter(at, x) for x in sureness))


def _close_texts(ids: Tensor, new: Tensor, tokens: Tokens, open_: Tensor) -> tuple[Tensor, Tensor]:
    """Ids (B, T) with [PAD] behind the first newly written one, and the open places (B, T) that this closes.

    A [PAD] with a word behind it, known or just written, ends nothing: it is the sampler's mistake and closes no place.
    """
    written = torch.where(new, ids, torch.where(tokens.known_text, tokens.ids, PAD))
    words = (new | tokens.known_text) & (written != PAD)
    at = torch.arange(ids.shape[1], device=ids.device)
    last_word = torch.where(words, at, -1).amax(1, keepdim=True) if ids.shape[1] else ids
    ends = new & (ids == PAD) & (at > last_word)
    behind = open_ & (ends.cumsum(1) > 0)
    return torch.where(behind, PAD, ids), behind


def _with_base(codes: Tensor, base: Tensor, at: Tensor) -> Tensor:
    """Codes (B, L, Q) with the base codes (B, L) at some places (B, L)."""
    return torch.cat([torch.where(at, base, codes[..., 0]).unsqueeze(-1), codes[..., 1:]], -1)


def _with_upper(tokens: Tokens, predict: Predict, draw: Draw) -> Tokens:
    """Tokens whose stacks are complete."""
    if not (tokens.motion_slots & (tokens.known_levels < tokens.levels)).any():
        return tokens
    codes = predict.upper(tokens, draw) if tokens.levels > 1 else tokens.codes
    return replace(
        tokens, codes=codes, known_levels=torch.where(tokens.motion_slots, tokens.levels, tokens.known_levels)
    )


@torch.no_grad()
def sample(
    tokens: Tokens, predict: Predict, options: SampleOptions, seeds: Sequence[int | torch.Generator | None] = ()
) -> Iterator[Step]:
    """Fill all unknown words and stacks of tokens in at most options.steps rounds; given ones are never touched.

    The rounds are about words and base codes; when those are complete, the levels above are drawn once, from the whole
    (docs/log.md has the comparison with drawing them in each round). A stack of which only some levels are given keeps them.
    Rows are independent: each has its own number of places and draws from its own seed or generator (default: options.seed
    for each). [PAD] ends a text: where one is written, all open places behind it are closed with it, and the rounds are
    spread over the places that remain. With options.adaptive a round also keeps every guess of at least that probability,
    and the rounds end when nothing is open. The last Step is complete.
    """
    sources = generators_of(seeds or [options.seed] * len(tokens))

    def draw(logits: Tensor, at: Tensor, /, sure: bool = True) -> Drawn:
        return draw_from(logits, at, options, sources, sure)

    open_text = tokens.text_slots & ~tokens.known_text
    open_motion = tokens.motion_slots & (tokens.known_levels == 0)
    ours_text, ours_motion = open_text, open_motion  # what a strategy may take back
    text_total, motion_total = open_text.sum(1).tolist(), open_motion.sum(1).tolist()
    if not (open_text.any() or (tokens.motion_slots & (tokens.known_levels < tokens.levels)).any()):
        return
    for index in range(options.steps):
        doubted = None
        if looks_back(index, options):
            # A sequence in which nothing is open is done, whatever the others of the batch still lack.
            going = (open_text.any(1) | open_motion.any(1))[:, None]
            doubted = Places(ours_text & ~open_text & (tokens.ids != PAD) & going, ours_motion & ~open_motion & going)
        guess = predict(tokens, draw) if doubted is None else predict(tokens, draw, doubted)
        progress = (index + 1) / options.steps
        pads = guess.ids.values == PAD
        text_score = hold_back(rank(guess.ids, options, progress, open_text, sources), pads, options)
        motion_score = rank(guess.base, options, progress, open_motion, sources)
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
            new_motion = new_motion | (open_motion & (guess.base.probability >= options.adaptive))
        guessed_ids, behind = _close_texts(guess.ids.values, new_text, tokens, open_text)
        text_total = [n - c for n, c in zip(text_total, (behind & ~new_text).sum(1).tolist(), strict=True)]
        new_text = new_text | behind
        if doubted is not None and guess.held is not None and options.strategy == "write_back":
            new_text = new_text | overturned(
                guess.ids, (guess.ids.values != tokens.ids) & ~pads, guess.held.text, doubted.text
            )
            differs = guess.base.values != tokens.codes[..., 0]
            new_motion = new_motion | overturned(guess.base, differs, guess.held.motion, doubted.motion)
        tokens = replace(
            tokens,
            ids=torch.where(new_text, guessed_ids, tokens.ids),
            known_text=(tokens.known_text | new_text) & ~again_text,
            codes=_with_base(tokens.codes, guess.base.values, new_motion),
            known_levels=torch.where(again_motion, 0, torch.where(new_motion, 1, tokens.known_levels)),
        )
        open_text, open_motion = (open_text & ~new_text) | again_text, (open_motion & ~new_motion) | again_motion
        done = index + 1 == options.steps or not (open_text.any() or open_motion.any())
        if done:
            tokens = _with_upper(tokens, predict, draw)
        yield Step(
            index,
            tokens,
            guess.ids.probability.masked_fill(~new_text, torch.nan),
            guess.base.probability.masked_fill(~new_motion, torch.nan),
        )
        if done:
            return
