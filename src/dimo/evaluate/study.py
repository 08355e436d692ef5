"""A study with people: blind pairs of two systems' results, or of one system's and real motion, and the key that is kept from
those who answer. What their answers say is in preference.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dimo.errors import RequestError
from dimo.evaluate.samples import Sample, Samples

ANSWERS = ("left", "right", "same")
ASKED = {"motion": ("follows", "natural"), "caption": ("describes",)}
"""What is asked of a pair: which motion follows the sentence, and which moves naturally; which caption describes the motion."""

PAIRS, CHECKS = 18, 2
"""Of a page that a person finishes in five minutes: 20 screens with two motions of a few seconds each."""


@dataclass(frozen=True)
class Question:
    """One screen of the study: what stands on the left and on the right.

    a_left, check: for the key only. Of a check the right answer is known, and stands where a stands elsewhere.
    """

    id: str
    kind: str  # "motion": two motions for one text; "caption": two captions of one motion
    text: str
    left: Any
    right: Any
    a_left: bool
    motion: np.ndarray | None = None
    check: bool = False


def real(samples: Samples) -> Samples:
    """The same texts with the true motions as what was made of them, and the true texts as captions."""
    items = (Sample(s.id, s.text, s.truth, s.truth, s.text, s.label) for s in samples.items)
    return Samples(tuple(items), samples.seed, samples.fps)


def pairs(a: Samples, b: Samples, kind: str, seed: int, *, count: int | None = None, checks: int = 0) -> list[Question]:
    """Blind pairs of samples that both hold, `count` of them (None: PAIRS at most), and `checks` of attention among them.

    Which ones, their order and sides are drawn by the seed. Sides are balanced: a stands on the left in half of the pairs. Pairs
    that are equal are left out. RequestError where there are too few.
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
    count = max(1, min(PAIRS, len(rows) - checks)) if count is None else count
    if count + checks > len(rows):
        raise RequestError(
            f"{count} pairs and {checks} checks of attention need {count + checks} samples that differ, and there are {len(rows)}; "
            "evaluate with more --samples, or ask for fewer --pairs or --checks"
        )
    chosen, spare = np.split(generator.permutation(len(rows)), [count])
    found = [_question(rows[i], kind, side) for i, side in zip(chosen, _sides(len(chosen), generator), strict=True)]
    attention = [
        _check(rows[i][0], rows[i][1], [s for s, _ in shared], kind, side, generator)
        for i, side in zip(spare[:checks], _sides(checks, generator), strict=True)
    ]
    return _spread(found, attention, generator)


def _sides(count: int, generator: np.random.Generator) -> list[bool]:
    """Left for half of so many, in random order."""
    return [bool(x) for x in generator.permutation(np.arange(count) % 2 == 0)]


def _question(row: tuple[Sample, Any, Any, np.ndarray | None], kind: str, left: bool) -> Question:
    sample, mine, other, motion = row
    return Question(sample.id, kind, sample.text, mine if left else other, other if left else mine, left, motion)


def _check(
    sample: Sample, made: Any, others: Sequence[Sample], kind: str, left: bool, generator: np.random.Generator
) -> Question:
    """A pair whose right answer nobody can miss who looks: a motion beside its own frames in random order, or a true caption
    beside the one that shares the fewest words with it."""
    if kind == "motion":
        good: Any = made if sample.truth is None else sample.truth
        bad: Any = good[generator.permutation(len(good))]
        motion = None
    else:
        words = set(sample.text.lower().split())
        good, motion = sample.text, sample.truth
        bad = min((s.text for s in others), key=lambda text: len(words & set(text.lower().split())) / len(text.split()))
    return Question(
        sample.id, kind, sample.text, good if left else bad, bad if left else good, left, motion, check=True
    )


def _spread(found: list[Question], attention: list[Question], generator: np.random.Generator) -> list[Question]:
    """Checks at random places, one in each stretch of as many pairs, and none of them first."""
    out: list[Question] = []
    for number, part in enumerate(np.array_split(np.arange(len(found)), max(1, len(attention)))):
        stretch = [found[i] for i in part]
        if number < len(attention):
            stretch.insert(int(generator.integers(1, len(stretch) + 1)) if stretch else 0, attention[number])
        out += stretch
    return out


def key_of(questions: Sequence[Question], seed: int) -> dict[str, Any]:
    """What scoring needs and the page must not show: which side was a, and the right side of each check."""
    sides = {q.id: "left" if q.a_left else "right" for q in questions}
    pairs_, checks = ({q.id: sides[q.id] for q in questions if q.check == check} for check in (False, True))
    name = hashlib.sha256(json.dumps([seed, sorted(sides.items()), sorted(checks)]).encode()).hexdigest()[:16]
    return {"format": "dimo-study-key", "study": name, "kind": questions[0].kind, "a": pairs_, "checks": checks}
