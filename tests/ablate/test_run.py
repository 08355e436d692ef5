"""Rows are trained once, measured once, and go on where they were interrupted."""

import json
import shutil
import zlib
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from dimo import checkpoint
from dimo.ablate import measure as measuring
from dimo.ablate import plan as plans
from dimo.ablate import run as running
from dimo.ablate import trainings as training
from dimo.ablate.measure import METRICS, numbers
from dimo.ablate.plan import Plan
from dimo.ablate.trainings import Places, cut_to, seconds_a_step
from dimo.codec.codec import Codec, CodecConfig
from dimo.data import shards
from dimo.errors import RequestError
from dimo.evaluate.report import Cell, Report, Task
from dimo.evaluators.find import find_all
from dimo.learn import recipe, tasks, train
from dimo.learn.align import AlignRecipe

ROWS = """
[groups.rounds]
about = "rounds of the sampler"
key = "sampling.steps"
values = [1, 2]
rows.one-level = { sampling.steps = 2, drawn.levels = 1 }

[groups.mix]
rows.base = {}
rows.words = { model.loss.mix = [0, 1, 0], evaluate.tasks = ["t2m", "m2t"] }
"""


@pytest.fixture
def calls(monkeypatch):
    """The trainings and the rows measured, in their order. Measuring is quick: numbers that change with weights and options."""
    asked: list[str] = []
    for name in ("train_codec", "train_model"):
        there = getattr(training, name)
        monkeypatch.setattr(
            training, name, lambda *a, there=there, name=name: (asked.append(name.split("_")[1]), there(*a))[1]
        )

    def quick(row, folder, *rest):
        asked.append(row.id)
        seen = checkpoint.sha256(folder / "model.safetensors") + str(row.measuring)
        return {
            "metrics": {"fid": zlib.crc32(seen.encode()) / 1e6},
            "real": {},
            "seconds": {},
            "conditions": {},
        }, Report()

    monkeypatch.setattr(running, "measure", quick)
    return asked


@pytest.fixture
def measured(calls, monkeypatch):
    """The same, really measured; times are taken once, of short motions."""
    monkeypatch.setattr(measuring, "TIMES", 1)
    monkeypatch.setattr(measuring, "SECONDS", 0.5)
    monkeypatch.setattr(running, "measure", lambda row, *a: (calls.append(row.id), measuring.measure(row, *a))[1])
    return calls


def made(place: Path, plan: Plan, out: Path, **given) -> dict[str, dict]:
    """Run a plan; records by row and seed."""
    places = Places(place / "data", out, given.pop("codec", None), place / "bert", device="cpu", quiet=True)
    found = running.run(plan, plans.choose(plan, given.pop("only", [])), places, find_all(), **given)
    return {f.row.title: f.record for f in found if f.record is not None}


def test_each_row_is_made_once(place, codec, plan_file, tmp_path, measured):
    plan = plans.read(plan_file(ROWS))
    records = made(place, plan, tmp_path, codec=codec)
    # The base's training serves four rows, of which the last has the numbers of the second under another name.
    assert measured == ["model", "rounds/1", "rounds/2", "rounds/one-level", "model", "mix/words"]
    one, two, level, base, words = records.values()
    assert base["metrics"] == two["metrics"]
    assert base["key"] == two["key"] != one["key"]
    assert one["training"]["key"] == two["training"]["key"] != words["training"]["key"]
    # Captions do not depend on how motion is sampled; completion does.
    assert one["metrics"]["cider"] == two["metrics"]["cider"]
    assert one["metrics"]["predict_mm"] != two["metrics"]["predict_mm"] != level["metrics"]["predict_mm"]
    assert "predict_mm" not in words["metrics"]
    assert one["seconds"]["train_step"] > 0
    assert words["changes"] == {"model.loss.mix": [0, 1, 0], "evaluate.tasks": ["t2m", "m2t"]}
    assert words["training"]["recipe"]["loss"]["mix"] == [0, 1, 0]
    assert not list(tmp_path.rglob("state.pt"))  # of no more use
    assert str(tmp_path) not in (tmp_path / "rows/mix.words.0.json").read_text()

    table = json.loads((tmp_path / "table.json").read_text())
    assert [(r["row"], r["seeds"], r["missing"]) for r in table["rows"]] == [
        (r, [0], []) for r in ("rounds/1", "rounds/2", "rounds/one-level", "mix/base", "mix/words")
    ]
    assert table["rows"][0]["metrics"]["cider"] == {"mean": one["metrics"]["cider"]}
    page = (tmp_path / "table.md").read_text()
    assert f"| rounds/1 | 1 | {one['metrics']['cider']:.1f} |" in page
    assert "rounds of the sampler" in page

    kept = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith("table")}
    measured.clear()
    assert made(place, plan, tmp_path, codec=codec) == records
    assert measured == []
    assert {p: p.read_bytes() for p in kept} == kept


