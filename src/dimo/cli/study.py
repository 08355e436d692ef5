"""`dimo study build A [B] -o study.html`, `dimo study score KEY ANSWERS...`: a blind comparison by people (docs/evaluate.md).

build makes a page of random pairs from two folders that dimo evaluate wrote (same data and seed), or of one folder and the real
motions, and beside it the key that says which side is whose; the page does not hold it. score says what the answers say that
people sent: preference with its intervals, agreement, and who missed the checks of attention.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from dimo.errors import RequestError


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("study", help="let people compare two systems, blind", description=__doc__)
    parts = parser.add_subparsers(dest="part", metavar="build|score", required=True)
    build = parts.add_parser("build", help="make the page and its key")
    build.add_argument("a", metavar="A", type=Path, help="folder of results")
    build.add_argument("b", metavar="B", type=Path, nargs="?", help="another one (default: the real motions)")
    build.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the page, .html")
    build.add_argument(
        "--ask", choices=("motion", "caption"), default="motion", help="two motions of one text, or two captions"
    )
    build.add_argument("--pairs", type=int, help="how many (default: 18 at most)")
    build.add_argument("--checks", type=int, default=2, help="screens whose answer is known (default: 2)")
    build.add_argument("--seed", type=int, default=0, help="of which pairs, their order and sides")
    score = parts.add_parser("score", help="preference with its intervals, and agreement")
    score.add_argument("key", metavar="KEY", type=Path, help="the key that build wrote")
    score.add_argument("answers", metavar="ANSWERS", type=Path, nargs="+", help="files that people sent")
    score.add_argument("-o", "--output", metavar="FILE", type=Path, help="the same numbers as .json")


def run(args: argparse.Namespace) -> int:
    return _build(args) if args.part == "build" else _score(args)


def _build(args: argparse.Namespace) -> int:
    if args.output.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"{args.output}: name a file that ends in .html")
    _in_a_folder(args.output)
    for flag, value, least in (("seed", args.seed, 0), ("pairs", args.pairs, 1), ("checks", args.checks, 0)):
        if value is not None and value < least:
            raise RequestError(f"--{flag} must be {least} or more, not {value}")

    from dimo.evaluate import study
    from dimo.evaluate.samples import Samples
    from dimo.formats.files import write_atomically
    from dimo.view.study_page import page

    a = Samples.load(args.a)
    b = study.real(a) if args.b is None else Samples.load(args.b)
    questions = study.pairs(a, b, args.ask, args.seed, count=args.pairs, checks=args.checks)
    names = {"a": args.a.name, "b": "real motion" if args.b is None else args.b.name}
    key = {**study.key_of(questions, args.seed), "names": names}
    key_path = args.output.with_suffix(".key.json")
    with write_atomically(args.output) as temporary:
        temporary.write_text(page(questions, key["study"], a.fps), encoding="utf-8")
    with write_atomically(key_path) as temporary:
        temporary.write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    checks = len(key["checks"])
    print(f"{args.output}: {len(key['a'])} pairs, {checks} checks; keep {key_path} from those who answer")
    return 0


def _score(args: argparse.Namespace) -> int:
    if args.output is not None:
        if args.output.suffix.lower() != ".json":
            raise RequestError(f"{args.output}: name a file that ends in .json")
        _in_a_folder(args.output)

    from dimo.evaluate import preference
    from dimo.formats.files import write_atomically

    key = preference.read_json(args.key, "dimo-study-key")
    answers = [(path, preference.read_json(path, "dimo-study-answers")) for path in args.answers]
    found = preference.count(key, answers)
    names = key.get("names", {"a": "a", "b": "b"})
    took = "" if math.isnan(found.minutes) else f", {found.minutes:.1f} minutes in the median"
    print(f"{len(found.people)} people count{took}; {len(found.inattentive)} missed checks and do not")
    for name, outcome in found.outcomes.items():
        told = outcome.preference
        print(f"{name}: {names['a']} {told.a} times, {names['b']} {told.b} times, no difference {told.same} times")
        if told.a + told.b:
            print(
                f"  share of {names['a']} among decided answers {100 * told.share:.0f} %, two-sided p {told.p_value:.3g}"
            )
            print(f"  95 % interval {_span(told.interval)}, with other sentences {_span(outcome.over_questions)}")
        if not math.isnan(outcome.alpha):
            print(f"  agreement: Krippendorff's alpha {outcome.alpha:.2f}")
    if args.output is not None:
        data = {**found.to_json(), "study": key.get("study"), "names": names}
        with write_atomically(args.output) as temporary:
            temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0


def _span(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f} %"


def _in_a_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise RequestError(f"{path}: the folder {path.parent} does not exist")
