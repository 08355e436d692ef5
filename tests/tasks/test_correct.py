"""Caption correction with a model whose beliefs are written by hand, and on the tiny random one."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from dimo import DiMo, RequestError
from dimo.model.masked import Hidden
from dimo.sequence.vocabulary import PAD
from dimo.tasks.correct import ACCEPT, Change, Correction, apply, correct
from dimo.text.wordpiece import Wordpiece

SPECIALS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
WORDS = ["a", "man", "walks", "runs", "left", "right", "forward", "to", "the", "both", "hands", "raises", "slowly", ","]


def vocabulary():
    table = {f"[unused{i}]": i for i in range(104)}
    for name, i in SPECIALS.items():
        table = {k: v for k, v in table.items() if v != i} | {name: i}
    return Wordpiece(table | {w: 104 + i for i, w in enumerate(WORDS)})


class Believes:
    """A model that, with the motion known, wants the text `truth`: less so the more visible words differ from it.

    Texts of another length it does not believe at all: it wants commas. Without the motion every word is alike to it. Its
    hidden states are (wanted word, how much), so that text_logits can look them up.
    """

    device = torch.device("cpu")

    def __init__(self, wordpiece, truth, strength=12.0):
        self.truth, self.strength = wordpiece.encode(truth), strength
        self.size, self.comma = len(wordpiece), wordpiece.vocabulary[","]
        trunk = SimpleNamespace(vocabulary=self.size)
        self.config = SimpleNamespace(levels=1, caption_slots=16, max_text=16, transformer=trunk)

    def __call__(self, tokens):
        n = len(self.truth)
        truth = torch.full_like(tokens.ids, PAD)
        truth[:, :n] = torch.tensor(self.truth)
        fits = ((tokens.ids != PAD) | ~tokens.known_text).sum(1) == n
        wrong = ((tokens.ids != truth) & tokens.known_text).sum(1)
        wanted = torch.where(fits[:, None], truth, self.comma)
        much = torch.where(fits, self.strength / (1 + wrong), self.strength) * (tokens.known_levels > 0).any(1)
        text = torch.stack([wanted.float(), much[:, None].expand(wanted.shape)], dim=-1)
        return Hidden(text, torch.zeros(*tokens.known_levels.shape, 1))

    def text_logits(self, wanted):
        out = torch.zeros(len(wanted), self.size)
        out[torch.arange(len(wanted)), wanted[:, 0].long()] = wanted[:, 1]
        return out


CODES = torch.zeros(4, 1, dtype=torch.long)


def fix(text, truth, strength=12.0):
    wordpiece = vocabulary()
    return correct(Believes(wordpiece, truth, strength), wordpiece, text, CODES)


def test_the_contradicted_word_is_exchanged_and_the_rest_kept():
    made = fix("A man walks to the left, slowly", "a man walks to the right , slowly")
    assert made.text == "A man walks to the right, slowly"
    (change,) = made.changes
    assert (change.old, change.new) == ("left", "right")
    assert made.original[change.start : change.end] == "left"
    assert 0.85 < change.confidence <= 1
    assert made.changed


def test_a_right_caption_is_left_alone():
    text = "a man walks to the left"
    made = fix(text, text)
    assert made == Correction(text, text)
    assert not made.changed
    assert str(made) == "nothing to change"


def test_two_wrong_words_and_capitals():
    made = fix("Runs to the left", "walks to the right")
    assert made.text == "Walks to the right"
    assert sorted(c.old for c in made.changes) == ["Runs", "left"]


def test_a_word_that_is_no_confusion_needs_more_evidence():
    # hands for slowly: no row of the table. Odds of 7 nats less the cost of 6 do not reach ACCEPT; left for right do.
    assert not fix("a man walks slowly", "a man walks hands", 7.0).changed
    assert fix("a man walks slowly", "a man walks hands", 12.0).changed
    assert fix("a man walks left", "a man walks right", 7.0).changed
    assert not fix("a man walks left", "a man walks right", ACCEPT - 0.1).changed


def test_what_the_language_prefers_without_the_motion_is_not_changed():
    class Blind(Believes):
        def __call__(self, tokens):
            return super().__call__(replace(tokens, known_levels=torch.ones_like(tokens.known_levels)))

    wordpiece = vocabulary()
    made = correct(Blind(wordpiece, "a man walks right"), wordpiece, "a man walks left", CODES)
    assert not made.changed


def test_the_text_may_become_longer():
    made = fix("a man raises hands", "a man raises both hands", 20.0)
    assert made.text == "a man raises both hands"
    assert len(made.changes) == 1


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (Change("left", "right", 1, 6, 10), "turns right, then left"),
        (Change("left", "", 1, 6, 10), "turns, then left"),
        (Change("turns", "", 1, 0, 5), "left, then left"),
    ],
)
def test_apply(change, want):
    assert apply("turns left, then left", [change]) == want


def test_the_api_gives_text_on_a_random_model_and_refuses_what_is_no_caption():
    model = DiMo.debug()
    motion = model.generate("walk", seconds=1, steps=1, seed=0)[0]
    made = model.correct("a man walks", motion)
    assert isinstance(made.text, str)
    assert made.original == "a man walks"
    for text, words in (("", "empty"), ("??", "no words"), ("walk " * 100, "word pieces")):
        with pytest.raises(RequestError, match=words):
            model.correct(text, motion)
