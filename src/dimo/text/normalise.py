"""Captions made plain, and captions seen in a mirror: left and right exchanged where they mean a side."""

from __future__ import annotations

import re
import unicodedata

_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)


def normalise(text: str) -> str:
    """A caption in one plain form: NFKC, straight quotes, one space between words, lower case, bare ends.

    Control and format characters become spaces or vanish; punctuation inside stays.
    """
    text = unicodedata.normalize("NFKC", text).translate(_PUNCTUATION)
    text = "".join(_visible(c) for c in text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    return text.strip(" .,;:!?-\"'").lower()


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # zero-width spaces, direction marks, byte order marks
        return ""
    return " " if category[0] in "CZ" else character


# The longer word first, so that it is not read as its beginning. A hyphen ends a word: left-handed, left-to-right.
_SIDE_WORD = re.compile(
    r"\b(?:(?:counter|anti)[- ]?clockwise|clockwise"
    r"|(?:left|right)(?:wards?|most|handed|hander|ish|side|footed|hand|foot|arm|leg|y)?)\b",
    re.IGNORECASE,
)
_TURNING = (
    r"(?:turn|rotat|spin|twist|pivot|veer|fac|look|lean|tilt|swerv|bend|swing|curv|shift|sidestep|head|drift|swivel)"
    r"[a-z]*"
)
_SIDE_BEFORE = re.compile(
    rf"\b(?:the|a|an|his|her|their|its|my|your|to|toward|towards|from|{_TURNING})\s+$", re.IGNORECASE
)
_AT_ONCE = re.compile(r"\s+(?:here|now|there|away(?!\s+from))\b", re.IGNORECASE)
_EXACTLY = re.compile(
    r"\s+(?:after|before|behind|beside|next|where|past|through|above|below|in\s+(?:front|place|the\s+middle))\b",
    re.IGNORECASE,
)
_PROPER = re.compile(r"\s+(?:way|answer|moment|time|thing|things|side\s+up)\b|-side-up\b", re.IGNORECASE)
_SQUARE = re.compile(r"(?:[- ]|\s+)angle[sd]?\b", re.IGNORECASE)
_LEAVER = re.compile(
    r"\b(?:he|she|they|it|who|we|i|you|has|have|had|having|is|are|was|were|be|been|being|gets|and"
    r"|person|man|woman|someone|somebody|human|figure|guy|everyone|nobody)\s+$",
    re.IGNORECASE,
)
_LEAVING = re.compile(
    r"\s*$|\s*[.,;!?]|\s+(?:the|a|an|his|her|their|its|my|it|them|behind|alone|early|home|standing|lying|without)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:he|she|they|it|who|we|i|you|has|have|had|having|been|being)\s+$", re.IGNORECASE)
_REMAINING = re.compile(r"\b(?:nothing|anything|something|little|much|time|none)\s+$", re.IGNORECASE)


def mirror_words(text: str) -> str:
    """The caption of the mirrored motion: left and right exchanged, and clockwise with counterclockwise.

    Words of the same letters that name no side stay: right away, right there, all right, a right angle, the right way,
    he left the room, nothing left. Mirroring twice gives the text back, but for the spelling of "anticlockwise" and
    "counter-clockwise", which comes back as "counterclockwise".
    """

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        if _names_a_side(word.lower(), text[: match.start()], text[match.end() :]):
            return _in_case_of(word, _opposite(word.lower()))
        return word

    return _SIDE_WORD.sub(swap, text)


def _opposite(word: str) -> str:
    if word.endswith("clockwise"):
        return "counterclockwise" if word == "clockwise" else "clockwise"
    return "right" + word[4:] if word.startswith("left") else "left" + word[5:]


def _in_case_of(word: str, other: str) -> str:
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def _names_a_side(word: str, before: str, after: str) -> bool:
    """Whether this left or right, between these texts, is a side rather than a verb or an emphasis."""
    if word == "right":
        if re.search(r"\ball\s+$", before, re.IGNORECASE) or _PROPER.match(after):
            return False
        if _SQUARE.match(after):  # "a right angle", but "a slight right angle"
            return not re.search(r"(?:\b(?:a|an|at|in|the|degree|\d+)\s+|^)$", before, re.IGNORECASE)
        emphasis = _AT_ONCE.match(after) or _EXACTLY.match(after)
        return not emphasis or bool(_SIDE_BEFORE.search(before))
    if word == "left":
        if _REMAINING.search(before):
            return False
        ends = re.match(r"\s*(?:$|[.,;!?])", after)
        leaves = (_PRONOUN if ends else _LEAVER).search(before) and _LEAVING.match(after)
        return not leaves
    return True
