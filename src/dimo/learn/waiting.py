"""How long the training process waits for its batches: those are drawn and put together on the process that trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_seconds = 0.0


def seconds() -> float:
    """Spent in what counted() marks since this process began."""
    return _seconds


def counted(batch: Callable[P, T]) -> Callable[P, T]:
    """A function that makes batches, whose time counts as waiting."""

    @wraps(batch)
    def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        global _seconds
        began = monotonic()
        try:
            return batch(*args, **kwargs)
        finally:
            _seconds += monotonic() - began

    return timed
