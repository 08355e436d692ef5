"""kill -9 at random moments of a training and of a batch, on tiny data: what is left, what is lost, and how they go on.

    python benchmarks/kill.py                  # 20 kills of each, into benchmarks/kill.json
    python benchmarks/kill.py --kills 5 --steps 120 --prompts 120 --span 1.2

After every kill: the state of the training loads and is not older than it was; its logs hold whole rows but for the last line;
every motion of the batch is whole, and its index names only motions that are there and never gets shorter. At the end both
must hold, byte for byte, what an undisturbed run makes. A broken promise is an AssertionError and exit code 1.

A run is a fork of this process (torch is imported, and has computed nothing), so that kills fall on the work and not on
imports. Linux only: it looks into /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ["DIMO_DEVICE"] = "cpu"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from dimo import DiMo, Motion
from dimo.cli.main import main as dimo
from dimo.data import shards
from dimo.data.records import Caption, Clip

SAVE_SECONDS = 0.2
RECIPE = """
[codec]
width = 16
dim = 8
levels = 3
codes = 16
[loss]
batch = 4
window = 32
[loop]
steps = STEPS
warmup = 10
log_every = 5
validate_every = 200
save_every_seconds = SAVE_SECONDS
bf16 = false
"""


def fork(argv: list[str]) -> int:
    """The id of a process that runs a command line, silently."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    code = 1
    try:
        code = dimo(argv)
    finally:
        os._exit(code)


def worked(pid: int) -> float:
    """Seconds of the processor that a process has had: on a busy machine seconds by the clock say nothing."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def killed_runs(
    argv: Callable[[], list[str]], kills: int, span: float, dice: random.Random, look: Callable[[], None]
) -> int:
    """Run a command line again and again, killing it within `span` seconds of work, and look() after each kill.

    Returns the kills that fell on a running process: a run that is done before its kill counts as none, and no more are
    made. In the end one is left alone.
    """
    hits = 0
    for _ in range(kills):
        pid = fork(argv())
        moment, done, status = dice.uniform(0.0, span), 0, 0
        while not done and worked(pid) < moment:
            time.sleep(0.002)
            done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0, "a run failed by itself"
            break
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        hits += 1
        print(f"kill {hits} of {kills}", file=sys.stderr)
        look()
    _, status = os.waitpid(fork(argv()), 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the run that was left alone failed"
    return hits


# ---- training


def clips(folder: Path) -> None:
    """Prepared data: six figures that tremble ahead."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rest = np.linspace(0.1, 1.7, 22)[:, None] * [0.1, 1, 0.05]
    for split in ("train", "val"):
        made = []
        for i, verb in enumerate(("walks", "jumps", "bows")):
            way = np.arange(40 + 8 * i)[:, None, None] * [0, 0, 0.02]
            joints = (rest + rng.normal(0, 0.02, (len(way), 22, 3)) + way).astype(np.float32)
            made.append(Clip(f"{split}{i}", joints, 20.0, (Caption(f"a person {verb}"),), split, label=verb))
        shards.write(folder / f"{split}.parquet", made)


def seconds_lost(rows: list[tuple[int, float]], saved: int) -> float:
    """Of training, between the state of step `saved` and the last row (step, seconds since the run began) of a log.

    AssertionError where it is more than the interval of saving, and the slowest two rows.
    """
    beyond = [seconds for step, seconds in rows if step > saved]
    if not beyond:
        return 0.0
    before = [seconds for step, seconds in rows if step <= saved and seconds <= beyond[0]]
    begun = (
        before[-1] if before and before[-1] == [s for step, s in rows if step <= saved][-1] else 0.0
    )  # or by an earlier run
    slowest = max(b - a for a, b in zip([begun, *beyond], beyond, strict=False))
    assert beyond[-1] - begun <= SAVE_SECONDS + 2 * slowest, "more than an interval is lost"
    return beyond[-1] - begun


