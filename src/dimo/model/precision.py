"""Which number format the masked model computes in: bf16 where the processor has instructions for it, else fp32.

Only matrix products and the states between them are bf16; probabilities are always taken in fp32, and the codec, whose
output is seen, stays in fp32. Without the instructions bf16 is emulated and slower than fp32.
"""

from __future__ import annotations

import torch

from dimo.errors import RequestError

PRECISIONS = ("auto", "fp32", "bf16")


def has_fast_bf16() -> bool:
    """Whether this processor multiplies bf16 natively (avx512_bf16 or AMX), as far as torch can tell."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


def dtype_of(precision: str) -> torch.dtype:
    """The dtype that a precision's name stands for on this machine; RequestError for an unknown name."""
    if precision not in PRECISIONS:
        raise RequestError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    fast = precision == "bf16" or (precision == "auto" and has_fast_bf16())
    return torch.bfloat16 if fast else torch.float32
