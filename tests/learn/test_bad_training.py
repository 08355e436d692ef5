"""Trainings that cannot be, by command: one sentence, exit code 2, and the last state as it was."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from dimo.cli.main import main
from dimo.text.wordpiece import Wordpiece

LOOP = "[loop]\nsteps = 2\nwarmup = 1\nlog_every = 1\nvalidate_every = 2\nbf16 = false\n"
RECIPES = {
    "codec": f"[codec]\nwidth = 16\ndim = 8\nlevels = 3\ncodes = 16\n[loss]\nbatch = 4\nwindow = 32\n{LOOP}",
    "model": "[transformer]\nwidth = 16\nlayers = 1\nheads = 2\nfeedforward = 16\nembedding_width = 8\n"
    f"[loss]\nbatch = 6\nmix = [3, 2, 1]\n{LOOP}[data]\nstart_weights = false\n",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with data, words, and a codec and a model after two steps."""
    pytest.importorskip("pyarrow")
    from dimo.data import shards
    from dimo.data.records import Caption, Clip

    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    for split in ("train", "val"):
        made = []
        for i, verb in enumerate(("walks", "jumps", "bows")):
            way = np.arange(40 + 8 * i)[:, None, None] * [0, 0, 0.02]
            joints = rest + rng.normal(0, 0.02, (len(way), 22, 3)) + way
            caption = (Caption(f"a person {verb}"),)
            made.append(Clip(f"{split}{i}", joints.astype(np.float32), 20.0, caption, split, label=verb))
        (folder / "data").mkdir(exist_ok=True)
        shards.write(folder / "data" / f"{split}.parquet", made)
    (folder / "words").mkdir()
    (folder / "words" / "vocab.txt").write_text(Wordpiece.basic().vocab_text())
    (folder / "words" / "model.safetensors").touch()  # named, and not read: only the words are taken
    for what in RECIPES:
        assert main(command(folder, what)) == 0
    return folder


def command(folder: Path, what: str, *more: str) -> list[str]:
    """A training as the fixture does it."""
    recipe = folder / f"{what}.toml"
    if not recipe.exists() and what in RECIPES:
        recipe.write_text(RECIPES[what])
    argv = [
        "train",
        what,
        "--data",
        str(folder / "data"),
        "--out",
        str(folder / what),
        "--recipe",
        str(recipe),
        "--quiet",
    ]
    if what == "model":
        argv += ["--codec", str(folder / "codec"), "--from", str(folder / "words")]
    return [*argv, *more]


Spoil = Callable[[Path], list[str]]


def recipe(what: str, old: str, new: str, *more: str) -> Spoil:
    """A training whose recipe has one thing changed."""

    def spoil(folder: Path) -> list[str]:
        assert RECIPES[what].count(old) == 1, old
        (folder / f"{what}.toml").write_text(RECIPES[what].replace(old, new))
        return command(folder, what, *more)

    return spoil


def of_kind(what: str, text: str) -> Spoil:
    def spoil(folder: Path) -> list[str]:
        (folder / f"{what}.toml").write_text(text)
        return command(folder, what)

    return spoil


def spoiled(change: Callable[[Path], object], what: str, *more: str) -> Spoil:
    return lambda folder: [change(folder), command(folder, what, *more)][1]


def config(**changes: object) -> Callable[[Path], None]:
    """Another size in the codec's config.json."""

    def change(folder: Path) -> None:
        path = folder / "codec" / "config.json"
        data = json.loads(path.read_text())
        path.write_text(json.dumps({**data, "codec": {**data["codec"], **changes}}))

    return change


