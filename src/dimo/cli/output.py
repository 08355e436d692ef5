"""Output files of the verbs that make motion: checked before the work begins, written by suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton, preset, preset_names
from dimo.errors import FormatError, RequestError
from dimo.formats.table import WRITE as MOTIONS

PICTURES = (".mp4", ".gif", ".png")
MAX_SKELETON_BYTES = 10_000_000
SKELETONS = f"{', '.join(preset_names())}, or a skeleton JSON file"
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


def write(motion: Motion, path: Path) -> Path:
    """Write a motion, or pictures of it, by suffix; the file appears whole or not at all."""
    if path.suffix.lower() in MOTIONS:
        return motion.save(path)
    from dimo.view.video import save  # Pillow, only where pictures are wanted

    return save(motion, path)


def read_skeleton(name: str) -> Skeleton:
    """A preset by name, or a skeleton file by a path that ends in .json."""
    path = Path(name)
    if path.suffix.lower() != ".json":
        if name not in preset_names():
            raise RequestError(f"no skeleton {name!r}: name a .json file or one of {', '.join(preset_names())}")
        return preset(name)
    try:
        if path.stat().st_size > MAX_SKELETON_BYTES:
            raise FormatError(f"larger than the {MAX_SKELETON_BYTES // 10**6} MB that a skeleton may have", path=path)
        return Skeleton.from_json(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise FormatError((error.strerror or str(error)).lower(), path=path) from None
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text, so not a skeleton file", path=path) from None
