"""`dimo mcp`: motion for assistants, by the Model Context Protocol over standard input and output (docs/serve.md).

Files are read and written in one folder only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_model_flags


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("mcp", help="answer an assistant (Model Context Protocol)", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="where files are (default: this folder)")
    add_model_flags(parser)


def run(args: argparse.Namespace) -> int:
    from dimo.serve.mcp import Desk, build

    build(Desk(args.folder, args.model, args.device)).run("stdio")
    return 0
