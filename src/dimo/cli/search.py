"""`dimo search TEXT FOLDER`: ranks the motion files of a folder by how well a sentence describes them."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from dimo.cli.flags import add_model_flags
from dimo.cli.progress import waiting
from dimo.cli.reading import add_reading_flags, of_all
from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("search", help="find motions in a folder by a sentence", description=__doc__)
    parser.add_argument("text", metavar="TEXT", help='an English sentence, such as "a person bows"')
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="with BVH, AMC, NPZ, NPY or GLB, at any depth")
    parser.add_argument("--top", type=int, default=10, help="how many to list, the best first; 0 is all (default: 10)")
    parser.add_argument("--no-cache", action="store_true", help="read every file anew and keep nothing")
    add_model_flags(parser)
    parser.add_argument("--json", action="store_true", help="print an object with found and unreadable")
    add_reading_flags(parser, folder=True)


def run(args: argparse.Namespace) -> int:
    if not args.text.strip():
        raise RequestError('the text is empty; describe a motion, as in "a person bows"')
    if args.top < 0:
        raise RequestError(f"--top must be 0 (all) or more, not {args.top}")

    reading = of_all(args)

    from dimo.data.code_cache import motion_files

    motion_files(args.folder)  # before the model: a folder without motions is told at once

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    with waiting(f"reading {args.folder}"):
        result = model.search(args.text, args.folder, cache=not args.no_cache, **reading)
    found = result.found[: args.top or None]
    if args.json:
        rows = [{"path": str(f.path), "rank": f.score.rank, "score": asdict(f.score)} for f in found]
        faults = [{"path": str(u.path), "reason": u.reason} for u in result.unreadable]
        print(json.dumps({"found": rows, "unreadable": faults}, indent=2))
        return 0
    for f in found:
        print(f"{f.score.rank:+.2f}  {f.path}")
    for u in result.unreadable:
        print(f"dimo: left out: {' '.join(u.reason.split())}", file=sys.stderr)
    return 0
