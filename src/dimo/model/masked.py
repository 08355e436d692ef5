"""The masked model: Tokens in, logits for words and motion codes out.

One trunk pass over `[CLS] text [SEP] motion [SEP]` gives a vector per place. Words are read off by the tied embedding
matrix, base codes by a linear head; a small depth decoder then predicts level after level of a stack from its vector and
the levels below, looking a few code steps around, so that all Q levels cost one trunk pass.

Motion also passes a few convolutions over neighbouring code steps before and after the trunk. What follows what in a gait
does not depend on where in the clip it happens; attention with absolute positions would have to learn it at every place
anew, which 4 hours of motion do not suffice for (docs/log.md has the comparison).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, pad

from dimo.errors import RequestError, ShapeError
from dimo.features.layouts import LONGEST
from dimo.model.products import steady_linear
from dimo.model.transformer import Transformer, TransformerConfig, activate
from dimo.sequence.tokens import Tokens
from dimo.sequence.vocabulary import CLS, SEP

UNKNOWN_TEXTS = ("absent", "masked")
"""What an unknown text looks like. absent: it has no places at all. masked: as many [MASK] as the caption has pieces, which
tells the model how long the text is that it should know nothing of."""

DEPTH_INPUTS = ("normalised", "raw")
"""How trunk vectors reach the depth decoder. raw: as they are, which is so large that the codes added to them are hardly seen."""


@dataclass(frozen=True)
class MaskedConfig:
    """Sizes of the masked model."""

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    levels: int = 6
    codes: int = 512
    max_steps: int = LONGEST // 4  # of motion
    max_text: int = 64  # word pieces
    caption_slots: int = 32  # places that a caption may fill
    depth_blocks: int = 2
    stem_blocks: int = 1  # convolutions over neighbouring stacks before the trunk
    near_blocks: int = 2  # and after it
    near_reach: int = 2  # code steps to either side that each of them sees
    unknown_text: str = "absent"  # or "masked" (UNKNOWN_TEXTS)
    depth_input: str = "normalised"  # or "raw" (DEPTH_INPUTS)
    drawn_levels: int = 0  # levels of what is made, from the base up; the others are left out of it. 0: all
    upper_temperature: float = 1.0  # of the draws above the base, beside that of the request

    def __post_init__(self):
        if self.unknown_text not in UNKNOWN_TEXTS:
            raise RequestError(f"unknown_text must be {' or '.join(UNKNOWN_TEXTS)}, not {self.unknown_text!r}")
        if self.depth_input not in DEPTH_INPUTS:
            raise RequestError(f"depth_input must be {' or '.join(DEPTH_INPUTS)}, not {self.depth_input!r}")
        if not self.upper_temperature > 0:
            raise RequestError(f"upper_temperature must be more than 0, not {self.upper_temperature:g}")
        if not 0 <= self.drawn_levels <= self.levels:
            raise RequestError(f"drawn_levels must be from 0 (all) to {self.levels}, not {self.drawn_levels}")

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(data: dict) -> MaskedConfig:
        """From a weights folder's config.json; in folders from before the keys unknown texts were masked and depth inputs raw."""
        before = {"unknown_text": "masked", "depth_input": "raw"}
        return MaskedConfig(**{**before, **data, "transformer": TransformerConfig(**data["transformer"])})


@dataclass(frozen=True)
class Hidden:
    """Trunk output: text (B, T, D) and motion (B, L, D)."""

    text: Tensor
    motion: Tensor


class NearBlock(nn.Module):
    """Convolution over neighbouring code steps and a two-layer perceptron, each normalised first and added."""

    def __init__(self, width: int, dropout: float, reach: int = 1):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, 2 * reach + 1, padding=reach)
        weight = self.near.weight.data  # laid out so that forward sees it as one matrix without a copy
        self.near.weight.data = weight.transpose(1, 2).contiguous().transpose(1, 2)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """x (B, L, D); real (B, L) keeps padding from leaking into the last real code step."""
        y = self.norm1(x) * real.unsqueeze(-1)
        x = x + gelu(self._convolve(y))
        up = gelu(steady_linear(self.norm2(x), self.up.weight, self.up.bias))
        return x + self.dropout(steady_linear(up, self.down.weight, self.down.bias))

    def _convolve(self, y: Tensor) -> Tensor:
        """self.near on (B, L, D), as one product: on short motions half the time of torch's convolution."""
        reach, size = int(self.near.padding[0]), self.near.kernel_size[0]
        windows = pad(y, (0, 0, reach, reach)).unfold(1, size, 1)  # (B, L, D, size)
        return steady_linear(
            windows.transpose(2, 3).flatten(2), self.near.weight.transpose(1, 2).flatten(1), self.near.bias
        )


