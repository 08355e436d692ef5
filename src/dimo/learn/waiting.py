"""How long the training waits for its batches: while it makes them itself, or until a worker has made them (ahead.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_seconds = 0.0
_within = False


def seconds() -> float:
    """Spent in what counted() marks since this process began."""
    return _seconds


def counted(batch: Callable[P, T]) -> Callable[P, T]:
    """A function that makes or fetches batches, whose time counts as waiting; within another such function, once."""

    @wraps(batch)
    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        global _seconds, _within
        if _within:
            return batch(*args, **kwargs)
        began, _within = monotonic(), True
        try:
            return batch(*args, **kwargs)
        finally:
            _within = False
            _seconds += monotonic() - began

    return timed
