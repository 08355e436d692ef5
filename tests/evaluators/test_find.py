"""Which evaluators are found, and what is said where one is not whole."""

import hashlib

import numpy as np
import pytest

from dimo.errors import WeightsError
from dimo.evaluators.find import find, find_all
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors


def retrained() -> GuoEvaluator:
    words = WordVectors(np.zeros((3, 8), np.float32), {"unk": 0, "sos": 1, "eos": 2})
    return GuoEvaluator(Networks(263, 8), words, comparable=False)


def test_where_there_is_none_none_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("DIMO_WEIGHTS", str(tmp_path))
    assert find_all() == find_all(None, tmp_path) == []


def test_a_retrained_evaluator_is_labelled(tmp_path):
    retrained().save(tmp_path / "own", {})
    found = find(tmp_path / "own", tmp_path)
    assert not found.comparable
    assert "not comparable" in found.label
    assert found.sha256 == hashlib.sha256((tmp_path / "own/evaluator.safetensors").read_bytes()).hexdigest()


def test_named_ones_come_before_those_of_the_weights_and_those_before_the_packaged(tmp_path, monkeypatch):
    monkeypatch.setenv("DIMO_WEIGHTS", str(tmp_path / "packaged"))
    retrained().save(tmp_path / "packaged/evaluator", {})
    (packaged,) = find_all(None, tmp_path / "none")
    other = retrained()
    other.networks.mean.fill_(1.0)
    other.save(tmp_path / "model/evaluator", {})
    (own,) = find_all(None, tmp_path / "model")
    assert own.sha256 != packaged.sha256
    assert [e.sha256 for e in find_all([tmp_path / "packaged/evaluator"] * 3, tmp_path / "model")] == [
        packaged.sha256
    ] * 3


def test_what_is_missing_of_the_published_evaluator_is_named(tmp_path):
    (tmp_path / "meta").mkdir()
    np.save(tmp_path / "meta/mean.npy", np.zeros(263))
    with pytest.raises(WeightsError, match=r"lacks finest\.tar, our_vab_data\.npy"):
        find(tmp_path, tmp_path)
    with pytest.raises(WeightsError, match="no such folder"):
        find(tmp_path / "none", tmp_path)
