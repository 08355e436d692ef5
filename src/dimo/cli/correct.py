"""`dimo correct FILE TEXT`: corrects the words of a caption that a motion file contradicts, and shows what changed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dimo.cli.flags import add_model_flags
from dimo.cli.reading import FILES, add_reading_flags, read
from dimo.errors import RequestError

if TYPE_CHECKING:
    from dimo.tasks.correct import Change

RED, GREEN, PLAIN = "\033[31;9m", "\033[32m", "\033[0m"


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("correct", help="correct a caption by the motion", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help=FILES)
    parser.add_argument("text", metavar="TEXT", help='the caption to correct, such as "a man walks left"')
    add_model_flags(parser)
    parser.add_argument("--json", action="store_true", help="print an object with text, changed and changes")
    add_reading_flags(parser)


def run(args: argparse.Namespace) -> int:
    if not args.text.strip():
        raise RequestError('the text is empty; give the caption to correct, as in "a man walks left"')

    motion = read(args.file, args)  # before the model: a file that cannot be read is told at once

    from dimo.api import DiMo

    result = DiMo.from_pretrained(args.model, device=args.device).correct(args.text, motion)
    if args.json:
        changes = [asdict(c) for c in result.changes]
        print(json.dumps({"text": result.text, "changed": result.changed, "changes": changes}, indent=2))
    elif not result.changed:
        print("nothing to change")
    else:
        print(diff(args.text, result.changes, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
        print(result.text)
        for change in result.changes:
            old, new = repr(change.old), repr(change.new) if change.new else "nothing"
            print(f"  {old} -> {new}, confidence {change.confidence:.0%}")
    return 0


def diff(text: str, changes: Sequence[Change], colour: bool) -> str:
    """The text with old words struck in red and new ones in green, or as [-old-]{+new+} (wdiff) without colour."""
    old, new = (f"{RED}%s{PLAIN}", f"{GREEN}%s{PLAIN}") if colour else ("[-%s-]", "{+%s+}")
    out, at = "", 0
    for change in sorted(changes, key=lambda c: c.start):
        gap = " " if colour and change.new else ""
        out += text[at : change.start] + old % change.old + gap + (new % change.new if change.new else "")
        at = change.end
    return out + text[at:]
