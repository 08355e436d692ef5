"""The published evaluator beside the files of a published collection."""

import numpy as np
import pytest

from dimo.errors import RequestError
from dimo.evaluators.collection import on_collection
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors

WORDS = WordVectors(np.eye(4, 8, dtype=np.float32), {"unk": 0, "sos": 1, "eos": 2, "strolls": 3})


@pytest.fixture
def humanml3d(tmp_path):
    """A directory of one clip, whose features are numbers that no positions give, and whose tokens no tagger makes."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "new_joint_vecs").mkdir()
    (tmp_path / "texts/000001.txt").write_text("a man walks#strolls/VERB#0.0#0.0\n")
    (tmp_path / "test.txt").write_text("000001\n")
    np.save(tmp_path / "new_joint_vecs/000001.npy", np.arange(40 * 263, dtype=np.float64).reshape(40, 263))
    return tmp_path


def evaluator(features: int = 263, comparable: bool = True) -> GuoEvaluator:
    return GuoEvaluator(Networks(features, 8, 16), WORDS, comparable=comparable, sha256="f" * 64)


def test_tokens_and_features_are_the_collections(humanml3d):
    plain = evaluator()
    found = on_collection(plain, humanml3d)
    assert np.allclose(found.embed_texts(["a man walks"]), plain.embed_texts([["strolls/VERB"]]), atol=1e-6)
    assert np.allclose(found.embed_texts(["he runs"]), plain.embed_texts(["he runs"]), atol=1e-6)
    joints = np.random.default_rng(0).normal(size=(12, 22, 3))
    assert found.true_features("000001", joints, 4)[0, 0] == 4 * 263
    assert len(found.true_features("000001", joints, 4)) == 12
    assert np.array_equal(found.true_features("000001_1", joints, 0), plain.features(joints))  # a part without a file
    assert (found.comparable, found.label, found.sha256, found.name) == (True, "", "f" * 64, plain.name)
    assert np.array_equal(found.embed_joints([joints]), plain.embed_joints([joints]))


def test_other_evaluators_and_folders_stay_as_they_are(humanml3d, tmp_path):
    retrained, original = evaluator(comparable=False), evaluator()
    assert on_collection(retrained, humanml3d) is retrained
    assert on_collection(original, humanml3d / "texts") is original
    with pytest.raises(RequestError, match="in its own unit"):
        on_collection(evaluator(251), humanml3d)
