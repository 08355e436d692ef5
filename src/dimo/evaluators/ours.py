"""Our own evaluator, contrastive, after TMR (Petrovich et al. 2023), small and without a decoder.

Motions: two strided convolutions and a small transformer over normalised HumanML3D features. Texts: states of a frozen
sentence encoder, read by one trained layer. Both end in unit vectors of one space; a pair belongs together as far as its
cosine is high. It shares no weights with any model that it measures, and must not be used as a reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, pad
from torch.nn.utils.rnn import pad_sequence

from dimo import checkpoint
from dimo.errors import ShapeError, WeightsError
from dimo.evaluators.evaluator import Evaluator, Remembered
from dimo.features.layouts import LONGEST
from dimo.model.sentence import SentenceEncoder
from dimo.model.transformer import Layer, TransformerConfig

LABEL = "dimo's own evaluator, not comparable with published numbers"


@dataclass(frozen=True)
class TowersConfig:
    """Sizes: 3.4 million numbers beside the sentence encoder, 6.9 MB in half precision."""

    features: int = 263
    longest: int = LONGEST  # frames that are read
    width: int = 256
    heads: int = 8
    feedforward: int = 768
    motion_layers: int = 3
    text_layers: int = 1
    size: int = 256  # of the common space
    dropout: float = 0.1
    sentence_layers: int = 6  # frozen layers of the sentence encoder below the text tower
    sentence_width: int = 384


class Tower(nn.Module):
    """Transformer layers over (B, S, width) behind one learned place, whose last state becomes the embedding."""

    def __init__(self, config: TowersConfig, layers: int):
        super().__init__()
        sizes = TransformerConfig(
            width=config.width, heads=config.heads, feedforward=config.feedforward, dropout=config.dropout
        )
        self.query = nn.Parameter(0.02 * torch.randn(config.width))
        self.norm = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(layers))
        self.out = nn.Linear(config.width, config.size)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """x (B, S, width) with real places (B, S) to (B, size)."""
        x = self.norm(torch.cat([self.query.to(x.dtype).expand(len(x), 1, -1), x], 1))
        mask = pad(real, (1, 0), value=True)[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        return self.out(x[:, 0])


class MotionTower(nn.Module):
    """Normalised features (B, F, C) to (B, size); a quarter of the frame rate within."""

    def __init__(self, config: TowersConfig):
        super().__init__()
        self.first = nn.Conv1d(config.features, config.width, 5, 2, 2)
        self.second = nn.Conv1d(config.width, config.width, 5, 2, 2)
        self.places = nn.Parameter(0.02 * torch.randn(-(-config.longest // 4), config.width))
        self.tower = Tower(config, config.motion_layers)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x (B, F, C) with zeros behind the true lengths (B) in frames."""
        x = x.transpose(1, 2)
        for convolution in (self.first, self.second):
            lengths = (lengths + 1) // 2
            x = gelu(convolution(x))
            real = torch.arange(x.shape[2], device=x.device) < lengths[:, None]
            x = x * real[:, None]  # zeros as at the edge of a batch, so that batch mates change nothing
        x = x.transpose(1, 2)
        return self.tower(x + self.places[: x.shape[1]], real)


class TextTower(nn.Module):
    """States of the sentence encoder (B, S, sentence_width) to (B, size)."""

    def __init__(self, config: TowersConfig):
        super().__init__()
        self.enter = nn.Linear(config.sentence_width, config.width)
        self.tower = Tower(config, config.text_layers)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        return self.tower(self.enter(states), torch.arange(states.shape[1], device=states.device) < lengths[:, None])


