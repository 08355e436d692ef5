"""Where tensors are computed, and what is different there: the CPU, an NVIDIA GPU (cuda) or an Apple GPU (mps).

Models and batches are moved to the device as wholes. Random numbers are drawn on the CPU and then moved, so that a seed draws
the same ones everywhere; dropout alone draws where it computes. Codes between two passes of the model, the memory of
motions and everything in numpy stay on the CPU. torch is imported when first needed: `--help` does without.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dimo.errors import RequestError

if TYPE_CHECKING:
    import torch

NAMES = ("auto", "cpu", "cuda", "mps")
"""What a device may be called; "cuda:1" is the second NVIDIA GPU. auto: an NVIDIA GPU where torch finds one, else the CPU."""

VARIABLE = "DIMO_DEVICE"
"""The environment variable that says what "auto" means."""

FUSED_OPTIMIZER = ("cpu", "cuda")
"""Where AdamW runs as one kernel."""

FUSED_ATTENTION = ("cuda",)
"""Where torch's fused attention is taken. On a CPU it took 6 times as long as plain products at our lengths."""


@dataclass(frozen=True)
class Choice:
    """A device, and why it is this one (half a sentence)."""

    device: torch.device
    why: str


def checked(name: str) -> str:
    """A device's name that may be one; RequestError otherwise. Whether the device is there is not asked."""
    if name not in NAMES and not re.fullmatch(r"cuda:\d{1,3}", name):
        raise RequestError(f"the device must be one of {', '.join(NAMES)}, or cuda:1 and so on, not {name!r}")
    return name


def choose(name: str = "auto") -> Choice:
    """The device of a name; RequestError when it is not there. DIMO_DEVICE says what "auto" means."""
    import torch

    why = "asked for"
    if checked(name) == "auto" and (named := os.environ.get(VARIABLE)):
        try:
            name, why = checked(named), f"named by {VARIABLE}"
        except RequestError as error:
            raise RequestError(f"{VARIABLE}: {error}") from None
    if name == "auto":
        if torch.cuda.is_available():
            return Choice(torch.device("cuda"), "torch finds an NVIDIA GPU")
        others = "; the Apple GPU is taken when asked for" if torch.backends.mps.is_available() else ""
        return Choice(torch.device("cpu"), f"{no_cuda()}{others}")
    device = torch.device(name)
    missing = _missing(device)
    if missing:
        raise RequestError(f"the device {name} ({why}) is not there: {missing}; auto or cpu runs on any machine")
    return Choice(device, why)


def find(name: str | torch.device = "auto") -> torch.device:
    """The device of a name, as choose; a device itself is taken as it is."""
    return choose(name).device if isinstance(name, str) else name


def no_cuda() -> str:
    """Why there is no NVIDIA GPU for torch."""
    import torch

    if torch.version.cuda is None:
        return f"this build of torch ({torch.__version__}) is without CUDA"
    return "torch finds no NVIDIA GPU (its driver, or CUDA_VISIBLE_DEVICES)"


def _missing(device: torch.device) -> str | None:
    """What is missing for a device, or None."""
    import torch

    if device.type == "mps" and not torch.backends.mps.is_available():
        return "torch finds no Apple GPU"
    if device.type == "cuda" and not torch.cuda.is_available():
        return no_cuda()
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        return f"torch finds {torch.cuda.device_count()} NVIDIA GPU(s), counted from cuda:0"
    return None


# ---- number formats


def fast_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bf16 natively, as far as torch can tell; on a CPU by avx512_bf16 or AMX."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


def training_type(device: torch.device, half: bool) -> torch.dtype | None:
    """What a trainer's matrix products compute in, None for fp32. half: the recipe allows 16 bits.

    bf16 where it is native, and on older NVIDIA GPUs fp16, whose gradients have to be scaled; else fp32: a CPU that has only
    AVX2 multiplies bf16 number by number, 60 times slower than fp32 (docs/log.md).
    """
    import torch

    if not half:
        return None
    if fast_bf16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else None


def autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager:
    """Autocast to a dtype on a device; with None there is none, also within another."""
    import torch

    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)


def exact(device: torch.device) -> AbstractContextManager:
    """Products and convolutions in full fp32 on a device, also within a training's tf32()."""
    return _rounding(device, False)


def tf32(device: torch.device) -> AbstractContextManager:
    """What is left in fp32 of a training: an NVIDIA GPU takes TF32, which rounds what goes into a product to 10 bits.

    It does so in convolutions anyhow, unless it is told (exact). Elsewhere nothing changes.
    """
    return _rounding(device, True)


@contextmanager
def _rounding(device: torch.device, allowed: bool) -> Iterator[None]:
    import torch

    if device.type != "cuda":
        yield
        return
    products, convolutions = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = products
        torch.backends.cudnn.allow_tf32 = convolutions


def ways(device: torch.device) -> dict[str, str]:
    """How things are done on a device: what `dimo doctor` tells."""
    import torch

    native = "" if fast_bf16(device) else ", since it does not multiply bf16 natively"
    training = {None: "fp32", torch.bfloat16: "bf16 autocast", torch.float16: "fp16 autocast, gradients scaled"}
    rest = ", TF32 for the rest" if device.type == "cuda" else ""
    return {
        "model": f"{'fp32' if native else 'bf16'}{native}; the codec in fp32",
        "attention": "fused" if device.type in FUSED_ATTENTION else "plain products",
        "training": training[training_type(device, True)] + rest,
        "optimizer": "fused AdamW" if device.type in FUSED_OPTIMIZER else "AdamW, not fused",
        "processes": {"cuda": "NCCL, a GPU each", "cpu": "gloo"}.get(device.type, "one only"),
    }


# ---- states


def on_cpu(state: Any) -> Any:
    """Nested dicts, lists and tuples with their tensors on the CPU, as files hold them."""
    import torch

    if isinstance(state, torch.Tensor):
        return state.cpu()
    if isinstance(state, Mapping):
        return {k: on_cpu(v) for k, v in state.items()}
    if isinstance(state, tuple):
        return tuple(on_cpu(v) for v in state)
    return [on_cpu(v) for v in state] if isinstance(state, list) else state
