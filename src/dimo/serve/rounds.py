"""The rounds of one motion as they happen, as server-sent events (HTML Living Standard, section 9.2).

    event: begin    {"seed": 1, "weights": "...", "rounds": 10, "steps": 20, "frames_per_step": 4}; as many rounds for each
                    turn of the sentence and for each seam between them
    event: round    {"round": 1, "written": [0, 1, ...], "confidence": [null, 0.9, ...], "motion": {...}}
    event: end      what /v1/motions answers
    event: error    a problem document

round 0 is noise. written holds, for each code step, the round that it was written in last, 0 where it is open.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from dimo.formats.motion_json import to_json
from dimo.inpaint.pipeline import RECALL
from dimo.inpaint.request import Request
from dimo.serve import problems
from dimo.serve.outgoing import on_body
from dimo.serve.schemas import Motions
from dimo.serve.service import Service
from dimo.serve.worker import Job
from dimo.tasks.trace import State, states


def event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def start(service: Service, asked: Motions, planned: Request, seed: int) -> AsyncIterator[str]:
    """The events of a request of one window, put in the queue now. RequestError for a longer one, QueueFull."""
    pipeline, options = service.model.pipeline, asked.options.sample_options()
    recall = RECALL if asked.recall is None else asked.recall
    steps = pipeline.rounds(replace(planned, seed=seed), options, recall=recall)  # says now what is wrong
    loop, events = asyncio.get_running_loop(), asyncio.Queue()

    def send(name: str, data: Any) -> None:
        loop.call_soon_threadsafe(events.put_nowait, (name, data))

    def run(items: Sequence[Request]) -> Sequence[None]:
        last: State | None = None
        for state in states(pipeline, steps, items[0].name, planned.frames):
            if job.gone.is_set():
                return [None]
            send("round", told(state))
            last = state
        assert last is not None
        (motion,) = pipeline.finish([planned], [last.codes], footlock=asked.footlock)
        motions = [to_json(on_body(motion, asked))]
        send("end", {**service.told(asked, planned, seed), "motions": motions})
        return [None]

    job = Job([planned], run)
    service.worker.submit(job)

    def fail(future: Any) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            problem = problems.of(error)
            send("error", problems.document(problem.status, problem.detail))

    job.future.add_done_callback(fail)
    return _events(job, events, begin(service, planned, seed, options.steps), service.limits.wait)


async def _events(job: Job, events: asyncio.Queue, first: Any, patience: float) -> AsyncIterator[str]:
    """Until the end, or until the reader leaves, which ends this generator and with it the rounds."""
    try:
        yield event("begin", first)
        while True:
            try:
                name, data = await asyncio.wait_for(events.get(), patience)
            except TimeoutError as late:
                name, data = "error", problems.document(503, problems.of(late).detail)
            yield event(name, data)
            if name in ("end", "error"):
                return
    finally:
        job.cancel()


def begin(service: Service, planned: Request, seed: int | None, of: int) -> dict[str, Any]:
    """What is told before the rounds; of: how many there will be of each window."""
    stride = service.model.codec.config.stride
    steps = -(-planned.frames // stride)
    windows = 2 * len(planned.parts) - 1
    return {"seed": seed, "weights": service.weights, "rounds": of * windows, "steps": steps, "frames_per_step": stride}


def told(state: State) -> dict[str, Any]:
    """A state as its event tells it."""
    sure = [None if math.isnan(c) else round(c, 4) for c in state.confidence.tolist()]
    return {
        "round": state.round,
        "written": state.written.tolist(),
        "confidence": sure,
        "motion": to_json(state.motion),
    }
