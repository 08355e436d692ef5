"""A motion whose end meets its start, so that it can be repeated: the model makes the way back, as an in-between.

A body that ends where it began, looking the same way, comes back to that very place; one that has gone somewhere comes to the
pose it began with wherever it then is, so that the next round goes on from there. Nothing of the motion itself changes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dimo.body import blend
from dimo.body.motion import Motion
from dimo.inpaint.request import frames_of

NEAR, SAME = 0.5, np.radians(30)
"""Metres and radians up to which an end is where the start was."""

LEAD = 1.0
"""Seconds of the start that the frames between lead to."""

SHORTEST, LONGEST, MORE, TRIES = 0.4, 3.0, 1.6, 4
"""Seconds of a way back, the factor by which one that hurries is made longer, and how often it may be."""


def loop(make: Callable[..., list[Motion]], motion: Motion, seconds: float | None) -> list[Motion]:
    """Loops of a motion; without seconds of a length in which none hurries, or of the least hurried one.

    make: DiMo.inbetween, of two motions, the seconds between them, and the place of the second one.
    """
    best: list[tuple[float, Motion]] = []
    for tried in durations(motion) if seconds is None else [seconds]:
        made = make(motion, start_of(motion), tried, place=place_of(motion))
        rated = [(hurry(m, motion, tried), closed(m, motion, tried)) for m in made]
        best = [min(pair, key=lambda r: max(r[0], 1.0)) for pair in zip(best or rated, rated, strict=True)]
        if all(rate <= 1 for rate, _ in best):
            break
    return [m for _, m in best]


def start_of(motion: Motion) -> Motion:
    """The first second, which the frames between lead to."""
    return motion[: min(len(motion), frames_of(LEAD, motion.fps))]


def place_of(motion: Motion) -> str:
    """Where the next round begins: "as_is", where this one did, or "follow", where the way back arrives."""
    return "as_is" if _comes_back(motion) else "follow"


def durations(motion: Motion) -> list[float]:
    """Seconds that the way back may take, the one to try first first: from how far the joints have to go at their own speed."""
    joints = motion.joints()
    yaw, shift = blend.ground_fit(joints[0], joints[-1])
    far = np.linalg.norm(motion.moved(shift, yaw)[0:1].joints()[0] - joints[-1], axis=-1).max()
    if _comes_back(motion):
        far = max(far, np.linalg.norm(joints[0] - joints[-1], axis=-1).max())
    first = float(np.clip(1.5 * far / max(own_speed(motion), 1e-6), SHORTEST, LONGEST))
    return [min(first * MORE**i, LONGEST) for i in range(TRIES)]


def closed(made: Motion, motion: Motion, seconds: float) -> Motion:
    """Motion, way back and start again, without that start."""
    return made[: len(motion) + frames_of(seconds, motion.fps)]


def hurry(made: Motion, motion: Motion, seconds: float) -> float:
    """The fastest joint of the way back, up to the first frame of the next round, as a multiple of own_speed."""
    seam = made[len(motion) - 1 : len(motion) + frames_of(seconds, motion.fps) + 1]
    return float(_fastest(seam).max() / max(own_speed(motion), 1e-6))


def own_speed(motion: Motion) -> float:
    """m/s that the fastest joint has in the motion itself, the 99th percentile over its frames."""
    return float(np.percentile(_fastest(motion), 99)) if len(motion) > 1 else 0.0


def _fastest(motion: Motion) -> np.ndarray:
    """(F - 1,) m/s of the fastest joint from each frame to the next."""
    return np.linalg.norm(np.diff(motion.joints(), axis=0), axis=-1).max(axis=1) * motion.fps


def _comes_back(motion: Motion) -> bool:
    joints = motion.joints()
    yaw, _ = blend.ground_fit(joints[0], joints[-1])
    gone = np.linalg.norm((joints[-1] - joints[0]).mean(axis=0)[[0, 2]])
    return bool(gone < NEAR and abs((yaw + np.pi) % (2 * np.pi) - np.pi) < SAME)
