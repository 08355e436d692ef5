"""Two gloo processes give what one process gives."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from dimo.errors import RequestError
from dimo.learn import loop

SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
from test_parallel import train
from dimo.learn import parallel
model = train(Path(sys.argv[2]))
torch.save(model.state_dict(), Path(sys.argv[2]) / f"rank{parallel.world()[0]}.pt")
"""


def train(folder: Path) -> nn.Module:
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


def start(rank: int, port: int, folder: Path) -> subprocess.Popen:
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "RANK": str(rank)}
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(folder)]
    return subprocess.Popen(command, env=os.environ | places | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)


def test_two_processes_give_the_losses_and_weights_of_one(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    alone = train(tmp_path / "one").state_dict()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(rank, port, tmp_path / "two") for rank in (0, 1)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()[-2000:]
    for rank in (0, 1):
        shared = torch.load(tmp_path / "two" / f"rank{rank}.pt", weights_only=True)
        for name, value in alone.items():
            assert torch.allclose(shared[name], value, atol=1e-6), (rank, name)
    rows = [
        [line.split(",") for line in (tmp_path / run / "log.csv").read_text().splitlines()] for run in ("one", "two")
    ]
    column = rows[0][0].index("loss")
    assert len(rows[0]) == 4
    for one, two in zip(rows[0][1:], rows[1][1:], strict=True):
        assert float(two[column]) == pytest.approx(float(one[column]), rel=1e-4)


def test_shards_must_be_shared_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr(loop.parallel, "world", lambda: (0, 2))
    model = nn.Linear(1, 1)
    with pytest.raises(RequestError, match="3 shards"):
        loop.run(model, lambda g, s: {"loss": model.weight.sum()}, loop.LoopOptions(shards=3), tmp_path)
