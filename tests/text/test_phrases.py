"""Runs of word pieces that captions are made of."""

import itertools

import numpy as np
import pytest

from dimo.text.phrases import BEFORE, END, REACH, Phrases

WALKS, STOPS, AND, HOPS, A = 7, 8, 9, 10, 11
CAPTIONS = [(A, WALKS, AND, STOPS), (A, WALKS, AND, HOPS), (HOPS,), (A, HOPS, AND, HOPS)]


def told(ids):
    return Phrases.of(CAPTIONS).after(ids).tolist()


def test_a_caption_begins_goes_on_and_ends_as_one_did():
    assert told([]) == [HOPS, A]
    assert told([A]) == [WALKS, HOPS]
    assert told([A, WALKS]) == [AND]
    assert told([A, WALKS, AND]) == [STOPS, HOPS]
    assert told([A, WALKS, AND, HOPS]) == [END]
    assert told([HOPS]) == [END]


def test_only_the_last_pieces_count():
    assert REACH == 4
    assert told([STOPS, STOPS, A, WALKS, AND]) == [STOPS, HOPS]
    assert told([STOPS, A, WALKS]) == []  # nobody said that these stand behind another
    assert told([WALKS]) == []  # nor that a caption begins so


def test_captions_do_not_go_on_in_one_another():
    phrases = Phrases.of([(A, WALKS, AND), (STOPS, HOPS, A)])
    assert phrases.after([WALKS, AND, STOPS]).size == 0
    assert phrases.after([A, WALKS, AND]).tolist() == [END]


def test_it_says_what_a_search_through_captions_says():
    draw = np.random.default_rng(0)
    captions = [tuple(draw.integers(1, 5, draw.integers(1, 9)).tolist()) for _ in range(40)]
    captions.append((BEFORE - 1, 1, BEFORE - 1))  # the last piece that has room
    padded = [(BEFORE,) * 3 + c + (END,) for c in captions]
    runs = [c[i : i + 4] for c in padded for i in range(len(c) - 3)]
    phrases = Phrases.of(captions)
    assert len(phrases.runs) == len(set(runs))
    for length in range(4):
        for ids in itertools.product(range(1, 5), repeat=length):
            key = ((BEFORE,) * 3 + ids)[-3:]
            assert phrases.after(ids).tolist() == sorted({r[3] for r in runs if r[:3] == key})
    assert phrases.after([BEFORE - 1, 1]).tolist() == [BEFORE - 1]


def test_nothing_was_said():
    assert Phrases.of([]).after([1, 2]).size == 0


@pytest.mark.parametrize("piece", [-1, BEFORE + 1])
def test_a_piece_without_room_is_refused(piece):
    with pytest.raises(ValueError, match="at most 32767 pieces"):
        Phrases.of([(1, piece)])
