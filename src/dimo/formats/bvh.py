"""Biovision Hierarchy (BVH): any hierarchy, any channels in any rotation order, degrees in the file.

Reading keeps the file's skeleton, and how it was written (formats/bvh_source.py). Lengths are metres inside; a file does not
say its unit, except that ours do (formats/bvh_marks.py). Position channels of a joint replace its OFFSET (as in Bandai-Namco's
files), unless all of them are about zero; formats/rigid.py makes rigid bones of offsets that move. formats/bvh_write.py writes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import euler_to_quat
from dimo.errors import FormatError, ShapeError
from dimo.formats.bvh_marks import END_DECIMALS, read_mark
from dimo.formats.bvh_parse import POSITIONS, ROTATIONS, Joint, Text, numbers
from dimo.formats.bvh_parse import parse as parse_text
from dimo.formats.bvh_source import Source
from dimo.formats.bvh_write import write
from dimo.formats.files import read_text
from dimo.formats.reading import Options, Parsed, settle
from dimo.formats.rigid import rigid
from dimo.formats.units import UNITS

__all__ = ["frame_rate", "parse", "read", "write"]

MAX_BYTES = 512 * 2**20


def read(path: str | Path, *, metres_per_unit: float | None = None) -> Motion:
    """Read a BVH file as a Motion on its own skeleton and frame rate.

    metres_per_unit: 0.01 for centimetres, 1 for metres; None takes what the file's mark says, or what fits the body.
    FormatError names the line, joint or frame that is wrong.
    """
    return settle(parse(path), path, Options(unit=metres_per_unit)).motion


def parse(path: str | Path) -> Parsed:
    """The motion of a BVH file in its own units and axes."""
    text = parse_text(read_text(path, MAX_BYTES), path)
    mark = read_mark(text.frame_time)
    written = text.joints
    if mark is not None:
        text = _without_ends(text)
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
    return Parsed(
        motion,
        "BVH",
        unit=None if mark is None else UNITS[mark[0]],
        unit_from="as its Frame Time says",
        up=None if mark is None else mark[1],
        exact=mark is not None,
        notes=tuple(notes),
        details=tuple(details),
        source=Source(tuple(written), text.values, text.decimals),
    )


def _without_ends(text: Text) -> Text:
    """The text of one of our files without the ends that are no joints. They are leaves and have no channels."""
    gone = [not j.channels and j.name.endswith("_end") and j.decimals == END_DECIMALS for j in text.joints]
    index = np.cumsum(np.logical_not(gone)) - 1
    joints = [
        replace(j, parent=int(index[j.parent]) if j.parent >= 0 else -1)
        for j, end in zip(text.joints, gone, strict=True)
        if not end
    ]
    return replace(text, joints=joints)


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
        if i == 0 or joint.is_placed(block):
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
