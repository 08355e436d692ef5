"""`dimo generate TEXT -o FILE`: writes motions for a sentence, in as many formats as there are -o."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dimo.cli.flags import add_flags, add_text_flags, check_flags, drawing, say_doubts, write_all
from dimo.cli.output import SKELETONS, read_skeleton
from dimo.cli.progress import waiting
from dimo.errors import RequestError

TRACES = (".html", ".gif")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("generate", help="make motions from a sentence", description=__doc__)
    parser.add_argument("text", metavar="TEXT", help='an English sentence, such as "a person walks forward"')
    parser.add_argument(
        "--seconds",
        type=seconds,
        metavar="SECONDS",
        help="length of the motion, or auto, from the text (default: auto)",
    )
    parser.add_argument(
        "--best",
        type=int,
        default=1,
        metavar="N",
        help="draw N motions for each and keep the one that the model would rather describe by the text (default: 1)",
    )
    parser.add_argument(
        "--trace", metavar="FILE", type=Path, help="also show how the motion condenses out of noise, as HTML or GIF"
    )
    parser.add_argument("--skeleton", metavar="NAME", help=f"the body to move: {SKELETONS} (default: humanml3d)")
    add_text_flags(parser)
    add_flags(parser, text=False)


def run(args: argparse.Namespace) -> int:
    # Everything that can be wrong without the model is said before the model is loaded.
    if not args.text.strip():
        raise RequestError('the text is empty; describe a motion, as in "a person walks forward"')
    check_flags(args)
    if not 1 <= args.best <= 64:
        raise RequestError(f"--best must be from 1 to 64 candidates, not {args.best}")
    if args.trace is not None:
        check_trace(args)
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    say_doubts(model, [args.text], args.strict, args.recall)
    given = {key: value for key, value in drawing(args).items() if key != "text"}
    with waiting("making motion"):
        made = model.generate(args.text, seconds=args.seconds, best=args.best, skeleton=skeleton, **given)
    write_all(made, args, model)
    if args.trace is not None:
        from dimo.view.trace import save

        same = {key: value for key, value in given.items() if key in ("options", "recall")}
        print(save(model.trace(args.text, seconds=args.seconds, **same), args.trace))
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
    for flag in ("samples", "best"):
        if getattr(args, flag) != 1:
            raise RequestError(f"--trace shows one motion, so it does not go with --{flag} {getattr(args, flag)}")
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