def test_whole_weights_stand_for_the_training_of_the_base(place, codec, plan_file, tmp_path, measured):
    plan = plans.read(plan_file(ROWS.replace('about = "rounds of the sampler"', "seeds = [0, 1]")))
    trained = made(place, plan, tmp_path / "trained", codec=codec, only=["rounds"])
    folder = tmp_path / "trained/trainings" / trained["rounds/1, seed 0"]["training"]["key"]
    shutil.rmtree(folder / "generated")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    measured.clear()
    places = Places(place / "data", tmp_path / "whole", device="cpu", quiet=True, weights=folder)
    some = plans.sampled(plan)
    assert [r.title for r in some.rows] == [f"rounds/{n}, seed 0" for n in ("1", "2", "one-level")]
    found = running.run(some, some.rows, places, find_all())
    assert measured == ["rounds/1", "rounds/2", "rounds/one-level"]
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    for here in found:
        assert (record := here.record) is not None
        assert record["metrics"] == trained[here.row.title]["metrics"]
        assert record["key"] != trained[here.row.title]["key"]
        assert record["seconds"]["train_step"] is None
        assert record["training"]["weights"]["model.safetensors"] == checkpoint.sha256(folder / "model.safetensors")
        assert "steps" not in record["training"]
    with pytest.raises(RequestError, match="mix/words is trained otherwise"):
        plans.sampled(plan, ["rounds/1", "mix/base"])
    with pytest.raises(RequestError, match=r"every group .* trained otherwise"):
        plans.sampled(plans.read(plan_file("[groups.a]\nrows.b = { model.loss.spans = 0.5 }\n")))


def test_what_a_row_depends_on_makes_it_anew(place, codec, plan_file, tmp_path, calls):
    row = "[groups.a]\nrows.b = {{ {} }}\n"
    first = made(place, plans.read(plan_file(row.format("model.loss.spans = 0.25"))), tmp_path, codec=codec)
    for changes, done in (
        ("model.loss.spans = 0.25, model.loop.log_every = 2, model.loop.workers = 2", []),  # changes no number
        ("model.loss.spans = 0.5", ["model", "a/b"]),
        ("model.loss.spans = 0.5, sampling.guidance = 2.0", ["a/b"]),
        ("model.loss.spans = 0.5, drawn.levels = 1", ["a/b"]),
        ("model.loss.spans = 0.5, seeds = [1]", ["model", "a/b"]),
        ("model.loss.spans = 0.25", []),
    ):
        calls.clear()
        last = made(place, plans.read(plan_file(row.format(changes))), tmp_path, codec=codec)
        # Another row file was written over; its training is there, and is measured again.
        assert calls == (done or ([] if "log_every" in changes else ["a/b"])), changes
    assert last["a/b, seed 0"]["metrics"] == first["a/b, seed 0"]["metrics"]


def test_the_keys_change_with_the_data_and_with_what_models_begin_with(place, codec, plan_file, tmp_path):
    (row,) = plans.read(plan_file("[groups.a]\nrows.b = {}\n")).rows
    shutil.copytree(place / "data", tmp_path / "same")
    seeded = replace(row.model, loop=replace(row.model.loop, seed=5))
    shutil.copytree(place / "bert", tmp_path / "bert")
    clips = list(shards.read(place / "data", "train"))
    (tmp_path / "other").mkdir()
    shards.write(tmp_path / "other/x.parquet", clips[:1])
    places = Places(place / "data", tmp_path, start=place / "bert")
    there = training.Trainings(places)
    copied = training.Trainings(replace(places, data=tmp_path / "same", start=tmp_path / "bert"))
    assert (copied.key(row), copied.codec_key(row)) == (there.key(row), there.codec_key(row))
    for other in (replace(row, levels=1), replace(row, model=seeded)):
        assert there.key(other) != there.key(row)
        assert there.codec_key(other) == there.codec_key(row)
    fewer = training.Trainings(replace(places, data=tmp_path / "other"))
    assert fewer.key(row) != there.key(row)
    assert fewer.codec_key(row) != there.codec_key(row)
    (tmp_path / "bert/model.safetensors").write_bytes(b"others")
    begun = training.Trainings(replace(places, start=tmp_path / "bert"))
    assert begun.key(row) != there.key(row)
    assert begun.codec_key(row) == there.codec_key(row)
    given = training.Trainings(replace(places, codec=codec))
    assert given.codec_key(row) != there.codec_key(row)
    assert given.codec_key(replace(row, own_codec=True)) == there.codec_key(row)


