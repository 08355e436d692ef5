"""Several sentences, one long motion."""

import numpy as np
import pytest

from dimo import DiMo


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def test_a_composition_has_the_asked_lengths(model):
    made = model.compose([("walks forward", 3), ("sits down", 2), ("waves", 2.55)], steps=2, seed=1)[0]
    assert len(made) == 151
    assert made.fps == 20
    assert made == model.compose([("walks forward", 3), ("sits down", 2), ("waves", 2.55)], steps=2, seed=1)[0]


def test_lengths_may_be_left_to_the_model(model):
    assert len(model.compose(["walks forward", ("waves", None)], steps=1, seed=1)[0]) >= 8


def test_a_composition_may_be_longer_than_the_model_and_moves_on_in_one_piece(model):
    made = model.compose([("walks", 8), ("waves", 12)], steps=2, seed=1)[0]
    assert len(made) == 400
    assert np.linalg.norm(np.diff(made.root, axis=0), axis=-1).max() < 0.2
