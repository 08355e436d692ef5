"""What the model says that it has seen of a sentence."""

import math

import pytest
import torch

from dimo.api import DiMo
from dimo.errors import RequestError
from dimo.memory.recall import Recall
from dimo.tasks import understand
from dimo.tasks.understand import ALIKE, chance, features

SAID = [
    ["a person walks forward", "the man walks"],
    ["someone walks forward"],
    ["a woman claps"],
    ["he jumps sideways"],
]


@pytest.fixture
def model() -> DiMo:
    made = DiMo.debug()
    made.pipeline.recall = Recall.of([torch.zeros(3, 3, dtype=torch.long)] * 4, SAID)
    vocabulary = made.wordpiece.vocabulary
    for word in ("walks", "claps", "jumps", "parks"):
        vocabulary.setdefault(word, len(vocabulary))
    return made


def test_what_is_told_from_captions():
    recall = Recall.of([torch.zeros(3, 3, dtype=torch.long)] * 4, SAID)
    best, alike = features(recall.nearest("somebody walks forward", ALIKE))
    assert best == pytest.approx(1.0)
    assert alike == pytest.approx(math.log(2))  # two motions are said to do just that
    assert features(recall.nearest("someone claps", ALIKE))[1] == 0.0
    assert features(recall.nearest("zxqw", ALIKE)) == (0.0, 0.0)


def test_the_chance_is_a_logistic_function_of_them(monkeypatch):
    monkeypatch.setattr(understand, "INTERCEPT", -1.0)
    monkeypatch.setattr(understand, "LIKENESS", 2.0)
    monkeypatch.setattr(understand, "COUNT", 0.5)
    assert chance(0.5, 0.0) == pytest.approx(0.5)
    assert chance(1.0, 2.0) == pytest.approx(1 / (1 + math.exp(-2)))


def test_the_more_alike_the_surer(model):
    known, half, nothing = (
        model.understands(t).chance for t in ("someone claps", "someone claps upstairs", "rust forms")
    )
    assert known > half > nothing
    assert model.understands("rust forms on iron").doubtful


def test_a_doubt_names_what_is_known_and_each_caption_once(model):
    found = model.understands("someone walks forward on a tightrope")
    assert [one.caption for one in found.nearest] == ["a person walks forward"]  # "someone walks forward" says the same
    assert found.unknown == ("tightrope",)
    assert found.slips == {}
    if found.doubtful:
        assert "'tightrope'" in found.warning()
        assert "'a person walks forward'" in found.warning()
    assert model.understands("rust forms").warning().endswith("nearest: nothing at all")


@pytest.mark.parametrize("wrong", ["wlaks", "walsk", "wakls", "walkss", "walk5s", "wals", "walis"])
def test_a_slip_of_a_known_word_is_named(model, wrong):
    found = model.understands(f"a person {wrong} forward")
    if wrong == "walk5s":  # no letters in between: two words, of which none is near
        assert found.slips == {}
        return
    if wrong == "wakls":
        assert found.slips == {"wakls": "walks"}
    assert found.slips.get(wrong) in ("walks", "walk")
    assert f"did you mean '{found.slips[wrong]}'?" in found.warning()


def test_a_word_of_english_is_no_slip(model):
    assert model.understands("a person parks").slips == {}  # near "walks", but a word of its own
    assert model.understands("a person parks").unknown == ("parks",)
    assert model.understands("a person walks").slips == {}


def test_without_captions_nothing_can_be_said(model):
    model.pipeline.recall = None
    with pytest.raises(RequestError, match="train memory"):
        model.understands("a person walks")
    with pytest.raises(RequestError, match="empty"):
        model.understands("  ")


def test_who_moves_and_how_it_is_asked_is_no_doubt(model):
    plain = model.understands("a person walks forward")
    for text in ("the goblin is walking forward", "walk forward", "make my grandmother walk forward"):
        found = model.understands(text)
        assert (found.chance, found.nearest, found.unknown) == (plain.chance, plain.nearest, ())
    assert model.understands("the cat walks forward").unknown == ("cat",)


def test_what_is_done_in_turns_is_as_sure_as_all_of_them(model):
    walks, claps = (model.understands(f"a person {what}") for what in ("walks forward", "claps"))
    both = model.understands("a person walks forward and then claps")
    assert both.chance == pytest.approx(walks.chance * claps.chance)
    assert both.taken_as == ("a person walks forward", "a person claps")
    assert (
        both.note()
        == "I take 'a person walks forward and then claps' as 'a person walks forward', then 'a person claps'"
    )
    lost = model.understands("a person walks forward and then dematerialises")
    assert lost.chance < walks.chance
    assert lost.unknown == ("dematerialises",)


def test_what_is_asked_itself_needs_no_note(model):
    assert model.understands("a person walks forward").note() is None
    assert model.understands("the goblin is walking forward").note() is None  # the mood is that of captions, no more
