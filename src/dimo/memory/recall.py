"""Recall: training motions by what was said of them, so that a sentence about something rare has examples to go by.

A model of limited size, trained for limited time, knows walking well and clapping hardly. A motion whose caption is most
like a sentence votes for its codes where the model fills in a motion for it (neighbours.py): retrieval in the sense of
ReMoDiffuse (Zhang et al. 2023), without a trained part. The less like the caption is, the less the motion has to say.

One of them is drawn for each motion that is made: several at once are mixed into what none of them does (docs/log.md).

Likeness is the cosine of bags of word stems, each weighted by how few motions it is said of (tf-idf, Salton and Buckley 1988).
A sentence that is like no caption by its words is compared by what it means as well (meaning.py), and captions in which
something else is done (text/actions.py) count as less like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.memory import meaning
from dimo.memory.meaning import Meanings
from dimo.memory.neighbours import Neighbours
from dimo.model.sentence import SentenceEncoder
from dimo.text.actions import asks_the_same, done, same_voice, says_all
from dimo.text.tagger import lemma
from dimo.text.turns import turns
from dimo.text.verbs import third_person

CLIPS = 12  # of which one is drawn for a motion
SHARPNESS = 0.05  # likeness by which a clip may be less like than another that is drawn e times as often
UNLIKE, ALIKE = 0.7, 0.9  # likeness up to which a motion has no say, and from which it has all of it
SEARCHED = 200  # nearest motions whose lengths are looked at
FAMILIAR = 0.8
"""Likeness by words from which a caption says what a sentence says, if all that is done in it is done in the caption."""
MEANT = 0.5  # likeness by words and by meaning, half each, from which a caption is taken for what was meant
PLAIN = 0.25  # the same likeness, for a caption that says nothing but what the sentence says as well
UNLIKE_MEANT, ALIKE_MEANT = 0.45, 0.75  # the same likeness that stands for UNLIKE and for ALIKE
OTHERWISE = 0.6  # what is left of the likeness where something else is done
COMPARED = 3000  # captions, nearest first, of which what is done is compared
TENSORS = ("codes", "lengths", "captions", "counts", "words", "word_counts", "vocabulary")
VAGUE = frozenset(("something",))
"""What adds nothing to what a sentence says."""
UNSAID = frozenset(
    "a an the his her their its this that he she it they him them someone somebody person man woman figure human people"
    " is are was be been to of in on at with from by for into and then or as while who does do did one".split()
)
"""Words that say nothing of the motion."""


def words_of(text: str) -> list[str]:
    """The words of a sentence that say something of the motion, each once, in order."""
    return list(dict.fromkeys(word for word in re.findall("[a-z]+", text.lower()) if word not in UNSAID))


def stems(text: str) -> list[str]:
    """The stems of these words, each once, in order."""
    return list(dict.fromkeys(map(_stem, words_of(text))))


def _stem(word: str) -> str:
    stem = lemma(word, "VERB")
    if stem.endswith("ed") and len(stem) > 4:
        stem = stem[:-2] if stem[-3] != stem[-4] or stem[-3] in "ls" else stem[:-3]
    return stem


def sides(text: str) -> frozenset[str]:
    """The sides that a sentence names: left, right, both or neither of them."""
    return frozenset(re.findall(r"\b(left|right)(?:wards?)?\b", text.lower()))


@dataclass(frozen=True)
class Recalled:
    """A remembered motion (its number), the caption of it that is most like the sentence, and how like it is, 0 to 1."""

    clip: int
    caption: str
    likeness: float


class Recall:
    """Code sequences, one after the other in codes (N, Q) int16, of lengths (M,) stacks, and the captions of each."""

    def __init__(
        self,
        codes: Tensor,
        lengths: Tensor,
        captions: Sequence[Sequence[str]],
        indexed: _Words | None = None,
        meanings: Meanings | None = None,
    ):
        self.codes, self.lengths, self.captions = codes, lengths, [tuple(some) for some in captions]
        self._index, self.meanings = indexed or _Words.of(self._flat), meanings
        # One sentence is asked for several times on its way to a motion; each answer is looked for once.
        self._likeness = lru_cache(maxsize=meaning.SENTENCES)(self._compared)
        self.meant = lru_cache(maxsize=meaning.SENTENCES)(self._meant)
        self.is_familiar = lru_cache(maxsize=meaning.SENTENCES)(self._is_familiar)

    @staticmethod
    def of(
        sequences: Sequence[Tensor], captions: Sequence[Sequence[str]], encoder: SentenceEncoder | None = None
    ) -> Recall:
        """From sequences (L, Q) and the captions of each; without an encoder they are compared by their words alone."""
        lengths = torch.tensor([len(s) for s in sequences], dtype=torch.int32)
        meanings = None if encoder is None else Meanings.of([c for some in captions for c in some], encoder)
        return Recall(torch.cat(list(sequences)).to(torch.int16), lengths, captions, meanings=meanings)

    @staticmethod
    def from_file(
        path: Path, levels: int, codes: int, encoder: Callable[[], SentenceEncoder | None] = lambda: None
    ) -> Recall:
        """Read what state() gave; encoder gives the sentence encoder when it is needed.

        WeightsError for a file that is damaged or of another codec.
        """
        state = checkpoint.read_tensors(path)
        meant = {name: state.pop(name) for name in meaning.TENSORS if name in state}
        if set(state) != set(TENSORS) or len(meant) not in (0, len(meaning.TENSORS)):
            raise WeightsError(
                f"{path}: not a file of captioned motions; delete it, and dimo train memory makes it anew"
            )
        lengths, counts, words = state["lengths"], state["counts"], state["word_counts"]
        flat = _lines(state["captions"])
        index = _Words(
            _lines(state["vocabulary"]), state["words"].numpy().astype(np.int64), words.numpy().astype(np.int64)
        )
        if not (
            state["codes"].ndim == 2
            and state["codes"].shape[1] == levels
            and int(lengths.sum()) == len(state["codes"]) > 0
            and int(lengths.min()) > 0
            and 0 <= int(state["codes"].min()) <= int(state["codes"].max()) < codes
            and len(counts) == len(lengths)
            and int(counts.sum()) == len(flat) == len(words)
            and int(words.sum()) == len(state["words"])
            and (not len(index.words) or 0 <= int(index.words.min()) <= int(index.words.max()) < len(index.vocabulary))
        ):
            raise WeightsError(f"{path}: does not hold captioned motions in {levels} levels of {codes} codes")
        edges = np.concatenate([[0], counts.numpy().cumsum()])
        captions = [flat[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]
        try:
            meanings = Meanings.from_state(meant, len(flat), encoder) if meant else None
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from None
        return Recall(state["codes"], lengths, captions, index, meanings)

    def state(self) -> dict[str, Tensor]:
        """The tensors of a file of captioned motions."""
        return {
            "codes": self.codes,
            "lengths": self.lengths,
            "captions": _bytes(self._flat),
            "counts": torch.tensor([len(some) for some in self.captions], dtype=torch.int32),
            "words": torch.from_numpy(self._index.words).to(torch.int32),
            "word_counts": torch.from_numpy(self._index.counts).to(torch.int32),
            "vocabulary": _bytes(self._index.vocabulary),
            **(self.meanings.state() if self.meanings is not None else {}),
        }

    def nearest(self, text: str, count: int) -> list[Recalled]:
        """The motions whose captions are most like a sentence, best first; those that share nothing with it are left out, and
        those of somebody who suffers what the sentence does."""
        likeness = self._likeness(text)
        best: dict[int, Recalled] = {}
        for at in np.argsort(-likeness, kind="stable"):
            if likeness[at] <= 0 or len(best) == count:
                break
            clip = int(self._of[at])
            if clip not in best and same_voice(self._flat[at], text):
                best[clip] = Recalled(clip, self._flat[at], float(likeness[at]))
        return list(best.values())

    def _meant(self, text: str) -> str:
        """The caption that asks for the same as a sentence in other words, or the sentence, which may be familiar as it is."""
        if self.is_familiar(text) or self.meanings is None:
            return text
        likeness, tried = self._mixed(text), set[int]()
        if likeness is None:
            return text
        bounds = np.where(self._says_no_more(text), PLAIN, MEANT)
        nearest = np.argsort(-likeness, kind="stable")[:COMPARED]
        for at in nearest[likeness[nearest] >= bounds[nearest]]:
            number, caption = int(self.meanings.phrases[at]), self._flat[at]
            if number not in tried and asks_the_same(caption, text, self.knows):
                return caption
            tried.add(number)
        return text

    def _is_familiar(self, text: str) -> bool:
        """Whether a caption says all that a sentence says is done, in nearly the same words."""
        near = {self._flat[at] for at in np.flatnonzero(self._by_words(text) >= FAMILIAR)}
        wanted = len(turns(text))
        return any(len(turns(caption)) >= wanted and says_all(caption, text, self.knows) for caption in near)

    def knows(self, word: str) -> bool:
        """Whether a motion was described with a word, or another form of it."""
        said = (stems(form) for form in (word, third_person(word)))  # by its stem "lies" is no form of "lie"
        return any(all(stem in self._index.numbers for stem in some) for some in said)

    def votes(self, text: str, open_: Tensor, generator: torch.Generator) -> Neighbours | None:
        """What one of the nearest motions holds where open_ (L,) is True, one stretch of a row; None where none is like.

        Where the sentence names a side, only motions of that side are asked: by words alone left is nearly right. A motion
        that is longer than the stretch shows part of what was said of it, and is as much less like; it stands there
        from its beginning or with its end at the end. A shorter one stands anywhere.
        """
        places, named = open_.nonzero()[:, 0], sides(text)
        found = [one for one in self.nearest(text, SEARCHED) if not named or sides(one.caption) == named]
        if not found or not len(places):
            return None
        first, steps = int(places[0]), int(places[-1]) + 1 - int(places[0])
        fits = [(one.likeness * min(1.0, steps / int(self.lengths[one.clip])), one.clip) for one in found]
        fits = sorted(fits, key=lambda fit: -fit[0])[:CLIPS]
        likeness = torch.tensor([like for like, _ in fits])
        at = int(torch.multinomial(((likeness - likeness[0]) / SHARPNESS).exp(), 1, generator=generator))
        share = float(((likeness[at] - UNLIKE) / (ALIKE - UNLIKE)).clamp(0, 1))
        if share == 0:
            return None
        codes = self._sequence(fits[at][1])
        room = abs(steps - len(codes))
        where = int(torch.randint(room + 1, (), generator=generator))
        row = torch.full((len(open_), codes.shape[1]), -1)
        if len(codes) > steps:
            start = room if 2 * where > room else 0
            row[first : first + steps] = codes[start : start + steps]
        else:
            row[first + where : first + where + len(codes)] = codes
        return Neighbours(row[None], torch.ones(1), open_, share=share)

    def _sequence(self, clip: int) -> Tensor:
        stop = int(self._stops[clip])
        return self.codes[stop - int(self.lengths[clip]) : stop].long()

    def _compared(self, text: str) -> np.ndarray:
        """How like the captions (C,) are to a sentence. _likeness is this, remembered."""
        by_words = self._by_words(text)
        mixed = None if by_words.max(initial=0.0) >= FAMILIAR else self._mixed(text)
        if mixed is None or self.meanings is None:
            return by_words
        agree: dict[int, bool] = {}
        for at in np.argsort(-mixed, kind="stable")[:COMPARED]:
            number = int(self.meanings.phrases[at])
            if number not in agree:
                agree[number] = says_all(self._flat[at], text, self.knows)
            if not agree[number]:
                mixed[at] *= OTHERWISE
        scale = (ALIKE - UNLIKE) / (ALIKE_MEANT - UNLIKE_MEANT)
        return np.clip(UNLIKE + scale * (mixed - UNLIKE_MEANT), 0, 1)

    def _mixed(self, text: str) -> np.ndarray | None:
        """(C,) means of the cosines by words and by meaning; None where meanings are not known."""
        meant = None if self.meanings is None else self.meanings.likeness(text)
        return None if meant is None else (self._by_words(text) + meant) / 2

    def _by_words(self, text: str) -> np.ndarray:
        """(C,) cosines of the captions with a sentence. A word that no caption has weighs as much as one of a single motion."""
        asked, index, squares = stems(text), self._index, self._squares
        known = [index.numbers[word] for word in asked if word in index.numbers]
        wanted = np.zeros(len(squares))
        wanted[known] = squares[known]
        shared = np.bincount(index.captions, wanted[index.words], len(index.counts))
        asking = wanted.sum() + (len(asked) - len(known)) * squares.max(initial=1.0)
        return shared / np.sqrt(np.maximum(self._sizes * asking, 1e-12))

    def _says_no_more(self, text: str) -> np.ndarray:
        """(C,) whether a sentence says what is done, and has every word of a caption that says something, in any form."""
        index = self._index
        said = np.isin(index.vocabulary, [*stems(text), *VAGUE])
        return (np.bincount(index.captions, ~said[index.words], len(index.counts)) == 0) & bool(done(text))

    @cached_property
    def _stops(self) -> Tensor:
        return self.lengths.long().cumsum(0)

    @cached_property
    def _flat(self) -> list[str]:
        return [c for some in self.captions for c in some]

    @cached_property
    def _of(self) -> np.ndarray:
        """The motion of each caption."""
        return np.repeat(np.arange(len(self.captions)), [len(some) for some in self.captions])

    @cached_property
    def _squares(self) -> np.ndarray:
        """Of each stem the square of its weight: the logarithm of how many motions there are for one that it is said of."""
        room = len(self._index.vocabulary)
        pairs = np.unique(np.repeat(self._of, self._index.counts) * room + self._index.words)
        said = np.bincount(pairs % room, minlength=room)
        return (np.log(len(self.captions) / np.maximum(said, 1)) + 0.1) ** 2

    @cached_property
    def _sizes(self) -> np.ndarray:
        """Squared lengths (C,) of the captions."""
        return np.bincount(self._index.captions, self._squares[self._index.words], len(self._index.counts))


@dataclass(frozen=True)
class _Words:
    """The stems of captions, one caption after the other: words (W,) of the vocabulary, counts of them (C,)."""

    vocabulary: list[str]
    words: np.ndarray
    counts: np.ndarray

    @staticmethod
    def of(captions: Sequence[str]) -> _Words:
        """From the captions themselves."""
        numbers: dict[str, int] = {}
        rows = [[numbers.setdefault(word, len(numbers)) for word in stems(caption)] for caption in captions]
        flat = np.array([n for row in rows for n in row], np.int64)
        return _Words(list(numbers), flat, np.array([len(row) for row in rows], np.int64))

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.vocabulary)}

    @cached_property
    def captions(self) -> np.ndarray:
        """The caption (W,) of each of the words."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def _bytes(lines: Sequence[str]) -> Tensor:
    return torch.frombuffer(bytearray("\n".join(lines).encode()), dtype=torch.uint8).clone()


def _lines(values: Tensor) -> list[str]:
    return values.numpy().tobytes().decode("utf-8", "replace").split("\n")
