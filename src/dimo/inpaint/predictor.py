"""The masked model as the sampler's predict: guided logits, filtered; and the levels above the base."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dimo.diffusion.guidance import GuidanceOn, guide
from dimo.diffusion.sample import Draw, Drawn, Guess, Places
from dimo.inpaint.filters import TEXT_FILTERS, CodeFilter, TextFilter, let_twins_wait
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import Tokens


class Predictor:
    """predict(tokens, draw, doubted) for diffusion.sample.

    With guidance other than 1 the same batch with all text unknown runs beside the given one and the two are combined, on
    logits or probabilities. The levels above the base say how finely, not what: they are not guided. code_filters change the
    logits of codes before one is drawn, text_filters those of words. in_order: of each text only the first open place is
    guessed, for the strategy of that name, which fills no other.
    """

    def __init__(
        self,
        model: MaskedModel,
        guidance: float = 1.0,
        guidance_on: GuidanceOn = "logits",
        code_filters: Sequence[CodeFilter] = (),
        text_filters: Sequence[TextFilter] = TEXT_FILTERS,
        *,
        in_order: bool = False,
    ):
        self.model, self.guidance = model, guidance
        self.guidance_on: GuidanceOn = guidance_on
        self.code_filters, self.text_filters, self.in_order = tuple(code_filters), tuple(text_filters), in_order

    def __call__(self, tokens: Tokens, draw: Draw, doubted: Places | None = None, /) -> Guess:
        motion_at = tokens.motion_slots & (tokens.known_levels == 0)
        text_at = tokens.text_slots & ~tokens.known_text
        if self.in_order:
            text_at = text_at & (text_at.cumsum(1) == 1)
        if doubted is not None:
            motion_at, text_at = motion_at | doubted.motion, text_at | doubted.text
        for_motion = bool(motion_at.any())
        guided = self.guidance != 1 and for_motion and bool(tokens.known_text.any())
        seen = Tokens.cat([tokens, tokens.without_text()]) if guided else tokens
        hidden = self.model(seen, for_motion=for_motion)
        ids, held_text = self._words(hidden.text[: len(tokens)], text_at, tokens, draw, doubted is not None)
        nothing = torch.zeros(tokens.known_levels.shape, device=tokens.known_levels.device)
        if not for_motion:
            return Guess(ids, Drawn(tokens.codes[..., 0], nothing, nothing, nothing), Places(held_text, nothing))
        logits = self.model.code_logits(hidden.motion, tokens.codes, tokens.motion_slots, 0).float()
        if guided:
            told, untold = logits.chunk(2)
            logits = guide(told, untold, self.guidance, self.guidance_on)
        logits = self._filtered(logits, 0, tokens.codes, tokens)
        base = draw(logits[motion_at], motion_at)
        held = nothing if doubted is None else logits.softmax(-1).gather(-1, tokens.codes[..., :1])[..., 0]
        return Guess(ids, base, Places(held_text, held))

    def upper(self, tokens: Tokens, draw: Draw, /) -> Tensor:
        """The levels above the base, one after the other, each from the whole clip and all levels below it.

        -1, which adds nothing to a motion, at levels that this model had better leave out (MaskedConfig.drawn_levels).
        """
        drawn = self.model.config.drawn_levels or tokens.levels
        codes, real = tokens.codes.clone(), tokens.motion_slots
        left_out = (
            torch.arange(tokens.levels, device=codes.device) >= torch.clamp(tokens.known_levels, min=drawn)[..., None]
        )
        codes = torch.where(left_out & real[..., None], -1, codes)
        trunk = self.model(tokens).motion if drawn > 1 else None
        for level in range(1, drawn):
            assert trunk is not None
            at = real & (tokens.known_levels <= level)
            logits = self.model.code_logits(trunk, codes, real, level).float() / self.model.config.upper_temperature
            logits = self._filtered(logits, level, codes, tokens)
            codes[..., level] = torch.where(at, draw(logits[at], at, sure=False).values, codes[..., level])
        return codes

    def _filtered(self, logits: Tensor, level: int, codes: Tensor, tokens: Tokens) -> Tensor:
        for change in self.code_filters:
            logits = change(logits, level, codes, tokens)
        return logits

    def _words(self, hidden: Tensor, at: Tensor, tokens: Tokens, draw: Draw, doubts: bool) -> tuple[Drawn, Tensor]:
        """Words guessed at the places of `at` (B, T), and with doubts the probability of what stands there (else 0).

        Only there, because the vocabulary's matrix is the largest of the model.
        """
        nothing = torch.zeros(at.shape, device=at.device)
        if not at.any():
            return Drawn(torch.zeros_like(at, dtype=torch.long), nothing, nothing, nothing), nothing
        logits = self.model.text_logits(hidden[at]).float()
        for change in self.text_filters:
            logits = change(logits, at, tokens)
        drawn = let_twins_wait(draw(logits, at), at)
        if not doubts:
            return drawn, nothing
        held = logits.log_softmax(-1).gather(-1, tokens.ids[at].unsqueeze(-1))[:, 0].exp()
        return drawn, nothing.masked_scatter(at, held)
