"""Caption correction: find the words that a motion contradicts, mask and refill them, keep the rest.

Each word is masked in turn and the model asked for it, given the other words and the motion. A replacement v of the word w
scores by the odds of a noisy channel (Kernighan, Church and Gale 1990):

    log p(v | rest, motion) - log p(w | rest, motion) - (0 if captions confuse w with v, else OTHER_COST)

and counts only if the motion, not the language, prefers it: the same difference with the motion unknown is to be smaller
by MOTION_SHARE. Words that the motion speaks against are also tried with one place more and one place less. The best
change is made and everything asked again, until nothing is left to change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dimo.errors import RequestError
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.text.confusions import confusion_ids
from dimo.text.wordpiece import Wordpiece

OTHER_COST = 6.0
"""Nats that a replacement costs which is no common confusion of the word (text/confusions.py)."""

LENGTH_COST = 7.0
"""Nats that a replacement with more or fewer places costs."""

ACCEPT = 2.1
"""Log-odds above which a word is changed. These constants were chosen on the validation split (docs/log.md)."""

MOTION_SHARE = 0.5
"""Nats of the odds that have to come from the motion."""

MOST_CHANGES = 3
RESIZED = 3  # words that are tried with another number of places, the least believed first,
DOUBT = -3.0  # of those with at most this log-probability per piece
ROWS = 32  # sequences in one pass of the model
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Change:
    """One run of words exchanged: characters start to end of the original text; new is empty for words left out."""

    old: str
    new: str
    confidence: float  # 0.5 to 1: odds of the new words against the old ones, by the model
    start: int
    end: int


@dataclass(frozen=True)
class Correction:
    """A caption after correction; without changes its text is the original one."""

    text: str
    original: str
    changes: tuple[Change, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return self.text if self.changed else "nothing to change"


@dataclass(frozen=True)
class _Word:
    """A word or mark of the text, characters start to end of the original, with its pieces as they are now."""

    ids: tuple[int, ...]
    start: int
    end: int
    change: Change | None = None


@dataclass(frozen=True)
class _Candidate:
    word: int
    ids: tuple[int, ...]
    score: float


def correct(model: MaskedModel, wordpiece: Wordpiece, text: str, codes: Tensor) -> Correction:
    """The correction of a text by a motion's codes (L, Q). RequestError when the text leaves no room to change it."""
    words = [_Word(tuple(wordpiece.encode(m.group())), m.start(), m.end()) for m in _WORD.finditer(text)]
    most = model.config.max_text - 1
    if sum(len(w.ids) for w in words) > most:
        raise RequestError(f"the text has more than the {most} word pieces that can be corrected; shorten it")
    confused = confusion_ids(wordpiece.vocabulary)
    usable = torch.zeros(model.config.transformer.vocabulary, dtype=torch.bool)
    usable[[i for piece, i in wordpiece.vocabulary.items() if piece.isalpha()]] = True
    judge = _Judge(model, codes)
    for _ in range(MOST_CHANGES):
        best = _best(judge, words, confused, usable, text)
        if best is None:
            break
        old = words[best.word]
        new = wordpiece.decode(list(best.ids))
        new = new.capitalize() if text[old.start].isupper() else new
        confidence = 1 / (1 + math.exp(-best.score))
        words[best.word] = replace(
            old, ids=best.ids, change=Change(text[old.start : old.end], new, confidence, old.start, old.end)
        )
    changes = tuple(w.change for w in words if w.change is not None)
    return Correction(apply(text, changes), text, changes)


def apply(text: str, changes: Sequence[Change]) -> str:
    """The text with its changes made, and no double space where words were left out."""
    for change in sorted(changes, key=lambda c: -c.start):
        before, after = text[: change.start], text[change.end :]
        if not change.new:
            before, after = before.rstrip(), after if before.strip() else after.lstrip()
        text = before + change.new + after
    return text


class _Judge:
    """log p of masked runs of a text, with the motion known or unknown."""

    def __init__(self, model: MaskedModel, codes: Tensor):
        self.model, self.codes = model, codes

    @torch.no_grad()
    def masked(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]], motion: bool = True) -> list[Tensor]:
        """For each row (ids, places to mask), log-probabilities (places, V) on the CPU. Places behind a text hold [PAD], as
        captions do."""
        out: list[Tensor] = []
        config = self.model.config
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            width = max(config.caption_slots, *(len(ids) for ids, _ in part))
            tokens = pack([ids for ids, _ in part], [self.codes] * len(part), levels=config.levels, text_slots=width)
            hidden = torch.zeros(tokens.known_text.shape, dtype=torch.bool)
            for i, (_, places) in enumerate(part):
                hidden[i, list(places)] = True
            tokens, hidden = tokens.to(self.model.device), hidden.to(self.model.device)
            known = tokens.known_levels if motion else torch.zeros_like(tokens.known_levels)
            trunk = self.model(replace(tokens, known_text=tokens.known_text & ~hidden, known_levels=known))
            logp = self.model.text_logits(trunk.text[hidden]).float().log_softmax(-1)
            out += logp.cpu().split([len(places) for _, places in part])
        return out


