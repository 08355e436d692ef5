"""`dimo ablate FILE`: many short trainings that differ in one thing each, measured alike (docs/ablations.md).

Each row of the file is trained, evaluated and kept in the folder -o; a second call does what is missing, and a training that was
interrupted goes on. Rows that differ in how they are sampled alone share one training.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dimo.cli.flags import add_device_flag
from dimo.cli.progress import stages
from dimo.errors import RequestError

if TYPE_CHECKING:
    from dimo.ablate.plan import Plan
    from dimo.ablate.row import Row
    from dimo.ablate.trainings import Places


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser(
        "ablate", help="train and measure variants of a model at a small budget", description=__doc__
    )
    parser.add_argument("plan", metavar="FILE", type=Path, help="rows to compare, such as recipes/ablations.toml")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, help="where rows, reports and the table are kept"
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, default=Path("data/pack"), help="prepared folder (default: data/pack)"
    )
    parser.add_argument(
        "--only",
        metavar="ROW",
        action="append",
        default=[],
        help="a GROUP or GROUP/ROW; may be given several times (default: all)",
    )
    parser.add_argument("--list", action="store_true", help="show the rows, with -o how far each is, and run nothing")
    parser.add_argument(
        "--steps", type=int, help="training steps of the base; all rows and stages change in proportion"
    )
    parser.add_argument("--codec-steps", type=int, help="training steps of every codec")
    parser.add_argument("--codec", metavar="FOLDER", type=Path, help="a trained codec in place of the base's own")
    parser.add_argument(
        "--from", dest="start", metavar="FOLDER", type=Path, help="weights that models begin with (default: MiniLM)"
    )
    parser.add_argument(
        "--weights",
        metavar="FOLDER",
        help="whole weights (a folder, or open) in place of the base's training: of the rows that only sample otherwise",
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="stop after this long; a second call goes on"
    )
    add_device_flag(parser)
    parser.add_argument("--threads", type=int, help="processor threads")
    parser.add_argument("--quiet", action="store_true", help="no progress, no tables")


def run(args: argparse.Namespace) -> int:
    """Run the rows that are missing, and print the table."""
    _check(args)
    from dimo.ablate import plan as plans
    from dimo.ablate.row import shortened

    plan = plans.read(args.plan)
    plans.choose(plan, args.only)
    if args.weights is not None:
        plan = plans.sampled(plan, args.only)
    if args.steps is not None or args.codec_steps is not None:
        share = 1.0 if args.steps is None else args.steps / plan.steps
        rows = tuple(shortened(r, share, args.codec_steps) for r in plan.rows)
        plan = plans.Plan(plan.path, rows, plan.about, args.steps or plan.steps)
    rows = plans.choose(plan, args.only)
    if args.list and args.output is None:
        _print_rows(rows, [""] * len(rows))
        return 0
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    from dimo import checkpoint
    from dimo.ablate.trainings import Places

    weights = None if args.weights is None else checkpoint.folder_of(args.weights)
    places = Places(args.data, args.output, args.codec, args.start, args.device, args.quiet, weights)
    return _list(rows, places) if args.list else _run(plan, rows, places, args)


def _check(args: argparse.Namespace) -> None:
    """RequestError for flags that are wrong, before anything is loaded."""
    for flag in ("steps", "codec_steps", "threads"):
        if (value := getattr(args, flag)) is not None and value < 1:
            raise RequestError(f"--{flag.replace('_', '-')} must be 1 or more, not {value}")
    if args.weights is not None:
        for flag in ("steps", "codec_steps", "codec", "start"):
            if getattr(args, flag) is not None:
                name = "from" if flag == "start" else flag.replace("_", "-")
                raise RequestError(f"--{name} is of trainings, and --weights are whole; give one of the two")
    if args.time_limit is not None and args.time_limit <= 0:
        raise RequestError(f"--time-limit must be more than 0 seconds, not {args.time_limit:g}")
    if args.output is None and not args.list:
        raise RequestError("name a folder for rows, reports and the table with -o, or look at the rows with --list")
    if args.output is not None:
        if args.output.is_file() or not args.output.parent.is_dir():
            raise RequestError(f"{args.output}: name a folder, in a folder that exists, for the rows")
        if not args.data.is_dir():
            raise RequestError(f"--data {args.data}: no such folder; dimo prepare writes one")


def _run(plan: Plan, rows: tuple[Row, ...], places: Places, args: argparse.Namespace) -> int:
    from dimo.ablate import table
    from dimo.ablate.run import run as run_rows
    from dimo.evaluate.tables import terminals

    def say(words: str) -> None:
        if not args.quiet:
            print(words, file=sys.stderr)

    with stages(quiet=args.quiet) as progress:
        found = run_rows(
            plan,
            rows,
            places,
            _evaluators(places),
            time_limit=args.time_limit,
            say=say,
            progress=progress,
        )
    if not args.quiet:
        print(terminals(table.tables(table.summary(plan, found))) + "\n")
    chosen = {(r.id, r.seed) for r in rows}
    done = sum(f.record is not None for f in found if (f.row.id, f.row.seed) in chosen)
    rest = "" if done == len(rows) else "; the same command goes on"
    print(f"{places.out / 'table.md'}: {done} of {len(rows)} rows are done{rest}")
    return 0


def _list(rows: tuple[Row, ...], places: Places) -> int:
    from dimo.ablate.records import find
    from dimo.ablate.trainings import Trainings

    trainings = Trainings(places)
    found = find(rows, trainings, _evaluators(places))
    _print_rows(rows, ["done" if f.record else trainings.state(f.row) or "to do" for f in found])
    return 0


def _evaluators(places: Places) -> list:
    from dimo.device import find
    from dimo.evaluators.find import find_all

    device = find(places.device)
    return [e.to(device) for e in find_all()]


def _print_rows(rows: tuple[Row, ...], states: list[str]) -> None:
    """A line a row: its name and seed, how far it is, and what it changes."""
    wide = max(len(r.title) for r in rows)
    for row, state in zip(rows, states, strict=True):
        changes = ", ".join(f"{k} = {v}" for k, v in row.changes.items()) or "(the base)"
        print("  ".join(filter(None, (f"{row.title:{wide}}", f"{state:7}" if state else "", changes))))
