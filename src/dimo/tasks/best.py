"""The best of several motions for a sentence, as the model's own captioning branch sees it (the reward of alignment)."""

from __future__ import annotations

from collections.abc import Sequence

from dimo.body.motion import Motion
from dimo.errors import RequestError
from dimo.inpaint.pipeline import Pipeline
from dimo.tasks.score import text_given_motion

MOST = 64


def check(best: int) -> int:
    """The number of candidates; RequestError for one that cannot be."""
    if not 1 <= best <= MOST:
        raise RequestError(f"best must be from 1 (take what is drawn) to {MOST} candidates, not {best}")
    return best


def pick(pipeline: Pipeline, texts: Sequence[str], motions: Sequence[Motion], best: int) -> list[Motion]:
    """Of each `best` motions in a row the one from which the sentence is read off most surely.

    texts: the sentence of each motion. The measure is the mean log-probability of the sentence's words given the motion's codes;
    of motions longer than the model sees at once it reads the beginning.
    """
    if best == 1:
        return list(motions)
    ids = [pipeline.ids(pipeline.asked(t, recall=False)) for t in texts]
    agreement = text_given_motion(pipeline.model, ids, [pipeline.to_codes(m) for m in motions])
    winners = agreement.view(-1, best).argmax(1).tolist()
    return [motions[row * best + at] for row, at in enumerate(winners)]
