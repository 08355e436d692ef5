"""Spans of time: what a request keeps or replaces, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Real
from typing import cast

from dimo.errors import RequestError

Span = tuple[float, float]
UNITS = ("seconds", "frames")


def to_frames(
    spans: Span | Sequence[Span], fps: float, frames: int, unit: str = "seconds", what: str = "keep"
) -> list[range]:
    """Spans (start, end), end not included, or one of them, as ranges of frames in order, those that touch joined.

    RequestError for a span that is no pair of numbers, ends before it begins, lies outside of the motion of `frames`
    frames, or holds no frame.
    """
    if unit not in UNITS:
        raise RequestError(f"unit must be one of {', '.join(UNITS)}, not {unit!r}")
    alone = len(spans) == 2 and all(isinstance(x, Real) for x in spans)
    pairs = cast(Sequence[Span], [spans] if alone else spans)
    rate, most = (fps, frames / fps) if unit == "seconds" else (1.0, float(frames))
    found = []
    for span in pairs:
        try:
            start, end = (float(x) for x in span)
        except (TypeError, ValueError):
            raise RequestError(f"{what} takes pairs (start, end) of {unit}, not {span!r}") from None
        if not (isfinite(start) and isfinite(end) and 0 <= start < end <= most + 0.5 / rate):
            raise RequestError(f"{what} {start:g}:{end:g} does not lie within the motion of {most:g} {unit}")
        first, last = round(start * rate), min(round(end * rate), frames)
        if first >= last:
            raise RequestError(f"{what} {start:g}:{end:g} holds no frame at {fps:g} fps")
        found.append(range(first, last))
    joined: list[range] = []
    for span in sorted(found, key=lambda r: r.start):
        if joined and span.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def without(spans: Sequence[range], frames: int) -> list[range]:
    """The frames from 0 to `frames` that the ordered spans leave out."""
    edges = [0, *(edge for span in spans for edge in (span.start, span.stop)), frames]
    return [range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]


def parse(text: str, what: str) -> list[Span]:
    """ "0:2,4:6" as [(0, 2), (4, 6)]; RequestError for anything else. An empty text is no span."""
    spans: list[Span] = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        start, colon, end = word.partition(":")
        try:
            if not colon:
                raise ValueError
            spans.append((float(start), float(end)))
        except ValueError:
            raise RequestError(f"{what} takes spans such as 0:2,4:6 in seconds, not {text!r}") from None
    return spans
