"""One model, one thread, one queue: what waits and can be made together is made in one batch.

A job is some items and the function that turns any number of such items into as many results. Jobs with an equal key are
run as one call, so that ten people who wait for a motion wait for one batch and not for ten draws. A motion does not
depend on its batch (inpaint/pipeline.py), so nobody sees who else was there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

MOST_ITEMS = 32
"""Items of one batch: more gain nothing on a CPU, and the next in the queue would wait for them."""


class QueueFull(Exception):
    """Too many jobs wait; the argument is the number of seconds after which to try again."""


class Stopping(Exception):
    """The server takes no more jobs."""


@dataclass(eq=False)
class Job:
    """run(items) -> results, one of each, beside the items of other jobs with the same key; a key of None stays alone.

    future has the results. gone is set when nobody waits any more: a run that goes on in rounds looks at it.
    """

    items: Sequence[Any]
    run: Callable[[Sequence[Any]], Sequence[Any]]
    key: Hashable = None
    future: Future = field(default_factory=Future)
    gone: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Nobody waits any more: a job that has not begun never will."""
        self.gone.set()
        self.future.cancel()


class Worker:
    """The thread that runs jobs, in their order but for those that join an earlier one's batch."""

    def __init__(self, most_waiting: int):
        self.most_waiting = most_waiting
        self.batches = self.done = 0  # calls of run, and jobs that were answered by them
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._running = 0
        self._stopping = False
        self._seconds = 0.3  # that a batch takes, a running mean
        self._thread = threading.Thread(target=self._loop, name="dimo-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs, finish those that were taken, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, job: Job) -> Job:
        """Put a job in the queue. QueueFull when too many wait."""
        with self._changed:
            if self._stopping:
                raise Stopping
            alive = [j for j in self._waiting if not j.future.cancelled()]
            if len(alive) < len(self._waiting):
                self._waiting = deque(alive)
            if len(self._waiting) >= self.most_waiting:
                raise QueueFull(max(1, round(self._seconds * len(self._waiting) / 2)))
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def _loop(self) -> None:
        while (batch := self._next()) is not None:
            began = time.monotonic()
            self._run(batch)
            self._seconds += 0.2 * (time.monotonic() - began - self._seconds)
            self.batches += 1
            self.done += len(batch)

    def _next(self) -> list[Job] | None:
        """The job that waits longest, and those that may be run with it; None when there is nothing more to do."""
        with self._changed:
            while True:
                while self._waiting:
                    first = self._waiting.popleft()
                    if first.future.set_running_or_notify_cancel():
                        return [first, *self._joining(first)]
                if self._stopping:
                    return None
                self._changed.wait()

    def _joining(self, first: Job) -> list[Job]:
        joined: list[Job] = []
        if first.key is None:
            return joined
        room = MOST_ITEMS - len(first.items)
        for job in list(self._waiting):
            if job.key == first.key and len(job.items) <= room:
                self._waiting.remove(job)
                if job.future.set_running_or_notify_cancel():
                    joined.append(job)
                    room -= len(job.items)
        return joined

    def _run(self, batch: Sequence[Job]) -> None:
        try:
            results = list(batch[0].run([item for job in batch for item in job.items]))
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for job in batch:  # one of them spoils it: find out which, and serve the others
                self._run([job])
            return
        at = 0
        for job in batch:
            job.future.set_result(results[at : at + len(job.items)])
            at += len(job.items)
