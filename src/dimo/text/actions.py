"""What a sentence says is done, and the details that make it another motion: whether a caption asks for the same.

"A boxer ducks under a punch" and "a person ducks" are about one motion, though most of their words differ; "a person walks up
the stairs" and "a person walks down the stairs" are not, though most of them are the same.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from dimo.text.asking import MOODS
from dimo.text.turns import turns
from dimo.text.verbs import BASES, GERUNDS, PASTS, THIRDS

LIGHT = frozenset(
    "do make perform get go give have take begin start continue keep come use act pretend appear exercise practice practise "
    "hold".split()
)
"""Verbs that leave it to another word what is done: does a squat, takes a drink, starts walking."""
_PARTS = {
    one: part
    for part in (
        *("hand", "arm", "leg", "knee", "toe", "elbow", "hip", "finger", "wrist", "ankle", "heel"),
        *("shoulder", "head", "stomach", "chest"),
    )
    for one in (part, part + "s")
} | {"foot": "foot", "feet": "foot"}
_WAYS = {
    **{way: way for way in ("left", "right", "clockwise", "sideways", "diagonally")},
    **dict.fromkeys(("forward", "forwards", "ahead"), "forward"),
    **dict.fromkeys(("backward", "backwards"), "backward"),
    **dict.fromkeys(("counterclockwise", "counter-clockwise", "anticlockwise", "anti-clockwise"), "counterclockwise"),
    **dict.fromkeys(("leftward", "leftwards"), "left"),
    **dict.fromkeys(("rightward", "rightwards"), "right"),
}
_HOW = {
    **{how: how for how in ("slowly", "once", "twice", "two", "three", "four", "five")},
    **dict.fromkeys(("quickly", "fast", "briskly"), "quickly"),
}
_DETAILS = {**_PARTS, **_WAYS, **_HOW}
_FEELINGS = MOODS - frozenset("big huge tiny little heavy strong weak fat".split())
"""Moods that stand behind the verb as well; a big man is one, a big circle is none."""
_OPPOSITES = (("up", "down"), ("upstairs", "downstairs"), ("left", "right"), ("forward", "backward"))
_SIDES = frozenset(("left", "right"))
_PLURAL = frozenset("two hands arms legs feet knees".split())
_EXERCISES = frozenset("jacks push-ups sit-ups lunges cartwheel cartwheels somersault handstand".split())
"""Nouns that say what is done, behind whatever verb."""
_TOLD = (THIRDS, GERUNDS, PASTS)
_DONE_TO = {
    **{verb + "ed": verb for verb in "attack bump jerk kick knock pull punch push tackle toss yank".split()},
    **{verb + verb[-1] + "ed": verb for verb in ("drag", "grab", "slap", "stab", "tug")},
    "caught": "catch",
    "hit": "hit",
    "hurt": "hurt",
    "shot": "shoot",
    "shoved": "shove",
    "struck": "strike",
    "thrown": "throw",
    "flung": "fling",
    "tripped": "trip",
}
"""What is done to somebody by others, and looks otherwise than doing it."""
_SUFFERED = re.compile(rf"\b(?:is|are|was|were|be|been|being|gets?|got|getting) (?:\w+ly )?({'|'.join(_DONE_TO)})\b")
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")


def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without what stands between them."""
    return tuple(_WORD.findall(text.lower()))


def done(text: str) -> frozenset[str]:
    """The verbs, in their base forms, that say what somebody does: those in the third person that are not light."""
    return frozenset(_finite(text))


def told(text: str) -> frozenset[str]:
    """The verbs of a text in any form but the base one, in which many are nouns as well."""
    return frozenset(_verbs(text))


@lru_cache(maxsize=65536)
def _finite(text: str) -> tuple[str, ...]:
    return tuple(verb for verb in _found(text, (THIRDS,)) if verb not in LIGHT)


