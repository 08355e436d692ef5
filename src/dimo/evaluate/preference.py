"""What the answers of a study say: preference with intervals, how far people agree, and whose answers do not count.

Answers come from evaluate/study.py's pages. Formulas: the score interval of Wilson 1927; Krippendorff's alpha for nominal data
(Krippendorff 2011, Computing Krippendorff's alpha-reliability), which takes people who left questions out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dimo.errors import FormatError
from dimo.evaluate.study import ANSWERS, ASKED
from dimo.formats.files import read_text

LIMIT_BYTES = 16 * 2**20
ATTENTIVE = 0.75
"""Share of the answers to checks that must be right for a person's other answers to count; fixed before anyone answers."""
DRAWS = 2000


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
        """As if every answer were independent; see over_questions."""
        return wilson(self.a, self.a + self.b)

    @property
    def p_value(self) -> float:
        return binomial_p(self.a, self.a + self.b)


@dataclass(frozen=True)
class Outcome:
    """What one question of the study found."""

    preference: Preference
    over_questions: tuple[float, float]  # 95 % interval of the share when other sentences had been asked
    alpha: float  # Krippendorff's; nan where nobody answered what another did


@dataclass(frozen=True)
class Result:
    """Outcomes by question, the people who count, and those who missed checks."""

    outcomes: Mapping[str, Outcome]
    people: tuple[str, ...]
    inattentive: tuple[str, ...]
    minutes: float  # the median that those who count took; nan where no page said

    def to_json(self) -> dict[str, Any]:
        """Everything as numbers; nan is null."""
        rows = {
            name: {
                "a": o.preference.a,
                "b": o.preference.b,
                "same": o.preference.same,
                "share_of_a": _number(o.preference.share),
                "wilson_95": list(o.preference.interval),
                "over_questions_95": [_number(x) for x in o.over_questions],
                "p_value": o.preference.p_value,
                "krippendorff_alpha": _number(o.alpha),
            }
            for name, o in self.outcomes.items()
        }
        people = {"people": len(self.people), "inattentive": len(self.inattentive), "minutes": _number(self.minutes)}
        return {"format": "dimo-study-result", **people, "questions": rows}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


# ---- files


def read_json(path: Path, form: str) -> dict[str, Any]:
    """A key or an answers file; FormatError for anything else."""
    try:
        data = json.loads(read_text(path, LIMIT_BYTES))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not readable as JSON ({str(error).splitlines()[0]})", path=path) from None
    if not isinstance(data, dict) or data.get("format") != form:
        raise FormatError(f'not a file of dimo study ("format": "{form}" is expected)', path=path)
    if form == "dimo-study-key" and not (isinstance(data.get("a"), dict) and data.get("kind") in ASKED):
        raise FormatError('lacks "a", the side of each pair, or "kind"', path=path)
    return data


def count(key: Mapping[str, Any], answers: Sequence[tuple[Path, Mapping[str, Any]]]) -> Result:
    """What all answer files say; FormatError for one of another study, twice the same person, or an unknown answer."""
    given: dict[str, Mapping[str, Mapping[str, str]]] = {}
    minutes: dict[str, float] = {}
    for path, data in answers:
        if data.get("study") != key.get("study"):
            raise FormatError("answers another study than this key's", path=path)
        if (person := str(data.get("person", path.name))) in given:
            raise FormatError(f"the answers of {person!r} are given twice", path=path)
        given[person] = _checked(data.get("answers"), key, path)
        if isinstance(seconds := data.get("seconds"), int | float) and math.isfinite(seconds):
            minutes[person] = seconds / 60
    fit = [person for person, rows in given.items() if attentive(rows, key)]
    outcomes = {name: _outcome(name, [given[p] for p in fit], key["a"]) for name in ASKED[key["kind"]]}
    took = [minutes[p] for p in fit if p in minutes]
    rest = tuple(p for p in given if p not in fit)
    return Result(outcomes, tuple(fit), rest, float(np.median(took)) if took else math.nan)


