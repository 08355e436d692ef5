"""Parts of speech and base forms of caption words."""

import pytest

from dimo.text import tagger


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("waving", "wave"),
        ("raising", "raise"),
        ("striding", "stride"),
        ("rotating", "rotate"),
        ("circling", "circle"),
        ("stumbling", "stumble"),
        ("running", "run"),
        ("hopping", "hop"),
        ("looking", "look"),
        ("walking", "walk"),
        ("kicking", "kick"),
        ("walks", "walk"),
    ],
)
def test_lemma_of_verbs(word, base):
    assert tagger.lemma(word, "VERB") == base
