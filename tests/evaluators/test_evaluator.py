"""What every evaluator has from the start."""

import numpy as np

from dimo.evaluators.evaluator import Evaluator, Remembered, word_vectors
from dimo.features import humanml3d


class Sum(Evaluator):
    name, label = "sum", "a test"

    def embed_texts(self, captions):
        return np.array([[len(c)] for c in captions], float)

    def embed_motions(self, features):
        return np.array([[f.sum()] for f in features])


def walk() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.normal(size=(22, 3)) + np.arange(12)[:, None, None] * [0.01, 0.0, 0.02]


def test_positions_become_the_features_that_it_reads():
    evaluator, joints = Sum(), walk()
    exact, published = (humanml3d.encode(joints, mode) for mode in ("exact", "published"))
    assert np.allclose(evaluator.features(joints), exact, atol=1e-5)
    assert np.array_equal(evaluator.true_features("clip", joints, 3), evaluator.features(joints))
    assert np.allclose(evaluator.embed_joints([joints, joints[:6]])[0], exact.sum(), atol=1e-2)
    evaluator.feature_mode = "published"
    assert np.allclose(evaluator.features(joints), published, atol=1e-5)  # one frame fewer
    assert len(evaluator.features(joints)) == 11


def test_what_it_leaves_out_has_a_default():
    evaluator = Sum()
    assert not evaluator.comparable
    assert evaluator.states is None
    same, other = evaluator.sentences(["a man walks", "a man walks on", "somebody jumps"])[1:]
    assert word_vectors(["a man walks"])[0] @ same > word_vectors(["a man walks"])[0] @ other


def test_texts_are_encoded_once():
    calls = []

    def encode(texts):
        calls.extend(texts)
        return [np.full((1, 2), len(t)) for t in texts]

    remembered = Remembered(encode)
    assert [r[0, 0] for r in remembered(["a", "bb", "a"])] == [1, 2, 1]
    assert [r[0, 0] for r in remembered(["ccc", "bb"])] == [3, 2]
    assert calls == ["a", "bb", "ccc"]
