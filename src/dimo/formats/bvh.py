"""Biovision Hierarchy (BVH): any hierarchy, any channels in any rotation order, degrees in the file.

Reading keeps the file's skeleton. Lengths are metres inside; a file does not say its unit, except that ours do: the
decimals of their Frame Time (MARK_DECIMALS), which every reader takes for the number that it is. Position channels of a
joint replace its OFFSET (as in Bandai-Namco's files), unless all of them are zero; formats/rigid.py makes rigid bones of
offsets that move.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import euler_to_quat, matrix_to_euler, quat_to_matrix
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError, ShapeError
from dimo.formats.bvh_parse import POSITIONS, ROTATIONS, Joint, numbers
from dimo.formats.bvh_parse import parse as parse_text
from dimo.formats.files import read_text, write_atomically
from dimo.formats.reading import Options, Parsed, settle
from dimo.formats.rigid import rigid
from dimo.formats.units import UNITS

MAX_BYTES = 512 * 2**20

MARK_DECIMALS = {"m": 15, "cm": 16, "mm": 17, "inch": 18, "foot": 19}
"""Decimals of 'Frame Time:' by which our files say their unit. Nine significant digits and then zeros: no program that
prints a binary number so long gets zeros there, and every one that reads it gets the same time."""


def read(path: str | Path, *, metres_per_unit: float | None = None) -> Motion:
    """Read a BVH file as a Motion on its own skeleton and frame rate.

    metres_per_unit: 0.01 for centimetres, 1 for metres; None takes what the file's mark says, or what fits the body.
    FormatError names the line, joint or frame that is wrong.
    """
    return settle(parse(path), path, Options(unit=metres_per_unit)).motion


def parse(path: str | Path) -> Parsed:
    """The motion of a BVH file in its own units and axes."""
    text = parse_text(read_text(path, MAX_BYTES), path)
    offsets, rotations = _channels(text.joints, text.values)
    names, parents = [j.name for j in text.joints], [j.parent for j in text.joints]
    try:
        motion, details = rigid(names, parents, offsets, rotations, frame_rate(text.frame_time, path), Path(path).stem)
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None
    twice = sorted({n for n in names if names.count(n) > 1})
    notes = [*text.notes]
    if twice:
        notes.append(f"the joint name {twice[0]!r} stands {names.count(twice[0])} times; later ones got a number")
    mark = unit_mark(text.frame_time)
    return Parsed(
        motion,
        "BVH",
        unit=None if mark is None else UNITS[mark],
        unit_from="as its Frame Time says",
        exact=mark is not None,
        notes=tuple(notes),
        details=tuple(details),
    )


def _channels(joints: list[Joint], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local offsets (F, J, 3) and rotations (F, J, 4) of the channel values (F, W)."""
    frames, count = len(values), len(joints)
    rotations = np.zeros((frames, count, 4))
    rotations[..., 0] = 1
    offsets = np.broadcast_to(np.array([j.offset for j in joints]), (frames, count, 3)).copy()
    column = 0
    for i, joint in enumerate(joints):
        block = values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        places = [c for c in joint.channels if c in POSITIONS]
        # Some programs write zeros there for "as at rest", which taken at their word would put all joints in one point.
        if i == 0 or block[:, [joint.channels.index(c) for c in places]].any():
            for c in places:
                offsets[:, i, POSITIONS.index(c)] = block[:, joint.channels.index(c)]
        turns = [c for c in joint.channels if c in ROTATIONS]
        if turns:
            angles = np.radians(block[:, [joint.channels.index(c) for c in turns]])
            rotations[:, i] = euler_to_quat(angles, "".join(c[0] for c in turns))
    return offsets, rotations


def frame_rate(frame_time: str, path: str | Path = "") -> float:
    """Frames per second of a 'Frame Time:' as written: the whole number that it is a rounding of, such as 30 for 0.033333.

    A whole number within a thousandth counts where its time has the same digits, give or take the last; else 1 / time.
    """
    (seconds,) = numbers([frame_time], 1, "'Frame Time:'", path, 0)
    fps = 1 / seconds
    mantissa, _, exponent = frame_time.lower().partition("e")
    last = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    whole = round(fps)
    near = whole > 0 and abs(fps - whole) < 1e-3 * fps and abs(1 / whole - seconds) <= max(last, 1e-9)
    return float(whole) if near else fps


