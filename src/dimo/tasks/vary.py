"""Near neighbours of a motion: some of its stacks are masked and made anew, the others stay.

Only the difference that this makes in the decoded motion goes into the result, so what the codec cannot say of the
motion (fingers, twist, detail) is kept, and a share of 0 gives the motion back.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dimo.body import blend
from dimo.body.kinematics import global_rotations
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.body.rotation import quat_conjugate, quat_continuous, quat_multiply
from dimo.errors import RequestError
from dimo.inpaint.gap import Tools, decode, encode, floor_of, on_body, stand
from dimo.inpaint.windows import refine_all
from dimo.tasks.complete import word_pieces


def vary(tools: Tools, motion: Motion, share: float, *, text: str | None = None) -> list[Motion]:
    """Motions as long as the given one, on its body and at its rate, with a share (0 to 1) of its stacks made anew."""
    if not 0 <= share <= 1:
        raise RequestError(f"the share to vary must be from 0 to 1, not {share:g}")
    ids = word_pieces(tools, text)
    floor = floor_of(motion, tools.codec)
    count = max(2, int((len(motion) - 1) * tools.fps / motion.fps) + 1)
    codes = encode(tools, on_body(tools, motion, np.arange(count) * motion.fps / tools.fps), floor)
    generator = np.random.default_rng(tools.options.seed)
    masks = [torch.from_numpy(_choose(len(codes), share, generator)) for _ in range(tools.samples)]
    rows = refine_all(tools.model, [codes] * tools.samples, masks, ids, tools.options)
    return [motion if torch.equal(row, codes) else _changed(tools, motion, codes, row) for row in rows]


def _choose(count: int, share: float, generator: np.random.Generator) -> np.ndarray:
    """(count,) bool: round(share * count) of the places, drawn evenly."""
    mask = np.zeros(count, bool)
    mask[generator.permutation(count)[: round(share * count)]] = True
    return mask


def _changed(tools: Tools, motion: Motion, codes: Tensor, varied: Tensor) -> Motion:
    """The motion with the difference between two decoded code sequences, in its world, added."""
    old, new = (stand(tools, *decode(tools, rows)) for rows in (codes, varied))
    at = np.arange(len(motion)) * tools.fps / motion.fps
    # Both stand where the motion starts, so that the same codes are the same movement.
    start = on_body(tools, motion[:1], np.zeros(1)).joints()[0]
    yaw, shift = blend.ground_fit(old.joints()[0], start)
    clips = [retarget(m.moved(shift, yaw), motion.skeleton) for m in (old, new)]
    (root, rotations), (new_root, new_rotations) = (blend.sample_at(c.root, c.rotations, at) for c in clips)
    before, after, true = (global_rotations(motion.skeleton, r) for r in (rotations, new_rotations, motion.rotations))
    world = quat_multiply(quat_multiply(after, quat_conjugate(before)), true)
    local = quat_continuous(blend.local_rotations(motion.skeleton, world))
    return replace(motion, root=motion.root + new_root - root, rotations=local)
