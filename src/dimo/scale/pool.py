"""A pool of processes on this machine, which knows what each of them works on.

concurrent.futures gives up the whole pool when one process dies, and does not say whose shard it was; here a process that is
killed, as for want of memory, is replaced, and only its shard is tried again.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from dimo.errors import RequestError
from dimo.scale.executor import Lost, Start, Worker

TRIES = 2
"""Processes that may die of a shard before it is given up."""
STILLBORN = 3
"""Processes that may die, for each worker, before any has done a shard; after that the rest would too."""


@dataclass
class _Place:
    """A process, our end of its pipe, and the number of the shard that it has."""

    process: SpawnProcess
    pipe: Connection
    shard: int


class Pool:
    """Up to `workers` processes, each with its share of torch's threads and a worker of its own."""

    def __init__(self, workers: int):
        if workers < 1:
            raise RequestError(f"the number of workers must be 1 or more, not {workers}")
        self.workers = workers

    def map(self, start: Start, shards: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """As Executor.map; RequestError where processes die before any of them has done a shard."""
        waiting = deque(range(len(shards)))
        tries = [0] * len(shards)
        places: list[_Place] = []
        done = deaths = 0
        try:
            while waiting or places:
                while waiting and len(places) < self.workers:
                    places.append(self._place(start, shards, waiting.popleft()))
                for pipe in wait([place.pipe for place in places]):
                    place = next(p for p in places if p.pipe is pipe)
                    number = place.shard
                    answer = _answer(place)
                    if answer is None:  # it has died
                        places.remove(place)
                        deaths += 1
                        tries[number] += 1
                        why = _why(place)
                        if not done and deaths >= STILLBORN * self.workers:
                            raise RequestError(
                                f"{deaths} processes died before one had done its first part ({why}); "
                                "does the memory suffice for so many --workers?"
                            )
                        if tries[number] < TRIES:
                            waiting.append(number)
                        else:
                            yield number, Lost(why)
                        continue
                    fine, result = answer
                    if not fine:
                        raise result
                    done += 1
                    if waiting:
                        place.shard = waiting.popleft()
                        _send(place, shards)
                    else:
                        places.remove(place)
                        place.pipe.close()  # which ends it
                    yield number, result
        finally:
            for place in places:
                place.process.kill()
                place.pipe.close()

    def _place(self, start: Start, shards: Sequence[Any], number: int) -> _Place:
        # Fresh processes: a fork of one in which torch has started its threads can hang.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, start, self.workers), daemon=True)
        process.start()
        theirs.close()
        place = _Place(process, ours, number)
        _send(place, shards)
        return place


def _send(place: _Place, shards: Sequence[Any]) -> None:
    with suppress(OSError):  # a process that has just died: the next look at its pipe tells
        place.pipe.send(shards[place.shard])


def _answer(place: _Place) -> tuple[bool, Any] | None:
    try:
        return place.pipe.recv()
    except (EOFError, OSError):
        return None


def _why(place: _Place) -> str:
    place.process.join(10)
    code = place.process.exitcode
    if code is not None and code < 0:
        memory = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
        return f"the process was ended by signal {-code} ({signal.Signals(-code).name}){memory}"
    return f"the process ended with exit code {code}"


# ---- in the process


def _work(pipe: Connection, start: Start, workers: int) -> None:
    """Answer shards with (True, result) or (False, what was raised), until the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    threading.Thread(target=_die_with_parent, daemon=True).start()
    work: Worker | None = None
    while True:
        try:
            shard = pipe.recv()
        except EOFError:
            return
        try:
            if work is None:
                work = start()
                _share_threads(workers)
            answer = (True, work(shard))
        except Exception as error:
            answer = (False, error)
        try:
            pipe.send(answer)
        except (pickle.PicklingError, TypeError, AttributeError):
            pipe.send((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))
        except OSError:
            return


def _die_with_parent() -> None:
    """A parent that was killed leaves no process behind that goes on writing."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _share_threads(workers: int) -> None:
    """torch, where the worker has imported it, takes its share of the processor."""
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
