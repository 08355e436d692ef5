"""Motion to text: motion known, all places of the caption masked."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from dimo.diffusion.sample import SampleOptions, sample
from dimo.inpaint.predictor import Predictor
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import PAD


def caption(model: MaskedModel, motions: Sequence[Tensor], options: SampleOptions) -> list[list[int]]:
    """Word-piece ids of a caption for each motion, codes (L_i, Q); a caption ends at its first [PAD]."""
    nothing: list[list[int]] = [[] for _ in motions]
    tokens = pack(
        nothing, list(motions), levels=model.config.levels, text_known=False, text_slots=model.config.caption_slots
    )
    tokens = list(sample(tokens, Predictor(model), options))[-1].tokens
    rows = tokens.ids.tolist()
    return [row[: row.index(PAD)] if PAD in row else row for row in rows]
