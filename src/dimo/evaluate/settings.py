"""What an evaluation measures, and how often: everything that its numbers depend on beside model, clips and evaluators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from dimo.errors import RequestError

if TYPE_CHECKING:
    from dimo.diffusion.options import SampleOptions

TASKS = ("t2m", "m2t", "m2m", "codec", "correct")
ROWS = ("real", "codec", "shuffled", "nearest", "model")
SWEEPS = ("steps", "guidance", "temperature", "levels")
LENGTHS = ("truth", "estimated")
PROTOCOLS = ("dimo", "humanml3d")
"""What evaluators read of a model: positions of the motions that it gives to people, or, as the field has it, decoded features."""
SETS = ("HumanML3D", "KIT-ML")
"""Data sets of which published rows are known (published.json)."""


def _default_options() -> SampleOptions:
    from dimo.diffusion.options import SampleOptions  # torch, which reading these names need not wait for

    return SampleOptions()


@dataclass(frozen=True)
class Settings:
    """The defaults are those of `dimo evaluate`. RequestError names a field that cannot be."""

    tasks: tuple[str, ...] = TASKS[:4]
    rows: tuple[str, ...] = ROWS  # of t2m; the real one is always there
    repeats: int = 20
    seed: int = 0
    lengths: str = "truth"  # frames that the model is asked for: those of the true crop, or its own estimate
    protocol: str = "dimo"  # what evaluators read of t2m; humanml3d: the codec's features as they are, no foot held
    options: SampleOptions = field(default_factory=_default_options)
    captions: SampleOptions | None = None  # how captions are drawn (m2t); None: as DiMo.caption draws them
    footlock: bool = True
    memory: float | None = (
        None  # share of remembered motions where gaps are filled (m2m); None: what DiMo.complete uses
    )
    recall: float | None = None  # share of motions that were described alike (t2m); None: what DiMo.generate uses
    sweeps: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # t2m at these values, one repeat each
    multimodality: int = 0  # texts of which MultiModality draws 30 motions each
    part: int = 96  # clips of m2m and correct
    samples: int = 24  # random samples that the page shows
    published: str | None = None  # print published rows of this set beside ours
    split: str = "test"  # what the report calls the clips

    @property
    def holds_feet(self) -> bool:
        """Whether planted feet of generated motions are held."""
        return self.footlock and self.protocol == "dimo"

    def __post_init__(self):
        unknown = [n for n in self.sweeps if n not in SWEEPS]
        whole = [n for n in ("steps", "levels") if not all(v == int(v) >= 1 for v in self.sweeps.get(n, ()))]
        checks = (
            (_known(self.tasks, TASKS), f"tasks must be of {', '.join(TASKS)}, not {', '.join(self.tasks) or 'none'}"),
            (_known(self.rows, ROWS), f"rows must be of {', '.join(ROWS)}, not {', '.join(self.rows) or 'none'}"),
            (1 <= self.repeats <= 1000, f"repeats must be from 1 to 1000, not {self.repeats}"),
            (self.seed >= 0, f"seed must be 0 or more, not {self.seed}"),
            (self.lengths in LENGTHS, f"lengths must be one of {', '.join(LENGTHS)}, not {self.lengths!r}"),
            (self.protocol in PROTOCOLS, f"protocol must be one of {', '.join(PROTOCOLS)}, not {self.protocol!r}"),
            (
                self.protocol == "dimo" or self.lengths == "truth",
                "the protocol humanml3d asks for the true lengths; leave estimated ones to the protocol dimo",
            ),
            *(
                (share is None or 0 <= share <= 1, f"{name} must be from 0 (the model alone) to 1, not {share}")
                for name, share in (("memory", self.memory), ("recall", self.recall))
            ),
            (not unknown, f"sweeps are of {', '.join(SWEEPS)}, not of {', '.join(unknown)}"),
            (not whole, f"a sweep of {', '.join(whole)} takes whole numbers from 1 on"),
            (self.multimodality >= 0, f"multimodality must be 0 or more, not {self.multimodality}"),
            (self.part >= 1, f"part must be 1 or more, not {self.part}"),
            (self.samples >= 0, f"samples must be 0 or more, not {self.samples}"),
            (
                self.published is None or self.published in SETS,
                f"published must be one of {', '.join(SETS)}, not {self.published!r}",
            ),
        )
        for holds, message in checks:
            if not holds:
                raise RequestError(message)


def _known(names: tuple[str, ...], choices: tuple[str, ...]) -> bool:
    return bool(names) and all(n in choices for n in names)


# ---- progress

Progress = Callable[[str, int, int, str], None]
"""What is told of an evaluation: the stage, how much of it is done, of how much, and a word for the last piece."""
Tick = Callable[[str], None]


def silent(stage: str, done: int, total: int, words: str) -> None:
    """Progress that nobody sees."""


def stage(progress: Progress, name: str, total: int) -> Tick:
    """A function to call with a word after each of `total` pieces of a stage."""
    done = count(1)
    return lambda words: progress(name, next(done), total, words)
