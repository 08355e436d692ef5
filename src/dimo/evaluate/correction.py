"""The task correct: captions with one word exchanged that are put right, and true ones that are harmed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from dimo.data.records import Clip
from dimo.evaluate.report import Cell
from dimo.evaluate.rows import ModelRows
from dimo.text.confusions import CONFUSIONS

WRONG = 2
"""Wrong captions per clip: each takes several passes of the model."""


def measure(
    clips: Sequence[Clip], rows: ModelRows, seed: int, tick: Callable[[str], None]
) -> dict[str, dict[str, Cell]]:
    """True captions, which are to stay, and captions with one word exchanged for one it is confused with.

    Clips without a caption that the model takes are left out.
    """
    generator = np.random.default_rng([seed, 3])
    results: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        captions = [" ".join(rows.shortened(c.text.lower()).split()) for c in clip.captions]
        if captions := [c for c in captions if rows.readable(c)]:
            text = captions[generator.integers(len(captions))]
            wrong = [(kind, c) for kind, c in wrong_captions(text, generator) if rows.readable(c)]
            picked = sorted(generator.permutation(len(wrong))[:WRONG])
            cases = [("true caption", text), *(wrong[i] for i in picked)]
            for (kind, given), answer in zip(cases, rows.correct(clip, [c for _, c in cases]), strict=True):
                row = results.setdefault(kind, {})
                changed = float(answer.lower() != given)
                row.setdefault("touched", []).append(changed)
                row.setdefault("harmed" if given == text else "fixed", []).append(
                    changed if given == text else float(answer.lower() == text)
                )
        tick("correct")
    return {n: {k: Cell.of_clips(v) for k, v in row.items()} for n, row in results.items()}


def wrong_captions(text: str, generator: np.random.Generator) -> list[tuple[str, str]]:
    """(which words are confused, the text with one of them exchanged), at most one for each row of CONFUSIONS."""
    out = []
    for row in CONFUSIONS:
        present = [w for w in row if re.search(rf"\b{w}\b", text)]
        if len(present) == 1:  # "from left to right" has no single word that could be wrong
            others = [w for w in row if w != present[0]]
            new = others[generator.integers(len(others))]
            out.append(
                (" / ".join(row[:2]) + (" / ..." if len(row) > 2 else ""), re.sub(rf"\b{present[0]}\b", new, text))
            )
    return out
