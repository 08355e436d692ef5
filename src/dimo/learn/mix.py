"""What training a masked model mixes: the tasks, their weights, and the kinds of steps (docs/objective.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dimo.diffusion.schedule import SCHEDULES, Schedule
from dimo.errors import RequestError

Kind = Literal["masks", "levels", "own"]
"""What a step shows as known: the truth but for masks and noise, all base codes of a motion, or the model's own."""


@dataclass(frozen=True)
class ModelLoss:
    """Mix and weights of the tasks."""

    batch: int = 48  # sequences a step
    mix: tuple[float, float, float] = (8.0, 1.0, 1.0)  # T2M : M2T : M2M
    language_steps: int = 0  # first steps, about sentences alone: how people describe motion
    language: float = 0.0  # share of the M2T batches that go on with sentences whose motion is unknown
    pretrain_steps: int = 0  # steps that follow: joint masking of both sides
    motion_schedule: Schedule = "cosine"  # ratios of masks: MaskGIT's for motion ...
    text_schedule: Schedule = "linear"  # ... and a masked language diffusion's for words
    condition_dropout: float = 0.1  # share of T2M sequences without text, for guidance
    text_weight: float = 0.5  # of words against codes
    depth_weight: float = 1.0  # of the residual levels (one drawn per sequence) against level 0
    local_batch: int = 0  # further sequences whose levels are learnt from the levels below alone, which needs no trunk
    whole_levels_share: float = 0.3  # of the steps that learn a level above base codes that are all known
    pad_weight: float = 0.1  # of [PAD] among words: most of a caption's places are [PAD] and say nothing
    length_weight: float = 0.1
    label_smoothing: float = 0.05
    self_correction_share: float = 0.2  # of the steps that begin from what the model itself has filled in
    self_correction: float = 0.0  # weight of motion in these steps; with 0 here and for words there are none
    self_correction_text: float = 0.0  # weight of words in these steps, beside text_weight
    partial: float = 0.1  # of visible stacks that show some of their lower levels only
    base_only: float = 0.5  # of the sequences whose visible stacks show base codes alone, as while a motion is drawn
    wrong: float = 0.06  # of visible stacks that hold random codes
    spans: float = 0.3  # of the sequences whose masks fall within one stretch: continuing and filling in
    wrong_words: float = 0.1  # of visible words of a caption that are exchanged: caption correction
    beginnings: float = 0.0  # of M2T sequences that show the words before a place, and learn that one: writing in order
    motion_dropout: float = 0.1  # of M2T sequences without motion: the prior of the words, to be divided out of scores
    reworded: float = 0.0  # share of the texts of T2M that are said in other words; captions to be learnt never are
    written: float = 0.0  # share of the M2T batches whose captions people wrote; the rest draws any caption

    def __post_init__(self):
        shares = (
            "condition_dropout",
            "whole_levels_share",
            "self_correction_share",
            "partial",
            "base_only",
            "wrong",
            "spans",
        )
        for name in (
            *shares,
            "wrong_words",
            "beginnings",
            "motion_dropout",
            "reworded",
            "written",
            "language",
            "label_smoothing",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise RequestError(f"{name} must be from 0 to 1, not {getattr(self, name):g}")
        for name in (
            "text_weight",
            "depth_weight",
            "pad_weight",
            "length_weight",
            "self_correction",
            "self_correction_text",
        ):
            if not getattr(self, name) >= 0:
                raise RequestError(f"{name} must be 0 or more, not {getattr(self, name):g}")
        for name in ("motion_schedule", "text_schedule"):
            if getattr(self, name) not in SCHEDULES:
                raise RequestError(f"{name} must be one of {', '.join(SCHEDULES)}, not {getattr(self, name)!r}")
        if self.local_batch < 0:
            raise RequestError(f"local_batch must be 0 or more, not {self.local_batch}")
        if self.batch < 1 or len(self.mix) != 3 or min(self.mix) < 0 or not sum(self.mix) > 0:
            raise RequestError("training needs a batch of 1 or more and a mix of three numbers, not all of them 0")
        if self.whole_levels_share + self.self_correction_share > 1:
            raise RequestError(
                "whole_levels_share and self_correction_share are shares of the same steps and exceed 1 together"
            )

    @property
    def speaks(self) -> bool:
        """Whether sentences without motion are needed."""
        return self.language_steps > 0 or self.language > 0

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each term in the loss; the terms are the columns of the log, whatever a step consists of."""
        return {
            "base": 1.0,
            "depth": self.depth_weight,
            "whole": self.depth_weight,
            **({"local": self.depth_weight} if self.local_batch else {}),
            "text": self.text_weight,
            "length": self.length_weight,
            "correct_base": self.self_correction,
            "correct_depth": self.self_correction * self.depth_weight,
            "correct_text": self.self_correction_text * self.text_weight,
        }


def kinds(options: ModelLoss, levels: int) -> dict[Kind, float]:
    """The kinds of steps that occur, with their shares."""
    whole = options.whole_levels_share if levels > 1 else 0.0
    own = options.self_correction_share if options.self_correction or options.self_correction_text else 0.0
    shares: dict[Kind, float] = {"levels": whole, "own": own, "masks": 1 - whole - own}
    return {kind: share for kind, share in shares.items() if share > 0}


def draw_kind(options: ModelLoss, levels: int, generator: np.random.Generator) -> Kind:
    """A kind of step, by the shares."""
    at = generator.random()
    shares = kinds(options, levels)
    for kind, share in shares.items():
        at -= share
        if at < 0:
            return kind
    return kind


def divide(options: ModelLoss, generator: np.random.Generator) -> tuple[int, int, int]:
    """Sequences for T2M, M2T and M2M: `batch` in all, and on average in the ratio of the mix, however small the batch."""
    edges = np.cumsum([0.0, *options.mix]) / sum(options.mix) * options.batch
    a, b, c = np.diff(np.floor(edges + generator.random()).astype(int)).tolist()
    return a, b, c
