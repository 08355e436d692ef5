"""`dimo caption FILE`: says in English what a motion file shows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("caption", help="say in English what a motion file shows", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help="BVH, AMC, NPZ, NPY or GLB, on any known body")
    parser.add_argument("--samples", type=int, default=1, help="captions to draw; the surest comes first (default: 1)")
    parser.add_argument("--steps", type=int, help="rounds of the model")
    parser.add_argument("--seed", type=int, help="repeats a draw of several samples")
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="another weights folder than the packaged one")
    parser.add_argument("--json", action="store_true", help="print a list of objects with text and score")


def run(args: argparse.Namespace) -> int:
    from dimo.body.motion import Motion

    motion = Motion.load(args.file)  # before the model: a file that cannot be read is told at once

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model)
    given = {} if args.steps is None else {"steps": args.steps}
    (best,) = model.caption(motion, samples=args.samples, seed=args.seed, **given)
    captions = [best, *best.others]
    if args.json:
        print(json.dumps([{"text": c.text, "score": c.score} for c in captions], indent=2))
    else:
        for caption in captions:
            print(caption.text)
    return 0
