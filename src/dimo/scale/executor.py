"""One map over shards, wherever they run: in this process, in a pool of processes (pool.py), or on a Ray cluster (ray_actors.py).

A worker is made once, by start(), in each place that works: it may load a model. It is then called with one shard after the
other. Start, shards and results are pickled where they go to other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Worker = Callable[[Any], Any]
"""A shard to its result."""
Start = Callable[[], Worker]


@dataclass(frozen=True)
class Lost:
    """Instead of a result: the process died that worked on a shard, and so did the one that tried it again."""

    why: str


class Executor(Protocol):
    """A place for shards."""

    def map(self, start: Start, shards: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """(number of a shard, its result or Lost), each as it is done, in any order.

        What a worker raises is raised here, and ends the map: a worker that wants to go on catches it. A shard whose
        process dies is tried once more, in a new one.
        """
        ...


class Here:
    """In this process, one shard after the other: nothing is lost but by a death of all."""

    def map(self, start: Start, shards: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if not shards:
            return
        work = start()
        for number, shard in enumerate(shards):
            yield number, work(shard)
