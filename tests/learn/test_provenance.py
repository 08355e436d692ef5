"""What weights say of their making is what training wrote."""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from dimo.data.records import Clip
from dimo.learn import provenance
from dimo.learn.recipe import ModelRecipe, read

ROOT = Path(__file__).parents[2]
SHIPPED = json.loads((resources.files("dimo") / "weights/config.json").read_text())["provenance"]


def clip(name: str, **kind) -> Clip:
    return Clip(name, np.zeros((8, 22, 3)), 20.0, (), "train", **{"source": "CMU", "licence": "free", **kind})


CLIPS = {
    "train": [
        clip("a"),
        clip("Ma", mirrored=True),
        clip("b", source="BN", licence="CC BY-NC"),
        clip("ab", source="CMU, BN", licence="free; CC BY-NC", composite=True),
    ],
    "val": [clip("c")],
}


def test_clips_are_counted_by_kind_and_licences_named_once():
    found = provenance.of_clips(CLIPS)
    counts = {"train: BN": 1, "train: CMU": 1, "train: composite": 1, "train: mirrored": 1, "val: CMU": 1}
    assert found == {"clips": counts, "licences": ["CC BY-NC", "free"]}


def test_training_can_write_what_the_shipped_weights_say():
    recipe = ROOT / "recipes/model-both.toml"
    plan = read(recipe, ModelRecipe)
    codec = {"provenance": provenance.of_codec(Path("recipes/codec.toml"), 15_000, CLIPS)}
    first = provenance.of_model(None, plan, 4200, CLIPS, codec, bert=Path("x/model"), packaged=True)
    second = provenance.of_model(
        None, plan, 600, CLIPS, codec, earlier={"provenance": first, "sha256": {"model.safetensors": "e" * 64}}
    )
    third = provenance.of_model(
        recipe, plan, 1550, CLIPS, codec, earlier={"provenance": second, "sha256": {"model.safetensors": "d" * 64}}
    )
    fourth = provenance.of_model(
        recipe, plan, 2600, CLIPS, codec, earlier={"provenance": third, "sha256": {"model.safetensors": "c" * 64}}
    )
    earlier = {"provenance": fourth, "sha256": {"model.safetensors": "f" * 64}}
    acted = ROOT / "recipes/model-acted.toml"
    fifth = provenance.of_model(
        Path("recipes/model-acted.toml"), read(acted, ModelRecipe), 1600, CLIPS, codec, earlier=earlier
    )
    earlier = {"provenance": fifth, "sha256": {"model.safetensors": "a" * 64}}
    worded = ROOT / "recipes/model-worded.toml"
    sixth = provenance.of_model(
        Path("recipes/model-worded.toml"), read(worded, ModelRecipe), 2200, CLIPS, codec, earlier=earlier
    )
    earlier = {"provenance": sixth, "sha256": {"model.safetensors": "b" * 64}}
    in_order = ROOT / "recipes/model-in-order.toml"
    seventh = provenance.of_model(
        Path("recipes/model-in-order.toml"), read(in_order, ModelRecipe), 410, CLIPS, codec, earlier=earlier
    )
    earlier = {"provenance": seventh, "sha256": {"model.safetensors": "9" * 64}}
    last = ROOT / "recipes/model-gestures.toml"
    made = provenance.of_model(
        Path("recipes/model-gestures.toml"), read(last, ModelRecipe), 650, CLIPS, codec, earlier=earlier
    )
    # What dimo train memory adds, and the mean of two weights that ships.
    assert set(made) | {"memory", "blended"} == set(SHIPPED)
    for part in ("codec", "model", "start"):
        assert set(made[part]) == set(SHIPPED[part])
    assert made["codec"] == SHIPPED["codec"]
    for part in ("model", "start"):
        assert set(made[part]["options"]) == set(SHIPPED[part]["options"])
    assert made["model"]["recipe"] == SHIPPED["model"]["recipe"]
    assert made["model"]["options"]["loop"]["steps"] == SHIPPED["model"]["options"]["loop"]["steps"]
    assert made["model"]["options"]["data"]["keep"] == SHIPPED["model"]["options"]["data"]["keep"]
    first_made, first_shipped = (
        of["start"]["start"]["start"]["start"]["start"]["start"]["start"] for of in (made, SHIPPED)
    )
    assert first_made["started_from"] == first_shipped["started_from"]
    assert made["start"]["sha256"] == "9" * 64
    assert made["licences"] == ["CC BY-NC", provenance.MINILM_LICENCE, "free"]
    json.dumps(made)


def test_a_start_keeps_its_own_start():
    codec = {"provenance": {}}
    chain: dict = {}
    for steps in (1, 2, 3):
        earlier = {"provenance": chain, "sha256": {"model.safetensors": str(steps)}} if chain else None
        chain = provenance.of_model(None, ModelRecipe(), steps, CLIPS, codec, earlier=earlier)
    assert chain["model"]["steps"] == 3
    assert chain["start"]["steps"] == 2
    assert chain["start"]["start"]["steps"] == 1
    assert chain["codec"] == {}
    assert provenance.MINILM_LICENCE not in chain["licences"]  # nothing of it was used


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (None, "built-in"),
        (Path("recipes/codec.toml"), "recipes/codec.toml"),
        (Path("/home/me/secret/codec.toml"), "codec.toml"),
        (Path("../other/codec.toml"), "codec.toml"),
    ],
)
def test_recipes_are_named_without_places_on_a_machine(path, name):
    assert provenance.name_of(path) == name
