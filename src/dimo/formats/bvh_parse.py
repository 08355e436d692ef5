"""The text of a BVH file to joints and channel values, as forgiving as Blender, Unity's readers and assimp together.

Read with a note: a frame count that is one off. Read in silence: missing blanks and newlines, rows wrapped over lines or
joined on one, "EndSite" and named end sites, comments (#, // or ;), any case of keywords. Refused with the line: decimal
commas and everything else that is not what the format says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dimo.body.skeleton import MAX_JOINTS
from dimo.errors import FormatError

MAX_FRAMES = 1_000_000
POSITIONS = ("Xposition", "Yposition", "Zposition")
ROTATIONS = ("Xrotation", "Yrotation", "Zrotation")
LEAST_PLACE = 0.01
"""Of a joint's OFFSET: position channels that stay nearer to its parent than that put it nowhere."""

_CHANNELS = {name.lower(): name for name in POSITIONS + ROTATIONS}
_KEYWORDS = {"ROOT", "JOINT", "END", "ENDSITE", "{", "}", "OFFSET", "CHANNELS", "MOTION"}
_COMMENT = re.compile(r"(^|\s)(#|//|;).*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+")


@dataclass
class Joint:
    """A joint or end site as it stands in the hierarchy, in the file's units."""

    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list)
    decimals: int = 0  # that the offset is written with

    def is_placed(self, values: np.ndarray) -> bool:
        """Whether its position channels, of its values (F, C), say where it is instead of its OFFSET.

        Some programs write zeros there for "as at rest", or what rounding left of them, which taken at their word would put
        all joints in one point.
        """
        places = values[:, [k for k, c in enumerate(self.channels) if c in POSITIONS]]
        return float(np.abs(places).max(initial=0.0)) > LEAST_PLACE * math.hypot(*self.offset)


@dataclass(frozen=True)
class Text:
    """What the text says: joints in file order, end sites included, channel values (F, W), and notes on what was odd."""

    joints: list[Joint]
    values: np.ndarray
    decimals: int  # that the values are written with, at most
    frame_time: str  # as it is written, so that its digits can be counted
    notes: tuple[str, ...]


def parse(text: str, path: str | Path) -> Text:
    """Parse the text of a BVH file; FormatError names the line, joint or frame that is wrong."""
    lines = text.splitlines()
    joints, line, rest = _Hierarchy(lines, path).parse()
    width = sum(len(j.channels) for j in joints)
    values, decimals, frame_time, notes = _motion([rest, *lines[line:]], line, width, path)
    return Text(joints, values, decimals, frame_time, tuple(notes))


