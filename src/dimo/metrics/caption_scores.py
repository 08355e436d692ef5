"""Numbers on captions: BLEU, ROUGE-L, CIDEr, BERTScore, in the two forms of references that papers mix up.

Written from the formulas, with the constants of the COCO caption evaluation (`pycocoevalcap`), whose numbers they equal
by test; that package is no dependency, because it states no licence. A guess is one list of words, its references several.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dimo.errors import RequestError
from dimo.text import tagger

Words = list[str]
Protocol = Literal["raw", "lemmatised"]
Encode = Callable[[Sequence[str]], Sequence[np.ndarray]]
"""Texts to the states (T, D) of their words in context."""

TINY, SMALL = 1e-15, 1e-9
"""What the COCO code adds to counts above and below a fraction, so that no match gives a tiny BLEU instead of an error."""
ROUGE_BETA = 1.2
CIDER_SIGMA = 6.0
REFERENCES = 3
"""Captions a clip has in the lemmatised protocol: a fourth is dropped, fewer are repeated."""


@dataclass(frozen=True)
class CaptionScores:
    """Corpus scores between 0 and 1 (CIDEr: 0 to 10), and what they were measured against."""

    protocol: str
    bleu: tuple[float, float, float, float]  # BLEU@1 to @4
    rouge_l: float
    cider: float


# ---- the two forms


def raw(caption: str) -> Words:
    """Words as written: lower case; apostrophes vanish, all other punctuation and hyphens part words."""
    return re.findall(r"[^\W_]+", re.sub(r"['\u2019]", "", caption.lower()))


def lemmatised(caption: str) -> Words:
    """Base forms as in HumanML3D's text files: hyphens vanish, only alphabetic words stay, nouns and verbs
    become lemmas except "left". Ours is dimo's small tagger; the published files used spaCy, so words can differ."""
    words, previous = [], ""
    for word in re.findall(r"[a-z]+", caption.lower().replace("-", "")):
        previous = tagger.tag(word, previous)
        words.append(tagger.lemma(word, previous))
    return words


def three(references: Sequence[Words]) -> list[Words]:
    """TM2T's references: the first three captions, repeated in turn where there are fewer."""
    if not references:
        raise RequestError("a clip without a caption has no references")
    return [references[i % len(references)] for i in range(REFERENCES)]


def score_captions(guesses: Sequence[str], references: Sequence[Sequence[str]], protocol: Protocol) -> CaptionScores:
    """All n-gram scores of captions against each clip's references.

    "raw" compares words as written with every reference; "lemmatised" is TM2T's: base forms on both sides, three references.
    Numbers of the two must not be compared, nor with papers that do not say which they used.
    """
    if protocol == "raw":
        mine = [raw(g) for g in guesses]
        theirs = [[raw(r) for r in group] for group in references]
        name = "raw references, lower case, no punctuation"
    elif protocol == "lemmatised":
        mine = [lemmatised(g) for g in guesses]
        theirs = [three([lemmatised(r) for r in group]) for group in references]
        name = "lemmatised references (dimo's tagger), three a clip"
    else:
        raise RequestError(f"no text protocol {protocol!r}; there are raw, lemmatised")
    return CaptionScores(name, bleu(mine, theirs), rouge_l(mine, theirs), cider(mine, theirs))


# ---- n-grams


def ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    """How often each run of n words occurs."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def bleu(guesses: Sequence[Words], references: Sequence[Sequence[Words]]) -> tuple[float, float, float, float]:
    """BLEU@1 to @4 of a corpus (Papineni et al. 2002, section 2.3).

    Geometric mean of clipped n-gram precisions over the corpus, times exp(1 - r / c) where the guesses (c words) are shorter
    than, guess by guess, the reference nearest in length (r words; the shorter of two equally near).
    """
    _check(guesses, references)
    hits, total, nearest = np.zeros(4), np.zeros(4), 0
    for guess, group in zip(guesses, references, strict=True):
        for n in range(4):
            allowed: Counter[tuple[str, ...]] = Counter()
            for reference in group:
                allowed |= ngrams(reference, n + 1)  # the largest count in any one reference
            hits[n] += (ngrams(guess, n + 1) & allowed).total()
            total[n] += max(0, len(guess) - n)
        nearest += min((abs(len(r) - len(guess)), len(r)) for r in group)[1]
    precision = np.cumprod((hits + TINY) / (total + SMALL)) ** (1 / np.arange(1, 5))
    ratio = (sum(map(len, guesses)) + TINY) / (nearest + SMALL)
    one, two, three_, four = precision * (math.exp(1 - 1 / ratio) if ratio < 1 else 1.0)
    return float(one), float(two), float(three_), float(four)


def longest_common(a: Words, b: Words) -> int:
    """Length of the longest common subsequence, one row of the table at a time."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = row
        row = [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if word == other else max(row[j], before[j + 1]))
    return row[-1]


