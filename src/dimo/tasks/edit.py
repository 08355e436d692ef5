"""Keep some frames of a motion and make the others: completion, editing, prediction, in-betweening, varying as requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dimo.body import blend
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.errors import RequestError
from dimo.inpaint.request import Known, Part, Request, frames_of
from dimo.inpaint.spans import Span, to_frames, without

PLACES = ("as_is", "follow")


def complete(
    motion: Motion,
    keep: Span | Sequence[Span] = (),
    *,
    text: str | None = None,
    seconds: float | None = None,
    unit: str = "seconds",
) -> Request:
    """A motion of `seconds` (default: as long as the motion) with the spans of keep as they are and the rest made.

    RequestError for spans outside of the motion, or when nothing is kept: that is a new motion (see placed_as).
    """
    kept = to_frames(keep, motion.fps, len(motion), unit, "keep")
    frames = len(motion) if seconds is None else frames_of(seconds, motion.fps)
    if not kept:
        raise RequestError("keep names no span; give one such as (0, 2), or generate a new motion")
    if kept[-1].stop > frames:
        raise RequestError(
            f"the kept frames end at {kept[-1].stop / motion.fps:g} s, after the {frames / motion.fps:g} s of the result"
        )
    return _around(motion, kept, text, frames)


def edit(motion: Motion, replaced: Span | Sequence[Span], *, text: str | None = None, unit: str = "seconds") -> Request:
    """The motion with the spans of replaced made anew and everything else as it is."""
    gone = to_frames(replaced, motion.fps, len(motion), unit, "replace")
    if not gone:
        raise RequestError("replace names no span; give one such as (2, 4)")
    kept = without(gone, len(motion))
    if not kept:
        raise RequestError("replace takes the whole motion; keep a part of it, or generate a new one")
    return _around(motion, kept, text, len(motion))


def predict(motion: Motion, seconds: float, *, text: str | None = None) -> Request:
    """A motion that begins with the given one and goes on for `seconds`."""
    return _around(motion, [range(len(motion))], text, len(motion) + frames_of(seconds, motion.fps))


def inbetween(a: Motion, b: Motion, seconds: float, *, text: str | None = None, place: str = "as_is") -> Request:
    """Motion a, then `seconds` that lead to b, then b; b is brought to the body and rate of a where it has others.

    place: "as_is" leaves b where it is in the world, "follow" moves it to where the frames between arrive.
    """
    if place not in PLACES:
        raise RequestError(f"place must be one of {', '.join(PLACES)}, not {place!r}")
    if b.skeleton != a.skeleton:
        b = retarget(b, a.skeleton)
    b = b.resample(a.fps)
    start = len(a) + frames_of(seconds, a.fps)
    parts = (Part(text, start + len(b)),)
    return Request(parts, (Known(a), Known(b, start)), follow=place == "follow", name=a.name)


def vary(motion: Motion, share: float, *, text: str | None = None) -> Request:
    """A near neighbour of the motion, a share (0 to 1) of whose code steps is made anew."""
    return Request((Part(text, len(motion)),), (Known(motion),), vary=share, name=motion.name)


def placed_as(made: Motion, like: Motion, frames: int) -> Motion:
    """A motion from nothing, `frames` frames of it, on the body, at the rate and from the place and heading of another one."""
    motion = retarget(made, like.skeleton)
    at = np.arange(frames) * made.fps / like.fps
    root, rotations = blend.sample_at(motion.root, motion.rotations, at)
    motion = replace(like, root=root, rotations=rotations)
    yaw, shift = blend.ground_fit(motion.joints()[0], like.joints()[0])
    return motion.moved(shift, yaw)


def _around(motion: Motion, kept: Sequence[range], text: str | None, frames: int) -> Request:
    """The motion's kept frames at their places in a result of `frames` frames."""
    known = tuple(Known(motion[span.start : span.stop], span.start) for span in kept)
    return Request((Part(text, frames),), known, name=motion.name)
