"""Progress of long verbs on stderr, where a person looks: a bar where rich is installed, or the seconds so far."""

from __future__ import annotations

import sys
import threading
import time
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
def waiting(title: str, *, after: float = 1.0) -> Iterator[None]:
    """Shows a title and the seconds so far while the block runs, once it has taken `after` seconds, and takes it away again.

    For work that cannot say how far it is. Nothing is shown where stderr is no terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    began = time.monotonic()

    def show() -> None:
        shown = 0
        pause = after
        while not done.wait(pause):
            line = f"{title} ... {time.monotonic() - began:.0f} s"
            shown = max(shown, len(line))
            print(f"\r{line}", end="", file=sys.stderr, flush=True)
            pause = 0.5
        if shown:
            print(f"\r{' ' * shown}\r", end="", file=sys.stderr, flush=True)

    clock = threading.Thread(target=show, daemon=True)
    clock.start()
    try:
        yield
    finally:
        done.set()
        clock.join()


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
