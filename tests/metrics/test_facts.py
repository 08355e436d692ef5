"""What words state, and the checks beyond the shared vocabulary on bodies whose movement is known."""

import numpy as np
import pytest

from dimo import preset
from dimo.body.kinematics import forward
from dimo.body.rotation import axis_angle_to_quat
from dimo.metrics.checks import CHECKS, check
from dimo.metrics.facts import checks_of, facts_of

BODY = preset("humanml3d")
FPS = 20.0


def body(ground, arms=None, height=0.0):
    """A body that does not turn, along ground (F, 2) of forward and left metres; arms: shoulder angle (F,) by side."""
    n = len(ground)
    rotations = np.tile([1.0, 0, 0, 0], (n, 22, 1))
    for side, sign in (("left", 1), ("right", -1)):
        angle = np.broadcast_to((arms or {}).get(side, -1.4), n)
        rotations[:, BODY.index(f"{side}_shoulder")] = axis_angle_to_quat(np.array([0.0, 0, 1]), sign * angle)
    root = np.stack([ground[:, 1], np.full(n, 0.92) + height, ground[:, 0]], -1)
    return forward(BODY, root, rotations)


def holds(name, joints, **arguments):
    return check({"check": name, **arguments}, joints, FPS)


@pytest.mark.parametrize(
    ("text", "style", "names"),
    [
        ("walk-turn-left", "", {"walk, turn left"}),
        ("walk exhausted", "exhausted", {"walk", "walk, slow"}),
        ("a person walks on", "exhausted", {"walk"}),  # a manner that the words do not name asks for nothing
        ("walk active", "", {"walk", "walk, brisk"}),
        ("someone walks, while completely exhausted", "", {"walk", "walk, slow"}),
        ("someone walks while waving", "", set()),
        ("a person walks forward", "", {"walk"}),
        ("someone walks backwards", "", {"walk back"}),
        ("walk-left angry", "angry", {"walk, drift left"}),
        ("an old man jogs along", "", {"run, old or tired"}),
        ("raise-up-both-hands", "", {"raise both hands"}),
        ("the man lifts his left arm", "", {"raise left hand"}),
        ("wave-right-hand", "", {"wave right hand", "wave right hand, not only raised"}),
        ("wave-right-hand", "feminine", {"wave right hand"}),
        ("a person bows", "", {"bow"}),
        ("a person walks and then waves", "", set()),
        ("a person lowers the left hand", "", set()),
        ("someone raises the left hand and the right foot", "", set()),
        ("salsa dance", "", set()),
    ],
)
def test_words_state_what_they_state_and_no_more(text, style, names):
    assert {f.name for f in facts_of(text, style)} == names
    assert all(spec["check"] in CHECKS for spec in checks_of(text, style))


def test_side_steps_are_across_the_heading():
    t = np.arange(80)[:, None] / FPS
    diagonal = body(t * [1.0, 0.4])
    assert holds("side_step", diagonal, side="left")
    assert not holds("side_step", diagonal, side="right")
    assert not holds("side_step", body(t * [1.0, 0.0]), side="left")
    assert holds("side_step", body(t * [0.0, -0.5]), side="right", min_m=1.5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_raised_hands_are_counted(count):
    t = np.arange(round(2 * count * FPS)) / FPS
    up = np.where((t % 2 > 0.5) & (t % 2 < 1.5), 1.2, -1.4)
    joints = body(np.zeros((len(t), 2)), {"left": up})
    assert holds("repeat", joints, of="raise_hand", side="left", count=count)
    assert not holds("repeat", joints, of="raise_hand", side="left", count=count + 1)
    assert holds("repeat", joints, of="raise_hand", side="right", count=0)
    assert holds("repeat", joints, of="jump", count=0)


def test_a_raised_hand_does_not_wave():
    t = np.arange(80) / FPS
    raised = body(np.zeros((80, 2)), {"left": np.where((t > 1) & (t < 3), 1.2, -1.4)})
    waved = np.where((t > 0.5) & (t < 3.5), 1.2 + 0.35 * np.sin(2 * np.pi * 1.5 * t), -1.4)
    waving = body(np.zeros((80, 2)), {"left": waved})
    assert holds("waving", waving, side="left")
    assert holds("waving", waving, side="any")
    assert not holds("waving", raised, side="left")
    assert not holds("waving", waving, side="both")
    assert not holds("waving", waving, side="right")
    assert holds("raise_hand", raised, side="any")


def test_leaps_rise():
    t = np.arange(80) / FPS
    high = body(np.zeros((80, 2)), height=0.5 * np.maximum(0, np.sin(np.pi * t)) ** 2)
    low = body(np.zeros((80, 2)), height=0.12 * np.maximum(0, np.sin(np.pi * t)) ** 2)
    assert holds("leap", high)
    assert holds("jump", low)
    assert not holds("leap", low)
    assert holds("repeat", high, of="jump", count=2)


def test_speed_changes():
    pace = np.where(np.arange(120) < 60, 0.8, 1.6)
    ground = np.stack([np.cumsum(pace) / FPS, np.zeros(120)], -1)
    assert holds("speed_change", body(ground), to="faster")
    assert not holds("speed_change", body(ground), to="slower")
    assert holds("speed_change", body(-ground[::-1]), to="slower")
    assert not holds("speed_change", body(np.linspace(0, 4, 100)[:, None] * [1, 0]), to="faster")
