"""What alignment is judged by and never rewarded for: instruction checks and evaluators, on sentences that it does not learn.

When a judge falls while the reward rises, the policy has found what the reward does not see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dimo.data.records import Clip
from dimo.diffusion.sample import SampleOptions
from dimo.errors import FormatError, RequestError
from dimo.evaluators.evaluator import Evaluator
from dimo.inpaint.pipeline import Pipeline
from dimo.metrics import checks, motion
from dimo.metrics.physics import measure_body
from dimo.tasks.generate import generate

POOL = motion.POOL
RATIO = "multimodality"


@dataclass(frozen=True)
class JudgesOptions:
    """On what, and how far a judge may fall below the first measurement."""

    seeds: int = 2  # motions of each sentence with checks
    clips: int = 128  # captions of held-out clips for FID and R-Precision
    obedience_fall: float = 0.04  # of the share of motions that do as told
    precision_fall: float = 0.06  # of R@1
    spread_share: float = 0.85  # of MultiModality that must be left


@dataclass(frozen=True)
class Held:
    """A held-out caption, its clip's frames at 20 fps, and the clip's joints (F, 22, 3)."""

    text: str
    joints: np.ndarray


class Judges:
    """Measures a pipeline, and remembers what it found first.

    prompts: rows of a prompts file with checks. evaluator: None leaves out what needs one.
    """

    def __init__(
        self,
        prompts: Sequence[dict[str, Any]],
        held: Sequence[Held],
        evaluator: Evaluator | None,
        options: JudgesOptions,
    ):
        if evaluator is not None and len(held) < POOL:
            raise RequestError(f"judging by an evaluator needs {POOL} held-out clips or more, not {len(held)}")
        self.prompts, self.held, self.evaluator, self.options = list(prompts), list(held), evaluator, options
        self.first: dict[str, float] | None = None
        self.truth = evaluator.embed_joints([h.joints for h in held]) if evaluator is not None else None
        self.texts = evaluator.embed_texts([h.text for h in held]) if evaluator is not None else None

    def measure(self, pipeline: Pipeline) -> dict[str, float]:
        """obedience, skate_mps and, with an evaluator, fid, r_precision and multimodality."""
        out: dict[str, float] = {}
        if self.prompts:
            out |= self._obedience(pipeline)
        if self.evaluator is not None and self.truth is not None and self.texts is not None:
            rng = np.random.default_rng(0)
            fps = pipeline.codec.config.fps
            asked = [generate(pipeline, h.text, len(h.joints) / fps, seed) for seed, h in enumerate(self.held)]
            made = self.evaluator.embed_joints([m.joints() for m in pipeline.make(asked, SampleOptions(), recall=0.0)])
            out["fid"] = motion.frechet_distance(self.truth, made)
            out["r_precision"] = float(motion.r_precision(self.texts, made)[0])
            some = [generate(pipeline, h.text, 4.0, seed) for h in self.held[:8] for seed in range(8)]
            many = self.evaluator.embed_joints([m.joints() for m in pipeline.make(some, SampleOptions(), recall=0.0)])
            out[RATIO] = motion.multimodality(many.reshape(8, 8, -1), rng, pairs=8)
        self.first = self.first or out
        return out

    def fallen(self, now: dict[str, float]) -> str | None:
        """Which judge has fallen too far below its first value, as words; None when none has."""
        if self.first is None:
            return None
        options = self.options
        for name, limit in (("obedience", options.obedience_fall), ("r_precision", options.precision_fall)):
            if name in now and now[name] < self.first[name] - limit:
                return f"{name} fell from {self.first[name]:.3f} to {now[name]:.3f}"
        if RATIO in now and now[RATIO] < options.spread_share * self.first[RATIO]:
            return f"{RATIO} fell from {self.first[RATIO]:.2f} to {now[RATIO]:.2f}"
        return None

    def worth(self, now: dict[str, float]) -> float:
        """One number to keep the best weights by: what is obeyed and what is recognised."""
        return now.get("obedience", 0.0) + 0.5 * now.get("r_precision", 0.0)

    def _obedience(self, pipeline: Pipeline) -> dict[str, float]:
        seeds = range(self.options.seeds)
        asked = [generate(pipeline, p["text"], p["seconds"], seed) for p in self.prompts for seed in seeds]
        made = pipeline.make(asked, SampleOptions(), recall=0.0)
        specs = [p["checks"] for p in self.prompts for _ in seeds]
        passed = [checks.check_all(spec, m.joints(), m.fps) for spec, m in zip(specs, made, strict=True)]
        skate = [measure_body(m.joints(), m.fps).foot_skate_mps for m in made]
        return {"obedience": float(np.mean(passed)), "skate_mps": float(np.mean(skate))}


def held_out(clips: Sequence[Clip], count: int) -> list[Held]:
    """One caption by people of each of `count` clips, spread evenly over those of 2 s or more that are no mirror images."""
    whole = [c for c in clips if not c.mirrored and not c.composite and len(c.joints) >= 2 * c.fps]
    told = [(c, next((t for t in c.captions if t.by_people), None)) for c in whole]
    found = [Held(text.text, np.asarray(c.joints, float)) for c, text in told if text is not None]
    at = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[i] for i in at]


def read_prompts(path: Path) -> list[dict[str, Any]]:
    """Rows {"text", "seconds", "checks"} of a file in JSON lines."""
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read ({error})", path=path) from None
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append({"text": str(row["text"]), "seconds": float(row["seconds"]), "checks": list(row["checks"])})
        except (ValueError, KeyError, TypeError):
            raise FormatError(
                'needs one JSON object with the keys "text", "seconds", "checks"', path=path, line=number
            ) from None
    return rows
