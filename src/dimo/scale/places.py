"""Shards over places that work beside each other and may die: who has which, and what is tried again.

A place is a process (pool.py) or an actor of Ray (ray_actors.py). It works on one shard at a time.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from dimo.errors import RequestError
from dimo.scale.executor import Lost, Start, Worker

TRIES = 2
"""Places that may die of a shard before it is given up."""
STILLBORN = 3
"""Places that may die, for each worker, before any has done a shard; after that the rest would too."""


class Work:
    """What a place does: it makes the worker for the first shard, and answers each with pickled (True, result), or
    (False, what was raised)."""

    def __init__(self, start: Start):
        self.start = start
        self.worker: Worker | None = None

    def __call__(self, shard: Any) -> bytes:
        try:
            if self.worker is None:
                self.worker = self.start()
            answer = (True, self.worker(shard))
        except Exception as error:
            answer = (False, error)
        try:
            return pickle.dumps(answer)
        except (pickle.PicklingError, TypeError, AttributeError):
            return pickle.dumps((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))


class Place(Protocol):
    """Of a place, what the one who hands out shards needs."""

    shard: int  # the number of the one that it has

    def send(self, shard: Any) -> None:
        """Hand it a shard; it may have died, which answer() tells."""
        ...

    def answer(self) -> bytes | None:
        """Of Work, or None where the place has died."""
        ...

    def why(self) -> str:
        """Why it has died, as a sentence."""
        ...

    def close(self) -> None:
        """It has no shard and gets no more."""
        ...

    def kill(self) -> None:
        """End it in the middle of its shard."""
        ...


P = TypeVar("P", bound=Place)


def spread(
    shards: Sequence[Any], workers: int, opened: Callable[[], P], ready: Callable[[Sequence[P]], Iterable[P]]
) -> Iterator[tuple[int, Any]]:
    """As Executor.map, over up to `workers` places.

    opened() makes one; ready(places) waits until some of them have an answer, or have died, and returns those. RequestError
    where places die before any of them has done a shard.
    """
    waiting = deque(range(len(shards)))
    tries = [0] * len(shards)
    places: list[P] = []
    done = deaths = 0

    def give(place: P) -> None:
        place.shard = waiting.popleft()
        place.send(shards[place.shard])

    try:
        while waiting or places:
            while waiting and len(places) < workers:
                places.append(opened())
                give(places[-1])
            for place in ready(places):
                number, answer = place.shard, place.answer()
                if answer is None:
                    places.remove(place)
                    deaths += 1
                    tries[number] += 1
                    why = place.why()
                    if not done and deaths >= STILLBORN * workers:
                        raise RequestError(
                            f"{deaths} processes died before one had done its first part ({why}); "
                            "does the memory suffice for so many --workers?"
                        )
                    if tries[number] < TRIES:
                        waiting.append(number)
                    else:
                        yield number, Lost(why)
                    continue
                fine, result = pickle.loads(answer)  # of our own process
                if not fine:
                    raise result
                done += 1
                if waiting:
                    give(place)
                else:
                    places.remove(place)
                    place.close()
                yield number, result
    finally:
        for place in places:
            place.kill()
