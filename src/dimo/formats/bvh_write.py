"""Writing BVH: metres and Y up unless asked otherwise, six decimals, rotations Z, X, Y; or as the file that the body came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import matrix_to_euler, quat_to_matrix
from dimo.body.skeleton import Skeleton
from dimo.errors import FormatError
from dimo.formats.axes import from_y
from dimo.formats.bvh_marks import END_DECIMALS, frame_time
from dimo.formats.bvh_parse import POSITIONS
from dimo.formats.bvh_source import Source
from dimo.formats.files import write_atomically
from dimo.formats.units import metres_of
from dimo.formats.writing import Clip

END = 0.5
"""Length of an end that is no joint, as a share of the bone before it."""


def write(
    motion: Motion,
    path: str | Path,
    *,
    order: str | None = None,
    unit: str | float | None = None,
    up: str | None = None,
    root_bone: bool = False,
) -> Path:
    """Write a BVH file: `..._end` leaves as end sites, the others with one that continues them, so that no bone is a point.

    A body that was read from a BVH is written as it was there: joints, OFFSETs, channels, decimals, unit and axis; and frames
    that are still as they were get the numbers that stood there. order (such as "ZXY") and root_bone write it anew. Files say
    their unit (metres, centimetres, millimetres, inches, feet) and axis by a mark, and come back at their size.
    """
    if order is not None and sorted(order.upper()) != ["X", "Y", "Z"]:
        raise FormatError(f"the rotation order must name X, Y and Z once each, not {order!r}", path=path)
    source = motion.skeleton.source if isinstance(motion.skeleton.source, Source) else None
    metres = metres_of(unit) if unit is not None else source.unit if source is not None else 1.0
    up = up or (source.up if source is not None else "y")
    lines = None
    if source is not None and order is None and not root_bone:
        lines = source.written(motion, metres, up)
    if lines is None:
        clip = Clip.of(motion, root_bone, "root" if source is None else source.root_name)
        lines = _written(clip, (order or "ZXY").upper(), metres, up)
    hierarchy, rows = lines
    head = ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {frame_time(motion.fps, metres, up)}"]
    with write_atomically(path) as temporary:
        Path(temporary).write_text("\n".join([*hierarchy, *head, *rows]) + "\n", encoding="utf-8")
    return Path(path)


def _written(clip: Clip, order: str, metres: float, up: str) -> tuple[list[str], list[str]]:
    skeleton, places, rotations = from_y(clip.skeleton, clip.places, clip.rotations, up)
    hierarchy = ["HIERARCHY"]
    visited = _hierarchy(skeleton, order, metres, hierarchy, set(places))
    angles = np.degrees(matrix_to_euler(quat_to_matrix(rotations[:, visited]), order))
    # Unwrapped over time, so that programs that interpolate angles between frames see no jump at 180 degrees.
    angles = np.unwrap(angles, period=360, axis=0)
    columns = []
    for i, j in enumerate(visited):
        columns += [places[j] / metres] if j in places else []
        columns.append(angles[:, i])
    return hierarchy, [" ".join(f"{v:.6f}" for v in row) for row in np.concatenate(columns, axis=1).tolist()]


def _hierarchy(skeleton: Skeleton, order: str, metres: float, out: list[str], moving: set[int]) -> list[int]:
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
        head = "End Site" if end else f"{'JOINT' if depth else 'ROOT'} {skeleton.names[j]}"
        # Some programs add the places of channels to the OFFSET and some put them in its stead: with none it is the same.
        offset = np.zeros(3) if j in moving else skeleton.offsets[j] / metres
        out += [f"{pad}{head}", f"{pad}{{", f"{pad}\tOFFSET {_numbers(offset, 6)}"]
        stack.append(f"{pad}}}")
        if end:
            continue
        visited.append(j)
        turns = [f"{letter}rotation" for letter in order]
        channels = [*POSITIONS, *turns] if j in moving else turns
        out.append(f"{pad}\tCHANNELS {len(channels)} {' '.join(channels)}")
        if leaf:
            end = _numbers(_end(skeleton, j) / metres, END_DECIMALS)
            out += [f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {end}", f"{pad}\t}}"]
        stack += [(child, depth + 1) for child in reversed(skeleton.children[j])]
    return visited


def _end(skeleton: Skeleton, j: int) -> np.ndarray:
    """Where a last bone ends (3,), which no joint says: a little further on."""
    offset = skeleton.offsets[j] if j else np.zeros(3)
    typical = float(np.median(skeleton.lengths[1:])) if len(skeleton) > 1 else 0.1
    if np.linalg.norm(offset) > 0.05 * typical:
        return END * offset
    return np.array([0.0, max(END * typical, 1e-3), 0.0])


def _numbers(values: np.ndarray, decimals: int) -> str:
    return " ".join(f"{v:.{decimals}f}" for v in values)