def unit_mark(frame_time: str) -> str | None:
    """The unit that the decimals of our Frame Time say; None for files of others."""
    decimals = len(frame_time.partition(".")[2])
    unit = next((u for u, n in MARK_DECIMALS.items() if n == decimals), None)
    return unit if unit is not None and frame_time == _marked(float(frame_time), unit) else None


def _marked(seconds: float, unit: str) -> str:
    """A time with nine significant digits and zeros up to the decimals that say the unit."""
    digits = np.format_float_positional(float(f"{seconds:.9g}"), trim="-")
    whole, _, decimals = digits.partition(".")
    return f"{whole}.{decimals.ljust(MARK_DECIMALS[unit], '0')}"


def write(motion: Motion, path: str | Path, *, order: str = "ZXY", metres_per_unit: float = 0.01) -> Path:
    """Write a BVH file: centimetres unless said otherwise, rotations in the given order, `..._end` leaves as end sites.

    Six decimals, so that joints read back agree to better than 0.01 mm. Metres, centimetres, millimetres, inches and feet
    are marked in the file, and come back at their size.
    """
    if sorted(order.upper()) != ["X", "Y", "Z"]:
        raise FormatError(f"the rotation order must name X, Y and Z once each, not {order!r}", path=path)
    order, skeleton = order.upper(), motion.skeleton
    out = ["HIERARCHY"]
    visited = _write_hierarchy(skeleton, order, metres_per_unit, out)
    angles = np.degrees(matrix_to_euler(quat_to_matrix(motion.rotations[:, visited]), order))
    # Unwrapped over time, so that programs that interpolate angles between frames see no jump at 180 degrees.
    angles = np.unwrap(angles, period=360, axis=0)
    rows = np.concatenate([motion.root / metres_per_unit, angles.reshape(len(motion), -1)], axis=1)
    unit = next((u for u in MARK_DECIMALS if UNITS[u] == metres_per_unit), None)
    time = f"{1 / motion.fps:.9g}" if unit is None else _marked(1 / motion.fps, unit)
    out += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {time}"]
    out += [" ".join(f"{v:.6f}" for v in row) for row in rows]
    with write_atomically(path) as temporary:
        Path(temporary).write_text("\n".join(out) + "\n", encoding="utf-8")
    return Path(path)


def _write_hierarchy(skeleton: Skeleton, order: str, metres_per_unit: float, out: list[str]) -> list[int]:
    """Append the hierarchy's lines to out, depth first; returns the joints with channels in the order of their columns."""
    visited: list[int] = []
    stack: list[tuple[int, int] | str] = [(0, 0)]  # joints to open (index, depth), and closing lines
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        j, depth = item
        pad, leaf = "\t" * depth, not skeleton.children[j]
        end = leaf and depth > 0 and skeleton.names[j].endswith("_end")
        x, y, z = skeleton.offsets[j] / metres_per_unit
        head = "End Site" if end else f"{'JOINT' if depth else 'ROOT'} {skeleton.names[j]}"
        out += [f"{pad}{head}", f"{pad}{{", f"{pad}\tOFFSET {x:.6f} {y:.6f} {z:.6f}"]
        stack.append(f"{pad}}}")
        if end:
            continue
        visited.append(j)
        turns = [f"{letter}rotation" for letter in order]
        channels = [*POSITIONS, *turns] if depth == 0 else turns
        out.append(f"{pad}\tCHANNELS {len(channels)} {' '.join(channels)}")
        if leaf:  # readers expect every chain to close with an end site; one of no length is ours to drop again
            out += [f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0.000000 0.000000 0.000000", f"{pad}\t}}"]
        stack += [(child, depth + 1) for child in reversed(skeleton.children[j])]
    return visited
