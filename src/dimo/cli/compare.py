"""`dimo compare A B`: which differences between two reports of dimo evaluate exceed the noise."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser(
        "compare", help="tell real differences between two reports from noise", description=__doc__
    )
    parser.add_argument("a", metavar="A", type=Path, help="report.json, or the folder that holds it")
    parser.add_argument("b", metavar="B", type=Path)
    parser.add_argument("--all", action="store_true", help="also print what lies within the noise")


def run(args: argparse.Namespace) -> int:
    from dimo.evaluate import compare, report, tables

    a, b = report.load(args.a), report.load(args.b)
    found = compare.compare(a, b)
    for warning in compare.caveats(a, b):
        print(f"careful: {warning}")
    print(tables.terminal(compare.table(found, all_rows=args.all)))
    beyond, unknown = (sum(d.exceeds is state for d in found) for state in (True, None))
    print(f"{beyond} of {len(found)} differences exceed the noise; {unknown} cannot be told; about 5 % do by chance")
    return 0
