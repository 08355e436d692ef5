"""How often each clip is drawn in training: what exists a thousand times must not drown what exists once.

A label with n clips is drawn in proportion to n^exponent; a motion that several clips show is counted once; short clips may
be drawn oftener, since each gives little to learn from. Then the weights are scaled in turn until the draws fall on
composites, sources and clips with human captions in the shares that are asked for (raking, Deming and Stephan 1940).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from dimo.data.records import Clip
from dimo.errors import RequestError

ROUNDS = 60


class DrawOptions(Protocol):
    """What the option classes of recipes hold about draws; learn.recipe.DataOptions says what each field means."""

    @property
    def label_exponent(self) -> float: ...
    @property
    def short_exponent(self) -> float: ...
    @property
    def composite_share(self) -> float: ...
    @property
    def human_share(self) -> float: ...
    @property
    def source_shares(self) -> Mapping[str, float]: ...


def draw_weights(clips: Sequence[Clip], options: DrawOptions) -> np.ndarray:
    """The probability (N,) of each clip to be drawn; RequestError for shares that cannot be.

    Sources and human captions have their shares among the clips that are no composites. Of several folders that have shares
    (folders.folders) each is drawn from as often as its share says, and within it as if it were alone.
    """
    numbers = sorted({c.folder for c in clips})
    if len(numbers) < 2:
        return _within(clips, options)
    out = np.zeros(len(clips))
    for folder in numbers:
        at = np.array([i for i, c in enumerate(clips) if c.folder == folder])
        out[at] = clips[at[0]].share * _within([clips[i] for i in at], options)
    return out / out.sum()


def _within(clips: Sequence[Clip], options: DrawOptions) -> np.ndarray:
    """The probabilities of clips that are of one folder, or of several that are as one."""
    named = dict(options.source_shares)
    if min([options.composite_share, options.human_share, *named.values()]) < 0 or sum(named.values()) > 1:
        raise RequestError(
            f"source_shares and the other shares must be at least 0, and {named} must not add up beyond 1"
        )
    composite = np.array([c.composite for c in clips], bool)
    plain = ~composite
    counts: dict[str, float] = defaultdict(float)
    for clip in clips:
        if not clip.composite:
            counts[clip.label] += 1 / clip.repeats
    weights = np.array(
        [1.0 if c.composite else counts[c.label] ** (options.label_exponent - 1) / c.repeats for c in clips]
    )
    seconds = np.array([len(c.joints) / c.fps for c in clips])
    weights *= np.where(plain, seconds**-options.short_exponent, 1.0)
    parts = {name: plain & np.array([c.source.startswith(name) for c in clips], bool) for name in named}
    if len(parts) > 1 and np.stack(list(parts.values())).sum(0).max() > 1:
        raise RequestError(f"source_shares names one source twice: {', '.join(parts)}")
    human = plain & np.array([any(t.kind == "human" for t in c.captions) for c in clips], bool)
    for _ in range(ROUNDS):
        for name, part in parts.items():
            _scale(weights, part, plain, named[name])
        if options.human_share:
            _scale(weights, human, plain, options.human_share)
    _scale(weights, composite, np.ones(len(clips), bool), options.composite_share)
    if weights.sum() <= 0:
        raise RequestError("these shares leave no clip to be drawn")
    return weights / weights.sum()


def _scale(weights: np.ndarray, part: np.ndarray, whole: np.ndarray, share: float) -> None:
    """Scale, in place, so that `part` has `share` of the weight of `whole`; nothing where either of the two halves is empty."""
    inside, outside = weights[part].sum(), weights[whole & ~part].sum()
    if inside > 0 and outside > 0:
        weights[part] *= share * (inside + outside) / inside
        weights[whole & ~part] *= (1 - share) * (inside + outside) / outside
