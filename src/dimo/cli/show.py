"""`dimo show FILE`: pictures of a motion without a display; `dimo draw` is the same."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.output import PICTURES
from dimo.cli.progress import waiting
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser(
        "show", aliases=["draw"], help="make a film or a contact sheet of a motion file", description=__doc__
    )
    parser.add_argument("input", metavar="FILE", type=Path, help=FILES)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="MP4, GIF, PNG or HTML, which plays in any browser (default: the input's name with .png, in this folder)",
    )
    parser.add_argument(
        "--size", type=int, default=480, help="pixels of a film's side, or twice a sheet's height (default: 480)"
    )
    parser.add_argument("--poses", type=int, default=8, help="poses on a sheet (default: 8)")
    parser.add_argument("--caption", help="words above a sheet (default: the motion's name)")
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    output = args.output or Path(f"{args.input.stem}.png")
    if output.suffix.lower() not in PICTURES:
        raise RequestError(
            f"{output}: the suffix {output.suffix!r} names no picture that is written; there are {', '.join(PICTURES)}"
        )

    motion = read(args.input, args)

    from dimo.view.video import save

    with waiting(f"drawing {len(motion)} frames"):
        saved = save(motion, output, caption=args.caption, size=args.size, poses=args.poses)
    print(saved)
    return 0
