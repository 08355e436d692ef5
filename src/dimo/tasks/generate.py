"""Text to motion, and motion without a text: how long, and as which parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dimo.body.motion import Motion
from dimo.diffusion.options import SampleOptions
from dimo.errors import RequestError
from dimo.formats.script import check_parts
from dimo.inpaint.pipeline import Pipeline
from dimo.inpaint.request import Part, Request, frames_of
from dimo.tasks.length import median_steps

SHORTEST_TURN = 1.0
"""Seconds of each turn of a sentence; one for which there is less time is made as a whole."""


def generate(pipeline: Pipeline, text: str, seconds: float | None, seed: int | None = None) -> Request:
    """A motion of a sentence, a part for each of its turns; seconds of None are the median of what its text makes likely."""
    return Request(_parts(pipeline, text, seconds), seed=seed, name=name_of(text))


def generate_each(pipeline: Pipeline, texts: Sequence[str], seconds: Any, seed: Any) -> list[Request]:
    """A motion of each sentence; seconds and seed: the same for all, or a list. RequestError as of generate and for_each."""
    pairs = zip(for_each(seconds, len(texts), "seconds"), for_each(seed, len(texts), "seed"), strict=True)
    return [
        generate(pipeline, text, length, SampleOptions(seed=its).seed)
        for text, (length, its) in zip(texts, pairs, strict=True)
    ]


def sample(pipeline: Pipeline, seconds: float, seed: int | None = None) -> Request:
    """Any motion, without a text."""
    return Request((Part(None, frames_of(seconds, pipeline.codec.config.fps)),), seed=seed)


def anew(
    pipeline: Pipeline, like: Motion, text: str | None, seconds: float | None, seed: int | None = None
) -> tuple[Request, int]:
    """A motion that keeps nothing of `like`, as long unless seconds say otherwise, and its frames at that rate."""
    frames = len(like) if seconds is None else frames_of(seconds, like.fps)
    length = frames / like.fps
    request = sample(pipeline, length, seed) if text is None else generate(pipeline, text, length, seed)
    return request, frames


def compose(pipeline: Pipeline, script: Sequence[Any], seed: int | None = None) -> Request:
    """Several sentences, one long motion: the parts (text, seconds) of a script one after the other.

    Each part knows the end of the one before, and seams are refined from both sides. RequestError for a part that cannot
    be made.
    """
    parts = [_parts(pipeline, text, seconds) for text, seconds in check_parts(script)]
    return Request(tuple(part for some in parts for part in some), seed=seed)


def for_each(values: Any, count: int, what: str) -> list[Any]:
    """One value per text: the same for all, or those of a list; RequestError for a list of another length."""
    if not isinstance(values, list | tuple):
        return [values] * count
    if len(values) != count:
        raise RequestError(f"{what} has {len(values)} values for {count} texts")
    return list(values)


def name_of(text: str) -> str:
    """The name of the motion of a sentence."""
    return "_".join(text.split())[:60]


def _parts(pipeline: Pipeline, text: str, seconds: float | None) -> tuple[Part, ...]:
    """A sentence as its turns, each as long as its text makes likely, or of that share of the seconds."""
    config, said = pipeline.codec.config, pipeline.turns(text)
    frames = None if seconds is None else frames_of(seconds, config.fps)
    if frames is not None and (len(said) == 1 or frames < len(said) * SHORTEST_TURN * config.fps):
        return (Part(text, frames),)
    likely = [median_steps(pipeline.model, pipeline.ids(pipeline.asked(each))) * config.stride for each in said]
    if frames is not None:
        least = round(SHORTEST_TURN * config.fps)
        spare = frames - least * len(said)
        edges = [round(spare * sum(likely[:i]) / sum(likely)) for i in range(len(said) + 1)]
        likely = [least + b - a for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return tuple(Part(each, n) for each, n in zip(said, likely, strict=True))
