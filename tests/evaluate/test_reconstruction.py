"""Placing a clip on another, and what the codec alone loses."""

import numpy as np

from dimo.api import DiMo
from dimo.evaluate import Settings, reconstruction
from dimo.evaluate.rows import ModelRows
from dimo.evaluate.store import Store


def test_placing_undoes_a_turn_and_a_shift():
    truth = np.random.default_rng(1).normal(size=(6, 22, 3))
    c, s = np.cos(0.7), np.sin(0.7)
    turned = np.stack([truth[..., 0] * c + truth[..., 2] * s, truth[..., 1], truth[..., 2] * c - truth[..., 0] * s], -1)
    assert np.allclose(reconstruction.placed(turned + np.array([3, 0, -2]), truth), truth)


def test_a_row_for_every_number_of_levels(clip, tmp_path):
    model, ticks = DiMo.debug(), []
    rows = ModelRows(model, Settings(), Store(tmp_path, {}))
    found = reconstruction.measure([clip(1), clip(3)], rows, ticks.append)
    assert list(found) == ["1 level", "2 levels", "3 levels"]
    assert found["1 level"]["mpjpe_mm"].mean > 0
    assert found["3 levels"]["mpjpe_mm"].clips == len(ticks) == 2

    model.pipeline.to_codes = lambda motion, cut: np.zeros((10, 3))
    model.pipeline.to_motion = lambda codes: rows.motion_of(clip(1))  # a codec that makes no error on this clip
    perfect = reconstruction.measure([clip(1)], rows, ticks.append)["1 level"]
    assert max(cell.mean for cell in perfect.values()) < 1e-3
