"""`dimo generate TEXT -o FILE`: writes motions for a sentence, in as many formats as there are -o."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dimo.cli.output import check_outputs, numbered, read_skeleton, write
from dimo.errors import RequestError

DRAW = ("steps", "guidance", "temperature", "top_k", "strategy", "schedule", "adaptive", "guidance_on")
TRACES = (".html", ".gif")


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
    parser.add_argument(
        "--seconds",
        type=seconds,
        metavar="SECONDS",
        help="length of the motion, or auto, from the text (default: auto)",
    )
    parser.add_argument("--steps", type=int, help="rounds of the model (default: 10)")
    parser.add_argument("--samples", type=int, default=1, help="motions to make, written as FILE_1, FILE_2, ...")
    parser.add_argument("--seed", type=int, help="makes the result repeatable")
    parser.add_argument("--guidance", type=float, help="how strongly to follow the text; 1 is plain sampling")
    parser.add_argument("--temperature", type=float, help="variety of the draws; 0 takes the most probable")
    parser.add_argument("--top-k", type=int, help="codes considered in each draw; 0 considers all")
    parser.add_argument(
        "--strategy", help="what a round keeps and takes back: docs/tasks/sampling.md (default: confidence)"
    )
    parser.add_argument(
        "--schedule", help="how many places a round fills: cosine, linear, square, root (default: cosine)"
    )
    parser.add_argument(
        "--adaptive", type=float, metavar="P", help="also keep what is at least this probable, in fewer rounds"
    )
    parser.add_argument("--guidance-on", help="what guidance works on: logits or probabilities (default: logits)")
    parser.add_argument(
        "--trace", metavar="FILE", type=Path, help="also show how the motion condenses out of noise, as HTML or GIF"
    )
    parser.add_argument("--no-footlock", action="store_true", help="leave sliding feet as the model made them")
    parser.add_argument("--skeleton", metavar="NAME", help="the body to move: a preset's name, or a skeleton JSON file")
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="another weights folder than the packaged one")


def run(args: argparse.Namespace) -> int:
    # Everything that can be wrong without the model is said before the model is loaded.
    if not args.text.strip():
        raise RequestError('the text is empty; describe a motion, as in "a person walks forward"')
    check_outputs([numbered(path, 1, args.samples) for path in args.output])
    if args.trace is not None:
        check_trace(args)
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.api import DiMo

    given = {
        key: getattr(args, key) for key in DRAW if getattr(args, key) is not None
    }  # the rest has its default elsewhere
    model = DiMo.from_pretrained(args.model)
    motions = model.generate(
        args.text,
        seconds=args.seconds,
        samples=args.samples,
        seed=args.seed,
        skeleton=skeleton,
        footlock=not args.no_footlock,
        **given,
    )
    for i, motion in enumerate(motions, start=1):
        for path in args.output:
            print(write(motion, numbered(path, i, args.samples)))
    if args.trace is not None:
        from dimo.view.trace import save

        print(save(model.trace(args.text, seconds=args.seconds, seed=args.seed, **given), args.trace))
    return 0


def seconds(text: str) -> float | None:
    """A number of seconds, or None for auto."""
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number or auto is expected, not {text!r}") from None


def check_trace(args: argparse.Namespace) -> None:
    """What a trace needs, said before the model is loaded; a seed is drawn, so that it shows the motion that is written."""
    if args.trace.suffix.lower() not in TRACES:
        raise RequestError(f"{args.trace}: a trace is written as {' or '.join(TRACES)}, not as {args.trace.suffix!r}")
    if args.samples != 1:
        raise RequestError(f"--trace shows one motion, so it does not go with --samples {args.samples}")
    if not args.trace.parent.is_dir() or args.trace.is_dir():
        what = (
            "this is a folder; name a file in it"
            if args.trace.is_dir()
            else f"the folder {args.trace.parent} does not exist"
        )
        raise RequestError(f"{args.trace}: {what}")
    if args.trace in args.output:
        raise RequestError(f"{args.trace}: this output is named twice")
    if args.seed is None:
        args.seed = int.from_bytes(os.urandom(4), "little")
