from pathlib import Path

import pytest
import torch

from dimo.api import DiMo
from dimo.body.skeleton import preset
from dimo.errors import FormatError, RequestError
from dimo.features.layouts import layout_for
from dimo.learn import loop
from dimo.learn.align import AlignRecipe
from dimo.learn.codec import figures as codec_figures
from dimo.learn.evaluator_guo import EvaluatorRecipe
from dimo.learn.evaluator_ours import ContrastiveRecipe
from dimo.learn.recipe import CodecRecipe, MemoryRecipe, ModelRecipe, opened, read
from dimo.learn.train import blend
from dimo.learn.validation import figures

KINDS = {
    "align": AlignRecipe,
    "codec": CodecRecipe,
    "model": ModelRecipe,
    "memory": MemoryRecipe,
    "encoder": ContrastiveRecipe,
    "evaluator": EvaluatorRecipe,
}
COLLECTIONS = {"humanml3d": "humanml3d", "kit": "kit", "motionx": "smplx"}
"""Recipes of the paper's setting to the body of their data."""
FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(p for p in FOLDER.glob("*.toml") if p.stem not in ("ablations", *COLLECTIONS))  # tests/ablate


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_the_shipped_recipes_are_readable(path):
    recipe = read(path, KINDS[path.stem.split("-")[0]])
    if isinstance(recipe, MemoryRecipe):  # has no schedule, and holds no motion that asks for share-alike
        assert recipe.data.sources
        assert not any("HDM05".startswith(name) for name in recipe.data.sources)
        return
    assert recipe.loop.steps > 100
    # What is left out of "open" forbids commercial use, or asks to share alike.
    free = ("CMU", "UI-PRMD", "O3DE", "Quaternius", "Cat Prisbrey", "Mesh2Motion", "Decentraland")
    assert recipe.data.sources == {"cmu": ("CMU",), "open": free}.get(path.stem.split("-")[-1], ())


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_papers_setting_is_what_the_paper_says(name):
    path, layout = FOLDER / f"{name}.toml", layout_for(joints=len(preset(COLLECTIONS[name])))
    codec, model = read(path, CodecRecipe), read(path, ModelRecipe)
    assert (codec.codec.levels, codec.codec.codes, codec.codec.dim) == (6, 512, 512)
    assert (codec.codec.features, codec.codec.skeleton, codec.codec.fps) == (layout.size, COLLECTIONS[name], layout.fps)
    trunk = model.transformer
    assert (trunk.width, trunk.layers, trunk.heads, trunk.feedforward, trunk.vocabulary) == (768, 12, 12, 3072, 30522)
    assert (model.loop.epochs, model.loop.learning_rate, model.loop.warmup) == (50, 5e-5, 5000)
    assert (model.loss.batch, model.loss.mix, model.loop.shards) == (32, (8, 1, 1), 1)
    assert model.data.train_words
    assert model.data.start_weights
    assert model.loop.best in figures(model.loss)
    assert codec.loop.best in codec_figures(codec.codec)
    # 50 passes over HumanML3D's 23,384 clips for training.
    assert loop.scheduled(model.loop, None, 23_384, 32).steps == 36_538


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[codec]\nwidht = 3\n", "widht"),
        ("[codecs]\nwidth = 3\n", "codecs"),
        ('[codec]\nwidth = "3"\n', "width"),
        ("[codec\n", "TOML"),
        ("[loop]\nsteps = 1.5\n", "steps"),
        ("width = 3\n", "width"),
        ('[data]\nsource_shares = { CMU = "half" }\n', "CMU"),
    ],
)
def test_faults_are_named(tmp_path, text, words):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(FormatError, match=words):
        read(tmp_path / "r.toml", CodecRecipe)


