"""Classifier-free guidance on logits."""

from __future__ import annotations

from torch import Tensor


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """l = l_u + scale (l_c - l_u), MoMask's form (method 4.6): scale 1 is the conditional model, 0 the unconditional one."""
    return unconditional + scale * (conditional - unconditional)
