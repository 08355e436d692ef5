"""What the model has seen of a sentence: the motions that were described most alike, and the words that nobody used.

How likely a motion will do what a sentence asks is told from how like the best known caption is and how many motions have
one as like; `python benchmarks/understands.py` fits the three numbers and draws the reliability curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dimo.errors import RequestError
from dimo.inpaint.pipeline import Pipeline
from dimo.memory.meaning import phrase
from dimo.memory.recall import Recalled, words_of

NEAREST = 3  # motions that are named
ALIKE = 200  # motions that are looked through for how many are as like
AS_LIKE = 0.9  # of the best likeness
DOUBT = 0.25
"""Chance of doing what is asked, below which a sentence is doubted."""
INTERCEPT, LIKENESS, COUNT = -8.467, 12.287, -0.4103
"""Of the chance's logit: a constant, per likeness of the best caption, per e-fold of motions that are as like."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST_SLIP = 4  # letters; shorter words are near to too many others


@dataclass(frozen=True)
class Understanding:
    """How well a sentence is covered by what the model was trained on."""

    text: str
    chance: float  # that a motion made for it does what it asks, 0 to 1
    nearest: tuple[Recalled, ...]  # training motions whose captions are most like it, best first, no caption twice
    unknown: tuple[str, ...]  # words that no training motion was described with
    slips: dict[str, str]  # of these, what look like misspelt known words, and those
    taken_as: tuple[str, ...] = ()
    """What is asked in its place, turn by turn, where recall has a say (memory/recall.py)."""

    @property
    def doubtful(self) -> bool:
        return self.chance < DOUBT

    def told(self, recall: float | None = None) -> dict[str, list[str]]:
        """What whoever asked is told, under "warnings" and "notes"; there are no notes where recall is 0."""
        warning, note = self.warning(), self.note() if recall != 0 else None
        return {"warnings": [warning] if warning else [], "notes": [note] if note else []}

    def note(self) -> str | None:
        """What is asked in place of the sentence, None where it is asked itself."""
        return f"I take {self.text!r} as {', then '.join(map(repr, self.taken_as))}" if self.taken_as else None

    def warning(self) -> str | None:
        """One sentence for whoever asked, None where there is nothing to say."""
        if self.slips:
            said = ", ".join(f"{wrong!r} (did you mean {right!r}?)" for wrong, right in self.slips.items())
            return f"I don't know {said}"
        if not self.doubtful:
            return None
        like = "; ".join(repr(one.caption) for one in self.nearest)
        words = f" and nothing with {', '.join(map(repr, self.unknown))}" if self.unknown else ""
        return f"I have seen little like {self.text!r}{words}; nearest: {like or 'nothing at all'}"


def understand(pipeline: Pipeline, text: str) -> Understanding:
    """RequestError for a text that is none, and for weights without captioned motions."""
    said = pipeline.asked(text, recall=False)
    recall = pipeline.recall
    if recall is None:
        raise RequestError("these weights hold no captioned motions to compare with; dimo train memory adds them")
    turns = pipeline.turns(text)
    # What is done in turns is done if each of them is; the nearest are those of the turn that is least sure.
    found = [recall.nearest(pipeline.asked(turn, recall=False), ALIKE) for turn in turns]
    chances = [chance(*features(near)) for near in found]
    captions: dict[str, Recalled] = {}
    for one in found[chances.index(min(chances))]:
        captions.setdefault(phrase(one.caption), one)
    unknown = tuple(w for w in words_of(said) if not recall.knows(w))
    slips = {w: right for w in unknown if (right := _slip(w, pipeline)) is not None}
    taken = tuple(pipeline.asked(turn) for turn in turns)
    nearest = tuple(captions.values())[:NEAREST]
    return Understanding(text, math.prod(chances), nearest, unknown, slips, () if taken == (said,) else taken)


def features(recalled: list[Recalled]) -> tuple[float, float]:
    """What the chance is told from: likeness of the best caption, logarithm of how many motions have one as like."""
    best = recalled[0].likeness if recalled else 0.0
    return best, math.log(max(1, sum(one.likeness >= AS_LIKE * best for one in recalled)))


def chance(likeness: float, alike: float) -> float:
    """That a motion does what is asked, 0 to 1, from features."""
    return 1 / (1 + math.exp(-(INTERCEPT + LIKENESS * likeness + COUNT * alike)))


def _slip(word: str, pipeline: Pipeline) -> str | None:
    """The known word that a word which is none is one slip away from: a letter more, less, other, or two exchanged."""
    assert pipeline.recall is not None
    if len(word) < SHORTEST_SLIP or word in pipeline.wordpiece.vocabulary:
        return None
    pairs = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    near = [a + b[1] + b[0] + b[2:] for a, b in pairs if len(b) > 1]
    near += [a + b[1:] for a, b in pairs if b]
    near += [a + c + b[1:] for a, b in pairs if b for c in LETTERS]
    near += [a + c + b for a, b in pairs for c in LETTERS]
    known = [w for w in near if w in pipeline.wordpiece.vocabulary and pipeline.recall.knows(w)]
    return known[0] if known else None
