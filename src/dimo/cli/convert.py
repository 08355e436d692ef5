"""`dimo convert IN OUT`: from one motion format to another, by suffix."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.output import check_outputs, read_skeleton, write
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("convert", help="convert a motion file by suffix", description=__doc__)
    parser.add_argument("input", metavar="IN", type=Path, help="BVH, AMC (with its ASF beside it), GLB, NPZ or NPY")
    parser.add_argument("output", metavar="OUT", type=Path, help="GLB, BVH, NPZ or NPY, or MP4, GIF, PNG")
    parser.add_argument("--fps", type=float, help="resample to this frame rate")
    parser.add_argument(
        "--source-fps", type=float, help="the true rate of the input, where the file says none or a wrong one"
    )
    parser.add_argument("--skeleton", metavar="NAME", help="retarget to a preset, or to a skeleton JSON file")


def run(args: argparse.Namespace) -> int:
    check_outputs([args.output])
    for flag, value in (("--fps", args.fps), ("--source-fps", args.source_fps)):
        if value is not None and not 0 < value <= 1000:
            raise RequestError(f"{flag} must be more than 0 and at most 1000, not {value:g}")
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.formats.table import load

    motion = load(args.input, fps=args.source_fps, skeleton=skeleton)
    if args.fps is not None:
        motion = motion.resample(args.fps)
    print(write(motion, args.output))
    return 0
