"""Clips whose codes no longer show what is said of them are not remembered."""

import numpy as np
import pytest
import torch

from dimo import preset
from dimo.body.motion import Motion
from dimo.body.rotation import axis_angle_to_quat
from dimo.learn.shown import claims, still_shown

PUNCH, CLAP, THROW, TOUCH = (
    {"check": "punch", "side": "any"},
    {"check": "clap"},
    {"check": "throw"},
    {"check": "hand_to_head"},
)


@pytest.mark.parametrize(
    ("captions", "wanted"),
    [
        (["a person punches the air"], [PUNCH]),
        (["A man is boxing.", "someone throws a punch"], [PUNCH]),
        (["a man lifts a box and moves boxes"], []),
        (["a boxer ducks under a punch"], []),
        (["she claps twice"], [CLAP]),
        (["he throws the ball, then claps"], [CLAP, THROW]),
        (["a person throws a kick"], []),
        (["she throws a kiss", "he throws both arms up in triumph", "someone throws an uppercut"], []),
        (["a soldier salutes"], [TOUCH]),
        (["a woman scratches her head"], [TOUCH]),
        (["a person scratches their knee"], []),
        (["a person kicks with the left leg"], [{"check": "kick", "side": "left"}]),
        (["a person kicks with the left leg and then the right leg"], []),
        (["a person kicks the ball to the left"], []),
        (["a person walks"], []),
    ],
)
def test_what_captions_claim(captions, wanted):
    assert claims(captions) == wanted


class Decoded:
    """A pipeline whose codes are all of one motion."""

    def __init__(self, motion: Motion):
        self.motion = motion

    def to_motion(self, codes: torch.Tensor) -> Motion:
        return self.motion


def kicking(seconds: float) -> Motion:
    """Somebody who stands, and whose straight left leg swings forward by 80 degrees and back in so many seconds each."""
    body = preset("humanml3d")
    at = np.arange(80) / 20 - 1
    angle = np.radians(80) * np.sin(np.pi / 2 * np.clip(at / seconds, 0, 2))
    rotations = np.tile([1.0, 0, 0, 0], (80, len(body), 1))
    rotations[:, 1] = axis_angle_to_quat(np.array([1.0, 0, 0]), -angle)
    return Motion(body, 20.0, np.tile([0.0, 0.92, 0.0], (80, 1)), rotations, "kick")


def test_a_kick_that_has_become_slow_is_no_kick():
    codes = torch.zeros(20, 2, dtype=torch.int16)
    said = ["a person kicks with the left leg"]
    assert still_shown(Decoded(kicking(0.25)), codes, said)
    assert not still_shown(Decoded(kicking(1.4)), codes, said)
    assert not still_shown(Decoded(kicking(0.25)), codes, ["a person kicks with the right leg"])
    assert still_shown(Decoded(kicking(1.4)), codes, ["a person lifts the left leg"])
