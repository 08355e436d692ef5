"""The protocol of a text-to-motion table: which clips, captions, crops and repeats a row is asked about.

Exact where the field has a protocol (Guo et al. 2022, section 5, and their public loader): a caption drawn per clip and
repeat, lengths cut to whole snippets with a chance of 1/3 one fewer, a random crop, batches of 32 of which the last partial
one is dropped, 20 repeats, the real row measured against a fresh pass of the same clips. Three things make a protocol: the
clips that it admits (`usable`), what it asks about them (`draw`), and what an evaluator is fed of a row's answer
(`Evaluator.features`); another protocol replaces some of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimo.data.records import Clip
from dimo.errors import RequestError
from dimo.evaluators.guo import draw_crop
from dimo.metrics import motion as metrics

MIN_FRAMES = 8
NOTES = {
    "dimo": "Protocol dimo: evaluators read the positions of the motions as people get them, on the codec's 22-joint body{feet}, "
    "encoded again; tables of the field are of decoded features (--protocol humanml3d).",
    "humanml3d": "Protocol humanml3d: evaluators read the features that the codec decodes as they are; no body is fitted, no foot "
    "is held, nothing is encoded again, and lengths are the true ones.",
}
"""What a report says of a model's rows by each protocol (settings.PROTOCOLS)."""
FRESH = 7919
"""Added to the seed of the pass that FID is measured against."""


@dataclass(frozen=True)
class Plan:
    """How often and on what; a report states all of it."""

    repeats: int = 20
    seed: int = 0
    batch: int = metrics.POOL  # also the pool in which texts compete for motions
    crop: bool = True  # as the public loader does; False keeps motions whole

    def __post_init__(self):
        if not 1 <= self.repeats <= 1000:
            raise RequestError(f"repeats must be from 1 to 1000, not {self.repeats}")

    def batches(self, clips: int) -> int:
        """Whole batches of so many clips, one at least."""
        return max(1, clips // self.batch)


@dataclass(frozen=True)
class Trial:
    """What every row answers in one repeat: a motion for `caption`, as long as `truth`, with `seed` as its randomness."""

    clip: Clip
    caption: str
    truth: np.ndarray  # (F, 22, 3): the crop of the clip that this repeat looks at
    start: int  # its first frame
    seed: int

    @property
    def frames(self) -> int:
        return len(self.truth)


def usable(clips: Sequence[Clip]) -> list[Clip]:
    """Clips that the protocol can use: with captions, and of at least MIN_FRAMES frames."""
    return [c for c in clips if c.captions and len(c.joints) >= MIN_FRAMES]


def draw(clips: Sequence[Clip], plan: Plan, repeat: int) -> list[Trial]:
    """The trials of a repeat in their order; whole batches only, unless there is not even one."""
    generator = np.random.default_rng([plan.seed, repeat])
    order = generator.permutation(len(clips))
    order = order[: len(clips) // plan.batch * plan.batch or len(clips)]
    out = []
    for i in order:
        clip = clips[i]
        crop = draw_crop(len(clip.joints), generator) if plan.crop else slice(0, len(clip.joints))
        truth = np.asarray(clip.joints[crop], float)
        text = clip.captions[generator.integers(len(clip.captions))].text
        out.append(Trial(clip, text, truth, crop.start, zlib.crc32(f"{plan.seed} {repeat} {clip.id}".encode())))
    return out
