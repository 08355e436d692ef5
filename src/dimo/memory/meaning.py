"""What captions mean: vectors of a frozen sentence encoder (model/sentence.py), for sentences in words that no caption has.

Word stems tell "a person claps" and "a person claps to the rhythm of the song" apart by half; their vectors hardly differ
(Reimers and Gurevych 2019). Who moves is left out, as it is where stems are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from dimo.errors import WeightsError
from dimo.model.sentence import SentenceEncoder

TENSORS = ("phrase_vectors", "phrases")
_SUBJECT = re.compile(
    r"^(?:(?:a|an|the|this|that) (?:person|man|woman|figure|human|subject|sim)|someone|somebody|he|she|person|human|figure)\b"
)
SENTENCES = 256
"""Sentences whose likenesses are kept: each is looked up a few times for one motion."""


def phrase(caption: str) -> str:
    """A caption with one word for whoever moves in it."""
    return _SUBJECT.sub("a person", caption)


class Meanings:
    """A vector (P, D) int8 of each distinct phrase, and the phrase (C,) of each caption; the encoder comes when it is needed."""

    def __init__(self, vectors: Tensor, phrases: Tensor, encoder: Callable[[], SentenceEncoder | None]):
        self.vectors, self.phrases, self._encoder = vectors, phrases, encoder
        self.likeness = lru_cache(maxsize=SENTENCES)(self._likeness)

    @staticmethod
    def of(captions: Sequence[str], encoder: SentenceEncoder) -> Meanings:
        """Of captions, one after the other."""
        numbers: dict[str, int] = {}
        phrases = [numbers.setdefault(phrase(caption), len(numbers)) for caption in captions]
        found = encoder.embed(list(numbers))
        scaled = 127 * found / np.abs(found).max(1, keepdims=True, initial=1e-12)
        return Meanings(
            torch.from_numpy(scaled.round().astype(np.int8)), torch.tensor(phrases, dtype=torch.int32), lambda: encoder
        )

    @staticmethod
    def from_state(state: dict[str, Tensor], captions: int, encoder: Callable[[], SentenceEncoder | None]) -> Meanings:
        """Of what state() gave for so many captions. WeightsError where it is of others."""
        vectors, phrases = (state[name] for name in TENSORS)
        if (
            vectors.dtype != torch.int8
            or vectors.ndim != 2
            or phrases.shape != (captions,)
            or not 0 <= int(phrases.min()) <= int(phrases.max()) < len(vectors)
        ):
            raise WeightsError(f"{', '.join(TENSORS)} are not of {captions} captions")
        return Meanings(vectors, phrases, encoder)

    def state(self) -> dict[str, Tensor]:
        """The tensors of a file."""
        return dict(zip(TENSORS, (self.vectors, self.phrases), strict=True))

    def _likeness(self, text: str) -> np.ndarray | None:
        """Cosines (C,) of the captions with a sentence, None without an encoder. likeness is this, remembered."""
        encoder = self.encoder
        if encoder is None:
            return None
        (asked,) = encoder.embed([phrase(text)])
        return (self._unit @ asked)[self.phrases.numpy()]

    @cached_property
    def encoder(self) -> SentenceEncoder | None:
        """The sentence encoder, read when first asked for."""
        return self._encoder()

    @cached_property
    def _unit(self) -> np.ndarray:
        vectors = self.vectors.numpy().astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
