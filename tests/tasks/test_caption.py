"""Captions, written in order as those of training go on."""

import numpy as np
import pytest
import torch

from dimo import DiMo
from dimo.memory.recall import Recall
from dimo.tasks.caption import CAPTION_OPTIONS, IN_ORDER, caption, options_for
from dimo.text.phrases import Phrases

SAID = ["a dog", "a big cat", "a big dog, too", "big cats"]


@pytest.fixture(scope="module")
def model():
    made = DiMo.debug(seed=5)
    levels = made.codec.config.levels
    made.pipeline.recall = Recall.of([torch.zeros(4, levels, dtype=torch.long)] * len(SAID), [[s] for s in SAID])
    return made


@pytest.fixture(scope="module")
def motions():
    return DiMo.debug().sample(seconds=2, samples=6, seed=3)


def test_a_caption_is_made_of_what_was_said(model, motions):
    """Letters are the pieces of this vocabulary: every run of four of a caption is one of SAID."""
    phrases = model.pipeline.phrases
    for made in [*model.caption(motions, seed=1), *model.caption(motions, seed=1, samples=3)]:
        for one in (made, *made.others):
            ids = model.wordpiece.encode(one.text)
            assert ids
            assert all(piece in phrases.after(ids[:i]) for i, piece in enumerate(ids)), one.text


def test_words_are_pieces_wherever_they_stand(model):
    whole = Phrases.of([model.wordpiece.encode(s) for s in SAID])
    assert np.array_equal(model.pipeline.phrases.runs, whole.runs)


def test_neighbours_change_nothing(model, motions):
    together = model.caption(motions, seed=4, temperature=1.0)
    alone = [model.caption(m, seed=4, temperature=1.0)[0] for m in motions]
    assert [c.text for c in together] == [c.text for c in alone]


def test_rounds_that_are_asked_for_fill_in_all_words(model, motions):
    codes = [model.pipeline.to_codes(m) for m in motions]
    drawn = caption(model.model, codes, CAPTION_OPTIONS)
    assert [c.text for c in model.caption(motions, steps=12)] == [model.wordpiece.decode(ids) for ids in drawn]
    assert options_for(1, 12, None) == CAPTION_OPTIONS
    assert options_for(1, None, None) == IN_ORDER
    assert options_for(4, None, None).temperature == options_for(4, 9, None).temperature == 0.7


def test_weights_without_captions_fill_in_all_words(model, motions):
    bare = DiMo.debug(seed=5)
    assert bare.pipeline.phrases is None
    assert [c.text for c in bare.caption(motions)] == [c.text for c in model.caption(motions, steps=12)]