def _best(
    judge: _Judge, words: list[_Word], confused: dict[int, tuple[int, ...]], usable: Tensor, text: str
) -> _Candidate | None:
    """The change with the best score above ACCEPT that the motion asks for."""
    open_ = [i for i, w in enumerate(words) if w.change is None and text[w.start : w.end].isalnum() and w.ids]
    if not open_:
        return None
    tables = dict(zip(open_, judge.masked([_row(words, i, words[i].ids) for i in open_]), strict=True))
    own = {i: _total(tables[i], words[i].ids) for i in open_}
    candidates = []
    for i in open_:
        if len(words[i].ids) == 1:
            candidates.append(_exchange(i, words[i].ids[0], tables[i][0], confused, usable))
    belief = {i: own[i] / len(words[i].ids) for i in open_}
    doubted = sorted((i for i in open_ if belief[i] <= DOUBT), key=belief.__getitem__)[:RESIZED]
    candidates += _resized(judge, words, doubted, own, usable) + _left_out(judge, words, doubted)
    candidates = sorted((c for c in candidates if c.score > ACCEPT), key=lambda c: -c.score)
    for candidate in candidates:
        if _by_motion(judge, words, candidate, own[candidate.word]) >= MOTION_SHARE:
            return candidate
    return None


def _row(words: Sequence[_Word], at: int, ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """The text's ids with `ids` in the place of word `at`, and where these lie."""
    before = [i for w in words[:at] for i in w.ids]
    return [*before, *ids, *(i for w in words[at + 1 :] for i in w.ids)], list(
        range(len(before), len(before) + len(ids))
    )


def _total(logp: Tensor, ids: Sequence[int]) -> float:
    """Log-probability of a run from (places, V), its places taken as independent given the rest."""
    return float(sum(logp[k, i] for k, i in enumerate(ids))) if len(ids) else 0.0


def _exchange(at: int, own: int, logp: Tensor, confused: dict[int, tuple[int, ...]], usable: Tensor) -> _Candidate:
    """The best other word for one place, logp (V,)."""
    odds = logp - logp[own] - OTHER_COST
    odds[list(confused.get(own, ()))] += OTHER_COST
    odds[~usable], odds[own] = -torch.inf, -torch.inf
    best = int(odds.argmax())
    return _Candidate(at, (best,), float(odds[best]))


def _resized(
    judge: _Judge, words: Sequence[_Word], chosen: Sequence[int], own: dict[int, float], usable: Tensor
) -> list[_Candidate]:
    """Candidates with one place more, filled in turn from the surer place, and one place less.

    A longer run pays for its extra place by its own probability, and a shorter one profits from it.
    """
    rows, kinds = [], []
    for i in chosen:
        for size in (len(words[i].ids) + 1, len(words[i].ids) - 1):
            if size:
                rows.append(_row(words, i, [0] * size))
                kinds.append((i, size))
    first = judge.masked(rows)
    filled, again = [], []
    for (ids, places), table in zip(rows, first, strict=True):
        top = table.masked_fill(~usable, -torch.inf).max(-1)
        k = int(top.values.argmax())
        filled.append((k, int(top.indices[k]), float(top.values[k])))
        ids[places[k]] = filled[-1][1]
        again.append((ids, [p for p in places if p != places[k]]))
    second = judge.masked([row for row in again if row[1]])
    out, rest = [], iter(second)
    for (i, size), (k, value, logp), (_, open_) in zip(kinds, filled, again, strict=True):
        run = {k: value}
        if open_:
            table = next(rest).masked_fill(~usable, -torch.inf)
            top = table.max(-1)
            others = [p for p in range(size) if p != k]
            run |= dict(zip(others, top.indices.tolist(), strict=True))
            logp += float(top.values.sum())
        out.append(_Candidate(i, tuple(run[p] for p in range(size)), logp - own[i] - LENGTH_COST))
    return out


def _left_out(judge: _Judge, words: Sequence[_Word], chosen: Sequence[int]) -> list[_Candidate]:
    """Candidates that leave a word out, scored by how much surer its neighbours become without it."""
    rows, places = [], []
    for at in chosen:
        if len(words[at].ids) == 1 and len(words) > 1:
            near = [i for i in (at - 1, at + 1) if 0 <= i < len(words) and words[i].ids]
            without = [*words[:at], *words[at + 1 :]]
            rows += [_row(words, i, words[i].ids) for i in near]
            rows += [_row(without, i - (i > at), words[i].ids) for i in near]
            places.append((at, near))
    tables, out = iter(judge.masked(rows)), []
    for at, near in places:
        before = sum(_total(next(tables), words[i].ids) for i in near)
        after = sum(_total(next(tables), words[i].ids) for i in near)
        out.append(_Candidate(at, (), after - before - LENGTH_COST))
    return out


def _by_motion(judge: _Judge, words: Sequence[_Word], candidate: _Candidate, own: float) -> float:
    """Nats of a candidate's odds that the motion gives: odds with it less odds without it."""
    ids = words[candidate.word].ids
    rows = [_row(words, candidate.word, ids)] + ([_row(words, candidate.word, candidate.ids)] if candidate.ids else [])
    blind = judge.masked(rows, motion=False)
    gain = _total(blind[0], ids) - own
    if candidate.ids:
        gain += _total(judge.masked(rows[1:])[0], candidate.ids) - _total(blind[1], candidate.ids)
    return gain