@lru_cache(maxsize=65536)
def _verbs(text: str) -> tuple[str, ...]:
    """The verbs that are told, in order and as often as they stand there: stops, and runs again."""
    return _found(text, _TOLD)


def _in_order(text: str) -> tuple[str, ...]:
    """What a text says is done, in its order: verbs, and where one of them is light the nouns of deeds as well."""
    return _found(text, (*_TOLD, BASES)) if told(text) & LIGHT else _verbs(text)


def _found(text: str, tables: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The base forms of those words that one of the tables has, from the first one that has them."""
    forms = (next((table[word] for table in tables if word in table), None) for word in words(text))
    return tuple(verb for verb in forms if verb is not None)


def _deeds(text: str) -> frozenset[str]:
    """Nouns for what is done: a long drink, a circle, a punch. Behind "the" they are things as often: the show."""
    found = words(text)
    behind = (word for at, article in enumerate(found) if article in ("a", "an") for word in found[at + 1 : at + 3])
    return frozenset(BASES[word] for word in behind if word in BASES)


def details(text: str) -> frozenset[str]:
    """Sides and ways, parts of the body, speeds, numbers, and moods of whoever moves, each in one form."""
    found = words(text)
    before = MOODS.intersection(itertools.takewhile(lambda word: word not in THIRDS, found))
    return frozenset(_DETAILS[word] for word in found if word in _DETAILS).union(before, _FEELINGS.intersection(found))


@lru_cache(maxsize=65536)
def suffered(text: str) -> frozenset[str]:
    """The verbs, in their base forms, that say what others do to somebody: is knocked down, gets hit."""
    return frozenset(_DONE_TO[word] for word in _SUFFERED.findall(text.lower()))


def same_voice(caption: str, asked: str) -> bool:
    """Whether nobody suffers in one of them what they do in the other: who knocks on a door is not knocked down."""
    there, meant = suffered(caption), suffered(asked)
    if not there and not meant:
        return True
    shown, wanted = (frozenset(_found(text, (THIRDS, GERUNDS))) for text in (caption, asked))
    return not ((there - shown) & wanted or (meant - wanted) & shown)


def says_all(caption: str, asked: str, known: Callable[[str], bool]) -> bool:
    """Whether a caption has every verb that a sentence says is done, in its order, as far as they are known.

    As verbs, or behind a light one: "does a squat" has squat, "a place in the sun" has no place.
    """
    if not same_voice(caption, asked):
        return False
    wanted = [verb for verb in _finite(asked) if known(verb)]
    there = iter(_in_order(caption))
    return len(wanted) <= len(_verbs(caption)) and all(verb in there for verb in wanted)


def asks_the_same(caption: str, asked: str, known: Callable[[str], bool]) -> bool:
    """Whether whoever asks for one may be shown the other: the same is done, and no detail that is known gets lost.

    known: whether captions have a word at all; what none of them has can be kept by none.
    """
    if not says_all(caption, asked, known) or len(turns(caption)) < len(turns(asked)):
        return False
    spoken, said = frozenset(words(asked)), frozenset(words(caption))
    more = told(caption) - LIGHT - told(asked).union(BASES[word] for word in spoken if word in BASES)
    if len(more) > sum(not known(verb) for verb in done(asked)) or len(_verbs(caption)) > len(_verbs(asked)):
        return False  # the caption goes on to something else, and has not just another word for what no caption has
    if "again" in said - spoken or not all(
        deed in told(caption) or deed in said for deed in _deeds(asked) if known(deed)
    ):
        return False
    if ("both" in said - spoken and not _PLURAL & spoken) or (said ^ spoken) & _EXERCISES:
        return False
    if any((a in spoken and b in said - spoken) or (b in spoken and a in said - spoken) for a, b in _OPPOSITES):
        return False
    wanted, kept = details(asked), details(caption)
    if wanted & _SIDES != kept & _SIDES:
        return False
    return all(detail in kept | said for detail in wanted if known(detail))
