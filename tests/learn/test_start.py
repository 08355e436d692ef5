"""How a model begins: BERT and ALBERT folders with their vocabularies and heads, and what of them learns."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dimo.api import DiMo
from dimo.codec.codec import Codec, CodecConfig
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.errors import RequestError, WeightsError
from dimo.learn import train
from dimo.learn.recipe import DataOptions, ModelRecipe
from dimo.learn.start import fitting, open_start
from dimo.model.masked import MaskedConfig
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import CLS, MASK, PAD, SEP, UNK

transformers = pytest.importorskip("transformers")
WORDS = ["a", "person", "walk", "##s", "jump", "bow", "left", "right"]
SIZES = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 80}


@pytest.fixture
def codec() -> Codec:
    torch.manual_seed(0)
    made = Codec(CodecConfig(width=16, dim=8, levels=2, codes=16))
    torch.nn.init.normal_(made.quantizer.codebooks)
    return made


def bert_folder(folder: Path) -> Path:
    """A tiny BERT with a head whose specials are not where bert-base's are (as SciBERT's)."""
    folder.mkdir()
    pieces = ["[PAD]", *(f"[unused{i}]" for i in range(100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    torch.manual_seed(1)
    model = transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=len(pieces), num_hidden_layers=2, **SIZES))
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(folder)
    return folder


def albert_folder(folder: Path) -> Path:
    """A tiny ALBERT with its SentencePiece vocabulary."""
    folder.mkdir()
    pieces = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [w.removeprefix("##") if w.startswith("##") else f"▁{w}" for w in WORDS] + [f"▁x{i}" for i in range(100)]
    unigram = {"type": "Unigram", "vocab": [[p, -1.0] for p in pieces]}
    (folder / "tokenizer.json").write_text(json.dumps({"model": unigram}))
    torch.manual_seed(1)
    config = transformers.AlbertConfig(vocab_size=len(pieces), embedding_size=8, num_hidden_layers=3, **SIZES)
    transformers.AlbertForMaskedLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("make", [bert_folder, albert_folder])
def test_any_checkpoint_predicts_the_same_words_under_our_ids(make, codec, tmp_path):
    folder = make(tmp_path / "bert")
    start = open_start(ModelRecipe(), codec, folder)
    vocabulary = start.wordpiece.vocabulary
    assert [vocabulary[s] for s in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [PAD, UNK, CLS, SEP, MASK]
    model = start.model(codec).eval()
    assert model.config.levels == 2
    assert model.config.codes == 16
    kind = transformers.AlbertForMaskedLM if make is albert_folder else transformers.BertForMaskedLM
    theirs = kind.from_pretrained(folder).eval()
    at = (2, 3, 4) if make is albert_folder else (102, 103, 104)
    first = 5 if make is albert_folder else 105
    own = [CLS, *start.wordpiece.encode("a person walks"), MASK, SEP]
    foreign = [at[0], first, first + 1, first + 2, first + 3, at[2], at[1]]
    assert len(own) == len(foreign)
    with torch.no_grad():
        words = model.text_logits(model.trunk(torch.tensor([own])))[0, -2]
        want = theirs(torch.tensor([foreign])).logits[0, -2]
    for i, word in enumerate(WORDS):
        assert float(words[vocabulary[word]]) == pytest.approx(float(want[first + i]), abs=1e-4)
    assert float(words[MASK]) == pytest.approx(float(want[at[2]]), abs=1e-4)


def test_only_the_vocabulary_is_taken_when_the_recipe_says_so(codec, tmp_path):
    folder = bert_folder(tmp_path / "bert")
    trunk = TransformerConfig(width=16, layers=1, heads=2, feedforward=16)
    start = open_start(ModelRecipe(transformer=trunk, data=DataOptions(start_weights=False)), codec, folder)
    assert start.bert is None
    assert start.config.transformer == replace(trunk, vocabulary=113)


def test_a_recipe_may_ask_for_fewer_layers_and_for_no_other_size(codec, tmp_path):
    found = TransformerConfig(vocabulary=113, width=32, layers=4, heads=4, feedforward=48, positions=80)
    place = Path("x")
    assert fitting(TransformerConfig(dropout=0.3), found, place) == replace(found, dropout=0.3)
    assert fitting(replace(found, layers=2, dropout=0.0), found, place) == replace(found, layers=2, dropout=0.0)
    for wrong in (replace(found, width=64), replace(found, layers=5), replace(found, activation="relu")):
        with pytest.raises(RequestError, match=r"x: \[transformer\] in the recipe does not fit"):
            fitting(wrong, found, place)
    folder = bert_folder(tmp_path / "bert")
    asked = TransformerConfig(vocabulary=113, width=32, layers=1, heads=4, feedforward=48, positions=80)
    model = open_start(ModelRecipe(transformer=asked), codec, folder).model(codec)
    assert len(model.trunk.layers) == 1
    state = load_file(folder / "model.safetensors")
    assert torch.equal(model.trunk.layers[0].up.weight, state["bert.encoder.layer.0.intermediate.dense.weight"])


def test_folders_that_cannot_begin_a_model_are_refused(codec, tmp_path):
    folder = bert_folder(tmp_path / "bert")
    with pytest.raises(WeightsError, match="80 positions"):
        open_start(ModelRecipe(model=MaskedConfig(max_text=79)), codec, folder)
    pieces = (folder / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(pieces + "more\n")
    with pytest.raises(WeightsError, match="114 pieces in its vocabulary, but 113 word vectors"):
        open_start(ModelRecipe(), codec, folder)
    (folder / "vocab.txt").write_text(pieces.replace("[MASK]", "[HIDE]"))
    with pytest.raises(WeightsError, match=r"lacks \[MASK\]"):
        open_start(ModelRecipe(), codec, folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(WeightsError, match=r"vocab\.txt or tokenizer\.json"):
        open_start(ModelRecipe(), codec, folder)


def data_folder(folder: Path) -> Path:
    pytest.importorskip("pyarrow")
    folder.mkdir()
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    joints = (rest + np.arange(30)[:, None, None] * [0, 0, 0.02]).astype(np.float32)
    for split in ("train", "val"):
        made = [
            Clip(f"{split}{i}", joints[: 20 + i], 20.0, (Caption(f"a person {w}"),), split, label=w)
            for i, w in enumerate(("walks", "bow"))
        ]
        shards.write(folder / f"{split}.parquet", made)
    return folder


@pytest.mark.parametrize("learn", [False, True])
def test_pretrained_word_vectors_learn_only_when_the_recipe_says_so(learn, codec, tmp_path):
    bert, data = bert_folder(tmp_path / "bert"), data_folder(tmp_path / "data")
    train.save_codec(codec, tmp_path / "codec", {})
    (tmp_path / "r.toml").write_text(
        f"[loss]\nbatch = 4\nmix = [1, 1, 1]\n[loop]\nlearning_rate = 1e-2\nema = 0.0\nbf16 = false\nwarmup = 1\n"
        f"log_every = 1\n[data]\ntrain_words = {str(learn).lower()}\n"
    )
    settings = train.Settings(data, tmp_path / "out", tmp_path / "r.toml", steps=3, quiet=True)
    assert train.train_model(settings, tmp_path / "codec", bert) == 3
    made = DiMo.from_pretrained(tmp_path / "out", precision="fp32")
    theirs = load_file(bert / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    ours = made.model.trunk.words.weight[made.wordpiece.vocabulary["walk"]]
    kept = torch.allclose(ours, theirs[107], atol=1e-6)
    assert kept == (not learn)
    assert made.model.config.unknown_text == "absent"
    # Training goes on from the result, whose sizes the recipe need not repeat.
    again = replace(settings, out=tmp_path / "more", steps=1)
    assert train.train_model(again, tmp_path / "codec", tmp_path / "out") == 1
