"""The joint model as the sampler's predict: guided logits, all levels of a stack drawn in order."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.guidance import GuidanceOn, guide
from dimo.diffusion.sample import Draw, Drawn, Guess, Places
from dimo.model.joint import JointModel
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import NEVER_WRITTEN, PAD


class Predictor:
    """predict(tokens, draw, doubted) for diffusion.sample.

    With guidance other than 1 the same batch with all text unknown runs beside the given one and the two are combined
    at every level (method 4.6), on logits or probabilities. Places that are neither open nor doubted get a guess that
    nobody reads.
    """

    def __init__(self, model: JointModel, guidance: float = 1.0, guidance_on: GuidanceOn = "logits"):
        self.model, self.guidance = model, guidance
        self.guidance_on: GuidanceOn = guidance_on

    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        motion_open = bool((tokens.motion_slots & (tokens.known_levels < tokens.levels)).any())
        text_open = tokens.text_slots & ~tokens.known_text
        if doubted is not None:
            motion_open, text_open = motion_open or bool(doubted.motion.any()), text_open | doubted.text
        guided = self.guidance != 1 and motion_open and bool(tokens.known_text.any())
        b = len(tokens)
        seen = Tokens.cat([tokens, tokens.without_text()]) if guided else tokens
        hidden = self.model(seen, for_motion=motion_open)
        ids, held_text = self._draw_text(hidden.text[:b], text_open, tokens, draw)
        if not motion_open:
            nothing = torch.zeros(tokens.known_levels.shape)
            return Guess(ids, Drawn(tokens.codes, nothing, nothing, nothing), Places(held_text, nothing))
        trunk = hidden.motion
        real = tokens.motion_slots.repeat(2, 1) if guided else tokens.motion_slots
        known = tokens.known_levels.unsqueeze(-1) > torch.arange(tokens.levels)
        if doubted is not None:
            known = known & ~doubted.motion.unsqueeze(-1)
        codes, first, held = tokens.codes, None, torch.zeros(tokens.known_levels.shape)
        for level in range(tokens.levels):
            below = codes.repeat(2, 1, 1) if guided else codes
            logits = self.model.code_logits(trunk, below, real, level).float()
            if guided:
                logits = guide(logits[:b], logits[b:], self.guidance, self.guidance_on)
            drawn = draw(logits)
            if first is None:
                first = drawn
                if doubted is not None:
                    held = logits.softmax(-1).gather(-1, tokens.codes[..., :1])[..., 0]
            chosen = torch.where(known[..., level], tokens.codes[..., level], drawn.values)
            codes = torch.cat([codes[..., :level], chosen.unsqueeze(-1), codes[..., level + 1 :]], dim=-1)
        assert first is not None
        return Guess(ids, replace(first, values=codes), Places(held_text, held))

    def _draw_text(self, hidden: Tensor, wanted: Tensor, tokens: Tokens, draw: Draw) -> tuple[Drawn, Tensor]:
        """Word guesses at wanted places only, and the probability of what stands there (0 elsewhere), both (B, T).

        Only there, because the vocabulary's matrix is the largest of the model. [PAD] ends a text, so it is not guessed
        before a known word.
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
        drawn = draw(logits)
        held = logits.softmax(-1).gather(-1, tokens.ids[wanted].unsqueeze(-1))[:, 0]
        fields = ("values", "probability", "margin", "entropy")
        return (
            Drawn(*(getattr(blank, f).masked_scatter(wanted, getattr(drawn, f)) for f in fields)),
            nothing.masked_scatter(wanted, held),
        )
