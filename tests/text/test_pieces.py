"""Vocabularies of checkpoint folders."""

import json

import pytest

from dimo.errors import WeightsError
from dimo.text.pieces import as_word_pieces, in_order, places_for, read_pieces
from dimo.text.wordpiece import Wordpiece


def test_vocab_txt_comes_first_and_tokenizer_json_stands_in(tmp_path):
    with pytest.raises(WeightsError, match=r"vocab\.txt or tokenizer\.json"):
        read_pieces(tmp_path)
    words = {"type": "WordPiece", "vocab": {"b": 1, "a": 0, "##c": 3}}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": words}))
    assert read_pieces(tmp_path) == ["a", "b", "[unused2]", "##c"] == in_order(words["vocab"])
    (tmp_path / "vocab.txt").write_text("x\ny\n")
    assert read_pieces(tmp_path) == ["x", "y"]


def test_sentencepiece_becomes_word_pieces(tmp_path):
    pieces = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "▁", "▁walk", "s", "▁a", ",", "▁,", "walk"]
    unigram = {"type": "Unigram", "vocab": [[p, -float(i)] for i, p in enumerate(pieces)]}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": unigram}))
    found = read_pieces(tmp_path)
    assert found == [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused5]", "walk", "##s", "a", "##,", ",", "##walk"
    ]  # fmt: skip
    wordpiece = Wordpiece({p: i for i, p in enumerate(found)})
    assert wordpiece.encode("a walks, walk") == [8, 6, 7, 10, 6]
    assert as_word_pieces(["▁a", "a", "▁a"]) == ["a", "##a", "[unused2]"]


def test_specials_come_to_their_places_and_nothing_is_lost():
    pieces = ["[CLS]", "a", "[MASK]", "b", "c", "[PAD]"]
    wanted = {"[PAD]": 0, "[CLS]": 4, "[MASK]": 5}
    order = places_for(pieces, wanted)
    assert sorted(order) == list(range(6))
    assert {p: [pieces[i] for i in order].index(p) for p in wanted} == wanted
    assert places_for(["x", "y", "z"], {"y": 1}) == [0, 1, 2]
    with pytest.raises(WeightsError, match=r"lacks \[SEP\]"):
        places_for(pieces, {"[SEP]": 1})
    with pytest.raises(WeightsError, match="6 pieces"):
        places_for(pieces, {"[CLS]": 8})


@pytest.mark.parametrize("text", ["{", "[]", '{"model": {"type": "BPE", "vocab": {}}}', '{"model": 3}'])
def test_other_tokenizers_are_refused(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        read_pieces(tmp_path)
