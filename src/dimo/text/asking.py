"""What is asked, said as captions say it.

The model learns from captions: "a person waves with the right hand". People also write "the paladin is waving", "wave", "make
her wave", "she waved". as_caption says these as a caption would; a sentence that is one already, or that has a form which
isn't known here, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dimo.text.deeds import DEEDS, as_verb
from dimo.text.normalise import normalise
from dimo.text.people import is_known, is_name, is_person
from dimo.text.synonyms import plainly
from dimo.text.verbs import BASES, ENDS, GERUNDS, PASTS, THIRDS, clauses, leads, third_person

_CAPTION = re.compile(r"^(?:(?:a|the|this) (?:person|man|woman|figure|human|subject|sim)|someone|somebody)$")
"""Subjects of the training captions: a sentence about one of them, in the third person, is a caption."""
_FRAME = re.compile(
    r"^(?=\S)(?:please )?(?:(?:can|could|would) you )?(?:please )?"
    r"(?:(?:show|give)(?: me)? |generate |create |i (?:want|need|would like)(?: to see)? |i see )?"
    r"(?:(?:an? )?(?:(?:idle|walk|run|short|simple) )?"
    r"(?:animation|clip|video|motion|movie|recording|loop|cycle) (?:of|where|in which) )?(?:make |let |animate )?"
)
_SHORTENED = re.compile(r"^(?:(he|she)'s|(they|we|you)'re|(i)'m)\b")
_PRONOUNS = frozenset("he she they i we you him her them me".split())
_ARTICLES = frozenset("a an the this that my your our his her their one some".split())
MOODS = frozenset(
    "old older elderly young younger tired exhausted weary sleepy lazy energetic active lively happy joyful cheerful excited sad "
    "depressed dejected gloomy angry furious mad aggressive calm relaxed bored nervous anxious scared afraid frightened shy timid "
    "proud confident drunk drunken tipsy dizzy sick ill injured wounded hurt crippled limping lame weak strong heavy fat obese "
    "big huge tiny little childish feminine masculine macho graceful elegant clumsy sneaky cautious careful hurried robotic "
    "pregnant blind".split()
)
"""What is said of somebody that may change how they move; other words about them do not."""
_STATES = frozenset("is are was were am be being".split())
_HELPERS = _STATES | frozenset("to should will can must could would".split())
_BEGINNINGS = frozenset("starts begins keeps starting beginning keeping".split())
"""Helpers of which a caption about somebody may make use, too."""
_NOT_ADJECTIVES = frozenset(
    "and or of in on at to from with by for into over while as like who that which two three four both all several many few "
    "no left right hand hands arm arms leg legs foot feet knee knees head body not".split()
)
_BEHIND = frozenset(
    "in on at to from with by for into onto over under up down across through around along towards toward back backward backwards "
    "forward forwards ahead away sideways left right while as like and then once twice again slowly quickly fast the a an his her "
    "their its very off out before after without against".split()
)
"""What may follow "a walking" for it to be somebody who walks, and not a walking person."""
_ARTICLE = re.compile(r"^(?:an?|the|one|some) ")
_THEIRS = {"your": "their", "my": "their", "yourself": "themselves", "myself": "themselves"}
_WHOSE = re.compile(rf"\b(?:{'|'.join(_THEIRS)})\b")
"""Whose body the sentence speaks of, where it speaks to somebody or of oneself."""
FIRST = 6
"""Words among which the first verb must stand."""
_CLIP = re.compile(r"^(\w+(?: \w+){0,2}) (?:cycles?|anim(?:ation)?s?|loop|clip|idle)$")
"""A short name of a clip, with a word behind it that only says so."""
_DONE_TO = re.compile(
    r"^(?:hit|shot|struck|punched|kicked|slapped|pushed|shoved|knocked|thrown|tackled|stabbed|pulled|dragged|tripped)"
    r" (?:by|in the|on the|from|down|over|back|backwards?|off|out|to the)\b"
)
"""What is done to somebody who is not named: "shot in the chest"."""
_UPRIGHT = re.compile(r"(?<=\w)(?:,| while| whilst)\s+standing(?: up| upright)?[.!]*$", re.IGNORECASE)
"""How somebody does it who is on the feet, as everybody is: no rising from a chair."""


def as_caption(text: str) -> str:
    """The sentence as a caption says it, in plain form (text.normalise) where it is changed."""
    given = normalise(text)
    plain = _SHORTENED.sub(lambda m: f"{m[1] or m[2] or m[3]} {'is' if m[1] else 'are'}", given)
    plain = re.sub(r"^don't\b", "do not", plain)
    if _DONE_TO.match(plain):
        return f"a person is {plain}"
    if named := _CLIP.match(plain):
        if (noun := as_verb(plain.split(), MOODS)) is not None:
            return noun
        if _table(named[1].split()[0]) is not None:
            plain = named[1]  # "sitting idle", "getting up animation"
    told = any(word.rstrip(ENDS) in THIRDS for word in plain.split())
    said = None if told else _noun(plain, frozenset())
    said = _clause(plain) if said is None else said
    before, comma, rest = plain.partition(", ")
    if said is None and comma and _begins_with_somebody(rest):
        led = _clause(rest)  # "in the evening, a baker waves"
        said = led and f"{before}, {led}"
    if said is None and not told:
        said = _noun(plain)
    return text if said is None or said == given else _WHOSE.sub(lambda m: _THEIRS[m[0]], said)


def in_plain_words(text: str) -> str:
    """The sentence as a caption says it, with what is done called as captions call it (text/synonyms.py)."""
    text = _UPRIGHT.sub("", text)
    given = normalise(text)
    plain = plainly(given)
    told = as_caption(text)
    if plain == given or (told != text and _noun(given, frozenset()) is not None):  # "crouch walk" is no crouching down
        return told
    said = as_caption(plain)
    before, joined, again = said.rpartition(" and ")
    twice = joined and again.rstrip(ENDS) in before  # "turn around and face the other way"
    return before if twice else said


def _noun(plain: str, deeds: frozenset[str] = DEEDS) -> str | None:
    return as_verb(_ARTICLE.sub("", plain).split(), MOODS, deeds)


def _begins_with_somebody(text: str) -> bool:
    framed = _FRAME.match(text)
    first = text.split(" ", 1)[0]
    return bool(framed and framed.end()) or first in _ARTICLES or first in _PRONOUNS or is_known(first)


def _clause(plain: str) -> str | None:
    """One sentence as a caption, itself if it is one; None where its form is not known."""
    framed = _FRAME.match(plain)
    skipped = framed.end() if framed else 0
    words = plain[skipped:].split()
    for at, word in enumerate(words[:FIRST]):
        bare = word.rstrip(ENDS)
        if bare in _HELPERS or bare in _BEGINNINGS or _table(bare) is not None:
            return _said(words, at, plain, skipped > 0)
        if bare in _NOT_ADJECTIVES or word != bare:
            return None
    return None


def _said(words: list[str], at: int, plain: str, framed: bool) -> str | None:
    """The sentence whose first helper or verb stands at a place."""
    start = at
    while start < len(words) - 1 and (words[start] in _HELPERS | _BEGINNINGS or leads(words[start])):
        start += 1
    before = [w for w in words[:at] if not leads(w)]
    helpers, adverbs = _HELPERS & {*words[at:start]}, [w for w in words[:start] if leads(w)]
    captioned, who = _CAPTION.match(" ".join(before)) is not None and not framed, _who(before)
    table = _table(words[start].rstrip(ENDS))
    following = words[start + 1].rstrip(ENDS) if start + 1 < len(words) else ""
    if table is None:
        return None
    if table is THIRDS and captioned and not helpers:
        return plain
    if table is GERUNDS and not helpers:
        if not before and following == "jacks":
            return f"a person does {plain}"
        if not before and is_person(following):
            return None  # "running man"
        if before and before[-1] in _ARTICLES and following and following not in _BEHIND and not leads(following):
            return None  # "a standing person"
        if before and (words[at] in _BEGINNINGS or any(w in THIRDS for w in words[start + 1 :])):
            return plain if captioned else None  # "a person starts walking", "a person standing on one leg hops"
    if table in (PASTS, BASES) and helpers & _STATES:
        return None  # "is pushed", "is hit"
    if (
        table is BASES
        and before
        and not helpers
        and not framed
        and not any(w in _PRONOUNS or is_person(w) for w in before)
    ):
        # "a high kick with the left leg" is what is done; "left hand wave" is not known
        known = before[0] in ("a", "an") and _may_describe(before[1:])
        return (_noun(plain) or f"a person does {plain}") if known else None
    found = clauses(words[start:], (table,))
    if who is None or found is None:
        return None
    return " ".join([who, *adverbs, found.said(third_person)])


def _table(word: str) -> Mapping[str, str] | None:
    return next((table for table in (THIRDS, GERUNDS, PASTS, BASES) if word in table), None)


def _who(before: list[str]) -> str | None:
    """Who moves, as captions say it, with what the sentence says of their mood; None where it is nobody, or more than one."""
    if not before or (len(before) == 1 and (before[0] in _PRONOUNS or before[0] in _ARTICLES or is_name(before[0]))):
        return "a person"
    head, named = before[-1], before[:-1]
    if named and named[0] in _ARTICLES:
        named = named[1:]
    if not is_person(head) or head == "people" or not _may_describe(named):
        return None
    said = " ".join([*(w for w in named if w in MOODS), "person"])
    return f"{'an' if said[0] in 'aeiou' else 'a'} {said}"


def _may_describe(words: list[str]) -> bool:
    return not any(w in _NOT_ADJECTIVES or w in _PRONOUNS or w in _ARTICLES for w in words)
