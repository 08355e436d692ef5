"""dimo evaluate, compare and study from end to end, with a tiny model and synthetic clips."""

import json

import numpy as np
import pytest

from dimo import preset
from dimo.api import DiMo
from dimo.cli import evaluate_run
from dimo.cli.evaluate_rows import _placed, wrong_captions
from dimo.cli.main import main
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.evaluate.samples import Samples
from dimo.evaluators.encoder import word_vectors
from dimo.evaluators.find import Evaluator
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors

BODY = preset("humanml3d")
REST = np.zeros((22, 3))
for _j, _p in enumerate(BODY.parents):
    REST[_j] = BODY.offsets[_j] + (REST[_p] if _p >= 0 else [0, 0.92, 0])


def walking(number: int, split: str) -> Clip:
    joints = np.repeat(REST[None], 24, axis=0)
    joints[..., 2] += np.arange(24)[:, None] * (0.02 + 0.005 * number)
    captions = (Caption("a person walks forward"), Caption("someone walks ahead"))
    return Clip(f"{split}{number}", joints.astype(np.float32), 20.0, captions, split, label="walk")


@pytest.fixture(autouse=True)
def no_encoder(place, monkeypatch):
    """The packaged encoder is large, and its numbers are not what is tested here."""
    monkeypatch.setenv("DIMO_WEIGHTS", str(place / "tiny"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    (folder / "data").mkdir()
    shards.write(folder / "data/x.parquet", [walking(n, s) for s in ("train", "val") for n in range(4)])
    DiMo.debug().save_pretrained(folder / "tiny")
    DiMo.debug(seed=1).save_pretrained(folder / "other")
    return folder


def evaluate(place, model: str, out: str, *flags: str) -> int:
    where = ["--data", str(place / "data"), "--model", str(place / model), "-o", str(place / out)]
    return main(["evaluate", *where, "--split", "val", "--samples", "3", "--steps", "2", *flags])


def test_a_whole_report_is_resumed_compared_and_asked_about(place, capsys):
    every = ("--tasks", "t2m,m2t,m2m,codec,correct", "--repeats", "2", "--part", "2", "--sweep", "steps=1,2")
    assert evaluate(place, "tiny", "a", *every) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "text to motion: body and instructions" in shown.out
    report = json.loads((place / "a/report.json").read_text())
    assert list(report["tasks"]) == ["t2m", "m2t", "m2m", "codec", "correct"]
    assert list(report["tasks"]["t2m"]["rows"]) == ["real", "codec", "shuffled", "nearest", "model"]
    assert report["tasks"]["t2m"]["rows"]["real"]["checks"]["mean"] in (0.0, 0.25, 0.5, 0.75, 1.0)
    assert len(report["tasks"]["codec"]["rows"]) == 3
    assert [p["value"] for p in report["sweeps"]["steps"]] == [1, 2]
    assert str(place) not in (place / "a/report.json").read_text()
    assert (place / "a/report.md").read_text().startswith("# Evaluation on 4 clips")
    assert "<canvas" in (place / "a/report.html").read_text()

    files = {p: p.stat().st_mtime_ns for p in (place / "a/generated").rglob("*.npz")}
    assert evaluate(place, "tiny", "a", *every, "--quiet") == 0
    assert {p: p.stat().st_mtime_ns for p in (place / "a/generated").rglob("*.npz")} == files
    again = json.loads((place / "a/report.json").read_text())
    assert again["tasks"] == report["tasks"]

    assert evaluate(place, "other", "b", "--tasks", "t2m", "--repeats", "2", "--published", "HumanML3D") == 0
    assert "MoMask [published]" in capsys.readouterr().out
    assert main(["compare", str(place / "a"), str(place / "b" / "report.json"), "--all"]) == 0
    assert "t2m, real" in capsys.readouterr().out

    page = place / "study.html"
    assert main(["study", "build", str(place / "a"), str(place / "b"), "-o", str(page)]) == 0
    key = json.loads((place / "study.key.json").read_text())
    answers = {"format": "dimo-study-answers", "study": key["study"], "person": "x", "answers": key["a"]}
    (place / "answers.json").write_text(json.dumps(answers))
    capsys.readouterr()
    assert main(["study", "score", str(place / "study.key.json"), str(place / "answers.json")]) == 0
    assert "100 % " in capsys.readouterr().out


def test_a_second_encoder_judges_the_same_motions(place, capsys):
    words = WordVectors(np.eye(3, 8, dtype=np.float32), {"unk": 0, "sos": 1, "eos": 2})
    GuoEvaluator(Networks(263, 8), words, comparable=False).save(place / "judge", {})
    twice = ("--evaluator", str(place / "judge")) * 2
    flags = ("--tasks", "t2m", "--rows", "real,codec,model", "--repeats", "2")
    assert evaluate(place, "tiny", "twice", *flags, *twice) == 0
    assert "by the second encoder" in capsys.readouterr().out
    tasks = json.loads((place / "twice/report.json").read_text())["tasks"]
    assert tasks["t2m_second"]["encoder"]["label"] == "retrained, not comparable with published numbers"
    rows = tasks["t2m_second"]["rows"]
    assert list(rows) == ["real", "codec", "model"]
    for name, cells in rows.items():  # the same encoder twice must say the same of the same motions
        assert "checks" not in cells
        assert cells
        assert cells == {k: tasks["t2m"]["rows"][name][k] for k in cells}

    motions = ["--motions", str(place / "two"), "--captions", str(place / "two.txt"), "-o", str(place / "system")]
    (place / "two").mkdir()
    for n in range(2):
        np.save(place / f"two/m{n}.npy", walking(n, "x").joints)
    (place / "two.txt").write_text("m0\ta person walks\nm1\ta man walks\n")
    assert main(["evaluate", *motions, "--model", str(place / "tiny"), "--repeats", "1", "--quiet", *twice]) == 0
    tasks = json.loads((place / "system/report.json").read_text())["tasks"]
    assert list(tasks["t2m_second"]["rows"]) == ["system"]
    assert "pools of 32 motions; there are 2" in (place / "system/report.md").read_text()
    capsys.readouterr()
    assert main(["evaluate", *motions, *twice, "--evaluator", str(place / "judge")]) == 2
    assert "room for two" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_encoder_that_is_not_the_published_one_judges_no_model(place, capsys, monkeypatch, wrong):
    words = WordVectors(np.eye(3, 8, dtype=np.float32), {"unk": 0, "sos": 1, "eos": 2})
    judges = []
    for n in range(2):
        encoder = GuoEvaluator(Networks(263, 8), words, comparable=n == wrong)
        judges.append(Evaluator(encoder, {"name": str(n), "label": encoder.label}, word_vectors))
    monkeypatch.setattr(evaluate_run, "find_all", lambda folders, model: judges)
    assert evaluate(place, "tiny", f"wrong{wrong}", "--tasks", "t2m,codec", "--repeats", "1") == 0
    report = json.loads((place / f"wrong{wrong}/report.json").read_text())
    said = ("No row of the model is printed", "The second encoder judges no row of the model")[wrong]
    assert any(said in note and "lacks r1" in note for note in report["notes"])
    assert list(report["tasks"]) == (["t2m"] if wrong == 0 else ["t2m", "t2m_second", "codec"])
    assert list(report["tasks"][("t2m", "t2m_second")[wrong]]["rows"]) == ["real"]
    # The page shows the crops that were measured, or with a model its motions beside them.
    samples = Samples.load(place / f"wrong{wrong}")
    assert len(samples.items) == 3
    assert all((s.made is None) == (wrong == 0) for s in samples.items)
    capsys.readouterr()


def test_motions_of_any_system(place, capsys):
    folder = place / "made"
    folder.mkdir()
    for n in range(3):
        clip = walking(n, "x")
        np.save(folder / f"m{n}.npy", clip.joints)
    rows = [{"id": f"m{n}", "caption": "a person walks forward"} for n in range(3)]
    (place / "captions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (place / "captions.txt").write_text("".join(f"{r['id']}.npy\t{r['caption']}\n" for r in rows))
    for name, more in (("captions.jsonl", ()), ("captions.txt", ("--data", str(place / "data"), "--split", "val"))):
        where = ["--motions", str(folder), "--captions", str(place / name), "--model", str(place / "tiny")]
        assert main(["evaluate", *where, "-o", str(place / f"out{name}"), "--repeats", "1", *more]) == 0
        report = json.loads((place / f"out{name}/report.json").read_text())
        assert list(report["tasks"]["t2m"]["rows"]) == (["real", "system"] if more else ["system"])
        assert report["settings"]["clips"] == 3
    capsys.readouterr()


def test_wrong_captions_exchange_one_word():
    generator = np.random.default_rng(0)
    found = dict(wrong_captions("a person waves with the left hand", generator))
    assert found["left / right"] == "a person waves with the right hand"
    assert all(
        sum(a != b for a, b in zip(t.split(), "a person waves with the left hand".split(), strict=True)) == 1
        for t in found.values()
    )
    assert "left / right" not in dict(wrong_captions("from left to right", generator))


def test_placing_undoes_a_turn_and_a_shift():
    truth = np.random.default_rng(1).normal(size=(6, 22, 3))
    c, s = np.cos(0.7), np.sin(0.7)
    turned = np.stack([truth[..., 0] * c + truth[..., 2] * s, truth[..., 1], truth[..., 2] * c - truth[..., 0] * s], -1)
    assert np.allclose(_placed(turned + np.array([3, 0, -2]), truth), truth)
