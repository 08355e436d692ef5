"""Our own evaluator: shapes, padding, storage, and a sentence encoder that equals another library's."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dimo.errors import ShapeError, WeightsError
from dimo.evaluators.ours import ContrastiveEvaluator, Towers, TowersConfig
from dimo.model import sentence as sentences
from dimo.model.sentence import SentenceEncoder
from dimo.model.transformer import Transformer, TransformerConfig
from dimo.text.wordpiece import Wordpiece

SMALL = TowersConfig(width=32, heads=4, feedforward=48, motion_layers=2, size=16, sentence_layers=1, sentence_width=24)
TINY_BERT = TransformerConfig(
    vocabulary=300, width=24, layers=1, heads=4, feedforward=48, positions=sentences.MAX_PIECES + 2, dropout=0.0
)


@pytest.fixture
def tiny(monkeypatch):
    """An untrained one over an untrained BERT of one small layer."""
    monkeypatch.setattr(sentences, "_transformer", lambda layers: Transformer(TINY_BERT))
    torch.manual_seed(0)
    return ContrastiveEvaluator(Towers(SMALL), SentenceEncoder(Transformer(TINY_BERT), Wordpiece.basic()))


def clips(*lengths):
    return [np.random.default_rng(n).normal(size=(n, 263)) for n in lengths]


def test_size_of_the_shipped_kind():
    with torch.device("meta"):
        towers, below = Towers(TowersConfig()), Transformer(TransformerConfig(positions=64))
    count = sum(t.numel() for t in towers.state_dict().values())
    assert 2 * count < 8e6  # bytes in half precision
    frozen = sum(t.numel() for n, t in below.state_dict().items() if n != sentences.WORDS)
    assert 2 * frozen < 25e6


def test_unit_vectors_in_the_order_given(tiny):
    motions = tiny.embed_motions(clips(40, 7, 196, 64), batch=3)
    texts = tiny.embed_texts(["a person walks", "b", "a person walks"], batch=2)
    assert motions.shape == (4, 16)
    assert texts.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(motions, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(texts[0], texts[2], atol=1e-5)
    assert not np.allclose(texts[0], texts[1], atol=1e-3)
    assert tiny.embed_texts([]).shape == tiny.embed_motions([]).shape == (0, 16)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 37, 196])
def test_batch_mates_change_nothing(tiny, length):
    alone = tiny.embed_motions(clips(length))[0]
    beside = tiny.embed_motions(clips(196, length, 11))[1]
    np.testing.assert_allclose(alone, beside, atol=2e-5)
    text = "a " * length
    np.testing.assert_allclose(tiny.embed_texts([text])[0], tiny.embed_texts(["b " * 30, text, "c"])[1], atol=2e-5)


def test_statistics_are_applied_and_long_motions_cut(tiny):
    (clip,) = clips(50)
    before = tiny.embed_motions([clip])
    tiny.towers.mean.fill_(1.0)
    tiny.towers.std.fill_(2.0)
    np.testing.assert_allclose(tiny.embed_motions([clip * 2 + 1]), before, atol=1e-5)
    long = np.concatenate([clip] * 5)
    np.testing.assert_allclose(tiny.embed_motions([long]), tiny.embed_motions([long[:196]]), atol=1e-6)


def test_motions_that_do_not_fit(tiny):
    for shape in ((10, 251), (0, 263)):
        with pytest.raises(ShapeError, match="motion 0"):
            tiny.embed_motions([np.zeros(shape)])


def model_folder(folder, evaluator):
    """What from_folder takes words from: the model file and vocabulary of a dimo weights folder."""
    folder.mkdir()
    save_file({"trunk.words.weight": evaluator.sentence.transformer.words.weight.half()}, folder / "model.safetensors")
    (folder / "vocab.txt").write_text(evaluator.sentence.wordpiece.vocab_text())
    return folder


def test_stored_without_words_and_back(tiny, tmp_path):
    words = tiny.sentence.transformer.words.weight
    words.copy_(words.half().float())
    tiny.save(tmp_path / "e", {"steps": 3})
    assert "words.weight" not in load_file(tmp_path / "e" / "sentence.safetensors")
    back = ContrastiveEvaluator.from_folder(tmp_path / "e", model_folder(tmp_path / "m", tiny))
    np.testing.assert_allclose(back.embed_motions(clips(30)), tiny.embed_motions(clips(30)), atol=1e-2)
    np.testing.assert_allclose(back.embed_texts(["a person"]), tiny.embed_texts(["a person"]), atol=1e-2)
    assert "not comparable" in back.label


def test_other_words_are_refused(tiny, tmp_path):
    tiny.save(tmp_path / "e", {})
    model = model_folder(tmp_path / "m", tiny)
    tiny.sentence.transformer.words.weight.add_(1.0)
    save_file({"trunk.words.weight": tiny.sentence.transformer.words.weight}, model / "model.safetensors")
    with pytest.raises(WeightsError, match="not those that"):
        ContrastiveEvaluator.from_folder(tmp_path / "e", model)
    (model / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"trunk\.words\.weight"):
        ContrastiveEvaluator.from_folder(tmp_path / "e", model)


def test_a_config_that_is_none(tiny, tmp_path):
    tiny.save(tmp_path / "e", {})
    path = tmp_path / "e" / "config.json"
    path.write_text(path.read_text().replace('"width": 32', '"breadth": 32'))
    with pytest.raises(WeightsError, match="evaluator config"):
        ContrastiveEvaluator.from_folder(tmp_path / "e", tmp_path)
