"""Files of prompts: a line a motion, as text or as JSON. Torch free.

    .txt      a person walks forward          3s a person bows
    .jsonl    {"text": "a person bows", "seconds": 3, "seed": 7, "id": "bow"}
              {"parts": [{"text": "walks forward", "seconds": 3}, {"text": "sits down"}]}

Of a line of JSON all may be left out but text or parts. Empty lines, and in a .txt those that begin with #, are skipped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from dimo.errors import DimoError, FormatError, RequestError
from dimo.formats.files import json_object, read_text
from dimo.formats.script import check_parts, timed
from dimo.inpaint.request import LONGEST_SECONDS

MAX_BYTES = 2**30
SUFFIXES = (".txt", ".jsonl")
KEYS = ("id", "text", "seconds", "seed", "parts")
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""What may name a file on any system."""


@dataclass(frozen=True)
class Prompt:
    """A motion that is wanted: a sentence, with seconds of None as long as the text makes likely; or parts (text, seconds)."""

    id: str
    text: str | None
    seconds: float | None = None
    seed: int | None = None
    parts: tuple[tuple[str, float | None], ...] = ()

    @property
    def key(self) -> str:
        """A hash that changes with anything that is asked."""
        asked = json.dumps([self.id, self.text, self.seconds, self.seed, self.parts])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    def seed_of(self, seed: int) -> int:
        """Its own seed, or one that comes of the whole batch's and the id: one sentence on two lines is two motions."""
        if self.seed is not None:
            return self.seed
        return int.from_bytes(hashlib.sha256(f"{seed} {self.id}".encode()).digest()[:4], "little")


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a file, those without an id named by their line; FormatError with the line that is not one."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"the suffix {suffix!r} names no file of prompts; there are {', '.join(SUFFIXES)}", path=path)
    prompts: list[Prompt] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(path, MAX_BYTES).split("\n"), start=1):
        line = line.strip()
        if not line or (suffix == ".txt" and line.startswith("#")):
            continue
        try:
            prompt = _of_text(line, path, number) if suffix == ".txt" else _of_json(line, path, number)
        except FormatError:
            raise
        except DimoError as error:
            raise FormatError(str(error), path=path, line=number) from None
        # Some systems do not tell Walk from walk in names of files.
        if (before := lines.setdefault(prompt.id.lower(), number)) != number:
            raise FormatError(f"the id {prompt.id!r} stands in line {before} already", path=path, line=number)
        prompts.append(prompt)
    if not prompts:
        raise FormatError("holds no prompts; a line a motion, such as: a person walks forward", path=path)
    return prompts


def _of_text(line: str, path: Path, number: int) -> Prompt:
    words, seconds = timed(line, path, number)
    return Prompt(f"{number:06}", _text(words), _seconds(None if seconds is None else float(seconds)))


def _of_json(line: str, path: Path, number: int) -> Prompt:
    row = json_object(line, path, number)
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise RequestError(f"a prompt has no {unknown[0][:40]!r}; there are {', '.join(KEYS)}")
    name, seed = row.get("id", f"{number:06}"), row.get("seed")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not ID.fullmatch(name):
        raise RequestError(f"an id is up to 100 letters, digits, '_', '-' and '.', not {str(name)[:40]!r}")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63):
        raise RequestError(f"seed must be a whole number from 0 to 2^63 - 1, not {str(seed)[:40]!r}")
    if "parts" not in row:
        return Prompt(name, _text(row.get("text")), _seconds(row.get("seconds")), seed)
    if row.get("text") is not None or row.get("seconds") is not None:
        raise RequestError("parts have their own texts and seconds; leave out text and seconds")
    return Prompt(name, None, None, seed, _parts(row["parts"]))


def _parts(parts: Any) -> tuple[tuple[str, float | None], ...]:
    if not isinstance(parts, Sequence) or not all(isinstance(p, dict) and {*p} <= {"text", "seconds"} for p in parts):
        raise RequestError('parts are a list of {"text": ..., "seconds": ...}')
    return tuple(check_parts([(part.get("text"), part.get("seconds")) for part in parts]))


def _text(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise RequestError("there is no text; describe a motion, as in: a person walks forward")
    return text.strip()


def _seconds(seconds: Any) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise RequestError(f"seconds must be a number, not {str(seconds)[:40]!r}")
    if not (isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS):
        raise RequestError(f"seconds must be more than 0 and at most {LONGEST_SECONDS:g}, not {seconds:g}")
    return float(seconds)
