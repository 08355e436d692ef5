"""dimo train codec | model | align | memory | encoder | evaluator: learn from a prepared folder by a recipe, resumable to the step.

align goes on from whole weights with the model's own captions as the reward (GRPO).
memory adds the motions that gaps without a text may lean on to the weights folder --out; it takes minutes and no schedule.
encoder is our own evaluator for dimo evaluate, evaluator the one of Guo et al. made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dimo.cli.flags import add_device_flag, add_model_flag
from dimo.errors import RequestError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """The verb and its flags."""
    what = "train the codec, the model or the evaluators on prepared data"
    parser = subparsers.add_parser("train", help=what, description=__doc__)
    parser.add_argument("what", choices=("codec", "model", "align", "memory", "encoder", "evaluator"))
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="FOLDER[:WEIGHT]",
        help="folder written by dimo prepare; several, with weights, are drawn from in the ratio of these, and without are as one"
        " (default: folders in [data] of the recipe)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for state, logs and the trained weights")
    parser.add_argument("--recipe", type=Path, help="TOML file (default: the built-in sizes and schedule)")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="one thing otherwise than in the recipe, as --set loss.batch=8; may be repeated (default: as it says)",
    )
    parser.add_argument("--codec", type=Path, help="model only: folder of the trained codec")
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        help="BERT weights to begin from (default: the MiniLM package); model and codec: weights to go on from",
    )
    add_model_flag(parser, "align only: other weights to begin from than the packaged ones")
    parser.add_argument(
        "--judge",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="align only: prompts with checks that judge, and are never learnt; may be repeated (default: none)",
    )
    parser.add_argument(
        "--evaluator",
        type=Path,
        metavar="FOLDER",
        help="model only: judges what validations generate, where [validation] of the recipe asks for it (default: ours)",
    )
    parser.add_argument("--glove", type=Path, help="evaluator only: folder of the published word vectors")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="stop after this long; --resume goes on")
    parser.add_argument("--steps", type=int, help="training steps instead of the recipe's")
    parser.add_argument("--tensorboard", action="store_true", help="also log for TensorBoard, in --out/tensorboard")
    add_device_flag(parser)
    parser.add_argument("--quiet", action="store_true", help="no live progress")


def run(args: argparse.Namespace) -> int:
    """Train; prints where the result is."""
    if args.time_limit is not None and args.time_limit <= 0:
        raise RequestError(f"--time-limit must be more than 0 seconds, not {args.time_limit:g}")
    if args.steps is not None and args.steps < 1:
        raise RequestError(f"--steps must be 1 or more, not {args.steps}")
    if args.what == "model" and args.codec is None:
        raise RequestError("dimo train model needs --codec, the folder that dimo train codec wrote")
    if args.what != "align" and (args.model is not None or args.judge):
        raise RequestError(f"--model and --judge go with dimo train align only, not with {args.what}")
    if args.evaluator is not None and args.what != "model":
        raise RequestError(f"--evaluator goes with dimo train model only, not with {args.what}")
    if args.glove is not None and args.what != "evaluator":
        raise RequestError(f"--glove goes with dimo train evaluator only, not with {args.what}")
    if args.what == "memory" and (args.resume or args.time_limit is not None or args.steps is not None):
        raise RequestError("dimo train memory has no schedule: leave out --resume, --time-limit and --steps")
    if args.what == "memory" and args.tensorboard:
        raise RequestError("dimo train memory logs nothing: leave out --tensorboard")
    data = _folders(args.data)
    changes = (*args.changes, *(["loop.tensorboard=true"] if args.tensorboard else []))
    from dimo.checkpoint import packaged_folder
    from dimo.learn import train

    settings = train.Settings(
        data,
        args.out,
        args.recipe,
        args.resume,
        args.time_limit,
        args.steps,
        args.quiet,
        args.device,
        changes,
        args.evaluator,
    )
    if args.what == "codec":
        done = train.train_codec(settings, args.start)
    elif args.what == "model":
        done = train.train_model(settings, args.codec, args.start)
    elif args.what == "align":
        from dimo.learn.align import train_align

        done = train_align(settings, args.model or packaged_folder(), args.judge)
    elif args.what == "memory":
        print(f"{args.out}: memory of {train.train_memory(settings)} clips")
        return 0
    elif args.what == "encoder":
        from dimo.learn.evaluator_ours import train_contrastive

        done = train_contrastive(settings, args.start)
    else:
        from dimo.learn.evaluator_guo import train_evaluator

        done = train_evaluator(settings, args.start, args.glove)
    print(f"{args.out}: {args.what} after {done} training steps")
    return 0


def _folders(given: list[str]) -> tuple[tuple[Path, float], ...]:
    """--data as folders and weights, 0 where none is given. A folder that is there is taken by its whole name."""
    out = []
    for text in given:
        name, colon, number = text.rpartition(":")
        try:
            weight = float(number) if colon and name and not Path(text).exists() else None
        except ValueError:
            weight = None
        if weight is not None and not 0 < weight < float("inf"):
            raise RequestError(f"--data {text}: the weight must be more than 0")
        out.append((Path(text), 0.0) if weight is None else (Path(name), weight))
    return tuple(out)