class _Hierarchy:
    """Words of the hierarchy with their lines; names end with the line, everything else may stand anywhere."""

    def __init__(self, lines: list[str], path: str | Path):
        self.path, self.words, self.at = path, [], 0
        for number, line in enumerate(lines, start=1):
            # A number sign may be a joint's name, so a comment ends a name only where something stands before it.
            bare = _COMMENT.sub("", line)
            words = re.sub(r"([{}])", r" \1 ", bare).split()
            if len(words) == 1 and words[0].upper() in ("ROOT", "JOINT"):
                words = line.split()
            self.words += [(word, number) for word in words] + [("\n", number)]
            if any(w.upper() == "MOTION" for w in words):
                break

    def parse(self) -> tuple[list[Joint], int, str]:
        """Joints, the number of the line with MOTION, and what stands behind that word."""
        joints: list[Joint] = []
        stack: list[int] = []
        opened: int | None = None  # a joint whose "{" is still to come
        while self.at < len(self.words):
            word, line = self._next()
            key = word.upper()
            if key == "\n" or (key == "HIERARCHY" and not joints):
                continue
            if not joints and key != "ROOT":
                raise self._bad(f"expected HIERARCHY or ROOT, not {word[:40]!r}; this is not a BVH file", line)
            if opened is not None and key != "{":
                raise self._bad(f"expected '{{', not {word[:40]!r}", line, joints[opened].name)
            if key in ("ROOT", "JOINT"):
                if key == "ROOT" and joints:
                    raise self._bad("a second ROOT stands here; only one body per file is supported", line)
                if key == "JOINT" and not stack:
                    raise self._bad("JOINT stands outside of the ROOT's braces", line)
                name = " ".join(self._line())
                if not name:
                    raise self._bad(f"{key} needs a name", line)
                joints.append(Joint(name, stack[-1] if stack else -1))
                opened = len(joints) - 1
            elif key in ("END", "ENDSITE"):
                if not stack:
                    raise self._bad("End Site stands outside of a joint", line)
                self._line()  # "Site", and sometimes a name
                joints.append(Joint(f"{joints[stack[-1]].name}_end", stack[-1]))
                opened = len(joints) - 1
            elif key == "{":
                if opened is None:
                    raise self._bad("'{' without a joint before it", line)
                stack.append(opened)
                opened = None
            elif key == "}":
                if not stack:
                    raise self._bad("'}' without a '{'", line)
                stack.pop()
            elif key == "OFFSET" and stack:
                words = self._until_keyword(3)
                joints[stack[-1]].offset = numbers(words, 3, f"OFFSET of {joints[stack[-1]].name}", self.path, line)
                joints[stack[-1]].decimals = most_decimals(words)
            elif key == "CHANNELS" and stack:
                joints[stack[-1]].channels = self._channels(joints[stack[-1]].name, line)
            elif key in ("OFFSET", "CHANNELS"):
                raise self._bad(f"{key} stands outside of a joint", line)
            elif key == "MOTION":
                if stack:
                    raise self._bad(f"MOTION begins before the braces of {joints[stack[-1]].name} are closed", line)
                return joints, line, " ".join(self._line())
            else:
                raise self._bad(f"unknown keyword {word[:40]!r} in the hierarchy", line)
            if len(joints) > MAX_JOINTS:
                raise self._bad(f"more than {MAX_JOINTS} joints", line)
        if not joints:
            raise FormatError("no HIERARCHY found; this is not a BVH file", path=self.path)
        raise self._bad("the file ends before MOTION; it is cut off or has no frames", self.words[-1][1])

    def _bad(self, message: str, line: int, joint: str | None = None) -> FormatError:
        return FormatError(message, path=self.path, line=line, joint=joint)

    def _next(self) -> tuple[str, int]:
        self.at += 1
        return self.words[self.at - 1]

    def _line(self) -> list[str]:
        """Words up to a brace or the end of the line."""
        out = []
        while self.at < len(self.words) and self.words[self.at][0] not in ("\n", "{", "}"):
            out.append(self._next()[0])
        return out

    def _until_keyword(self, most: int) -> list[str]:
        """Up to `most` words before the next keyword, over line ends, but all that stand on the first line."""
        out = self._line_of_values()
        while len(out) < most and self.at < len(self.words) and self.words[self.at][0].upper() not in _KEYWORDS:
            word, _ = self._next()
            out += [word] if word != "\n" else []
        return out

    def _line_of_values(self) -> list[str]:
        out = []
        while self.at < len(self.words) and self.words[self.at][0].upper() not in _KEYWORDS | {"\n"}:
            out.append(self._next()[0])
        return out

    def _channels(self, joint: str, line: int) -> list[str]:
        count, *words = self._until_keyword(1) or ["no count"]
        if count.isdigit() and len(words) < int(count) <= 6:
            words += self._until_keyword(int(count) - len(words))
        names = [_CHANNELS.get(w.lower(), "") for w in words]
        if not count.isdigit() or int(count) != len(names):
            raise self._bad(f"CHANNELS says {count[:20]} but names {len(names)}", line, joint)
        if "" in names:
            wrong = words[names.index("")][:40]
            raise self._bad(f"unknown channel {wrong!r}; expected {', '.join(POSITIONS + ROTATIONS)}", line, joint)
        if len(set(names)) != len(names):
            raise self._bad("a channel is named twice", line, joint)
        return names


def numbers(words: list[str], count: int, what: str, path: str | Path, line: int) -> list[float]:
    """Words as so many finite floats; FormatError, which knows a decimal comma."""
    values = [value for w in words for value in _floats(w)]
    if len(values) != count or not all(map(math.isfinite, values)):
        raise FormatError(
            f"{what} needs {count} finite number{'s' * (count > 1)}, not {' '.join(words)[:60]!r}{_why(words)}",
            path=path,
            line=line,
        )
    return values


def most_decimals(words: Iterable[str]) -> int:
    """Decimals that no word has more of, so that all can be written with them; of numbers with exponents, 17 at most."""
    most = 0
    for word in words:
        mantissa, _, exponent = word.lower().partition("e")
        count = len(mantissa) - 1 - mantissa.find(".") if "." in mantissa else 0
        if exponent:
            count -= int(exponent)
        most = max(most, count)
    return min(most, 17)


def _floats(word: str) -> list[float]:
    """A word as a number, or as several that stand together as "1.5-2.5" does; nan for anything else."""
    try:
        return [float(word)]
    except ValueError:
        parts = _NUMBER.findall(word)
        return [float(p) for p in parts] if parts and "".join(parts) == word else [math.nan]


def _why(words: list[str]) -> str:
    return ": a decimal comma; a point is needed" if any(_COMMA.fullmatch(w.strip(",")) for w in words) else ""


# ---- frames


