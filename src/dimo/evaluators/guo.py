"""The evaluator of Guo et al. 2022 in its exact architecture: the networks behind most published numbers.

After the public code of "Generating Diverse and Natural 3D Human Motions from Text". It loads the authors' `finest.tar`, or one
that `dimo.learn.evaluator_guo` trained, whose numbers nobody else's compare with.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from dimo import checkpoint
from dimo.errors import FormatError, ShapeError, WeightsError
from dimo.evaluators.evaluator import Evaluator
from dimo.evaluators.guo_words import PARTS, WordVectors, tokens
from dimo.features.layouts import LONGEST

UNIT = 4
"""Frames of a movement snippet."""
"""Frames that every motion is padded to: the second convolution sees the first one's bias in the padding."""
CONTACTS = 4  # the last columns, which the evaluator does not read
WORD_SIZE = 300
WIDTH = 512
"""Of snippets, of the text's GRU and of the shared space; the motion's GRU has twice that."""
RETRAINED = "retrained, not comparable with published numbers"

PUBLISHED = {"movement_encoder": "movement", "motion_encoder": "motion", "text_encoder": "text"}
_NAMES = {
    "movement": {"main.0": "first", "main.3": "second", "out_net": "out"},
    "motion": {"input_emb": "enter", "gru": "gru", "hidden": "start", "output_net": "head"},
    "text": {"pos_emb": "parts", "input_emb": "enter", "gru": "gru", "hidden": "start", "output_net": "head"},
}
"""Parts of the published checkpoint and of ours."""


class Movement(nn.Module):
    """Frames (B, F, C - 4) to snippets (B, F / 4, width)."""

    def __init__(self, features: int, width: int = WIDTH):
        super().__init__()
        self.first = nn.Conv1d(features - CONTACTS, width, 4, 2, 1)
        self.second = nn.Conv1d(width, width, 4, 2, 1)
        self.out = nn.Linear(width, width)
        self.act = nn.Sequential(nn.Dropout(0.2), nn.LeakyReLU(0.2))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x.transpose(1, 2)))
        return self.out(self.act(self.second(x)).transpose(1, 2))


class Reader(nn.Module):
    """A linear layer, a two-way GRU with a learned start, and a head on its two last states."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.start = nn.Parameter(torch.randn(2, 1, width))
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.LayerNorm(width), nn.LeakyReLU(0.2), nn.Linear(width, outputs)
        )
        initialise(self)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x (B, S, inputs) with true lengths (B) to (B, outputs). Packing keeps the backward pass off the padding."""
        packed = pack_padded_sequence(self.enter(x), lengths.cpu(), batch_first=True, enforce_sorted=False)
        last = self.gru(packed, self.start.repeat(1, len(x), 1))[1]
        return self.head(torch.cat([last[0], last[1]], -1))


class TextReader(Reader):
    """A Reader of words: the part of speech is added to each word's vector."""

    def __init__(self, words: int = WORD_SIZE, width: int = WIDTH):
        super().__init__(words, width, width)
        self.parts = nn.Linear(len(PARTS), words)
        initialise(self.parts)

    def forward(self, x: Tensor, lengths: Tensor, parts: Tensor | None = None) -> Tensor:
        """x (B, 22, E) word vectors, parts (B, 22, 15) one-hot."""
        return super().forward(x if parts is None else x + self.parts(parts), lengths)


