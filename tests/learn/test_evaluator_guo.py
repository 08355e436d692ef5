"""Retraining of the evaluator of Guo et al.: its losses, its words, and one run of both stages."""

import numpy as np
import pytest
import torch

from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.evaluators import guo
from dimo.evaluators.guo import GuoEvaluator
from dimo.learn import evaluator_guo as evaluator
from dimo.learn.evaluator_guo import contrast, word_vectors, words_of
from dimo.learn.train import Settings
from dimo.text.wordpiece import Wordpiece


def test_contrast_of_known_points():
    texts = torch.tensor([[0.0, 0], [10, 0], [0, 3]])
    motions = torch.tensor([[0.0, 2], [10, 0], [4, 3]])
    near, far = contrast(texts, motions, 1, margin=10.0)
    assert float(near) == pytest.approx((4 + 0 + 16) / 3)
    # Shifted by one: distances 10, sqrt(36 + 9), 1.
    assert float(far) == pytest.approx((0 + (10 - 45**0.5) ** 2 + 81) / 3)


def test_autoencoder_shapes():
    model = evaluator.Autoencoder(guo.Movement(263, 32), 263)
    rebuilt, snippets = model(torch.zeros(2, 40, 263))
    assert rebuilt.shape == (2, 40, 263)
    assert snippets.shape == (2, 10, 32)


def test_words_and_their_vectors():
    words = words_of(["a person walks", "a person jumps"])
    assert words == ["unk", "sos", "eos", "a", "jump", "person", "walk"]
    wordpiece = Wordpiece.basic()
    pieces = torch.from_numpy(np.random.default_rng(0).normal(size=(400, 16))).float()
    made = word_vectors(words, wordpiece, pieces, 20)
    assert made.vectors.shape == (7, 20)
    # Axes are turned, angles are kept.
    table = np.stack([pieces[wordpiece.encode(w)].mean(0).numpy() for w in words])
    table -= table.mean(0)

    def cosines(x):
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        return x @ x.T

    np.testing.assert_allclose(cosines(made.vectors), cosines(table), atol=1e-5)
    assert np.linalg.norm(made.vectors, axis=1).mean() == pytest.approx(evaluator.WORD_NORM, rel=1e-5)


def test_both_stages_run_and_the_result_is_labelled(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(0)
    base = np.cumsum(rng.normal(size=(22, 3)), axis=0) * 0.1
    for split in ("train", "val"):
        made = [
            Clip(
                id=f"{split}{i}",
                joints=(base + 0.02 * rng.normal(size=(48, 22, 3))).astype(np.float32),
                fps=20,
                captions=(Caption(f"a person {verb}"),),
                split=split,
                source="S",
                licence="L",
                label=verb,
            )
            for i, verb in enumerate(("walks", "jumps"))
        ]
        shards.write(tmp_path / "data" / f"{split}.parquet", made)
    # The published word vectors stand in for MiniLM, which may not be installed.
    words = ["unk", "sos", "eos", "a", "person", "walk", "jump"]
    np.save(tmp_path / "our_vab_data.npy", rng.normal(size=(7, 300)))
    (tmp_path / "our_vab_words.txt").write_text("\n".join(words))
    (tmp_path / "r.toml").write_text("[loss]\nwidth = 16\nbatch = 2\nmovement_batch = 2\n[loop]\nbf16 = false\n")
    settings = Settings(tmp_path / "data", tmp_path / "out", tmp_path / "r.toml", steps=2, quiet=True)
    assert evaluator.train_evaluator(settings, glove=tmp_path) == 2
    back = GuoEvaluator.from_folder(tmp_path / "out")
    assert back.label == guo.RETRAINED
    assert back.embed_motions([np.zeros((40, 263))]).shape == (1, 16)
    assert back.embed_texts(["a person walks"]).shape == (1, 16)
    assert float(back.networks.std.min()) > 0
