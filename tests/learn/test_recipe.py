from pathlib import Path

import pytest
import torch

from dimo.api import DiMo
from dimo.errors import FormatError, RequestError
from dimo.learn.align import AlignRecipe
from dimo.learn.evaluator_guo import EvaluatorRecipe
from dimo.learn.evaluator_ours import ContrastiveRecipe
from dimo.learn.recipe import CodecRecipe, MemoryRecipe, ModelRecipe, read
from dimo.learn.train import blend

KINDS = {
    "align": AlignRecipe,
    "codec": CodecRecipe,
    "model": ModelRecipe,
    "memory": MemoryRecipe,
    "encoder": ContrastiveRecipe,
    "evaluator": EvaluatorRecipe,
}
RECIPES = sorted(
    p for p in (Path(__file__).parents[2] / "recipes").glob("*.toml") if p.stem != "ablations"
)  # tests/ablate


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_the_shipped_recipes_are_readable(path):
    recipe = read(path, KINDS[path.stem.split("-")[0]])
    if isinstance(recipe, MemoryRecipe):  # has no schedule, and holds no motion that asks for share-alike
        assert recipe.data.sources
        assert not any("HDM05".startswith(name) for name in recipe.data.sources)
        return
    assert recipe.loop.steps > 100
    assert recipe.data.sources == (("CMU",) if path.stem.endswith("cmu") else ())


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
