"""`dimo batch PROMPTS -o FOLDER`: a file of prompts to a folder of motions and an index; docs/batch.md.

PROMPTS is .txt (a sentence a line, such as "3s a person bows") or .jsonl ({"text": ...} with seconds, seed, id, or parts).
Ended at any moment and run again, it goes on where it was. A prompt that fails is a line in errors.jsonl.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_model_flags, add_sampling_flags, sampling
from dimo.cli.output import SKELETONS, add_writing_flags, read_skeleton, writing
from dimo.cli.progress import progress
from dimo.cli.workers import add_worker_flags, check_workers, executor
from dimo.errors import RequestError
from dimo.formats.table import WRITE


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("batch", help="make a folder of motions from a file of prompts", description=__doc__)
    parser.add_argument("prompts", metavar="PROMPTS", type=Path, help="TXT or JSONL, a line a motion")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="new, or of this batch")
    formats = [suffix[1:] for suffix in WRITE]
    parser.add_argument(
        "--format", choices=formats, default="npz", help="of the motions (default: npz, which is exact)"
    )
    add_worker_flags(parser, 1, "processes, each with a model (default: 1)")
    parser.add_argument("--size", type=int, default=32, metavar="N", help="prompts drawn together (default: 32)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of prompts without one, each of which gets its own (default: 0)"
    )
    parser.add_argument("--skeleton", metavar="NAME", help=f"the body to move: {SKELETONS} (default: humanml3d)")
    parser.add_argument("--quiet", action="store_true", help="no live progress")
    add_sampling_flags(parser)
    add_model_flags(parser)
    add_writing_flags(parser, reads=False)


def run(args: argparse.Namespace) -> int:
    # Everything that can be wrong without the model is said before the model is loaded.
    check_workers(args)
    if not 1 <= args.size <= 1000:
        raise RequestError(f"--size must be from 1 to 1000 prompts, not {args.size}")
    output = writing(args, [Path(f"motion.{args.format}")])
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)
    options = sampling(args)

    from dimo.batch.prompts import read_prompts

    prompts = read_prompts(args.prompts)

    from dimo.batch.make import Plan
    from dimo.batch.run import run as make

    plan = Plan(
        args.output,
        f".{args.format}",
        options,
        not args.no_footlock,
        skeleton,
        output,
        args.model,
        args.device,
    )
    with (
        executor(args, gpu=args.device.startswith("cuda")) as where,
        progress("making motions", len(prompts), quiet=args.quiet) as tick,
    ):

        def tell(done: int) -> None:
            for _ in range(done):
                tick("")

        made = make(prompts, plan, executor=where, size=args.size, tell=tell)
    before = f", {made.before} were there" if made.before else ""
    print(f"{args.output}: {made.made} motions made{before}")
    if made.failed:
        raise RequestError(
            f"{args.output / 'errors.jsonl'}: {made.failed} of {len(prompts)} prompts could not be made, and it says why"
        )
    return 0
