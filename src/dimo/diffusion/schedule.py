"""How much is masked: ratio by time when training, number of places per round when sampling."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "square", "root"]
SCHEDULES: tuple[str, ...] = ("cosine", "linear", "square", "root")


def mask_ratio(time: float, schedule: Schedule = "cosine") -> float:
    """Share of places that are masked at time 0 (all) to 1 (none).

    cosine: cos(pi t / 2), linear: 1 - t (MaskGIT); square: 1 - t^2, concave like the cosine but later; root:
    1 - sqrt(t), convex, most places first (Chang et al. 2022, MaskGIT, section 4.4, where it was the worst).
    """
    if schedule == "cosine":
        return math.cos(math.pi * time / 2)
    return 1 - time ** {"linear": 1.0, "square": 2.0, "root": 0.5}[schedule]


def masked_after(step: int, steps: int, total: int, schedule: Schedule = "cosine") -> int:
    """How many of total places stay masked after round 0 <= step < steps (the rounds).

    Follows mask_ratio at (step + 1) / steps, but reveals at least one place a round while any is masked; 0 at the end.
    """
    if step + 1 >= steps:
        return 0
    return min(total - min(step + 1, total), math.floor(mask_ratio((step + 1) / steps, schedule) * total))
