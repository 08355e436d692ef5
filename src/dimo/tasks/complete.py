"""Keep some frames of a motion and make the others: completion, editing, prediction and in-betweening are one thing.

Gaps are filled from the first to the last, each knowing what was made before it and the known frames behind it. Known
frames go into the result as they are, bit for bit; nothing of them passes through the codec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, isfinite

import numpy as np
import torch

from dimo.body import blend
from dimo.body.motion import Motion
from dimo.body.retarget import retarget
from dimo.errors import RequestError
from dimo.inpaint.gap import Filled, Gap, Tools, decode, fill_gap, floor_of, stand
from dimo.inpaint.request import text_to_ids
from dimo.inpaint.spans import Span, to_frames, without
from dimo.inpaint.windows import Part, fill

LONGEST_SECONDS = 600.0
"""Of a result: more is a slip of the unit."""
PLACES = ("as_is", "follow")


def complete(
    tools: Tools,
    motion: Motion,
    keep: Span | Sequence[Span] = (),
    *,
    text: str | None = None,
    seconds: float | None = None,
    unit: str = "seconds",
) -> list[Motion]:
    """Motions of `seconds` (default: as long as the motion) with the spans of keep as they are and the rest made."""
    kept = to_frames(keep, motion.fps, len(motion), unit, "keep")
    frames = len(motion) if seconds is None else _frames(seconds, motion.fps)
    if kept and kept[-1].stop > frames:
        raise RequestError(
            f"the kept frames end at {kept[-1].stop / motion.fps:g} s, after the {seconds:g} s of the result"
        )
    ids = word_pieces(tools, text)
    if not kept:
        made = sample(tools, frames / motion.fps, ids)
        return [_as(m, motion, frames) for m in made]
    return _fill(tools, motion, kept, frames, ids)


def edit(
    tools: Tools, motion: Motion, replaced: Span | Sequence[Span], *, text: str | None = None, unit: str = "seconds"
) -> list[Motion]:
    """Motions with the spans of replaced made anew and everything else as it is."""
    gone = to_frames(replaced, motion.fps, len(motion), unit, "replace")
    if not gone:
        raise RequestError("replace names no span; give one such as (2, 4)")
    kept = without(gone, len(motion))
    if not kept:
        raise RequestError("replace takes the whole motion; keep a part of it, or generate a new one")
    return _fill(tools, motion, kept, len(motion), word_pieces(tools, text))


def predict(tools: Tools, motion: Motion, seconds: float, *, text: str | None = None) -> list[Motion]:
    """Motions that begin with the given one and go on for `seconds`."""
    frames = len(motion) + _frames(seconds, motion.fps)
    return _fill(tools, motion, [range(len(motion))], frames, word_pieces(tools, text))


def inbetween(
    tools: Tools, a: Motion, b: Motion, seconds: float, *, text: str | None = None, place: str = "as_is"
) -> list[Motion]:
    """Motion a, then `seconds` that lead to b, then b; b is brought to the body and rate of a where it has others.

    place: "as_is" leaves b where it is in the world, "follow" moves it to where the frames between arrive.
    """
    if place not in PLACES:
        raise RequestError(f"place must be one of {', '.join(PLACES)}, not {place!r}")
    if b.skeleton != a.skeleton:
        b = retarget(b, a.skeleton)
    b = b.resample(a.fps)
    frames = _frames(seconds, a.fps)
    ids = word_pieces(tools, text)
    floor = min(floor_of(m, tools.codec) for m in (a, b))
    gaps = [Gap(a, b, frames, follow=place == "follow")] * tools.samples
    return [_joined([a, f.motion, f.right or b]) for f in _filled(tools, gaps, ids, floor)]


def sample(tools: Tools, seconds: float, ids: Sequence[int] = ()) -> list[Motion]:
    """Motions on the codec's body and at its rate from nothing, or from a text's word pieces; any length."""
    return make(tools, [(tuple(ids), _frames(seconds, tools.fps))])


def make(tools: Tools, parts: Sequence[tuple[tuple[int, ...], int]]) -> list[Motion]:
    """Motions of several parts, each with the word pieces of its text (or none) and its frames at the codec's rate.

    Part borders lie on code steps; what rounding adds is cut off at the end.
    """
    edges = np.cumsum([0, *(frames for _, frames in parts)])
    steps = [
        max(1, ceil(b / tools.stride) - ceil(a / tools.stride)) for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    plan = [Part(ids, n) for (ids, _), n in zip(parts, steps, strict=True)]
    nothing = [torch.zeros(0, tools.codec.config.levels, dtype=torch.long)] * tools.samples
    rows = fill(tools.model, nothing, plan, nothing, tools.options)
    out = []
    for codes in rows:
        motion, contacts = decode(tools, codes)
        out.append(stand(tools, motion, contacts)[: int(edges[-1])])
    return out


def word_pieces(tools: Tools, text: str | None) -> tuple[int, ...]:
    """Word pieces of a text; none for no text. RequestError for a text that is empty or not English."""
    if text is None:
        return ()
    return tuple(text_to_ids(text, tools.wordpiece, tools.model.config.max_text))


def _fill(tools: Tools, motion: Motion, kept: Sequence[range], frames: int, ids: tuple[int, ...]) -> list[Motion]:
    """The motion's kept frames at their places in a result of `frames` frames, and everything between them made."""
    parts = [motion[span.start : span.stop] for span in kept]
    floor = min(floor_of(part, tools.codec) for part in parts)
    gaps = without(kept, frames)
    rows: list[list[Motion]] = [[] for _ in range(tools.samples)]
    for span, part in zip([*kept, None], [*parts, None], strict=True):
        edge = frames if span is None else span.start
        for gap in (g for g in gaps if g.stop == edge):
            sides = [Gap(_joined(row) if row else None, part, len(gap)) for row in rows]
            for row, one in zip(rows, _filled(tools, sides, ids, floor, gap.start), strict=True):
                row.append(one.motion)
        if part is not None:
            for row in rows:
                row.append(part)
    return [_joined(row) for row in rows]


