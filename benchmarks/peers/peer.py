"""What the peers have in common: sizes, the sentences that they read, a transformer layer, and how they are trained and asked.

A peer is another way to make motion of a sentence, written here after its paper and trained on our data (docs/peers.md). B batch,
T word pieces, L code steps, F frames, Q levels, K codes, C features, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu
from torch.nn.utils.rnn import pad_sequence

from dimo.codec.codec import Codec
from dimo.diffusion.strategies import gumbel
from dimo.errors import RequestError
from dimo.learn.recipe import ModelRecipe
from dimo.learn.start import open_start
from dimo.model.transformer import Transformer
from dimo.sequence.vocabulary import CLS, SEP
from dimo.text.wordpiece import Wordpiece

MAX_PIECES = 64
"""Word pieces of a sentence that are read, as ours reads."""


@dataclass(frozen=True)
class Sizes:
    """Of a peer's transformers; the defaults are those of our trunk."""

    width: int = 384
    layers: int = 6
    heads: int = 12
    feedforward: int = 1536
    dropout: float = 0.1
    text_width: int = 384  # of the states of words

    def __post_init__(self):
        if min(self.width, self.layers, self.heads, self.feedforward) < 1 or self.width % self.heads:
            raise RequestError(f"{self.layers} layers of a width of {self.width} with {self.heads} heads cannot be")


class Peer(nn.Module):
    """A network with its objective and its sampler. Subclasses are in gpt.py, momask.py and mdm.py."""

    reads_codes: bool = True  # motion is codes (L, Q), else features (F, C) normalised by the codec's statistics
    own_lengths: bool = False  # says itself when a motion is over

    def loss(self, words: Words, motion: Tensor, real: Tensor, generator: np.random.Generator) -> dict[str, Tensor]:
        """Scalars, "loss" among them, of motion (B, L, Q) or (B, F, C); real (B, L or F) is False where a row is padded."""
        raise NotImplementedError

    def make(
        self, words: Words, lengths: Sequence[int], generators: Sequence[torch.Generator], *, own: bool = False
    ) -> list[Tensor]:
        """Motion of so many code steps (or frames) for each row, which draws from its own generator.

        own: of as many as the peer itself finds right; only where it has own_lengths.
        """
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


# ---- sentences


@dataclass(frozen=True)
class Words:
    """The states (B, T, D) of the word pieces of sentences, and which are there (B, T). A row without any is an unknown text."""

    states: Tensor
    real: Tensor

    def without(self, rows: Tensor | None = None) -> Words:
        """The same with the text unknown in rows (B,) bool, or in all: condition dropout and the other branch of guidance."""
        gone = torch.ones_like(self.real[:, 0]) if rows is None else rows.to(self.real.device)
        return replace(self, real=self.real & ~gone[:, None])

    def both(self) -> Words:
        """Each sentence (B) and then each of them unknown: the two branches of guidance as one batch (2 B)."""
        return Words(self.states.repeat(2, 1, 1), torch.cat([self.real, self.without().real]))


class TextEncoder:
    """The frozen encoder that all peers read sentences by: MiniLM, from which our own model begins, as published ones have CLIP.

    sha256: of its weights' origin, by which a trained peer knows its encoder again.
    """

    def __init__(self, transformer: Transformer, wordpiece: Wordpiece, sha256: str = ""):
        self.transformer, self.wordpiece, self.sha256 = transformer.eval().requires_grad_(False), wordpiece, sha256

    def ids(self, text: str) -> list[int]:
        return self.wordpiece.encode(text)[:MAX_PIECES]

    @torch.no_grad()
    def __call__(self, sentences: Sequence[Sequence[int]]) -> Words:
        """States of ids without [CLS] and [SEP], which are put around them here."""
        place = self.transformer.words.weight.device
        rows = [torch.tensor([CLS, *ids, SEP]) for ids in sentences]
        real = torch.arange(max(map(len, rows))) < torch.tensor([len(r) for r in rows])[:, None]
        return Words(self.transformer(pad_sequence(rows, batch_first=True).to(place), real.to(place)), real.to(place))


def open_texts(codec: Codec, device: torch.device) -> TextEncoder:
    """MiniLM as the package has it; WeightsError says how to get it."""
    from dimo import checkpoint
    from dimo.learn.start import bert_folder

    start = open_start(ModelRecipe(), codec)
    assert start.bert is not None  # a default recipe begins from BERT
    transformer = Transformer(replace(start.bert.config, dropout=0.0))
    transformer.load_state_dict(start.bert.trunk)
    digest = checkpoint.sha256(bert_folder() / "model.safetensors")
    return TextEncoder(transformer.to(device), start.wordpiece, digest)


# ---- layers


class Block(nn.Module):
    """Self-attention and feed-forward, each normalised first and added (pre-norm)."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.heads = sizes.heads
        self.norm1, self.norm2 = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        self.qkv, self.out = nn.Linear(sizes.width, 3 * sizes.width), nn.Linear(sizes.width, sizes.width)
        self.up, self.down = nn.Linear(sizes.width, sizes.feedforward), nn.Linear(sizes.feedforward, sizes.width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, x: Tensor, mask: Tensor, past: list[Tensor] | None = None) -> Tensor:
        """x (B, S, D); mask (B, 1, 1 or S, N), True where a place looks at another.

        past: keys and values of the N - S places before, which those of x are added to; empty where there are none yet.
        """
        b, s, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, s, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if past is not None:
            k, v = (torch.cat([before, new], 2) for before, new in zip(past, (k, v), strict=True)) if past else (k, v)
            past[:] = [k, v]
        scores = (q @ k.transpose(-1, -2)).float() * (d // self.heads) ** -0.5
        weights = scores.masked_fill(~mask, -torch.inf).softmax(-1).to(v.dtype)
        x = x + self.dropout(self.out((weights @ v).transpose(1, 2).reshape(b, s, d)))
        return x + self.dropout(self.down(gelu(self.up(self.norm2(x)))))


class Encoder(nn.Module):
    """Blocks over words and motion side by side, all of which see each other."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.words = nn.Linear(sizes.text_width, sizes.width)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, words: Words, motion: Tensor, real: Tensor) -> Tensor:
        """Embedded motion (B, S, D), of which real (B, S) is there, to states (B, S, D)."""
        x = torch.cat([self.words(words.states), motion], dim=1)
        mask = torch.cat([words.real, real], dim=1)[:, None, None]
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x[:, words.real.shape[1] :])


# ---- batches and draws


def padded(motions: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Motions (L_i, ...) as one batch (B, L, ...), and which places are real (B, L)."""
    lengths = torch.tensor([len(m) for m in motions])
    return pad_sequence(list(motions), batch_first=True), torch.arange(int(lengths.max())) < lengths[:, None]


def dropped(count: int, share: float, generator: np.random.Generator) -> Tensor:
    """(B,) bool: rows whose condition is left out."""
    return torch.from_numpy(generator.random(count) < share)


def draw(logits: Tensor, at: Tensor, generators: Sequence[torch.Generator], top_k: int) -> Tensor:
    """Values (B, N) drawn from the top_k best of logits (B, N, K), 0 for all, where at (B, N) is True; 0 elsewhere."""
    chosen = logits[at].float()
    if 0 < top_k < chosen.shape[-1]:
        chosen = chosen.masked_fill(chosen < chosen.topk(top_k, -1).values[..., -1:], -torch.inf)
    values = (chosen + gumbel(at, generators, chosen.shape[-1])).argmax(-1)
    return torch.zeros(at.shape, dtype=torch.long, device=logits.device).masked_scatter(at, values)
