"""What is done by its other names: who asks for "boots the ball" or "hangs a left" means what captions call kicks and turns left.

A table (synonyms.txt) says both ways: plainly() finds the word that captions have, for what is asked; otherwise() finds
another name for what a caption says is done, so that a model learns from words that nobody wrote of a recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np

from dimo.text.verbs import ENDS, Clauses, ending, gerund, past, third_person

PLACES: Mapping[str, tuple[str, ...]] = {
    "side": ("left", "right"),
    "part": (
        *(f"{side} {limb}" for side in ("left", "right") for limb in ("hand", "arm", "leg")),
        "hand",
        "arm",
        "hands",
        "arms",
    ),
    "parts": ("hands", "arms"),
}
THING = frozenset(
    "a an the his her their your my its this that something somebody someone it them one some two three both".split()
)
"""Words with which something that is named begins."""
_BEFORE = frozenset(
    "a an the his her their your my its this that of in on at with from by for into onto over under two three four five six some "
    "many few several no one left right big small little quick slow long short high low good".split()
)
"""Words behind which there is no verb: a stroll, three bounces, in boots."""
_ORDERED = frozenset("to and then please they i you we him them me not must should can will or".split())
"""Words behind which a verb stands in its base form: head to the door, and not the head to the side."""
_OWN = frozenset("his her their your my".split())
_SELVES = frozenset("himself herself themselves themself yourself myself".split())
_FORMS: tuple[Callable[[str], str], ...] = (str, third_person, gerund, past)


def plainly(text: str) -> str:
    """A sentence in plain form (text.normalise) with what is done called as captions call it, as far as the table knows."""
    words, said = text.split(), list[str]()
    at = 0
    while at < len(words):
        found = _called(words, at)
        taken, instead = found if found else (1, [words[at]])
        said += instead
        at += taken
        if found and at < len(words) and words[at].rstrip(ENDS) == said[-1]:
            said[-1], at = words[at], at + 1  # "duck down" is called crouching down
    return " ".join(said)


def otherwise(found: Clauses, generator: np.random.Generator, share: float) -> Clauses:
    """Clauses with what is done called by another name, `share` of what has one; nothing is drawn for a share of 0."""
    words, verbs = list[str](), dict[int, str]()
    at = 0
    while at < len(found.words):
        verb = found.verbs.get(at)
        if verb is not None:
            verbs[len(words)] = verb
        names = [] if verb is None or not share else _names(verb, found.words[at:])
        taken, instead = 1, found.words[at]
        if names and generator.random() < share:
            taken, instead = names[int(generator.integers(len(names)))]
            verbs[len(words)] = instead.split()[0]
            instead += ending(found.words[at + taken - 1])
        words += instead.split()
        at += taken
    return Clauses(tuple(words), verbs)


def _stands(pattern: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words begin with those of a pattern, which are followed by something that is named exactly if it ends so."""
    thing = pattern[-1:] == ["*"]
    plain = pattern[:-1] if thing else pattern
    if len(words) < len(plain) + thing or any(map(ending, words[: len(plain) - 1])):
        return False
    if not all(map(_is, plain, words)):
        return False
    follows = words[len(plain)] if len(words) > len(plain) and not (plain and ending(words[len(plain) - 1])) else ""
    return (follows.rstrip(ENDS) in THING) == thing


def _is(wanted: str, word: str) -> bool:
    bare = word.rstrip(ENDS)
    return bare in _OWN if wanted == "their" else bare in _SELVES if wanted == "themselves" else bare == wanted


def _names(verb: str, words: Sequence[str]) -> list[tuple[int, str]]:
    """How many words of a clause say what is done, and what else that is called; of the most words that the table has."""
    fits = [(said, other) for said, other in _by_caption().get(verb, ()) if _stands(said, words[1:])]
    most = max((len(said) for said, _ in fits), default=0)
    return [(1 + len(said) - (said[-1:] == ["*"]), other) for said, other in fits if len(said) == most]


def _called(words: Sequence[str], at: int) -> tuple[int, list[str]] | None:
    """How many words from a place on are another name for what is done, and what captions say; None where they are none."""
    before = words[at - 1].rstrip(ENDS) if at else ""
    best: tuple[int, list[str]] | None = None
    for other, said, is_base in _by_name().get(words[at].rstrip(ENDS), ()):
        stands = not at or (before in _ORDERED or bool(ending(words[at - 1])) if is_base else before not in _BEFORE)
        described = len(other) > 2 and other[1] in ("a", "an") and not _stands(other, words[at:])
        if described and len(words) > at + 2:  # "throw a quick jab" is throwing a jab
            other = [*other[:2], words[at + 2], *other[2:]]
        taken = len(other) - (other[-1] == "*")
        if stands and (best is None or taken > best[0]) and _stands(other, words[at:]):
            whose = [word for word in words[at : at + taken] if word.rstrip(ENDS) in _OWN]
            instead = [whose[0].rstrip(ENDS) if whose and word == "their" else word for word in said]
            best = taken, [*instead[:-1], instead[-1] + ending(words[at + taken - 1])]
    return best


@cache
def lines() -> list[str]:
    """The lines of the table: what captions say, a colon, what else it is called."""
    text = files("dimo.text").joinpath("synonyms.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@cache
def _pairs() -> list[tuple[list[str], list[str]]]:
    """What captions say, and what else it is called, of all lines."""
    pairs: list[tuple[list[str], list[str]]] = []
    for line in lines():
        said, others = line.split(": ")
        used = [name for name in PLACES if f"{{{name}}}" in said]
        for values in product(*(PLACES[name] for name in used)):
            places = dict(zip(used, values, strict=True))
            pairs += [(said.format(**places).split(), other.format(**places).split()) for other in others.split(", ")]
    return pairs


@cache
def _by_caption() -> dict[str, list[tuple[list[str], str]]]:
    """Of the verb of what captions say: the words behind it, and another name."""
    table: dict[str, list[tuple[list[str], str]]] = {}
    for said, other in _pairs():
        table.setdefault(said[0], []).append((said[1:], " ".join(word for word in other if word != "*")))
    return table


@cache
def _by_name() -> dict[str, list[tuple[list[str], list[str], bool]]]:
    """Of the first word of another name, in each of its forms: the name, what captions say in that form, whether it is the base."""
    table: dict[str, list[tuple[list[str], list[str], bool]]] = {}
    # What captions say stays, also where it begins as a name does.
    own = {" ".join(said): (said, said) for said, _ in _pairs()}
    for said, other in (*own.values(), *_pairs()):
        for form in _FORMS:
            first = form(other[0])
            captioned = [form(said[0]), *(word for word in said[1:] if word != "*")]
            table.setdefault(first, []).append(([first, *other[1:]], captioned, first == other[0]))
    return table
