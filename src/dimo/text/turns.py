"""What is done one after the other: a sentence as a sentence for each of its turns.

"A person sits down and then waves" is "a person sits down", then "a person waves". Only "then" tells turns apart for certain:
what is joined by "and" may be done at once, and is told apart where that is asked for (listed). Stopping is no turn: it is how
what came before it ends.
"""

from __future__ import annotations

import re

from dimo.text.verbs import ENDS, THIRDS, clauses, leads

FIRST = 8
"""Words among which the first verb must stand."""
ENDING = frozenset(("stop", "pause"))
_AGAIN = re.compile(r"(\bthen|\band|,) (?:he|she|they|it|the person)\b ")
_THEN = frozenset(("then", "and"))
AT_ONCE = frozenset("stand sit lie stay remain keep hold look have try want seem be bend lean".split())
"""What goes on while something else is done, or is a part of it: "stands and waves", "bends down and picks up" are one turn."""
MOVING = frozenset("walk run jog march dance stroll pace".split())
"""What others do at the same time where only "and" stands between: "walks and waves"; "walks, waves" is one after the other."""
BACK = frozenset("straighten stand rise return recover lower come get miss".split())
"""What ends the turn before it: "bows and straightens up"."""


def turns(caption: str, *, listed: bool = False) -> list[str]:
    """The turns of a caption in the third person (text/asking.py), itself where it has one or none is known.

    listed: what stands behind "and" or a comma is a turn, too.
    """
    words = _AGAIN.sub(r"\1 ", caption).split()
    first = next((i for i, word in enumerate(words[:FIRST]) if word.rstrip(ENDS) in THIRDS), 0)
    found = clauses(words[first:], (THIRDS,)) if first else None
    if found is None:
        return [caption]
    subject = " ".join(word for word in words[:first] if word != "first").rstrip(ENDS)
    order = sorted(found.verbs)
    begun = (
        _begun(found.words, verb, _links(found.verbs[before], found.verbs[verb]) if listed else ())
        for before, verb in zip(order[:-1], order[1:], strict=True)
        if found.verbs[verb] not in ENDING
    )
    starts = [at for at in begun if at is not None]
    said = [found.words[a:b] for a, b in zip([0, *starts], [*starts, len(found.words)], strict=True)]
    return [f"{subject} {' '.join(_bare(each))}" for each in said] if starts else [caption]


def _links(before: str, verb: str) -> tuple[str, ...]:
    """What may stand before a verb that begins a turn, beside "then"; before: the verb of the turn so far."""
    if before in AT_ONCE | ENDING or verb in BACK:
        return ()
    return (",",) if before in MOVING else (",", "and")


def _begun(words: tuple[str, ...], verb: int, links: tuple[str, ...]) -> int | None:
    """Where the turn of a verb begins: behind "then" or one of links, with the adverbs before the verb; None where none is."""
    while verb and words[verb - 1] not in _THEN and not words[verb - 1].endswith(",") and leads(words[verb - 1]):
        verb -= 1
    before = words[verb - 1] if verb else ""
    comma = before.endswith(",") or (before == "and" and verb > 1 and words[verb - 2].endswith(","))
    return verb if before == "then" or before in links or (comma and "," in links) else None


def _bare(words: tuple[str, ...]) -> list[str]:
    """A turn without what leads over to the next one."""
    end = len(words)
    while end > 1 and words[end - 1].rstrip(ENDS) in _THEN:
        end -= 1
    bare = list(words[:end])
    bare[-1] = bare[-1].rstrip(ENDS)
    return bare