def _filled(tools: Tools, gaps: list[Gap], ids: tuple[int, ...], floor: float, index: int = 0) -> list[Filled]:
    """Gaps filled by a draw that is another one for each place in the motion."""
    if tools.options.seed is not None:
        tools = replace(tools, options=replace(tools.options, seed=(tools.options.seed + 104_729 * index) % 2**63))
    return fill_gap(tools, gaps, ids, floor)


def _joined(pieces: Sequence[Motion]) -> Motion:
    """Pieces that follow each other as one motion."""
    return replace(
        pieces[0],
        root=np.concatenate([p.root for p in pieces]),
        rotations=np.concatenate([p.rotations for p in pieces]),
    )


def _as(made: Motion, like: Motion, frames: int) -> Motion:
    """A motion from nothing on the body, at the rate and from the place and heading of another one."""
    motion = retarget(made, like.skeleton)
    at = np.arange(frames) * made.fps / like.fps
    root, rotations = blend.sample_at(motion.root, motion.rotations, at)
    motion = replace(like, root=root, rotations=rotations)
    yaw, shift = blend.ground_fit(motion.joints()[0], like.joints()[0])
    return motion.moved(shift, yaw)


def _frames(seconds: float, fps: float) -> int:
    """Frames of a duration; RequestError unless it is a number of seconds that holds at least one."""
    try:
        seconds = float(seconds)
    except (TypeError, ValueError):
        raise RequestError(f"seconds must be a number, not {seconds!r}") from None
    if not (isfinite(seconds) and 0 < seconds <= LONGEST_SECONDS):
        raise RequestError(f"seconds must be more than 0 and at most {LONGEST_SECONDS:g}, not {seconds:g}")
    if round(seconds * fps) < 1:
        raise RequestError(f"{seconds:g} seconds hold no frame at {fps:g} fps")
    return round(seconds * fps)
