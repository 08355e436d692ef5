"""A file of ablations becomes the rows that it says, and its faults are told by row and key."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from dimo.ablate import keys
from dimo.ablate import plan as plans
from dimo.ablate.row import flat, shortened, toml
from dimo.errors import FormatError, RequestError
from dimo.learn import recipe
from dimo.learn.align import AlignRecipe
from dimo.learn.policy_gradient import AlignLoss
from dimo.learn.recipe import CodecRecipe, DataOptions, ModelRecipe

ROOT = Path(__file__).parents[2]

GROUPS = """
[groups.schedule]
about = "how many places are masked"
seeds = [0, 3]
with.captions.steps = 5
rows.cosine = {}
rows.linear = { model.loss.motion_schedule = "linear", sampling.schedule = "linear", seeds = [7] }

[groups.rounds]
key = ["sampling.steps", "captions.steps"]
values = [1, 30]

[groups.mix]
key = "model.loss.mix"
values = [[8, 1, 1], [1, 0, 0]]
rows.levels = { levels = 2, codec.loop.steps = 2 }
"""


def test_rows_expand_as_written(plan_file):
    plan = plans.read(plan_file(GROUPS))
    assert [r.title for r in plan.rows] == [
        "schedule/cosine, seed 0",
        "schedule/cosine, seed 3",
        "schedule/linear, seed 7",
        "rounds/1, seed 0",
        "rounds/30, seed 0",
        "mix/8:1:1, seed 0",
        "mix/1:0:0, seed 0",
        "mix/levels, seed 0",
    ]
    cosine, again, linear, one, thirty, even, single, levels = plan.rows
    assert [r.model.loop.seed for r in (cosine, again, linear)] == [0, 3, 7]
    assert (cosine.model.loss.motion_schedule, linear.model.loss.motion_schedule) == ("cosine", "linear")
    assert (cosine.measuring.sampling.schedule, linear.measuring.sampling.schedule) == ("cosine", "linear")
    assert [r.measuring.captions.steps for r in (cosine, linear, one, thirty, even)] == [5, 5, 1, 30, 2]
    assert [r.measuring.sampling.steps for r in (cosine, one, thirty)] == [2, 1, 30]
    assert (even.model.loss.mix, single.model.loss.mix) == ((8, 1, 1), (1, 0, 0))
    assert all(r.model.loss.batch == 6 and r.model.transformer.width == 16 for r in plan.rows)  # of the base's recipe
    assert (levels.levels, levels.codec.loop.steps, levels.own_codec) == (2, 2, True)
    assert [r.own_codec for r in plan.rows[:-1]] == [False] * 7
    assert single.changes == {"model.loss.mix": [1, 0, 0]}
    assert linear.changes["captions.steps"] == 5
    assert plan.steps == 6
    settings = linear.measuring.settings()
    assert (settings.options, settings.captions) == (linear.measuring.sampling, linear.measuring.captions)
    assert settings.memory == settings.recall == 0.0


def test_rows_are_chosen_by_name_and_by_group(plan_file):
    plan = plans.read(plan_file(GROUPS))
    assert plans.choose(plan, []) == plan.rows
    assert [r.title for r in plans.choose(plan, ["rounds/30", "schedule"])] == [
        "schedule/cosine, seed 0",
        "schedule/cosine, seed 3",
        "schedule/linear, seed 7",
        "rounds/30, seed 0",
    ]
    with pytest.raises(RequestError, match="did you mean 'schedule/linear'"):
        plans.choose(plan, ["schedule/liner"])


def test_fewer_steps_shorten_all_stages_alike(plan_file):
    given = "model.loss.pretrain_steps = 3, model.loop.warmup = 2, codec.loop.warmup = 4"
    (row,) = plans.read(plan_file(f"[groups.a]\nrows.b = {{ {given} }}\n")).rows
    short = shortened(row, 2 / 6, codec_steps=2)
    assert (short.model.loop.steps, short.model.loss.pretrain_steps, short.model.loop.warmup) == (2, 1, 1)
    assert (short.codec.loop.steps, short.codec.loop.warmup) == (2, 2)
    assert shortened(row, 1.0) == row
    (row,) = plans.read(plan_file("[groups.a]\nrows.b = { align.loop.steps = 9, align.loop.warmup = 3 }\n")).rows
    short = shortened(row, 2 / 6).align
    assert short is not None
    assert (short.loop.steps, short.loop.warmup) == (3, 1)


FAULTS = {
    "an unknown table": ("[group.a]\n", r"no table \[group\] in a file of ablations"),
    "no rows": ("[groups.a]\nabout = 'x'\n", r"\[groups.a\] has no rows"),
    "an unknown key of a group": ("[groups.a]\nrow.b = {}\n", "no key 'row' in"),
    "an unknown key of a row": ("[groups.a]\nrows.b = { modle.loss.mix = [1, 1, 1] }\n", "row a/b: no key 'modle'"),
    "an unknown table of a recipe": ("[groups.a]\nrows.b = { model.lss.mix = [1] }\n", r"row a/b: no table \[lss\]"),
    "an unknown key of a recipe": (
        "[groups.a]\nrows.b = { model.loss.mixx = [1] }\n",
        "row a/b: no key 'mixx' in .loss",
    ),
    "a value of another type": (
        '[groups.a]\nrows.b = { model.loop.steps = "9" }\n',
        "row a/b: steps in .loop. must be int",
    ),
    "a value that cannot be": (
        "[groups.a]\nrows.b = { model.loss.spans = 2.0 }\n",
        "row a/b: spans must be from 0 to 1",
    ),
    "no sampling of that name": ("[groups.a]\nkey = 'sampling.stps'\nvalues = [1]\n", "row a/1: no key 'stps'"),
    "a sampling that cannot be": (
        "[groups.a]\nkey = 'sampling.steps'\nvalues = [0]\n",
        "row a/0: steps must be from 1",
    ),
    "an unknown key of an alignment": ("[groups.a]\nrows.b = { align.align.grop = 2 }\n", "no key 'grop' in .align."),
    "an unknown task": ("[groups.a]\nrows.b = { evaluate.tasks = ['fly'] }\n", "row a/b: tasks must be of"),
    "a key without values": ("[groups.a]\nkey = 'levels'\n", r"values in \[groups.a\] must be a list"),
    "a value twice": ("[groups.a]\nkey = 'levels'\nvalues = [1, 1]\n", "hold 1 twice"),
    "more levels than the codec's": ("[groups.a]\nrows.b = { levels = 4 }\n", "levels are 4, but the codec has 3"),
    "levels of the model": ("[groups.a]\nrows.b = { model.model.levels = 2 }\n", "levels in .model. are the codec's"),
    "seeds that are none": ("[groups.a]\nseeds = 3\nrows.b = {}\n", "seeds of .groups.a. must be a list"),
    "a seed twice": ("[groups.a]\nseeds = [3, 3]\nrows.b = {}\n", "same seed twice"),
    "names of one file": ("[groups.a]\nrows.'b/c' = {}\nrows.'b:c' = {}\n", "would be one file"),
    "a recipe that is not there": (
        "[groups.a]\nrows.b = { model.recipe = 'none.toml' }\n",
        "none.toml: cannot be read",
    ),
    "no TOML": ("[groups.a\n", "not valid TOML"),
    "nothing": ("", "holds no rows"),
}


@pytest.mark.parametrize(("groups", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_named(plan_file, groups, words):
    path = plan_file(groups)
    with pytest.raises(FormatError, match=words) as found:
        plans.read(path)
    assert str(path.parent) in str(found.value)
    assert "\n" not in str(found.value)


def test_a_recipe_comes_back_from_its_text(tmp_path):
    shares = DataOptions(source_shares={"UI-PRMD": 0.06, "O3DE": 1.0}, sources=("CMU",))
    rewarded = AlignRecipe(align=AlignLoss(estimator="weighted", kl=0.1), data=shares)
    for kind, made in ((ModelRecipe, ModelRecipe(data=shares)), (CodecRecipe, CodecRecipe()), (AlignRecipe, rewarded)):
        (tmp_path / "r.toml").write_text(toml(made))
        assert recipe.read(tmp_path / "r.toml", kind) == made


def test_nested_tables_get_dotted_keys():
    assert flat({"a": {"b": {"c": 1}, "d": [2]}, "e": 3}) == {"a.b.c": 1, "a.d": [2], "e": 3}


def test_the_shipped_rows_are_what_the_page_says():
    plan = plans.read(ROOT / "recipes/ablations.toml")
    rows = {r.id: r for r in plan.rows}
    assert all(r.model.loop.steps == plan.steps and r.model.loss.batch == 24 for r in plan.rows)  # the same budget
    assert {r.model.loss.mix for r in plan.rows if r.group == "mix"} == {
        *((8, 1, 1), (4, 4, 2), (1, 1, 1)),
        *((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    }
    assert [rows[f"levels/{n}"].levels for n in range(1, 9)] == list(range(1, 9))
    assert [rows[f"guidance/{n}"].measuring.sampling.guidance for n in range(1, 7)] == list(range(1, 7))
    assert [rows[f"rounds/{n}"].measuring.captions.steps for n in (1, 30)] == [1, 30]
    assert rows["backbone/albert"].model.transformer.shared_layers
    assert {rows[f"backbone/{n}-layers"].model.transformer.layers for n in (3, 6, 12)} == {3, 6, 12}
    assert {r.model.transformer.width for r in plan.rows} == {384, 512, 768}
    assert rows["alignment/off"].align is None
    aligned = rows["alignment/on"]
    assert aligned.align is not None
    assert aligned.align.loop.seed == aligned.seed
    assert aligned.measuring.evaluate.split == "test"  # its judges look at val
    assert rows["correction/off"].model.loss.self_correction == 0 != rows["correction/on"].model.loss.self_correction
    # How a model is sampled from is no part of what it learns.
    base = plan.rows[0].model
    for group in ("guidance", "rounds", "ranking", "pad-factor", "drawn"):
        assert {json.dumps(asdict(r.model)) for r in plan.rows if r.group == group and r.seed == base.loop.seed} == {
            json.dumps(asdict(base))
        }
    page = (ROOT / "docs/ablations.md").read_text()
    trainings = {keys.of_training(r, keys.of_codec(r, ""), "", "") for r in plan.rows}
    aligned = {keys.of_alignment(r, keys.of_training(r, "", "", ""), "") for r in plan.rows if r.align is not None}
    assert len(aligned) == 2
    assert (
        f"{len(rows)} rows, {len(plan.rows)} with their seeds, which need {len(trainings)} trainings, two align" in page
    )
    for group in plan.about:
        assert f"| {group} |" in page, group