def initialise(module: nn.Module) -> None:
    """Xavier weights and no bias in linear and convolution layers, as the public code begins."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv1d | nn.ConvTranspose1d):
            nn.init.xavier_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


class Networks(nn.Module):
    """The three encoders for features of one size (263, 251), and the statistics of their input.

    The published networks have the width 512; a retrained one may be narrower.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, features: int = 263, words: int = WORD_SIZE, width: int = WIDTH):
        super().__init__()
        self.features, self.width = features, width
        self.movement = Movement(features, width)
        self.motion = Reader(width, 2 * width, width)
        self.text = TextReader(words, width)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def embed_motions(self, motions: Tensor, lengths: Tensor) -> Tensor:
        """Normalised motions (B, 196, C), zeros behind their lengths (B) in frames, to (B, width)."""
        return self.motion(self.movement(motions[..., :-CONTACTS]), lengths // UNIT)


class GuoEvaluator(Evaluator):
    """Texts and motions to points of one space (N, width), 512 wide in the original.

    comparable says whether its numbers are those of the literature; feature_mode which HumanML3D features it must be fed:
    "published" (with the public code's defects: features/humanml3d.py) or "exact".
    """

    name = "evaluator of Guo et al. 2022"

    def __init__(self, networks: Networks, words: WordVectors, *, comparable: bool, sha256: str = ""):
        self.networks, self.words, self.comparable = networks.eval(), words, comparable
        self.feature_mode = "published" if comparable else "exact"
        self.label, self.sha256 = "" if comparable else RETRAINED, sha256
        self.columns = networks.features

    @staticmethod
    def from_published(weights: Path, meta: Path, glove: Path) -> GuoEvaluator:
        """The original: `text_mot_match/model/finest.tar`, the `meta` folder of Comp_v6_KLD01 or _KLD005 with mean.npy and
        std.npy (with the feature bias of training in them), and the GloVe folder (WordVectors.from_folder).
        """
        state = read_published(weights)
        with torch.device("meta"):  # 21 million random numbers that nobody needs would take a second
            networks = Networks(state["movement.first.weight"].shape[1] + CONTACTS)
        for name in ("mean", "std"):
            state[name] = torch.from_numpy(_statistic(meta / f"{name}.npy", networks.features))
        _check_keys(networks, state, weights)
        networks.load_state_dict({k: v.float() for k, v in state.items()}, assign=True)
        words = WordVectors.from_folder(glove)
        if words.vectors.shape[1] != WORD_SIZE:
            raise WeightsError(
                f"{glove}: word vectors of {words.vectors.shape[1]} numbers; the evaluator reads {WORD_SIZE}"
            )
        return GuoEvaluator(networks, words, comparable=True, sha256=checkpoint.sha256(weights))

    @staticmethod
    def from_folder(folder: Path) -> GuoEvaluator:
        """A retrained one, as `save` wrote it."""
        config = checkpoint.read_config(folder)
        try:
            options, rows = config["evaluator"], dict(config["evaluator"]["words"])
            networks = Networks(options["features"], options["word_size"], options["width"])
            file = _File(networks, len(rows))
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{folder / 'config.json'}: not a usable evaluator config ({error})") from None
        path = folder / "evaluator.safetensors"
        checkpoint.load_into(file, path)
        words = WordVectors(file.words.numpy(), rows)
        return GuoEvaluator(networks, words, comparable=False, sha256=checkpoint.sha256(path))

    def to(self, device: torch.device) -> GuoEvaluator:
        self.networks.to(device)
        return self

    def save(self, folder: Path, provenance: dict[str, object]) -> None:
        """config.json and evaluator.safetensors of a retrained evaluator, its words included."""
        if self.comparable:
            raise WeightsError("the original evaluator is its authors' to distribute; keep their files")
        rows = sorted(self.words.rows.items(), key=lambda item: item[1])
        words = self.words.vectors[[i for _, i in rows]]
        file = _File(self.networks, len(rows))
        file.words.copy_(torch.from_numpy(words))
        config = {
            "evaluator": {
                "features": self.networks.features,
                "word_size": words.shape[1],
                "width": self.networks.width,
                "words": {w: i for i, (w, _) in enumerate(rows)},
                "comparable": False,
                "label": RETRAINED,
            },
            "provenance": provenance,
        }
        checkpoint.save(folder, config, {"evaluator": file.state_dict()}, {})

    @torch.no_grad()
    def embed_texts(self, captions: Sequence[str | Sequence[str]], batch: int = 256) -> np.ndarray:
        """(N, width) in the order given; a caption is a sentence, or its published `word/POS` tokens (better: taggers differ)."""
        out = [np.zeros((0, self.networks.width), np.float32)]
        for start in range(0, len(captions), batch):
            rows = [tokens(c) if isinstance(c, str) else c for c in captions[start : start + batch]]
            out.append(self.networks.text(*self.encode(rows)).cpu().numpy())
        return np.concatenate(out)

    @torch.no_grad()
    def embed_motions(self, features: Sequence[np.ndarray], batch: int = 64) -> np.ndarray:
        """(N, width) in the order given, from features (F, C) in physical units, which are normalised here with the
        evaluator's own statistics; whole snippets of the first 196 frames are read.
        """
        out = [np.zeros((0, self.networks.width), np.float32)]
        for start in range(0, len(features), batch):
            motions, lengths = self.pad(features[start : start + batch])
            out.append(self.networks.embed_motions(motions, lengths).cpu().numpy())
        return np.concatenate(out)

    def encode(self, rows: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """What the text network reads of `word/POS` tokens: vectors (B, 22, E), lengths (B) on the CPU, parts (B, 22, 15)."""
        vectors, parts, lengths = zip(*(self.words.encode(r) for r in rows), strict=True)
        device = self.networks.mean.device
        return _stack(vectors).to(device), torch.tensor(lengths), _stack(parts).to(device)

    def pad(self, features: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Normalised (B, 196, C) with zeros behind, where the networks are, and lengths (B) in frames, multiples of 4."""
        motions, lengths = pad(features, self.networks.mean.cpu().numpy(), self.networks.std.cpu().numpy())
        return motions.to(self.networks.mean.device), lengths


class _File(nn.Module):
    """The networks and the word vectors (V, E) as they lie together in one file."""

    words: Tensor

    def __init__(self, networks: Networks, count: int):
        super().__init__()
        self.networks = networks
        self.register_buffer("words", torch.zeros(count, networks.text.parts.out_features))


def pad(features: Sequence[np.ndarray], mean: np.ndarray, std: np.ndarray) -> tuple[Tensor, Tensor]:
    """Normalise clips (F, C), cut them to whole snippets of the first 196 frames, pad with zeros to (B, 196, C)."""
    out = torch.zeros(len(features), LONGEST, len(mean))
    lengths = []
    for i, clip in enumerate(features):
        if clip.ndim != 2 or clip.shape[1] != len(mean) or len(clip) < UNIT:
            raise ShapeError(f"motion {i} has shape {clip.shape}; this evaluator reads ({UNIT} or more, {len(mean)})")
        frames = min(len(clip), LONGEST) // UNIT * UNIT
        out[i, :frames] = torch.from_numpy(((clip[:frames] - mean) / std).astype(np.float32))
        lengths.append(frames)
    return out, torch.tensor(lengths)


def draw_crop(frames: int, generator: np.random.Generator) -> slice:
    """The part of a clip that one pass of the public loader reads: whole snippets, with a chance of 1/3 one
    fewer, from a random start."""
    fewer = int(generator.integers(3) == 0)
    length = max(1, frames // UNIT - fewer) * UNIT
    start = int(generator.integers(0, max(0, frames - length) + 1))
    return slice(start, start + length)


def read_published(path: Path) -> dict[str, Tensor]:
    """The encoders of a `finest.tar` in our names. Only tensors and plain values are read; no code in the file can run."""
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; it is text_mot_match/model/finest.tar of the authors") from None
    except pickle.UnpicklingError:
        raise WeightsError(f"{path}: holds more than tensors, or is no checkpoint, and is not opened") from None
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from None
    missing = [k for k in PUBLISHED if not isinstance(data, dict) or not isinstance(data.get(k), dict)]
    if missing:
        raise WeightsError(f"{path}: lacks {', '.join(missing)}, so it is not the evaluator's checkpoint")
    out: dict[str, Tensor] = {}
    for theirs, ours in PUBLISHED.items():
        for key, value in data[theirs].items():
            start = next((n for n in _NAMES[ours] if key == n or key.startswith(n + ".")), None)
            out[f"{ours}.{_NAMES[ours][start]}{key[len(start) :]}" if start else f"{theirs}.{key}"] = value
    if "movement.first.weight" not in out or out["movement.first.weight"].ndim != 3:
        raise WeightsError(f"{path}: missing: movement_encoder.main.0.weight")
    return out


def _published_name(key: str) -> str:
    """Our key as the published checkpoint spells it."""
    part, _, rest = key.partition(".")
    theirs = {ours: theirs for theirs, ours in PUBLISHED.items()}
    names = {ours: n for n, ours in _NAMES.get(part, {}).items()}
    start, dot, end = rest.partition(".")
    return f"{theirs.get(part, part)}.{names.get(start, start)}{dot}{end}" if rest else key


def _check_keys(networks: Networks, state: dict[str, Tensor], path: Path) -> None:
    """WeightsError that names, as the published file spells them, all missing, unexpected and misshapen keys."""
    own = networks.state_dict()
    faults = {
        "missing": [_published_name(k) for k in own.keys() - state.keys()],
        "unexpected": [_published_name(k) for k in state.keys() - own.keys()],
        "misshapen": [
            f"{_published_name(k)} {tuple(state[k].shape)} for {tuple(own[k].shape)}"
            for k in own.keys() & state.keys()
            if own[k].shape != state[k].shape
        ],
    }
    if any(faults.values()):
        words = "; ".join(f"{what}: {', '.join(sorted(keys))}" for what, keys in faults.items() if keys)
        raise WeightsError(f"{path}: not the evaluator of Guo et al. ({words})")


def _statistic(path: Path, size: int) -> np.ndarray:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"not a readable array ({error})", path=path) from None
    if values.shape != (size,) or not np.isfinite(values).all():
        raise FormatError(f"must hold {size} finite numbers, not shape {values.shape}", path=path)
    return values.astype(np.float32)


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
