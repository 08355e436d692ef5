"""SampleOptions: everything about a draw that is not the request itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from dimo.diffusion.guidance import GUIDED, GuidanceOn
from dimo.diffusion.schedule import SCHEDULES, Schedule
from dimo.errors import RequestError

Strategy = Literal["confidence", "gumbel", "margin", "entropy", "random", "in_order", "write_back", "remask"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)


@dataclass(frozen=True)
class SampleOptions:
    """How to draw. The defaults are for motion; captions use 12 rounds at temperature 0."""

    steps: int = 10  # K, the rounds; 5 is a draft, 20 to 30 refine details
    temperature: float = 1.0  # of the draw; 0 takes the most probable
    top_k: int = 52  # codes considered per draw: the best tenth of 512, as MoMask; 0 considers all
    guidance: float = 3.0  # l_u + s (l_c - l_u); 1 is no guidance and half the work
    strategy: Strategy = "confidence"  # what a round keeps and takes back: diffusion/strategies.py
    schedule: Schedule = "cosine"  # few places first, many when the context is there
    noise: float = 1.0  # of the "gumbel" strategy; falls to 0 over the rounds
    pad_factor: float = 0.3  # on the confidence of [PAD]: else a caption's end is settled before its words
    seed: int | None = None  # the same seed repeats the result on the same machine
    adaptive: float | None = None  # a round also keeps what is at least this probable; fewer rounds where all is sure
    guidance_on: GuidanceOn = "logits"  # or "probabilities", which never lifts what the text makes less likely

    def __post_init__(self):
        adaptive = 1.0 if self.adaptive is None else self.adaptive
        checks = (
            (1 <= self.steps <= 1000, f"steps must be from 1 to 1000, not {self.steps}"),
            (0 <= self.temperature <= 10, f"temperature must be from 0 to 10, not {self.temperature}"),
            (self.top_k >= 0, f"top-k must be 0 (all) or more, not {self.top_k}"),
            (0 <= self.guidance <= 50, f"guidance must be from 0 to 50, not {self.guidance}"),
            (self.strategy in STRATEGIES, f"strategy must be one of {', '.join(STRATEGIES)}, not {self.strategy!r}"),
            (self.schedule in SCHEDULES, f"schedule must be one of {', '.join(SCHEDULES)}, not {self.schedule!r}"),
            (self.seed is None or 0 <= self.seed < 2**63, f"seed must be from 0 to 2^63 - 1, not {self.seed}"),
            (0 <= self.pad_factor <= 1, f"pad factor must be from 0 to 1, not {self.pad_factor}"),
            (0 <= self.noise <= 100, f"noise must be from 0 to 100, not {self.noise}"),
            (0 < adaptive <= 1, f"adaptive must be more than 0 and at most 1 (a probability), not {self.adaptive}"),
            (self.guidance_on in GUIDED, f"guidance_on must be one of {', '.join(GUIDED)}, not {self.guidance_on!r}"),
        )
        for holds, message in checks:
            if not holds:
                raise RequestError(message)


def options_of(options: SampleOptions | None, **given: Any) -> SampleOptions:
    """Options, or the defaults, with what was given beside them; None is nothing given."""
    return replace(options or SampleOptions(), **{name: value for name, value in given.items() if value is not None})
