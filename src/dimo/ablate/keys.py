"""Hashes of everything that a row's numbers depend on: what is cached under one is used again only where all of it is the same.

Left out is what changes no number: how often a training reports, and how rows are called. The version of dimo is in; between
versions the code is taken for another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dimo import checkpoint
from dimo.ablate.row import Row, in_json
from dimo.data import captions_corpus, shards
from dimo.evaluators.evaluator import Evaluator
from dimo.evaluators.find import PACKAGED
from dimo.learn.start import bert_folder

VERSION = 1
"""Of what is written under the keys."""
REPORTING = ("log_every", "validate_every", "save_every_seconds", "best", "tensorboard", "workers")


def digest(*parts: Any) -> str:
    text = json.dumps([VERSION, version("dimo"), *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_data(folder: Path) -> str:
    """Of the shards of a prepared folder and its sentences."""
    files = [*shards.files(folder), *(p for p in (folder / captions_corpus.TEXTS,) if p.is_file())]
    return digest([[p.name, checkpoint.sha256(p)] for p in files])


def of_start(folder: Path | None) -> str:
    """Of the weights that models begin with: a BERT's, dimo's, or those of the MiniLM package."""
    place = folder if folder is not None and checkpoint.is_weights(folder) else bert_folder(folder)
    names = ("config.json", "model.safetensors", "vocab.txt", "tokenizer.json")
    return digest([[n, checkpoint.sha256(place / n)] for n in names if (place / n).is_file()])


def of_codec(row: Row, data: str) -> str:
    """Of a codec that is trained by the row's recipe."""
    return digest("codec", _recipe(row.codec), data)


def of_given_codec(folder: Path) -> str:
    """Of a codec that is there."""
    return digest("codec", checkpoint.read_config(folder).get("codec"), checkpoint.sha256(folder / "codec.safetensors"))


def of_weights(config: Mapping[str, Any], hashes: Mapping[str, str], data: str) -> str:
    """Of whole weights that stand for the base's training: what config.json says, and hashes of their files by name."""
    return digest("weights", {n: config.get(n) for n in ("codec", "model")}, [[*pair] for pair in hashes.items()], data)


def of_training(row: Row, codec: str, data: str, start: str) -> str:
    """Of a row's model, over a codec with this key; its levels and its seed are in the row."""
    return digest("model", _recipe(row.model), codec, row.levels, data, start)


def of_alignment(row: Row, training: str, data: str) -> str:
    """Of a row's model after its alignment, whose judge is in it; training: the key of what it begins with."""
    judge = sorted((checkpoint.packaged_folder() / PACKAGED[0]).glob("*.safetensors"))
    return digest("align", _recipe(row.align), training, data, [[p.name, checkpoint.sha256(p)] for p in judge])


def of_row(row: Row, training: str, evaluators: Sequence[Evaluator]) -> str:
    """Of a row's numbers; the clips that they are of are in the key of the training."""
    return digest("row", in_json(row.measuring), training, [[e.name, e.sha256] for e in evaluators])


def _recipe(recipe: Any) -> dict[str, Any]:
    whole = asdict(recipe)
    return {**whole, "loop": {k: v for k, v in whole["loop"].items() if k not in REPORTING}}
