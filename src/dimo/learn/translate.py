"""A model that learnt one codec's codes goes on with another's: base codes are carried over by what occurs together.

Both codecs encode the same clips. Where the new one says k, the old one said j so and so often, and what the model knew of j, it
now knows of k in that share. Levels above the base begin anew: what they add has little in common from codec to codec.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dimo.codec.codec import Codec
from dimo.data.records import Clip
from dimo.errors import RequestError
from dimo.learn import corpus
from dimo.model.masked import MaskedModel

CLIPS = 3000
"""Clips whose codes are compared."""


def together(new: Sequence[Tensor], old: Sequence[Tensor], sizes: tuple[int, int]) -> Tensor:
    """How often base code k of `new` stands where `old` has j, (K_new, K_old), from codes (L, Q) of the same clips."""
    counts = torch.zeros(sizes)
    for a, b in zip(new, old, strict=True):
        counts.index_put_((a[:, 0], b[:, 0]), torch.ones(len(a)), accumulate=True)
    return counts


@torch.no_grad()
def translate(model: MaskedModel, counts: Tensor, codebooks: Tensor) -> None:
    """Change the parts of a model that know codes, in place.

    counts (K_new, K_old) as of together; codebooks (Q, K, D) of the new codec. Codes that the clips do not show get the mean
    of what the model knows.
    """
    seen = counts.sum(1, keepdim=True)
    mean = counts.sum(0) / counts.sum().clamp_min(1)
    share = torch.where(seen > 0, counts / seen.clamp_min(1), mean)
    base, embedded, below = model.base, model.code_embeddings[0].clone(), model.depth_codes[:1].clone()
    # A head's bias says how common a code is, and the new codes are as common as they are.
    common_new, common_old = _log_share(counts.sum(1)), _log_share(counts.sum(0))
    bias = share @ (base.bias - common_old) + common_new
    weight = share @ base.weight
    base.weight.copy_(weight)
    base.bias.copy_(bias)
    model.start_from_codebooks(codebooks)
    model.code_embeddings[0].copy_(share @ embedded)
    if len(below) and model.config.depth_input == "raw":  # else the codebooks have said it, at the right size
        model.depth_codes[:1].copy_(share @ below)


def carry_over(model: MaskedModel, before: Codec, codec: Codec, clips: Sequence[Clip]) -> None:
    """translate, with counts from some of the clips. RequestError for codecs whose codes do not fall on the same frames."""
    if before.config.stride != codec.config.stride or before.config.skeleton != codec.config.skeleton:
        raise RequestError(
            "a model can go on with another codec only if both have the same stride and body: "
            f"{before.config.stride} frames on {before.config.skeleton!r} and {codec.config.stride} on {codec.config.skeleton!r}"
        )
    plain = [c for c in clips if not c.composite] or list(clips)
    some = plain[:: -(-len(plain) // CLIPS)]
    longest = model.config.max_steps
    sizes = codec.config.codes, before.config.codes
    counts = together(corpus.code_clips(codec, some, longest), corpus.code_clips(before, some, longest), sizes)
    translate(model, counts, codec.quantizer.codebooks.cpu())


def _log_share(counts: Tensor) -> Tensor:
    return ((counts + 1) / (counts.sum() + len(counts))).log()
