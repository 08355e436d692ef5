"""Flags of all verbs that read a motion file, and the reading itself, with what the user should know of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dimo.body.motion import Motion
    from dimo.formats.reading import Options, Reading

FILES = "BVH, AMC (its ASF beside it), GLB, glTF, VRM, FBX, NPZ or NPY, on any biped"


def add_reading_flags(parser: argparse.ArgumentParser, *, folder: bool = False) -> None:
    """--up, --unit, --map, and of one file --animation and -v, which stand in args until `read` or `of_all` takes them."""
    what = (
        "what the files do not say, or say wrong, alike for all"
        if folder
        else "what a file does not say, or says wrong"
    )
    group = parser.add_argument_group("reading", f"{what}; see docs/files.md")
    group.add_argument("--up", choices=("x", "y", "z"), help="the axis that is up (default: told from the body)")
    group.add_argument(
        "--unit", help="m, cm, mm, inch, foot, dm, cmu or metres of the unit (default: told from file and body)"
    )
    group.add_argument(
        "--map",
        metavar="FILE",
        type=Path,
        help="JSON that says which joint is which (default: told from names and shape)",
    )
    if folder:
        return
    group.add_argument(
        "--animation",
        metavar="NAME|N",
        help="which animation of a GLB, by name or from 1 (default: the first of the body)",
    )
    group.add_argument("-v", "--verbose", action="store_true", help="say what was decided about each file")


def options(args: argparse.Namespace) -> Options:
    """The reading options that the flags stand for; RequestError for a unit that is none."""
    from dimo.formats.reading import Options
    from dimo.formats.units import metres_of

    if args.unit is not None:
        metres_of(args.unit)
    return Options(args.up, args.unit, args.animation, args.map)


def of_all(args: argparse.Namespace) -> dict[str, Any]:
    """What the flags say of every file of a folder, as keywords; an error for a unit or a map that is none."""
    from dimo.body.mapping import read_map
    from dimo.formats.files import read_text
    from dimo.formats.reading import MAP_BYTES
    from dimo.formats.units import metres_of

    if args.unit is not None:
        metres_of(args.unit)
    if args.map is not None:
        read_map(read_text(args.map, MAP_BYTES), args.map)
    given = {"up": args.up, "unit": args.unit, "mapping": args.map}
    return {name: str(value) for name, value in given.items() if value is not None}


def read(path: Path, args: argparse.Namespace, *, fps: float | None = None) -> Motion:
    """The motion of a file as the flags say; notes, and with -v what was decided, go to stderr."""
    from dimo.formats.table import read as read_file

    reading = read_file(path, options(args), fps=fps)
    tell(reading, verbose=args.verbose)
    if args.unit is not None or args.up is not None:
        from dimo.cli.doctor_file import against

        for odd in against(reading, args.unit, args.up, writes=hasattr(args, "out_unit")):
            print(f"dimo: note: {path}: {odd}", file=sys.stderr)
    return reading.motion


def tell(reading: Reading, *, verbose: bool) -> None:
    """Print notes, a line each, and the summary where it is wanted."""
    for note in reading.notes:
        print(f"dimo: note: {reading.path}: {note}", file=sys.stderr)
    if verbose:
        print(f"dimo: {reading.summary()}", file=sys.stderr)
