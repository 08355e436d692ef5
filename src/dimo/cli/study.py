"""`dimo study build A B -o study.html`, `dimo study score KEY ANSWERS...`: a blind comparison by people.

build makes a page of random pairs from two folders that dimo evaluate wrote (same data and seed), and beside it the key that
says which side is whose; the page does not hold it. score counts the answers that people downloaded.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("study", help="let people compare two systems, blind", description=__doc__)
    parts = parser.add_subparsers(dest="part", metavar="build|score", required=True)
    build = parts.add_parser("build", help="make the page and its key")
    build.add_argument("a", metavar="A", type=Path, help="folder of results")
    build.add_argument("b", metavar="B", type=Path)
    build.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the page, .html")
    build.add_argument(
        "--ask", choices=("motion", "caption"), default="motion", help="two motions of one text, or two captions"
    )
    build.add_argument("--seed", type=int, default=0, help="of order and sides")
    score = parts.add_parser("score", help="preference with its interval")
    score.add_argument("key", metavar="KEY", type=Path, help="the key that build wrote")
    score.add_argument("answers", metavar="ANSWERS", type=Path, nargs="+", help="files that people downloaded")


def run(args: argparse.Namespace) -> int:
    return _build(args) if args.part == "build" else _score(args)


def _build(args: argparse.Namespace) -> int:
    if args.output.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"{args.output}: name a file that ends in .html")
    if not args.output.parent.is_dir():
        raise RequestError(f"{args.output}: the folder {args.output.parent} does not exist")
    if args.seed < 0:
        raise RequestError(f"--seed must be 0 or more, not {args.seed}")

    from dimo.evaluate import study
    from dimo.evaluate.samples import Samples
    from dimo.formats.files import write_atomically
    from dimo.view.study_page import page

    a, b = Samples.load(args.a), Samples.load(args.b)
    questions = study.pairs(a, b, args.ask, args.seed)
    key = {**study.key_of(questions, args.seed), "names": {"a": args.a.name, "b": args.b.name}}
    key_path = args.output.with_suffix(".key.json")
    with write_atomically(args.output) as temporary:
        temporary.write_text(page(questions, key["study"], a.fps), encoding="utf-8")
    with write_atomically(key_path) as temporary:
        temporary.write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    print(f"{args.output}: {len(questions)} pairs; keep {key_path} from those who answer")
    return 0


def _score(args: argparse.Namespace) -> int:
    from dimo.evaluate import study

    key = study.read_json(args.key, "dimo-study-key")
    answers = [(path, study.read_json(path, "dimo-study-answers")) for path in args.answers]
    found = study.count(key, answers)
    names = key.get("names", {"a": "a", "b": "b"})
    low, high = found.interval
    print(f"{names['a']} preferred {found.a} times, {names['b']} {found.b} times, no difference {found.same} times")
    if found.a + found.b:
        print(
            f"share of {names['a']} among decided answers: {100 * found.share:.0f} % "
            f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %, two-sided p {found.p_value:.3g})"
        )
    return 0
