"""The masked model as the sampler's predict: guided logits, filtered, and all levels of a stack drawn in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.guidance import GuidanceOn, guide
from dimo.diffusion.sample import Draw, Drawn, Guess, Places
from dimo.inpaint.filters import TEXT_FILTERS, CodeFilter, let_twins_wait
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens


class Predictor:
    """predict(tokens, draw, doubted) for diffusion.sample.

    With guidance other than 1 the same batch with all text unknown runs beside the given one and the two are combined at
    the base level, on logits or probabilities. The levels above say how finely, not what: guided as well they took longer,
    and feet slid a little more (docs/log.md). code_filters change the logits of codes before one is drawn.
    """

    def __init__(
        self,
        model: MaskedModel,
        guidance: float = 1.0,
        guidance_on: GuidanceOn = "logits",
        code_filters: Sequence[CodeFilter] = (),
    ):
        self.model, self.guidance = model, guidance
        self.guidance_on: GuidanceOn = guidance_on
        self.code_filters = tuple(code_filters)

    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        motion_at = tokens.motion_slots & (tokens.known_levels < tokens.levels)
        text_at = tokens.text_slots & ~tokens.known_text
        if doubted is not None:
            motion_at, text_at = motion_at | doubted.motion, text_at | doubted.text
        for_motion = bool(motion_at.any())
        guided = self.guidance != 1 and for_motion and bool(tokens.known_text.any())
        seen = Tokens.cat([tokens, tokens.without_text()]) if guided else tokens
        hidden = self.model(seen, for_motion=for_motion)
        ids, held_text = self._words(hidden.text[: len(tokens)], text_at, tokens, draw, doubted is not None)
        if not for_motion:
            nothing = torch.zeros(tokens.known_levels.shape)
            return Guess(ids, Drawn(tokens.codes, nothing, nothing, nothing), Places(held_text, nothing))
        stacks, held_motion = self._stacks(hidden.motion, motion_at, tokens, draw, doubted)
        return Guess(ids, stacks, Places(held_text, held_motion))

    def _stacks(
        self, trunk: Tensor, at: Tensor, tokens: Tokens, draw: Draw, doubted: Places | None
    ) -> tuple[Drawn, Tensor]:
        """Whole stacks guessed at the places of `at` (B, L), and with doubts the probability of what stands there (else 0)."""
        b, real = len(tokens), tokens.motion_slots
        known = tokens.known_levels.unsqueeze(-1) > torch.arange(tokens.levels)
        if doubted is not None:
            known = known & ~doubted.motion.unsqueeze(-1)
        codes, first, held = tokens.codes.clone(), None, torch.zeros(real.shape)
        for level in range(tokens.levels):
            if level == 0:
                logits = self.model.code_logits(trunk, codes, real, 0).float()
                if len(trunk) > b:
                    logits = guide(logits[:b], logits[b:], self.guidance, self.guidance_on)
                    trunk = trunk[:b]
            else:
                logits = self.model.code_logits(trunk, codes, real, level).float()
            for change in self.code_filters:
                logits = change(logits, level, codes, tokens)
            drawn = draw(logits[at], at, sure=level == 0)
            if level == 0:
                first = drawn
                if doubted is not None:
                    held = logits.softmax(-1).gather(-1, tokens.codes[..., :1])[..., 0]
            fresh = at & ~known[..., level]
            codes[..., level] = torch.where(fresh, drawn.values, tokens.codes[..., level])
        assert first is not None
        return replace(first, values=codes), held

    def _words(self, hidden: Tensor, at: Tensor, tokens: Tokens, draw: Draw, doubts: bool) -> tuple[Drawn, Tensor]:
        """Words guessed at the places of `at` (B, T), and with doubts the probability of what stands there (else 0).

        Only there, because the vocabulary's matrix is the largest of the model.
        """
        nothing = torch.zeros(at.shape)
        if not at.any():
            return Drawn(torch.zeros_like(at, dtype=torch.long), nothing, nothing, nothing), nothing
        logits = self.model.text_logits(hidden[at]).float()
        for change in TEXT_FILTERS:
            logits = change(logits, at, tokens)
        drawn = let_twins_wait(draw(logits, at), at)
        if not doubts:
            return drawn, nothing
        held = logits.log_softmax(-1).gather(-1, tokens.ids[at].unsqueeze(-1))[:, 0].exp()
        return drawn, nothing.masked_scatter(at, held)
