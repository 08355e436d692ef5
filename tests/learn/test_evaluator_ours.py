"""Training of our own evaluator: what is contrasted, and that a few steps learn."""

import math

import numpy as np
import pytest
import torch

from dimo.evaluators.ours import Towers, TowersConfig
from dimo.learn import evaluator_ours as training
from dimo.learn import loop
from dimo.learn.captioned import CaptionedClips
from dimo.learn.evaluator_ours import ContrastiveLoss, Sentences, info_nce, opposites, same_meaning

SMALL = TowersConfig(
    width=32, heads=4, feedforward=48, motion_layers=1, size=16, sentence_layers=0, sentence_width=8, dropout=0.0
)


class Letters:
    """Stands for a sentence encoder: a state a letter, and no two texts alike."""

    def states(self, texts):
        return [torch.eye(26)[[ord(c) - 97 for c in t]][:, :8] for t in texts]

    def embed(self, texts):
        return np.eye(26)[[ord(t[0]) - 97 for t in texts]].astype(np.float32)


def test_info_nce_of_known_vectors():
    x = torch.eye(4)
    none = torch.zeros(4, 4, dtype=torch.bool)
    # Softmax of 1/t against three zeros.
    want = -math.log(math.exp(2) / (math.exp(2) + 3))
    assert float(info_nce(x, x, none, 0.5)) == pytest.approx(want)
    # With two of the three negatives left out only one zero remains.
    same = torch.ones(4, 4, dtype=torch.bool)
    same[[0, 1, 2, 3], [0, 1, 2, 3]] = same[[0, 1, 2, 3], [1, 0, 3, 2]] = False
    assert float(info_nce(x, x, same, 0.5)) == pytest.approx(-math.log(math.exp(2) / (math.exp(2) + 1)))


def test_opposites():
    assert opposites("a person turns left, slowly.") == (1, 0, 0, 0, 1, 0)
    assert opposites("left then right") == (3, 0, 0, 0, 0, 0)
    assert opposites("walks ahead") == opposites("walks forwards") == (0, 0, 1, 0, 0, 0)


def test_near_captions_are_no_negatives_unless_they_name_opposites():
    captions = ["waves the left hand", "waves the right hand", "waves a hand", "jumps"]
    vectors = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    same = same_meaning(vectors, torch.tensor([opposites(c) for c in captions]), 0.8)
    want = torch.zeros(4, 4, dtype=torch.bool)
    want[0, 2] = want[2, 0] = want[1, 2] = want[2, 1] = True
    assert torch.equal(same, want)


def test_sentences_are_computed_once():
    calls = []

    class Counting(Letters):
        def embed(self, texts):
            calls.extend(texts)
            return super().embed(texts)

    known = Sentences(Counting(), Counting())  # type: ignore[arg-type]
    states, vectors, sides = known.get(["abc", "b", "abc"])
    known.get(["b"])
    assert calls == ["abc", "b"]
    assert [len(s) for s in states] == [3, 1, 3]
    assert vectors.shape == (3, 26)
    assert sides.shape == (3, 6)


def pairs(count=16):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(count, 1, 263))
    return CaptionedClips([b + 0.1 * rng.normal(size=(24, 263)) for b in base], [(chr(97 + i),) for i in range(count)])


def test_pairs_draw_different_clips_with_their_own_captions():
    held = pairs()
    clips, captions = held.draw(16, np.random.default_rng(1))
    assert sorted(captions) == [chr(97 + i) for i in range(16)]
    for clip, caption in zip(clips, captions, strict=True):
        np.testing.assert_array_equal(clip, held.features[ord(caption) - 97].astype(np.float32))
    assert len(held.draw(99, np.random.default_rng(1))[1]) == 16


def test_it_learns(tmp_path):
    torch.manual_seed(0)
    towers, held = Towers(SMALL), pairs(8)
    known = Sentences(Letters(), Letters())  # type: ignore[arg-type]
    before = training.measure(towers, known, held)
    options = loop.LoopOptions(steps=40, learning_rate=4e-3, warmup=5, ema=0.8, bf16=False)
    loss = ContrastiveLoss(batch=8)
    loop.run(towers, lambda g, _: training.loss(towers, known, held, loss, g), options, tmp_path, quiet=True)
    after = training.measure(towers, known, held)
    assert before["recall_1"] < 0.6
    assert after["recall_1"] == 1.0
