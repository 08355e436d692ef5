"""A whole body on the floor."""

import numpy as np
import pytest

from dimo.body.grounding import rest_on_floor
from dimo.body.motion import Motion
from dimo.body.skeleton import preset

BODY = preset("humanml3d")
FPS = 20.0


def raised(height: np.ndarray) -> Motion:
    """A body that stands still with its lowest joint at these heights (F,)."""
    still = np.zeros((len(height), 3))
    turns = np.zeros((len(height), 22, 4))
    turns[..., 0] = 1
    base = Motion(BODY, FPS, still, turns).joints()[0, :, 1].min()
    still[:, 1] = height - base
    return Motion(BODY, FPS, still, turns)


def lowest(motion: Motion) -> np.ndarray:
    return motion.joints()[..., 1].min(1)


def test_what_hovers_comes_down_and_what_sinks_comes_up():
    assert lowest(rest_on_floor(raised(np.full(60, 0.4)))) == pytest.approx(np.full(60, 0.03), abs=1e-9)
    assert lowest(rest_on_floor(raised(np.full(60, -0.2)))) == pytest.approx(np.zeros(60), abs=1e-9)
    # Half of the time in the air: the end stands, the beginning is untouched, and nothing is under the floor between.
    made = lowest(rest_on_floor(raised(np.r_[np.zeros(40), np.linspace(0, 0.5, 30), np.full(50, 0.5)])))
    assert made[:25] == pytest.approx(0, abs=1e-9)
    assert made[-30:] == pytest.approx(0.03, abs=0.01)
    assert made.min() > -1e-9


def test_a_jump_stays_as_high_as_it_was_and_a_long_one_does_not():
    def leap(seconds: float) -> np.ndarray:
        frames = round(seconds * FPS)
        return np.r_[np.zeros(30), 0.6 * np.sin(np.linspace(0, np.pi, frames)), np.zeros(30)]

    assert rest_on_floor(raised(leap(0.6))) == raised(leap(0.6))
    assert lowest(rest_on_floor(raised(leap(3.0)))).max() < 0.15


def test_a_body_that_is_meant_to_be_aloft_stays_there():
    climb = raised(np.linspace(0, 2, 80))
    assert rest_on_floor(climb, aloft=True) == climb
    assert lowest(rest_on_floor(climb)).max() < 0.3
    assert lowest(rest_on_floor(raised(np.full(20, -0.1)), aloft=True)).min() == pytest.approx(0, abs=1e-9)


def test_a_body_on_the_floor_is_left_bit_for_bit():
    stands = raised(0.02 * np.random.default_rng(0).random(50))
    assert rest_on_floor(stands) == stands


def test_it_is_lowered_smoothly():
    made = rest_on_floor(raised(np.r_[np.zeros(40), np.full(60, 0.5)]))
    step = np.abs(np.diff(made.root[:, 1] - raised(np.r_[np.zeros(40), np.full(60, 0.5)]).root[:, 1]))
    assert 0.05 < step.max() < 0.1  # 0.47 m over 0.3 s and more, not at once
