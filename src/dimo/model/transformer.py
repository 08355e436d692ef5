"""A BERT encoder, small and plain; equal to `transformers`' BertModel by test (Devlin et al. 2019).

One config covers MiniLM, BERT-base and -Large, and ALBERT (one layer's weights used at every depth, and a narrow word
embedding that is projected up: Lan et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, relu, scaled_dot_product_attention

from dimo.device import FUSED_ATTENTION
from dimo.errors import RequestError
from dimo.model.products import FEW, steady_linear

Activation = Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"]
ACTIVATIONS: tuple[str, ...] = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")
"""As `transformers` names them; gelu_new and gelu_pytorch_tanh are one function."""


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes; the defaults are those of all-MiniLM-L6-v2."""

    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    feedforward: int = 1536
    positions: int = 512
    dropout: float = 0.1
    shared_layers: bool = False  # ALBERT: one set of layer weights
    embedding_width: int | None = None  # ALBERT: 128, projected to width; None is width itself, not projected
    activation: Activation = "gelu"  # ALBERT's later weights have "gelu_new"
    norm_epsilon: float = 1e-12

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise RequestError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.width % self.heads:
            raise RequestError(f"a width of {self.width} cannot be shared by {self.heads} attention heads")


class Layer(nn.Module):
    """Self-attention and feed-forward, each added and then normalised (post-norm).

    Dropout stands once a layer, behind the feed-forward: drawing it everywhere BERT does cost 14 % of a training step.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.width
        self.heads, self.activation = config.heads, config.activation
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=config.norm_epsilon)
        self.up = nn.Linear(width, config.feedforward)
        self.down = nn.Linear(config.feedforward, width)
        self.norm2 = nn.LayerNorm(width, eps=config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, S, D); mask (B, 1, 1, S), True where a place may be looked at."""
        b, s, d = x.shape
        q, k, v = (
            steady_linear(x, self.qkv.weight, self.qkv.bias)
            .view(b, s, 3, self.heads, d // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        seen = _attend(q, k, v, mask).transpose(1, 2).reshape(b, s, d)
        x = self.norm1(x + steady_linear(seen, self.out.weight, self.out.bias))
        up = activate(steady_linear(x, self.up.weight, self.up.bias), self.activation)
        return self.norm2(x + self.dropout(steady_linear(up, self.down.weight, self.down.bias)))


def activate(x: Tensor, activation: str) -> Tensor:
    """The activation of that name; the exact gelu is the error function's, gelu_new its approximation by tanh."""
    if activation == "relu":
        return relu(x)
    return gelu(x, approximate="none" if activation == "gelu" else "tanh")


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for (B, H, S, d), in plain products, or fused where that is faster.

    Our sequences are short: torch's fused attention took 6 times as long forward and backward at 48 places in bf16 on a CPU.
    Without gradients the second product is in fp32, whose sum does not change with places that count nothing behind it.
    """
    if q.device.type in FUSED_ATTENTION:
        return scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    if torch.is_grad_enabled():
        return scores.softmax(-1).to(v.dtype) @ v
    places = scores.shape[-1]
    if places < FEW:  # which are summed in another way than more of them
        scores = pad(scores, (0, FEW - places), value=-torch.inf)
    return (scores.softmax(-1)[..., :places] @ v.float()).to(v.dtype)


class Transformer(nn.Module):
    """Word, position and segment embeddings, and the layers."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        narrow = config.embedding_width or config.width
        self.words = nn.Embedding(config.vocabulary, narrow)
        self.positions = nn.Embedding(config.positions, narrow)
        self.segments = nn.Embedding(2, narrow)
        self.norm = nn.LayerNorm(narrow, eps=config.norm_epsilon)
        self.widen = nn.Identity() if config.embedding_width is None else nn.Linear(narrow, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(1 if config.shared_layers else config.layers))
        self.apply(_initialise)

    def embed(self, inputs: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """Sum of inputs (B, S, E), positions (B or 1, S, E) and segment ids (B or 1, S), normalised and widened."""
        return self.widen(self.dropout(self.norm(inputs + positions + self.segments(segments))))

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """All layers over embedded x (B, S, D); mask (B, S) bool."""
        # A single motion has no padding: nothing to mask, 60 times a clip.
        if mask is None or (not self.training and bool(mask.all())):
            return self._layers(x, None)
        # Places that exist come first, so that sums over a sequence do not depend on where the batch pads it.
        order = (~mask).to(torch.int8).argsort(dim=1, stable=True)
        back = order.argsort(dim=1)
        if torch.is_grad_enabled():  # while training, what is padding in every sequence is left out
            longest = int(mask.sum(1).max())
            order, back = order[:, :longest], back.clamp_max(longest - 1)
        x = self._layers(_at(x, order), mask.gather(1, order)[:, None, None, :])
        return _at(x, back)

    def compile_layers(self, backend: str | Callable[..., Callable]) -> None:
        """Each layer by torch.compile, in place: sequences of all lengths by one program, state and names as before."""
        for layer in self.layers:
            layer.compile(backend=backend, dynamic=True)

    def _layers(self, x: Tensor, mask: Tensor | None) -> Tensor:
        for depth in range(self.config.layers):
            x = self.layers[0 if self.config.shared_layers else depth](x, mask)
        return x

    def forward(self, ids: Tensor, mask: Tensor | None = None, segments: Tensor | None = None) -> Tensor:
        """Ids (B, S) to hidden states (B, S, D), as BertModel's last_hidden_state."""
        segments = torch.zeros_like(ids) if segments is None else segments
        positions = self.positions.weight[: ids.shape[1]][None]
        return self.encode(self.embed(self.words(ids), positions, segments), mask)


def _at(x: Tensor, order: Tensor) -> Tensor:
    """x (B, S, D) with the places of each sequence in an order (B, N)."""
    return x.gather(1, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
