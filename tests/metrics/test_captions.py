"""Which action and side captions name."""

import numpy as np
import pytest

from dimo.metrics.captions import action_of, confusion, doubled, named, score, side_of


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("a person waves goodbye with the left hand", "wave left"),
        ("raise-up-both-hands", "raise both"),
        ("someone puts both arms up high", "raise both"),
        ("a man walks and turns to the right", "turn right"),
        ("walk-back", "walk back"),
        ("the person strolls along", "walk"),
        ("someone jogs", "run"),
        ("a dance", "dance"),
        ("xyz", "other"),
    ],
)
def test_actions_named(text, action):
    assert action_of(text) == action


def test_sides_and_confusion():
    assert side_of("from left to right") == ""
    assert side_of("both hands") == "both"
    table = confusion(["walk", "walk", "run"], ["walk", "run", "zzz"])
    assert table["names"] == ["run", "walk", "zzz", "other"]
    assert table["counts"] == [[0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("shown", "caption", "action", "side"),
    [
        ("wave-left-hand", "a man waves his left hand", True, True),
        ("wave-left-hand", "a man waves his right hand", True, False),
        ("wave-left-hand", "a man raises his left arm", False, True),
        ("raise-up-both-hands", "someone lifts both arms", True, True),
        ("raise-up-both-hands", "someone lifts the left arm", True, False),
        ("walk-turn-right", "she walks and turns to the right", True, True),
        ("walk", "a person walks to the left", True, None),  # no side is shown
        ("walk", "a person walks and waves", False, None),  # names a wave first
        ("walk", "a person", False, None),
        ("respond", "a person walks", None, None),  # a label without an action
        ("a person kicks with the right foot", "a right kick", True, True),
    ],
)
def test_captions_name_what_is_shown(shown, caption, action, side):
    assert named(shown, caption) == (action, side)


def test_doubled_words():
    assert doubled("a person walks walks on")
    assert not doubled("a person and another person")
    assert not doubled("he waves waveslike")


def test_scores_leave_out_what_is_not_shown():
    _, each = score(
        ["a man waves the left hand", "he runs he", "a a man"],
        [["someone waves the left hand"], ["a person jogs"], ["nothing known"]],
        ["wave-left-hand", "", "respond"],
    )
    assert np.array_equal(each["action"], [1.0, 1.0, np.nan], equal_nan=True)
    assert np.array_equal(each["side"], [1.0, np.nan, np.nan], equal_nan=True)
    assert each["doubled_words"].tolist() == [0.0, 0.0, 1.0]
