"""Whole evaluations from Python: a tiny model on tiny clips, and motions of any system."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dimo import RequestError, SampleOptions, evaluate
from dimo.api import DiMo
from dimo.evaluate import Settings
from dimo.evaluate.ahead import Workers
from dimo.evaluate.report import load
from dimo.evaluate.settings import TASKS
from dimo.scale.executor import Lost

COMMITTED = Path(__file__).parents[2] / "benchmarks/report/report.json"


@pytest.fixture(scope="module")
def model():
    return DiMo.debug()


@pytest.fixture(autouse=True)
def no_packaged_evaluators(tmp_path, monkeypatch):
    """They are large, and their numbers are not what is tested here."""
    monkeypatch.setenv("DIMO_WEIGHTS", str(tmp_path))


def walks(clip, count: int, frames: int = 24) -> list:
    return [
        clip(n, frames=frames, texts=(f"a person walks the left hand {n}", f"someone walks {n}")) for n in range(count)
    ]


def settings(**changes) -> Settings:
    return Settings(**{"options": SampleOptions(steps=2), "repeats": 2, "part": 2, "samples": 3, **changes})


def test_a_small_run_writes_what_the_committed_report_has(model, clip, twin, tmp_path):
    twin.states = ("lengths", lambda texts: [np.ones((len(t.split()) + 1, 2)) for t in texts])
    twin.sha256 = "0" * 64
    every = settings(
        tasks=TASKS, repeats=1, sweeps={"steps": (1.0,), "guidance": (2.0,), "levels": (1.0,)}, multimodality=1
    )
    texts = ("a person walks forward", "a person walks")
    clips = [clip(n, frames=16, texts=texts, label="walk-turn-left" if n % 2 else "walk") for n in range(32)]
    report = evaluate.run(model, clips, every, evaluators=[twin, twin], train=walks(clip, 3))
    report.settings.command = {"tasks": "every"}
    report.save(tmp_path / "out")
    assert load(tmp_path / "out") == report

    mine, theirs = (json.loads(p.read_text()) for p in (tmp_path / "out/report.json", COMMITTED))
    assert set(mine) == set(theirs)
    assert set(mine["settings"]) == set(theirs["settings"]) | {
        "memory",
        "recall",
        "protocol",
    }  # what no earlier report says
    for part in ("sampling", "seconds"):
        assert set(mine["settings"][part]) == set(theirs["settings"][part])
    for part in ("versions", "encoder", "checks", "sweeps", "confusion"):
        assert set(mine[part]) == set(theirs[part])
    assert list(mine["tasks"]) == list(theirs["tasks"])
    for name, task in theirs["tasks"].items():
        assert set(mine["tasks"][name]) == set(task)
        shared = [row for row in task["rows"] if row in mine["tasks"][name]["rows"]]
        assert len(shared) == {"codec": 3, "correct": 2}.get(name, len(task["rows"]))
        for row in shared:
            assert set(mine["tasks"][name]["rows"][row]) == set(task["rows"][row])
    cells = [r["tasks"]["t2m"]["rows"]["real"]["checks"] for r in (mine, theirs)]
    assert set(cells[0]) == set(cells[1])
    assert set(mine["sweeps"]["steps"][0]) == set(theirs["sweeps"]["steps"][0])


def test_a_run_repeats_itself_with_and_without_its_folder(model, clip, tmp_path):
    clips, told = walks(clip, 4), []
    first = evaluate.run(model, clips, settings(), evaluators=[], generated=tmp_path / "kept")
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "kept").rglob("*.*")}
    assert files
    progress = lambda *event: told.append(event)  # noqa: E731
    again = evaluate.run(model, clips, settings(), evaluators=[], generated=tmp_path / "kept", progress=progress)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "kept").rglob("*.*")} == files
    anew = evaluate.run(model, clips, settings(), evaluators=[])
    assert first.tasks == again.tasks == anew.tasks
    assert [e[0] for e in told if e[1] == e[2]] == ["t2m", "m2t", "m2m", "codec"]  # every stage came to its end
    assert first.samples is not None
    assert len(first.samples.items) == 3
    assert first.samples.items[0].made is not None
    assert first.settings.memory == 0.0  # this model remembers nothing
    assert "No evaluator was found" in first.notes[0]
    assert list(first.tasks["t2m"].rows) == ["real", "codec", "shuffled", "model"]


def test_only_what_is_asked_for_is_measured(model, clip):
    report = evaluate.run(
        model,
        walks(clip, 4),
        settings(tasks=("t2m", "codec"), rows=("shuffled",), samples=0, seed=4),
        train=walks(clip, 2),
    )
    assert list(report.tasks) == ["t2m", "codec"]
    assert list(report.tasks["t2m"].rows) == ["real", "shuffled"]
    assert report.samples is None
    assert report.settings.seed == 4
    assert report.tasks["codec"].note == "4 clips"


def test_captions_that_the_model_does_not_read_get_a_note(model, clip):
    texts = ("a person walks " * 20, "a person walks", "ein Mann geht und dreht sich")
    clips = [clip(n, frames=24, texts=(text,)) for n, text in enumerate(texts)]
    every = settings(tasks=("t2m", "correct"), rows=("model",), repeats=1, part=3)
    report = evaluate.run(model, clips, every, evaluators=[])
    assert any("Of 3 captions 1 have more than the 64 word pieces" in note for note in report.notes)
    assert any("Of 3 captions 1 are no English" in note for note in report.notes)
    assert report.tasks["correct"].rows["true caption"]["touched"].clips == 2
    assert report.tasks["t2m"].rows["model"]["bone_drift"].clips == 3


def test_a_report_says_by_which_protocol_and_where_ours_differs(model, clip, twin):
    every = {"tasks": ("t2m",), "rows": ("codec", "model"), "repeats": 1, "samples": 2}
    ours = evaluate.run(model, walks(clip, 4), settings(**every), evaluators=[twin])
    fields = evaluate.run(model, walks(clip, 4), settings(**every, protocol="humanml3d"), evaluators=[twin])
    assert (ours.settings.protocol, ours.settings.footlock) == ("dimo", True)
    assert (fields.settings.protocol, fields.settings.footlock) == ("humanml3d", False)
    (told,) = [n for n in ours.notes if n.startswith("Protocol dimo: ")]
    assert "with planted feet held, encoded again" in told
    (told,) = [n for n in fields.notes if n.startswith("Protocol humanml3d: ")]
    assert "nothing is encoded again" in told
    assert "bone_drift" in fields.tasks["t2m"].rows["model"]  # bodies are measured on what the features decode to
    assert all(s.made.shape[1:] == (22, 3) for s in fields.samples.items)


def test_a_refused_evaluator_stops_the_run(model, clip, twin):
    twin.comparable = True
    report = evaluate.run(model, walks(clip, 4), settings(published="HumanML3D"), evaluators=[twin])
    assert "lacks r1" in report.stopped
    assert list(report.tasks) == ["t2m"]
    assert list(report.tasks["t2m"].rows) == ["real"]
    assert all(s.made is None and s.truth is not None for s in report.samples.items)  # the crops that were measured


def test_what_cannot_be_measured_is_named(model, clip, twin):
    with pytest.raises(RequestError, match="2 clips"):
        evaluate.run(model, [clip(1), clip(2, frames=4)], settings())
    with pytest.raises(RequestError, match="levels goes beyond the 3"):
        evaluate.run(model, walks(clip, 2), settings(sweeps={"levels": (4.0,)}))
    with pytest.raises(RequestError, match="humanml3d is for a model"):
        evaluate.run_motions(walks(clip, 2), settings(protocol="humanml3d"))
    with pytest.raises(RequestError, match="room for 10 evaluators, not for 11"):
        evaluate.run(model, walks(clip, 2), settings(), evaluators=[twin] * 11)


def test_motions_of_any_system(clip, twin):
    made, truth = walks(clip, 40, frames=30)[8:], walks(clip, 32)
    report = evaluate.run_motions(made, settings(published="HumanML3D"), evaluators=[twin, twin], truth=truth)
    assert list(report.tasks) == ["t2m", "t2m_second"]
    assert list(report.tasks["t2m"].rows) == list(report.tasks["t2m_second"].rows) == ["real", "system"]
    assert report.tasks["t2m"].rows["system"]["fid"].mean > report.tasks["t2m"].rows["real"]["fid"].mean
    assert report.tasks["t2m"].rows["system"]["r1"].mean == 1.0
    assert "MDM" in report.tasks["t2m"].published
    assert set(report.hashes) == {"motions", "data"}
    assert report.settings.sampling is None
    assert {s.made.shape for s in report.samples.items} == {(30, 22, 3)}  # motions are not cropped

    alone = evaluate.run_motions(made, settings(), evaluators=[])
    assert list(alone.tasks["t2m"].rows) == ["system"]
    assert "fid" not in alone.tasks["t2m"].rows["system"]
    assert any("no real row" in note for note in alone.notes)
    with pytest.raises(RequestError, match="2 clips"):
        evaluate.run_motions(made[:1])


def test_a_system_is_not_printed_beside_a_wrong_real_row(clip, twin):
    twin.comparable = True
    report = evaluate.run_motions(walks(clip, 32), settings(), evaluators=[twin], truth=walks(clip, 32))
    assert report.stopped is not None
    assert list(report.tasks["t2m"].rows) == ["real"]
    assert np.isfinite(report.tasks["t2m"].rows["real"]["fid"].mean)


class Elsewhere:
    """An executor whose workers are made of what is pickled, as those of other processes are; it loses every third shard."""

    def __init__(self):
        self.kinds = []

    def map(self, start, shards):
        work = pickle.loads(pickle.dumps(start))()
        for number in range(len(shards)):
            shard = pickle.loads(pickle.dumps(shards[number]))
            self.kinds.append(shard[0])
            yield number, Lost("it died") if number % 3 == 2 else work(shard)


@pytest.mark.parametrize(
    ("protocol", "tasks", "kinds"),
    [
        pytest.param(  # a quarter of a minute
            "dimo",
            ("t2m", "m2t", "m2m"),
            ["generate", "codec", "captions", "captions", "gaps", "gaps"],
            marks=pytest.mark.integ,
        ),
        ("humanml3d", ("t2m",), ["generate", "codec"] * 2),
    ],
)
def test_what_workers_make_ahead_is_what_the_evaluation_makes(clip, tmp_path, monkeypatch, protocol, tasks, kinds):
    repeats = kinds.count("generate")
    asked = settings(repeats=repeats, protocol=protocol, tasks=tasks, rows=("real", "codec", "model"))
    clips = walks(clip, 34, frames=16)  # a batch and a rest, which captions alone are made of
    weights, where = tmp_path / "weights", Elsewhere()
    DiMo.debug().save_pretrained(weights)
    model = DiMo.from_pretrained(weights)
    given = {"evaluators": [], "generated": tmp_path / "kept"}
    made = evaluate.run(model, clips, asked, **given, workers=Workers(where, weights))
    assert where.kinds == kinds
    plain = evaluate.run(model, clips, asked, evaluators=[], generated=tmp_path / "plain")
    assert made.tasks == plain.tasks
    names = [{p.name for p in (tmp_path / place).rglob("*.*")} for place in ("kept", "plain")]
    assert names[0] == names[1]  # nothing that is not asked for
    for name in ("make", "features"):  # all is found, and not made once more
        monkeypatch.setattr(type(model.pipeline), name, lambda *a, **k: pytest.fail("made again"))
    assert evaluate.run(model, clips, asked, **given).tasks == made.tasks


def test_clips_and_evaluators_of_another_body_are_refused(model, clip, twin):
    other = [replace(c, joints=c.joints[:, :21], fps=12.5) for c in walks(clip, 3)]
    with pytest.raises(
        RequestError, match=r"21 joints at 12.5 fps, and the model 22 \(humanml3d\) at 20; dimo prepare"
    ):
        evaluate.run(model, other, settings(), evaluators=[])
    twin.columns = 251
    with pytest.raises(RequestError, match="the twin reads 251 features a frame"):
        evaluate.run(model, walks(clip, 3), settings(), evaluators=[twin])
