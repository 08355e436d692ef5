"""Classifier-free guidance: the same model with and without the text, the difference enlarged."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

GuidanceOn = Literal["logits", "probabilities"]
GUIDED: tuple[str, ...] = ("logits", "probabilities")


def guide(conditional: Tensor, unconditional: Tensor, scale: float, on: GuidanceOn = "logits") -> Tensor:
    """Guided logits (..., N) of the conditional and unconditional ones; scale 1 is the first, 0 the second.

    logits: l_u + s (l_c - l_u), MoMask's form (docs/how-it-works.md, Guidance); a product of powers of both, which sharpens.
    probabilities: p_u + s (p_c - p_u), cut off at 0 and normalised, given as logarithms. It sharpens less, and for s > 1
    rules out what has less than (s - 1) / s of its unconditional probability.
    """
    if on == "logits":
        return unconditional + scale * (conditional - unconditional)
    p, q = conditional.float().softmax(-1), unconditional.float().softmax(-1)
    mixed = (q + scale * (p - q)).clamp_min(1e-12)
    return (mixed / mixed.sum(-1, keepdim=True)).log()
