"""Which word pieces captions have behind which: a caption written one piece after the other keeps to what somebody said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

REACH = 4
"""Pieces of a run. Of the words that the model alone puts together, four of five captions hold three in a row that no caption
has; people's own held-out captions one of eight (docs/log.md)."""
BITS = 15
"""Of one piece in a run of 60."""
BEFORE, END = (1 << BITS) - 1, 0
"""What stands before the first piece, and behind the last one: [PAD]."""


class Phrases:
    """The runs of REACH pieces that captions are made of, their beginnings and ends among them."""

    def __init__(self, runs: np.ndarray):
        """runs (R,): int64, sorted, each a number of REACH times BITS bits, its first piece in the highest ones."""
        self.runs = runs

    @staticmethod
    def of(captions: Iterable[Sequence[int]]) -> Phrases:
        """Of the piece ids of captions, each from 1 to 2^15 - 2."""
        flat: list[int] = []
        for ids in captions:
            flat += [BEFORE] * (REACH - 1)
            flat += ids
            flat.append(END)
        pieces = np.array(flat, np.int64)
        if pieces.size and not 0 <= pieces.min() <= pieces.max() <= BEFORE:
            raise ValueError(f"a vocabulary of at most {BEFORE} pieces is expected")
        runs = np.zeros(max(0, len(pieces) - REACH + 1), np.int64)
        within = np.ones(len(runs), bool)
        for k in range(REACH):
            part = pieces[k : k + len(runs)]
            runs = runs << BITS | part
            if k < REACH - 1:
                within &= part != END  # else it goes on in the next caption
        return Phrases(np.unique(runs[within]))

    def after(self, ids: Sequence[int]) -> np.ndarray:
        """The pieces that some caption has behind the last REACH - 1 of these, END where one ends there; none behind what
        nobody said."""
        key = 0
        for piece in [*[BEFORE] * (REACH - 1), *ids][1 - REACH :]:
            key = key << BITS | int(piece)
        first, last = np.searchsorted(self.runs, [key << BITS, (key + 1) << BITS])
        return self.runs[first:last] & BEFORE
