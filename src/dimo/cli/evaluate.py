"""`dimo evaluate`: how good a model, or the motions of any system, are on clips that it has not seen.

With --data and --model it measures a dimo model: the real row first, then reconstruction, shuffled captions, the nearest
training clip, and the model. With --motions and --captions it scores motions that any system generated.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dimo.cli.flags import add_device_flag, add_model_flag
from dimo.cli.progress import stages
from dimo.cli.reading import add_reading_flags, of_all
from dimo.cli.workers import add_worker_flags, check_workers, executor
from dimo.errors import RequestError
from dimo.evaluate.settings import LENGTHS, PROTOCOLS, ROWS, SETS, SWEEPS, TASKS, Progress, Settings

if TYPE_CHECKING:
    from dimo.evaluate.report import Report
    from dimo.evaluators.evaluator import Evaluator

PATHS = ("data", "model", "motions", "captions", "output", "archives", "map")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser("evaluate", help="measure a model or any system's motions", description=__doc__)
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="prepared folder, the pack, or a HumanML3D, KIT-ML or Motion-X directory in its original layout",
    )
    add_model_flag(parser)
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
    parser.add_argument("--lengths", default="truth", choices=LENGTHS, help="asked of the model in t2m")
    parser.add_argument(
        "--protocol",
        default="dimo",
        choices=PROTOCOLS,
        help="what evaluators read in t2m: the motions as people get them, or, as papers have it, decoded features, no foot held",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="rounds of the model")
    parser.add_argument("--guidance", type=float, help="how strongly to follow the text")
    parser.add_argument("--no-footlock", action="store_true", help="leave sliding feet as the model made them")
    parser.add_argument(
        "--memory",
        type=float,
        metavar="SHARE",
        help="of remembered motions where m2m fills gaps, 0 for the model alone (default: as dimo edit fills them)",
    )
    parser.add_argument(
        "--recall",
        type=float,
        metavar="SHARE",
        help="of training motions that were described alike in t2m, 0 for the model alone (default: as dimo generate has it)",
    )
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
        help="the published one (finest.tar with meta and glove) or one of ours; may be given several times (default: both "
        "that ship with the weights, our own first)",
    )
    parser.add_argument("--published", choices=SETS, help="print published rows of this set beside ours")
    parser.add_argument("--archives", metavar="DIR", type=Path, help="where the pack's archives are unpacked")
    add_device_flag(parser)
    add_worker_flags(parser, 1, "processes that generate, each with the model in memory (default: 1)")
    parser.add_argument("--threads", type=int, help="processor threads of the model")
    parser.add_argument("--quiet", action="store_true", help="no progress, no tables")
    add_reading_flags(parser, folder=True)


def run(args: argparse.Namespace) -> int:
    settings = _checked(args)
    check_workers(args)
    if args.motions is not None and (args.workers > 1 or args.ray is not None):
        raise RequestError("motions of a system are there already: --workers and --ray are for a model")
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    with stages(quiet=args.quiet) as progress:
        report = _of_motions(args, settings, progress) if args.motions else _of_model(args, settings, progress)
    report.settings.command = _command(args)
    _write(report, args.output)
    if not args.quiet:
        from dimo.evaluate.tables import tables, terminals

        print(terminals(tables(report)))
        for note in report.notes:
            print(f"\n{note}")
    print(f"{args.output / 'report.html'}")
    return 0


def _checked(args: argparse.Namespace) -> Settings:
    """The settings that the flags stand for; RequestError for flags that are wrong, before anything is loaded."""
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
    for flag, share in (("--memory", args.memory), ("--recall", args.recall)):
        if share is not None and not 0 <= share <= 1:
            raise RequestError(f"{flag} must be from 0 (the model alone) to 1, not {share:g}")
    if args.output.is_file() or not args.output.parent.is_dir():
        raise RequestError(f"{args.output}: name a folder, in a folder that exists, for the report")
    if (args.motions is None) != (args.captions is None):
        raise RequestError("--motions and --captions belong together: a folder of motions and a file of their captions")
    if args.motions is None and args.data is None:
        raise RequestError("name what to measure on with --data, or what any system made with --motions and --captions")
    reading = of_all(args)
    if reading and args.motions is None:
        raise RequestError(f"--{next(iter(reading)).replace('mapping', 'map')} is of the files of --motions")
    named = [("data", args.data), ("motions", args.motions), *(("evaluator", p) for p in args.evaluator or ())]
    for flag, folder in named:
        if folder is not None and not folder.is_dir():
            raise RequestError(f"--{flag} {folder}: no such folder")
    tasks, rows = _chosen(args.tasks, TASKS, "--tasks"), _chosen(args.rows, ROWS, "--rows")
    sweeps = dict(map(_sweep, args.sweep))

    from dimo.diffusion.options import SampleOptions

    return Settings(
        tasks=tasks,
        rows=rows,
        repeats=args.repeats,
        seed=args.seed,
        lengths=args.lengths,
        protocol=args.protocol,
        options=SampleOptions(**{k: v for k in ("steps", "guidance") if (v := getattr(args, k)) is not None}),
        footlock=not args.no_footlock,
        memory=args.memory,
        recall=args.recall,
        sweeps=sweeps,
        multimodality=args.multimodality,
        part=args.part,
        samples=args.samples,
        published=args.published,
        split=args.split,
    )


def _of_model(args: argparse.Namespace, settings: Settings, progress: Progress) -> Report:
    """A dimo model on the clips of a split."""
    from dimo import evaluate
    from dimo.api import DiMo
    from dimo.data import heldout
    from dimo.evaluate.ahead import Workers
    from dimo.evaluate.inputs import training_clips

    model = DiMo.from_pretrained(args.model, device=args.device)
    evaluators = _evaluators(args)
    if not args.evaluator:  # those that ship may be of another body
        evaluators = [e for e in evaluators if e.columns == model.codec.config.features]
    body = model.codec.config.skeleton
    clips = heldout.load(args.data, args.split, archives=args.archives, limit=args.limit, body=body)
    wanted = "t2m" in settings.tasks and "nearest" in settings.rows
    with executor(args, gpu=model.pipeline.device.type == "cuda") as where:
        return evaluate.run(
            model,
            clips,
            settings,
            evaluators=evaluators,
            train=training_clips(args.data, args.split) if wanted else (),
            generated=args.output / "generated",
            workers=None if where is None else Workers(where, args.model, args.device),
            progress=progress,
        )


def _of_motions(args: argparse.Namespace, settings: Settings, progress: Progress) -> Report:
    """Motions of any system, by files; real clips of --data, where given, are the first row and what FID is against."""
    from dimo import evaluate
    from dimo.data import heldout

    clips = heldout.spread(evaluate.read_motions(args.motions, args.captions, **of_all(args)), args.limit)
    truth = [] if args.data is None else heldout.load(args.data, args.split, archives=args.archives)
    return evaluate.run_motions(clips, settings, evaluators=_evaluators(args), truth=truth, progress=progress)


def _evaluators(args: argparse.Namespace) -> list[Evaluator]:
    """Those of --evaluator, or the packaged ones; on a HumanML3D directory with its own files."""
    from dimo.device import find
    from dimo.evaluators.collection import on_collection
    from dimo.evaluators.find import find_all

    device = find(args.device)
    found = [e.to(device) for e in find_all(args.evaluator, args.model)]
    return [on_collection(e, args.data) for e in found] if args.data is not None and args.motions is None else found


def _command(args: argparse.Namespace) -> dict[str, Any]:
    """The flags as a report keeps them. Paths of a machine are nobody's business; names may help."""
    kept = {k: v for k, v in vars(args).items() if k not in ("verb", "debug", "workers", "ray")}
    kept |= {k: Path(kept[k]).name for k in PATHS if kept.get(k) is not None}
    return {**kept, "evaluator": [folder.name for folder in args.evaluator or ()] or None}


