"""Batches made ahead, by processes of their own (`workers` in [loop]), or with none of these when they are asked for.

A batch is drawn by a generator made of (seed, step, shard), so it is the same whoever makes it, and when. Workers are forks:
they share what the data take in memory, and torch's DataLoader starts and ends them. What comes of a worker is the batch and
where it left the generator, from which the training goes on drawing.
"""

from __future__ import annotations

import io
import multiprocessing
import pickle
import re
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dimo.errors import DimoError, RequestError
from dimo.learn.waiting import counted

Make = Callable[[np.random.Generator, int], Any]
"""Makes the batch of a step from a generator, on the CPU, and without asking torch's own generator."""


@dataclass(frozen=True)
class Jobs:
    """The batches of one process in their order: (step, shard), steps from start up to stop."""

    start: int
    stop: int
    rank: int
    shards: int
    processes: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start) * len(self.mine)

    def __getitem__(self, number: int) -> tuple[int, int]:
        step, place = divmod(number, len(self.mine))
        return self.start + step, self.mine[place]

    @property
    def mine(self) -> range:
        """The shards of a step that are this process's."""
        return range(self.rank, self.shards, self.processes)


def generator_of(seed: int, step: int, shard: int) -> np.random.Generator:
    """The generator of a batch's choices."""
    return np.random.default_rng([seed, step, shard])


class Feed:
    """Batches in the order of jobs. RequestError where workers are asked for and processes cannot be forked here."""

    def __init__(self, make: Make, jobs: Jobs, seed: int, workers: int):
        self._make, self._made = make, None
        if workers and len(jobs):
            if "fork" not in multiprocessing.get_all_start_methods():
                raise RequestError(
                    "workers in [loop] are forks of the training, which this system has not; set it to 0"
                )
            self._made = _started(_Made(make, jobs, seed), workers)

    @counted
    def next(self, generator: np.random.Generator, step: int) -> Any:
        """The next batch; generator, new for this job, is put to where the making left it."""
        if self._made is None:
            return self._make(generator, step)
        try:
            batch, state = pickle.loads(next(self._made))  # of our own fork
        except RuntimeError as error:
            if not re.match(r"DataLoader worker \(pid", str(error)):
                raise
            raise RequestError(
                "a process that makes batches ahead was ended, perhaps for want of memory; what was saved last is whole, and "
                "--resume goes on from it, with fewer workers in [loop] where memory is short"
            ) from None
        if isinstance(batch, DimoError):
            raise batch
        generator.bit_generator.state = state
        return batch

    def close(self) -> None:
        """End the workers."""
        self._made = None


def _started(made: _Made, workers: int) -> Iterator[bytes]:
    before = signal.getsignal(signal.SIGCHLD)
    with warnings.catch_warnings():
        # More workers than cores are the user's wish, and of torch's threads a fork takes one.
        warnings.simplefilter("ignore")
        loader = DataLoader(
            made,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_it_is,
            multiprocessing_context="fork",
            generator=torch.Generator(),  # else it takes a number of the training's
        )
        out = iter(loader)
    if threading.current_thread() is threading.main_thread():
        # Else it tells that a worker has died by an error wherever the training is; next() finds out itself.
        signal.signal(signal.SIGCHLD, before)
    return out


class _Made(Dataset[bytes]):
    """A batch and the state of its generator, pickled, by number."""

    def __init__(self, make: Make, jobs: Jobs, seed: int):
        self.make, self.jobs, self.seed = make, jobs, seed

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, number: int) -> bytes:
        step, shard = self.jobs[number]
        generator = generator_of(self.seed, step, shard)
        try:
            made = self.make(generator, step), generator.bit_generator.state
        except DimoError as error:  # as it is: DataLoader would make a traceback of it
            made = error, None
        out = io.BytesIO()
        _Pickler(out, protocol=pickle.HIGHEST_PROTOCOL).dump(made)
        return out.getvalue()


class _Pickler(pickle.Pickler):
    """Tensors as numpy's arrays: quicker than torch's own way, which also takes a file descriptor for each."""

    def reducer_override(self, obj: Any) -> Any:
        return (torch.from_numpy, (obj.numpy(),)) if isinstance(obj, Tensor) else NotImplemented


def _as_it_is(value: Any) -> Any:
    return value
