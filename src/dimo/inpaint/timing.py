"""A gap of a motion on the model's grid.

The model works on the 22-joint body at 20 fps in code steps of 4 frames; a motion has its own body, rate and gap. So the known
sides are brought to a common grid that starts at the seam. Where the last step reaches over the end of the gap, its frames
beyond are thrown away: known frames are never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from dimo.body.footlock import BODY
from dimo.body.motion import Motion
from dimo.codec.codec import Codec
from dimo.inpaint.codes import encode, on_grid
from dimo.inpaint.windows import CONTEXT
from dimo.memory.lookup import LOOKS, Sides

EDGE = 4  # code steps beside the context that are encoded with it and dropped: the encoder sees no cut there
NOWHERE = np.zeros((0, len(BODY), 3))  # the joints of a side that is not there


@dataclass(frozen=True)
class Gap:
    """`frames` frames to make between two motions of one body and rate, either of which may be missing but not both.

    follow: what comes after is moved to where the filled frames arrive, instead of their bending towards it.
    """

    left: Motion | None
    right: Motion | None
    frames: int
    follow: bool = False

    @property
    def side(self) -> Motion:
        """The motion on the left, or the one on the right where there is none."""
        side = self.left if self.left is not None else self.right
        assert side is not None
        return side


@dataclass(frozen=True)
class Grid:
    """A gap on the model's grid: frame 0 is the last known one before the gap, or the first after it if none is before.

    before (A, Q), after (B, Q): codes of the sides. arrival: the first frame not before the end of the gap. left and
    right: the sides on the codec's body, at frames ..., -1, 0 and arrival, arrival + 1, ...
    """

    steps: int
    arrival: int
    before: Tensor
    after: Tensor
    left: Motion | None
    right: Motion | None

    @staticmethod
    def of(codec: Codec, gap: Gap, floor: float) -> Grid:
        fps, stride = codec.config.fps, codec.config.stride
        ratio = fps / gap.side.fps
        before = after = torch.zeros(0, codec.config.levels, dtype=torch.long)
        longest = (CONTEXT + EDGE) * stride
        if gap.left is None:
            steps, arrival, first = max(1, ceil(gap.frames * ratio / stride - 1e-6)), 0, 0
        else:
            # With a right side the gap ends at its first frame, one frame after the last missing one.
            length = (gap.frames + (gap.right is not None)) * ratio
            arrival = ceil(length - 1e-6)
            steps = max(1, ceil((arrival - (gap.right is not None)) / stride))
            first = stride * steps + 1
        left = right = None
        if gap.left is not None:
            frames = min(longest, max(stride, int((len(gap.left) - 1) * ratio + 1 + 1e-6) // stride * stride))
            left = on_grid(codec, gap.left, len(gap.left) - 1 - np.arange(frames)[::-1] / ratio)
            before = encode(codec, left, floor)[-CONTEXT:]
        if gap.right is not None:
            start = arrival - (gap.frames + 1) * ratio if gap.left is not None else 0.0  # of grid frame `arrival`
            late = (first - arrival + start) / ratio  # own frame at which the first whole step begins
            frames = min(longest, max(stride, int((len(gap.right) - 1 - late) * ratio + 1 + 1e-6) // stride * stride))
            right = on_grid(codec, gap.right, (np.arange(first - arrival + frames) + start) / ratio)
            after = encode(codec, right[first - arrival :], floor)[:CONTEXT]
        return Grid(steps, arrival, before, after, left, right)

    def sides(self, follow: bool) -> Sides:
        """The poses next to the gap, and behind it where it has to lead there."""
        deep = LOOKS[-1] + 1
        before, after = (side.joints() if side is not None else NOWHERE for side in (self.left, self.right))
        if self.left is None or follow:
            after = NOWHERE
        return Sides(self.steps, before[-deep:], self.arrival, after[:deep])


def code_steps(frames: Sequence[int], steps: int, stride: float) -> list[int]:
    """Code steps of parts of some frames each that follow each other, `steps` in all; borders lie on the step that begins
    last before them. A part that is too short for a step of its own gets none; stride: frames of the parts a step."""
    borders = np.cumsum(frames)[:-1]
    edges = [0, *(min(steps, max(0, ceil(b / stride - 1e-6))) for b in borders), steps]
    return [b - a for a, b in zip(edges[:-1], edges[1:], strict=True)]
