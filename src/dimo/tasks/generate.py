"""Text to motion: text known, motion masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from dimo.diffusion.sample import SampleOptions, Step, sample
from dimo.inpaint.predictor import Predictor
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack


def length_distribution(model: MaskedModel, ids: Sequence[int]) -> Tensor:
    """Probability (max_steps,) of each motion length in code steps, index 0 being one step, estimated from the text."""
    text = torch.tensor([list(ids)])
    with torch.no_grad():
        return model.length_logits(text, torch.ones_like(text, dtype=torch.bool))[0].float().softmax(-1)


def estimate_length(model: MaskedModel, ids: Sequence[int]) -> int:
    """The median of that distribution: unlike the most probable length, it does not jump between modes."""
    return int((length_distribution(model, ids).cumsum(0) < 0.5).sum()) + 1


def generate_steps(
    model: MaskedModel, texts: Sequence[Sequence[int]], lengths: Sequence[int], options: SampleOptions
) -> Iterator[Step]:
    """Every intermediate state of generating one motion of lengths[i] code steps for each texts[i]."""
    empty = [torch.zeros(n, model.config.levels, dtype=torch.long) for n in lengths]
    tokens = pack(texts, empty, levels=model.config.levels, motion_known=False)
    return sample(tokens, Predictor(model, options.guidance, options.guidance_on), options)


def generate(
    model: MaskedModel, texts: Sequence[Sequence[int]], lengths: Sequence[int], options: SampleOptions
) -> list[Tensor]:
    """Codes (L_i, Q) per text."""
    tokens = list(generate_steps(model, texts, lengths, options))[-1].tokens
    return [codes[:n] for codes, n in zip(tokens.codes, lengths, strict=True)]