def _checked(given: Any, key: Mapping[str, Any], path: Path) -> Mapping[str, Mapping[str, str]]:
    """The answers of a file by pair and question, every one of which the key knows."""
    if not isinstance(given, dict):
        raise FormatError("holds no answers", path=path)
    asked, ids = ASKED[key["kind"]], {*key["a"], *key.get("checks", {})}
    for pair, rows in given.items():
        for name, answer in rows.items() if isinstance(rows, dict) else [("", rows)]:
            if pair not in ids or name not in asked or answer not in ANSWERS:
                said = f"{name!r} of {pair!r}" if name else repr(pair)
                raise FormatError(f"the answer {answer!r} to {said} is none of {', '.join(ANSWERS)}", path=path)
    return given


def attentive(rows: Mapping[str, Mapping[str, str]], key: Mapping[str, Any]) -> bool:
    """Whether a person saw what nobody can miss, in ATTENTIVE of the answers to checks; without checks everybody did."""
    asked = ASKED[key["kind"]]
    right = [rows.get(pair, {}).get(name) == side for pair, side in key.get("checks", {}).items() for name in asked]
    return not right or sum(right) >= ATTENTIVE * len(right)


def _outcome(name: str, people: Sequence[Mapping[str, Mapping[str, str]]], sides: Mapping[str, str]) -> Outcome:
    """Of the answers of people to one question about pairs."""
    by_pair = [[rows[pair][name] for rows in people if name in rows.get(pair, {})] for pair in sides]
    votes = np.array(
        [
            [sum(x == side for x in said), sum(x not in (side, "same") for x in said), said.count("same")]
            for said, side in zip(by_pair, sides.values(), strict=True)
        ]
    )
    a, b, same = (int(n) for n in votes.sum(0))
    return Outcome(Preference(a, b, same), over_questions(votes[:, :2]), krippendorff(by_pair))


# ---- numbers


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    share, square = hits / count, z**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def over_questions(votes: np.ndarray, draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a's share of votes (N, 2) for a and b, with questions drawn anew, all answers to one together.

    The percentile bootstrap. Answers to one question hang together, which Wilson's interval does not know. (nan, nan) of nothing.
    """
    if votes.sum() == 0:
        return math.nan, math.nan
    drawn = votes[np.random.default_rng(seed).integers(0, len(votes), (draws, len(votes)))].sum(1)
    shares = drawn[drawn.sum(1) > 0]
    low, high = np.percentile(shares[:, 0] / shares.sum(1), [2.5, 97.5])
    return float(low), float(high)


def binomial_p(hits: int, count: int) -> float:
    """Two-sided exact probability of a split at least this uneven when both are preferred alike."""
    if count == 0:
        return 1.0
    low = min(hits, count - hits)
    tail = sum(math.comb(count, k) for k in range(low + 1)) / 2**count
    return min(1.0, 2 * tail)


def krippendorff(units: Sequence[Sequence[Hashable]]) -> float:
    """Krippendorff's alpha of nominal values: 1 is full agreement, 0 that of chance. nan where no unit has two values.

    units: the values that each unit was given, by however many people. alpha = 1 - D_o / D_e: disagreement among the values of
    a unit, every unit's pairs weighing 1 / (m - 1), over that of all values shuffled.
    """
    paired = [list(unit) for unit in units if len(unit) > 1]
    totals = Counter(value for unit in paired for value in unit)
    n = sum(totals.values())
    if n == 0:
        return math.nan
    unlike = sum(
        (len(unit) ** 2 - sum(c**2 for c in Counter(unit).values())) / (len(unit) - 1) for unit in paired
    )  # ordered pairs of different values
    chance = (n**2 - sum(c**2 for c in totals.values())) / (n - 1)
    return 1.0 if chance == 0 else 1 - unlike / chance
