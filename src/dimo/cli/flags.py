"""Flags that all verbs share which make motion, and the writing of what they made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dimo.body.motion import Motion
from dimo.cli.output import add_writing_flags, check_outputs, numbered, write, writing
from dimo.cli.progress import waiting
from dimo.device import NAMES, VARIABLE, checked
from dimo.errors import RequestError, WeightsError

if TYPE_CHECKING:
    from dimo.api import DiMo
    from dimo.diffusion.options import SampleOptions

SUFFIXES = (
    "GLB, BVH, FBX, USDA, USDC, USDZ, VRMA, NPZ, NPY or MP4, GIF, PNG, HTML by suffix; may be given several times"
)
DRAW = ("steps", "guidance", "temperature", "top_k", "strategy", "schedule", "adaptive", "guidance_on", "seed")
"""Flags that are fields of SampleOptions."""


def add_flags(parser: argparse.ArgumentParser, *, text: bool = True) -> None:
    """-o, --samples, --seed, --model, --device, and how to draw; text: the verb reads a motion and takes a sentence by --text."""
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, action="append", required=True, help=SUFFIXES)
    if text:
        parser.add_argument("--text", metavar="TEXT", help="what happens in the new frames, as an English sentence")
        parser.add_argument(
            "--memory", type=float, metavar="SHARE", help="of remembered motions in it without a text (default: 0.95)"
        )
    parser.add_argument(
        "--samples", type=int, default=1, help="motions to make, written as FILE_1, FILE_2, ... (default: 1)"
    )
    parser.add_argument("--seed", type=int, help="makes the result repeatable (default: another one each time)")
    add_sampling_flags(parser)
    add_model_flags(parser)
    add_loop_flag(parser)
    add_writing_flags(parser, reads=text)


def add_loop_flag(parser: argparse._ActionsContainer) -> None:
    """--loop, of every verb that makes or converts motion."""
    parser.add_argument(
        "--loop", action="store_true", help="the end comes back to the start, so that the motion can be repeated"
    )


def add_sampling_flags(parser: argparse._ActionsContainer) -> None:
    """How to draw: --steps to --guidance-on, and --no-footlock."""
    parser.add_argument("--steps", type=int, help="rounds in which the masks are filled (default: 10)")
    parser.add_argument(
        "--guidance", type=float, help="how strongly to follow the text; 1 is plain sampling (default: 3)"
    )
    parser.add_argument(
        "--temperature", type=float, help="variety of the draws; 0 takes the most probable (default: 1)"
    )
    parser.add_argument("--top-k", type=int, help="codes considered in each draw; 0 considers all (default: 52)")
    parser.add_argument(
        "--strategy",
        help="what a round keeps and takes back: confidence, gumbel, margin, entropy, random, in_order, write_back, remask; "
        "docs/tasks/sampling.md (default: confidence)",
    )
    parser.add_argument(
        "--schedule", help="how many places a round fills: cosine, linear, square, root (default: cosine)"
    )
    parser.add_argument(
        "--adaptive", type=float, metavar="P", help="also keep what is at least this probable, in fewer rounds"
    )
    parser.add_argument("--guidance-on", help="what guidance works on: logits or probabilities (default: logits)")
    parser.add_argument("--no-footlock", action="store_true", help="leave sliding feet as the model made them")


def add_model_flags(parser: argparse._ActionsContainer) -> None:
    """--model and --device, of every verb that has a model."""
    add_model_flag(parser)
    add_device_flag(parser)


def add_model_flag(parser: argparse._ActionsContainer, what: str = "other weights than the packaged ones") -> None:
    """--model: a folder, or the name of weights that are a package of their own."""
    parser.add_argument("--model", metavar="FOLDER", type=_model, help=f"{what}; open: those for any use (dimo-open)")


def _model(name: str) -> Path:
    from dimo.checkpoint import folder_of  # takes torch along, which --help does without

    try:
        return folder_of(name)
    except WeightsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_device_flag(parser: argparse._ActionsContainer) -> None:
    """--device, of every verb that computes; a name that no device has is told before anything is loaded."""
    parser.add_argument(
        "--device",
        metavar="NAME",
        type=_device,
        default="auto",
        help=f"where to compute: {', '.join(NAMES)} (default: auto, an NVIDIA GPU where there is one, else the CPU; "
        f"{VARIABLE} says otherwise)",
    )


def _device(name: str) -> str:
    try:
        return checked(name)
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def check_flags(args: argparse.Namespace, inputs: Sequence[Path] = ()) -> None:
    """What can be wrong without the model; called before anything is loaded. inputs: files that are no outputs."""
    for number in range(1, min(max(args.samples, 1), 256) + 1):
        check_outputs([numbered(path, number, args.samples) for path in args.output], inputs)
    writing(args, args.output)
    if args.rig is not None:
        check_outputs(args.output, [args.rig])
    if getattr(args, "text", None) is not None and not args.text.strip():
        raise RequestError('--text is empty; describe a motion, as in "a person jumps", or leave it out')


def sampling(args: argparse.Namespace) -> SampleOptions:
    """The options that the flags stand for; RequestError for one out of its range."""
    from dimo.diffusion.options import SampleOptions

    return SampleOptions(**{name: value for name in DRAW if (value := getattr(args, name)) is not None})


def drawing(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of a DiMo method that the flags stand for; what was not given has its default in one place."""
    given = {name: value for name in ("text", "memory", "recall") if (value := getattr(args, name, None)) is not None}
    return {"samples": args.samples, "options": sampling(args), "footlock": not args.no_footlock, **given}


def add_text_flags(parser: argparse.ArgumentParser) -> None:
    """--strict and --recall, of the verbs that make motions from sentences alone."""
    parser.add_argument(
        "--strict", action="store_true", help="refuse a sentence that the model has hardly seen the like of"
    )
    parser.add_argument(
        "--recall",
        type=float,
        metavar="SHARE",
        help="of training motions that were described alike in the guesses; 0 is the model alone (default: 0.5)",
    )


def say_doubts(model: DiMo, texts: Sequence[str], strict: bool, recall: float | None = None) -> None:
    """A line on stderr for each sentence that the model doubts, and for each that it takes as another, unless recall is 0.

    strict: RequestError for the first doubt.
    """
    if model.pipeline.recall is None:
        return
    for found in map(model.understands, texts):
        told = found.told(recall)
        if strict and told["warnings"]:
            raise RequestError(*told["warnings"])
        for line in (*told["warnings"], *told["notes"]):
            print(f"dimo: note: {line}", file=sys.stderr)


def write_all(motions: Sequence[Motion], args: argparse.Namespace, model: DiMo) -> None:
    """Write each motion, looped where it is asked, to every output, and print where."""
    if args.loop:
        motions = [looped(motion, args, model) for motion in motions]
    output = writing(args, args.output)
    for i, motion in enumerate(motions, start=1):
        for path in args.output:
            print(write(motion, numbered(path, i, len(motions)), output))


def looped(motion: Motion, args: argparse.Namespace, model: DiMo) -> Motion:
    """The motion with a way back, drawn as the flags say."""
    given = {"options": sampling(args), "footlock": not args.no_footlock}
    if getattr(args, "memory", None) is not None:
        given["memory"] = args.memory
    with waiting("making the way back of the loop"):
        return model.loop(motion, **given)[0]
