"""FID and R-Precision of what a model in training makes of held-out captions, so that its best weights can be those that move best.

The fewer captions, the larger FID: its values compare with each other within a training, and with no other number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimo.data import heldout
from dimo.data.records import Clip
from dimo.diffusion.options import SampleOptions
from dimo.errors import RequestError
from dimo.evaluators.evaluator import Evaluator
from dimo.inpaint.pipeline import Pipeline
from dimo.metrics import motion
from dimo.tasks.generate import generate

FIGURES = ("fid", "r1", "r2", "r3", "mm_dist")


@dataclass(frozen=True)
class ValidationOptions:
    """What validations measure beside the terms of the objective."""

    generate: int = 0  # held-out captions that motions are made of, for fid, r1, r2, r3 and mm_dist in val.csv; 0: none
    rounds: int = 10  # in which they are made

    def __post_init__(self):
        if 0 < self.generate < motion.POOL:
            raise RequestError(
                f"generate in [validation] must be 0 or at least {motion.POOL}, a pool of R-Precision, not {self.generate}"
            )
        if self.rounds < 1:
            raise RequestError(f"rounds in [validation] must be 1 or more, not {self.rounds}")


class Generation:
    """Captions of held-out clips, spread over the split, with the embeddings of both; each is made with its own seed."""

    def __init__(self, clips: Sequence[Clip], pipeline: Pipeline, evaluator: Evaluator, options: ValidationOptions):
        self.pipeline, self.evaluator, self.options = pipeline, evaluator, options
        told = [(c, text) for c in clips if (text := _caption(c, pipeline)) is not None]
        some = heldout.spread(told, options.generate)
        if len(some) < motion.POOL:
            raise RequestError(
                f"generate in [validation] needs {motion.POOL} clips or more of val with captions, not {len(some)}"
            )
        fps = pipeline.codec.config.fps
        self.requests = [
            generate(pipeline, text, min(len(clip.joints) / fps, pipeline.longest), seed)
            for seed, (clip, text) in enumerate(some)
        ]
        self.truth = evaluator.embed_motions([evaluator.features(np.asarray(c.joints, float)) for c, _ in some])
        self.texts = evaluator.embed_texts([text for _, text in some])

    def measure(self) -> dict[str, float]:
        """The figures of the pipeline's model as it is now: decoded features straight to the evaluator, as papers have it."""
        made = self.pipeline.features(self.requests, SampleOptions(steps=self.options.rounds), recall=0.0)
        found = self.evaluator.embed_motions([np.asarray(m, np.float32) for m in made])
        precision = motion.r_precision(self.texts, found, pool=motion.POOL)
        return {
            "fid": float(motion.frechet_distance(self.truth, found)),
            **{f"r{k + 1}": float(v) for k, v in enumerate(precision)},
            "mm_dist": float(motion.matching_distance(self.texts, found, motion.POOL)),
        }


def _caption(clip: Clip, pipeline: Pipeline) -> str | None:
    """A clip's first caption that the model reads, those by people before others."""
    for caption in sorted(clip.captions, key=lambda c: not c.by_people):
        if pipeline.wordpiece.unsupported(caption.text, pipeline.model.config.max_text) is None:
            return caption.text
    return None
