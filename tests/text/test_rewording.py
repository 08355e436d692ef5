"""Captions in other words: the motion that they speak of stays the same."""

import re
from collections import Counter

import numpy as np
import pytest

from dimo.text.normalise import normalise
from dimo.text.rewording import WORDS, Words, reword

CAPTIONS = (
    "a person walks forward and then waves with the right hand",
    "someone is slowly turning to the left",
    "the man raises his left hand, then lowers it",
    "a woman takes two steps backward and sits down",
    "a figure lifting both arms above their head",
    "briskly, a person jogs ahead",
    "somebody kicks with the left leg three times and stands still",
)


def drawn(text: str, count: int = 200, words: Words = WORDS, renamed: float = 0.0) -> list[str]:
    generator = np.random.default_rng(0)
    return [reword(text, generator, words, renamed) for _ in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        "two people dance together",
        "a person who limps",
        "the person was pushed",
        "a person on hands and knees",
        "the left arm swings",
        "",
    ],
)
def test_what_is_of_no_known_form_keeps_its_words(text):
    for said in drawn(text, 50):
        assert text in said
        rest = said.replace(text, "", 1).strip(" ,")
        assert rest in ("", *WORDS.additions)


@pytest.mark.parametrize("text", CAPTIONS)
def test_sides_numbers_and_directions_stay(text):
    kept = "left right both two three forward backward ahead down once knees arms head hand hands leg".split()

    def counted(said: str) -> Counter[str]:
        return Counter(w for w in re.findall(r"\w+", said) if w in kept)

    for said in drawn(text):
        assert counted(said) == counted(text), said


@pytest.mark.parametrize("text", CAPTIONS)
def test_they_are_in_plain_form_and_say_it_in_many_ways(text):
    found = drawn(text)
    assert all(said == normalise(said) for said in found)
    assert len(set(found)) > 60


def test_possessives_and_reflexives_are_of_whoever_it_is_about():
    words = Words(people=("a clerk",), men=("a king",), women=("a queen",), additions=("at noon",))
    for said in drawn("a person turns himself around and raises his hand", 300, words):
        if "king" in said:
            assert "himself around" in said
            assert "his hand" in said
        elif "queen" in said:
            assert "herself around" in said
            assert "her hand" in said
        elif "clerk" in said or "they" in said:
            assert "themselves around" in said
            assert "their hand" in said


def test_he_and_she_are_made_to_move_as_him_and_her():
    words = Words(people=("she",), men=("he",), women=("she",), additions=("at noon",))
    for said in drawn("a person waves", 400, words):
        assert not re.search(r"\b(?:make|let|show|animate|want|see|of) (?:he|she|they)\b", said)
        assert not re.search(r"\bthey (?:waves|is)\b|\b(?:he|she) (?:wave|are)\b", said)


def test_somebody_who_is_spoken_of_again_stays_who_it_is():
    text = "a person walks and then she stops"
    assert all(text in said for said in drawn(text, 60))


def test_the_same_generator_says_the_same():
    assert drawn(CAPTIONS[0]) == drawn(CAPTIONS[0])


def test_what_is_done_is_called_otherwise_as_often_as_asked():
    said = drawn("a person limps", 600, renamed=0.5)
    own = [re.search(r"(?<!a )\blimp(s|ing)?\b(?! along)", one) is not None for one in said]
    assert 0.44 < np.mean(own) < 0.56  # 3 standard errors of a binomial
    assert any("hobbl" in one for one in said)
    assert not any("hobbl" in one for one in drawn("a person limps", 600))
