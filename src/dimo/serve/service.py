"""The verbs of the model as jobs of the worker: what is asked is checked first, then waits, then is made beside others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from dimo.api import DiMo
from dimo.body.motion import Motion
from dimo.diffusion.options import SampleOptions
from dimo.errors import RequestError
from dimo.inpaint import request as requests
from dimo.inpaint.pipeline import MEMORY, RECALL
from dimo.serve.limits import Limits
from dimo.serve.problems import Problem
from dimo.serve.schemas import Captions, Corrections, Drawn, Edits, Motions, Scores, Search
from dimo.serve.worker import Job, Worker
from dimo.tasks import best as best_task
from dimo.tasks import edit as edits
from dimo.tasks import generate as generation
from dimo.tasks.understand import Understanding

T = TypeVar("T")

DOUBT = 2.0
"""Nats per word piece by which a sentence may be less probable, given its motion, than the model's own caption of it; beyond,
the model doubts it. Sentences of actions that it learned stay below 1.5, others mostly pass 2.5 (docs/serve.md)."""

MOST_DRAWN = 64
"""Motions that are drawn for one request, where the best are kept."""

REMEMBERED = 256
"""Sentences whose warnings and notes are kept: those of the page are asked for again and again."""

ASIDE = 4
"""Files that are read or written at once."""

WAYS = ("replace", "keep", "extend", "vary", "inbetween")
"""Of an edit; exactly one is named."""


@dataclass(frozen=True)
class Made:
    """Motions, and the seed that repeats them."""

    motions: list[Motion]
    seed: int


class Service:
    """A model, the thread that runs it, and what clients may ask of both. library: the folder that search looks into."""

    def __init__(self, model: DiMo, limits: Limits | None = None, library: Path | None = None):
        self.model, self.limits, self.library = model, limits or Limits(), library
        self.worker = Worker(self.limits.jobs)

    @cached_property
    def weights(self) -> str:
        """The hash that changes with the weights, and with the precision that they compute in."""
        return self.model.fingerprint()

    # ---- motions

    def plan(self, asked: Motions) -> requests.Request:
        """The request that a body stands for. RequestError for what cannot be made."""
        self._check_texts([asked.text, *(part.text for part in asked.parts or [])])
        if asked.parts is not None:
            if asked.text is not None or asked.seconds is not None:
                raise RequestError("parts have their own texts and seconds; leave out text and seconds")
            if not 1 <= len(asked.parts) <= self.limits.parts:
                raise RequestError(f"a motion has 1 to {self.limits.parts} parts, not {len(asked.parts)}")
            made = [self._part(part.text, part.seconds) for part in asked.parts]
            names = [generation.name_of(part.text) for part in asked.parts if part.text]
            return replace(made[0], parts=tuple(p for one in made for p in one.parts), name=(names or ["motion"])[0])
        return self._part(asked.text, asked.seconds)

    def _part(self, text: str | None, seconds: float | None) -> requests.Request:
        pipeline = self.model.pipeline
        if text is not None:
            return generation.generate(pipeline, text, seconds)
        if seconds is None:
            raise RequestError("without a text there must be seconds: nothing else says how long the motion is")
        return generation.sample(pipeline, seconds)

    def plan_edit(self, asked: Edits, given: dict[str, Motion]) -> requests.Request:
        """The request of an edit. RequestError for spans outside of the motion, or not exactly one thing to do."""
        self._check_texts([asked.text])
        if "motion" not in given:
            raise RequestError("there is no motion to edit; send one as motion")
        ways = [way for way in WAYS if getattr(asked, way) is not None]
        if len(ways) != 1:
            raise RequestError(f"exactly one of {', '.join(WAYS)} says what to do, not {', '.join(ways) or 'none'}")
        if asked.seconds is not None and asked.keep is None:
            raise RequestError("seconds goes with keep only; extend and inbetween have their own")
        if ("other" in given) != (asked.inbetween is not None):
            raise RequestError("a second motion as other goes with inbetween, and inbetween needs it")
        motion, text = given["motion"], asked.text
        if asked.replace is not None:
            return edits.edit(motion, asked.replace, text=text, unit=asked.unit)
        if asked.keep is not None:
            return edits.complete(motion, asked.keep, text=text, seconds=asked.seconds, unit=asked.unit)
        if asked.extend is not None:
            return edits.predict(motion, asked.extend, text=text)
        if asked.vary is not None:
            return edits.vary(motion, asked.vary, text=text)
        assert asked.inbetween is not None
        return edits.inbetween(motion, given["other"], asked.inbetween.seconds, text=text, place=asked.inbetween.place)

    def draw(self, planned: requests.Request, asked: Drawn) -> tuple[Job, int]:
        """The job that makes the samples of a request, and their seed. RequestError for options out of their range."""
        options = asked.options.sample_options()
        shares = {"memory": MEMORY, "recall": RECALL}
        for name in shares:
            if (share := getattr(asked, name, None)) is not None:
                requests.check_share(name, share)
                shares[name] = share
        fps = planned.known[0].motion.fps if planned.known else self.model.codec.config.fps
        if planned.frames > self.limits.seconds * fps + 0.5:
            raise RequestError(
                f"a motion of this server is at most {self.limits.seconds:g} seconds long, not {planned.frames / fps:g}"
            )
        best = best_task.check(getattr(asked, "best", 1))
        if best > 1 and getattr(asked, "text", None) is None:
            raise RequestError("best compares motions with a text; give one")
        if best * asked.samples > MOST_DRAWN:
            raise RequestError(f"best times samples is at most {MOST_DRAWN}, not {best * asked.samples}")
        if not 1 <= asked.samples <= self.limits.samples:
            raise RequestError(f"samples must be from 1 to {self.limits.samples}, not {asked.samples}")
        seed = new_seed() if asked.seed is None else asked.seed
        SampleOptions(seed=seed)
        items = requests.samples_of(replace(planned, seed=seed), best * asked.samples)
        key = ("draw", options, asked.footlock, *shares.values())

        def run(batch: Sequence[requests.Request]) -> Sequence[Motion]:
            return self.model.pipeline.make(
                batch, options, footlock=asked.footlock, memory=shares["memory"], recall=shares["recall"]
            )

        return Job(items, run, key), seed

    def best(self, asked: Motions, made: Sequence[Motion]) -> Job:
        """The job that keeps of what was drawn for each sample the one that fits the text best."""
        texts = [asked.text or ""] * len(made)
        return Job([made], lambda _: [best_task.pick(self.model.pipeline, texts, made, asked.best)])

    def told(self, asked: Motions, planned: requests.Request, seed: int | None) -> dict[str, Any]:
        """What an answer says beside its motions; parts with the seconds that they got."""
        fps = self.model.codec.config.fps
        parts = [{"text": part.text, "seconds": part.frames / fps} for part in planned.parts]
        texts = [asked.text, *(part.text for part in asked.parts or [])]
        heard = self.heard(texts, asked.recall)
        return {"seed": seed, "weights": self.weights, "parts": parts, **heard}

    def heard(self, texts: Sequence[str | None], recall: float | None = None) -> dict[str, list[str]]:
        """What the command line notes of sentences: those that the model has hardly seen the like of (warnings), and those
        that it takes as others (notes), unless recall is 0."""
        out: dict[str, list[str]] = {"warnings": [], "notes": []}
        for text in dict.fromkeys(texts if self.model.pipeline.recall is not None else ()):
            if text is None:
                continue
            for kind, lines in self._heard(text).told(recall).items():
                out[kind] += lines
        return out

    @cached_property
    def _heard(self) -> Callable[[str], Understanding]:
        return lru_cache(REMEMBERED)(self.model.understands)

    # ---- words

    def caption(self, asked: Captions, given: dict[str, Motion]) -> tuple[Job, int | None]:
        """The job that captions a motion, beside others that are asked for alike; and the seed of several captions."""
        motion = _only(given)
        seed = new_seed() if asked.seed is None and asked.samples > 1 else asked.seed
        SampleOptions(seed=seed)

        def run(batch: Sequence[Motion]) -> Sequence[Any]:
            return self.model.caption(batch, samples=asked.samples, seed=seed)

        # Drawn captions are not shared: a client's random seed is its own.
        return Job([motion], run, ("caption",) if asked.samples == 1 else None), seed

    def correct(self, asked: Corrections, given: dict[str, Motion]) -> Job:
        self._check_texts([asked.text])
        motion = _only(given)
        return Job([motion], lambda batch: [self.model.correct(asked.text, m) for m in batch])

    def score(self, asked: Scores, given: dict[str, Motion]) -> Job:
        """The job whose result is what /v1/scores answers."""
        self._check_texts([asked.text])
        motion = _only(given)
        self.model.pipeline.ids(asked.text)

        def run(batch: Sequence[Motion]) -> Sequence[dict[str, Any]]:
            score, own = self.model.score(asked.text, batch[0]), self.model.caption(batch[0])[0]
            doubtful = own.score - score.text > DOUBT
            caption = {"text": own.text, "score": own.score if own.text else None}
            return [{"score": {**asdict(score), "rank": score.rank}, "caption": caption, "doubtful": doubtful}]

        return Job([motion], run)

    def search(self, asked: Search) -> Job:
        """Problem where the server was started without a library."""
        self._check_texts([asked.text])
        library = self.library
        if library is None:
            raise Problem(404, "this server has no library; dimo serve --library FOLDER gives it one")
        self.model.pipeline.ids(asked.text)

        def run(_: Sequence[Any]) -> Sequence[dict[str, Any]]:
            result = self.model.search(asked.text, library)
            found = [
                {"file": f.path.relative_to(library).as_posix(), "score": {**asdict(f.score), "rank": f.score.rank}}
                for f in result.found[: asked.limit]
            ]
            return [{"found": found, "searched": len(result.found), "unreadable": len(result.unreadable)}]

        return Job([None], run)

    def _check_texts(self, texts: Sequence[str | None]) -> None:
        for text in texts:
            if text is not None and len(text) > self.limits.text:
                raise RequestError(f"a text has at most {self.limits.text} characters, not {len(text)}")

    # ---- waiting

    @cached_property
    def _aside(self) -> CapacityLimiter:
        return CapacityLimiter(ASIDE)

    async def aside(self, function: Callable[..., T], *given: Any) -> T:
        """What needs no model but time, beside everything else: reading and writing files, a few at once."""
        return await to_thread.run_sync(function, *given, limiter=self._aside)

    async def result(self, job: Job, client: Request) -> Any:
        """The results of a job, put in the queue now. It is cancelled when the client leaves or it takes too long."""
        future = asyncio.wrap_future(self.worker.submit(job).future)
        loop = asyncio.get_running_loop()
        end = loop.time() + self.limits.wait
        try:
            while not (await asyncio.wait([future], timeout=0.25))[0]:
                if loop.time() > end:
                    raise TimeoutError
                if await client.is_disconnected():
                    raise Problem(400, "the client has left")  # nobody reads it
            return future.result()
        finally:
            if not future.done():
                job.cancel()


def new_seed() -> int:
    """From the system; small enough to be typed."""
    return int.from_bytes(os.urandom(4), "little")


def _only(given: dict[str, Motion]) -> Motion:
    if "motion" not in given:
        raise RequestError("there is no motion; send one as motion")
    return given["motion"]
