"""The joint model as the sampler's predict: guided logits, all levels of a stack drawn in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.guidance import GuidanceOn, guide
from dimo.diffusion.sample import Draw, Drawn, Guess, Places
from dimo.memory.neighbours import Votes
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import CLS, NEVER_WRITTEN, PAD


class Predictor:
    """predict(tokens, draw, doubted) for diffusion.sample.

    With guidance other than 1 the same batch with all text unknown runs beside the given one and the two are combined at
    the base level (method 4.6), on logits or probabilities. The levels above say how finely, not what: guided as well they
    took longer, and feet slid a little more (docs/log.md). Places that are neither open nor doubted get a guess that
    nobody reads.

    votes: what remembered motions hold in each sequence of the batch, or None; `share` of the guesses is theirs.
    """

    def __init__(
        self,
        model: MaskedModel,
        guidance: float = 1.0,
        guidance_on: GuidanceOn = "logits",
        votes: Sequence[Votes | None] = (),
        share: float = 0.0,
    ):
        self.model, self.guidance = model, guidance
        self.guidance_on: GuidanceOn = guidance_on
        self.votes, self.share = votes, share

    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        motion_open = bool((tokens.motion_slots & (tokens.known_levels < tokens.levels)).any())
        text_open = tokens.text_slots & ~tokens.known_text
        if doubted is not None:
            motion_open, text_open = motion_open or bool(doubted.motion.any()), text_open | doubted.text
        guided = self.guidance != 1 and motion_open and bool(tokens.known_text.any())
        b = len(tokens)
        seen = Tokens.cat([tokens, tokens.without_text()]) if guided else tokens
        hidden = self.model(seen, for_motion=motion_open)
        ids, held_text = self._draw_text(hidden.text[:b], text_open, tokens, draw, doubted is not None)
        if not motion_open:
            nothing = torch.zeros(tokens.known_levels.shape)
            return Guess(ids, Drawn(tokens.codes, nothing, nothing, nothing), Places(held_text, nothing))
        trunk = hidden.motion
        real = tokens.motion_slots.repeat(2, 1) if guided else tokens.motion_slots
        known = tokens.known_levels.unsqueeze(-1) > torch.arange(tokens.levels)
        if doubted is not None:
            known = known & ~doubted.motion.unsqueeze(-1)
        codes, first, held = tokens.codes.clone(), None, torch.zeros(tokens.known_levels.shape)
        written = tokens.known_levels > 0
        voting = [(i, v, v.weights(written[i], codes[i, :, 0])) for i, v in enumerate(self.votes) if v is not None]
        for level in range(tokens.levels):
            logits = self.model.code_logits(trunk, codes, real, level).float()
            if guided and level == 0:
                logits = guide(logits[:b], logits[b:], self.guidance, self.guidance_on)
                trunk, real = trunk[:b], real[:b]
            for i, votes, weights in voting:
                logits[i] = votes.mix(logits[i], level, self.share, weights, codes[i])
            drawn = draw(logits, sure=level == 0)
            if level == 0:
                first = drawn
                if doubted is not None:
                    held = logits.softmax(-1).gather(-1, tokens.codes[..., :1])[..., 0]
            codes[..., level] = torch.where(known[..., level], tokens.codes[..., level], drawn.values)
        assert first is not None
        return Guess(ids, replace(first, values=codes), Places(held_text, held))

    def _draw_text(
        self, hidden: Tensor, wanted: Tensor, tokens: Tokens, draw: Draw, doubts: bool
    ) -> tuple[Drawn, Tensor]:
        """Word guesses at wanted places only, and with doubts the probability of what stands there (else 0), both (B, T).

        Only there, because the vocabulary's matrix is the largest of the model. [PAD] ends a text, so it is not guessed
        before a known word. Places filled in one round do not see each other, so a word beside itself is their commonest
        mistake: what stands beside a place is not guessed, and of two equal guesses side by side the less sure one waits.
        """
        nothing = torch.zeros(wanted.shape)
        blank = Drawn(torch.zeros_like(wanted, dtype=torch.long), nothing, nothing, nothing)
        if not wanted.any():
            return blank, nothing
        logits = self.model.text_logits(hidden[wanted]).float()
        logits[:, list(NEVER_WRITTEN)] = -torch.inf
        word = tokens.known_text & (tokens.ids != PAD)
        followed = word.flip(1).cumsum(1).flip(1) - word.long() > 0
        logits[:, PAD] = logits[:, PAD].masked_fill(followed[wanted], -torch.inf)
        beside = torch.where(word, tokens.ids, CLS)  # [CLS] is never written anyway
        for shift in (1, -1):
            ids = beside.roll(shift, dims=1)
            ids[:, 0 if shift == 1 else -1] = CLS
            logits.scatter_(1, ids[wanted].unsqueeze(-1), -torch.inf)
        drawn = draw(logits)
        fields = ("values", "probability", "margin", "entropy")
        out = Drawn(*(getattr(blank, f).masked_scatter(wanted, getattr(drawn, f)) for f in fields))
        if not doubts:
            return _let_twins_wait(out, wanted), nothing
        held = logits.log_softmax(-1).gather(-1, tokens.ids[wanted].unsqueeze(-1))[:, 0].exp()
        return _let_twins_wait(out, wanted), nothing.masked_scatter(wanted, held)


def _let_twins_wait(drawn: Drawn, open_: Tensor) -> Drawn:
    """The guesses (B, T), of two equal words in neighbouring open places the less probable as unsure as can be."""
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
