"""What is done to the model's logits before a value is drawn, one small function for each reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.strategies import Drawn
from dimo.memory.neighbours import Neighbours
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import CLS, NEVER_WRITTEN, PAD
from dimo.text.phrases import Phrases

TextFilter = Callable[[Tensor, Tensor, Tokens], Tensor]
"""Logits (P, V) of the words at the P places of `at` (B, T) bool in tokens, to other ones; may change them in place."""

FORBIDDEN = -1e4
"""Added to a logit: never drawn while anything else is left."""

SOONER = 2.0
"""Added to the logit of [PAD] where a text is written in order."""

CodeFilter = Callable[[Tensor, int, Tensor, Tokens], Tensor]
"""Logits (B, L, K) of a level, given the level and the codes (B, L, Q) drawn below it, to other ones."""


def never_written(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
    """Marks such as [CLS] and [MASK] are no words."""
    logits[:, list(NEVER_WRITTEN)] = -torch.inf
    return logits


def no_end_before_words(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
    """[PAD] ends a text, so it is not guessed before a known word."""
    word = tokens.known_text & (tokens.ids != PAD)
    followed = word.flip(1).cumsum(1).flip(1) - word.long() > 0
    logits[:, PAD] = logits[:, PAD].masked_fill(followed[at], -torch.inf)
    return logits


def no_doubled_words(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
    """What stands beside a place is not guessed there: a word twice in a row is the commonest slip of parallel guesses."""
    word = tokens.known_text & (tokens.ids != PAD)
    beside = torch.where(word, tokens.ids, CLS)  # [CLS] is never written anyway
    for shift in (1, -1):
        ids = beside.roll(shift, dims=1)
        ids[:, 0 if shift == 1 else -1] = CLS
        logits.scatter_(1, ids[at].unsqueeze(-1), -torch.inf)
    return logits


def no_phrase_twice(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
    """What would say three pieces in a row again is not guessed: "to the side and to the side and to the side"."""
    for row, (before, _) in enumerate(_said_before(at, tokens)):
        runs = zip(before, before[1:], before[2:], strict=False)
        again = [third for first, second, third in runs if [first, second] == before[-2:]]
        if again:
            logits[row, torch.tensor(again, device=logits.device)] = -torch.inf
    return logits


def ends_sooner(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
    """[PAD] is guessed e^SOONER times as readily: a model that saw words missing anywhere goes on too long where all that is to
    come is missing. Of 0, 0.7, 1.5, 2.3 and 3.5 captions of validation clips were best with 2.3 (CIDEr), and named fewer
    actions with 3.5 (docs/log.md)."""
    logits[:, PAD] += SOONER
    return logits


def as_captions_go_on(phrases: Phrases) -> TextFilter:
    """Only what some caption has behind the pieces before a place is guessed there, unless all of that is forbidden."""

    def kept(logits: Tensor, at: Tensor, tokens: Tokens) -> Tensor:
        for row, (before, known) in enumerate(_said_before(at, tokens)):
            after = phrases.after(before) if known else []
            if len(after):
                lower = torch.full_like(logits[row], FORBIDDEN)
                lower[torch.as_tensor(after, device=logits.device)] = 0.0
                logits[row] += lower
        return logits

    return kept


def _said_before(at: Tensor, tokens: Tokens) -> list[tuple[list[int], bool]]:
    """For each place of `at` (B, T): the piece ids before it in its text, and whether all of these are known."""
    out = []
    for row, place in at.nonzero().tolist():
        slots = tokens.text_slots[row, :place]
        out.append((tokens.ids[row, :place][slots].tolist(), bool(tokens.known_text[row, :place][slots].all())))
    return out


TEXT_FILTERS: tuple[TextFilter, ...] = (never_written, no_end_before_words, no_doubled_words)


def from_memory(neighbours: Sequence[Neighbours | None], share: float) -> CodeFilter:
    """Mixes in what remembered motions hold: `share` of the guesses of each sequence that has neighbours is theirs.

    The neighbours are where the logits are.
    """

    def mixed(logits: Tensor, level: int, codes: Tensor, tokens: Tokens) -> Tensor:
        for i, near in enumerate(neighbours):
            if near is not None:
                length = near.codes.shape[1]  # other sequences of the batch may be longer
                weights = near.weights((tokens.known_levels[i] > 0)[:length], tokens.codes[i, :length, 0])
                logits[i, :length] = near.mix(logits[i, :length], level, share, weights, codes[i, :length])
        return logits

    return mixed


def let_twins_wait(drawn: Drawn, open_: Tensor) -> Drawn:
    """The guesses (B, T), of two equal words in neighbouring open places the less probable as unsure as can be.

    Places filled in one round do not see each other.
    """
    twins = open_[:, :-1] & open_[:, 1:] & (drawn.values[:, :-1] == drawn.values[:, 1:]) & (drawn.values[:, 1:] != PAD)
    first = drawn.probability[:, :-1] < drawn.probability[:, 1:]
    wait = torch.zeros_like(open_)
    wait[:, :-1] |= twins & first
    wait[:, 1:] |= twins & ~first
    return replace(
        drawn,
        probability=drawn.probability.masked_fill(wait, 0.0),
        margin=drawn.margin.masked_fill(wait, 0.0),
        entropy=drawn.entropy.masked_fill(wait, 1e3),
    )
