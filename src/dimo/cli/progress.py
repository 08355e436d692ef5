"""Progress of long verbs on stderr: a bar where rich is installed and a person looks, nothing otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def progress(title: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A function to call with a few words after each of `total` pieces of work."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        done = 0

        def count(words: str) -> None:
            nonlocal done
            done += 1
            print(f"\r{title}: {done}/{total} {words:<24}", end="\n" if done == total else "", file=sys.stderr)

        yield count
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda words: bar.update(task, advance=1, description=f"{title}: {words}")


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Callable[[str, int, int, str], None]]:
    """The same for work in several stages: a function to call with stage, pieces done, pieces in all and a few words."""
    with ExitStack() as stack:
        shown = ""

        def count(stage: str, done: int, total: int, words: str) -> None:
            nonlocal shown, tick
            if stage != shown:
                stack.close()
                shown, tick = stage, stack.enter_context(progress(stage, total, quiet=quiet))
            tick(words)

        tick: Callable[[str], None] = lambda _: None  # noqa: E731
        yield count
