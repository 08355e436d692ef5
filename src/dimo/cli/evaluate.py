"""`dimo evaluate`: how good a model, or the motions of any system, are on clips that it has not seen.

With --data and --model it measures a dimo model: the real row first, then reconstruction, shuffled captions, the nearest
training clip, and the model. With --motions and --captions it scores motions that any system generated.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dimo.errors import RequestError

TASKS = ("t2m", "m2t", "m2m", "codec", "correct")
ROWS = ("real", "codec", "shuffled", "nearest", "model")
SWEEPS = ("steps", "guidance", "temperature", "levels")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("evaluate", help="measure a model or any system's motions", description=__doc__)
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="prepared folder, the pack, or a HumanML3D, KIT-ML or Motion-X directory in its original layout",
    )
    parser.add_argument("--model", metavar="PATH", type=Path, help="weights folder (default: the packaged one)")
    parser.add_argument("--motions", metavar="FOLDER", type=Path, help="motions of any system: .npy, .bvh, .npz, .glb")
    parser.add_argument(
        "--captions", metavar="FILE", type=Path, help="of --motions by file name: JSON lines, or NAME<tab>CAPTION lines"
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True, help="where the report goes")
    parser.add_argument(
        "--tasks", default="t2m,m2t,m2m,codec", help=f"of {', '.join(TASKS)} (default: all but correct)"
    )
    parser.add_argument("--rows", default=",".join(ROWS), help=f"rows of t2m, of {', '.join(ROWS)} (default: all)")
    parser.add_argument("--split", default="test", choices=("train", "val", "test"))
    parser.add_argument("--repeats", type=int, default=20, help="(default: 20, as the field)")
    parser.add_argument("--limit", type=int, metavar="N", help="only N clips, spread over the split")
    parser.add_argument("--lengths", default="truth", choices=("truth", "estimated"), help="asked of the model in t2m")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="rounds of the model")
    parser.add_argument("--guidance", type=float, help="how strongly to follow the text")
    parser.add_argument("--no-footlock", action="store_true", help="leave sliding feet as the model made them")
    parser.add_argument(
        "--sweep",
        metavar="NAME=A,B,...",
        action="append",
        default=[],
        help=f"t2m at several values of one of {', '.join(SWEEPS)}, one repeat each; may be given several times",
    )
    parser.add_argument("--multimodality", type=int, default=0, metavar="N", help="over N texts, 30 motions each")
    parser.add_argument("--part", type=int, default=96, metavar="N", help="clips of m2m and correct (default: 96)")
    parser.add_argument("--samples", type=int, default=24, metavar="N", help="random samples that the page shows")
    parser.add_argument(
        "--evaluator",
        metavar="FOLDER",
        type=Path,
        action="append",
        help="encoder: the published finest.tar with meta and glove, or one of ours; may be given twice (default: both that "
        "ship with the weights, our own first)",
    )
    parser.add_argument(
        "--published", choices=("HumanML3D", "KIT-ML"), help="print published rows of this set beside ours"
    )
    parser.add_argument("--archives", metavar="DIR", type=Path, help="where the pack's archives are unpacked")
    parser.add_argument("--threads", type=int, help="processor threads of the model")
    parser.add_argument("--quiet", action="store_true", help="no progress, no tables")


def run(args: argparse.Namespace) -> int:
    wanted = _chosen(args.tasks, TASKS, "--tasks")
    rows = _chosen(args.rows, ROWS, "--rows")
    sweeps = dict(map(_sweep, args.sweep))
    for flag, value, least in (
        ("--repeats", args.repeats, 1),
        ("--limit", args.limit, 2),
        ("--part", args.part, 1),
        ("--samples", args.samples, 0),
        ("--multimodality", args.multimodality, 0),
        ("--seed", args.seed, 0),
        ("--threads", args.threads, 1),
    ):
        if value is not None and value < least:
            raise RequestError(f"{flag} must be {least} or more, not {value}")
    if args.output.is_file() or not args.output.parent.is_dir():
        raise RequestError(f"{args.output}: name a folder, in a folder that exists, for the report")
    if (args.motions is None) != (args.captions is None):
        raise RequestError("--motions and --captions belong together: a folder of motions and a file of their captions")
    if args.motions is None and args.data is None:
        raise RequestError("name what to measure on with --data, or what any system made with --motions and --captions")
    if args.evaluator and len(args.evaluator) > 2:
        raise RequestError(f"--evaluator is given {len(args.evaluator)} times; a report has room for two encoders")
    named = [("data", args.data), ("motions", args.motions), *(("evaluator", p) for p in args.evaluator or ())]
    for flag, folder in named:
        if folder is not None and not folder.is_dir():
            raise RequestError(f"--{flag} {folder}: no such folder")

    from dimo.cli.evaluate_run import evaluate_model, evaluate_motions
    from dimo.evaluate import report as reports

    if args.motions is not None:
        report, samples = evaluate_motions(args)
    else:
        report, samples = evaluate_model(args, wanted, rows, sweeps)
    _write(args.output, report, samples)
    if not args.quiet:
        print(reports.key_lines(reports.tables(report)))
        for note in report["notes"]:
            print(f"\n{note}")
    print(f"{args.output / 'report.html'}")
    return 0


def _write(folder: Path, report: dict[str, Any], samples: Any) -> None:
    from dimo.evaluate import report as reports
    from dimo.formats.files import write_atomically
    from dimo.view.report_page import page

    folder.mkdir(exist_ok=True)
    reports.save(report, folder / reports.FILE)
    for name, text in (("report.md", reports.markdown(report)), ("report.html", page(report, samples))):
        with write_atomically(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if samples is not None:
        samples.save(folder)


def _chosen(text: str, choices: tuple[str, ...], flag: str) -> list[str]:
    """Names of a comma-separated list in the order of choices."""
    names = [n.strip() for n in text.split(",") if n.strip()]
    wrong = [n for n in names if n not in choices]
    if wrong or not names:
        raise RequestError(
            f"{flag}: no {wrong[0]!r}; there are {', '.join(choices)}" if wrong else f"{flag} names nothing"
        )
    return [c for c in choices if c in names]


def _sweep(text: str) -> tuple[str, list[float]]:
    name, _, values = text.partition("=")
    if name not in SWEEPS:
        raise RequestError(f"--sweep {text}: no {name!r}; there are {', '.join(SWEEPS)}, as in steps=1,2,5,10,20")
    try:
        found = [float(v) for v in values.split(",")]
    except ValueError:
        raise RequestError(f"--sweep {text}: give numbers, as in steps=1,2,5,10,20") from None
    if name in ("steps", "levels") and not all(v.is_integer() and v >= 1 for v in found):
        raise RequestError(f"--sweep {text}: {name} are whole numbers from 1 on")
    return name, found
