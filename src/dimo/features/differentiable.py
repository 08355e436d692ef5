"""The decode of HumanML3D features in torch, so that losses can see positions; equal to humanml3d.decode by test."""

from __future__ import annotations

import torch
from torch import Tensor


def root_path(features: Tensor) -> tuple[Tensor, Tensor]:
    """Half headings a (..., F) and root positions (..., F, 3) from features (..., F, C) (docs/how-it-works.md, Features)."""
    turn, step = features[..., :-1, 0], features[..., :-1, 1:3]
    half = torch.cat([torch.zeros_like(features[..., :1, 0]), turn.cumsum(-1)], dim=-1)
    cos, sin = torch.cos(2 * half[..., 1:]), torch.sin(2 * half[..., 1:])
    x, z = step[..., 0], step[..., 1]
    # q = (cos a, 0, sin a, 0) turns by 2a about +Y; its inverse takes the step back into the world.
    world = torch.stack([cos * x - sin * z, sin * x + cos * z], dim=-1)
    path = torch.cat([torch.zeros_like(world[..., :1, :]), world.cumsum(-2)], dim=-2)
    return half, torch.stack([path[..., 0], features[..., 3], path[..., 1]], dim=-1)


def decode(features: Tensor, joints: int) -> Tensor:
    """Features (..., F, C) to positions (..., F, J, 3)."""
    half, root = root_path(features)
    local = features[..., 4 : 4 + 3 * (joints - 1)].unflatten(-1, (joints - 1, 3))
    cos, sin = torch.cos(2 * half)[..., None], torch.sin(2 * half)[..., None]
    x, y, z = local.unbind(-1)
    turned = torch.stack([cos * x - sin * z, y, sin * x + cos * z], dim=-1)
    ground = root * torch.tensor([1.0, 0.0, 1.0], device=root.device)
    return torch.cat([root.unsqueeze(-2), turned + ground.unsqueeze(-2)], dim=-2)
