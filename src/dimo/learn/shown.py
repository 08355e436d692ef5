"""Whether motion still shows what its captions say once it is codes: what the memory of captioned motions is chosen by.

A codec dulls what is quick and what is fine: a fist keeps less than half of its speed, and hands that clap stay apart. Of such
a clip the codes say something else than its captions, and a motion that leans on it (memory/recall.py) does neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from dimo.inpaint.pipeline import Pipeline
from dimo.metrics import checks

_AVOIDED = re.compile(r"\b(?:dodg|duck|block|avoid|evad)")
"""Captions of somebody at whom something is thrown."""
_LIMB = re.compile(r"\b(left|right) (?:leg|foot)\b")
_SAID: tuple[tuple[re.Pattern[str], dict[str, Any]], ...] = (
    (
        re.compile(r"\b(?:punch(?:es|ing)?|boxing|jabs?|jabbing|shadowbox(?:es|ing))\b"),
        {"check": "punch", "side": "any"},
    ),
    (re.compile(r"\b(?:clap(?:s|ping)?|applaud(?:s|ing)?)\b"), {"check": "clap"}),
    (
        re.compile(r"\b(?:throw|toss)(?:s|es|ing)?\b(?!.*\b(?:punch|kick|jab|uppercut|kiss|arms|fireball|hoop))"),
        {"check": "throw"},
    ),
    (re.compile(r"\b(?:salut(?:es?|ing)|scratch(?:es|ing)? (?:the|his|her|their) head)\b"), {"check": "hand_to_head"}),
)
"""What is said to be done, of what is quick or fine, and the check that sees it (metrics.checks), by its own bounds."""


def claims(captions: Sequence[str]) -> list[dict[str, Any]]:
    """The checks of what captions say is done, each once; none for what is neither quick nor fine."""
    found: list[dict[str, Any]] = []
    for caption in captions:
        text = caption.lower()
        if _AVOIDED.search(text):
            continue
        found += [spec for pattern, spec in _SAID if pattern.search(text)]
        limbs = set(_LIMB.findall(text))
        if re.search(r"\bkick(?:s|ing)?\b", text) and len(limbs) == 1:
            found.append({"check": "kick", "side": limbs.pop()})
    return [spec for i, spec in enumerate(found) if spec not in found[:i]]


def still_shown(pipeline: Pipeline, codes: Tensor, captions: Sequence[str]) -> bool:
    """Whether a body that moves as codes (L, Q) say does what the captions say, as far as that can be measured."""
    wanted = claims(captions)
    if not wanted:
        return True
    motion = pipeline.to_motion(codes.long())
    return checks.check_all(wanted, motion.joints(), motion.fps)
