"""Output files of the verbs that make motion: checked before the work begins, written by suffix."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from dimo.body.motion import Motion
from dimo.body.skeleton import ALIASES, Skeleton, preset, preset_names
from dimo.cli.hints import closest
from dimo.errors import FormatError, RequestError
from dimo.formats import blender, usd
from dimo.formats.reading import Options
from dimo.formats.rig import Rig, read_rig
from dimo.formats.table import CHOICES, USD
from dimo.formats.table import WRITE as MOTIONS
from dimo.formats.writing import MAX_FPS, Output, fitted
from dimo.view import SUFFIXES as PICTURES

MAX_SKELETON_BYTES = 10_000_000
SKELETONS = f"{', '.join(sorted([*preset_names(), *ALIASES]))}, or a skeleton JSON file"
"""What --skeleton takes, for its help."""


def check_outputs(paths: Sequence[Path], inputs: Sequence[Path] = ()) -> None:
    """RequestError unless every path has a suffix we write, lies in a folder that exists, stands there once, and is no input."""
    for i, path in enumerate(paths):
        if path.suffix.lower() not in MOTIONS + PICTURES:
            choices = ", ".join(MOTIONS + PICTURES)
            raise RequestError(f"{path}: the suffix {path.suffix!r} names no format we write; there are {choices}")
        if not path.parent.is_dir():
            raise RequestError(f"{path}: the folder {path.parent} does not exist")
        if path.is_dir():
            raise RequestError(f"{path}: this is a folder; name a file in it")
        if path in paths[:i]:
            raise RequestError(f"{path}: this output is named twice")
        if path.exists() and any(given.exists() and path.samefile(given) for given in inputs):
            raise RequestError(f"{path}: this output is the input, which is not overwritten; name another file")


def numbered(path: Path, number: int, count: int) -> Path:
    """out.glb of one result; out_3.glb of the third of several."""
    return path if count == 1 else path.with_name(f"{path.stem}_{number}{path.suffix}")


def add_writing_flags(parser: argparse.ArgumentParser, *, reads: bool = True) -> None:
    """--fps, --out-unit, --out-up, --in-place, --root-bone, --no-mesh, which stand in args until `writing` takes them.

    reads: the verb reads a motion too, so that --unit and --up are of that; else they are short for these.
    """
    group = parser.add_argument_group("writing", "what the files are to be like; see docs/files.md")
    group.add_argument(
        "--fps",
        type=float,
        help="frames a second, such as 24, 25, 30 or 60; feet stay planted (default: as made, or read)",
    )
    group.add_argument(
        "--out-unit",
        *(() if reads else ("--unit",)),
        dest="out_unit",
        metavar="UNIT",
        help="m, cm, mm, inch, foot, ... of a BVH, NPY or USD (default: as the input's, or m)",
    )
    group.add_argument(
        "--out-up",
        *(() if reads else ("--up",)),
        dest="out_up",
        choices=("x", "y", "z"),
        help="the axis that is up in a BVH, NPY or USD (default: as the input's, or y)",
    )
    group.add_argument("--in-place", action="store_true", help="without the way over the ground, for game engines")
    group.add_argument(
        "--root-bone", action="store_true", help="a bone on the ground above the pelvis carries the way, as in Unreal"
    )
    group.add_argument("--no-mesh", action="store_true", help="the skeleton alone in a GLB, without a mannequin")
    group.add_argument(
        "--rig",
        metavar="FILE",
        type=Path,
        help="your character (GLB, VRM, BVH, ...): the motion on its bones, in its skin",
    )
    group.add_argument(
        "--rig-map", metavar="FILE", type=Path, help="JSON that says which joint of --rig is which (default: told)"
    )


def writing(args: argparse.Namespace, paths: Sequence[Path]) -> Output:
    """What the flags say; RequestError for what is no rate or unit, and for what none of the outputs has a choice of."""
    if args.fps is not None and not 0 < args.fps <= MAX_FPS:
        raise RequestError(f"--fps must be more than 0 and at most {MAX_FPS:g}, not {args.fps:g}")
    if args.rig_map is not None and args.rig is None:
        raise RequestError("--rig-map goes with --rig")
    if any(path.suffix.lower() == ".fbx" for path in paths):
        blender.required()
    if any(path.suffix.lower() in USD for path in paths):
        usd.required()
    rig = None if args.rig is None else _rig(args.rig, args.rig_map)
    output = Output(args.fps, args.out_unit, args.out_up, args.in_place, args.root_bone, not args.no_mesh, rig).check()
    known = {name for path in paths for name in CHOICES.get(path.suffix.lower(), ())}
    for name, flag in (("unit", "--out-unit"), ("up", "--out-up"), ("root_bone", "--root-bone")):
        if getattr(fitted(output, [*known]), name) != getattr(output, name):
            names = dict.fromkeys(
                "USD" if s in USD else s[1:].upper() for s, choices in CHOICES.items() if name in choices
            )
            takes = " and ".join((", ".join([*names][:-1]), [*names][-1]))
            raise RequestError(f"{flag} is for {takes} files, and none is written")
    return output


@lru_cache(maxsize=1)
def _rig(path: Path, mapping: Path | None) -> Rig:
    """Read once: it is checked before the work begins, and used after it."""
    return read_rig(path, Options(mapping=mapping))


def write(motion: Motion, path: Path, output: Output | None = None) -> Path:
    """Write a motion, or pictures of it, by suffix; the file appears whole or not at all.

    What output asks that this format has no choice of is left out: it is meant for another of the files.
    """
    output = output or Output()
    suffix = path.suffix.lower()
    if suffix in MOTIONS:
        return motion.save(path, **vars(fitted(output, CHOICES[suffix])))
    from dimo.view.video import save  # Pillow, only where pictures are wanted

    return save(output.applied(motion), path)


def read_skeleton(name: str) -> Skeleton:
    """A preset by name, or a skeleton file by a path that ends in .json."""
    path = Path(name)
    if path.suffix.lower() != ".json":
        names = sorted([*preset_names(), *ALIASES])
        if name not in names:
            raise RequestError(
                f"no skeleton {name!r}: name a .json file or one of {', '.join(names)}{closest(name, names)}"
            )
        return preset(name)
    try:
        if path.stat().st_size > MAX_SKELETON_BYTES:
            raise FormatError(f"larger than the {MAX_SKELETON_BYTES // 10**6} MB that a skeleton may have", path=path)
        return Skeleton.from_json(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise FormatError((error.strerror or str(error)).lower(), path=path) from None
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text, so not a skeleton file", path=path) from None
