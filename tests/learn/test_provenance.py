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
CHAIN = (
    (None, 600),
    ("model-both", 1550),
    ("model-both", 2600),
    ("model-acted", 1600),
    ("model-worded", 2200),
    ("model-in-order", 410),
    ("model-gestures", 650),
    ("model-moods", 650),
)
"""Recipes and steps of what the packaged model went through after its first training."""
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


def beginning(made: dict) -> dict:
    """The first training that a provenance tells of."""
    while "start" in made:
        made = made["start"]
    return made


def test_training_can_write_what_the_shipped_weights_say():
    before = {"codec.safetensors": SHIPPED["codec"]["start"]["sha256"]}
    first = {"provenance": provenance.of_codec(Path("recipes/codec.toml"), 15_000, CLIPS), "sha256": before}
    codec = {"provenance": provenance.of_codec(Path("recipes/codec-gestures.toml"), 1000, CLIPS, first)}
    both = read(ROOT / "recipes/model-both.toml", ModelRecipe)
    made = provenance.of_model(None, both, 4200, CLIPS, codec, bert=Path("x/model"), packaged=True)
    for name, steps in CHAIN:
        earlier = {"provenance": made, "sha256": {"model.safetensors": "9" * 64}}
        if name == "model-moods":
            earlier["provenance"]["blended"] = {"share": 0.5, "sha256": "7" * 64}
        path = None if name is None else Path(f"recipes/{name}.toml")
        plan = both if path is None else read(ROOT / path, ModelRecipe)
        made = provenance.of_model(path, plan, steps, CLIPS, codec, earlier=earlier)
    assert set(made) | {"memory"} == set(SHIPPED)  # what dimo train memory adds
    for part in ("codec", "model", "start"):
        assert set(made[part]) == set(SHIPPED[part])
    assert made["codec"] == SHIPPED["codec"]
    for part in ("model", "start"):
        assert set(made[part]["options"]) == set(SHIPPED[part]["options"])
    assert made["model"]["recipe"] == SHIPPED["model"]["recipe"]
    assert made["model"]["options"]["loop"]["steps"] == SHIPPED["model"]["options"]["loop"]["steps"]
    assert made["model"]["options"]["data"]["keep"] == SHIPPED["model"]["options"]["data"]["keep"]
    first_made, first_shipped = (beginning(of) for of in (made, SHIPPED))
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
