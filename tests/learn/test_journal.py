import importlib.util
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dimo.errors import RequestError
from dimo.learn import journal, loop, waiting
from dimo.learn.journal import Journal


def test_tensorboard_that_is_not_installed_is_one_sentence(tmp_path, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(journal, "find_spec", lambda name: None if name == "tensorboard" else there(name))
    with pytest.raises(RequestError, match=r"pip install 'dimo\[tensorboard\]'"):
        Journal(tmp_path, None, tensorboard=True)
    Journal(tmp_path, None).close()
    assert not (tmp_path / journal.EVENTS).exists()


def test_tensorboard_reads_the_numbers_of_the_logs(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def rows(step, values):
        written = Journal(tmp_path, step, tensorboard=True)
        for at, value in values:
            written.add(journal.LOG, {"step": at, "loss": value, "seldom": float("nan")})
        written.close()

    rows(None, [(1, 9.0)])
    rows(None, [(5, 3.0), (10, 2.0), (15, 1.5)])  # a fresh run begins anew
    rows(10, [(15, 1.25)])  # a resumed one forgets what is beyond its step
    found = EventAccumulator(str(tmp_path / journal.EVENTS))
    found.Reload()
    assert found.Tags()["scalars"] == ["log/loss"]
    assert [(e.step, e.value) for e in found.Scalars("log/loss")] == [(5, 3.0), (10, 2.0), (15, 1.25)]


def test_the_log_tells_the_share_of_the_time_that_went_into_batches(tmp_path, monkeypatch):
    model, now = nn.Linear(1, 1), [0.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: now[0])
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def passes(seconds: float) -> None:
        now[0] += seconds

    @waiting.counted
    def batch() -> torch.Tensor:
        passes(1.0)
        return torch.ones(1, 1)

    def made(generator, step):  # the loop counts what it waits for, and what that waits for in turn only once
        passes(2.0)
        return batch()

    def loss(generator, step, x):
        passes(3.0 if step < 5 else 0.0)
        return {"loss": model(x).square().sum()}

    options = loop.LoopOptions(steps=10, warmup=1, log_every=5, bf16=False)
    loop.run(model, loss, options, tmp_path, batches=made, quiet=True)
    head, *rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert [float(row[head.index("waiting")]) for row in rows] == [0.5, 1.0]

    def drawing(generator, step):  # or the loss draws its own
        return loss(generator, step, batch())

    loop.run(model, drawing, options, tmp_path, quiet=True)
    head, *rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert [float(row[head.index("waiting")]) for row in rows] == [0.25, 1.0]
