import json
from dataclasses import replace

import pytest
import torch

from dimo.errors import RequestError, ShapeError
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig
from dimo.sequence.tokens import pack

TINY = TransformerConfig(vocabulary=200, width=32, layers=2, heads=4, feedforward=64, positions=64, dropout=0.0)


def tiny(**changes) -> MaskedModel:
    torch.manual_seed(0)
    return MaskedModel(MaskedConfig(transformer=replace(TINY, **changes), levels=3, codes=16)).eval()


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
    a, b = model(alone), model(beside)
    assert torch.allclose(a.motion[0], b.motion[0, :4], atol=1e-5)
    assert torch.allclose(a.text[0], b.text[0, :2], atol=1e-5)
    for level in range(3):
        first = model.code_logits(a.motion, alone.codes, alone.motion_slots, level)
        second = model.code_logits(b.motion, beside.codes, beside.motion_slots, level)
        assert torch.allclose(first[0], second[0, :4], atol=1e-5)
    lengths = model.length_logits(beside.ids, beside.text_slots)
    assert torch.allclose(lengths[0], model.length_logits(alone.ids, alone.text_slots)[0], atol=1e-5)


def unknown_texts(model: MaskedModel, counts=(0, 4, 8, 16, 30)) -> list[torch.Tensor]:
    """What the model makes of one motion beside unknown texts of so many words, each alone and all in one batch."""
    motion = torch.randint(0, 16, (6, 3), generator=torch.Generator().manual_seed(3))
    batches = [pack([[7] * n], [motion], levels=3) for n in counts]
    batches.append(pack([[7] * n for n in counts], [motion] * len(counts), levels=3))
    known = torch.tensor([[3, 0, 1, 0, 0, 2]])
    out = [model(replace(b.without_text(), known_levels=known.expand(len(b), -1))).motion for b in batches]
    return list(torch.cat(out))


def test_an_unknown_text_says_nothing_of_its_length():
    first, *others = unknown_texts(tiny())
    assert all(torch.allclose(first, other, atol=1e-6) for other in others)


def test_as_many_masks_as_the_text_had_words_tell_its_length():
    config = MaskedConfig(transformer=TINY, levels=3, codes=16, unknown_text="masked")
    torch.manual_seed(0)
    first, *others = unknown_texts(MaskedModel(config).eval())
    assert not any(torch.allclose(first, other, atol=1e-4) for other in others[1:4])


def test_text_that_is_to_be_written_has_its_places():
    model = tiny()
    tokens = pack([[]], [torch.zeros(5, 3, dtype=torch.long)], levels=3, text_known=False, text_slots=8)
    assert not tokens.wordless().any()
    less = pack([[]], [torch.zeros(5, 3, dtype=torch.long)], levels=3, text_known=False, text_slots=4)
    assert not torch.allclose(model(tokens).motion, model(less).motion, atol=1e-4)


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
    for form in ("absent", "masked"):
        config = MaskedConfig(transformer=TINY, levels=3, unknown_text=form)
        assert MaskedConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    older = {
        k: v for k, v in MaskedConfig(transformer=TINY).to_dict().items() if k not in ("unknown_text", "depth_input")
    }
    assert MaskedConfig.from_dict(older).unknown_text == "masked"
    assert MaskedConfig.from_dict(older).depth_input == "raw"
    with pytest.raises(RequestError, match="depth_input"):
        MaskedConfig(depth_input="large")
    with pytest.raises(RequestError, match="unknown_text"):
        MaskedConfig(unknown_text="there")


@pytest.mark.parametrize("levels", [1, 2, 8])
def test_any_number_of_levels_starts_from_codebooks(levels):
    torch.manual_seed(0)
    model = MaskedModel(MaskedConfig(transformer=TINY, levels=levels, codes=16))
    books = torch.randn(levels, 16, 5)
    model.start_from_codebooks(books)
    assert all(bool(p.isfinite().all()) for p in model.parameters())
    # Distances among a level's embeddings follow those of its codebook, up to the random projection's distortion.
    near = torch.corrcoef(torch.stack([torch.pdist(books[0]), torch.pdist(model.code_embeddings[0].detach())]))
    assert near[0, 1] > 0.8
    if levels > 1:
        assert float(model.depth_codes[0].detach().std()) == pytest.approx(1.0, abs=1e-4)
        # The finer levels stay as much smaller as their codes are, and outputs lie where the codes they stand for do.
        for q in range(1, levels):
            out, code = torch.pdist(model.depth_out[q - 1].detach()), torch.pdist(books[q])
            assert torch.corrcoef(torch.stack([out, code]))[0, 1] > 0.8
        smaller = books.clone()
        smaller[1:] /= 10
        model.start_from_codebooks(smaller)
        assert all(float(m.detach().std()) < 0.2 for m in model.depth_codes[1:])


def test_the_depth_decoder_hears_codes_however_loud_the_trunk_is():
    torch.manual_seed(0)
    hidden, real = torch.randn(2, 6, TINY.width) * 3 + 1, torch.ones(2, 6, dtype=torch.bool)
    codes = torch.randint(0, 16, (2, 6, 3))
    for form, same in (("normalised", True), ("raw", False)):
        model = MaskedModel(MaskedConfig(transformer=TINY, levels=3, codes=16, depth_input=form)).eval()
        for level in (2, torch.tensor([1, 2])):
            quiet, loud = (model.code_logits(h, codes, real, level) for h in (hidden, 50 * hidden))
            assert torch.allclose(quiet, loud, atol=1e-3) == same


def test_levels_can_be_told_from_the_levels_below_alone():
    torch.manual_seed(0)
    model = MaskedModel(MaskedConfig(transformer=TINY, levels=3, codes=16)).eval()
    model.start_from_codebooks(torch.randn(3, 16, 5))
    codes, real = torch.randint(0, 16, (1, 9, 3)), torch.ones(1, 9, dtype=torch.bool)
    alone = model.code_logits(None, codes, real, 1)
    nothing = model.code_logits(torch.zeros(1, 9, TINY.width), codes, real, torch.tensor([1]))
    assert torch.allclose(alone, nothing, atol=1e-6)
    above = codes.clone()
    above[..., 1:] = (above[..., 1:] + 1) % 16
    assert torch.equal(alone, model.code_logits(None, above, real, 1))  # neither itself nor what lies above
    below = codes.clone()
    below[0, 4, 0] = (below[0, 4, 0] + 1) % 16
    changed = (alone != model.code_logits(None, below, real, 1)).any(-1)[0]
    assert changed.tolist() == [
        False,
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]  # two blocks reach one step each
