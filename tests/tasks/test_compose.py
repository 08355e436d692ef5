"""Composition, windows over code sequences, and scripts."""

import json

import numpy as np
import pytest
import torch

from dimo import DiMo, FormatError, RequestError
from dimo.diffusion.sample import SampleOptions
from dimo.formats.script import check_parts, read_script
from dimo.inpaint import windows
from dimo.inpaint.windows import Part, fill, refine_all

OPTIONS = SampleOptions(steps=2, seed=1)


@pytest.fixture(scope="module")
def model() -> DiMo:
    return DiMo.debug()


def codes(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 16, (length, 3), generator=torch.Generator().manual_seed(seed))


def test_a_composition_has_the_asked_lengths(model):
    made = model.compose([("walks forward", 3), ("sits down", 2), ("waves", 2.55)], steps=2, seed=1)
    assert len(made) == 151
    assert made.fps == 20
    assert made == model.compose([("walks forward", 3), ("sits down", 2), ("waves", 2.55)], steps=2, seed=1)


def test_lengths_may_be_left_to_the_model(model):
    assert len(model.compose(["walks forward", ("waves", None)], steps=1, seed=1)) >= 8


def test_a_composition_may_be_longer_than_the_model_and_moves_on_in_one_piece(model):
    made = model.compose([("walks", 8), ("waves", 12)], steps=2, seed=1)
    assert len(made) == 400
    assert np.linalg.norm(np.diff(made.root, axis=0), axis=-1).max() < 0.2


@pytest.mark.parametrize(("left", "right", "parts"), [(0, 0, [60]), (20, 15, [5]), (3, 0, [70, 30]), (30, 12, [40, 2])])
def test_fill_makes_what_is_missing(model, left, right, parts):
    plan = [Part((110, 111), n) for n in parts]
    sides = [codes(left)] * 2, [codes(right)] * 2
    made = fill(model.model, sides[0], plan, sides[1], OPTIONS)
    assert [tuple(m.shape) for m in made] == [(sum(parts), 3)] * 2
    assert not torch.equal(made[0], made[1])
    assert all(int(m.min()) >= 0 and int(m.max()) < 16 for m in made)


def test_every_window_fits_the_model(model):
    for first, last, steps in [(0, 0, 49), (0, 0, 50), (10, 10, 30), (10, 10, 200), (0, 10, 40), (5, 0, 49)]:
        plan = windows._windows([Part((), steps)], 49, first, 10, last)
        assert sum(p.steps for p in plan) == steps
        assert all(p.steps + (10 if i else first) + (last if p is plan[-1] else 0) <= 49 for i, p in enumerate(plan))


@pytest.mark.parametrize("length", [20, 49, 50, 120])
def test_refine_all_changes_masked_stacks_only(model, length):
    row = codes(length)
    mask = torch.rand(length, generator=torch.Generator().manual_seed(1)) < 0.4
    (made,) = refine_all(model.model, [row], [mask], (), OPTIONS)
    assert torch.equal(made[~mask], row[~mask])
    assert not torch.equal(made[mask], row[mask])
    assert torch.equal(row, codes(length))


# ---- scripts

PARTS = [("walks forward", 3.0), ("sits down: slowly", None), ("waves", 2.5)]
YAML = """---
# a short day
- text: walks forward
  seconds: 3
- text: "sits down: slowly"
- seconds: 2.5   # order does not matter
  text: waves
"""
TXT = "# a short day\n3s walks forward\n\nsits down: slowly\n2.5 s: waves\n"
TOML = (
    '[[part]]\ntext = "walks forward"\nseconds = 3\n[[part]]\ntext = "sits down: slowly"\n'
    '[[part]]\ntext = "waves"\nseconds = 2.5\n'
)
JSON = json.dumps([{"text": "walks forward", "seconds": 3}, "sits down: slowly", ["waves", 2.5]])


@pytest.mark.parametrize(
    ("suffix", "text"), [(".yaml", YAML), (".yml", YAML), (".txt", TXT), (".toml", TOML), (".json", JSON)]
)
def test_scripts_say_the_same_in_every_form(suffix, text, tmp_path):
    path = tmp_path / f"script{suffix}"
    path.write_text(text)
    assert read_script(path) == PARTS


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.doc", "3s walks", ".txt"),
        ("a.txt", "# nothing\n", "at least one part"),
        ("a.txt", "900s walks", "part 1: seconds must be"),
        ("a.yaml", "text: walks", "line 1"),
        ("a.yaml", "- text: walks\n  speed: 3", "line 2"),
        ("a.yaml", "- text: walks\n  text: runs", "twice"),
        ("a.yaml", "- seconds: 3", "part 1 has no text"),
        ("a.yaml", "- text: walks\n  seconds: soon", "'soon'"),
        ("a.yaml", "- &a [walks, 3]", "line 1"),
        ("a.json", "{", "not JSON"),
        ("a.json", '{"text": "walks"}', "list of parts"),
        ("a.json", '[{"text": "walks", "speed": 1}]', "'speed'"),
        ("a.json", "[[1, 2, 3]]", "part 1"),
        ("a.toml", "x = [", "not TOML"),
        ("a.toml", "x = 1", "[[part]]"),
    ],
)
def test_wrong_scripts_are_named(name, text, words, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_script(path)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_wrong_parts_are_named():
    with pytest.raises(RequestError, match="part 2 has no text"):
        check_parts(["walks", "  "])
    with pytest.raises(RequestError, match="part 1: seconds"):
        check_parts([("walks", float("nan"))])
    with pytest.raises(RequestError, match="part 1 must be"):
        check_parts([7])
