"""The codec: motion features to RVQ codes and back. One code step (a stack of Q codes) stands for 4 frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dimo.body.skeleton import Skeleton, preset
from dimo.codec.network import Decoder, Encoder
from dimo.codec.quantize import Quantized, ResidualQuantizer
from dimo.device import exact
from dimo.errors import ShapeError
from dimo.features import humanml3d
from dimo.features.layouts import FPS


@dataclass(frozen=True)
class CodecConfig:
    """Sizes of a codec."""

    features: int = 263  # per frame: the HumanML3D layout of the skeleton
    skeleton: str = "humanml3d"  # preset whose layout and bone lengths the features have
    fps: float = FPS
    width: int = 256  # channels of the convolutions
    dim: int = 256  # of a code
    levels: int = 6  # Q: 1 base + 5 residual, as MoMask
    codes: int = 512  # per level
    halvings: int = 2  # stride 2^2 = 4 frames a code
    dropout: float = 0.0

    @property
    def stride(self) -> int:
        return 2**self.halvings

    def to_dict(self) -> dict:
        return asdict(self)


class Codec(nn.Module):
    """Encoder, quantizer and decoder, with the feature statistics as buffers."""

    mean: Tensor
    std: Tensor
    step: Tensor

    def __init__(self, config: CodecConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.features, config.width, config.dim, config.halvings, config.dropout)
        self.quantizer = ResidualQuantizer(config.levels, config.codes, config.dim)
        self.decoder = Decoder(config.features, config.width, config.dim, config.halvings, config.dropout)
        self.register_buffer("mean", torch.zeros(config.features))
        self.register_buffer("std", torch.ones(config.features))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def forward(self, features: Tensor, *, active: int | None = None, noise: float = 0.0) -> tuple[Tensor, Quantized]:
        """Features (B, F, C), F a multiple of the stride, to their reconstruction (B, F, C) and the quantization."""
        quantized = self.quantizer(self.encoder((features - self.mean) / self.std), active=active, noise=noise)
        return self.decoder(quantized.vectors) * self.std + self.mean, quantized

    @torch.no_grad()
    def encode(self, features: Tensor) -> Tensor:
        """Features (B, F, C) to codes (B, ceil(F / stride), Q); the last frame is repeated to fill the last step."""
        if features.ndim != 3 or features.shape[2] != self.config.features or features.shape[1] == 0:
            raise ShapeError(f"features must have shape (B, F, {self.config.features}), not {tuple(features.shape)}")
        short = -features.shape[1] % self.config.stride
        if short:
            features = torch.cat([features, features[:, -1:].expand(-1, short, -1)], dim=1)
        with exact(self.device):
            return self.quantizer.encode(self.encoder((features - self.mean) / self.std))

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, L, q) of the first q levels, 1 <= q <= Q, to features (B, L * stride, C)."""
        if codes.ndim != 3 or not 1 <= codes.shape[2] <= self.config.levels:
            raise ShapeError(f"codes must have shape (B, L, 1 to {self.config.levels}), not {tuple(codes.shape)}")
        if codes.numel() and not (int(codes.min()) >= -1 and int(codes.max()) < self.config.codes):
            raise ShapeError(f"codes must lie between 0 and {self.config.codes - 1} (-1: not given)")
        with exact(self.device):
            return self.decoder(self.quantizer.decode(codes)) * self.std + self.mean

    @property
    def device(self) -> torch.device:
        """Where its weights are, and features and codes have to be."""
        return self.mean.device

    # ---- motions

    @property
    def skeleton(self) -> Skeleton:
        return preset(self.config.skeleton)


def feature_statistics(clips: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (C,) of features, the deviation averaged within each part, root parts divided by 5.

    Dividing the deviation of the few root columns and of the contacts multiplies their weight in the loss: HumanML3D's
    feature bias (docs/how-it-works.md, HumanML3D files).
    """
    values = np.concatenate(clips)
    mean, std = values.mean(0), values.std(0)
    layout = humanml3d.layout_for(size=values.shape[1])
    for name, part in humanml3d.columns(layout).items():
        std[part] = max(std[part].mean(), 1e-4)
        if name in ("angular", "linear", "height", "contacts"):
            std[part] /= 5.0
    return mean, std
