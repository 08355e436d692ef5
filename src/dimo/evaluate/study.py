"""A study with people: blind pairs from two sets of results, and what the answers say with their uncertainty."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dimo.errors import FormatError, RequestError
from dimo.evaluate.samples import Samples
from dimo.formats.files import read_text

ANSWERS = ("left", "right", "same")
LIMIT_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Question:
    """One page of the study: what is asked, and what stands on the left and on the right. a_left is for the key only."""

    id: str
    kind: str  # "motion": two motions for one text; "caption": two captions of one motion
    text: str
    left: Any
    right: Any
    a_left: bool
    motion: np.ndarray | None = None


@dataclass(frozen=True)
class Preference:
    """Answers for a and for b, those that saw no difference, and a's share of the decided ones with its 95 % interval."""

    a: int
    b: int
    same: int

    @property
    def share(self) -> float:
        return self.a / (self.a + self.b) if self.a + self.b else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.a, self.a + self.b)

    @property
    def p_value(self) -> float:
        return binomial_p(self.a, self.a + self.b)


def pairs(a: Samples, b: Samples, kind: str, seed: int) -> list[Question]:
    """Blind pairs of the samples that both folders hold, in an order and on sides drawn by the seed.

    Sides are balanced: a stands on the left in half of the pairs. Pairs that are equal are left out.
    """
    generator = np.random.default_rng(seed)
    theirs = {s.id: s for s in b.items}
    shared = [(s, theirs[s.id]) for s in a.items if s.id in theirs and s.text == theirs[s.id].text]
    if not shared:
        raise RequestError(
            "the two folders share no sample with the same text; evaluate both with one seed and data set"
        )
    rows = []
    for first, second in shared:
        if kind == "motion" and first.made is not None and second.made is not None:
            if not np.array_equal(first.made, second.made):
                rows.append((first, first.made, second.made, None))
        elif kind == "caption" and first.caption and second.caption and first.caption != second.caption:
            rows.append((first, first.caption, second.caption, first.truth))
    if not rows:
        raise RequestError(f"the two folders hold no {kind} pair that differs")
    sides = generator.permutation(np.arange(len(rows)) % 2 == 0)
    out = []
    for at, i in enumerate(generator.permutation(len(rows))):
        sample, mine, other, motion = rows[i]
        left = bool(sides[at])
        out.append(
            Question(sample.id, kind, sample.text, mine if left else other, other if left else mine, left, motion)
        )
    return out


def key_of(questions: Sequence[Question], seed: int) -> dict[str, Any]:
    """What scoring needs and the page must not show: which side was a, for every question."""
    sides = {q.id: "left" if q.a_left else "right" for q in questions}
    name = hashlib.sha256(json.dumps([seed, sorted(sides.items())]).encode()).hexdigest()[:16]
    return {"format": "dimo-study-key", "study": name, "kind": questions[0].kind, "a": sides}


def read_json(path: Path, form: str) -> dict[str, Any]:
    """A key or an answers file; FormatError for anything else."""
    try:
        data = json.loads(read_text(path, LIMIT_BYTES))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not readable as JSON ({str(error).splitlines()[0]})", path=path) from None
    if not isinstance(data, dict) or data.get("format") != form:
        raise FormatError(f'not a file of dimo study ("format": "{form}" is expected)', path=path)
    return data


def count(key: dict[str, Any], answers: Sequence[tuple[Path, dict[str, Any]]]) -> Preference:
    """Votes of all answer files; FormatError for one of another study, twice the same person, or an unknown answer."""
    votes = {"a": 0, "b": 0, "same": 0}
    people: set[str] = set()
    for path, data in answers:
        if data.get("study") != key.get("study"):
            raise FormatError("answers another study than this key's", path=path)
        if (person := str(data.get("person", path.name))) in people:
            raise FormatError(f"the answers of {person!r} are given twice", path=path)
        people.add(person)
        given = data.get("answers")
        if not isinstance(given, dict):
            raise FormatError("holds no answers", path=path)
        for question, answer in given.items():
            if question not in key["a"] or answer not in ANSWERS:
                raise FormatError(f"the answer {answer!r} to {question!r} is none of {', '.join(ANSWERS)}", path=path)
            votes["same" if answer == "same" else "a" if answer == key["a"][question] else "b"] += 1
    return Preference(votes["a"], votes["b"], votes["same"])


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    share, square = hits / count, z**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def binomial_p(hits: int, count: int) -> float:
    """Two-sided exact probability of a split at least this uneven when both are preferred alike."""
    if count == 0:
        return 1.0
    low = min(hits, count - hits)
    tail = sum(math.comb(count, k) for k in range(low + 1)) / 2**count
    return min(1.0, 2 * tail)
