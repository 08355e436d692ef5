"""`dimo compose SCRIPT -o OUT`: several sentences, one long motion.

SCRIPT is .txt (a line a part: "3s walks forward"), .yaml ("- text: walks forward" and "seconds: 3" below it), .json or
.toml ([[part]] tables). A part without seconds gets as long as the model thinks that it takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_flags, check_flags, drawing, write_all
from dimo.cli.output import read_skeleton


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("compose", help="make one long motion of several sentences", description=__doc__)
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="TXT, YAML, JSON or TOML")
    parser.add_argument("--skeleton", metavar="NAME", help="the body to move: a preset's name, or a skeleton JSON file")
    add_flags(parser, text=False)


def run(args: argparse.Namespace) -> int:
    check_flags(args)
    skeleton = None if args.skeleton is None else read_skeleton(args.skeleton)

    from dimo.formats.script import read_script

    script = read_script(args.script)

    from dimo.api import DiMo

    write_all(DiMo.from_pretrained(args.model).compose(script, skeleton=skeleton, **drawing(args)), args)
    return 0
