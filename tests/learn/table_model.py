"""A model whose logits are rows of tables, so that every term of the objective has a closed form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from dimo.learn.batches import Example, ModelData
from dimo.model.masked import Hidden, MaskedConfig
from dimo.model.transformer import TransformerConfig
from dimo.sequence.tokens import Tokens

LEVELS, CODES, WORDS, SLOTS, PLACES = 3, 16, 130, 8, 49


class Tables(nn.Module):
    """Logits depend on the place and the level alone. What the model was shown and asked is written down."""

    device = torch.device("cpu")

    def __init__(self, levels: int = LEVELS, sharpness: float = 1.0, slots: int = SLOTS):
        super().__init__()
        trunk = TransformerConfig(vocabulary=WORDS, width=8, heads=2)
        self.config = MaskedConfig(transformer=trunk, levels=levels, codes=CODES, caption_slots=slots)
        generator = torch.Generator().manual_seed(5)
        self.codes = torch.randn(levels, PLACES, CODES, generator=generator) * sharpness
        self.words = torch.randn(PLACES, WORDS, generator=generator) * sharpness
        # Each place has a favourite of its own: the sampler does not write a word beside itself.
        place = torch.arange(PLACES)
        self.words[place, 105 + place % 20] += 6 * sharpness
        for level in range(levels):
            self.codes[level, place, (7 * place + 3 * level) % CODES] += 6 * sharpness
        self.lengths = torch.randn(PLACES, generator=generator)
        self.seen: list[Tokens] = []
        self.levels: list[Tensor] = []
        self.below: list[Tensor] = []
        self.alone: list[tuple[int, Tensor, Tensor]] = []
        self.asked_lengths: list[tuple[Tensor, Tensor]] = []

    def forward(self, tokens: Tokens, *, for_motion: bool = True) -> Hidden:
        self.seen.append(tokens)
        b, t, steps = len(tokens), tokens.ids.shape[1], tokens.codes.shape[1]
        place = torch.eye(PLACES)
        return Hidden(place[:t].expand(b, -1, -1), place[:steps].expand(b, -1, -1))

    def base(self, hidden: Tensor) -> Tensor:
        return hidden @ self.codes[0]

    def code_logits(self, hidden: Tensor | None, codes: Tensor, real: Tensor, level: Tensor | int) -> Tensor:
        if hidden is None:
            assert isinstance(level, int)
            self.alone.append((level, codes, real))
            return self.codes[level, : codes.shape[1]].expand(len(codes), -1, -1)
        if isinstance(level, int):
            return hidden @ self.codes[level]
        self.levels.append(level)
        self.below.append(codes)
        return hidden @ self.codes[level]

    def text_logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.words

    def length_logits(self, ids: Tensor, slots: Tensor) -> Tensor:
        self.asked_lengths.append((ids, slots))
        return self.lengths.expand(len(ids), -1)


def cross_entropy(row: Tensor, target: int, smoothing: float = 0.0) -> float:
    """Of one place, by the definition: (1 - s) times -log p of the target plus s times the mean of -log p."""
    x = row.double().numpy()
    logp = x - np.log(np.exp(x - x.max()).sum()) - x.max()
    return float(-(1 - smoothing) * logp[target] - smoothing * logp.mean())


def mean_cross_entropy(
    table: Tensor | Sequence[Tensor], targets: Tensor, places: Tensor, smoothing: float = 0.0
) -> float:
    """Mean over the places (B, N) that are True; table (N, K), or one for each row."""
    tables = [table] * len(targets) if isinstance(table, Tensor) else table
    found = [
        cross_entropy(tables[b][n], int(targets[b, n]), smoothing)
        for b, n in zip(*np.nonzero(places.numpy()), strict=True)
    ]
    assert found
    return float(np.mean(found))


def clips(lengths: Iterable[int] = (12, 5, 9, 20), levels: int = LEVELS, **changes) -> ModelData:
    """Clips that are known by their lengths; the caption of the one of n steps begins with word n + 20."""
    generator = torch.Generator().manual_seed(1)
    examples = []
    for n in lengths:
        codes = torch.randint(0, CODES, (n, levels), generator=generator)
        caption = (n + 20, 80, 81, 82, 83)[: 2 + n % 4]
        examples.append(Example(codes, (caption,), **changes))
    data = ModelData(examples)
    data.words = np.arange(90, 100)  # wrong words are none that a caption holds, so that each can be told
    return data


def truth(data: ModelData, tokens: Tokens) -> tuple[Tensor, Tensor]:
    """Codes (B, L, Q) and ids (B, T) of the clips in a batch, found by the numbers of their steps."""
    by_length = {len(e.codes): e for e in data.examples}
    codes, ids = torch.zeros_like(tokens.codes), torch.zeros_like(tokens.ids)
    for b, n in enumerate(tokens.motion_slots.sum(1).tolist()):
        codes[b, :n] = by_length[n].codes
        caption = torch.tensor(by_length[n].captions[0])[: ids.shape[1]]
        ids[b, : len(caption)] = caption
    return codes, ids
