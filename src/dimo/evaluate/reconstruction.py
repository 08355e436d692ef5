"""The task codec: clips through the codec and back with every number of levels, no model between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dimo.body import blend
from dimo.body.rotation import quat_rotate, yaw_to_quat
from dimo.data.records import Clip
from dimo.evaluate.report import Cell
from dimo.evaluate.rows import ModelRows
from dimo.metrics import motion as metrics


def measure(clips: Sequence[Clip], rows: ModelRows, tick: Callable[[str], None]) -> dict[str, dict[str, Cell]]:
    """MPJPE, PA-MPJPE, acceleration and root path of whole clips, a row for every number of levels."""
    pipeline = rows.model.pipeline
    errors: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        motion = rows.motion_of(clip)
        truth, codes = motion.joints(), pipeline.to_codes(motion, cut=False)
        for count in range(1, pipeline.codec.config.levels + 1):
            guess = placed(pipeline.to_motion(codes[:, :count])[: len(truth)].joints(), truth)
            cells = {
                "mpjpe_mm": 1000 * metrics.mpjpe(truth, guess),
                "pa_mpjpe_mm": 1000 * metrics.pa_mpjpe(truth, guess),
                "acceleration_mps2": metrics.acceleration_error(truth, guess, motion.fps),
                "path_mm": 1000 * float(np.linalg.norm((truth - guess)[:, 0], axis=-1).mean()),
            }
            row = errors.setdefault(f"{count} level{'s' if count > 1 else ''}", {k: [] for k in cells})
            for key, value in cells.items():
                row[key].append(value)
        tick("codec")
    return {n: {k: Cell.of_clips(v) for k, v in row.items()} for n, row in errors.items()}


def placed(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Positions (F, J, 3) with the first root on the true one, turned about it so that the first pose lies best on the true
    one: place and heading are no part of what codes say."""
    moved = guess - guess[0, 0]
    yaw = blend.ground_yaw(moved[0], truth[0] - truth[0, 0])
    return quat_rotate(yaw_to_quat(np.array(yaw)), moved) + truth[0, 0]
