"""Near neighbours of a motion: some of its stacks are masked and made anew, the others stay.

Only the difference that this makes in the decoded motion goes into the result, so what the codec cannot say of the
motion (fingers, twist, detail) is kept, and a share of 0 gives the motion back.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dimo.body import blend
from dimo.body.kinematics import global_rotations
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.rotation import quat_conjugate, quat_continuous, quat_multiply
from dimo.codec.codec import Codec
from dimo.inpaint.codes import decode, encode, floor_of, on_grid, stand, whole_grid
from dimo.inpaint.windows import Window, refine


def vary(
    codec: Codec,
    motion: Motion,
    share: float,
    ids: tuple[int, ...],
    generator: torch.Generator,
    longest: int,
    footlock: bool,
) -> Generator[Window, Tensor, Motion]:
    """A motion as long as the given one, on its body and at its rate, with a share (0 to 1) of its stacks made anew."""
    at = whole_grid(codec, motion)
    at = at if len(at) > 1 else np.arange(2) * motion.fps / codec.config.fps  # beyond its end it holds still
    codes = encode(codec, on_grid(codec, motion, at), floor_of(codec, motion))
    mask = torch.zeros(len(codes), dtype=torch.bool)
    mask[torch.randperm(len(codes), generator=generator)[: round(share * len(codes))]] = True
    varied = yield from refine(codes, mask, ids, longest)
    return motion if torch.equal(varied, codes) else _changed(codec, motion, codes, varied, footlock)


def _changed(codec: Codec, motion: Motion, codes: Tensor, varied: Tensor, footlock: bool) -> Motion:
    """The motion with the difference between two decoded code sequences, in its world, added."""
    old, new = (decode(codec, rows) for rows in (codes, varied))
    old, new = (stand(*m) if footlock else m[0] for m in (old, new))
    # Both stand where the motion starts, so that the same codes are the same movement.
    start = on_grid(codec, motion[:1], np.zeros(1)).joints()[0]
    yaw, shift = blend.ground_fit(old.joints()[0], start)
    clips = [retarget(m.moved(shift, yaw), motion.skeleton) for m in (old, new)]
    at = np.arange(len(motion)) * codec.config.fps / motion.fps
    (root, rotations), (new_root, new_rotations) = (blend.sample_at(c.root, c.rotations, at) for c in clips)
    before, after, true = (global_rotations(motion.skeleton, r) for r in (rotations, new_rotations, motion.rotations))
    world = quat_multiply(quat_multiply(after, quat_conjugate(before)), true)
    local = quat_continuous(blend.local_rotations(motion.skeleton, world))
    return replace(motion, root=motion.root + new_root - root, rotations=local)