def rouge_l(guesses: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """Mean ROUGE-L (Lin 2004, section 3) with the COCO code's beta of 1.2.

    As there, precision and recall are the best over the references separately, possibly of two different ones.
    """
    _check(guesses, references)
    scores = []
    for guess, group in zip(guesses, references, strict=True):
        common = [longest_common(guess, reference) for reference in group]
        precision = max(common) / max(1, len(guess))
        recall = max(c / max(1, len(r)) for c, r in zip(common, group, strict=True))
        weight = ROUGE_BETA**2
        scores.append((1 + weight) * precision * recall / (recall + weight * precision) if precision else 0.0)
    return float(np.mean(scores))


def cider(guesses: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """CIDEr as the COCO code computes it: its class `Cider`, which is CIDEr-D of Vedantam et al. 2015 (equations 6 and 7).

    Cosine of tf-idf vectors for n-grams of 1 to 4 words, with the guess's weights clipped to the reference's and a Gaussian
    penalty (sigma 6) on the difference in length; mean over n and references, times 10. A term's frequency is its count;
    its idf is log of clips over clips whose references hold it. So a corpus of one clip scores 0.
    """
    _check(guesses, references)
    seen: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(4)]
    for group in references:
        for n in range(4):
            seen[n].update({g for reference in group for g in ngrams(reference, n + 1)})
    idf = [{g: math.log(len(references) / count) for g, count in table.items()} for table in seen]
    rare = math.log(len(references))  # of what no reference holds

    def vector(words: Words, n: int) -> dict[tuple[str, ...], float]:
        return {g: count * idf[n].get(g, rare) for g, count in ngrams(words, n + 1).items()}

    scores = []
    for guess, group in zip(guesses, references, strict=True):
        mine = [vector(guess, n) for n in range(4)]
        for reference in group:
            # The code compares numbers of word pairs, which differ as the numbers of words do unless a text is empty.
            gap = max(0, len(guess) - 1) - max(0, len(reference) - 1)
            like = np.mean([_clipped_cosine(mine[n], vector(reference, n)) for n in range(4)])
            scores.append(10 * float(like) * math.exp(-(gap**2) / (2 * CIDER_SIGMA**2)) / len(group))
    return sum(scores) / len(guesses)


def _clipped_cosine(guess: dict[tuple[str, ...], float], reference: dict[tuple[str, ...], float]) -> float:
    norm = math.hypot(*guess.values()) * math.hypot(*reference.values())
    return (
        sum(min(guess[g], reference[g]) * reference[g] for g in guess.keys() & reference.keys()) / norm if norm else 0.0
    )


def _check(guesses: Sequence[Words], references: Sequence[Sequence[Words]]) -> None:
    if len(guesses) != len(references) or not len(guesses):
        raise RequestError(
            f"{len(guesses)} captions cannot be scored against the references of {len(references)} clips"
        )
    for i, group in enumerate(references):
        if not group:
            raise RequestError(f"clip {i} has no reference captions")


# ---- meaning


@dataclass(frozen=True)
class BertScore:
    """Means over captions, each against the reference that gives the best F1; `encoder` says what they were made with."""

    encoder: str
    precision: float
    recall: float
    f1: float


def bert_score(guesses: Sequence[str], references: Sequence[Sequence[str]], encode: Encode, name: str) -> BertScore:
    """BERTScore by greedy matching (Zhang et al. 2020, section 3) over the word states that `encode` gives.

    No idf weights and no rescaling with a baseline, so numbers lie close together and high, and with another encoder than
    roberta-large they are not comparable with published ones: `encoder` in the result says so. An empty text scores 0.
    """
    _check([raw(g) for g in guesses], [[raw(r) for r in group] for group in references])
    texts = sorted({*guesses, *(r for group in references for r in group)})
    states = {t: _unit(np.asarray(s, np.float64)) for t, s in zip(texts, encode(texts), strict=True)}
    rows = []
    for guess, group in zip(guesses, references, strict=True):
        rows.append(max((_match(states[guess], states[r]) for r in group), key=lambda row: row[2]))
    precision, recall, f1 = np.mean(rows, axis=0)
    label = f"{name}, greedy matching, no idf, no rescaling: not comparable with published BERTScore"
    return BertScore(label, float(precision), float(recall), float(f1))


def _match(guess: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of unit states (T, D) and (S, D)."""
    if not len(guess) or not len(reference):
        return 0.0, 0.0, 0.0
    like = guess @ reference.T
    precision, recall = float(like.max(1).mean()), float(like.max(0).mean())
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total > 0 else 0.0


def _unit(states: np.ndarray) -> np.ndarray:
    return states / np.maximum(np.linalg.norm(states, axis=-1, keepdims=True), 1e-12)
