"""The codec's encoder and decoder: 1-D convolutions over time, no normalisation (after T2M-GPT, Zhang et al. 2023, and MoMask)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

DILATIONS = (9, 3, 1)


class Residual(nn.Module):
    """x + conv1(relu(conv3(relu(x)))) on (B, D, T)."""

    def __init__(self, width: int, dilation: int, dropout: float):
        super().__init__()
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.point = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.point(torch.relu(self.wide(torch.relu(x)))))


def _stack(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(*(Residual(width, d, dropout) for d in DILATIONS))


class Encoder(nn.Module):
    """Features (B, F, C) to latents (B, F / 2^halvings, D)."""

    def __init__(self, features: int, width: int, dim: int, halvings: int, dropout: float):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv1d(features, width, 3, padding=1), nn.ReLU()]
        for _ in range(halvings):
            layers += [nn.Conv1d(width, width, 4, stride=2, padding=1), _stack(width, dropout)]
        self.layers = nn.Sequential(*layers, nn.Conv1d(width, dim, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.transpose(1, 2)).transpose(1, 2)


class Decoder(nn.Module):
    """Latents (B, L, D) to features (B, L * 2^halvings, C)."""

    def __init__(self, features: int, width: int, dim: int, halvings: int, dropout: float):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv1d(dim, width, 3, padding=1), nn.ReLU()]
        for _ in range(halvings):
            layers += [
                _stack(width, dropout),
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv1d(width, width, 3, padding=1),
            ]
        layers += [nn.Conv1d(width, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, features, 3, padding=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.transpose(1, 2)).transpose(1, 2)
