"""Several sentences, one long motion: each part knows the end of the one before, and seams are refined from both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dimo.body.motion import Motion
from dimo.formats.script import check_parts
from dimo.inpaint.gap import Tools
from dimo.tasks.complete import make, word_pieces
from dimo.tasks.generate import estimate_length


def compose(tools: Tools, script: Sequence[Any]) -> list[Motion]:
    """Motions of the parts (text, seconds) of a script one after the other, at the codec's rate on its body.

    seconds of None, or a bare text, leave the length to the model. RequestError for a part that cannot be made.
    """
    parts = []
    for text, seconds in check_parts(script):
        ids = word_pieces(tools, text)
        frames = estimate_length(tools.model, ids) * tools.stride if seconds is None else round(seconds * tools.fps)
        parts.append((ids, frames))
    return make(tools, parts)
