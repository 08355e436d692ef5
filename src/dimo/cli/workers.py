"""--workers and --ray: where the verbs work that go through shards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from dimo.errors import RequestError
from dimo.scale.executor import Executor

MOST = 1024


def add_worker_flags(parser: argparse.ArgumentParser, default: int, what: str) -> None:
    parser.add_argument("--workers", type=int, default=default, metavar="N", help=what)
    parser.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="workers are actors of Ray: of the cluster whose head is at HOST:PORT, of the one that this machine is in (auto), "
        "or of one that is started here (without an address, or local); pip install 'dimo[scale]'; docs/scale.md",
    )


def check_workers(args: argparse.Namespace) -> None:
    """RequestError for a number that is none."""
    if not 1 <= args.workers <= MOST:
        raise RequestError(f"--workers must be from 1 to {MOST}, not {args.workers}")


@contextmanager
def executor(args: argparse.Namespace, *, gpu: bool = False) -> Iterator[Executor | None]:
    """What the flags stand for; None is this process. gpu: each actor of Ray is to have a GPU."""
    if args.ray is not None:
        from dimo.scale.ray_actors import RayActors

        with RayActors(args.workers, args.ray, gpu=gpu) as actors:
            yield actors
    elif args.workers > 1:
        from dimo.scale.pool import Pool

        yield Pool(args.workers)
    else:
        yield None
