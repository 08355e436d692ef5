"""A whole body on the floor: it does not hover for longer than a jump lasts, and nothing of it is under the ground. Numpy only.

Feet are held by footlock; here hands, knees and back count as well, for a body may lie, sit or crawl.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dimo.body.motion import Motion

JUMP_S = 0.7
"""Longest time in the air that is taken for a jump."""
CLEAR_M = 0.03
"""Height of the lowest joint that is still on the floor: a sole is thick, and a foot rolls."""
SMOOTH_S = 0.3


def rest_on_floor(motion: Motion, *, aloft: bool = False) -> Motion:
    """The motion with its root lowered where it hovers over the plane y = 0 and raised where a joint is under it, smoothly.

    What is off the floor for less than JUMP_S stays as high as it was. aloft: it may hover, on a ladder or stairs, and is only
    raised. Frames that neither hover nor sink stay bit for bit, but for those within SMOOTH_S of others.
    """
    half = max(1, round(SMOOTH_S * motion.fps / 2))
    lowest = motion.joints()[..., 1].min(axis=1)
    change = np.zeros(len(motion))
    if not aloft:
        # The height that is kept for as long as a jump: an opening, the greatest of the least in windows of that length.
        window = max(1, round(JUMP_S * motion.fps))
        kept = _slide(_slide(lowest, window, np.min, edge="edge"), window, np.max, edge="edge", late=True)
        change -= _mean(np.maximum(kept - CLEAR_M, 0.0), half)
    sunk = np.maximum(-(lowest + change), 0.0)
    change += _mean(_slide(sunk, 2 * half + 1, np.max, edge="edge"), half)
    if not change.any():
        return motion
    root = motion.root.copy()
    root[:, 1] += change
    return replace(motion, root=root)


def _slide(values: np.ndarray, window: int, take, *, edge: str, late: bool = False) -> np.ndarray:
    """min or max over a window around each of values (F,); late: of an even window the other middle, so that two in a row
    do not shift."""
    before, after = (window // 2, (window - 1) // 2) if not late else ((window - 1) // 2, window // 2)
    padded = np.pad(values, (before, after), mode=edge)  # type: ignore[call-overload]
    return take(np.lib.stride_tricks.sliding_window_view(padded, window), axis=-1)


def _mean(values: np.ndarray, half: int) -> np.ndarray:
    padded = np.pad(values, half, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).mean(axis=-1)