def test_values_arrive(tmp_path):
    (tmp_path / "r.toml").write_text("[loss]\nmix = [1, 2, 3]\n[loop]\nlearning_rate = 1\n")
    recipe = read(tmp_path / "r.toml", ModelRecipe)
    assert recipe.loss.mix == (1, 2, 3)
    assert recipe.loop.learning_rate == 1.0
    (tmp_path / "r.toml").write_text('[data]\nsource_shares = { "UI-PRMD" = 0.05, CMU = 1 }\n')
    assert read(tmp_path / "r.toml", ModelRecipe).data.source_shares == {"UI-PRMD": 0.05, "CMU": 1.0}


def test_the_models_recipes_say_how_it_is_trained(tmp_path):
    for name in ("model", "model-captions", "model-cmu"):
        text = (Path(__file__).parents[2] / "recipes" / f"{name}.toml").read_text()
        for key in (
            "motion_schedule",
            "text_schedule",
            "whole_levels_share",
            "self_correction",
            "self_correction_text",
        ):
            assert f"\n{key} = " in text, (name, key)
    (tmp_path / "r.toml").write_text('[loss]\nmotion_schedule = "linear"\n[data]\ntrain_words = true\n')
    recipe = read(tmp_path / "r.toml", ModelRecipe)
    assert recipe.loss.motion_schedule == "linear"
    assert recipe.data.train_words
    (tmp_path / "r.toml").write_text('[loss]\ntext_schedule = "fast"\n')
    with pytest.raises(RequestError, match="text_schedule must be one of cosine, linear"):
        read(tmp_path / "r.toml", ModelRecipe)


def test_blending_goes_from_one_set_of_weights_to_the_other():
    model = DiMo.debug().model
    before = {k: v + 1 for k, v in model.state_dict().items()}
    own = {k: v.clone() for k, v in model.named_parameters()}
    blend(model, before, 0.25)
    for name, value in model.named_parameters():
        assert torch.allclose(value, own[name] + 0.25, atol=1e-5)


SEVERAL = (
    "[codec.codec]\nlevels = 3\n[codec.loop]\nepochs = 2\n"
    "[model.loop]\nsteps = 9\n[model.data]\nsource_shares = { CMU = 1 }\n"
)


def test_a_file_for_several_trainings_has_their_tables_in_parts(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(SEVERAL)
    codec, model = read(path, CodecRecipe), read(path, ModelRecipe)
    assert (codec.codec.levels, codec.loop.epochs, codec.loop.steps) == (3, 2.0, 10_000)
    assert (model.loop.steps, model.data.source_shares) == (9, {"CMU": 1.0})
    with pytest.raises(FormatError, match="no part for dimo train memory; there are codec, model"):
        read(path, MemoryRecipe)
    path.write_text("[model]\nlevels = 4\n")  # a table of the model's recipe, and no part
    assert read(path, ModelRecipe).model.levels == 4
    path.write_text("[model.modle]\nlevels = 4\n")
    with pytest.raises(FormatError, match="modle"):
        read(path, ModelRecipe)


def test_single_things_are_set(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(SEVERAL)
    changes = ("loop.steps=4", "loss.mix=[1, 2, 3]", "loop.best=loss", "data.source_shares={HDM05 = 0.5}")
    found = opened(path, ModelRecipe, changes)
    assert (found.loop.steps, found.loss.mix, found.loop.best) == (4, (1, 2, 3), "loss")
    assert found.data.source_shares == {"HDM05": 0.5}
    assert opened(None, CodecRecipe, ["loss.batch=3"]).loss.batch == 3
    for change, words in (("loss.batch", "TABLE.KEY=VALUE"), ("batch=3", "TABLE.KEY"), ("loss.=3", "TABLE.KEY")):
        with pytest.raises(RequestError, match=words):
            opened(None, CodecRecipe, [change])
    for change, words in (
        ("loss.bacth=3", "bacth"),
        ("lost.batch=3", "lost"),
        ("loss.batch=x", "must be int, not 'x'"),
    ):
        with pytest.raises(FormatError, match=words):
            opened(None, CodecRecipe, [change])