def training(folder: Path, kills: int, span: float, dice: random.Random, length: int) -> dict[str, Any]:
    """Kill the training of a codec, and compare its end with that of an undisturbed one."""
    clips(folder / "data")
    (folder / "codec.toml").write_text(RECIPE.replace("SAVE_SECONDS", str(SAVE_SECONDS)).replace("STEPS", str(length)))
    out = folder / "killed"
    steps: list[int] = []
    lost: list[float] = []
    leftovers = 0

    def argv(to: Path = out) -> list[str]:
        given = ["--data", str(folder / "data"), "--recipe", str(folder / "codec.toml"), "--out", str(to), "--quiet"]
        return ["train", "codec", *given, *(["--resume"] if (to / "state.pt").exists() else [])]

    def look() -> None:
        nonlocal leftovers
        leftovers += len(list(out.glob(".*")))
        if not (out / "state.pt").exists():
            assert not steps, "the state is gone"
            return
        steps.append(int(torch.load(out / "state.pt", weights_only=True)["step"]))
        assert steps == sorted(steps), "the state went back"
        for name in ("log.csv", "val.csv"):
            if (out / name).exists():
                rows = [line.split(",") for line in (out / name).read_text().split("\n")[:-1]]
                assert len({len(row) for row in rows}) <= 1, f"{name} has a broken row"
                if name == "log.csv":
                    lost.append(seconds_lost([(int(row[0]), float(row[1])) for row in rows[1:]], steps[-1]))

    hits = killed_runs(argv, kills, span, dice, look)
    assert dimo(argv(folder / "peace")) == 0
    for name in ("codec.safetensors", "config.json"):
        assert (out / name).read_bytes() == (folder / "peace" / name).read_bytes(), (
            f"{name} is not that of a run in peace"
        )
    logged = [[*line.split(",")] for line in (out / "log.csv").read_text().splitlines()]
    peace = [[*line.split(",")] for line in (folder / "peace" / "log.csv").read_text().splitlines()]
    assert [row[0] for row in logged] == [row[0] for row in peace], "the log has other steps"
    assert not list(out.glob(".*")), "a half-written file is left at the end"
    return {
        "kills": hits,
        "steps": length,
        "save_seconds": SAVE_SECONDS,
        "states_after_kills": steps,
        "most_seconds_lost": round(max(lost, default=0.0), 2),
        "half_written_temporaries_seen": leftovers,
        "equal_to_a_run_in_peace": True,
    }


# ---- batch


def batch(folder: Path, kills: int, span: float, dice: random.Random, length: int, workers: int) -> dict[str, Any]:
    """Kill a batch, and compare its folder with that of an undisturbed one."""
    out = folder / "motions"
    (folder / "prompts.txt").write_text("".join(f"1s a person walks {n} steps\n" for n in range(length)))
    listed: list[int] = []
    unlisted: list[int] = []
    leftovers = 0

    def argv(to: Path = out) -> list[str]:
        given = ["--model", str(folder / "tiny"), "--steps", "2", "--size", "4", "--workers", str(workers), "--quiet"]
        return ["batch", str(folder / "prompts.txt"), "-o", str(to), *given]

    def look() -> None:
        nonlocal leftovers
        if workers > 1:
            time.sleep(0.5)  # processes of a killed pool end by themselves
        leftovers += len(list((out / ".partial").glob(".*")))
        motions = {path.name for path in out.glob("*.npz")}
        assert all(len(Motion.load(out / name)) == 20 for name in motions), "a motion is not whole"
        index = out / "index.jsonl"
        rows = [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []
        assert {row["file"] for row in rows} <= motions, "the index names a motion that is not there"
        listed.append(len(rows))
        unlisted.append(len(motions) - len(rows))
        assert listed == sorted(listed), "the index got shorter"

    hits = killed_runs(argv, kills, span, dice, look)
    peace = folder / "motions in peace"
    pid = fork(argv(peace))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for path in peace.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), f"{path.name} is not that of a run in peace"
    assert {p.name for p in out.iterdir()} == {p.name for p in peace.iterdir()}, "other files are left"
    return {
        "kills": hits,
        "workers": workers,
        "prompts": length,
        "index_after_kills": listed,
        "most_motions_made_again": max(unlisted, default=0),
        "half_written_temporaries_seen": leftovers,
        "equal_to_a_run_in_peace": True,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="of the training, and of the batch")
    parser.add_argument("--span", type=float, default=2.0, help="seconds of work within which a run is killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--steps", type=int, default=1500, help="of the training")
    parser.add_argument("--prompts", type=int, default=400, help="of the batch")
    parser.add_argument("--workers", type=int, default=1, help="processes of the batch")
    parser.add_argument("--only", choices=("training", "batch"), help="of the two; the JSON keeps the other as it is")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    dice = random.Random(args.seed)
    torch.set_num_threads(1)
    for module in ("dimo.learn.train", "dimo.batch.run", "torch._dynamo", "pyarrow.parquet"):  # before the forks
        import_module(module)
    kept = json.loads(args.output.read_text()) if args.only and args.output.exists() else {}
    found: dict[str, Any] = {**kept, "seed": args.seed, "span_seconds": args.span}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.only != "batch":
            found["training"] = training(folder, args.kills, args.span, dice, args.steps)
        if args.only != "training":
            DiMo.debug().save_pretrained(folder / "tiny")
            found["batch"] = batch(folder, args.kills, args.span, dice, args.prompts, args.workers)
    args.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
