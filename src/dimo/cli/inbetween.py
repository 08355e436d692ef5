"""`dimo inbetween A B -o OUT`: the way from the end of one motion to the beginning of another."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_flags, check_flags, drawing, write_all
from dimo.cli.progress import waiting
from dimo.cli.reading import FILES, add_reading_flags, read


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("inbetween", help="join two motions by frames in between", description=__doc__)
    parser.add_argument("first", metavar="A", type=Path, help=FILES)
    parser.add_argument("second", metavar="B", type=Path, help="the same; brought to the body and rate of A")
    parser.add_argument("--seconds", type=float, default=1.5, help="time between them (default: 1.5)")
    parser.add_argument(
        "--place",
        choices=("as_is", "follow"),
        default="as_is",
        help="leave B where it is in the world, or move it to where the frames between arrive (default: as_is)",
    )
    add_flags(parser)
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    check_flags(args, inputs=[args.first, args.second])
    first, second = read(args.first, args), read(args.second, args)

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    with waiting(f"making {args.seconds:g} s of motion"):
        made = model.inbetween(first, second, args.seconds, place=args.place, **drawing(args))
    write_all(made, args, model)
    return 0
