"""`dimo prepare SOURCE OUT`: motion files with captions become training shards, or a HumanML3D directory.

SOURCE is a folder of BVH or AMC files with captions (captions.jsonl, or a .txt beside each file), a HumanML3D or KIT-ML
directory, a Motion-X one, or the project's pack. Clips that cannot be used are listed in OUT/report.json.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from dimo.cli.reading import add_reading_flags, of_all
from dimo.cli.workers import MOST, add_worker_flags, check_workers, executor
from dimo.errors import RequestError

BODIES = ("humanml3d", "kit", "smplx")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("prepare", help="turn a folder of motions into training data", description=__doc__)
    parser.add_argument("source", metavar="SOURCE", type=Path)
    parser.add_argument("out", metavar="OUT", type=Path)
    parser.add_argument(
        "--layout", choices=("parquet", "humanml3d"), default="parquet", help="what to write (default: parquet)"
    )
    add_worker_flags(parser, min(os.cpu_count() or 1, MOST), "processes (default: one per core)")
    parser.add_argument("--limit", type=int, help="only the first N clips")
    parser.add_argument(
        "--composites", type=int, default=0, help="joined and overlaid clips to add to the training split"
    )
    parser.add_argument(
        "--body",
        choices=BODIES,
        default=BODIES[0],
        help="joints that clips are brought to: 22 at 20 fps, KIT-ML's 21 at 12.5, or 52 with hands at 20 (default: humanml3d)",
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="clips and captions as the collection has them, of the lengths that the field reads: nothing is cut or measured",
    )
    parser.add_argument("--no-mirror", action="store_true", help="no mirror images of training clips")
    parser.add_argument(
        "--archives", metavar="DIR", type=Path, help="where the pack's archives are unpacked, or are to be"
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn (default: 0)")
    add_reading_flags(parser, folder=True)


def run(args: argparse.Namespace) -> int:
    check_workers(args)
    for flag, value, least in (("--composites", args.composites, 0), ("--seed", args.seed, 0)):
        if value < least:
            raise RequestError(f"{flag} must be {least} or more, not {value}")
    if args.limit is not None and args.limit < 1:
        raise RequestError(f"--limit must be 1 or more, not {args.limit}")
    if args.ray is not None and args.layout == "humanml3d":
        raise RequestError("--layout humanml3d is written by one machine; leave out --ray")
    if args.body != BODIES[0] and (args.composites or args.layout == "humanml3d"):
        raise RequestError(f"composites and the HumanML3D layout are of the 22-joint body, not of --body {args.body}")
    if args.out.is_file():
        raise RequestError(f"{args.out}: a file stands where the output folder should be")

    reading = of_all(args)

    from dimo.body.skeleton import preset
    from dimo.data import layout, prepare
    from dimo.features.layouts import layout_for

    began = time.monotonic()

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty() or done == total:
            rate = done / (time.monotonic() - began)
            print(f"\r{done}/{total} clips, {rate:.0f} a second", end="\n" if done == total else "", file=sys.stderr)

    given = {"limit": args.limit, "archives": args.archives}
    if args.layout == "humanml3d":
        options = prepare.PrepareOptions(
            mirror=not args.no_mirror, crops=0, seed=args.seed, plain=args.plain, **reading
        )
        with executor(args) as where:
            count = layout.write(args.source, args.out, options, executor=where, **given)
        print(f"{args.out}: {count} clips in the HumanML3D layout")
        return 0
    options = prepare.PrepareOptions(
        layout_for(joints=len(preset(args.body))).fps,
        mirror=not args.no_mirror,
        composites=args.composites,
        seed=args.seed,
        body=args.body,
        plain=args.plain,
        **reading,
    )
    with executor(args) as where:
        manifest = prepare.prepare(args.source, args.out, options, executor=where, progress=progress, **given)
    print(f"{args.out}: {manifest['clips']} clips, {manifest['rejected']} rejected ({args.out / prepare.REPORT})")
    return 0
