"""`dimo compose SCRIPT -o OUT`: several sentences, one long motion.

SCRIPT is .txt (a line a part: "3s walks forward"), .yaml ("- text: walks forward" and "seconds: 3" below it), .json or
.toml ([[part]] tables). A part without seconds gets as long as the model thinks that it takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_flags, add_text_flags, check_flags, drawing, say_doubts, write_all
from dimo.cli.output import SKELETONS, read_skeleton
from dimo.cli.progress import waiting


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("compose", help="make one long motion of several sentences", description=__doc__)
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="TXT, YAML, JSON or TOML")
    parser.add_argument("--skeleton", metavar="NAME", help=f"the body to move: {SKELETONS} (default: humanml3d)")
    add_text_flags(parser)
    add_flags(parser, text=False)


def run(args: argparse.Namespace) -> int:
    check_flags(args)
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.formats.script import read_script

    script = read_script(args.script)

    from dimo.api import DiMo

    model, known = DiMo.from_pretrained(args.model, device=args.device), sum(seconds or 0.0 for _, seconds in script)
    say_doubts(model, [text for text, _ in script], args.strict, args.recall)
    with waiting(f"making {len(script)} parts" + (f", {known:g} s and more" if known else "")):
        made = model.compose(script, skeleton=skeleton, **drawing(args))
    write_all(made, args, model)
    return 0
