"""Marks by which our BVH files say what the format cannot: their unit and up axis, and which ends are no joints.

Both are numbers of decimals, which every reader takes for the numbers that they are. 'Frame Time:' has nine significant
digits and then zeros: no program that prints a binary number so long gets zeros there.
"""

from __future__ import annotations

import numpy as np

from dimo.formats.axes import AXES
from dimo.formats.units import UNITS

MARK_UNITS = ("m", "cm", "mm", "inch", "foot")
MARK_AXES = ("y", "z", "x")
LEAST_DECIMALS = 15
"""Of a Frame Time in metres with Y up; one more for each unit, five more for each axis."""

END_DECIMALS = 7
"""Of the OFFSET of an End Site that is only there because every chain closes with one."""

assert set(MARK_AXES) == set(AXES)
assert set(MARK_UNITS) <= UNITS.keys()


def read_mark(frame_time: str) -> tuple[str, str] | None:
    """The unit and the up axis that the decimals of our Frame Time say; None for files of others."""
    which = len(frame_time.partition(".")[2]) - LEAST_DECIMALS
    if not 0 <= which < len(MARK_UNITS) * len(MARK_AXES):
        return None
    axis, unit = divmod(which, len(MARK_UNITS))
    mark = MARK_UNITS[unit], MARK_AXES[axis]
    return mark if frame_time == write_mark(float(frame_time), *mark) else None


def write_mark(seconds: float, unit: str, up: str) -> str:
    """A time with nine significant digits, and zeros up to the decimals that say the unit and the axis."""
    digits = np.format_float_positional(float(f"{seconds:.9g}"), trim="-")
    whole, _, decimals = digits.partition(".")
    count = LEAST_DECIMALS + MARK_UNITS.index(unit) + len(MARK_UNITS) * MARK_AXES.index(up)
    return f"{whole}.{decimals.ljust(count, '0')}"


def frame_time(fps: float, metres_per_unit: float, up: str) -> str:
    """Seconds of a frame for 'Frame Time:', with the mark of the unit where it has one."""
    unit = next((u for u in MARK_UNITS if UNITS[u] == metres_per_unit), None)
    return f"{1 / fps:.9g}" if unit is None else write_mark(1 / fps, unit, up)
