"""What stands at which address: /v1/..., each an answer to one question of the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

import dimo
from dimo.body.skeleton import preset_names
from dimo.diffusion.options import STRATEGIES, SampleOptions
from dimo.diffusion.schedule import SCHEDULES
from dimo.errors import RequestError
from dimo.serve import answers, documents, incoming, outgoing, rounds, schemas
from dimo.serve.service import Service


def routes(service: Service) -> APIRouter:
    """The addresses of a service."""
    api = APIRouter(prefix="/v1")

    @api.post("/motions", **documents.of(schemas.Motions, answers.MotionsMade, "Motions from text", written=True))
    async def motions(request: Request) -> Response:
        """Motions of a sentence, of several in a row, or of none.

        They are on the 22-joint body at 20 frames a second, from the origin, facing +Z, unless fps or skeleton say otherwise.
        """
        asked, _ = await incoming.read(request, schemas.Motions, service)
        outgoing.formats_of(asked)
        planned = await service.aside(service.plan, asked)
        job, seed = service.draw(planned, asked)
        made = await service.result(job, request)
        if asked.best > 1:
            (made,) = await service.result(service.best(asked, made), request)
        told = await service.aside(service.told, asked, planned, seed)
        return await service.aside(outgoing.answer, made, asked, told)

    @api.post(
        "/motions/rounds",
        **documents.of(schemas.Motions, answers.MotionsMade, "A motion round by round", stream=True),
    )
    async def motion_rounds(request: Request) -> Response:
        """One motion of one sentence as server-sent events: begin, a round each, and end with what /v1/motions answers.

        At most as long as the model sees at once; format and samples have no meaning here.
        """
        asked, _ = await incoming.read(request, schemas.Motions, service)
        if asked.format != "json" or asked.samples != 1 or asked.best != 1:
            raise RequestError("rounds are told of one motion, as JSON; leave out format, samples and best")
        outgoing.formats_of(asked)
        planned = await service.aside(service.plan, asked)
        _, seed = service.draw(planned, asked)  # for its checks; the rounds draw by themselves
        return StreamingResponse(rounds.start(service, asked, planned, seed), media_type="text/event-stream")

    @api.post("/edits", **documents.of(schemas.Edits, answers.MotionsEdited, "Change a motion", written=True))
    async def edits(request: Request) -> Response:
        """A motion with stretches made anew, a longer one, a variation, or one that leads over to another."""
        asked, given = await incoming.read(request, schemas.Edits, service)
        outgoing.formats_of(asked)
        planned = await service.aside(service.plan_edit, asked, given)
        job, seed = service.draw(planned, asked)
        made = await service.result(job, request)
        heard = await service.aside(service.heard, [asked.text])
        told = {"seed": seed, "weights": service.weights, **heard}
        return await service.aside(outgoing.answer, made, asked, told)

    @api.post("/captions", **documents.of(schemas.Captions, answers.CaptionsSaid, "Words for a motion"))
    async def captions(request: Request) -> Response:
        """An English sentence for a motion, how sure the model is of it, and others."""
        asked, given = await incoming.read(request, schemas.Captions, service)
        job, seed = service.caption(asked, given)
        (best,) = await service.result(job, request)
        others = [{"text": other.text, "score": other.score} for other in best.others]
        score = best.score if best.text else None
        return outgoing.as_json(
            {"text": best.text, "score": score, "others": others, "seed": seed, "weights": service.weights}
        )

    @api.post("/corrections", **documents.of(schemas.Corrections, answers.CaptionCorrected, "Put a caption right"))
    async def corrections(request: Request) -> Response:
        """The caption with the words exchanged that the motion contradicts, and which those were."""
        asked, given = await incoming.read(request, schemas.Corrections, service)
        job = service.correct(asked, given)
        (found,) = await service.result(job, request)
        changes = [asdict(change) for change in found.changes]
        told = {"text": found.text, "original": found.original, "changed": found.changed, "changes": changes}
        return outgoing.as_json({**told, "seed": None, "weights": service.weights})

    @api.post("/scores", **documents.of(schemas.Scores, answers.FitScored, "How well words and motion fit"))
    async def scores(request: Request) -> Response:
        """Log-probabilities in nats a place, the model's own caption, and whether the sentence is one that it doubts."""
        asked, given = await incoming.read(request, schemas.Scores, service)
        (found,) = await service.result(service.score(asked, given), request)
        return outgoing.as_json({**found, "seed": None, "weights": service.weights})

    @api.post(
        "/conversions",
        **documents.of(schemas.Conversions, answers.MotionsConverted, "Other format, rate, body", written=True),
    )
    async def conversions(request: Request) -> Response:
        """A motion as it is, in other formats, at another rate, on another body."""
        asked, given = await incoming.read(request, schemas.Conversions, service)
        outgoing.formats_of(asked)
        if "motion" not in given:
            raise RequestError("there is no motion to convert; send one as motion")
        told = {"seed": None, "weights": service.weights}
        return await service.aside(outgoing.answer, [given["motion"]], asked, told)

    @api.post(
        "/search", **documents.of(schemas.Search, answers.FilesFound, "Motions of the library that fit a sentence")
    )
    async def search(request: Request) -> Response:
        """The files of the folder that the server was started with, the one that fits best first."""
        asked, _ = await incoming.read(request, schemas.Search, service)
        (found,) = await service.result(service.search(asked), request)
        return outgoing.as_json({**found, "seed": None, "weights": service.weights})

    @api.get("/health", summary="Whether the server works", **documents.plain(answers.Health))
    async def health() -> dict[str, Any]:
        """For those who watch over servers: answered without a token, and while the model is busy."""
        worker = service.worker
        told = {"status": "ok", "version": dimo.__version__, "weights": service.weights, "seed": None}
        return {**told, "waiting": worker.waiting, "answered": worker.done, "batches": worker.batches}

    @api.get("/models", summary="What the server has", **documents.plain(answers.Models))
    async def models() -> dict[str, Any]:
        """The model, what can be asked of it, and how much at once."""
        return about(service)

    return api


def about(service: Service) -> dict[str, Any]:
    """What /v1/models answers."""
    pipeline, limits = service.model.pipeline, service.limits
    model = {
        "id": "dimo",
        "weights": service.weights,
        "precision": str(next(pipeline.model.parameters()).dtype).removeprefix("torch."),
        "parameters": sum(p.numel() for p in pipeline.model.parameters()),
        "language": "en",
        "fps": pipeline.codec.config.fps,
        "skeleton": pipeline.codec.skeleton.name,
        "seconds_at_once": pipeline.longest,
        "frames_per_step": pipeline.codec.config.stride,
        "defaults": asdict(SampleOptions()),
        "strategies": list(STRATEGIES),
        "schedules": list(SCHEDULES),
    }
    files = {"read": list(incoming.ALONE), "written": list(outgoing.FORMATS)}
    return {
        "models": [model],
        "skeletons": preset_names(),
        "files": files,
        "library": service.library is not None,
        "limits": asdict(limits),
        "seed": None,
        "weights": service.weights,
    }
