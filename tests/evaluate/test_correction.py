"""Wrong captions, and who puts them right."""

import numpy as np

from dimo.evaluate import correction
from dimo.evaluate.correction import wrong_captions


class Rows:
    """Reads at most six words of English, and answers everything with one sentence."""

    def __init__(self, answer: str):
        self.answer = answer

    def shortened(self, text):
        return " ".join(text.split()[:6])

    def readable(self, text):
        return "das" not in text and len(text.split()) <= 6

    def correct(self, clip, captions):
        return [self.answer] * len(captions)


def test_wrong_captions_exchange_one_word():
    generator = np.random.default_rng(0)
    found = dict(wrong_captions("a person waves with the left hand", generator))
    assert found["left / right"] == "a person waves with the right hand"
    assert all(
        sum(a != b for a, b in zip(t.split(), "a person waves with the left hand".split(), strict=True)) == 1
        for t in found.values()
    )
    assert "left / right" not in dict(wrong_captions("from left to right", generator))


def test_what_is_put_right_and_what_is_harmed(clip):
    ticks = []
    clips = [clip(1, texts=("a person waves the left hand and more",)), clip(2, texts=("das ist es",))]
    right = correction.measure(clips, Rows("a person waves the left hand"), 0, ticks.append)
    assert right["true caption"]["harmed"].mean == 0.0
    assert all(row["fixed"].mean == 1.0 for kind, row in right.items() if kind != "true caption")
    assert len(right) == 1 + correction.WRONG
    wrong = correction.measure(clips, Rows("a person bows"), 0, ticks.append)
    assert wrong["true caption"]["harmed"].mean == wrong["true caption"]["touched"].mean == 1.0
    assert all(row["fixed"].mean == 0.0 for kind, row in wrong.items() if kind != "true caption")
    assert len(ticks) == 4  # the clip that no caption can be read of counts as done
    assert right["true caption"]["touched"].clips is None  # and is no part of the numbers