def _motion(lines: list[str], start: int, width: int, path: str | Path) -> tuple[np.ndarray, int, str, list[str]]:
    """Channel values (F, width), their decimals, the frame time as written, and notes; lines[0] is what follows MOTION on
    line `start`."""
    lines = [_COMMENT.sub("", line) if "#" in line or "/" in line or ";" in line else line for line in lines]
    head = "\n".join(lines[:20])
    missing = "MOTION must be followed by 'Frames: N' and 'Frame Time: S'"
    count_found = re.match(r"\s*frames\s*:?\s*([^\s:]*?)(?=\s|$|frame)", head, re.IGNORECASE)
    if not count_found:
        raise FormatError(missing, path=path, line=start + _lines_before(head, 0))
    time_found = re.compile(r"\s*frame\s*time\s*:?\s*(\S*)", re.IGNORECASE).match(head, count_found.end())
    if not time_found:
        raise FormatError(missing, path=path, line=start + _lines_before(head, count_found.end()))
    line, time_line = (start + head[: m.start(1)].count("\n") for m in (count_found, time_found))
    count, seconds = count_found[1], time_found[1]
    if not count.isdigit() or not 1 <= int(count) <= MAX_FRAMES:
        raise FormatError(
            f"'Frames:' needs a whole number from 1 to {MAX_FRAMES}, not {count[:40]!r}", path=path, line=line
        )
    (time,) = numbers([seconds] if seconds else [], 1, "'Frame Time:'", path, time_line)
    if not 1e-4 <= time <= 10:
        raise FormatError(f"'Frame Time:' must be from 0.0001 to 10 seconds, not {time:g}", path=path, line=time_line)
    if width == 0:
        raise FormatError("no joint has a channel, so nothing can move", path=path)
    below = head[: time_found.end()].count("\n")
    after = head[time_found.end() :].partition("\n")[0]
    rows = [
        (start + i, line.split()) for i, line in enumerate([after, *lines[below + 1 :]], start=below) if line.strip()
    ]
    rows = _whole_rows(rows, width, path)
    notes = []
    if len(rows) != int(count):
        if not rows or abs(len(rows) - int(count)) > 1:
            raise FormatError(f"'Frames:' says {count} but {len(rows)} rows of values follow", path=path, line=line)
        notes.append(f"'Frames:' says {count}, but {len(rows)} are there and read")
    values = _values(rows, path)
    return values, most_decimals(word for _, row in rows for word in row), seconds, notes


def _lines_before(head: str, at: int) -> int:
    """Line ends before the next word from a place on."""
    rest = head[at:]
    return head[: at + len(rest) - len(rest.lstrip())].count("\n")


def _whole_rows(rows: list[tuple[int, list[str]]], width: int, path: str | Path) -> list[tuple[int, list[str]]]:
    """One row a frame: rows wrapped over lines are joined, frames joined on a line parted, run-together numbers parted."""
    if all(len(row) == width for _, row in rows):
        return rows
    parted = [(line, row if len(row) == width else [p for w in row for p in _parts(w)]) for line, row in rows]
    ends = np.cumsum([len(row) for _, row in parted])
    total = int(ends[-1])
    if total % width == 0:
        frames = np.arange(width, total + 1, width)
        # A wrapped frame begins a line of its own, and joined ones fill theirs: else a value is missing somewhere.
        if np.isin(frames, ends).all() or (ends % width == 0).all():
            words = [word for _, row in parted for word in row]
            starts = np.searchsorted(ends, frames - width, side="right")
            return [(parted[s][0], words[f - width : f]) for s, f in zip(starts, frames, strict=True)]
    for frame, (line, row) in enumerate(parted):
        if len(row) != width:
            raise FormatError(f"{len(row)} values where the channels need {width}", path=path, line=line, frame=frame)
    return parted


def _parts(word: str) -> list[str]:
    parts = _NUMBER.findall(word)
    return parts if "".join(parts) == word else [word]


def _values(rows: list[tuple[int, list[str]]], path: str | Path) -> np.ndarray:
    try:
        # Numpy cuts longer words without a word, and a cut exponent is another number.
        if max(len(word) for _, row in rows for word in row) > 24:
            raise ValueError
        values = np.array([row for _, row in rows], dtype="S24").astype(np.float64)
    except ValueError:
        values = np.array([[_float(w) for w in row] for _, row in rows])
    if not np.isfinite(values).all():
        frame, column = np.argwhere(~np.isfinite(values))[0]
        line, row = rows[frame]
        why = _why([row[column]]) or ", not a finite number"
        raise FormatError(f"value {column + 1} is {row[column][:24]!r}{why}", path=path, line=line, frame=int(frame))
    return values


def _float(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
