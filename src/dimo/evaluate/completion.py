"""The task m2m: gaps of real clips filled without a text, beside what needs no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dimo.data.records import Clip
from dimo.evaluate.report import Cell
from dimo.evaluate.rows import ModelRows
from dimo.metrics import motion as metrics

KINDS = {"predict after 20 %": (0.2, 0.0), "between 25 % and 25 %": (0.25, 0.25)}
"""Shares of a clip that are given, at its beginning and at its end."""


def measure(
    clips: Sequence[Clip], rows: ModelRows, seed: int, tick: Callable[[str], None]
) -> dict[str, dict[str, Cell]]:
    """ADE and FDE in mm over the frames that were made, beside the last given pose held, or a straight line between both."""
    errors: dict[str, dict[str, list[float]]] = {}
    for kind, (before, after) in KINDS.items():
        for clip in clips:
            truth = np.asarray(clip.joints, float)
            first, last = max(2, round(before * len(truth))), len(truth) - round(after * len(truth))
            if last - first >= 2:
                guesses = {
                    "straight line" if after else "held pose": straight(truth, first, last),
                    "model": rows.fill(clip, first, last, seed)[first:last],
                }
                for name, guess in guesses.items():
                    row = errors.setdefault(f"{kind}: {name}", {"ade_mm": [], "fde_mm": []})
                    row["ade_mm"].append(1000 * metrics.average_displacement(truth[first:last], guess))
                    row["fde_mm"].append(1000 * metrics.final_displacement(truth[first:last], guess))
            tick(kind)
    return {n: {k: Cell.of_clips(v) for k, v in row.items()} for n, row in errors.items()}


def straight(truth: np.ndarray, first: int, last: int) -> np.ndarray:
    """Frames first to before last on straight lines between the given poses, or the last one held where none follows."""
    t = np.linspace(0, 1, last - first + 2)[1:-1, None, None]
    end = truth[last] if last < len(truth) else truth[first - 1]
    return truth[first - 1] * (1 - t) + end * t
