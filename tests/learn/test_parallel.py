"""Two gloo processes give what one process gives, also where a process has less, or other terms, to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from table_model import clips
from test_codebooks import trained, windows
from torch import nn

from dimo.errors import RequestError
from dimo.learn import loop
from dimo.learn.model import ModelLoss, loss
from dimo.learn.validation import measure
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig

SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
import test_parallel
from dimo.learn import parallel
for name in sys.argv[3:]:
    folder = Path(sys.argv[2]) / name
    model = test_parallel.RUNS[name](folder)
    torch.save(model.state_dict(), folder / f"rank{parallel.world()[0]}.pt")
"""


def small(folder: Path) -> nn.Module:
    torch.manual_seed(0)
    model = nn.ModuleDict({"a": nn.Linear(3, 8), "b": nn.Linear(8, 1), "odd": nn.Linear(3, 1)})

    def loss(generator, step):
        x = torch.from_numpy(generator.normal(size=(16, 3))).float()
        y = model["b"](torch.tanh(model["a"](x))).squeeze(-1)
        if generator.random() < 0.5:  # a part that some batches do not reach
            y = y + model["odd"](x).squeeze(-1)
        return {"loss": (y - x.sum(1)).square().mean()}

    options = loop.LoopOptions(steps=12, learning_rate=1e-2, warmup=3, log_every=4, shards=2, bf16=False)
    loop.run(model, loss, options, folder, quiet=True)
    return model


def objective(folder: Path, batch: int, shards: int) -> nn.Module:
    """The real objective with its default mix, of which a batch this small often lacks a task."""
    torch.manual_seed(0)
    trunk = TransformerConfig(vocabulary=130, width=16, layers=1, heads=2, feedforward=16, positions=80, dropout=0.1)
    model, data = MaskedModel(MaskedConfig(transformer=trunk, levels=2, codes=16, caption_slots=8)), clips(levels=2)
    options = ModelLoss(batch=batch, pretrain_steps=2, self_correction=1.0, self_correction_text=1.0)
    plan = loop.LoopOptions(
        steps=10, warmup=3, log_every=1, validate_every=5, save_every_seconds=0.0, shards=shards, bf16=False
    )
    loop.run(
        model,
        lambda generator, step: loss(model, data, options, generator, step),
        plan,
        folder,
        validate=lambda: measure(model, data, options, batches=1),
        quiet=True,
    )
    return model


def stop() -> dict[str, float]:
    raise loop.Stop("seen enough", {"nothing": 0.0})


def codec(folder: Path, **more) -> nn.Module:
    return trained(folder, 2, lambda generator, step: windows(generator), **more)


RUNS = {
    "small": small,
    "one sequence": lambda folder: objective(folder, 1, 2),
    "eight sequences": lambda folder: objective(folder, 8, 2),
    "three shards": lambda folder: objective(folder, 3, 3),
    "codec": codec,
    "half of a codec": lambda folder: codec(folder, validate=stop),
}


LONG = ("one sequence", "eight sequences", "three shards")


def start(rank: int, port: int, folder: Path) -> subprocess.Popen:
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "RANK": str(rank)}
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(folder), *RUNS]
    return subprocess.Popen(command, env=os.environ | places | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)


def rows_of(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def test_two_processes_give_the_losses_and_weights_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(rank, port, tmp_path / "two") for rank in (0, 1)]
    alone = {name: train(tmp_path / "one" / name).state_dict() for name, train in RUNS.items()}
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()[-2000:]
    for name, weights in alone.items():
        for rank in (0, 1):
            shared = torch.load(tmp_path / "two" / name / f"rank{rank}.pt", weights_only=True)
            for key, value in weights.items():
                assert torch.allclose(shared[key], value, atol=1e-5), (name, rank, key)
        one, two = (rows_of(tmp_path / run / name / "log.csv") for run in ("one", "two"))
        assert len(one) == len(two) == (11 if name in LONG else 4 if name != "half of a codec" else 2)
        assert {len(row) for row in one} == {len(one[0])}
        assert one[0] == two[0]
        for a, b in zip(one[1:], two[1:], strict=True):
            for column, x, y in zip(one[0], a, b, strict=True):
                if column not in ("seconds", "waiting") and x != y:
                    assert float(y) == pytest.approx(float(x), rel=1e-3, abs=1e-5), (name, column)

    # Two processes ended half-way; one goes on from there to where one alone, and two together, came.
    whole = RUNS["codec"](tmp_path / "whole").state_dict()
    further = codec(tmp_path / "two" / "half of a codec", resume=True).state_dict()
    for key, value in whole.items():
        assert torch.allclose(further[key], value, atol=1e-5), key


def test_columns_are_those_of_the_objective_from_the_first_line(tmp_path):
    objective(tmp_path, 4, 1)  # two steps of pre-training, then the mix
    terms = ["loss", *ModelLoss().weights]
    log, val = rows_of(tmp_path / "log.csv"), rows_of(tmp_path / "val.csv")
    assert log[0] == ["step", "seconds", "lr", "waiting", *terms]
    assert val[0] == ["step", *terms]
    assert {len(row) for row in log} == {len(log[0])}
    assert {len(row) for row in val} == {len(val[0])}
    length = log[0].index("length")
    assert [row[length] == "" for row in log[1:3]] == [True, True]
    assert any(row[length] for row in log[3:])


def test_there_are_at_least_as_many_shards_as_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(loop.parallel, "world", lambda: (0, 4))
    model = nn.Linear(1, 1)
    with pytest.raises(RequestError, match="4 processes cannot share 3 shards"):
        loop.run(model, lambda g, s: {"loss": model.weight.sum()}, loop.LoopOptions(shards=3), tmp_path)
