"""BERT and ALBERT checkpoints as `transformers` lays them out, in the names of our Transformer and its masked-word head.

A folder holds config.json and model.safetensors. Names come with or without "bert." or "albert.", and layer norms as
weight and bias or, in checkpoints converted from TensorFlow, gamma and beta. Poolers and sentence heads are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dimo import checkpoint
from dimo.errors import RequestError, WeightsError
from dimo.model.transformer import TransformerConfig

EMBEDDINGS = (("words", "word"), ("positions", "position"), ("segments", "token_type"))
BERT_LAYER = (
    ("out", "attention.output.dense"),
    ("norm1", "attention.output.LayerNorm"),
    ("up", "intermediate.dense"),
    ("down", "output.dense"),
    ("norm2", "output.LayerNorm"),
)
ALBERT_LAYER = (
    ("out", "attention.dense"),
    ("norm1", "attention.LayerNorm"),
    ("up", "ffn"),
    ("down", "ffn_output"),
    ("norm2", "full_layer_layer_norm"),
)
ALBERT_PLACE = "encoder.albert_layer_groups.0.albert_layers.0"
PARTS = ("weight", "bias")
DECODERS = ("cls.predictions.decoder", "predictions.decoder")


@dataclass(frozen=True)
class Bert:
    """Sizes, encoder weights in Transformer's names, and the masked-word head in MaskedModel's (empty where there is none)."""

    config: TransformerConfig
    trunk: dict[str, Tensor]
    head: dict[str, Tensor]


def read_bert(folder: Path) -> Bert:
    """Read a checkpoint folder; WeightsError says what is missing, or in what it differs from BERT and ALBERT."""
    path = folder / "config.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not readable as JSON ({error})") from None
    config = config_from_bert(facts if isinstance(facts, dict) else {}, path)
    path = folder / "model.safetensors"
    state = plain_names(checkpoint.read_tensors(path))
    try:
        trunk = from_bert(state, 1 if config.shared_layers else config.layers)
        return Bert(config, trunk, head_from_bert(state))
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def config_from_bert(facts: Mapping[str, Any], path: Path) -> TransformerConfig:
    """Sizes from the keys of config.json. Dropout is a matter of training and stays ours."""
    kind = facts.get("model_type")
    albert = kind == "albert"
    if kind not in ("bert", "albert"):
        raise WeightsError(f'{path}: "model_type" must be "bert" or "albert", not {kind!r}')
    fixed = (("position_embedding_type", "absolute"), ("num_hidden_groups", 1), ("inner_group_num", 1))
    for key, needed in fixed:
        if facts.get(key, needed) != needed:
            raise WeightsError(f'{path}: "{key}" must be {needed!r}, not {facts[key]!r}')
    try:
        return TransformerConfig(
            vocabulary=int(facts["vocab_size"]),
            width=int(facts["hidden_size"]),
            layers=int(facts["num_hidden_layers"]),
            heads=int(facts["num_attention_heads"]),
            feedforward=int(facts["intermediate_size"]),
            positions=int(facts.get("max_position_embeddings", 512)),
            shared_layers=albert,
            embedding_width=int(facts.get("embedding_size", 128)) if albert else None,
            activation=facts.get("hidden_act", "gelu_new" if albert else "gelu"),
            norm_epsilon=float(facts.get("layer_norm_eps", 1e-12)),
        )
    except KeyError as error:
        raise WeightsError(f"{path}: lacks the key {error}") from None
    except (TypeError, ValueError, RequestError) as error:
        raise WeightsError(f"{path}: not the sizes of a BERT encoder ({error})") from None


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in float32, its names without "bert." or "albert." and with layer norms' weight and bias."""
    out = {}
    for name, value in state.items():
        name = name.removeprefix("bert.").removeprefix("albert.")
        name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        out[name] = value.float() if value.is_floating_point() else value
    return out


def from_bert(state: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The encoder of a BERT or ALBERT state dict in the names of Transformer; `layers` sets of layer weights (ALBERT: 1)."""
    state = plain_names(state)
    albert = f"{ALBERT_PLACE}.ffn.weight" in state
    out: dict[str, Tensor] = {}
    try:
        for ours, theirs in EMBEDDINGS:
            out[f"{ours}.weight"] = state[f"embeddings.{theirs}_embeddings.weight"]
        if len(out["segments.weight"]) < 2:  # some models know one segment only: motion then begins like words
            out["segments.weight"] = out["segments.weight"].expand(2, -1).clone()
        for part in ("weight", "bias"):
            out[f"norm.{part}"] = state[f"embeddings.LayerNorm.{part}"]
            if albert:
                out[f"widen.{part}"] = state[f"encoder.embedding_hidden_mapping_in.{part}"]
            for i in range(layers):
                place, names, attention = (
                    (ALBERT_PLACE, ALBERT_LAYER, "attention")
                    if albert
                    else (f"encoder.layer.{i}", BERT_LAYER, "attention.self")
                )
                three = [state[f"{place}.{attention}.{n}.{part}"] for n in ("query", "key", "value")]
                out[f"layers.{i}.qkv.{part}"] = torch.cat(three)
                for ours, name in names:
                    out[f"layers.{i}.{ours}.{part}"] = state[f"{place}.{name}.{part}"]
    except KeyError as error:
        raise WeightsError(
            f"not the weights of a BERT encoder with {layers} layers: {error.args[0]} is missing"
        ) from None
    return out


def head_from_bert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masked-word head in the names of MaskedModel: a dense layer, its norm, a bias per word; {} where there is none."""
    state = plain_names(state)
    found = {
        "text_bias": ("cls.predictions.bias", "predictions.bias", *(f"{d}.bias" for d in DECODERS)),
        **{f"text_dense.{p}": (f"cls.predictions.transform.dense.{p}", f"predictions.dense.{p}") for p in PARTS},
        **{f"text_norm.{p}": (f"cls.predictions.transform.LayerNorm.{p}", f"predictions.LayerNorm.{p}") for p in PARTS},
    }
    out = {ours: state[name] for ours, names in found.items() for name in names if name in state}
    if not out:
        return {}
    if missing := found.keys() - out.keys():
        raise WeightsError(f"the masked-word head lacks {', '.join(sorted(found[m][0] for m in missing))}")
    for name in (f"{d}.weight" for d in DECODERS):
        if name in state and not torch.equal(state[name], state["embeddings.word_embeddings.weight"]):
            raise WeightsError(f"{name} is a matrix of its own; the head must share the word embeddings")
    return out
