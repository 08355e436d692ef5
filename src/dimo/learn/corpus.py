"""From prepared shards to what the training loops read: feature clips for the codec, code examples for the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dimo.codec.codec import Codec
from dimo.data import shards
from dimo.data.records import Clip
from dimo.errors import RequestError
from dimo.features import humanml3d
from dimo.learn.joint import Example
from dimo.learn.recipe import DataOptions
from dimo.text.wordpiece import Wordpiece

MIN_FRAMES = 8


def clips(folder: Path, split: str, options: DataOptions) -> list[Clip]:
    """The clips of a split that the options admit; RequestError when there are none."""
    found = [
        clip
        for clip in shards.read(folder, split)
        if (not options.sources or clip.source.startswith(options.sources))
        and (options.mirrored or not clip.mirrored)
        and len(clip.joints) >= MIN_FRAMES
    ]
    if not found:
        raise RequestError(
            f"{folder}: no clips of the split {split!r}{f' from {list(options.sources)}' if options.sources else ''}"
        )
    return found


def feature_clips(found: Sequence[Clip]) -> list[np.ndarray]:
    """Features (F, C) in float32 per clip."""
    return [humanml3d.encode(np.asarray(clip.joints, float)).astype(np.float32) for clip in found]


@torch.no_grad()
def code_clips(codec: Codec, features: Sequence[np.ndarray], longest: int) -> list[Tensor]:
    """Codes (L, Q) per clip, cut to `longest` steps."""
    codec.eval()
    return [codec.encode(torch.from_numpy(f)[None])[0][:longest].clone() for f in features]


def examples(
    found: Sequence[Clip], codes: Sequence[Tensor], wordpiece: Wordpiece, longest: int, options: DataOptions
) -> list[Example]:
    """Examples with sampling weights: labels balanced by label_exponent, composites together at composite_share."""
    counts = Counter(clip.label for clip in found if not clip.composite)
    weights = np.array(
        [1.0 if clip.composite else counts[clip.label] ** (options.label_exponent - 1) for clip in found]
    )
    composite = np.array([clip.composite for clip in found])
    if composite.any() and not composite.all():
        weights[composite] *= options.composite_share / weights[composite].sum()
        weights[~composite] *= (1 - options.composite_share) / weights[~composite].sum()
    out = []
    for clip, code, weight in zip(found, codes, weights, strict=True):
        ids = [tuple(wordpiece.encode(c.text)[:longest]) for c in clip.captions]
        if ids := [i for i in ids if i]:
            out.append(Example(code, tuple(ids), float(weight)))
    return out
