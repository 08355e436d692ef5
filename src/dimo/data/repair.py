"""What is mended in a capture before anything is learnt from it: flips of a frame or two, and where the floor is.

A solver of markers sometimes turns a bone over for a frame. Every recording has a zero plane of its own, up to a decimetre
from where the feet stand; and a body that lies down may sink into the floor when its bones become those of another body.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dimo.body import measure
from dimo.body.motion import Motion
from dimo.body.rotation import quat_angle, quat_continuous, slerp

FLIP_DEGREES = 25.0
FLIP_SECONDS = 0.05
"""A flip is no longer than this: no limb goes there and comes back in less than a tenth of a second."""
SLOWEST_FPS = 50.0
"""Of files that are looked through: at lower rates a kick is as short as a flip."""

SINK_M = 0.02
"""The lowest joint may be so far below the floor: where feet stand, heights differ by about as much within a clip."""
LIFT_SECONDS = 0.4


def mend_flips(motion: Motion) -> tuple[Motion, int]:
    """The motion with flipped rotations replaced by what lies between their neighbours, and how many there were.

    A joint has flipped where it is more than FLIP_DEGREES from the rotation between the frames before and after a stretch
    of at most FLIP_SECONDS, while those two differ by less than a third of that.
    """
    lengths = range(1, round(FLIP_SECONDS * motion.fps) + 1) if motion.fps >= SLOWEST_FPS else ()
    steps = quat_angle(motion.rotations[:-1], motion.rotations[1:])
    fast = np.flatnonzero((steps > np.radians(FLIP_DEGREES) / 2).any(axis=0)) if len(steps) else steps
    if not len(fast):
        return motion, 0
    rotations = motion.rotations[:, fast].copy()
    count = 0
    for length in lengths:
        if len(motion) < length + 2:
            break
        before, after = rotations[: -length - 1], rotations[length + 1 :]
        apart = quat_angle(before, after)
        for k in range(1, length + 1):
            between = slerp(before, after, np.array(k / (length + 1)))
            off = quat_angle(rotations[k : len(rotations) - length - 1 + k], between)
            for start, joint in np.argwhere((off > np.radians(FLIP_DEGREES)) & (apart < off / 3)):
                a, b = (np.tile(rotations[f, joint], (length, 1)) for f in (start, start + length + 1))
                rotations[start + 1 : start + 1 + length, joint] = slerp(a, b, np.arange(1, length + 1) / (length + 1))
                count += 1
    if not count:
        return motion, 0
    mended = motion.rotations.copy()
    mended[:, fast] = rotations
    return replace(motion, rotations=quat_continuous(mended)), count


def put_on_floor(motion: Motion) -> Motion:
    """The motion of the 22-joint body with its floor at y = 0, and lifted smoothly wherever a joint is under it."""
    joints = motion.joints()
    ground = measure.floor(joints)
    sunk = np.maximum(-(joints[..., 1].min(axis=1) - ground) - SINK_M, 0.0)
    root = motion.root - [0, ground, 0]
    root[:, 1] += _envelope(sunk, round(LIFT_SECONDS * motion.fps / 2))
    return replace(motion, root=root)


def _envelope(values: np.ndarray, half: int) -> np.ndarray:
    """A smooth curve that is nowhere below values (F,): the greatest within `half` frames, averaged over as many."""
    if not values.any() or half < 1:
        return values
    padded = np.pad(values, 2 * half, mode="edge")
    greatest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=-1)
    return np.lib.stride_tricks.sliding_window_view(greatest, 2 * half + 1).mean(axis=-1)
