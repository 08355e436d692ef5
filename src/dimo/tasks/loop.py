"""A motion whose end meets its start, so that it can be repeated: the model makes the way back, as an in-between.

A body that ends where it began, looking the same way, comes back to that very place; one that has gone somewhere comes to the
pose it began with wherever it then is, so that the next round goes on from there. Nothing of the motion itself changes.

The model may arrive late, or the start may begin at full speed; then the last frames of the way back hurry to it however long it
is. So a way that still hurries at every length is paced: the same poses, with more frames where a joint is too fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dimo.body import blend
from dimo.body.motion import Motion
from dimo.inpaint.request import frames_of, join

NEAR, SAME = 0.5, np.radians(30)
"""Metres and radians up to which an end is where the start was."""

LEAD = 1.0
"""Seconds of the start that the frames between lead to."""

SHORTEST, LONGEST, MORE, TRIES = 0.4, 3.0, 1.6, 4
"""Seconds of a way back, the factor by which one that hurries is made longer, and how often it may be."""

LONGER, EASE = 3.0, 2
"""Times as many frames as a way back may come to have by pacing, and how many before and after a fast one are slowed with it."""

PACINGS, SPARE = 8, 0.99
"""How often a way back is paced until no joint is too fast between its new frames, and the share of the speed that is aimed at."""


def loop(make: Callable[..., list[Motion]], motion: Motion, seconds: float | None) -> list[Motion]:
    """Loops of a motion; without seconds of a length in which none hurries, or of the least hurried one.

    make: DiMo.inbetween, of two motions, the seconds between them, and the place of the second one.
    """
    return [closed(made, motion, took) for made, took in rounds(make, motion, seconds)]


def rounds(
    make: Callable[..., list[Motion]], motion: Motion, seconds: float | None, *, pacing: bool = True
) -> list[tuple[Motion, float]]:
    """As loop, with the beginning of the next round, and the seconds of the way back; pacing: of ways that hurry still."""
    best: list[tuple[float, Motion, float]] = []
    for tried in durations(motion) if seconds is None else [seconds]:
        made = make(motion, start_of(motion), tried, place=place_of(motion))
        rated = [(hurry(m, motion, tried), m, tried) for m in made]
        best = [min(pair, key=lambda r: max(r[0], 1.0)) for pair in zip(best or rated, rated, strict=True)]
        if all(rate <= 1 for rate, _, _ in best):
            break
    pacing = pacing and seconds is None
    return [(m, took) if rate <= 1 or not pacing else paced(m, motion, took) for rate, m, took in best]


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


def paced(made: Motion, motion: Motion, seconds: float) -> tuple[Motion, float]:
    """The same with a way back in which no joint is faster than own_speed, and its seconds: slower where one was.

    Both ends stay, and the way between them. It gets at most LONGER times as many frames, so one that needs more hurries still.
    """
    first, last = len(motion) - 1, len(motion) + frames_of(seconds, motion.fps)
    way, limit, most = made[first : last + 1], own_speed(motion), LONGER * (last - first)
    if limit <= 0:
        return made, seconds
    for _ in range(PACINGS):
        fastest = _fastest(way)
        if fastest.max() <= limit or len(way) > most:
            break
        at = pace(fastest / (SPARE * limit), most)
        root, rotations = blend.sample_at(way.root, way.rotations, at)
        way = replace(way, root=root, rotations=rotations)
    return join([made[: first + 1], way[1:-1], made[last:]]), (len(way) - 2) / motion.fps


def pace(haste: np.ndarray, most: float) -> np.ndarray:
    """Fractional frames (M,) from 0 to F - 1 that lie closer where the steps between frames have haste (F - 1,) over 1.

    No step is more than 1 / haste as long, and the pace changes gently; M - 1 is at most `most`, rounded up.
    """
    slow = np.minimum(1 / np.maximum(haste, 1e-9), 1)
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(slow, 2 * EASE, mode="edge"), 2 * EASE + 1)
    gentle = np.lib.stride_tricks.sliding_window_view(wide.min(axis=1), 2 * EASE + 1).mean(axis=1)
    times = np.concatenate([[0.0], np.cumsum(1 / np.maximum(gentle, len(haste) / most))])
    count = int(np.ceil(times[-1] - 1e-9))
    return np.interp(np.arange(count + 1) * times[-1] / count, times, np.arange(len(times)))


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
