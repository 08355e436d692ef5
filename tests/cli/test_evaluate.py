"""dimo evaluate, compare and study from end to end, with a tiny model and synthetic clips."""

import json
from pathlib import Path

import numpy as np
import pytest

from dimo import preset
from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.cli.main import build_parser, main
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors
from dimo.inpaint.pipeline import MEMORY
from dimo.memory.lookup import Memory

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
def no_evaluator(place, monkeypatch):
    """The packaged ones are large, and their numbers are not what is tested here."""
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

    assert evaluate(place, "tiny", "f", "--tasks", "t2m", "--repeats", "1", "--protocol", "humanml3d") == 0
    assert "Protocol humanml3d: " in capsys.readouterr().out
    assert main(["compare", str(place / "a"), str(place / "f")]) == 0
    assert "the protocols differ: dimo against humanml3d" in "".join(capsys.readouterr())

    page = place / "study.html"
    assert main(["study", "build", str(place / "a"), str(place / "b"), "-o", str(page)]) == 0
    key = json.loads((place / "study.key.json").read_text())
    assert (len(key["a"]), len(key["checks"])) == (1, 2)  # of three samples
    given = {pair: dict.fromkeys(("follows", "natural"), side) for pair, side in {**key["a"], **key["checks"]}.items()}
    answers = {"format": "dimo-study-answers", "study": key["study"], "person": "x", "answers": given}
    (place / "answers.json").write_text(json.dumps(answers))
    capsys.readouterr()
    score = ["study", "score", str(place / "study.key.json"), str(place / "answers.json"), "-o", str(place / "s.json")]
    assert main(score) == 0
    told = capsys.readouterr().out
    assert "1 people count; 0 missed checks" in told
    assert "natural: a 1 times, b 0 times" in told
    assert json.loads((place / "s.json").read_text())["questions"]["follows"]["share_of_a"] == 1
    assert main(["study", "build", str(place / "a"), "-o", str(page), "--pairs", "2", "--checks", "1"]) == 0
    assert json.loads((place / "study.key.json").read_text())["names"] == {"a": "a", "b": "real motion"}
    assert main(["study", "build", str(place / "a"), "-o", str(page), "--pairs", "9"]) == 2
    assert "9 pairs and 2 checks" in capsys.readouterr().err


def test_several_evaluators_measure_the_same_motions(place, capsys):
    words = WordVectors(np.eye(3, 8, dtype=np.float32), {"unk": 0, "sos": 1, "eos": 2})
    GuoEvaluator(Networks(263, 8), words, comparable=False).save(place / "retrained", {})
    thrice = ("--evaluator", str(place / "retrained")) * 3
    flags = ("--tasks", "t2m", "--rows", "real,codec,model", "--repeats", "2")
    assert evaluate(place, "tiny", "thrice", *flags, *thrice) == 0
    assert "by the third evaluator" in capsys.readouterr().out
    tasks = json.loads((place / "thrice/report.json").read_text())["tasks"]
    assert tasks["t2m_second"]["encoder"]["label"] == "retrained, not comparable with published numbers"
    rows = tasks["t2m_third"]["rows"]
    assert list(rows) == ["real", "codec", "model"]
    for name, cells in rows.items():  # the same evaluator again must say the same of the same motions
        assert "checks" not in cells
        assert cells
        assert cells == {k: tasks["t2m"]["rows"][name][k] for k in cells}

    motions = ["--motions", str(place / "two"), "--captions", str(place / "two.txt"), "-o", str(place / "system")]
    (place / "two").mkdir()
    for n in range(2):
        np.save(place / f"two/m{n}.npy", walking(n, "x").joints)
    (place / "two.txt").write_text("m0\ta person walks\nm1\ta man walks\n")
    assert main(["evaluate", *motions, "--model", str(place / "tiny"), "--repeats", "1", "--quiet", *thrice]) == 0
    tasks = json.loads((place / "system/report.json").read_text())["tasks"]
    assert list(tasks) == ["t2m", "t2m_second", "t2m_third"]
    assert list(tasks["t2m_second"]["rows"]) == ["system"]
    assert "pools of 32 motions; there are 2" in (place / "system/report.md").read_text()
    capsys.readouterr()


def test_gaps_are_filled_with_the_share_of_memory_that_is_asked_for(place, capsys, monkeypatch):
    asked = []
    complete = DiMo.complete
    monkeypatch.setattr(DiMo, "complete", lambda *a, **k: (asked.append(k["memory"]), complete(*a, **k))[1])
    for n, flags in enumerate([(), ("--memory", "0"), ("--memory", "0.5")]):
        assert evaluate(place, "tiny", f"memory{n}", "--tasks", "m2m", "--part", "1", "--quiet", *flags) == 0
        command = json.loads((place / f"memory{n}/report.json").read_text())["settings"]["command"]
        assert command["memory"] == (None, 0.0, 0.5)[n]
    assert asked == [MEMORY] * 2 + [0.0] * 2 + [0.5] * 2
    capsys.readouterr()
    assert evaluate(place, "tiny", "memory", "--memory", "2") == 2
    assert "--memory must be from 0" in capsys.readouterr().err


def test_a_share_of_memory_changes_what_a_model_that_remembers_makes(place, capsys):
    model = DiMo.debug()
    clips = [walking(n, "train") for n in range(4)]
    codes = [model.codes(Motion.from_joints(BODY, c.joints, 20.0, c.id)) for c in clips]
    model.pipeline.memory = Memory.of(model.codec, codes, range(4), [0] * 4, [c.joints for c in clips])
    model.save_pretrained(place / "remembers")
    found = {}
    for share in ("0", "1"):
        flags = ("--tasks", "m2m", "--part", "4", "--quiet", "--memory", share)
        assert evaluate(place, "remembers", f"share{share}", *flags) == 0
        report = json.loads((place / f"share{share}/report.json").read_text())
        found[share] = report["tasks"]["m2m"]["rows"]["predict after 20 %: model"]["ade_mm"]["mean"]
        assert report["settings"]["memory"] == float(share)
    assert evaluate(place, "tiny", "without", "--tasks", "m2m", "--part", "4", "--quiet") == 0
    without = json.loads((place / "without/report.json").read_text())
    assert without["tasks"]["m2m"]["rows"]["predict after 20 %: model"]["ade_mm"]["mean"] == found["0"]
    assert found["0"] != found["1"]
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


def test_the_documented_command_is_that_of_the_committed_report():
    root = Path(__file__).parents[2]
    page = (root / "docs/evaluate.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = (line for line in page.splitlines() if line.startswith("dimo ") and "-o benchmarks/report" in line)
    args = vars(build_parser(["evaluate"]).parse_args(line.split()[1:]))
    committed = json.loads((root / "benchmarks/report/report.json").read_text())["settings"]["command"]
    assert args.pop("verb") == "evaluate"
    # Neither was a flag when the report was made, by weights that remembered nothing.
    assert (args.pop("memory"), args.pop("recall")) == (0, 0)
    assert (args.pop("protocol"), args.pop("device")) == ("dimo", "auto")  # nor were these
    assert (args.pop("workers"), args.pop("ray")) == (1, None)
    assert [args.pop(name) for name in ("up", "unit", "map")] == [None] * 3
    assert args.pop("data").name == committed.pop("data")
    assert args.pop("output").name == committed.pop("output")
    args.pop("quiet"), committed.pop("quiet")
    assert args == committed
