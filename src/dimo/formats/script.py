"""Scripts: what happens in a long motion, part by part, as a text file. Numpy and torch free.

Three ways to write the same, told apart by the suffix:

    .txt     3s walks forward             a line a part; the time may be left out
    .yaml    - text: walks forward        a list of text and seconds, nothing else of YAML
               seconds: 3
    .json    [{"text": "walks forward", "seconds": 3}]     or .toml with [[part]] tables of the same two
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any

from dimo.errors import FormatError, RequestError
from dimo.formats.files import read_text

MAX_BYTES = 1_000_000
MAX_PARTS = 1000
MAX_SECONDS = 3600
SUFFIXES = (".txt", ".yaml", ".yml", ".json", ".toml")

Part = tuple[str, float | None]
"""A sentence and its seconds; None leaves them to the model."""


def read_script(path: str | Path) -> list[Part]:
    """The parts of a script file; FormatError with the line where it is not one."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"the suffix {suffix!r} names no script; there are {', '.join(SUFFIXES)}", path=path)
    text = read_text(path, MAX_BYTES)
    if suffix == ".txt":
        entries: list[Any] = [*_lines(text, path)]
    elif suffix in (".yaml", ".yml"):
        entries = _yaml(text, path)
    else:
        entries = _data(text, suffix, path)
    try:
        return check_parts(entries)
    except RequestError as error:
        raise FormatError(str(error), path=path) from None


def check_parts(entries: Iterable[Any]) -> list[Part]:
    """Pairs (text, seconds) or bare texts as parts; RequestError says which one is wrong."""
    parts: list[Part] = []
    for number, entry in enumerate(entries, start=1):
        parts.append(_part(entry, number))
        if number > MAX_PARTS:
            raise RequestError(f"a script has at most {MAX_PARTS} parts")
    if not parts:
        raise RequestError("a script needs at least one part, such as ('walks forward', 3)")
    total = sum(seconds or 0.0 for _, seconds in parts)
    if total > MAX_SECONDS:
        raise RequestError(f"the parts last {total:,.0f} s together; a script lasts at most {MAX_SECONDS:,} s")
    return parts


def _part(entry: Any, number: int) -> Part:
    text, seconds = (entry, None) if isinstance(entry, str) else _pair(entry, number)
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"part {number} has no text")
    if seconds is not None:
        try:
            seconds = float(seconds)
        except (TypeError, ValueError):
            raise RequestError(f"part {number}: {seconds!r} is not a number of seconds") from None
        if not (isfinite(seconds) and 0.2 <= seconds <= 600):
            raise RequestError(f"part {number}: seconds must be from 0.2 to 600, not {seconds:g}")
    return text.strip(), seconds


def _pair(entry: Any, number: int) -> tuple[Any, Any]:
    try:
        text, seconds = entry
    except (TypeError, ValueError):
        raise RequestError(f"part {number} must be a text, or a pair of text and seconds, not {entry!r}") from None
    return text, seconds


_TIME = re.compile(
    r"([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?|[-+]?nan|[-+]?inf(?:inity)?)\s*"
    r"(s|secs?|seconds?|ms|m|mins?|minutes?|h|hours?)\b[.:,]?(?:\s+|$)(.*)",
    re.IGNORECASE,
)
"""A line that begins with a time: the number, its unit, and the rest."""


def _lines(text: str, path: Path) -> list[Part]:
    """ "3s walks forward" or "walks forward" a line; empty lines and those that begin with # are skipped."""
    parts: list[Part] = []
    for line_number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        entry: Any = line if (found := timed(line, path, line_number))[1] is None else found
        try:
            parts.append(_part(entry, len(parts) + 1))
        except RequestError as error:
            raise FormatError(str(error), path=path, line=line_number) from None
    return parts


def timed(line: str, path: Path, number: int) -> tuple[str, str | None]:
    """The words of line `number`, and the seconds before them: ("walks", "3") of "3s walks", None where there are none."""
    found = _TIME.fullmatch(line)
    if not found:
        return line, None
    time, unit, words = found.groups()
    if not unit.lower().startswith("s"):
        raise FormatError(f"times are in seconds, as in '3s walks', not '{time}{unit}'", path=path, line=number)
    if "," in time:
        raise FormatError(f"{time!r} has a decimal comma; a point is needed", path=path, line=number)
    return words, time


def _yaml(text: str, path: Path) -> list[Any]:
    """A list of mappings of text and seconds: the one form of YAML that is read."""
    entries: list[dict[str, str]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split(" #")[0].rstrip()
        if not line.strip() or line.lstrip().startswith("#") or line.strip() == "---":
            continue
        found = re.fullmatch(r"\s*(-\s+)?(text|seconds)\s*:\s*(.+)", line)
        if not found or (not found[1] and not entries):
            raise FormatError("a script in YAML is a list of '- text: ...' and 'seconds: ...'", path=path, line=number)
        if found[1]:
            entries.append({})
        if found[2] in entries[-1]:
            raise FormatError(f"{found[2]} stands twice in one part", path=path, line=number)
        value = found[3].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        entries[-1][found[2]] = value[1:-1] if quoted else value
    return [(e.get("text"), e.get("seconds")) for e in entries]


def _data(text: str, suffix: str, path: Path) -> list[Any]:
    """JSON, or TOML with [[part]] tables."""
    try:
        data: Any = json.loads(text) if suffix == ".json" else tomllib.loads(text).get("part")
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not {suffix[1:].upper()} ({error})", path=path) from None
    if not isinstance(data, list):
        raise FormatError("a script is a list of parts" + (": [[part]] tables" if suffix == ".toml" else ""), path=path)
    entries = []
    for number, entry in enumerate(data, start=1):
        if isinstance(entry, dict):
            unknown = sorted(set(entry) - {"text", "seconds"})
            if unknown:
                raise FormatError(f"part {number} has {unknown[0]!r}; it takes text and seconds", path=path)
            entry = (entry.get("text"), entry.get("seconds"))
        entries.append(entry)
    return entries
