"""A shard of prompts to files: what a worker of a batch does, with a model that it loads once."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dimo.api import DiMo
from dimo.batch.folder import whole
from dimo.batch.prompts import Prompt
from dimo.body.motion import Motion
from dimo.body.onto import onto
from dimo.body.skeleton import Skeleton
from dimo.diffusion.options import SampleOptions
from dimo.errors import DimoError, WeightsError
from dimo.formats.table import CHOICES
from dimo.formats.writing import Output, fitted
from dimo.inpaint.request import Request
from dimo.tasks import generate as generate_task


@dataclass(frozen=True)
class Plan:
    """How motions are to be made and written; `start`, pickled to a process, loads the model there."""

    folder: Path
    suffix: str
    options: SampleOptions = field(default_factory=SampleOptions)  # its seed is the batch's
    footlock: bool = True
    skeleton: Skeleton | None = None
    output: Output = field(default_factory=Output)
    model: Path | None = None
    device: str = "auto"
    weights: str = ""  # the model's fingerprint

    def load(self) -> DiMo:
        return DiMo.from_pretrained(self.model, device=self.device)

    def start(self) -> Maker:
        model = self.load()
        if self.weights and model.fingerprint() != self.weights:  # as on one machine of many
            raise WeightsError(
                f"{platform.node()}: the weights here, or the precision that they compute in, are not those of the batch; "
                "give every machine the same weights and the same DIMO_PRECISION"
            )
        return Maker(self, model)


@dataclass(frozen=True)
class Made:
    """Of a shard: a line of the index for each motion that was written, and a line for each prompt that failed."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


class Maker:
    """Makes and writes the motions of shards. A prompt that fails leaves an error and the others alone.

    What is the matter with the disk or the folder is raised: the prompts after this one would fail too.
    """

    def __init__(self, plan: Plan, model: DiMo):
        self.plan, self.model = plan, model

    def __call__(self, prompts: Sequence[Prompt]) -> Made:
        made = Made()
        requests: list[tuple[Prompt, Request]] = []
        for prompt in prompts:
            try:
                requests.append((prompt, self._request(prompt)))
            except DimoError as error:
                made.errors.append(failed(prompt, str(error)))
        for (prompt, request), motion in zip(requests, self._motions([r for _, r in requests]), strict=True):
            if isinstance(motion, Exception):
                made.errors.append(failed(prompt, _sentence(motion)))
                continue
            try:
                file = self._write(prompt, motion)
            except OSError:
                raise
            except Exception as error:
                if isinstance(error.__context__, OSError):  # a file that cannot be made there
                    raise
                made.errors.append(failed(prompt, _sentence(error)))
            else:
                made.rows.append(self._row(prompt, request, file))
        return made

    def _request(self, prompt: Prompt) -> Request:
        pipeline, seed = self.model.pipeline, prompt.seed_of(self.plan.options.seed or 0)
        if prompt.text is not None:
            return generate_task.generate(pipeline, prompt.text, prompt.seconds, seed)
        return replace(generate_task.compose(pipeline, prompt.parts, seed), name=prompt.id)

    def _motions(self, requests: list[Request]) -> list[Motion | Exception]:
        """A motion, or what kept it from being made, for each request; one that spoils a batch is found by making each alone."""
        if not requests:
            return []
        try:
            return [*self.model.pipeline.make(requests, self.plan.options, footlock=self.plan.footlock)]
        except Exception as error:
            if len(requests) == 1:
                return [error]
            return [one for request in requests for one in self._motions([request])]

    def _write(self, prompt: Prompt, motion: Motion) -> str:
        name = prompt.id + self.plan.suffix
        if self.plan.skeleton is not None:
            motion = onto(motion, self.plan.skeleton)
        with whole(self.plan.folder, name) as temporary:
            motion.save(temporary, **self._writing)
        return name

    @cached_property
    def _writing(self) -> dict[str, Any]:
        return vars(fitted(self.plan.output, CHOICES[self.plan.suffix]))

    def _row(self, prompt: Prompt, request: Request, file: str) -> dict[str, Any]:
        fps = self.model.codec.config.fps
        row = {**asked(prompt), "seconds": request.frames / fps, "seed": request.seed, "file": file}
        if prompt.parts:
            row["parts"] = [{"text": part.text, "seconds": part.frames / fps} for part in request.parts]
        return {**row, "weights": self.plan.weights, "key": prompt.key}


def asked(prompt: Prompt) -> dict[str, Any]:
    """What a line says first: the id, and the text or the parts."""
    if prompt.text is not None:
        return {"id": prompt.id, "text": prompt.text}
    return {"id": prompt.id, "parts": [{"text": text, "seconds": seconds} for text, seconds in prompt.parts]}


def failed(prompt: Prompt, why: str) -> dict[str, Any]:
    """The line of a prompt that could not be made."""
    return {**asked(prompt), "error": why}


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, DimoError) else f"internal error ({type(error).__name__}: {error})"
