"""Which encoder is found, and what is said where one is not whole."""

import numpy as np
import pytest

from dimo.errors import WeightsError
from dimo.evaluators.find import Remembered, find, find_all
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors


def test_without_an_encoder_words_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("DIMO_WEIGHTS", str(tmp_path))
    (judge,) = find_all(None, tmp_path)
    assert judge.encoder is None
    assert not judge.comparable
    same, other = judge.sentences(["a man walks", "a man walks on", "somebody jumps"])[1:]
    assert judge.sentences(["a man walks"])[0] @ same > judge.sentences(["a man walks"])[0] @ other


def test_a_retrained_evaluator_is_labelled(tmp_path):
    words = WordVectors(np.zeros((3, 8), np.float32), {"unk": 0, "sos": 1, "eos": 2})
    GuoEvaluator(Networks(263, 8), words, comparable=False).save(tmp_path / "own", {})
    judge = find(tmp_path / "own", tmp_path)
    assert not judge.comparable
    assert "not comparable" in judge.facts["label"]
    assert len(judge.facts["sha256"]) == 64


def test_what_is_missing_of_the_published_evaluator_is_named(tmp_path):
    (tmp_path / "meta").mkdir()
    np.save(tmp_path / "meta/mean.npy", np.zeros(263))
    with pytest.raises(WeightsError, match=r"lacks finest\.tar, our_vab_data\.npy"):
        find(tmp_path, tmp_path)
    with pytest.raises(WeightsError, match="no such folder"):
        find(tmp_path / "none", tmp_path)


def test_texts_are_encoded_once():
    calls = []

    def encode(texts):
        calls.extend(texts)
        return [np.full((1, 2), len(t)) for t in texts]

    remembered = Remembered(encode)
    assert [r[0, 0] for r in remembered(["a", "bb", "a"])] == [1, 2, 1]
    assert [r[0, 0] for r in remembered(["ccc", "bb"])] == [3, 2]
    assert calls == ["a", "bb", "ccc"]
