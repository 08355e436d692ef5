"""`dimo convert IN OUT`: from one motion format to another, by suffix. Only --loop makes anything, and needs the model."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import DRAW, add_loop_flag, add_model_flags, add_sampling_flags, looped, sampling
from dimo.cli.output import SKELETONS, add_writing_flags, check_outputs, read_skeleton, write, writing
from dimo.cli.progress import waiting
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import RequestError
from dimo.formats.writing import MAX_FPS


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("convert", help="convert a motion file by suffix", description=__doc__)
    parser.add_argument("input", metavar="IN", type=Path, help=FILES)
    parser.add_argument(
        "output",
        metavar="OUT",
        type=Path,
        help="GLB, BVH, FBX, USDA, USDC, USDZ, VRMA, NPZ, NPY, MP4, GIF, PNG or HTML",
    )
    parser.add_argument(
        "--source-fps", type=float, help="the true rate of the input, where the file says none or a wrong one"
    )
    parser.add_argument("--skeleton", metavar="NAME", help=f"retarget: {SKELETONS}")
    group = parser.add_argument_group(
        "loop", "the way back of --loop is made by the model, which nothing else here needs"
    )
    add_loop_flag(group)
    group.add_argument(
        "--memory", type=float, metavar="SHARE", help="of remembered motions in the way back (default: 0.95)"
    )
    group.add_argument("--seed", type=int, help="makes the result repeatable (default: another one each time)")
    add_sampling_flags(group)
    add_model_flags(group)
    add_writing_flags(parser)
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    check_outputs([args.output], inputs=[f for f in (args.input, args.rig) if f is not None])
    output = writing(args, [args.output])
    _check_loop(args)
    if args.source_fps is not None and not 0 < args.source_fps <= MAX_FPS:
        raise RequestError(f"--source-fps must be more than 0 and at most {MAX_FPS:g}, not {args.source_fps:g}")
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)
    motion = read(args.input, args, fps=args.source_fps)
    if skeleton is not None:
        from dimo.body.onto import onto

        motion = onto(motion, skeleton)
    if args.loop:
        from dimo.api import DiMo

        motion = looped(motion, args, DiMo.from_pretrained(args.model, device=args.device))
    with waiting(f"writing {len(motion)} frames"):
        write(motion, args.output, output)
    print(args.output)
    return 0


def _check_loop(args: argparse.Namespace) -> None:
    """RequestError for flags that say how to draw where nothing is drawn, and for values that are none."""
    if args.loop:
        sampling(args)
        return
    given = [name for name in (*DRAW, "memory", "model") if getattr(args, name) is not None]
    if args.no_footlock or given:
        flag = "--no-footlock" if args.no_footlock else "--" + given[0].replace("_", "-")
        raise RequestError(f"{flag} goes with --loop: a conversion makes nothing else")
