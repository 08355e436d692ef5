"""Loops of the Motion Model Context Protocol: a clip whose last frame is its first again, as high and facing the same way, moved
on by what one round travels.

The clip is drawn first, and then a way back from its end to its start: where that was, of a body that came back by itself, else
where the clip's own speed would have taken it by then.
"""

from __future__ import annotations

import asyncio

import numpy as np
from fastapi import Request

from dimo.body.motion import Motion
from dimo.inpaint.request import Part
from dimo.inpaint.request import Request as Planned
from dimo.serve.mmcp_schemas import ProtocolError
from dimo.serve.schemas import Drawn
from dimo.serve.service import Service
from dimo.tasks import edit, loop

OWN, SHORTEST, LONGEST, SHARE = 0.5, 0.4, 1.5, 0.25
"""Seconds of the clip at least; of the way back at least and at most; and the share of the round that it takes in between."""


def lengths(frames: int, fps: float, ours: float) -> tuple[int, int]:
    """Frames of the clip and of the way back, at our rate, of a round that ends with its first frame again."""
    round_ = round((frames - 1) * ours / fps)
    way = int(np.clip(round(SHARE * round_), round(SHORTEST * ours), round(LONGEST * ours)))
    if round_ - way < round(OWN * ours):
        raise ProtocolError("invalid_options", f"a loop is at least {OWN + SHORTEST + 1 / ours:g} seconds long here")
    return round_ - way, way


def travel(motion: Motion, frames: int) -> np.ndarray:
    """Metres (3,) along the ground to where a round of so many frames begins again."""
    if loop.place_of(motion) == "as_is":
        return np.zeros(3)
    return (motion.root[-1] - motion.root[0]) * [1.0, 0.0, 1.0] * frames / (len(motion) - 1)


def way_back(motion: Motion, way: int, text: str | None) -> Planned:
    """The motion, `way` frames to its start, and that start."""
    again = loop.start_of(motion).moved(travel(motion, len(motion) + way))
    return edit.inbetween(motion, again, way / motion.fps, text=text)


async def draw(
    service: Service, planned: Planned, drawn: Drawn, lengths: tuple[int, int], client: Request
) -> tuple[list[Motion], int]:
    """Rounds of one part, each with the first frame of the next, and the seed that repeats them."""
    own, way = lengths
    text = planned.parts[0].text
    job, seed = service.draw(Planned((Part(text, own),), name=planned.name), drawn)
    clips = await service.result(job, client)
    alone = drawn.model_copy(update={"samples": 1, "seed": seed})

    async def closed(clip: Motion) -> Motion:
        ways, _ = service.draw(await service.aside(way_back, clip, way, text), alone)
        (made,) = await service.result(ways, client)
        return made[: own + way + 1]

    return list(await asyncio.gather(*map(closed, clips))), seed
