"""Whether a sentence lets a body leave the floor for longer than a jump: on stairs, a ladder, a rope, a stool."""

from __future__ import annotations

import re

_THINGS = r"stair\w*|upstairs|downstairs|ladder\w*|rope|monkey bars|jungle gym|playground|stepstool|stool|pole"
_ONTO = r"(?:steps?|stepping|walks?|walking|gets?|jumps?|hops?) (?:up |down )?(?:onto|on top of|over) (?:a|an|the) \w+"
_DOING = r"climb\w*|hang(?:s|ing)? (?:from|on)|fl(?:y|ies|ying)|float\w*|hover\w*|swim\w*"
_ALOFT = re.compile(rf"\b(?:{_THINGS}|{_ONTO}|{_DOING})\b", re.IGNORECASE)


def climbs(text: str) -> bool:
    """True for "climbs a ladder" and "walks up the stairs", False for "jumps up"."""
    return bool(_ALOFT.search(text))
