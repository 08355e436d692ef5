"""`dimo sample -o OUT`: any motion, without a text."""

from __future__ import annotations

import argparse

from dimo.cli.flags import add_flags, check_flags, drawing, write_all
from dimo.cli.output import SKELETONS, read_skeleton
from dimo.cli.progress import waiting


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("sample", help="make any motion, without a text", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the motion (default: 4)")
    parser.add_argument("--skeleton", metavar="NAME", help=f"the body to move: {SKELETONS} (default: humanml3d)")
    add_flags(parser, text=False)


def run(args: argparse.Namespace) -> int:
    check_flags(args)
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    with waiting(f"making {args.seconds:g} s of motion"):
        made = model.sample(args.seconds, skeleton=skeleton, **drawing(args))
    write_all(made, args, model)
    return 0
