"""Motions to codes and back: the one order of resampling, retargeting and finding the floor, for all who need codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dimo.body import blend
from dimo.body.footlock import BODY, lock_feet
from dimo.body.grounding import rest_on_floor
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.codec.codec import Codec
from dimo.features import humanml3d
from dimo.features.layouts import layout_for


def on_grid(codec: Codec, motion: Motion, at: np.ndarray) -> Motion:
    """A motion at its fractional frames `at` (F,), as frames of the codec's rate, on its body; beyond its ends it holds still."""
    root, rotations = blend.sample_at(motion.root, motion.rotations, at)
    return retarget(Motion(motion.skeleton, codec.config.fps, root, rotations, motion.name), codec.skeleton)


def whole_grid(codec: Codec, motion: Motion) -> np.ndarray:
    """The fractional frames of a motion that lie on the codec's rate, from its first frame on."""
    count = int((len(motion) - 1) * codec.config.fps / motion.fps + 1e-6) + 1
    return np.arange(count) * motion.fps / codec.config.fps


def floor_of(codec: Codec, motion: Motion) -> float:
    """Height of the ground under a motion on the codec's body, as features measure it: its lowest joint ever."""
    return float(retarget(motion, codec.skeleton).joints()[..., 1].min())


def encode(codec: Codec, motion: Motion, floor: float | None = None) -> Tensor:
    """Codes (L, Q), on the CPU, of a motion on the codec's body and rate.

    It stands over a floor at that height (default: its lowest joint).
    """
    joints = motion.joints()
    features = humanml3d.encode(joints)
    if floor is not None:
        columns = humanml3d.columns(layout_for(size=features.shape[1]))
        # humanml3d.encode takes the lowest joint of these frames for the ground; they may all be in the air.
        air = joints[..., 1].min() - floor
        features[:, columns["height"]] += air
        features[:, columns["positions"]][:, 1::3] += air
    return encode_features(codec, features)


def encode_features(codec: Codec, features: np.ndarray) -> Tensor:
    """Features (F, C) at the codec's rate to codes (L, Q), on the CPU."""
    return codec.encode(torch.tensor(features, dtype=torch.float32)[None].to(codec.device))[0].cpu()


def decode_features(codec: Codec, codes: Tensor) -> np.ndarray:
    """Codes (L, q) to features (F, C) as the codec gives them, fitted to no body."""
    return codec.decode(codes[None].to(codec.device))[0].cpu().double().numpy()


def decode(codec: Codec, codes: Tensor, name: str = "motion") -> tuple[Motion, np.ndarray]:
    """Codes (L, q) to a motion from the origin facing +Z, and the probabilities (F, 4) of contact of both feet."""
    return decode_all(codec, [codes], [name])[0]


def decode_all(codec: Codec, rows: Sequence[Tensor], names: Sequence[str]) -> list[tuple[Motion, np.ndarray]]:
    """The same of several, each as if it had come alone."""
    features = [decode_features(codec, codes) for codes in rows]
    columns = humanml3d.columns(layout_for(size=codec.config.features))
    motions = humanml3d.decode_motions(features, codec.skeleton, codec.config.fps, names)
    return [(m, np.clip(f[:, columns["contacts"]], 0, 1)) for m, f in zip(motions, features, strict=True)]


def stand(motion: Motion, contacts: np.ndarray, frozen: np.ndarray | None = None) -> Motion:
    """The motion with its planted feet held, but for frozen frames (F,), where its body is one whose feet we know."""
    return lock_feet(motion, contacts=contacts, frozen=frozen) if motion.skeleton == BODY else motion


def stand_on_floor(motion: Motion, contacts: np.ndarray, *, aloft: bool = False) -> Motion:
    """A motion of which nothing is given, on the floor y = 0: no part of it under it, and over it for a jump at most, unless
    it is meant to be aloft; planted feet held."""
    return stand(rest_on_floor(motion, aloft=aloft), contacts)
