"""A pool of processes on this machine, which knows what each of them works on.

concurrent.futures gives up the whole pool when one process dies, and does not say whose shard it was; here a process that is
killed, as for want of memory, is replaced, and only its shard is tried again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from dimo.errors import RequestError
from dimo.scale.executor import Start, Worker
from dimo.scale.places import Work, spread


class Pool:
    """Up to `workers` processes, each with its share of torch's threads and a worker of its own."""

    def __init__(self, workers: int):
        if workers < 1:
            raise RequestError(f"the number of workers must be 1 or more, not {workers}")
        self.workers = workers

    def map(self, start: Start, shards: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As Executor.map; RequestError where processes die before any of them has done a shard."""
        return spread(shards, self.workers, partial(_Process, partial(_sharing, start, self.workers)), _ready)


class _Process:
    """A process, and our end of its pipe."""

    def __init__(self, start: Start):
        # Fresh processes: a fork of one in which torch has started its threads can hang.
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, start), daemon=True)
        self.process.start()
        theirs.close()
        self.shard = -1

    def send(self, shard: Any) -> None:
        with suppress(OSError):  # a process that has just died: the next look at its pipe tells
            self.pipe.send(shard)

    def answer(self) -> bytes | None:
        try:
            return self.pipe.recv_bytes()
        except (EOFError, OSError):
            return None

    def why(self) -> str:
        self.process.join(10)
        code = self.process.exitcode
        if code is not None and code < 0:
            memory = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
            return f"the process was ended by signal {-code} ({signal.Signals(-code).name}){memory}"
        return f"the process ended with exit code {code}"

    def close(self) -> None:
        self.pipe.close()  # which ends it

    def kill(self) -> None:
        self.process.kill()
        self.pipe.close()


def _ready(places: Sequence[_Process]) -> list[_Process]:
    pipes = wait([place.pipe for place in places])
    return [place for place in places if place.pipe in pipes]


# ---- in the process


def _work(pipe: Connection, start: Start) -> None:
    """Answer shards until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    threading.Thread(target=_die_with_parent, daemon=True).start()
    work = Work(start)
    with suppress(EOFError, OSError):
        while True:
            shard = pipe.recv()
            pipe.send_bytes(work(shard))


def _die_with_parent() -> None:
    """A parent that was killed leaves no process behind that goes on writing."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _sharing(start: Start, workers: int) -> Worker:
    """The worker; torch, where it has imported it, takes its share of the processor."""
    worker = start()
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    return worker
