"""The joint model as the sampler's predict: guided logits, all levels of a stack drawn in order."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dimo.diffusion.guidance import guide
from dimo.diffusion.sample import Draw, Drawn, Guess
from dimo.model.joint import JointModel
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import NEVER_WRITTEN


class Predictor:
    """predict(tokens, draw) for diffusion.sample.

    With guidance other than 1 the same batch with all text unknown runs beside the given one and their logits are
    combined at every level (method 4.6). Places that are not open get a guess that nobody reads.
    """

    def __init__(self, model: JointModel, guidance: float = 1.0):
        self.model, self.guidance = model, guidance

    def __call__(self, tokens: Tokens, draw: Draw) -> Guess:
        motion_open = bool((tokens.motion_slots & (tokens.known_levels < tokens.levels)).any())
        text_open = tokens.text_slots & ~tokens.known_text
        guided = self.guidance != 1 and motion_open and bool(tokens.known_text.any())
        b = len(tokens)
        hidden = self.model(Tokens.cat([tokens, tokens.without_text()]) if guided else tokens)
        ids = self._draw_text(hidden.text[:b], text_open, draw)
        if not motion_open:
            nothing = torch.zeros(tokens.known_levels.shape)
            return Guess(ids, Drawn(tokens.codes, nothing, nothing, nothing))
        trunk = hidden.motion
        real = tokens.motion_slots.repeat(2, 1) if guided else tokens.motion_slots
        known = tokens.known_levels.unsqueeze(-1) > torch.arange(tokens.levels)
        codes, first = tokens.codes, None
        for level in range(tokens.levels):
            below = codes.repeat(2, 1, 1) if guided else codes
            logits = self.model.code_logits(trunk, below, real, level).float()
            if guided:
                logits = guide(logits[:b], logits[b:], self.guidance)
            drawn = draw(logits)
            first = first or drawn
            chosen = torch.where(known[..., level], tokens.codes[..., level], drawn.values)
            codes = torch.cat([codes[..., :level], chosen.unsqueeze(-1), codes[..., level + 1 :]], dim=-1)
        assert first is not None
        return Guess(ids, replace(first, values=codes))

    def _draw_text(self, hidden: Tensor, open_: Tensor, draw: Draw) -> Drawn:
        """Word guesses at open places only: the vocabulary's matrix is the largest of the model."""
        blank = Drawn(torch.zeros_like(open_, dtype=torch.long), *(torch.zeros(open_.shape) for _ in range(3)))
        if not open_.any():
            return blank
        logits = self.model.text_logits(hidden[open_]).float()
        logits[:, list(NEVER_WRITTEN)] = -torch.inf
        drawn = draw(logits)
        return Drawn(
            *(
                getattr(blank, f).masked_scatter(open_, getattr(drawn, f))
                for f in ("values", "probability", "margin", "entropy")
            )
        )
