"""`dimo caption FILE`: says in English what a motion file shows."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dimo.cli.flags import add_model_flags
from dimo.cli.reading import FILES, add_reading_flags, read


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("caption", help="say in English what a motion file shows", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help=FILES)
    parser.add_argument("--samples", type=int, default=1, help="captions to draw; the surest comes first (default: 1)")
    parser.add_argument(
        "--steps", type=int, help="rounds in which all words are filled in (default: one word after the other)"
    )
    parser.add_argument("--seed", type=int, help="repeats a draw of several samples")
    add_model_flags(parser)
    parser.add_argument("--json", action="store_true", help="print a list of objects with text and score")
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    motion = read(args.file, args)  # before the model: a file that cannot be read is told at once

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    given = {} if args.steps is None else {"steps": args.steps}
    (best,) = model.caption(motion, samples=args.samples, seed=args.seed, **given)
    captions = [best, *best.others]
    if args.json:
        print(json.dumps([{"text": c.text, "score": c.score} for c in captions], indent=2))
    else:
        for caption in captions:
            print(caption.text)
    if len(captions) < args.samples:
        found = f"{len(captions)} of them different" if len(captions) > 1 else "all of them alike"
        print(f"dimo: note: {args.samples} captions were drawn, {found}; each is listed once", file=sys.stderr)
    return 0
