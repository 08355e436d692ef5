"""Gaps of clips whose straight line is known."""

import numpy as np
import pytest

from dimo.evaluate import completion


class Rows:
    """Fills with the truth, or with the truth 0.1 m higher."""

    def __init__(self, lift: float):
        self.lift, self.asked = lift, []

    def fill(self, clip, first, last, seed):
        self.asked.append((clip.id, first, last, seed))
        return np.asarray(clip.joints) + np.array([0, self.lift, 0])


def test_lines_and_poses_need_no_model(clip):
    rows, ticks = Rows(0.1), []
    found = completion.measure([clip(4), clip(4, frames=80)], rows, 7, ticks.append)
    assert found["predict after 20 %: model"]["ade_mm"].mean == pytest.approx(100)
    assert found["between 25 % and 25 %: model"]["fde_mm"].mean == pytest.approx(100)
    # A body that is carried ahead evenly stands on the line between its ends, and leaves its last pose at 0.02 m a frame.
    assert found["between 25 % and 25 %: straight line"]["ade_mm"].mean == pytest.approx(0, abs=1e-6)
    assert found["predict after 20 %: held pose"]["fde_mm"].mean == pytest.approx(np.mean([20 * 32, 20 * 64]))
    assert rows.asked == [("c4", 8, 40, 7), ("c4", 16, 80, 7), ("c4", 10, 30, 7), ("c4", 20, 60, 7)]
    assert len(ticks) == 4


def test_a_clip_too_short_for_a_gap_is_left_out(clip):
    ticks = []
    assert completion.measure([clip(1, frames=3)], Rows(0.0), 0, ticks.append) == {}
    assert len(ticks) == 2
