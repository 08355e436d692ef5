"""What every evaluator can do, and what stands in for one where none is at hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Encoder(Protocol):
    """What embeds texts and motions into one space (ours.py, guo.py)."""

    name: str
    comparable: bool
    feature_mode: Any

    @property
    def label(self) -> str: ...

    def embed_texts(self, captions: Sequence[str]) -> np.ndarray: ...

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray: ...


def word_vectors(texts: Sequence[str], size: int = 4096) -> np.ndarray:
    """Counts of words and word pairs, hashed, as unit vectors: sentence similarity where no encoder is at hand."""
    out = np.zeros((len(texts), size), np.float32)
    for i, text in enumerate(texts):
        words = text.lower().split()
        for token in [*words, *(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))]:
            out[i, zlib.crc32(token.encode()) % size] += 1
    return unit_rows(out)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) of length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
