"""What is done one after the other: a sentence as a sentence for each of its turns.

"A person sits down and then waves" is "a person sits down", then "a person waves". Only "then" tells turns apart: what is
joined by "and" or "while" may be done at once. Stopping is no turn: it is how what came before it ends.
"""

from __future__ import annotations

import re

from dimo.text.verbs import ENDS, THIRDS, clauses, leads

FIRST = 8
"""Words among which the first verb must stand."""
ENDING = frozenset(("stop", "pause"))
_AGAIN = re.compile(r"\bthen (?:he|she|they|it|the person)\b ")
_THEN = frozenset(("then", "and"))


def turns(caption: str) -> list[str]:
    """The turns of a caption in the third person (text/asking.py), itself where it has one or none is known."""
    words = _AGAIN.sub("then ", caption).split()
    first = next((i for i, word in enumerate(words[:FIRST]) if word.rstrip(ENDS) in THIRDS), 0)
    found = clauses(words[first:], (THIRDS,)) if first else None
    if found is None:
        return [caption]
    subject = " ".join(word for word in words[:first] if word != "first").rstrip(ENDS)
    begun = (_after_then(found.words, verb) for verb in sorted(found.verbs)[1:] if found.verbs[verb] not in ENDING)
    starts = [at for at in begun if at is not None]
    said = [found.words[a:b] for a, b in zip([0, *starts], [*starts, len(found.words)], strict=True)]
    return [f"{subject} {' '.join(_bare(each))}" for each in said] if starts else [caption]


def _after_then(words: tuple[str, ...], verb: int) -> int | None:
    """Where the turn of a verb begins: behind "then", with the adverbs before the verb; None where no "then" is there."""
    while verb and words[verb - 1] != "then" and leads(words[verb - 1]):
        verb -= 1
    return verb if verb and words[verb - 1] == "then" else None


def _bare(words: tuple[str, ...]) -> list[str]:
    """A turn without what leads over to the next one."""
    end = len(words)
    while end > 1 and words[end - 1].rstrip(ENDS) in _THEN:
        end -= 1
    bare = list(words[:end])
    bare[-1] = bare[-1].rstrip(ENDS)
    return bare
