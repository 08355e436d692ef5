"""What an evaluator is: it embeds texts and motions into one space, where R-Precision, FID and their kin are measured."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dimo.features import humanml3d
from dimo.features.layouts import HUMANML3D

if TYPE_CHECKING:
    import torch

WordStates = tuple[str, Callable[[Sequence[str]], Sequence[np.ndarray]]]
"""The name of a sentence encoder, and its function from texts to the states (W, D) of their words, which BERTScore matches."""


class Evaluator(Protocol):
    """Subclasses (ours.py, guo.py) give both embeddings; what they leave out has a default here.

    name and label are printed beside every number; the label is empty for the published evaluator alone, which is the only
    one that is `comparable` with the literature. sha256 is the hash of its weights file.
    """

    name: str
    label: str
    comparable: bool = False
    feature_mode: humanml3d.Mode = "exact"
    columns: int = HUMANML3D.size  # of the features that it reads
    sha256: str = ""
    states: WordStates | None = None

    def embed_texts(self, captions: Sequence[str]) -> np.ndarray:
        """(N, D) in the order given."""
        ...

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) of HumanML3D features (F, C) at 20 fps in physical units, in the order given."""
        ...

    def to(self, device: torch.device) -> Evaluator:
        """Itself, computing on a device; what it is given and what it gives is in numpy all the same."""
        return self

    def features(self, joints: np.ndarray) -> np.ndarray:
        """What it reads of positions (F, 22, 3) in metres at 20 fps."""
        return humanml3d.encode(joints, self.feature_mode).astype(np.float32)

    def true_features(self, clip: str, joints: np.ndarray, start: int) -> np.ndarray:
        """The same of a clip's own frames from `start` on: a collection's file of features may say more (collection.py)."""
        return self.features(joints)

    def embed_joints(self, motions: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) of positions (F, 22, 3) each."""
        return self.embed_motions([self.features(m) for m in motions])

    def sentences(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (N, D) of texts whose cosine says how alike they are: which training caption is nearest."""
        return word_vectors(texts)


class Remembered:
    """A function of texts that computes each text once: references are the same in every row."""

    def __init__(self, encode: Callable[[Sequence[str]], Sequence[np.ndarray]]):
        self.encode = encode
        self.known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        new = [t for t in dict.fromkeys(texts) if t not in self.known]
        self.known.update(zip(new, self.encode(new), strict=True) if new else ())
        return [self.known[t] for t in texts]


def word_vectors(texts: Sequence[str], size: int = 4096) -> np.ndarray:
    """Counts of words and word pairs, hashed, as unit vectors: likeness of sentences where no sentence encoder is at hand."""
    out = np.zeros((len(texts), size), np.float32)
    for i, text in enumerate(texts):
        words = text.lower().split()
        for token in [*words, *(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))]:
            out[i, zlib.crc32(token.encode()) % size] += 1
    return unit_rows(out)


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) of length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
