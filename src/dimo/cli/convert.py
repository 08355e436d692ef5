"""`dimo convert IN OUT`: from one motion format to another, by suffix."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.output import SKELETONS, check_outputs, read_skeleton, write
from dimo.cli.progress import waiting
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("convert", help="convert a motion file by suffix", description=__doc__)
    parser.add_argument("input", metavar="IN", type=Path, help=FILES)
    parser.add_argument("output", metavar="OUT", type=Path, help="GLB, BVH, NPZ or NPY, or MP4, GIF, PNG")
    parser.add_argument("--fps", type=float, help="resample to this frame rate")
    parser.add_argument(
        "--source-fps", type=float, help="the true rate of the input, where the file says none or a wrong one"
    )
    parser.add_argument("--skeleton", metavar="NAME", help=f"retarget: {SKELETONS}")
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    check_outputs([args.output], inputs=[args.input])
    for flag, value in (("--fps", args.fps), ("--source-fps", args.source_fps)):
        if value is not None and not 0 < value <= 1000:
            raise RequestError(f"{flag} must be more than 0 and at most 1000, not {value:g}")
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)
    motion = read(args.input, args, fps=args.source_fps)
    if skeleton is not None:
        from dimo.body.retarget import retarget

        motion = retarget(motion, skeleton)
    if args.fps is not None:
        motion = motion.resample(args.fps)
    with waiting(f"writing {len(motion)} frames"):
        write(motion, args.output)
    print(args.output)
    return 0