def state(content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Another state.pt of the codec."""

    def change(folder: Path) -> None:
        path = folder / "codec" / "state.pt"
        path.write_bytes(content(path.read_bytes()))

    return change


def no_shards(folder: Path) -> None:
    for path in (folder / "data").glob("*.parquet"):
        path.unlink()


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


def saved(value: object) -> Callable[[Path], None]:
    return lambda folder: torch.save(value, folder / "codec" / "state.pt")


NOT_WHOLE = "state.pt: not a whole state of a training"
ROWS: list[tuple[str, Spoil, str]] = [
    *(
        (f"{kind}: an unknown key", of_kind(kind, "[data]\ncolour = 3\n"), "no key 'colour' in [data]")
        for kind in RECIPES
    ),
    *(
        (f"{kind}: an unknown table", of_kind(kind, "[colours]\nred = 3\n"), "no table [colours]")
        for kind in ("codec", "model", "align", "memory", "encoder", "evaluator")
    ),
    (
        "no key that --set names",
        spoiled(lambda folder: None, "codec", "--set", "loss.bacth=3"),
        "no key 'bacth' in [loss]",
    ),
    ("--set without a table", spoiled(lambda folder: None, "codec", "--set", "batch=3"), "write TABLE.KEY=VALUE"),
    (
        "a weight of nothing",
        spoiled(lambda folder: None, "codec", "--data", "other:0"),
        "the weight must be more than 0",
    ),
    (
        "a folder of the recipe that is none",
        recipe("model", "[data]", '[data]\nfolders = [["a", -1]]'),
        "or of folders with",
    ),
    ("a weight for one of two", spoiled(lambda folder: None, "codec", "--data", "other:2"), "or none of them one"),
    (
        "a figure that is none",
        recipe("codec", "steps = 2", 'steps = 2\nbest = "los"'),
        "best in [loop] must be a figure",
    ),
    (
        "epochs of an evaluator",
        of_kind("encoder", "[loop]\nepochs = 2\n"),
        "epochs, best, compile and workers in [loop]",
    ),
    ("workers of an evaluator", of_kind("encoder", "[loop]\nworkers = 2\n"), "are for dimo train codec and model"),
    ("fewer workers than none", recipe("codec", "steps = 2", "steps = 2\nworkers = -1"), "must be 0 or more, not -1"),
    (
        "a codec of another body",
        recipe("codec", "dim = 8", 'dim = 8\nskeleton = "kit"'),
        "the data have 22 joints at 20 fps",
    ),
    ("few motions to judge", of_kind("model", "[validation]\ngenerate = 3\n"), "must be 0 or at least 32"),
    ("a word for a number", recipe("codec", "dim = 8", 'dim = "8"'), "dim in [codec] must be int, not '8'"),
    ("half a step", recipe("codec", "steps = 2", "steps = 2.5"), "steps in [loop] must be int, not 2.5"),
    ("a number for a switch", recipe("model", "start_weights = false", "start_weights = 0"), "must be bool, not 0"),
    (
        "a list of words for shares",
        recipe("model", "[3, 2, 1]", '["a", "b", "c"]'),
        "mix in [loss] must be a list of 3 numbers",
    ),
    ("two shares for three", recipe("model", "[3, 2, 1]", "[3, 2]"), "mix in [loss] must be a list of 3 numbers"),
    ("a share for three", recipe("model", "[3, 2, 1]", "3"), "mix in [loss] must be a list of 3 numbers"),
    ("no share at all", recipe("model", "[3, 2, 1]", "[0, 0, 0]"), "a mix of three numbers"),
    ("a negative share", recipe("model", "[3, 2, 1]", "[3, -2, 1]"), "a mix of three numbers"),
    (
        "numbers for sources",
        recipe("model", "[data]\n", "[data]\nsources = [1]\n"),
        "sources in [data] must be a list of words",
    ),
    ("no width", recipe("codec", "width = 16", "width = 0"), "width in [codec] must be 1 or more, not 0"),
    ("no heads", recipe("model", "heads = 2", "heads = 0"), "heads in [transformer] must be 1 or more"),
    ("heads that do not share a width", recipe("model", "heads = 2", "heads = 3"), "cannot be shared by 3"),
    ("no batch", recipe("codec", "batch = 4", "batch = 0"), "batch in [loss] must be 1 or more"),
    (
        "fewer halvings than none",
        recipe("codec", "dim = 8", "dim = 8\nhalvings = -1"),
        "halvings in [codec] must be 0 or more",
    ),
    ("all is dropped", recipe("codec", "dim = 8", "dim = 8\ndropout = 1.0"), "dropout in [codec] must be"),
    (
        "a rate of nan",
        recipe("codec", "warmup = 1", "warmup = 1\nlearning_rate = nan"),
        "learning_rate in [loop] must be finite",
    ),
    ("no rate", recipe("codec", "warmup = 1", "warmup = 1\nlearning_rate = 0"), "positive learning rate"),
    ("betas beyond 1", recipe("codec", "warmup = 1", "warmup = 1\nbetas = [0.9, 1.5]"), "betas"),
    ("never a log", recipe("codec", "log_every = 1", "log_every = 0"), "log_every in [loop] must be 1 or more"),
    ("a folder without shards", spoiled(no_shards, "codec"), "holds no .parquet shards"),
    (
        "a folder without val",
        spoiled(lambda f: (f / "data" / "val.parquet").unlink(), "model"),
        "no clips of the split 'val'",
    ),
    (
        "a shard cut off",
        spoiled(lambda f: (f / "data" / "val.parquet").write_bytes(b"PAR1"), "codec"),
        "val.parquet: not a readable",
    ),
    ("sources that are not there", recipe("model", "[data]\n", '[data]\nsources = ["CMU"]\n'), "from ['CMU']"),
    ("a codec of other sizes", spoiled(config(width=24), "model"), "codec.safetensors: does not fit its config.json"),
    ("a codec of no known size", spoiled(config(colour=3), "model"), "config.json: not a usable codec config"),
    ("no codec", spoiled(lambda f: shutil.rmtree(f / "codec"), "model"), "codec: no such weights folder"),
    (
        "a state of another width",
        recipe("codec", "width = 16", "width = 24", "--resume"),
        "state.pt: made with other sizes",
    ),
    (
        "a state of other levels",
        recipe("codec", "levels = 3", "levels = 2", "--resume"),
        "state.pt: made with other sizes",
    ),
    ("a state without averages", recipe("codec", "[loop]\n", "[loop]\nema = 0.0\n", "--resume"), "averaged weights"),
    ("no state", spoiled(lambda f: (f / "codec" / "state.pt").unlink(), "codec", "--resume"), "nothing to resume"),
    ("half a state", spoiled(state(lambda data: data[: len(data) // 2]), "codec", "--resume"), NOT_WHOLE),
    ("an empty state", spoiled(state(lambda data: b""), "codec", "--resume"), NOT_WHOLE),
    ("a state that is text", spoiled(state(lambda data: b"dear reader"), "codec", "--resume"), NOT_WHOLE),
    (
        "a state that would run a program",
        spoiled(state(lambda data: pickle.dumps(Evil())), "codec", "--resume"),
        NOT_WHOLE,
    ),
    ("a state that is a list", spoiled(saved([1, 2]), "codec", "--resume"), NOT_WHOLE),
    ("a state of something else", spoiled(saved({"weights": 3}), "codec", "--resume"), NOT_WHOLE),
    ("weights of other levels to begin from", lambda f: begun_from_others(f), "does not fit its config.json"),
    ("a device that is not there", spoiled(lambda f: None, "codec", "--device", "cuda:7"), "the device cuda:7"),
    (
        "an out that is a file",
        lambda f: [*command(f, "codec")[:5], str(f / "codec.toml"), *command(f, "codec")[6:]],
        "exists",
    ),
]


def begun_from_others(folder: Path) -> list[str]:
    """A model of three levels that is to go on over a codec of two."""
    other = RECIPES["codec"].replace("levels = 3", "levels = 2")
    (folder / "codec.toml").write_text(other)
    assert main(command(folder, "codec")) == 0
    argv = command(folder, "model")
    shutil.copytree(folder / "model", folder / "before")
    argv[argv.index("--from") + 1] = str(folder / "before")
    return argv


@pytest.mark.parametrize(("spoil", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_it_is_one_sentence_and_the_last_state_stays(spoil, words, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    argv = spoil(folder)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert main(argv) == 2, capsys.readouterr()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dimo: error: ")
    assert words in line
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert after == before


def test_a_training_in_peace_goes_on(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    for what in RECIPES:
        assert main(command(folder, what, "--steps", "3", "--resume")) == 0


def test_what_a_killed_training_left_is_put_right(trained, tmp_path):
    """Rows of steps that were never saved, half a row, and files that were being written."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    log = folder / "codec" / "log.csv"
    head, *rows = log.read_text().splitlines()
    log.write_text("\n".join([head, *rows, rows[-1].replace("2,", "3,", 1), "4,0.1"]))
    for name in (".state-77.pt", ".codes-train.abc.safetensors", ".val.abc.csv"):
        (folder / "codec" / name).write_bytes(b"half")
    assert main(command(folder, "codec", "--steps", "4", "--resume")) == 0
    lines = log.read_text().splitlines()
    assert lines[:3] == [head, *rows]
    assert [line.partition(",")[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    assert {len(line.split(",")) for line in lines} == {len(head.split(","))}
    assert not [p.name for p in (folder / "codec").iterdir() if p.name.startswith(".")]


def test_a_rank_that_dies_ends_the_others_with_a_sentence(trained, tmp_path):
    """Two processes train a model; the second is killed. The state that was saved last is whole, and one alone goes on."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    (folder / "model" / "state.pt").unlink()
    endless = LOOP.replace("steps = 2", "steps = 100000").replace("validate_every = 2", "validate_every = 100000")
    (folder / "model.toml").write_text(
        RECIPES["model"].replace(LOOP, f"{endless}save_every_seconds = 0.0\nshards = 2\n")
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    argv = [sys.executable, "-m", "dimo", *command(folder, "model")]
    first, second = (
        subprocess.Popen(argv, env=os.environ | places | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in (0, 1)
    )
    try:
        end = time.monotonic() + 300
        while not (folder / "model" / "state.pt").exists():
            assert first.poll() is None, first.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        second.kill()
        _, errors = first.communicate(timeout=120)
    finally:
        first.kill()
        second.kill()
        second.communicate()
    said = [line for line in errors.splitlines() if line.startswith("dimo: ")]
    assert said == [
        "dimo: error: another process of this training has ended; what was saved last is whole, and --resume goes on from it"
    ]
    assert "Traceback" not in errors
    assert first.returncode == 2
    done = torch.load(folder / "model" / "state.pt", weights_only=True)["step"]
    assert done >= 1
    assert main(command(folder, "model", "--steps", str(done + 2), "--resume")) == 0
    assert torch.load(folder / "model" / "state.pt", weights_only=True)["step"] == done + 2
