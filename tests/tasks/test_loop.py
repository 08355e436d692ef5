"""Loops: the motion stays as it is, its end leads to its start, and no faster than it moves itself."""

import numpy as np
import pytest

from dimo import Motion, preset
from dimo.api import DiMo
from dimo.body import blend
from dimo.body.rotation import rotvec_to_quat
from dimo.tasks import loop

BODY = preset("humanml3d")


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def swaying(way: float = 0.0, turn: float = 0.0, frames: int = 60) -> Motion:
    t = np.linspace(0, 1, frames)
    turns = np.zeros((frames, 22, 3))
    turns[:, 0, 1] = turn * t
    turns[:, BODY.index("left_shoulder"), 2] = np.sin(5 * t)
    root = np.stack([0 * t, 0.95 + 0 * t, way * t], axis=1)
    return Motion(BODY, 30, root, rotvec_to_quat(turns))


def test_the_motion_stays_and_comes_back_to_its_place(model):
    motion = swaying()
    (made,) = model.loop(motion, 0.5, seed=0, steps=1)
    assert len(made) == 60 + 15
    assert made[:60] == motion
    (whole,) = model.inbetween(motion, loop.start_of(motion), 0.5, place=loop.place_of(motion), seed=0, steps=1)
    assert whole[:75] == made
    assert whole[75:].joints() == pytest.approx(motion[:30].joints())  # where it began, as it began


def test_a_body_that_goes_somewhere_begins_again_from_there(model):
    motion = swaying(way=3.0, turn=1.0)
    (whole,) = model.inbetween(motion, loop.start_of(motion), 0.5, place=loop.place_of(motion), steps=1)
    joints = motion.joints()
    again = whole[75:].joints()
    yaw, shift = blend.ground_fit(joints[0], again[0])
    assert np.abs(motion[:30].moved(shift, yaw).joints() - again).max() < 1e-6  # the same start, elsewhere
    assert np.linalg.norm(again[0, 0] - joints[0, 0]) > 1.5


@pytest.mark.parametrize(
    ("way", "turn", "place"), [(0, 0, "as_is"), (0.2, 0.3, "as_is"), (2, 0, "follow"), (0, 2, "follow")]
)
def test_what_has_gone_or_turned_does_not_come_back(way, turn, place):
    assert loop.place_of(swaying(way, turn)) == place


def test_speeds_by_hand():
    """A body that moves 1.5 m/s, and 3 m/s on its way back."""
    root = np.concatenate([np.arange(40) * 0.05, 39 * 0.05 + np.arange(1, 5) * 0.1])
    still = rotvec_to_quat(np.zeros((44, 22, 3)))
    made = Motion(BODY, 30, np.stack([root, 0 * root + 0.95, 0 * root], axis=1), still)
    assert loop.own_speed(made[:40]) == pytest.approx(1.5)
    assert loop.hurry(made, made[:40], 3 / 30) == pytest.approx(2.0)


def test_a_way_that_hurries_is_made_longer(model, monkeypatch):
    asked = []
    real = loop.hurry

    def hurry(made, motion, seconds):
        asked.append(seconds)
        assert real(made, motion, seconds) > 0
        return 3.0 - len(asked)  # the second one is quiet enough

    monkeypatch.setattr(loop, "hurry", hurry)
    motion = swaying()
    (made,) = model.loop(motion, seed=0, steps=1)
    assert len(asked) == 2
    assert asked[1] == pytest.approx(1.6 * asked[0])
    assert len(made) == 60 + round(asked[1] * 30)


def test_the_least_hurried_of_all_is_taken(model, monkeypatch):
    rates = iter([5.0, 2.0, 3.0, 4.0])
    asked = []
    monkeypatch.setattr(loop, "hurry", lambda made, motion, seconds: asked.append(seconds) or next(rates))
    (made,) = model.loop(swaying(), seed=0, steps=1)
    assert len(asked) == 4
    assert len(made) == 60 + round(asked[1] * 30)


def test_the_flag_of_the_verbs(tmp_path):
    from dimo.cli.main import main

    tiny = str(DiMo.debug().save_pretrained(tmp_path / "tiny"))
    clip = swaying().save(tmp_path / "a.npz")
    out = tmp_path / "o.npz"
    argv = ["edit", str(clip), "--replace", "0.5:1", "-o", str(out), "--model", tiny, "--steps", "1", "--seed", "1"]
    assert main(argv) == 0
    plain = Motion.load(out)
    assert main([*argv, "--loop"]) == 0
    looped = Motion.load(out)
    assert len(looped) >= len(plain) + 12
    assert looped[: len(plain)] == plain