class MaskedModel(nn.Module):
    """Trunk, heads and the embeddings of motion."""

    def __init__(self, config: MaskedConfig):
        super().__init__()
        self.config = config
        trunk, width = config.transformer, config.transformer.width
        narrow = trunk.embedding_width or width
        self.trunk = Transformer(trunk)
        self.code_embeddings = nn.Parameter(torch.randn(config.levels, config.codes, narrow) * 0.02)
        self.known_embedding = nn.Embedding(
            config.levels + 1, narrow
        )  # how many levels of a stack are known; 0 is its [MASK]
        self.step_positions = nn.Embedding(config.max_steps + 1, narrow)  # the last one is the closing [SEP]'s
        self.stem = nn.ModuleList(NearBlock(narrow, 0.0, config.near_reach) for _ in range(config.stem_blocks))
        self.near = nn.ModuleList(NearBlock(width, trunk.dropout, config.near_reach) for _ in range(config.near_blocks))
        self.text_dense = nn.Linear(width, narrow)
        self.text_norm = nn.LayerNorm(narrow, eps=trunk.norm_epsilon)
        self.text_bias = nn.Parameter(torch.zeros(trunk.vocabulary))
        self.base = nn.Linear(width, config.codes)
        self.depth_codes = nn.Parameter(torch.randn(config.levels - 1, config.codes, width) * 0.02)
        self.depth_level = nn.Embedding(max(1, config.levels - 1), width)
        self.depth = nn.ModuleList(NearBlock(width, trunk.dropout) for _ in range(config.depth_blocks))
        self.depth_norm = nn.LayerNorm(width)
        self.depth_out = nn.Parameter(torch.randn(config.levels - 1, config.codes, width) * 0.02)
        self.length = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.max_steps))
        for embedding in (self.known_embedding, self.step_positions, self.depth_level):
            nn.init.normal_(embedding.weight, std=0.02)

    @property
    def device(self) -> torch.device:
        """Where its weights are, and its tokens have to be."""
        return self.text_bias.device

    def forward(self, tokens: Tokens, *, for_motion: bool = True) -> Hidden:
        """Trunk pass over a batch. Without for_motion, Hidden.motion is not ready for code_logits: words need it not."""
        x, mask = self.embed(tokens)
        hidden = self.trunk.encode(x, mask)
        text = tokens.ids.shape[1]
        motion = hidden[:, 2 + text : -1]
        for block in self.near if for_motion else ():
            motion = block(motion, tokens.motion_slots)
        return Hidden(hidden[:, 1 : 1 + text], motion)

    def embed(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Embedded sequence (B, S, D) and which of its places exist (B, S)."""
        b, text, length = len(tokens), tokens.ids.shape[1], tokens.codes.shape[1]
        if length > self.config.max_steps:
            raise ShapeError(f"a motion of {length} code steps exceeds the model's {self.config.max_steps}")
        device = tokens.ids.device
        sep = torch.full((b, 1), SEP, device=device)
        words = self.trunk.words(torch.cat([torch.full_like(sep, CLS), tokens.masked_ids(), sep], dim=1))
        stacks = self.embed_stacks(tokens.codes, tokens.known_levels)
        for block in self.stem:
            stacks = block(stacks, tokens.motion_slots)
        inputs = torch.cat([words, stacks, self.trunk.words(sep)], dim=1)
        places = tokens.text_slots
        if self.config.unknown_text == "absent":
            places = places & ~tokens.wordless()
        steps = torch.cat([self.step_positions.weight[:length], self.step_positions.weight[-1:]])
        at = torch.cat([self.text_positions(places), steps.expand(b, -1, -1)], dim=1)
        segments = (torch.arange(text + length + 3, device=device) >= text + 2).long()
        mark = torch.ones(b, 1, dtype=torch.bool, device=device)
        mask = torch.cat([mark, places, mark, tokens.motion_slots, mark], dim=1)
        return self.trunk.embed(inputs, at, segments[None]), mask

    def text_positions(self, places: Tensor) -> Tensor:
        """Position vectors (B, T + 2, E) of [CLS], the text's places (B, T) and the [SEP] behind them.

        That [SEP] stands where its text ends, not where the longest of the batch does.
        """
        b, text = places.shape
        at = torch.arange(text + 2, device=places.device).expand(b, -1)
        at = torch.where(at == text + 1, places.sum(1, keepdim=True) + 1, at)
        return self.trunk.positions.weight[at]

    def embed_stacks(self, codes: Tensor, known_levels: Tensor) -> Tensor:
        """Sum of the embeddings of known levels, plus one that says how many are known: (B, L, Q), (B, L) to (B, L, E).

        A stack of which levels were left out (-1) has no more than those below them.
        """
        known_levels = torch.minimum(known_levels, (codes >= 0).long().cumprod(-1).sum(-1))
        out = self.known_embedding(known_levels)
        for level in range(self.config.levels):
            known = (known_levels > level).unsqueeze(-1)
            out = out + self.code_embeddings[level][codes[..., level].clamp_min(0)] * known
        return out

    def text_logits(self, hidden: Tensor) -> Tensor:
        """(..., D) to (..., V) by BERT's masked-word head, tied to the word embeddings."""
        x = steady_linear(hidden, self.text_dense.weight, self.text_dense.bias)
        x = self.text_norm(activate(x, self.config.transformer.activation))
        return steady_linear(x, self.trunk.words.weight.to(x.dtype)) + self.text_bias

    def code_logits(self, hidden: Tensor | None, codes: Tensor, real: Tensor, level: Tensor | int) -> Tensor:
        """Logits (B, L, K) of one level per sequence, given trunk vectors (B, L, D) and the true or drawn levels below.

        level: one number, or one per sequence (B,). Level 0 needs no lower ones. Without hidden, what the levels below say
        of the level by themselves, a few code steps around.
        """
        if isinstance(level, int) and level == 0:
            assert hidden is not None
            return steady_linear(hidden, self.base.weight, self.base.bias)
        start = self._depth_start(hidden)
        if isinstance(level, int):  # only the levels below, and one output matrix
            x = start + self.depth_level.weight[level - 1]
            for lower in range(level):
                x = x + self.depth_codes[lower][codes[..., lower].clamp_min(0)]
            for block in self.depth:
                x = block(x, real)
            return steady_linear(self.depth_norm(x), self.depth_out[level - 1])
        levels = level.expand(len(codes))
        x = start + self.depth_level(levels - 1)[:, None]
        for lower in range(self.config.levels - 1):
            below = (levels > lower)[:, None, None]
            x = x + self.depth_codes[lower][codes[..., lower].clamp_min(0)] * below
        for block in self.depth:
            x = block(x, real)
        x = self.depth_norm(x)
        return torch.einsum("bld,bkd->blk", x, self.depth_out[levels - 1].to(x.dtype))

    def _depth_start(self, hidden: Tensor | None) -> Tensor | float:
        """What the depth decoder adds codes to."""
        if hidden is None:
            return 0.0
        return layer_norm(hidden, hidden.shape[-1:]) if self.config.depth_input == "normalised" else hidden

    def length_logits(self, ids: Tensor, slots: Tensor) -> Tensor:
        """Distribution over 1 to max_steps code steps (index 0 is one step) from text alone: ids, slots (B, T) to (B, max)."""
        sep = torch.full((len(ids), 1), SEP, device=ids.device)
        mark = torch.ones_like(sep, dtype=torch.bool)
        whole = torch.cat([torch.full_like(sep, CLS), ids, sep], dim=1)
        x = self.trunk.embed(self.trunk.words(whole), self.text_positions(slots), torch.zeros_like(whole))
        hidden = self.trunk.encode(x, torch.cat([mark, slots, mark], dim=1))
        return self.length(hidden[:, 0])

    @torch.no_grad()
    def start_from_codebooks(self, codebooks: Tensor, seed: int = 0) -> None:
        """Code embeddings from the codec's codebooks (Q, K, D'), projected at random: near codes start with near meanings."""
        values = _projected(codebooks, self.code_embeddings.shape[-1], seed)
        self.code_embeddings.copy_(values / values.std() * 0.04)
        self.start_depth_from_codebooks(codebooks, seed + 1)

    @torch.no_grad()
    def start_depth_from_codebooks(self, codebooks: Tensor, seed: int = 1) -> None:
        """The same for the depth decoder, whose codes are as large as the trunk's vectors that they are added to.

        Its output matrices lie in the same space: a vector that points along what is left over is near the codes for it.
        """
        if len(codebooks) < 2:  # a codec of one level has none above the base
            return
        values = _projected(codebooks, self.depth_codes.shape[-1], seed)
        raw = self.config.depth_input == "raw"
        self.depth_codes.copy_(values[:-1] * (0.04 / values[:-1].std() if raw else 1 / values[0].std()))
        self.depth_out.copy_(values[1:] / values[1:].std() * 0.02)


def _projected(codebooks: Tensor, width: int, seed: int) -> Tensor:
    """(Q, K, D) to (Q, K, width)."""
    projection = torch.randn(codebooks.shape[-1], width, generator=torch.Generator().manual_seed(seed))
    return codebooks @ projection.to(codebooks.device)
