"""--device of every verb on the command line: what is there is used, what is not is one sentence and exit code 2."""

from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import AWAY, CPU, Elsewhere

from dimo import DiMo, device
from dimo.cli.main import VERBS, build_parser, main
from dimo.data import shards
from dimo.data.records import Caption, Clip
from dimo.evaluators.guo import GuoEvaluator, Networks
from dimo.evaluators.guo_words import WordVectors

TEXT, WORDS = "a person walks", ("unk", "sos", "eos", "a", "person", "walk", "jump")
WITHOUT = {"show", "draw", "prepare", "compare", "study", "setup"}
"""Verbs that compute nothing with torch."""
LASTING = {"serve", "mcp"}
"""Verbs that wait for others to ask."""
TRAINING = {"ablate"}
"""Verbs that hand the device to trainers and evaluation (test_trainers.py)."""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with weights, a motion, clips, an evaluator and a recipe."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("device")
    model = DiMo.debug()
    model.save_pretrained(folder / "model")
    (folder / "motions").mkdir()
    model.generate(TEXT, seconds=3, steps=1, seed=0)[0].save(folder / "motions" / "a.npz")
    (folder / "script.txt").write_text(f"2s {TEXT}\n")
    (folder / "lines.txt").write_text(f"{TEXT}\njumps\n")
    rng = np.random.default_rng(0)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    clips = [
        Clip(
            f"c{i}",
            (rest + rng.normal(0, 0.02, (48, 22, 3)) + np.arange(48)[:, None, None] * [0, 0, 0.02]).astype(np.float32),
            20.0,
            (Caption(f"a person {verb}"),),
            split,
            label=verb,
        )
        for i, (verb, split) in enumerate([("walks", "test"), ("jumps", "test"), ("walks", "train"), ("jumps", "val")])
    ]
    (folder / "data").mkdir()
    shards.write(folder / "data" / "all.parquet", clips)
    words = WordVectors(rng.normal(size=(len(WORDS), 8)), {w: i for i, w in enumerate(WORDS)})
    GuoEvaluator(Networks(words=8, width=8), words, comparable=False).save(folder / "judge", {})
    (folder / "codec.toml").write_text(
        "[codec]\nwidth = 16\ndim = 8\nlevels = 2\ncodes = 16\n[loss]\nbatch = 2\nwindow = 32\n[loop]\nbf16 = false\n"
    )
    return folder


def command(place: Path, verb: str) -> list[str]:
    """A command line of each verb that computes, without --model and --device."""
    motion, data = str(place / "motions" / "a.npz"), str(place / "data")
    made = ["-o", str(place / "made.bvh"), "--steps", "2", "--seed", "1"]
    judged = ["--data", data, "--evaluator", str(place / "judge"), "-o", str(place / "report")]
    return {
        "generate": ["generate", TEXT, "--seconds", "2", "--trace", str(place / "trace.html"), *made],
        "sample": ["sample", "--seconds", "2", *made],
        "batch": ["batch", str(place / "lines.txt"), "-o", str(place / "motions of lines"), "--steps", "2", "--quiet"],
        "compose": ["compose", str(place / "script.txt"), *made],
        "edit": ["edit", motion, "--replace", "1:2", *made],
        "inbetween": ["inbetween", motion, motion, *made],
        "convert": ["convert", motion, str(place / "made.bvh"), "--loop", "--steps", "2", "--seed", "1"],
        "caption": ["caption", motion],
        "correct": ["correct", motion, "a man walks left"],
        "search": ["search", TEXT, str(place / "motions"), "--no-cache"],
        "rank": ["rank", motion, str(place / "lines.txt")],
        "evaluate": ["evaluate", *judged, "--tasks", "t2m,m2t,m2m,codec,correct", "--repeats", "1", "--quiet"],
        "train": ["train", "codec", "--data", data, "--out", str(place / "codec"), "--steps", "2", "--quiet"],
        "doctor": ["doctor"],
    }[verb]


def test_every_verb_that_computes_takes_a_device():
    parser = build_parser()
    assert {v for v in VERBS if "--device" not in parser.verbs[v].format_help()} == WITHOUT


COMPUTING = [v for v in VERBS if v not in WITHOUT | LASTING | TRAINING]


@pytest.mark.parametrize("verb", COMPUTING)
def test_a_verb_computes_where_it_is_told(verb, place, monkeypatch, capsys):
    monkeypatch.setattr(
        device, "choose", lambda name="auto": device.Choice(AWAY if name == "cuda" else CPU, "asked for")
    )
    asked = [*command(place, verb), "--device", "cuda"]
    if verb != "train":
        asked += ["--model", str(place / "model")]
    else:
        asked += ["--recipe", str(place / "codec.toml")]
    with Elsewhere() as elsewhere:
        assert main(asked) == 0, capsys.readouterr()
    assert elsewhere.operations > 20


@pytest.mark.parametrize("verb", COMPUTING)
def test_a_device_that_is_not_there_is_told_before_anything_is_made(verb, place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = sorted(place.rglob("*"))
    assert main([*command(place, verb), "--device", "cuda"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dimo: error: the device cuda (asked for) is not there: ")
    assert sorted(place.rglob("*")) == before


def test_a_name_of_no_device_is_told_at_once(capsys):
    assert main(["generate", TEXT, "-o", "x.bvh", "--device", "gpu"]) == 2
    assert "argument --device: the device must be one of auto, cpu, cuda, mps" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] data. DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_too_little_memory_is_one_sentence(error, place, monkeypatch, capsys):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(DiMo, "caption", fail)
    assert main(["caption", str(place / "motions" / "a.npz"), "--model", str(place / "model")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dimo: error: the memory does not suffice; ")


def test_the_environment_is_heard(place, monkeypatch, capsys):
    monkeypatch.setenv(device.VARIABLE, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["caption", str(place / "motions" / "a.npz")]) == 2
    assert "cuda (named by DIMO_DEVICE) is not there" in capsys.readouterr().err


def test_doctor_says_what_is_used_and_why(place, monkeypatch, capsys):
    monkeypatch.delenv(device.VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert main(["doctor", "--model", str(place / "model")]) == 0
    shown = capsys.readouterr().out
    assert f"device       cpu: {device.no_cuda()}; the Apple GPU is taken when asked for" in shown
    for does, how in device.ways(CPU).items():
        assert f"  {does:<10} {how}" in shown
    assert main(["doctor", "--model", str(place / "model"), "--device", "cpu"]) == 0
    assert "device       cpu: asked for" in capsys.readouterr().out
