"""What an evaluation generates, made ahead by several processes: a map over batches, whose workers write its store.

The evaluation then runs as it always does and finds every batch there; what a worker lost it makes itself. So the numbers are
those of one process.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from dimo.api import DiMo
from dimo.data import heldout
from dimo.data.records import Clip
from dimo.errors import WeightsError
from dimo.evaluate import completion
from dimo.evaluate.protocol import Plan, Trial, draw
from dimo.evaluate.rows import ModelRows
from dimo.evaluate.settings import Progress, Settings, stage
from dimo.evaluate.store import Store
from dimo.scale.executor import Executor, Worker

Kind = Literal["generate", "codec", "captions", "gaps"]
Shard = tuple[Kind, Sequence[Any]]
"""What is to be made, of the trials of a batch or of clips."""


@dataclass(frozen=True)
class Workers:
    """Where batches are made: `model` is a weights folder (None: the packaged one) that every worker loads."""

    executor: Executor
    model: Path | None = None
    device: str = "auto"


@dataclass(frozen=True)
class Making:
    """What a worker needs to know; `start`, pickled to a process, loads the model there."""

    model: Path | None
    device: str
    weights: str  # the model's fingerprint
    settings: Settings
    plan: Plan
    folder: Path
    key: Any  # of the store

    def start(self) -> Worker:
        model = DiMo.from_pretrained(self.model, device=self.device)
        if model.fingerprint() != self.weights:
            raise WeightsError(
                f"{platform.node()}: the weights here, or the precision that they compute in, are not those of the evaluation"
            )
        return partial(self.work, ModelRows(model, self.settings, Store(self.folder, self.key)))

    def work(self, rows: ModelRows, shard: Shard) -> None:
        kind, some = shard
        if kind == "generate":
            rows.generate()(some)
        elif kind == "codec":
            rows.reconstruct(some)
        elif kind == "captions":
            rows.captions(some, self.plan.batch, _silent)
        else:
            completion.measure(some, rows, self.plan.seed, _silent)


@dataclass
class Batches(Sequence[Shard]):
    """The shards of an evaluation in order. Trials are drawn when they are asked for: those of 20 repeats fill gigabytes."""

    clips: Sequence[Clip]
    settings: Settings
    plan: Plan
    _last: tuple[int, list[Trial]] = field(default=(-1, []), repr=False)

    def __post_init__(self):
        tasks, size = self.settings.tasks, self.plan.batch
        rows: dict[str, Kind] = {"model": "generate", "codec": "codec"}
        kinds = [kind for row, kind in rows.items() if row in self.settings.rows and "t2m" in tasks]
        starts = range(0, self.plan.batches(len(self.clips)) * size, size)
        self.entries: list[tuple[str, int, int]] = [
            (kind, repeat, start) for repeat in range(self.plan.repeats) for kind in kinds for start in starts
        ]
        if "m2t" in tasks:
            self.entries += [("captions", 0, start) for start in range(0, len(self.clips), size)]
        if "m2m" in tasks:
            self.part = heldout.spread(self.clips, self.settings.part)
            self.entries += [("gaps", 0, start) for start in range(len(self.part))]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, number: Any) -> Any:
        kind, repeat, start = self.entries[number]
        if kind == "gaps":
            return kind, self.part[start : start + 1]
        if kind == "captions":
            return kind, self.clips[start : start + self.plan.batch]
        if self._last[0] != repeat:
            self._last = (repeat, draw(self.clips, self.plan, repeat))
        return kind, self._last[1][start : start + self.plan.batch]


def make(
    workers: Workers, model: DiMo, clips: Sequence[Clip], settings: Settings, plan: Plan, folder: Path, key: Any,
    progress: Progress,
) -> None:  # fmt: skip
    """Fill the store below `folder` with what run() will ask of it: motions, reconstructions, captions and filled gaps.

    Sweeps, MultiModality and corrections are left to the evaluation itself.
    """
    at = None if workers.model is None else workers.model.absolute()
    making = Making(at, workers.device, model.fingerprint(), settings, plan, folder.absolute(), key)
    shards = Batches(clips, settings, plan)
    tick = stage(progress, "ahead", len(shards))
    for number, _ in workers.executor.map(making.start, shards):
        tick(shards.entries[number][0])


def _silent(words: str) -> None:
    """A tick that nobody hears."""
