"""A frozen sentence encoder: BERT states of words in context, and their mean (Reimers and Gurevych 2019, section 3).

With the weights of all-MiniLM-L6-v2 it stands in for the field's text encoders without a network connection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from dimo import checkpoint
from dimo.errors import WeightsError
from dimo.model.bert import from_bert
from dimo.model.transformer import Transformer, TransformerConfig
from dimo.text.wordpiece import Wordpiece

MAX_PIECES = 62
"""Word pieces that are read of a text; with [CLS] and [SEP] 64 places."""
WORDS = "words.weight"
MODEL_WORDS = "trunk.words.weight"  # of a dimo weights folder, whose training leaves MiniLM's word vectors as they are
FOLDER = "encoder"
"""Where in a weights folder the encoder lies, beside the evaluator that reads its states."""


class SentenceEncoder:
    """Texts to word states (T, D) or to one unit vector (D,) each."""

    def __init__(self, transformer: Transformer, wordpiece: Wordpiece):
        self.transformer, self.wordpiece = transformer.eval().requires_grad_(False), wordpiece

    @property
    def width(self) -> int:
        return self.transformer.config.width

    @property
    def device(self) -> torch.device:
        return self.transformer.words.weight.device

    def to(self, device: torch.device) -> SentenceEncoder:
        """Itself, computing on a device; states are given on the CPU."""
        self.transformer.to(device)
        return self

    @staticmethod
    def from_bert_folder(folder: Path, layers: int = 6) -> SentenceEncoder:
        """The first `layers` layers of a BERT in MiniLM's sizes, from its model.safetensors and vocab.txt.

        Numbers are rounded as a weights folder stores them, so that what is trained on these states finds the same ones
        when it is loaded.
        """
        path = folder / "model.safetensors"
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"{path}: not a readable safetensors file ({error})") from None
        transformer = _transformer(layers)
        mine = from_bert(state, layers)
        mine["positions.weight"] = mine["positions.weight"][: MAX_PIECES + 2]
        try:
            transformer.load_state_dict({k: _stored(v) for k, v in mine.items()})
        except RuntimeError as error:
            raise WeightsError(
                f"{path}: not in the sizes of all-MiniLM-L6-v2 ({str(error).splitlines()[-1].strip()})"
            ) from None
        return SentenceEncoder(transformer, Wordpiece.from_file(folder / "vocab.txt"))

    @staticmethod
    def from_weights(path: Path, layers: int, model: Path, words_sha256: str) -> SentenceEncoder:
        """From a file that lacks the word vectors, which come, with vocab.txt, from the dimo weights folder `model`.

        WeightsError when those are not the vectors (by their hash) that the file was made with.
        """
        transformer = _transformer(layers)
        try:
            with safe_open(model / "model.safetensors", "pt") as file:
                words = file.get_tensor(MODEL_WORDS).float()
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"{model / 'model.safetensors'}: gives no {MODEL_WORDS} ({error})") from None
        if words.shape != transformer.words.weight.shape or hash_words(words) != words_sha256:
            raise WeightsError(
                f"{model / 'model.safetensors'}: its word vectors are not those that {path} was made with"
            )
        checkpoint.load_into(transformer, path, optional=(WORDS,))
        with torch.no_grad():
            transformer.words.weight.copy_(words)
        return SentenceEncoder(transformer, Wordpiece.from_file(model / "vocab.txt"))

    @staticmethod
    def of_weights(*folders: Path) -> SentenceEncoder | None:
        """The encoder of the first of these weights folders that holds one; None where none does. WeightsError as above."""
        for folder in folders:
            if not (folder / FOLDER / "config.json").is_file():
                continue
            config = checkpoint.read_config(folder / FOLDER)
            path = folder / FOLDER / "sentence.safetensors"
            if path.is_file() and "words_sha256" in config:
                layers = config.get("encoder", {}).get("sentence_layers", 6)
                return SentenceEncoder.from_weights(path, layers, folder, config["words_sha256"])
        return None

    def stored(self) -> tuple[dict[str, Tensor], str]:
        """The tensors to store, without the word vectors, and the hash of those."""
        state = self.transformer.state_dict()
        words = state.pop(WORDS)
        return state, hash_words(words)

    @torch.no_grad()
    def states(self, texts: Sequence[str], batch: int = 128) -> list[Tensor]:
        """States (T, D), on the CPU, of each text's pieces, [CLS] first and [SEP] last."""
        special = self.wordpiece.vocabulary
        ids = [
            [special["[CLS]"], *self.wordpiece.encode(t)[:MAX_PIECES], special["[SEP]"]]
            for t in texts
        ]  # fmt: skip
        out: list[Tensor] = [torch.empty(0)] * len(ids)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))  # like lengths together: little padding
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            lengths = torch.tensor([len(ids[i]) for i in part])
            padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids[i]) for i in part], batch_first=True)
            real = torch.arange(padded.shape[1]) < lengths[:, None]
            found = self.transformer(padded.to(self.device), real.to(self.device)).cpu()
            for i, row in zip(part, found, strict=True):
                out[i] = row[: len(ids[i])].clone()
        return out

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors (N, D): the mean over all of a text's places."""
        rows = [s.mean(0) for s in self.states(texts)]
        found = torch.stack(rows) if rows else torch.zeros(0, self.width)
        return torch.nn.functional.normalize(found, dim=-1).numpy()

    def word_states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """States (T, D) of the pieces without [CLS] and [SEP]: what BERTScore matches."""
        return [s[1:-1].numpy() for s in self.states(texts)]


def hash_words(words: Tensor) -> str:
    """Hex digest of word vectors in half precision; averaging during training turns -0 into 0, which is the same here."""
    return hashlib.sha256((words.detach().cpu().half() + 0).contiguous().numpy().tobytes()).hexdigest()


def _stored(value: Tensor) -> Tensor:
    return value.half().float() if value.numel() >= checkpoint.HALF_FROM else value


def _transformer(layers: int) -> Transformer:
    with checkpoint.Undrawn():  # all of it is filled from a file
        return Transformer(TransformerConfig(layers=layers, positions=MAX_PIECES + 2, dropout=0.0))
