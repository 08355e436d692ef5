"""What is learnt from: a prepared folder, or several, each with its share of the draws; by `--data` or by a recipe.

In a recipe: folders = [["data/a", 1.0], ["data/b", 0.5]] in its [data], two draws of a to one of b; folders = ["data/a", "data/b"]
are as one. Paths are those of the working directory, as they are on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from dimo.errors import FormatError, RequestError

Data = Path | Sequence[tuple[Path, float]]
"""What is learnt from: a prepared folder, or several, each with its share of the draws in proportion to a number. Where all of
the numbers are 0 the folders are as one."""

Written = tuple[tuple[str, float], ...]
"""The same as a recipe holds it; none at all leaves it to `--data`."""


def folders(data: Data) -> list[tuple[Path, float]]:
    """The prepared folders, with their shares of the draws, which are 0 or add up to 1. RequestError for shares that are none."""
    found = [(data, 0.0)] if isinstance(data, Path) else list(data)
    total = sum(share for _, share in found)
    if not found or min(share for _, share in found) < 0 or (total > 0 and min(share for _, share in found) == 0):
        raise RequestError("give every one of several data folders a weight above 0, or none of them one")
    if len({path.resolve() for path, _ in found}) < len(found):
        raise RequestError(f"{found[0][0]} and the others: a data folder is named twice")
    return [(path, share / total if total else 0.0) for path, share in found]


def chosen(given: Data, written: Written) -> Data:
    """The folders of `--data` where it is given, else those of the recipe; RequestError where there are none."""
    if isinstance(given, Path) or given:
        return given
    if not written:
        raise RequestError("there is nothing to learn from: give --data FOLDER, or folders in [data] of the recipe")
    for name, _ in written:
        if not Path(name).is_dir():
            raise RequestError(
                f"folders in [data] names {name!r}, and there is no such folder as seen from {Path.cwd()}; "
                "paths in a recipe are those of the folder that dimo is run in"
            )
    return tuple((Path(name), weight) for name, weight in written)


def listed(value: Any, where: str, path: str | Path) -> Written:
    """A recipe's list of folders, or of folders with weights; FormatError for anything else."""
    rows: list[Any] = (
        [[row, None] if isinstance(row, str) else row for row in value] if isinstance(value, list) else [0]
    )
    for row in rows:
        if not (isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and row[0] and _weight(row[1])):
            raise FormatError(
                f"{where} must be a list of folders, or of folders with weights above 0, "
                f'as in [["data/a", 1.0], ["data/b", 0.5]], not {value!r}',
                path=path,
            )
    return tuple((name, float(weight or 0.0)) for name, weight in rows)


def _weight(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0
    )
