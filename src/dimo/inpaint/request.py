"""What the pipeline is asked for: one motion, of parts with texts, around what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from dimo.body.motion import Motion
from dimo.errors import RequestError

LONGEST_SECONDS = 600.0
"""Of a motion that is made: more is a slip of the unit."""
MOST_SAMPLES = 256


@dataclass(frozen=True)
class Part:
    """What happens for some frames of the result: a sentence, or None for whatever may come."""

    text: str | None
    frames: int


@dataclass(frozen=True)
class Known:
    """Frames of the result that are known: a motion that begins at frame `start`. They come back bit for bit."""

    motion: Motion
    start: int = 0

    @property
    def stop(self) -> int:
        return self.start + len(self.motion)


@dataclass(frozen=True)
class Request:
    """One motion to make; its frames are those of its parts.

    known: pieces in their order, all on one body and at one rate, which are then the result's; without any it is on the
    codec's body and at its rate, from the origin, facing +Z. Where they are known, parts say nothing. follow: pieces behind a
    gap are moved to where the made frames arrive, instead of those bending towards them. vary: of one known motion of the whole
    length this share (0 to 1) of code steps is made anew all over it, instead of gaps being filled.

    The motion depends on the request alone: seed repeats it, `sample` numbers the motions of one seed (0 is what one alone
    would be, and goes where most motions go where nothing says where to).
    """

    parts: tuple[Part, ...]
    known: tuple[Known, ...] = ()
    follow: bool = False
    vary: float | None = None
    seed: int | None = None
    sample: int = 0
    name: str = "motion"

    @property
    def frames(self) -> int:
        return sum(part.frames for part in self.parts)

    def stretch(self, start: int, stop: int) -> list[Part]:
        """The parts between two frames of the result."""
        out, at = [], 0
        for part in self.parts:
            shared = min(stop, at + part.frames) - max(start, at)
            if shared > 0:
                out.append(replace(part, frames=shared))
            at += part.frames
        return out


def samples_of(request: Request, samples: int) -> list[Request]:
    """The request `samples` times, as the first, second, ... motion of its seed; RequestError for a number that is absurd."""
    if not 1 <= samples <= MOST_SAMPLES:
        raise RequestError(f"samples must be from 1 to {MOST_SAMPLES}, not {samples}")
    return [replace(request, sample=number) for number in range(samples)]


def seed_of(request: Request) -> int | None:
    """The seed of a request's own generator: the given one for sample 0, others of it for the others, None for none given."""
    if request.seed is None or request.sample == 0:
        return request.seed
    return int(np.random.SeedSequence([request.seed, request.sample]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def frames_of(seconds: float, fps: float) -> int:
    """Frames of a duration; RequestError unless it is a number of seconds, up to the longest, that holds at least one."""
    try:
        seconds = float(seconds)
    except (TypeError, ValueError):
        raise RequestError(f"seconds must be a number, not {seconds!r}") from None
    if not (isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS):
        raise RequestError(f"seconds must be more than 0 and at most {LONGEST_SECONDS:g}, not {seconds:g}")
    if round(seconds * fps) < 1:
        raise RequestError(f"{seconds:g} seconds hold no frame at {fps:g} fps")
    return round(seconds * fps)


def check_share(name: str, share: float) -> None:
    """RequestError unless a share of what is remembered is one."""
    if not 0 <= share <= 1:
        raise RequestError(f"{name} must be from 0 (the model alone) to 1, not {share}")


def join(pieces: Sequence[Motion]) -> Motion:
    """Pieces that follow each other, of one body and rate, as one motion."""
    return replace(
        pieces[0],
        root=np.concatenate([p.root for p in pieces]),
        rotations=np.concatenate([p.rotations for p in pieces]),
    )


def check(request: Request, fps: float) -> None:
    """RequestError unless a request is one that can be made."""
    frames = request.frames
    if not request.parts or any(part.frames < 1 for part in request.parts):
        raise RequestError("a motion needs at least one part, and each part at least one frame")
    at = 0
    for known in request.known:
        first = request.known[0].motion
        if known.motion.skeleton != first.skeleton or known.motion.fps != first.fps:
            raise RequestError("known pieces must be on one body and at one rate")
        if known.start < at or known.stop > frames:
            raise RequestError(f"known frames {known.start} to {known.stop} overlap others or the end at {frames}")
        at, fps = known.stop, known.motion.fps
    if frames > LONGEST_SECONDS * fps:
        raise RequestError(f"a motion is at most {LONGEST_SECONDS:g} seconds long, not {frames / fps:g}")
    if request.vary is not None:
        if not 0 <= request.vary <= 1:
            raise RequestError(f"the share to vary must be from 0 to 1, not {request.vary:g}")
        if len(request.known) != 1 or len(request.parts) != 1 or len(request.known[0].motion) != frames:
            raise RequestError("what varies a motion knows that motion whole, and has one part")
