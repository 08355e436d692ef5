"""Flips of a frame or two, and the floor, on motions where both are known."""

from dataclasses import replace

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.body import measure
from dimo.body.rotation import axis_angle_to_quat, quat_angle
from dimo.data.repair import SINK_M, mend_flips, put_on_floor

BODY = preset("humanml3d")
WRIST = BODY.index("right_wrist")


def swinging(fps: float = 60.0, seconds: float = 2.0, hertz: float = 1.0) -> Motion:
    """The rest pose 0.95 m up, with an elbow that swings by 60 degrees."""
    t = np.arange(round(seconds * fps)) / fps
    rotations = np.tile([1.0, 0, 0, 0], (len(t), 22, 1))
    rotations[:, WRIST] = axis_angle_to_quat(np.array([0, 0, 1.0]), np.radians(60) * np.sin(2 * np.pi * hertz * t))
    return Motion(BODY, fps, np.tile([0.0, 0.95, 0], (len(t), 1)), rotations)


def flipped(motion: Motion, start: int, frames: int, degrees: float = 120.0) -> Motion:
    rotations = motion.rotations.copy()
    rotations[start : start + frames, WRIST] = axis_angle_to_quat(
        np.array([1.0, 0, 0]), np.full(frames, np.radians(degrees))
    )
    return replace(motion, rotations=rotations)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_flips_are_replaced_by_what_lies_between_their_neighbours(frames):
    motion = swinging()
    mended, count = mend_flips(flipped(motion, 50, frames))
    assert count >= 1
    assert np.degrees(quat_angle(mended.rotations, motion.rotations)).max() < 2
    others = np.delete(np.arange(len(motion)), slice(50, 50 + frames))
    assert np.array_equal(np.abs(mended.rotations[others]), np.abs(motion.rotations[others]))


def test_what_lasts_longer_is_fast_or_slow_is_left_alone():
    motion = swinging()
    assert mend_flips(motion)[1] == 0
    held = flipped(motion, 50, 12)
    assert mend_flips(held) == (held, 0)
    assert mend_flips(swinging(hertz=3.0))[1] == 0  # as fast as a hand waves
    coarse = flipped(swinging(fps=20.0), 10, 1)  # at 20 fps this may be a kick
    assert mend_flips(coarse)[1] == 0


def test_feet_are_put_on_the_floor():
    for height in (0.3, -0.1):
        motion = replace(swinging(20.0), root=np.tile([0.0, height, 0], (40, 1)))
        joints = put_on_floor(motion).joints()
        assert measure.floor(joints) == pytest.approx(0, abs=1e-9)
        assert np.ptp(joints[:, 0, 1]) == pytest.approx(0, abs=1e-9)


def test_what_is_under_the_floor_is_lifted_gently_and_the_rest_stays():
    n = 100
    motion = replace(swinging(20.0, 5.0), root=np.tile([0.0, 0.95, 0], (n, 1)))
    rotations = motion.rotations.copy()
    lying = np.clip((np.arange(n) - 93) / 5, 0, 1)
    rotations[:, 0] = axis_angle_to_quat(
        np.array([1.0, 0, 0]), np.radians(-90) * lying
    )  # falls on its back through the floor
    joints = put_on_floor(replace(motion, rotations=rotations, root=motion.root - [0, 1, 0] * lying[:, None])).joints()
    assert joints[..., 1].min() >= -SINK_M - 1e-9
    assert measure.floor(joints[:84]) == pytest.approx(0, abs=1e-9)
    straight = put_on_floor(motion).joints()
    assert np.allclose(joints[:84], straight[:84])
