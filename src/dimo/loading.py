"""Weights folders to pipelines and back (docs/how-it-works.md says what a folder holds)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dimo import checkpoint
from dimo.codec.codec import Codec, CodecConfig
from dimo.device import find
from dimo.errors import RequestError, WeightsError
from dimo.inpaint.pipeline import Pipeline
from dimo.memory.lookup import Memory
from dimo.memory.recall import Recall
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.precision import dtype_of
from dimo.model.sentence import SentenceEncoder
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import WORD_PIECES
from dimo.text.wordpiece import Wordpiece

TRAINING_ONLY = ("quantizer.sums", "quantizer.counts", "quantizer.started", "step")
"""Buffers of the codec that a shipped file leaves out."""


def load(
    folder: str | Path | None, precision: str = "auto", device: str | torch.device = "auto"
) -> tuple[Pipeline, dict[str, Any]]:
    """The pipeline of a weights folder (as in checkpoint.folder_of), and its config. WeightsError names every fault of it.

    precision: of the masked model, and device: as in DiMo.from_pretrained.
    """
    place = find(device)
    dtype = dtype_of(os.environ.get("DIMO_PRECISION", precision) if precision == "auto" else precision, place)
    folder = checkpoint.folder_of(folder)
    config = checkpoint.read_config(folder)
    try:
        with checkpoint.Undrawn():
            codec = Codec(CodecConfig(**config["codec"]))
            model = MaskedModel(MaskedConfig.from_dict(config["model"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{folder / 'config.json'}: not a usable config ({error})") from None
    if model.config.levels != codec.config.levels or model.config.codes != codec.config.codes:
        raise WeightsError(f"{folder / 'config.json'}: codec and model differ in levels or codes")
    checkpoint.load_into(codec, folder / "codec.safetensors", optional=TRAINING_ONLY)
    checkpoint.load_into(model, folder / "model.safetensors")
    wordpiece, room = Wordpiece.from_file(folder / "vocab.txt"), model.config.transformer.vocabulary
    if max(wordpiece.vocabulary.values()) >= room:
        raise WeightsError(f"{folder / 'vocab.txt'}: holds more word pieces than the {room} of config.json")
    known = folder / "memory.safetensors"
    memory = Memory.from_file(known, codec) if known.is_file() else None
    said = folder / "recall.safetensors"
    encoder = partial(SentenceEncoder.of_weights, folder, checkpoint.shipped_folder())
    recall = Recall.from_file(said, codec.config.levels, codec.config.codes, encoder) if said.is_file() else None
    return Pipeline(codec, model.to(dtype), wordpiece, memory, recall).to(place), config


def save(pipeline: Pipeline, folder: Path, provenance: dict[str, Any], card: str | None = None) -> Path:
    """Write a weights folder that load reads. RequestError for a model in bf16, which has lost digits."""
    if next(pipeline.model.parameters()).dtype == torch.bfloat16:
        raise RequestError('this model was rounded to bf16; load it with precision="fp32" to save it')
    config = {
        "codec": asdict(pipeline.codec.config),
        "model": pipeline.model.config.to_dict(),
        "provenance": provenance,
    }
    codec = {k: v for k, v in pipeline.codec.state_dict().items() if k not in TRAINING_ONLY}
    files = {"vocab.txt": pipeline.wordpiece.vocab_text()} | ({"MODEL_CARD.md": card} if card else {})
    tensors = {"codec": codec, "model": pipeline.model.state_dict()}
    if pipeline.memory is not None:
        tensors["memory"] = pipeline.memory.state()
    if pipeline.recall is not None:
        tensors["recall"] = pipeline.recall.state()
    checkpoint.save(folder, config, tensors, files)
    return folder


def debug_pipeline(seed: int = 0) -> Pipeline:
    """A tiny pipeline with random weights and a real vocabulary's specials."""
    torch.manual_seed(seed)
    codec = Codec(CodecConfig(width=16, dim=8, levels=3, codes=16))
    codec.std.mul_(0.05)
    torch.nn.init.normal_(codec.quantizer.codebooks)
    codec.mean[3] = 0.95  # the root stands at hip height
    trunk = TransformerConfig(
        vocabulary=WORD_PIECES, width=32, layers=2, heads=2, feedforward=64, positions=96, embedding_width=8
    )
    model = MaskedModel(MaskedConfig(transformer=trunk, levels=3, codes=16, depth_blocks=1))
    return Pipeline(codec, model, Wordpiece.basic())


def fingerprint(pipeline: Pipeline) -> str:
    """A hash that changes with the weights and with the precision that they compute in."""
    digest = hashlib.sha256()
    for part in (pipeline.codec, pipeline.model):
        for name, value in part.state_dict().items():
            if name not in TRAINING_ONLY:
                digest.update(f"{name} {value.dtype}".encode())
                digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
