"""Biovision Hierarchy (BVH): any hierarchy, any channels in any rotation order, degrees in the file.

Reading keeps the file's skeleton. Lengths are metres inside; files do not say their unit, so it is guessed from the
size of the body unless it is given. Position channels of a joint replace its OFFSET (as in Bandai-Namco's files):
constant ones become the offset, and end sites of no length are dropped; where the file moves a joint below a fixed
root (`joint_Root` above `Hips`), that
joint becomes the root. Any other moving offset is held at its median, since a Motion has rigid bones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dimo.body.motion import Motion
from dimo.body.rotation import (
    euler_to_quat,
    matrix_to_euler,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from dimo.body.skeleton import MAX_JOINTS, Skeleton
from dimo.errors import FormatError, ShapeError
from dimo.formats.files import read_text, write_atomically

MAX_BYTES = 512 * 2**20
MAX_FRAMES = 1_000_000
POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
_CHANNELS = {name.lower(): name for name in POSITIONS + ROTATIONS}


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list)


def read(path: str | Path, *, metres_per_unit: float | None = None) -> Motion:
    """Read a BVH file as a Motion on its own skeleton and frame rate.

    metres_per_unit: 0.01 for centimetres, 1 for metres; None guesses it from the length of the longest chain of bones.
    FormatError names the line, joint or frame that is wrong.
    """
    lines = read_text(path, MAX_BYTES).splitlines()
    try:
        joints, start = _parse_hierarchy(lines, path)
        values, frame_seconds = _parse_frames(lines, start, sum(len(j.channels) for j in joints), path)
        return _assemble(joints, values, frame_seconds, metres_per_unit, path)
    except ShapeError as error:
        raise FormatError(str(error), path=path) from None


def _parse_hierarchy(lines: list[str], path: str | Path) -> tuple[list[_Joint], int]:
    """Joints in file order, end sites included, and the number of the line after MOTION."""
    joints: list[_Joint] = []
    stack: list[int] = []
    opened: int | None = None  # a joint whose "{" is still to come
    number = 0

    def bad(message: str) -> FormatError:
        return FormatError(message, path=path, line=number)

    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        key = words[0].upper()
        if not joints and key == "HIERARCHY":
            continue
        if not joints and key != "ROOT":
            raise bad(f"expected HIERARCHY or ROOT, not {words[0][:40]!r}; this is not a BVH file")
        if opened is not None and key != "{":
            raise FormatError(
                f"expected '{{', not {words[0][:40]!r}", path=path, line=number, joint=joints[opened].name
            )
        if key in ("ROOT", "JOINT"):
            if key == "ROOT" and joints:
                raise bad("a second ROOT stands here; only one body per file is supported")
            if key == "JOINT" and not stack:
                raise bad("JOINT stands outside of the ROOT's braces")
            if len(words) < 2:
                raise bad(f"{key} needs a name")
            joints.append(_Joint(" ".join(words[1:]), stack[-1] if stack else -1))
            opened = len(joints) - 1
        elif key == "END":
            if not stack:
                raise bad("End Site stands outside of a joint")
            joints.append(_Joint(f"{joints[stack[-1]].name}_end", stack[-1]))
            opened = len(joints) - 1
        elif key == "{":
            if opened is None:
                raise bad("'{' without a joint before it")
            stack.append(opened)
            opened = None
        elif key == "}":
            if not stack:
                raise bad("'}' without a '{'")
            stack.pop()
        elif key == "OFFSET":
            if not stack:
                raise bad("OFFSET stands outside of a joint")
            joints[stack[-1]].offset = _numbers(words[1:], 3, f"OFFSET of {joints[stack[-1]].name}", path, number)
        elif key == "CHANNELS":
            if not stack:
                raise bad("CHANNELS stands outside of a joint")
            joints[stack[-1]].channels = _channels(words, joints[stack[-1]].name, path, number)
        elif key == "MOTION":
            if stack:
                raise bad(f"MOTION begins before the braces of {joints[stack[-1]].name} are closed")
            return joints, number
        else:
            raise bad(f"unknown keyword {words[0][:40]!r} in the hierarchy")
        if len(joints) > MAX_JOINTS:
            raise bad(f"more than {MAX_JOINTS} joints")
    if not joints:
        raise FormatError("no HIERARCHY found; this is not a BVH file", path=path)
    raise bad("the file ends before MOTION; it is cut off or has no frames")


def _numbers(words: list[str], count: int, what: str, path: str | Path, line: int) -> list[float]:
    try:
        values = [float(w) for w in words]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise FormatError(f"{what} needs {count} finite numbers, not {' '.join(words)[:60]!r}", path=path, line=line)
    return values


def _channels(words: list[str], joint: str, path: str | Path, line: int) -> list[str]:
    names = [_CHANNELS.get(w.lower(), "") for w in words[2:]]
    if len(words) < 2 or not words[1].isdigit() or int(words[1]) != len(names):
        raise FormatError(
            f"CHANNELS says {words[1] if len(words) > 1 else 'no count'} but names {len(names)}",
            path=path,
            line=line,
            joint=joint,
        )
    if "" in names:
        wrong = words[2 + names.index("")][:40]
        raise FormatError(
            f"unknown channel {wrong!r}; expected {', '.join(POSITIONS + ROTATIONS)}", path=path, line=line, joint=joint
        )
    if len(set(names)) != len(names):
        raise FormatError("a channel is named twice", path=path, line=line, joint=joint)
    return names


def _parse_frames(lines: list[str], start: int, width: int, path: str | Path) -> tuple[np.ndarray, float]:
    """Channel values (F, width) and seconds per frame; start is the index of the line after MOTION."""
    rows = [(i + 1, line.split()) for i, line in enumerate(lines[start:], start=start) if line.strip()]
    if len(rows) < 2 or rows[0][1][0].lower() != "frames:" or [w.lower() for w in rows[1][1][:2]] != ["frame", "time:"]:
        line = rows[0][0] if rows else start
        raise FormatError("MOTION must be followed by 'Frames: N' and 'Frame Time: S'", path=path, line=line)
    (line, words), (time_line, time_words) = rows[0], rows[1]
    if len(words) != 2 or not words[1].isdigit() or not 1 <= int(words[1]) <= MAX_FRAMES:
        raise FormatError(
            f"'Frames:' needs a whole number from 1 to {MAX_FRAMES}, not {' '.join(words[1:])[:40]!r}",
            path=path,
            line=line,
        )
    count = int(words[1])
    (seconds,) = _numbers(time_words[2:], 1, "'Frame Time:'", path, time_line)
    if not 1e-4 <= seconds <= 10:
        raise FormatError(
            f"'Frame Time:' must be from 0.0001 to 10 seconds, not {seconds:g}", path=path, line=time_line
        )
    frames = rows[2:]
    if len(frames) != count:
        raise FormatError(f"'Frames:' says {count} but {len(frames)} rows of values follow", path=path, line=line)
    if width == 0:
        raise FormatError("no joint has a channel, so nothing can move", path=path)
    for frame, (row_line, row) in enumerate(frames):
        if len(row) != width:
            raise FormatError(
                f"{len(row)} values where the channels need {width}", path=path, line=row_line, frame=frame
            )
    try:
        # Numpy cuts longer words without a word, and a cut exponent is another number.
        if max(len(word) for _, row in frames for word in row) > 24:
            raise ValueError
        values = np.array([row for _, row in frames], dtype="S24").astype(np.float64)
    except ValueError:
        values = np.array([[_float(w) for w in row] for _, row in frames])
    if not np.isfinite(values).all():
        frame, column = np.argwhere(~np.isfinite(values))[0]
        row_line, row = frames[frame]
        raise FormatError(
            f"value {column + 1} is {row[column][:24]!r}, not a finite number",
            path=path,
            line=row_line,
            frame=int(frame),
        )
    return values, seconds


def _float(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def _assemble(
    joints: list[_Joint], values: np.ndarray, frame_seconds: float, metres: float | None, path: str | Path
) -> Motion:
    frames, count = len(values), len(joints)
    rotations = np.zeros((frames, count, 4))
    rotations[..., 0] = 1
    offsets = np.broadcast_to(np.array([j.offset for j in joints]), (frames, count, 3)).copy()
    column = 0
    for i, joint in enumerate(joints):
        block = values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        for axis, name in enumerate(POSITIONS):
            if name in joint.channels:
                offsets[:, i, axis] = block[:, joint.channels.index(name)]
        turns = [c for c in joint.channels if c in ROTATIONS]
        if turns:
            angles = np.radians(block[:, [joint.channels.index(c) for c in turns]])
            rotations[:, i] = euler_to_quat(angles, "".join(c[0] for c in turns))
    names, parents = [j.name for j in joints], [j.parent for j in joints]

    # A fixed root above the joint that really moves ("joint_Root" over "Hips") is folded into that joint.
    while (
        len(names) > 1
        and parents.count(0) == 1
        and np.ptp(offsets[:, 1], axis=0).max() > 1e-6 * max(1.0, np.abs(offsets).max())
    ):
        offsets[:, 1] = offsets[:, 0] + quat_rotate(rotations[:, 0], offsets[:, 1])
        rotations[:, 1] = quat_multiply(rotations[:, 0], rotations[:, 1])
        offsets, rotations = offsets[:, 1:], rotations[:, 1:]
        names, parents = names[1:], [-1] + [p - 1 for p in parents[2:]]

    root, rest = offsets[:, 0].copy(), np.median(offsets, axis=0)
    rest[0] = 0
    keep = [i for i, n in enumerate(names) if not (n.endswith("_end") and i not in parents and not rest[i].any())]
    rest, rotations = rest[keep], rotations[:, keep]
    names, parents = [names[i] for i in keep], [keep.index(parents[i]) if parents[i] >= 0 else -1 for i in keep]
    scale = metres if metres is not None else guess_metres_per_unit(parents, rest)
    skeleton = Skeleton(tuple(names), tuple(parents), rest * scale, name=Path(path).stem)
    return Motion(skeleton, frame_rate(frame_seconds), root * scale, quat_continuous(rotations), Path(path).stem)


def frame_rate(frame_seconds: float) -> float:
    """Frames per second of a 'Frame Time:': the whole number it is a rounding of, such as 30 for 0.033333, else 1 / time."""
    fps = 1 / frame_seconds
    return float(round(fps)) if abs(fps - round(fps)) < 1e-3 * fps and round(fps) > 0 else fps


def guess_metres_per_unit(parents: list[int], offsets: np.ndarray) -> float:
    """Metres per unit of length, from the longest chain root to leaf, which on a person is about 1 m.

    Chooses among metres, CMU's unit (1/0.45 inch), inches, centimetres and millimetres by closeness in ratio.
    """
    reach = np.zeros(len(parents))
    for j, parent in enumerate(parents):
        if parent >= 0:
            reach[j] = reach[parent] + np.linalg.norm(offsets[j])
    longest = reach.max()
    if longest <= 0:
        return 1.0
    return min((1.0, 0.0254 / 0.45, 0.0254, 0.01, 0.001), key=lambda unit: abs(math.log(longest * unit / 1.0)))


def write(motion: Motion, path: str | Path, *, order: str = "ZXY", metres_per_unit: float = 0.01) -> Path:
    """Write a BVH file: centimetres unless said otherwise, rotations in the given order, `..._end` leaves as end sites.

    Six decimals, so that joints read back agree to better than 0.01 mm.
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
    out += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / motion.fps:.9g}"]
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