@pytest.mark.parametrize("what", ["codec", "model"])
def test_an_interrupted_row_ends_with_the_numbers_of_an_uninterrupted_one(
    what, place, codec, plan_file, tmp_path, measured, monkeypatch
):
    given = {} if what == "codec" else {"codec": codec}
    plan = plans.read(
        plan_file("[groups.a]\nrows.b = { model.loop.save_every_seconds = 0.0, codec.loop.save_every_seconds = 0.0 }\n")
    )
    whole = made(place, plan, tmp_path / "whole", **given)["a/b, seed 0"]
    steps: list[int] = []
    module, name = (tasks, "draw") if what == "model" else (train.codec_learning, "loss")  # once a step of the training
    loss = getattr(module, name)

    def interrupted(*given):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return loss(*given)

    monkeypatch.setattr(module, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(place, plan, tmp_path / "parts", **given)
    assert len(list((tmp_path / "parts").rglob("state.pt"))) == 1
    row, places = plan.rows[0], Places(place / "data", tmp_path / "parts", given.get("codec"), place / "bert")
    assert training.Trainings(places).state(row) == ("begun" if what == "model" else "")
    assert made(place, plan, tmp_path / "parts", **given)["a/b, seed 0"]["metrics"] == whole["metrics"]
    assert len(steps) == 3 + {"codec": 4, "model": 6}[what] - 2  # from where it was
    a, b = (next((tmp_path / name / "trainings").iterdir()) / "model.safetensors" for name in ("whole", "parts"))
    assert checkpoint.sha256(a) == checkpoint.sha256(b)


def test_a_time_limit_leaves_a_state_to_go_on_from(place, codec, plan_file, tmp_path, calls, monkeypatch):
    plan = plans.read(plan_file(ROWS))
    said: list[str] = []
    assert made(place, plan, tmp_path, codec=codec, time_limit=1e-9, say=said.append) == {}
    assert said[-1] == "the 1e-09 seconds are over"
    assert "| rounds/1 | not run yet |" in (tmp_path / "table.md").read_text()
    # Time that ends within a training, not before it.
    clock = count(0.0, 0.1)
    with monkeypatch.context() as patched:
        patched.setattr(training.time, "monotonic", lambda: next(clock))
        made(place, plan, tmp_path, codec=codec, time_limit=1.0)
    row, places = plan.rows[0], Places(place / "data", tmp_path, codec, place / "bert")
    assert training.Trainings(places).state(row) == "begun"
    assert list(made(place, plan, tmp_path, codec=codec, only=["rounds/2"])) == ["rounds/2, seed 0"]


def test_an_aligned_row_begins_from_the_training_of_the_others(place, codec, plan_file, tmp_path, calls, monkeypatch):
    """The alignment itself is not run: what it writes is the model that it was given, one value changed."""
    stops = iter([2, 1])  # steps done of 2: all of them, and fewer, as where the judges end a run

    def aligned(settings, start):
        calls.append("align")
        for name in ("config.json", "codec.safetensors", "vocab.txt"):
            shutil.copy(start / name, settings.out)
        state = load_file(start / "model.safetensors")
        state["text_bias"] = state["text_bias"] + 1
        save_file(state, settings.out / "model.safetensors")
        (settings.out / "state.pt").write_bytes(b"")
        assert recipe.read(settings.recipe, AlignRecipe).align.group == 4
        return next(stops)

    monkeypatch.setattr(training, "train_align", aligned)
    rows = "[groups.a]\nrows.off = {}\nrows.on = { align.align.group = 4, align.loop.steps = 2, seeds = [0, 1] }\n"
    plan = plans.read(plan_file(rows))
    records = made(place, plan, tmp_path, codec=codec)
    assert calls == ["model", "a/off", "align", "a/on", "model", "align", "a/on"]
    off, on, other = records.values()
    assert on["metrics"] != off["metrics"]
    assert on["training"]["key"] != off["training"]["key"]
    assert on["training"]["recipe"] == off["training"]["recipe"]
    assert "align" not in off["training"]
    assert (on["training"]["align"]["loop"]["seed"], other["training"]["align"]["loop"]["seed"]) == (0, 1)
    calls.clear()
    assert made(place, plan, tmp_path, codec=codec) == records
    assert calls == []


def test_a_row_that_cannot_be_made_does_not_keep_the_others_from_it(place, codec, plan_file, tmp_path, calls):
    rows = "[groups.a]\nrows.bad = { model.model.drawn_levels = 3, levels = 2 }\nrows.good = {}\n"
    plan = plans.read(plan_file(rows))
    with pytest.raises(RequestError, match="a/bad, seed 0: drawn_levels must be from 0"):
        made(place, plan, tmp_path, codec=codec)
    assert (tmp_path / "rows/a.good.0.json").is_file()
    assert not (tmp_path / "rows/a.bad.0.json").exists()


def test_levels_of_one_codec_and_a_codec_of_its_own(place, codec, plan_file, tmp_path, calls):
    rows = "[groups.levels]\nrows.cut = { levels = 2 }\nrows.own = { codec.codec.levels = 1 }\n"
    made(place, plans.read(plan_file(rows)), tmp_path, codec=codec)
    assert calls == ["model", "levels/cut", "codec", "model", "levels/own"]
    found = {checkpoint.read_config(p)["model"]["levels"] for p in (tmp_path / "trainings").iterdir()}
    assert found == {1, 2}


def test_a_codec_of_fewer_levels_says_what_the_whole_one_says_with_them():
    torch.manual_seed(0)
    codec = Codec(CodecConfig(width=16, dim=8, levels=4, codes=16)).eval()
    torch.nn.init.normal_(codec.quantizer.codebooks)
    features = torch.randn(2, 32, 263)
    codes = codec.encode(features)
    for levels in (1, 3):
        cut = cut_to(codec, levels)
        assert cut.config.levels == levels
        assert torch.equal(cut.encode(features), codes[..., :levels])
        assert torch.equal(cut.decode(codes[..., :levels]), codec.decode(codes[..., :levels]))
    assert codec.quantizer.codebooks.shape[0] == 4


def test_the_cells_of_a_row_are_those_of_the_model():
    def cells(**values):
        return {k: Cell(v) for k, v in values.items()}

    tasks = {
        "t2m": Task({"real": cells(fid=0.1, r1=0.9), "model": cells(fid=2.0, r1=0.5, r3=0.7, mm_dist=3.0)}),
        "t2m_second": Task({"model": cells(fid=4.0, r3=0.3)}),
        "m2t": Task({"real": cells(cider_raw=50.0), "model": cells(cider_raw=20.0, r1=0.25)}),
        "m2m": Task(
            {
                "predict after 20 %: held pose": cells(ade_mm=1.0),
                "predict after 20 %: model": cells(ade_mm=100.0),
                "between 25 % and 25 %: straight line": cells(ade_mm=2.0),
                "between 25 % and 25 %: model": cells(ade_mm=200.0),
            }
        ),
        "codec": Task({"1 level": cells(mpjpe_mm=60.0), "2 levels": cells(mpjpe_mm=40.0)}),
    }
    assert numbers(Report(tasks=tasks), METRICS) == {
        "fid": 2.0,
        "r1": 0.5,
        "r3": 0.7,
        "mm_dist": 3.0,
        "fid_second": 4.0,
        "r3_second": 0.3,
        "cider": 20.0,
        "text_r1": 0.25,
        "predict_mm": 100.0,
        "between_mm": 200.0,
        "codec_mm": 40.0,
    }


def test_the_time_of_a_step_is_a_median_within_each_part(tmp_path):
    log = tmp_path / "log.csv"
    assert seconds_a_step(log) is None
    # 0.5 s a step; a pause of 90 s; then the clock begins anew, and one row counts steps that were done twice.
    log.write_text("step,seconds,loss\n10,5,1\n20,10,1\n30,105,1\n20,3,1\n30,8,1\n40,13,1\n50,18,1\n")
    assert seconds_a_step(log) == 0.5
    log.write_text("step,seconds,loss\n10,5,1\n")
    assert seconds_a_step(log) is None
