"""Clips with their captions, as the trainers of evaluators draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dimo.codec.codec import feature_statistics
from dimo.learn import corpus
from dimo.learn.draws import draw_weights
from dimo.learn.folders import Data, Written
from dimo.learn.recipe import DataOptions
from dimo.learn.waiting import counted

STATISTICS_CLIPS = 2000
"""Clips that mean and deviation are taken from: all of them at once would not fit a small machine's memory."""


@dataclass(frozen=True)
class CaptionedOptions:
    """Which clips, and how often each is drawn."""

    folders: Written = ()  # as in DataOptions
    sources: tuple[str, ...] = ()  # beginnings of source names; empty takes all
    mirrored: bool = True  # without mirror images an encoder may take left for a habit of the actors
    label_exponent: float = 0.5  # 1 draws labels as often as they occur, 0 all alike
    short_exponent: float = 0.0  # a plain clip of s seconds is drawn in proportion to s^-exponent
    composite_share: float = 0.35  # of the draws that go to joined and overlaid clips, where there are any
    human_share: float = 0.0  # of the plain draws that go to clips with captions by human annotators; 0 leaves it open
    source_shares: dict[str, float] = field(default_factory=dict)  # as in DataOptions


class CaptionedClips:
    """Features (F, C), in half precision to halve the memory, and the captions of each clip."""

    def __init__(
        self, features: Sequence[np.ndarray], captions: Sequence[tuple[str, ...]], weights: np.ndarray | None = None
    ):
        self.features = [f.astype(np.float16) for f in features]
        self.captions = list(captions)
        weights = np.ones(len(self.features)) if weights is None else weights
        self.share = weights / weights.sum()

    def __len__(self) -> int:
        return len(self.features)

    @staticmethod
    def read(data: Data, split: str, options: CaptionedOptions) -> CaptionedClips:
        """The captioned clips of a split of prepared folders; RequestError when there are none."""
        found = corpus.clips(data, split, DataOptions(sources=options.sources, mirrored=options.mirrored))
        found = [c for c in found if c.captions]
        captions = [tuple(t.text for t in c.captions) for c in found]
        return CaptionedClips(corpus.feature_clips(found), captions, draw_weights(found, options))

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation (C,) with the feature bias (codec.codec.feature_statistics), from clips spread over the set."""
        step = -(-len(self) // STATISTICS_CLIPS)
        return feature_statistics([f.astype(np.float64) for f in self.features[::step]])

    @counted
    def draw(self, size: int, generator: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
        """Features and one caption each of `size` different clips (fewer where there are fewer)."""
        at = generator.choice(len(self), min(size, len(self)), replace=False, p=self.share)
        captions = [self.captions[i][generator.integers(len(self.captions[i]))] for i in at]
        return [self.features[i].astype(np.float32) for i in at], captions