def _write(report: Report, folder: Path) -> None:
    from dimo.formats.files import write_atomically
    from dimo.view.report_page import page

    report.save(folder)
    with write_atomically(folder / "report.html") as temporary:
        temporary.write_text(page(report), encoding="utf-8")


def _chosen(text: str, choices: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """Names of a comma-separated list in the order of choices."""
    names = [n.strip() for n in text.split(",") if n.strip()]
    wrong = [n for n in names if n not in choices]
    if wrong or not names:
        raise RequestError(
            f"{flag}: no {wrong[0]!r}; there are {', '.join(choices)}" if wrong else f"{flag} names nothing"
        )
    return tuple(c for c in choices if c in names)


def _sweep(text: str) -> tuple[str, tuple[float, ...]]:
    name, _, values = text.partition("=")
    if name not in SWEEPS:
        raise RequestError(f"--sweep {text}: no {name!r}; there are {', '.join(SWEEPS)}, as in steps=1,2,5,10,20")
    try:
        found = tuple(float(v) for v in values.split(","))
    except ValueError:
        raise RequestError(f"--sweep {text}: give numbers, as in steps=1,2,5,10,20") from None
    if name in ("steps", "levels") and not all(v.is_integer() and v >= 1 for v in found):
        raise RequestError(f"--sweep {text}: {name} are whole numbers from 1 on")
    return name, found
