"""Which encoder an evaluation uses: the published one where its files are given, else one of ours, else none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.evaluators.encoder import Encoder, word_vectors
from dimo.evaluators.guo import GuoEvaluator
from dimo.evaluators.ours import TextMotionEncoder

Encode = Callable[[Sequence[str]], Sequence[np.ndarray]]
"""Texts to the vectors of their words, (W, D) each."""

PACKAGED = ("encoder", "evaluator")
"""Folders in a weights folder: our own encoder, and the retrained one of Guo et al. Those of the packaged weights judge other
models, too."""


@dataclass(frozen=True)
class Evaluator:
    """An encoder with what a report says of it; `sentences` embeds texts for the nearest-neighbour row, `states` their words
    for BERTScore."""

    encoder: Encoder | None
    facts: dict[str, Any]
    sentences: Callable
    states: tuple[str, Encode] | None = None

    @property
    def comparable(self) -> bool:
        return self.encoder is not None and self.encoder.comparable


class WithTokens:
    """The published evaluator on a published collection: captions become the tokens of its text files, where they hold them,
    since another tagger would move their embeddings (method 8.5)."""

    comparable = True

    def __init__(self, encoder: GuoEvaluator, tokens: Mapping[str, Sequence[str]]):
        self.encoder, self.tokens = encoder, tokens
        self.name, self.label, self.feature_mode = encoder.name, encoder.label, encoder.feature_mode

    def embed_texts(self, captions: Sequence[str]) -> np.ndarray:
        return self.encoder.embed_texts([self.tokens.get(c, c) for c in captions])

    def embed_motions(self, features: Sequence[np.ndarray]) -> np.ndarray:
        return self.encoder.embed_motions(features)


class Remembered:
    """A function of texts that computes each text once: references are the same in every row."""

    def __init__(self, encode: Encode):
        self.encode = encode
        self.known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        new = [t for t in dict.fromkeys(texts) if t not in self.known]
        self.known.update(zip(new, self.encode(new), strict=True) if new else ())
        return [self.known[t] for t in texts]


def find_all(folders: Sequence[Path] | None, model: Path) -> list[Evaluator]:
    """The encoders of these folders, or the packaged ones; at least one entry, which may hold no encoder.

    `model` is the weights folder whose word vectors our own encoder needs.
    """
    if folders:
        return [find(folder, model) for folder in folders]
    found = []
    for name in PACKAGED:
        homes = [p for p in (model, checkpoint.packaged_folder()) if (p / name / "config.json").is_file()]
        found += [find(homes[0] / name, homes[0])] if homes else []
    return found or [Evaluator(None, {"name": "none", "label": ""}, word_vectors)]


def find(folder: Path, model: Path) -> Evaluator:
    """The encoder of a folder; `model` is the weights folder whose word vectors ours need. WeightsError says what lacks."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such folder of an evaluator")
    if (folder / "config.json").is_file():
        config = checkpoint.read_config(folder)
        if "evaluator" in config:
            return _judge(GuoEvaluator.from_folder(folder), folder / "evaluator.safetensors")
        if "encoder" in config:
            encoder = TextMotionEncoder.from_folder(folder, model)
            states = ("all-MiniLM-L6-v2", Remembered(encoder.sentence.word_states))
            return _judge(encoder, folder / "encoder.safetensors", encoder.sentence.embed, states)
        raise WeightsError(f"{folder / 'config.json'}: neither an encoder nor an evaluator")
    weights = next(iter(sorted(folder.rglob("finest.tar"))), None)
    words = next(iter(sorted(folder.rglob("our_vab_data.npy"))), None)
    metas = sorted(p.parent for p in folder.rglob("mean.npy"))
    if weights is None or words is None or not metas:
        missing = [
            n for n, p in (("finest.tar", weights), ("our_vab_data.npy", words), ("meta/mean.npy", metas)) if not p
        ]
        raise WeightsError(
            f"{folder}: holds no config.json of ours, and of the published evaluator lacks {', '.join(missing)}"
        )
    meta = next((m for m in metas if "Comp_v6" in str(m)), metas[0])
    return _judge(GuoEvaluator.from_published(weights, meta, words.parent), weights)


def _judge(encoder: Encoder, weights: Path, sentences: Callable = word_vectors, states: Any = None) -> Evaluator:
    facts = {
        "name": encoder.name,
        "label": encoder.label,
        "comparable": encoder.comparable,
        "sha256": checkpoint.sha256(weights),
    }
    return Evaluator(encoder, facts, sentences, states)
