"""`dimo mcp`: motion for assistants, by the Model Context Protocol over standard input and output (docs/serve.md).

Files are read and written in one folder only.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("mcp", help="answer an assistant (Model Context Protocol)", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="where files are (default: this folder)")
    parser.add_argument("--model", metavar="FOLDER", type=Path, help="another weights folder than the packaged one")


def run(args: argparse.Namespace) -> int:
    from dimo.serve.mcp import Desk, build

    build(Desk(args.folder, args.model)).run("stdio")
    return 0
