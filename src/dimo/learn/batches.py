"""Batches of codes and captions: every clip in its nominal share, clips of like length side by side.

A batch is cut out of a pool of drawn examples. The pool is sorted by the length of the whole sequence, which is what the
trunk pays for, and divided into bands; each band is sorted by motion length and divided again; a batch is one of these
cells. Every drawn example is in exactly one cell and all cells have their turn, so what is drawn keeps the shares of the
weights: a window that slides over the sorted pool would prefer its middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dimo.errors import RequestError
from dimo.learn.waiting import counted

BANDS, PARTS = 12, 2
CELLS = BANDS * PARTS
STRIDE = 7
"""From one batch's cell to the next one's: without a common factor with CELLS, and far enough that lengths change."""


@dataclass(frozen=True)
class Example:
    """One motion as codes (L, Q), which may lie in a file, and its captions as word-piece ids; weight is its share in sampling.

    The first `written` captions were written by people, the rest derived from labels, measurements or parts. texts: the same
    captions as words, where they are to be reworded.
    """

    codes: Tensor
    captions: tuple[tuple[int, ...], ...]
    weight: float = 1.0
    written: int = 0
    shifted: tuple[
        Tensor, ...
    ] = ()  # codes of the same motion begun some frames late; any of them may be drawn instead
    texts: tuple[str, ...] = ()


class ModelData:
    """Examples drawn by weight, put into batches of similar length.

    confusions: for a word's id, the ids that captions confuse it with (text.confusions).
    sentences: ids of sentences about motion whose motion is not here.
    reword: gives the ids of a caption said in other words.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        confusions: dict[int, tuple[int, ...]] | None = None,
        sentences: Sequence[tuple[int, ...]] = (),
        reword: Callable[[str, np.random.Generator], tuple[int, ...]] | None = None,
    ):
        self.examples = list(examples)
        self.confusions = confusions or {}
        self.sentences = sentences
        self._reword = reword
        self.words = np.array([i for e in self.examples for caption in e.captions for i in caption])
        weights = np.array([e.weight for e in self.examples], float)
        self.share = weights / weights.sum()
        self._edges = self.share.cumsum()
        self.lengths = np.array([len(e.codes) for e in self.examples])
        self._captions = np.array([len(e.captions) for e in self.examples])
        self._first = self._captions.cumsum() - self._captions
        self._caption_lengths = np.array([len(caption) for e in self.examples for caption in e.captions])

    @cached_property
    def written(self) -> ModelData:
        """The examples with written captions and only these; everything where nothing is written."""
        kept = [replace(e, captions=e.captions[: e.written]) for e in self.examples if e.written]
        return ModelData(kept, self.confusions) if kept else self

    @counted
    def batch(
        self,
        size: int,
        generator: np.random.Generator,
        turn: int,
        *,
        text_varies: bool = True,
        reworded: float = 0.0,
    ) -> tuple[list[Sequence[int]], list[Tensor]]:
        """Texts and codes of `size` examples in random order.

        turn: the number of the batch, which says whose cell's turn it is. Processes that share a step are at one turn, so
        none waits long for another's longer clips. Without text_varies all texts get the same room, and motions alone
        are sorted. reworded: share of the texts that are said in other words (text.rewording).
        """
        at, which = self._draw(size * CELLS, generator)
        lengths = self.lengths[at]
        texts = self._caption_lengths[self._first[at] + which] if text_varies else 0
        band, part = divmod(turn * STRIDE % CELLS, PARTS)
        order = np.argsort(lengths + texts, kind="stable")[band * size * PARTS : (band + 1) * size * PARTS]
        order = order[np.argsort(lengths[order], kind="stable")]
        chosen = generator.permutation(order[part * size : (part + 1) * size])
        examples = [self.examples[i] for i in at[chosen]]
        late = (generator.random(size) * [1 + len(e.shifted) for e in examples]).astype(int)
        motions = [_wide((e.codes, *e.shifted)[n]) for e, n in zip(examples, late, strict=True)]
        said: list[Sequence[int]] = [e.captions[k] for e, k in zip(examples, which[chosen], strict=True)]
        if reworded:
            said = self._in_other_words(examples, which[chosen], said, reworded, generator)
        return said, motions

    def _in_other_words(
        self,
        examples: Sequence[Example],
        which: np.ndarray,
        texts: Sequence[Sequence[int]],
        share: float,
        generator: np.random.Generator,
    ) -> list[Sequence[int]]:
        if self._reword is None:
            raise RequestError("rewording needs the captions as words, which these data have not")
        out = list(texts)
        for i in np.flatnonzero(generator.random(len(out)) < share).tolist():
            out[i] = self._reword(examples[i].texts[int(which[i])], generator)
        return out

    def _draw(self, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Indices (count,) of examples drawn by weight, and of one caption of each."""
        at = np.searchsorted(self._edges, generator.random(count) * self._edges[-1], side="right")
        return at, (generator.random(count) * self._captions[at]).astype(int)


def _wide(codes: Tensor) -> Tensor:
    """Codes of a cache, int16 in its file, as numbers that index; of a clip that was drawn alone."""
    return codes.long() if codes.dtype == torch.int16 else codes
