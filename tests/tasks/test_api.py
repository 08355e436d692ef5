"""The API on the tiny random model: everything but quality."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dimo import DiMo, Motion, RequestError, WeightsError, preset
from dimo.diffusion.sample import SampleOptions, draw_from
from dimo.inpaint.predictor import Predictor
from dimo.sequence.tokens import pack
from dimo.tasks import score


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def test_generate_gives_the_asked_length_and_repeats(model):
    first = model.generate("a person walks", seconds=2.3, steps=3, samples=2, seed=4)
    assert [len(m) for m in first] == [46, 46]
    assert first[0].fps == 20
    assert first[0].skeleton == preset("humanml3d")
    again = model.generate("a person walks", seconds=2.3, steps=3, samples=2, seed=4)
    assert first == again
    assert first[0] != first[1]
    assert first[0] != model.generate("a person walks", seconds=2.3, steps=3, seed=5)[0]


def test_options_are_honoured_and_what_stands_beside_them_goes_first(model):
    options = SampleOptions(steps=3, seed=7)

    def made(**given) -> Motion:
        return model.generate("a person walks", seconds=2, **given)[0]

    assert made(options=options) == made(options=options) == made(steps=3, seed=7)
    assert made(options=options, seed=8) == made(steps=3, seed=8) != made(options=options)
    assert made(options=options, steps=5) == made(steps=5, seed=7) != made(options=options)
    assert made(options=options, guidance=1.0) == made(options=SampleOptions(steps=3, seed=7, guidance=1.0))
    assert made(options=options, temperature=0.3) != made(options=options)
    assert model.trace("a person walks", seconds=2, options=options).rounds == 3
    clip = made(options=options)
    assert model.predict(clip, 1, options=options) == model.predict(clip, 1, steps=3, seed=7)
    assert model.sample(2, options=options) == model.sample(2, steps=3, seed=7)
    assert model.vary(clip, 0.5, options=options) == model.vary(clip, 0.5, steps=3, seed=7)
    assert model.compose([("walks", 2)], options=options) == model.compose([("walks", 2)], steps=3, seed=7)


def test_several_texts_are_several_single_ones(model):
    texts, seconds, seeds = ["a person walks", "bows", "someone jumps twice"], [2, 1.2, None], [4, 5, 5]
    made = model.generate(texts, seconds=seconds, seed=seeds, steps=3, samples=2)
    assert len(made) == 6
    for i, (text, length, seed) in enumerate(zip(texts, seconds, seeds, strict=True)):
        assert made[2 * i : 2 * i + 2] == model.generate(text, seconds=length, seed=seed, steps=3, samples=2)
    captions = model.caption(made, steps=3)
    assert captions == [model.caption(m, steps=3)[0] for m in made]


def test_a_long_motion_is_a_composition_of_one_part(model):
    (long,) = model.generate("a person walks", seconds=20, steps=2, seed=3)
    assert len(long) == 400
    assert long == model.compose([("a person walks", 20)], steps=2, seed=3)[0]


def test_a_motion_starts_at_the_origin(model):
    motion = model.generate("a person walks", seconds=1, steps=1, seed=0)[0]
    assert np.allclose(motion.root[0, [0, 2]], 0)


def test_length_is_estimated_when_none_is_given(model):
    motion = model.generate("a person walks", steps=1, seed=0)[0]
    assert 4 <= len(motion) <= 196
    assert len(motion) % 4 == 0


def test_another_skeleton(model):
    assert model.generate("walk", seconds=1, steps=1, seed=0, skeleton=preset("kit"))[0].skeleton == preset("kit")


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "empty"),
        ("   ", {}, "empty"),
        ("walk " * 200, {}, "word pieces"),
        ("人が歩く", {}, "English"),
        ("человек идёт вперёд", {}, "English"),
        ("!!! ???", {}, "no words"),
        ("walk", {"seconds": 0}, "seconds"),
        ("walk", {"seconds": 601}, "600"),
        (["walk", "run"], {"seconds": [1, 2, 3]}, "3 values for 2 texts"),
        (["walk", ""], {}, "empty"),
        ("walk", {"seed": -1}, "seed"),
        ("walk", {"seconds": float("nan")}, "seconds"),
        ("walk", {"steps": 0}, "steps"),
        ("walk", {"samples": 0}, "samples"),
        ("walk", {"guidance": -1}, "guidance"),
    ],
)
def test_impossible_requests_are_refused(model, text, options, words):
    with pytest.raises(RequestError, match=words):
        model.generate(text, **options)


def test_caption_is_text_on_any_mapped_body(model):
    motion = model.generate("walk", seconds=2, steps=1, seed=0)[0]
    for body in (motion, motion.resample(60)):
        (best,) = model.caption(body, samples=3, steps=4, seed=0)
        captions = [best, *best.others]
        assert captions == sorted(captions, key=lambda c: -c.score)
        assert all(isinstance(c.text, str) for c in captions)
    with pytest.raises(RequestError, match="at least 2"):
        model.caption(motion[:1])


def test_reconstruct_keeps_the_length(model):
    motion = model.generate("walk", seconds=1.35, steps=1, seed=0)[0]
    assert len(model.reconstruct(motion)) == len(motion) == 27
    assert len(model.reconstruct(motion, levels=1)) == 27


def test_save_and_reload_give_the_same_up_to_half_precision(model, tmp_path):
    model.save_pretrained(tmp_path, provenance={"why": "test"}, card="# card\n")
    again = DiMo.from_pretrained(tmp_path)
    assert again.config["provenance"] == {"why": "test"}
    assert (tmp_path / "MODEL_CARD.md").is_file()
    for part in ("codec", "model"):
        ours, theirs = getattr(model, part).state_dict(), getattr(again, part).state_dict()
        assert ours.keys() == theirs.keys()
        for key in ours.keys() - {"quantizer.sums", "quantizer.counts", "quantizer.started", "step"}:
            assert torch.allclose(ours[key].float(), theirs[key].float(), atol=2e-3, rtol=1e-3), key
    codes = torch.randint(0, 16, (1, 6, 3))
    assert torch.allclose(model.codec.decode(codes), again.codec.decode(codes), atol=2e-2)


def test_faults_of_a_weights_folder_are_named(model, tmp_path):
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "codec": {**config["codec"], "levels": 2}}))
    with pytest.raises(WeightsError, match="differ in levels"):
        DiMo.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "codec": {**config["codec"], "width": 8}}))
    with pytest.raises(WeightsError, match=r"misshapen: .*decoder"):
        DiMo.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "version": 9}))
    with pytest.raises(WeightsError, match="version 9"):
        DiMo.from_pretrained(tmp_path)


def test_guidance_one_equals_the_conditional_model_and_zero_ignores_the_text(model):
    tokens = pack([[105, 106, 107]], [torch.zeros(5, 3, dtype=torch.long)], levels=3, motion_known=False)
    other = pack([[120, 121, 122]], [torch.zeros(5, 3, dtype=torch.long)], levels=3, motion_known=False)
    options = SampleOptions(temperature=0.0, top_k=0)

    def probabilities(guidance, tokens):
        with torch.no_grad():
            return Predictor(model.model, guidance)(
                tokens, lambda x, at, sure=True: draw_from(x, at, options, [torch.Generator()], sure)
            ).base.probability

    assert torch.allclose(probabilities(0.0, tokens), probabilities(0.0, other), atol=1e-6)
    assert torch.allclose(probabilities(1.0, tokens), probabilities(1.0 + 1e-6, tokens), atol=1e-5)
    assert not torch.allclose(probabilities(3.0, tokens), probabilities(3.0, other), atol=1e-6)


def test_scores_are_the_log_probabilities_of_the_masked_places(model):
    codes = torch.randint(0, 16, (4, 3))
    ids = [[110, 111]]
    clean = pack(ids, [codes], levels=3)
    # With every share of masked places rounding up to all, the score is that of the fully masked sequence.
    one = pack(ids, [codes[:1]], levels=3)
    with torch.no_grad():
        masked = replace(one, known_levels=torch.zeros_like(one.known_levels))
        want = model.model.base(model.model(masked).motion).log_softmax(-1)[0, 0, codes[0, 0]]
    assert score.motion_given_text(model.model, ids, [codes[:1]])[0] == pytest.approx(want.item(), abs=1e-5)
    assert torch.isfinite(score.text_given_motion(model.model, ids, [codes])).all()
    assert len(clean) == 1


def test_score_of_the_api(model):
    motion = model.generate("walk", seconds=1, steps=1, seed=0)[0]
    found = model.score("a person walks", motion)
    assert all(np.isfinite(v) and v < 0 for v in (found.text, found.motion))
    assert min(found.text_gain, found.motion_gain) - 1 < found.rank


def test_motion_load_and_generate_meet(model, tmp_path):
    motion = model.generate("walk", seconds=1, steps=1, seed=0)[0]
    assert Motion.load(motion.save(tmp_path / "m.npz")) == motion
