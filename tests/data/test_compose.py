"""Joined clips: what the sentence says must show in the motion."""

import numpy as np
import pytest

from dimo.body import measure
from dimo.body.motion import Motion
from dimo.data import compose
from dimo.data.describe import Event, phrases
from dimo.data.records import Clip


def walked_turn(side: str, degrees: float = 90.0, seconds: float = 5.0) -> compose.Part:
    """A rigid standing body carried along a quarter circle at 1 m/s."""
    frames = round(seconds * 20)
    body = compose.BODY
    sign = 1 if side == "left" else -1
    heading = sign * np.radians(degrees) * np.clip(np.linspace(-0.2, 1.2, frames), 0, 1)
    step = np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], axis=-1) / 20
    rotations = np.tile(np.eye(4)[0], (frames, 22, 1))
    rotations[:, 0, 0], rotations[:, 0, 2] = np.cos(heading / 2), np.sin(heading / 2)
    motion = Motion(body, 20.0, np.cumsum(step, axis=0) + np.array([0, 0.95, 0]), rotations)
    clip = Clip(id="t", joints=motion.joints().astype(np.float32), fps=20.0, captions=(), split="train")
    return compose.Part(motion.joints(), Event("turn", 0, frames, side, degrees), clip)


@pytest.mark.parametrize("side", ["left", "right"])
def test_two_walked_turns_to_one_side_make_a_curve_to_that_side(side):
    made = compose.join(walked_turn(side), walked_turn(side), np.random.default_rng(0))
    assert made is not None
    motion, sentences = made
    turned = measure.turn_degrees(motion.joints()) * (1 if side == "left" else -1)
    assert 140 < turned < 200
    assert len(motion) <= compose.LONGEST
    assert all(side in s.split() for s in sentences)


def test_two_small_turns_are_no_circle():
    small = walked_turn("left", 55.0)
    assert compose.join(small, small, np.random.default_rng(0)) is None


@pytest.mark.parametrize(("speed", "said"), [(0.6, True), (1.2, False), (1.8, False)])
def test_only_a_slow_walk_is_said_to_trudge(speed, said):
    words = " ".join(finite for finite, _ in phrases(Event("walk", 0, 40, "forward", speed)))
    assert ("trudges" in words and "slowly" in words) == said
    assert ("briskly" in words) == (speed > 1.55)
