"""JointStore: where the joints of remembered motions were, small enough to ship: every other frame, joints to the centimetre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

EVERY = 2  # frames
PER_METRE = 100  # steps of a joint's place relative to the root; int8 reaches 1.27 m


@dataclass(frozen=True)
class JointStore:
    """Motions one after the other: root (N, 3) float32 in metres, the other joints (N, J - 1, 3) int8 in centimetres from it.

    lengths (M,) int32: how many of the N poses are of each motion.
    """

    root: Tensor
    joints: Tensor
    lengths: Tensor

    @staticmethod
    def of(motions: Sequence[np.ndarray]) -> JointStore:
        """From joints (F, J, 3) in metres, each in any place."""
        kept = [np.asarray(m, float)[::EVERY] for m in motions]
        lengths = torch.tensor([len(m) for m in kept], dtype=torch.int32)
        places = np.concatenate(kept)
        steps = np.clip(np.rint((places[:, 1:] - places[:, :1]) * PER_METRE), -127, 127)
        roots = np.concatenate([m[:, 0] - m[0, 0] * [1, 0, 1] for m in kept])
        return JointStore(torch.tensor(roots, dtype=torch.float32), torch.tensor(steps, dtype=torch.int8), lengths)

    def at(self, motions: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Joints (..., J, 3) of motions (...) at frames (...), between two poses in the middle; beyond an end the last one."""
        counts = self.lengths.numpy().astype(int)
        begin = (counts.cumsum() - counts)[motions]
        at = np.clip(frames, 0, self.last(motions)) / EVERY
        low, high = np.floor(at).astype(int), np.ceil(at).astype(int)
        share = (at - low)[..., None, None]
        return self._whole(begin + low) * (1 - share) + self._whole(begin + high) * share

    def last(self, motions: np.ndarray) -> np.ndarray:
        """The last frames (...) of motions (...) that have a pose."""
        return (self.lengths.numpy()[motions].astype(int) - 1) * EVERY

    def _whole(self, indices: np.ndarray) -> np.ndarray:
        root = self.root.numpy()[indices][..., None, :].astype(float)
        return np.concatenate([root, root + self.joints.numpy()[indices] / PER_METRE], axis=-2)
