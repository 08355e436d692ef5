"""`dimo edit FILE -o OUT`: keeps parts of a motion and makes the rest, goes on from its end, or varies it.

What is kept stays bit for bit, on the motion's own body and at its own rate. Exactly one of --replace, --keep, --extend
and --vary says what to do; --text says what happens in the new frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_flags, check_flags, drawing, write_all
from dimo.cli.progress import waiting
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("edit", help="make parts of a motion anew, extend or vary it", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help=FILES)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--replace", metavar="SPANS", help="make these seconds anew, such as 2:4 or 1:2,5:6")
    what.add_argument("--keep", metavar="SPANS", help="make everything but these seconds anew, such as 0:2,4:6")
    what.add_argument("--extend", metavar="SECONDS", type=float, help="go on for this long after the end")
    what.add_argument("--vary", metavar="SHARE", type=float, help="make a share of it anew all over, such as 0.4")
    parser.add_argument("--seconds", type=float, help="with --keep: length of the result (default: as before)")
    parser.add_argument("--frames", action="store_true", help="spans count frames instead of seconds")
    add_flags(parser)
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    check_flags(args, inputs=[args.file])
    if args.seconds is not None and args.keep is None:
        raise RequestError("--seconds goes with --keep only; --extend takes its own seconds")

    from dimo.inpaint.spans import parse, to_frames

    flag, text = ("--keep", args.keep) if args.keep is not None else ("--replace", args.replace)
    spans = parse(text, flag) if text is not None else []
    unit = "frames" if args.frames else "seconds"
    motion = read(args.file, args)
    to_frames(spans, motion.fps, len(motion), unit, flag)  # said before the model is loaded

    from dimo.api import DiMo

    model, given = DiMo.from_pretrained(args.model, device=args.device), drawing(args)
    with waiting("making motion" if args.extend is None else f"making {args.extend:g} s of motion"):
        if args.extend is not None:
            made = model.predict(motion, args.extend, **given)
        elif args.vary is not None:
            given.pop("memory", None)  # a variation is not a gap; the flag is of the others
            made = model.vary(motion, args.vary, **given)
        elif args.keep is not None:
            made = model.complete(motion, spans, seconds=args.seconds, unit=unit, **given)
        else:
            made = model.edit(motion, spans, unit=unit, **given)
    write_all(made, args, model)
    return 0
