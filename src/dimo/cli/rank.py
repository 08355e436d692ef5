"""`dimo rank FILE CAPTIONS`: ranks sentences by how well they describe a motion file."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from dimo.cli.flags import add_model_flags
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import FormatError, RequestError

MOST_BYTES = 10_000_000


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("rank", help="rank sentences for a motion file", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help=FILES)
    parser.add_argument("captions", metavar="CAPTIONS", type=Path, help="text file, one English sentence a line")
    parser.add_argument("--top", type=int, default=0, help="how many to list, the best first (default: 0, all)")
    add_model_flags(parser)
    parser.add_argument("--json", action="store_true", help="print a list of objects with text and scores")
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    if args.top < 0:
        raise RequestError(f"--top must be 0 (all) or more, not {args.top}")

    motion = read(args.file, args)
    lines = read_captions(args.captions)

    from dimo.api import DiMo

    model = DiMo.from_pretrained(args.model, device=args.device)
    longest = model.model.config.max_text
    for number, text in lines:
        if reason := model.wordpiece.unsupported(text, longest):
            raise FormatError(reason, path=args.captions, line=number)
    ranked = model.rank(motion, [text for _, text in lines])[: args.top or None]
    if args.json:
        print(json.dumps([{"text": r.text, "rank": r.score.rank, "score": asdict(r.score)} for r in ranked], indent=2))
    else:
        for r in ranked:
            print(f"{r.score.rank:+.2f}  {r.text}")
    return 0


def read_captions(path: Path) -> list[tuple[int, str]]:
    """(line number, sentence) of every line that is not blank, doubles left out; FormatError when there are none."""
    from dimo.formats.files import read_text

    seen: dict[str, int] = {}
    for number, line in enumerate(read_text(path, MOST_BYTES).splitlines(), start=1):
        if line.strip():
            seen.setdefault(line.strip(), number)
    if not seen:
        raise FormatError("holds no sentences; one a line is expected", path=path)
    return [(number, text) for text, number in seen.items()]
