"""Which number format the masked model computes in: bf16 where the device has instructions for it, else fp32.

Only matrix products and the states between them are bf16; probabilities are always taken in fp32, and the codec, whose
output is seen, stays in fp32. Without the instructions bf16 is emulated and slower than fp32.
"""

from __future__ import annotations

import torch

from dimo.device import fast_bf16
from dimo.errors import RequestError

PRECISIONS = ("auto", "fp32", "bf16")
CPU = torch.device("cpu")


def dtype_of(precision: str, device: torch.device = CPU) -> torch.dtype:
    """The dtype that a precision's name stands for on a device of this machine; RequestError for an unknown name."""
    if precision not in PRECISIONS:
        raise RequestError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    fast = precision == "bf16" or (precision == "auto" and fast_bf16(device))
    return torch.bfloat16 if fast else torch.float32
