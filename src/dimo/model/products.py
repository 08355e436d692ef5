"""Matrix products whose rows do not depend on how many rows there are.

A library for CPUs sums a long product in another order when more rows stand beside it, so that a motion would change with its
neighbours in the batch. Sums of up to SHORT terms are made in one way here (measured for 1 to 2,000 rows, 1 and 2 threads,
fp32 and bf16); longer ones are made of such. Training needs none of this and takes plain products, and so do GPUs, whose
libraries choose among more ways.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

SHORT = 384
"""Terms of a sum that the library does not divide."""

FEW = 16
"""Rows of a product in fp32, or places of a softmax, below which the library takes another way; fewer are filled up."""


def steady_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (..., K) times weight (N, K) plus bias (N,): (..., N), on a CPU each row as it would be alone."""
    if torch.is_grad_enabled() or not x.is_cpu:
        return linear(x, weight, bias)
    rows = x.numel() // x.shape[-1]
    if rows < FEW and x.dtype == torch.float32:
        filled = torch.cat([x.reshape(rows, -1), x.new_zeros(FEW - rows, x.shape[-1])])
        return steady_linear(filled, weight, bias)[:rows].reshape(*x.shape[:-1], len(weight))
    terms = x.shape[-1]
    if terms <= SHORT:
        return linear(x, weight, bias)
    size = -(-terms // -(-terms // SHORT))
    out: Tensor | None = None
    for part, block in zip(x.split(size, -1), weight.split(size, 1), strict=True):
        product = linear(part, block).float()
        out = product if out is None else out.add_(product)
    assert out is not None
    return (out if bias is None else out.add_(bias)).to(x.dtype)
