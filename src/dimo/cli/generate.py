"""`dimo generate TEXT -o FILE`: writes motions for a sentence, in as many formats as there are -o."""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.output import check_outputs, numbered, read_skeleton, write
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("generate", help="make motions from a sentence", description=__doc__)
    parser.add_argument("text", metavar="TEXT", help='an English sentence, such as "a person walks forward"')
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        action="append",
        required=True,
        help="GLB, BVH, NPZ, NPY (motion) or MP4, GIF, PNG (pictures) by suffix; may be given several times",
    )
    parser.add_argument("--seconds", type=float, help="length of the motion (default: estimated from the text)")
    parser.add_argument("--steps", type=int, help="rounds of the model (default: 10)")
    parser.add_argument("--samples", type=int, default=1, help="motions to make, written as FILE_1, FILE_2, ...")
    parser.add_argument("--seed", type=int, help="makes the result repeatable")
    parser.add_argument("--guidance", type=float, help="how strongly to follow the text; 1 is plain sampling")
    parser.add_argument("--temperature", type=float, help="variety of the draws; 0 takes the most probable")
    parser.add_argument("--top-k", type=int, help="codes considered in each draw; 0 considers all")
    parser.add_argument("--skeleton", metavar="NAME", help="the body to move: a preset's name, or a skeleton JSON file")
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="another weights folder than the packaged one")


def run(args: argparse.Namespace) -> int:
    # Everything that can be wrong without the model is said before the model is loaded.
    if not args.text.strip():
        raise RequestError('the text is empty; describe a motion, as in "a person walks forward"')
    check_outputs([numbered(path, 1, args.samples) for path in args.output])
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.api import DiMo

    wanted = {"steps": args.steps, "guidance": args.guidance, "temperature": args.temperature, "top_k": args.top_k}
    given = {key: value for key, value in wanted.items() if value is not None}  # the rest has its default in one place
    model = DiMo.from_pretrained(args.model)
    motions = model.generate(
        args.text, seconds=args.seconds, samples=args.samples, seed=args.seed, skeleton=skeleton, **given
    )
    for i, motion in enumerate(motions, start=1):
        for path in args.output:
            print(write(motion, numbered(path, i, args.samples)))
    return 0
