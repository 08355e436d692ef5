"""A batch: the motions that each prompt alone would be, an index of whole files, and going on from wherever it was ended."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deadly import Deadly

from dimo import DiMo, Motion, preset
from dimo.batch import folder as folders
from dimo.batch import run as batch
from dimo.batch.folder import held
from dimo.batch.make import Plan
from dimo.batch.prompts import Prompt
from dimo.cli.main import main
from dimo.diffusion.options import SampleOptions
from dimo.errors import RequestError, WeightsError
from dimo.formats.rig import read_rig
from dimo.formats.writing import Output
from dimo.scale.pool import Pool

PROMPTS = [
    Prompt("walk", "a person walks forward", 2.0),
    Prompt("bow", "a person bows"),
    Prompt("again", "a person walks forward", 2.0),
    Prompt("seeded", "a person jumps", 1.0, seed=9),
    Prompt("both", None, parts=(("a person walks", 1.0), ("a person sits down", 1.5))),
]
STEPS = SampleOptions(steps=2, seed=3)
LONG = Prompt("long", "a person walks and " * 400 + "stops", 2.0)
FOREIGN = Prompt("foreign", "一个人向前走", 2.0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return DiMo.debug().save_pretrained(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def model(tiny) -> DiMo:
    return DiMo.from_pretrained(tiny)


@pytest.fixture
def plan(tiny, tmp_path) -> Plan:
    return Plan(tmp_path / "made", ".npz", STEPS, model=tiny, device="cpu")


def rows(folder: Path, name: str = "index.jsonl") -> list[dict]:
    path = folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def motions(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*.npz")}


def same(a: Motion, b: Motion) -> bool:
    return np.array_equal(a.rotations, b.rotations) and np.array_equal(a.root, b.root)


def test_motions_are_those_that_each_prompt_alone_would_be(plan, model):
    assert batch.run(PROMPTS, plan, size=4) == batch.Result(5, 0, 0)
    index = rows(plan.folder)
    assert [row["id"] for row in index] == [p.id for p in PROMPTS]
    assert names(plan.folder) == {"batch.json", "index.jsonl", *(row["file"] for row in index)}
    for row, prompt in zip(index, PROMPTS, strict=True):
        given = dict(seed=row["seed"], options=STEPS)
        if prompt.text is not None:
            assert row["text"] == prompt.text
            (alone,) = model.generate(prompt.text, seconds=prompt.seconds, **given)
        else:
            assert row["parts"] == [{"text": text, "seconds": seconds} for text, seconds in prompt.parts]
            (alone,) = model.compose(prompt.parts, **given)
        made = Motion.load(plan.folder / row["file"])
        assert same(made, alone), prompt
        assert row["seconds"] == len(made) / 20 == (prompt.seconds or row["seconds"])
        assert row["weights"] == model.fingerprint()
    assert index[3]["seed"] == 9
    walk, again = (Motion.load(plan.folder / f"{name}.npz") for name in ("walk", "again"))
    assert not same(walk, again)  # one sentence on two lines is two motions


def test_two_processes_write_what_one_does(plan):
    batch.run(PROMPTS, plan)
    two = replace(plan, folder=plan.folder.with_name("two"))
    assert batch.run([*PROMPTS, FOREIGN], two, executor=Pool(2), size=2) == batch.Result(5, 0, 1)
    assert motions(two.folder) == motions(plan.folder)
    assert rows(two.folder) == rows(plan.folder)
    assert [row["id"] for row in rows(two.folder, "errors.jsonl")] == ["foreign"]


def test_a_prompt_that_fails_loses_itself_alone(plan):
    result = batch.run([PROMPTS[0], LONG, FOREIGN, PROMPTS[3]], plan)
    assert result == batch.Result(2, 0, 2)
    assert [row["id"] for row in rows(plan.folder)] == ["walk", "seeded"]
    long, foreign = rows(plan.folder, "errors.jsonl")
    assert (long["id"], foreign["id"], foreign["text"]) == ("long", "foreign", FOREIGN.text)
    assert "at most" in long["error"]
    assert "English" in foreign["error"]


def test_a_prompt_that_fails_while_it_is_drawn_loses_itself_alone(plan, monkeypatch):
    """A fault that is found only in the batch, as that of too little memory."""
    from dimo.inpaint.pipeline import Pipeline

    make = Pipeline.make

    def spoiled(self, requests, *given, **named):
        if any(request.name.startswith("a_person_bows") for request in requests):
            raise MemoryError("too long")
        return make(self, requests, *given, **named)

    monkeypatch.setattr(Pipeline, "make", spoiled)
    assert batch.run(PROMPTS, plan) == batch.Result(4, 0, 1)
    (error,) = rows(plan.folder, "errors.jsonl")
    assert (error["id"], error["error"]) == ("bow", "internal error (MemoryError: too long)")


def test_it_goes_on_where_it_was(plan):
    batch.run([*PROMPTS[:3], FOREIGN], plan)
    before = motions(plan.folder)
    times = {p: p.stat().st_mtime_ns for p in plan.folder.glob("*.npz")}
    (plan.folder / "bow.npz").unlink()
    assert batch.run([*PROMPTS, FOREIGN], plan) == batch.Result(
        3, 2, 1
    )  # new ones, one that was removed, the foreign one
    after = motions(plan.folder)
    assert {name: after[name] for name in before} == before
    assert all(p.stat().st_mtime_ns == t for p, t in times.items() if p.name != "bow.npz")
    assert [row["id"] for row in rows(plan.folder)] == [p.id for p in PROMPTS]
    told: list[int] = []
    assert batch.run(PROMPTS, plan, tell=told.append) == batch.Result(0, 5, 0)
    assert told == [5]
    assert not (plan.folder / "errors.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(options=SampleOptions(steps=3, seed=3)), "its motions are of steps 2, not 3; name another folder"),
        (dict(options=SampleOptions(steps=2, seed=4)), "its motions are of seed 3, not 4"),
        (dict(suffix=".bvh"), "its motions are of suffix .npz, not .bvh"),
        (dict(footlock=False), "its motions are of footlock True, not False"),
        (dict(output=Output(fps=30)), "its motions are of fps None, not 30"),
        (dict(skeleton=preset("smplx")), "its motions are of skeleton None, not "),
    ],
)
def test_a_folder_of_other_settings_is_left_alone(plan, change, words):
    batch.run(PROMPTS[:1], plan)
    before = {p: p.read_bytes() for p in plan.folder.iterdir()}
    with pytest.raises(RequestError, match=words):
        batch.run(PROMPTS[:2], replace(plan, **change))
    assert {p: p.read_bytes() for p in plan.folder.iterdir()} == before


def test_a_folder_of_other_weights_is_left_alone(plan, tmp_path):
    batch.run(PROMPTS[:1], plan)
    other = DiMo.debug(seed=1).save_pretrained(tmp_path / "other")
    with pytest.raises(RequestError, match="its motions are of weights "):
        batch.run(PROMPTS, replace(plan, model=other))


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([PROMPTS[1]], "'walk' of its index is not among these prompts"),
        ([replace(PROMPTS[0], text="a person runs"), PROMPTS[1]], "'walk' of its index is asked otherwise now"),
    ],
)
def test_a_folder_of_other_prompts_is_left_alone(plan, prompts, words):
    batch.run(PROMPTS[:2], plan)
    before = motions(plan.folder)
    with pytest.raises(RequestError, match=words):
        batch.run(prompts, plan)
    assert motions(plan.folder) == before


def test_a_full_disk_ends_it_and_keeps_what_is_there(plan, monkeypatch):
    save, left = Motion.save, [2]

    def full(self, path, **options):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device", str(path))
        return save(self, path, **options)

    monkeypatch.setattr(Motion, "save", full)
    with pytest.raises(OSError, match="No space left"):
        batch.run(PROMPTS, plan, size=1)
    monkeypatch.setattr(Motion, "save", save)
    assert [row["id"] for row in rows(plan.folder)] == ["walk", "bow"]
    assert not (plan.folder / "errors.jsonl").exists()
    assert batch.run(PROMPTS, plan) == batch.Result(3, 2, 0)


def test_a_prompt_that_kills_its_process_loses_itself_alone(plan):
    """Of the shard that it was in, the others are made."""

    deadly = Deadly(**vars(plan))
    result = batch.run(PROMPTS[:2], deadly, executor=Pool(1), size=2)
    assert result == batch.Result(1, 0, 1)
    (error,) = rows(plan.folder, "errors.jsonl")
    assert error["id"] == "bow"
    assert "signal 9" in error["error"]


def test_a_machine_of_other_weights_is_told(plan, model):
    with pytest.raises(WeightsError, match=r"the weights here, or the precision .* are not those of the batch"):
        replace(plan, weights="0" * 16).start()
    assert replace(plan, weights=model.fingerprint()).start().model.fingerprint() == model.fingerprint()


def test_a_character_goes_to_other_processes(plan, model, tmp_path):
    (motion,) = model.generate("a person walks", seconds=1, steps=1, seed=0)
    rig = read_rig(motion.save(tmp_path / "hero.glb"))
    sent = pickle.loads(pickle.dumps(replace(plan, output=Output(rig=rig)))).output.rig
    assert sent == rig
    here, there = (motion.save(tmp_path / f"{i}.glb", rig=r).read_bytes() for i, r in enumerate((rig, sent)))
    assert here == there
    assert batch.settings(replace(plan, output=Output(rig=sent))) == batch.settings(
        replace(plan, output=Output(rig=rig))
    )


# ---- ended at any moment


def test_one_run_at_a_time_has_a_folder(plan):
    with held(plan.folder), pytest.raises(RequestError, match="another dimo batch is writing here"):
        batch.run(PROMPTS, plan)
    assert batch.run(PROMPTS[:1], plan).made == 1


def test_a_run_that_fails_before_it_makes_anything_leaves_no_folder(plan, tmp_path):
    with pytest.raises(Exception, match="no such weights folder"):
        batch.run(PROMPTS, replace(plan, model=tmp_path / "none"))
    assert not plan.folder.exists()


def test_the_index_is_written_seldom_and_at_the_end(plan, monkeypatch):
    """At most once a second, and so seldom that it takes a twentieth of the time."""
    monkeypatch.setattr(folders, "EVERY", 1e9)
    calls = []
    write = folders.Folder.write
    monkeypatch.setattr(folders.Folder, "write", lambda self: [calls.append(len(self.rows)), write(self)])
    batch.run(PROMPTS, plan, size=1)
    assert calls == [1, 5]


def test_a_run_that_is_interrupted_says_what_is_there(plan, monkeypatch):
    monkeypatch.setattr(folders, "EVERY", 1e9)

    def interrupt(number: int) -> None:
        told.append(number)
        if len(told) == 3:
            raise KeyboardInterrupt

    told: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        batch.run(PROMPTS, plan, size=1, tell=interrupt)
    assert [row["id"] for row in rows(plan.folder)] == ["walk", "bow"]


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.integ)])
def test_killed_it_leaves_whole_files_and_goes_on(workers, plan, tiny, tmp_path):
    """kill -9 as soon as some motions are there; the next run makes the rest, and the whole is that of a run in peace."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("".join(f"1s a person walks {n} steps\n" for n in range(12)))
    argv = ["batch", str(prompts), "--model", str(tiny), "--steps", "2", "--size", "1", "--workers", workers]
    command = [sys.executable, "-m", "dimo", *argv, "-o", str(plan.folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 120
    while len(list(plan.folder.glob("*.npz"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = {path: Motion.load(path) for path in plan.folder.glob("*.npz")}
    assert len(made) >= 3
    assert all(len(motion) == 20 for motion in made.values())
    listed = rows(plan.folder)
    assert {row["file"] for row in listed} <= {path.name for path in made}
    (plan.folder / ".partial" / "half.npz").write_bytes(b"PK")
    assert main([*argv, "-o", str(plan.folder)]) == 0
    assert main([*argv, "-o", str(tmp_path / "peace")]) == 0
    assert len(motions(plan.folder)) == 12
    assert motions(plan.folder) == motions(tmp_path / "peace")
    assert rows(plan.folder) == rows(tmp_path / "peace")
    assert names(plan.folder) == names(tmp_path / "peace")


# ---- on the command line


def test_the_flags_are_heard(plan, tiny, tmp_path, capsys):
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"text": "a person walks", "seconds": 2, "id": "w"}\n')
    argv = ["batch", str(prompts), "-o", str(plan.folder), "--model", str(tiny), "--steps", "2", "--format", "bvh"]
    flags = ["--fps", "30", "--out-unit", "cm", "--skeleton", "mixamo", "--seed", "5"]
    assert main([*argv, *flags]) == 0
    assert capsys.readouterr().out == f"{plan.folder}: 1 motions made\n"
    made = Motion.load(plan.folder / "w.bvh")
    assert (made.fps, len(made)) == (30, 59)  # from the first of 40 frames at 20 fps to the last
    assert "Hips" in made.skeleton.names[0]
    (row,) = rows(plan.folder)
    assert (row["seconds"], row["seed"]) == (2.0, Prompt("w", "").seed_of(5))
    assert main([*argv, *flags]) == 0
    assert capsys.readouterr().out == f"{plan.folder}: 0 motions made, 1 were there\n"


def test_a_failed_prompt_is_told_by_the_exit_code(plan, tiny, tmp_path, capsys):
    prompts = tmp_path / "p.txt"
    prompts.write_text("1s a person walks\n1s 一个人\n", encoding="utf-8")
    argv = ["batch", str(prompts), "-o", str(plan.folder), "--model", str(tiny), "--steps", "1"]
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == f"{plan.folder}: 1 motions made\n"
    assert shown.err == (
        f"dimo: error: {plan.folder / 'errors.jsonl'}: 1 of 2 prompts could not be made, and it says why\n"
    )
    assert len(rows(plan.folder)) == 1
