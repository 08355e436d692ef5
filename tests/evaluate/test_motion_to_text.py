"""Captions against references, and motions that look for them."""

import pytest

from dimo.evaluate import motion_to_text
from dimo.evaluate.protocol import Plan


def test_an_echo_is_perfect_and_a_wrong_caption_is_not(clip, twin):
    clips = [clip(n, texts=(f"a person walks {n}", f"someone walks ahead {n}")) for n in range(32)]
    said = {"echo": [c.captions[0].text for c in clips], "wrong": ["a person bows 99"] * 32}
    found = motion_to_text.measure(said, clips, twin, Plan(repeats=2))
    assert list(found) == ["real", "shuffled", "echo", "wrong"]
    assert found["echo"]["bleu4_raw"].mean == pytest.approx(100)
    assert found["echo"]["r1"].mean == 1.0
    assert found["echo"]["action"].mean == 1.0
    assert found["wrong"]["action"].mean == 0.0
    assert found["real"]["bleu4_raw"].mean < 100  # one caption against the others
    assert found["shuffled"]["r1"].mean < 0.2
    assert "bert_f1" not in found["echo"]  # this evaluator gives no states of words
    table = motion_to_text.confusion(said["wrong"], clips)
    at = {n: i for i, n in enumerate(table.names)}
    assert table.counts[at["walk"]][at["bow"]] == 32


def test_without_an_evaluator_words_are_compared(clip):
    found = motion_to_text.measure({"echo": ["a person walks forward"] * 2}, [clip(1), clip(2)], None, Plan(repeats=1))
    assert found["echo"]["rouge_l_raw"].mean == pytest.approx(100)
    assert "r1" not in found["echo"]
    assert found["real"] == {}  # a single caption has no other to be measured against
