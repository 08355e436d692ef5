"""Batches made by other processes are those that the training would make, and in its order."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from table_model import clips
from torch import nn

from dimo.errors import RequestError
from dimo.learn import loop, tasks
from dimo.learn.ahead import Feed, Jobs, generator_of
from dimo.learn.mix import ModelLoss
from dimo.learn.model import loss_of
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig


def drawn(generator: np.random.Generator, step: int) -> tuple[int, int, torch.Tensor]:
    return os.getpid(), step, torch.from_numpy(generator.normal(size=3))


def test_jobs_are_the_shards_of_each_step_that_are_of_a_process():
    jobs = Jobs(start=4, stop=7, rank=1, shards=5, processes=2)
    assert [jobs[n] for n in range(len(jobs))] == [(4, 1), (4, 3), (5, 1), (5, 3), (6, 1), (6, 3)]
    assert len(Jobs(7, 7, 0, 1, 1)) == 0


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_same_batches_come_in_order_whoever_makes_them(workers):
    jobs = Jobs(start=2, stop=6, rank=0, shards=2, processes=1)
    feed, who = Feed(drawn, jobs, 7, workers), set()
    for number in range(len(jobs)):
        step, shard = jobs[number]
        here, plain = generator_of(7, step, shard), generator_of(7, step, shard)
        pid, made_for, values = feed.next(here, step)
        assert made_for == step
        assert torch.equal(values, torch.from_numpy(plain.normal(size=3)))
        assert here.random() == plain.random()  # the training goes on drawing where the making left off
        who.add(pid)
    assert len(who) == max(1, workers)
    assert (os.getpid() in who) == (workers == 0)
    feed.close()


def objective(folder: Path, workers: int, *, resume: bool = False, steps: int = 6) -> dict[str, torch.Tensor]:
    """The weights after some steps of the real objective, every kind of batch in them."""
    torch.manual_seed(0)
    trunk = TransformerConfig(vocabulary=130, width=16, layers=1, heads=2, feedforward=16, positions=80, dropout=0.1)
    model, data = MaskedModel(MaskedConfig(transformer=trunk, levels=2, codes=16, caption_slots=8)), clips(levels=2)
    data.sentences = [(40, 41), (50, 51, 52)]
    options = ModelLoss(
        batch=4,
        mix=(2, 1, 1),
        pretrain_steps=1,
        language_steps=1,
        language=0.3,
        local_batch=3,
        self_correction=1.0,
    )
    plan = loop.LoopOptions(steps=6, warmup=2, log_every=2, validate_every=steps, shards=2, bf16=False, workers=workers)

    def validate() -> dict[str, float]:
        if steps < plan.steps:
            raise loop.Stop("enough", {"nothing": 0.0})
        return {"nothing": 0.0}

    loop.run(
        model,
        lambda generator, _, batch: loss_of(model, batch, options, generator),
        plan,
        folder,
        batches=lambda generator, step: tasks.draw(data, options, model.config, generator, step),
        validate=validate,
        resume=resume,
        quiet=True,
    )
    return model.state_dict()


def test_a_training_is_the_same_with_any_number_of_workers_and_goes_on_with_another(tmp_path):
    alone = objective(tmp_path / "alone", 0)
    objective(tmp_path / "parts", 2, steps=3)
    for other in (objective(tmp_path / "two", 2), objective(tmp_path / "parts", 1, resume=True)):
        for name, value in alone.items():
            assert torch.equal(value, other[name]), name
    one, two = ((tmp_path / name / "log.csv").read_text().splitlines() for name in ("alone", "two"))
    assert [row.split(",")[4:] for row in one] == [row.split(",")[4:] for row in two]  # all but times


def test_batches_are_made_while_the_training_learns(tmp_path):
    def made(generator, step):
        (tmp_path / str(step)).touch()
        return step

    model = nn.Linear(1, 1)

    def loss(generator, step, batch):
        assert batch == step
        end = time.monotonic() + 120
        while step < 3 and not (tmp_path / str(step + 1)).exists():  # nobody here makes it
            assert time.monotonic() < end
            time.sleep(0.005)
        return {"loss": model.weight.square().sum()}

    options = loop.LoopOptions(steps=4, warmup=1, bf16=False, workers=1)
    assert loop.run(model, loss, options, tmp_path / "out", batches=made, quiet=True) == 4


def failing(generator: np.random.Generator, step: int) -> int:
    if step == 1:
        raise RequestError("this batch cannot be made")
    return step


def dying(generator: np.random.Generator, step: int) -> int:
    if step == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return step


@pytest.mark.parametrize(
    ("make", "words"), [(failing, "^this batch cannot be made$"), (dying, "makes batches ahead was ended")]
)
def test_what_happens_to_a_worker_is_one_sentence(make, words):
    feed = Feed(make, Jobs(0, 3, 0, 1, 1), 0, 1)
    with pytest.raises(RequestError, match=words) as error:  # one that is killed may take the batch before along
        _ = [feed.next(generator_of(0, step, 0), step) for step in range(2)]
    assert "\n" not in str(error.value)
    feed.close()


def test_where_nothing_can_be_forked_workers_are_refused(monkeypatch):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(RequestError, match="set it to 0"):
        Feed(drawn, Jobs(0, 3, 0, 1, 1), 0, 2)
    assert Feed(drawn, Jobs(0, 3, 0, 1, 1), 0, 0).next(generator_of(0, 0, 0), 0)[0] == os.getpid()