class Towers(nn.Module):
    """Both towers and the statistics of the features: what is trained and stored."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TowersConfig):
        super().__init__()
        self.config = config
        self.motion, self.text = MotionTower(config), TextTower(config)
        self.register_buffer("mean", torch.zeros(config.features))
        self.register_buffer("std", torch.ones(config.features))

    def embed_motions(self, clips: Sequence[np.ndarray]) -> Tensor:
        """Unit vectors (B, size) of features (F, C) in physical units."""
        for i, clip in enumerate(clips):
            if clip.ndim != 2 or clip.shape[1] != self.config.features or not len(clip):
                raise ShapeError(f"motion {i} has shape {clip.shape}; this evaluator reads (F, {self.config.features})")
        mean, std, device = self.mean.cpu(), self.std.cpu(), self.mean.device
        rows = [torch.from_numpy(np.asarray(c[: self.config.longest], np.float32)) for c in clips]
        lengths = torch.tensor([len(r) for r in rows], device=device)
        x = pad_sequence([(r - mean) / std for r in rows], batch_first=True).to(device)
        return normalize(self.motion(x, lengths).float(), dim=-1)

    def embed_states(self, states: Sequence[Tensor]) -> Tensor:
        """Unit vectors (B, size) of the sentence encoder's states (T, sentence_width), wherever those are."""
        device = self.mean.device
        lengths = torch.tensor([len(s) for s in states], device=device)
        x = pad_sequence([s.float() for s in states], batch_first=True).to(device)
        return normalize(self.text(x, lengths).float(), dim=-1)


class ContrastiveEvaluator(Evaluator):
    """Texts and motions to unit vectors of one space (N, size)."""

    name = "dimo's contrastive evaluator"
    label = LABEL

    def __init__(self, towers: Towers, sentence: SentenceEncoder, sha256: str = ""):
        self.towers, self.sentence, self.sha256 = towers.eval(), sentence, sha256
        self.columns = len(towers.mean)
        self.states = ("all-MiniLM-L6-v2", Remembered(sentence.word_states))

    @staticmethod
    def from_folder(folder: Path, model: Path) -> ContrastiveEvaluator:
        """A stored one; the word vectors come from the dimo weights folder `model` (SentenceEncoder.from_weights)."""
        config = checkpoint.read_config(folder)
        try:
            sizes = TowersConfig(**config["encoder"])
            towers, words = Towers(sizes), str(config["words_sha256"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{folder / 'config.json'}: not a usable evaluator config ({error})") from None
        path = folder / "encoder.safetensors"
        checkpoint.load_into(towers, path)
        sentence = SentenceEncoder.from_weights(folder / "sentence.safetensors", sizes.sentence_layers, model, words)
        return ContrastiveEvaluator(towers, sentence, checkpoint.sha256(path))

    def to(self, device: torch.device) -> ContrastiveEvaluator:
        self.towers.to(device)
        self.sentence.to(device)
        return self

    def save(self, folder: Path, provenance: dict[str, object]) -> None:
        """config.json, encoder.safetensors, and sentence.safetensors without its word vectors."""
        sentence, words = self.sentence.stored()
        config = {
            "encoder": asdict(self.towers.config),
            "words_sha256": words,
            "label": LABEL,
            "provenance": provenance,
        }
        checkpoint.save(folder, config, {"encoder": self.towers.state_dict(), "sentence": sentence}, {})

    @torch.no_grad()
    def embed_texts(self, captions: Sequence[str], batch: int = 256) -> np.ndarray:
        """(N, size) in the order given."""
        out = [np.zeros((0, self.towers.config.size), np.float32)]
        for start in range(0, len(captions), batch):
            states = self.sentence.states(captions[start : start + batch])
            out.append(self.towers.embed_states(states).cpu().numpy())
        return np.concatenate(out)

    @torch.no_grad()
    def embed_motions(self, features: Sequence[np.ndarray], batch: int = 64) -> np.ndarray:
        """(N, size) in the order given, from features (F, C) at 20 fps in physical units."""
        out = [np.zeros((0, self.towers.config.size), np.float32)]
        for start in range(0, len(features), batch):
            out.append(self.towers.embed_motions(features[start : start + batch]).cpu().numpy())
        return np.concatenate(out)

    def sentences(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the sentence encoder."""
        return self.sentence.embed(texts)
