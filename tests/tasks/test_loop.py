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
    monkeypatch.setattr(loop, "paced", lambda made, motion, seconds: (made, seconds))
    (made,) = model.loop(swaying(), seed=0, steps=1)
    assert len(asked) == 4
    assert len(made) == 60 + round(asked[1] * 30)


def hurrying(fast: float, steps: int = 8) -> tuple[Motion, Motion]:
    """A body that moves 1.5 m/s, then in `steps` steps to where it goes on, the middle ones fast; and its first 40 frames."""
    pace = np.full(steps, 0.05)
    pace[steps // 2 - 1 : steps // 2 + 1] = fast / 30
    z = np.concatenate([np.arange(40) * 0.05, 39 * 0.05 + np.cumsum([*pace, *[0.05] * 5])])
    made = Motion(BODY, 30, np.stack([0 * z, 0 * z + 0.95, z], axis=1), rotvec_to_quat(np.zeros((len(z), 22, 3))))
    return made, made[:40]


@pytest.mark.parametrize("fast", [1.6, 3.0, 4.0])
def test_a_way_that_hurries_at_every_length_is_paced(fast):
    made, motion = hurrying(fast)
    slow, seconds = loop.paced(made, motion, 7 / 30)
    assert loop.hurry(made, motion, 7 / 30) == pytest.approx(fast / 1.5)
    assert 0.9 < loop.hurry(slow, motion, seconds) <= 1
    assert slow[:40] == motion
    assert slow[-6:] == made[-6:]  # the next round begins as before
    way = slow.root[39 : len(slow) - 5, 2]
    assert len(way) == round(seconds * 30) + 2
    assert np.ptp(way) / 1.5 * 30 <= len(way) - 1 <= 3 * 8  # no sooner than the way is long
    assert (np.diff(way) > 0).all()
    assert np.abs(np.diff(way, 2)).max() < 0.02  # the pace changes gently: 0.05 m a frame


def test_pacing_ends_somewhere():
    made, motion = hurrying(60.0)
    slow, seconds = loop.paced(made, motion, 7 / 30)
    assert 20 <= round(seconds * 30) + 1 <= 24
    assert 1 < loop.hurry(slow, motion, seconds) < loop.hurry(made, motion, 7 / 30) / 2
    still = Motion(BODY, 30, np.tile([0, 0.95, 0.0], (50, 1)), rotvec_to_quat(np.zeros((50, 22, 3))))
    assert loop.paced(still, still[:40], 5 / 30) == (still, 5 / 30)
    leaving = np.concatenate([np.zeros((40, 3)), np.arange(1, 11)[:, None] * [0, 0, 0.1]])
    # A motion without any speed has no pace to keep.
    moved = Motion(BODY, 30, leaving + np.array([0, 0.95, 0]), still.rotations)
    assert loop.paced(moved, moved[:40], 5 / 30) == (moved, 5 / 30)


@pytest.mark.parametrize(
    ("haste", "expected"),
    [([1.0, 0.5, 0.0], [0, 1, 2, 3]), ([2.0, 2, 2], np.arange(7) / 2), ([8.0, 8], np.arange(7) / 3)],
)
def test_pace_by_hand(haste, expected):
    """Haste of 2 takes two frames a step; of 8 more than the most, which shares out what there is."""
    assert loop.pace(np.array(haste), 6) == pytest.approx(np.array(expected, float))


def test_the_pace_changes_gently():
    """One step four times too fast takes four frames, and those before and after it slow down for it by and by."""
    steps = np.diff(loop.pace(np.array([1.0] * 8 + [4.0] + [1.0] * 8), 100))
    assert steps.min() < 0.3
    assert steps[[0, -1]] == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.diff(steps)).max() < 0.3


def test_a_way_that_does_not_hurry_stays_as_it_is():
    """Nearly as fast as the motion, and no faster."""
    z = np.cumsum([0.05] * 40 + [0.0498] * 8 + [0.05] * 5)
    made = Motion(BODY, 30, np.stack([0 * z, 0 * z + 0.95, z], axis=1), rotvec_to_quat(np.zeros((len(z), 22, 3))))
    assert loop.paced(made, made[:40], 7 / 30) == (made, 7 / 30)


def test_a_loop_that_hurries_is_paced_and_one_of_a_length_that_is_asked_is_not(model, monkeypatch):
    monkeypatch.setattr(loop, "own_speed", lambda motion: 0.3)
    monkeypatch.setattr(loop, "durations", lambda motion: [0.5])
    motion = swaying()
    (made,) = model.loop(motion, seed=0, steps=1)
    (plain,) = model.loop(motion, 0.5, seed=0, steps=1)
    assert len(plain) == 60 + 15 < len(made) <= 60 + 3 * 16
    assert made[:60] == motion


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


def test_a_file_is_looped_as_it_is_converted(tmp_path, capsys, monkeypatch):
    """The same loop as the library's, in the file's own channels; without the flag no model is asked for."""
    from dimo.cli.main import main

    weights = DiMo.debug().save_pretrained(tmp_path / "tiny")
    clip, out = swaying().save(tmp_path / "a.bvh"), tmp_path / "o.bvh"
    argv = ["convert", str(clip), str(out)]
    assert main([*argv, "--loop", "--model", str(weights), "--steps", "1", "--seed", "1"]) == 0
    motion, made = Motion.load(clip), Motion.load(out)
    (expected,) = DiMo.from_pretrained(weights).loop(motion, steps=1, seed=1)
    assert len(made) == len(expected) >= 60 + 12
    assert np.abs(made.joints() - expected.joints()).max() < 1e-4
    assert made[:60] == motion  # the frames of the file keep their numbers
    monkeypatch.setattr(DiMo, "from_pretrained", lambda *_, **__: pytest.fail("the model was loaded"))
    assert main(argv) == 0
    capsys.readouterr()
    for flags, words in (
        (["--seed", "1"], "--seed goes with --loop"),
        (["--no-footlock"], "--no-footlock goes with --loop"),
        (["--top-k", "4"], "--top-k goes with --loop"),
        (["--loop", "--steps", "0"], "steps"),
    ):
        assert main([*argv, *flags]) == 2
        assert words in capsys.readouterr().err
