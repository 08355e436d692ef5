"""`dimo serve`: the page, and the same over HTTP for programs, on this machine's port 8000.

Only this machine may ask unless --host says otherwise; then everyone needs the token. docs/serve.md has the addresses.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from dimo.cli.flags import add_model_flags


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("serve", help="open the page, and answer programs over HTTP", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 takes a free one (default: 8000)")
    parser.add_argument(
        "--token", help="what clients must show (default: DIMO_TOKEN; else none here, and a random one for other hosts)"
    )
    parser.add_argument(
        "--allow-origin",
        metavar="URL",
        action="append",
        help="another site whose pages may ask; may be given several times",
    )
    parser.add_argument("--library", metavar="FOLDER", type=Path, help="motion files that clients may search")
    parser.add_argument(
        "--write-demo",
        metavar="FOLDER",
        type=Path,
        help="write the page with recorded motions for a plain web host, and end",
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_model_flags(parser)


def run(args: argparse.Namespace) -> int:
    if args.write_demo is not None:
        from dimo.cli.progress import waiting
        from dimo.serve.demo import write

        with waiting("recording motions"):
            write(args.write_demo, args.model, args.device)
        print(args.write_demo / "index.html")
        return 0

    from dimo.serve.run import serve

    serve(
        args.model,
        host=args.host,
        port=args.port,
        token=args.token or os.environ.get("DIMO_TOKEN"),
        origins=args.allow_origin or (),
        library=args.library,
        browser=args.open,
        device=args.device,
    )
    return 0
