"""The Motion Model Context Protocol, by which animation tools drive motion models: GET /capabilities, POST /generate.

Strips become the parts of a motion, which is drawn at our rate, brought to the rate and the body that are asked for, and
answered as glTF. What the model cannot do (constraints, poses, references) is declared, and refused by name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from dimo.body.blend import sample_at
from dimo.body.footlock import find_contacts
from dimo.body.motion import Motion
from dimo.errors import DimoError
from dimo.inpaint.request import Part
from dimo.inpaint.request import Request as Planned
from dimo.serve import mmcp_gltf, mmcp_loop, problems
from dimo.serve.mmcp_body import FEET, Body, canonical
from dimo.serve.mmcp_schemas import VERSION, Generate, ProtocolError
from dimo.serve.schemas import Drawn
from dimo.serve.service import Service
from dimo.tasks.generate import name_of

MODEL = "dimo"
SEGMENTS = ["text", "unconditioned"]
GUIDANCE = ["nocfg", "regular"]
MOST_STEPS = 10
"""Rounds at most: more diffusion steps, which other models need, make nothing better here (docs/tasks/sampling.md)."""
BATCH = 16
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "glTF, or the answers of a batch", "content": {"model/gltf+json": {}, "application/json": {}}},
    "4XX": {"description": "what is wrong with the request", "content": {"application/json": {}}},
    "5XX": {"description": "why there is no motion now", "content": {"application/json": {}}},
}
"""Of /generate, for the interface's document; the protocol itself says what stands in them."""


def routes(service: Service) -> APIRouter:
    """The protocol's two addresses."""
    api = APIRouter(tags=["MMCP"])

    @api.get("/capabilities", summary="What the model can do, for animation tools")
    async def capabilities() -> dict[str, Any]:
        """The Motion Model Context Protocol's description of this server."""
        return _capabilities(service)

    @api.post("/generate", summary="Motion for an animation tool", response_model=None, responses=ANSWERS)
    async def generate(request: Request) -> Response:
        """A request of the Motion Model Context Protocol, or a batch of them; answered as glTF 2.0 with MMCP_motion."""
        try:
            payload = _read(await request.body())
            if isinstance(payload, dict) and "requests" in payload:
                return _answer(200, await _batch(service, payload, request), "application/json")
            return _answer(200, await _generate(service, payload, request), "model/gltf+json")
        except Exception as error:
            refused = _refusal(error)
            return _answer(refused.status, refused.envelope(), "application/json")

    return api


def _capabilities(service: Service) -> dict[str, Any]:
    limits, pipeline = service.limits, service.model.pipeline
    model = {
        "id": MODEL,
        "fps": pipeline.codec.config.fps,
        "canonical_skeleton": canonical(pipeline.codec.skeleton),
        "supports_retargeting": True,
        "supports_joint_translation": False,
        "supports_async": False,
        "supports_segment_seed": False,
        "supports_loop": True,
        "supports_keyframe_reduction": False,
        "supports_batch": True,
        "supports_trajectory": False,
        "supported_constraints": [],
        "supported_segments": SEGMENTS,
        "supported_guidance_types": GUIDANCE,
        "predicted_contact_joints": list(FEET.values()),
        "native_clip_seconds": pipeline.longest,
        "chunking": "stitched",
        "recommended_max_duration_seconds": min(60.0, limits.seconds),
        "limits": {
            "max_duration_seconds": limits.seconds,
            "max_num_samples": min(16, limits.samples),
            "max_constraints_per_request": 0,
            "max_prompt_length": limits.text,
            "max_request_bytes": limits.body_bytes,
            "max_batch_size": BATCH,
        },
    }
    return {
        "protocol_version": VERSION,
        "rotation_format": "quaternion_xyzw",
        "coordinate_system": "right_handed_y_up",
        "units": "meters",
        "response_formats": ["gltf_2.0_json"],
        "models": [model],
    }


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("schema_validation", f"the body is no JSON ({error})"[:300]) from None


def _checked(payload: Any) -> Generate:
    """A request that can be made, as far as it says by itself; ProtocolError for any other."""
    version = payload.get("protocol_version") if isinstance(payload, dict) else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if major.isdecimal() and major != VERSION.partition(".")[0]:
        raise ProtocolError("version_unsupported", f"version {major[:9]} is not spoken here", supported_majors=["1"])
    try:
        asked = Generate.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ProtocolError("schema_validation", f"{place}: {first['msg']}" if place else first["msg"]) from None
    if asked.model != MODEL:
        raise ProtocolError("unknown_model", f"there is no model {asked.model[:40]!r}", available_models=[MODEL])
    for constraint in asked.constraints:
        raise ProtocolError(
            "unsupported_constraint", f"{constraint.type} is nothing that this model can do", supported_constraints=[]
        )
    for segment in asked.segments:
        if segment.type not in SEGMENTS:
            raise ProtocolError(
                "unsupported_segment", f"{segment.type} is nothing that this model can do", supported_segments=SEGMENTS
            )
        if segment.type == "text" and not segment.prompt:
            raise ProtocolError("schema_validation", "a text segment needs a prompt")
    if not asked.segments:
        raise ProtocolError("schema_validation", "there is no segment; the model needs at least one")
    _check_options(asked)
    return asked


def _check_options(asked: Generate) -> None:
    options = asked.options
    refused = {
        "keyframe_budget": options.keyframe_budget is not None,
        "model_options": bool(options.model_options),
    }
    for name, there in refused.items():
        if there:
            raise ProtocolError("invalid_options", f"this model does not support options.{name}", model=MODEL)
    if options.loop and len(asked.segments) != 1:
        raise ProtocolError("invalid_options", "options.loop needs exactly one segment", segments=len(asked.segments))
    if len(asked.segments) > 1 and any(segment.seed is not None for segment in asked.segments):
        raise ProtocolError("invalid_options", "segments have no seeds of their own here; options.seed is that of all")
    guidance = options.guidance
    if guidance and (guidance.type not in GUIDANCE or len(guidance.weight) != GUIDANCE.index(guidance.type)):
        raise ProtocolError("invalid_options", "guidance is nocfg, or regular with one weight", supported=GUIDANCE)


async def _generate(service: Service, payload: Any, client: Request) -> dict[str, Any]:
    asked = _checked(payload)
    body = await service.aside(Body.of, asked.skeleton)
    planned, drawn = await service.aside(_plan, service, asked)
    if asked.options.loop:
        lengths = mmcp_loop.lengths(asked.segments[0].duration_frames, *_rates(service, asked))
        motions, seed = await mmcp_loop.draw(service, planned, drawn, lengths, client)
    else:
        job, seed = service.draw(planned, drawn)
        motions = await service.result(job, client)
    return await service.aside(_told, service, asked, body, motions, seed)


def _rates(service: Service, asked: Generate) -> tuple[float, float]:
    """Frames a second that are asked for, and ours."""
    ours = service.model.pipeline.codec.config.fps
    return (asked.timing.fps if asked.timing else ours), ours


async def _batch(service: Service, payload: dict[str, Any], client: Request) -> dict[str, Any]:
    """Several requests, drawn together; each has its own answer or its own error."""
    items = payload["requests"]
    if not isinstance(items, list) or not items:
        raise ProtocolError("schema_validation", "requests is a list that is not empty")
    if len(items) > BATCH:
        raise ProtocolError(
            "invalid_options", f"a batch has at most {BATCH} requests, not {len(items)}", max_batch_size=BATCH
        )
    version = {"protocol_version": payload.get("protocol_version")}

    async def one(item: Any) -> dict[str, Any]:
        try:
            return {"gltf": await _generate(service, {**version, **item} if isinstance(item, dict) else item, client)}
        except Exception as error:
            return _refusal(error).envelope()

    return {"results": await asyncio.gather(*map(one, items))}


def _plan(service: Service, asked: Generate) -> tuple[Planned, Drawn]:
    """The strips as parts of our rate, and how to draw them."""
    pipeline, options = service.model.pipeline, asked.options
    fps, ours = _rates(service, asked)
    total = sum(segment.duration_frames for segment in asked.segments)
    if total > service.limits.seconds * fps:
        raise ProtocolError(
            "invalid_options",
            f"{total / fps:g} seconds are more than the {service.limits.seconds:g} that are made at once",
            max_duration_seconds=service.limits.seconds,
        )
    parts, at = [], 0
    for segment in asked.segments:
        text = segment.prompt if segment.type == "text" else None
        if text is not None and len(text) > service.limits.text:
            raise ProtocolError("invalid_options", f"a prompt has at most {service.limits.text} characters")
        pipeline.ids(text)
        # Edges are rounded, not lengths, so that many short strips do not drift.
        start, at = at, at + segment.duration_frames
        parts.append(Part(text, max(1, round(at * ours / fps) - round(start * ours / fps))))
    if fps > ours and total / fps < service.limits.seconds:  # the last frame of a higher rate lies behind our last
        parts[-1] = Part(parts[-1].text, parts[-1].frames + 1)
    seed = options.seed if options.seed is not None else asked.segments[0].seed
    guidance = options.guidance
    how: dict[str, Any] = {"steps": min(options.diffusion_steps, MOST_STEPS)}
    if guidance:
        how["guidance"] = guidance.weight[0] if guidance.weight else 1.0
    drawn = Drawn.model_validate(
        {"samples": options.num_samples, "seed": seed, "footlock": options.post_processing, "options": how}
    )
    name = next((name_of(part.text) for part in parts if part.text), "motion")
    return Planned(tuple(parts), name=name), drawn


def _told(service: Service, asked: Generate, body: Body, motions: Sequence[Motion], seed: int) -> dict[str, Any]:
    fps, ours = _rates(service, asked)
    frames = sum(segment.duration_frames for segment in asked.segments)
    names = body.names()
    samples = []
    for motion in motions:
        at = np.minimum(np.arange(frames) * ours / fps, len(motion) - 1)
        if asked.options.loop:  # a whole round, which is of whole frames at our rate and need not be at another
            at = np.linspace(0, len(motion) - 1, frames)
        root, rotations = sample_at(motion.root, motion.rotations, at)
        whole = Motion(motion.skeleton, fps, root, rotations, motion.name)
        placed = body.onto(whole)
        planted = find_contacts(whole.joints(), fps) if frames > 1 else np.zeros((frames, 2), bool)
        contacts = {names[role]: planted[:, i] for i, role in enumerate(FEET.values()) if role in names}
        samples.append(mmcp_gltf.Sample(body.rotations(placed), placed.root, contacts))
    notes = [
        {
            "code": "repeat",
            "severity": "info",
            "message": f"seed {seed} repeats this",
            "seed": seed,
            "weights": service.weights,
        }
    ]
    return mmcp_gltf.document(asked.skeleton, samples, fps, model=MODEL, names=names, notes=notes)


def _refusal(error: Exception) -> ProtocolError:
    """Any failure in the protocol's form."""
    if isinstance(error, ProtocolError):
        return error
    problem = problems.of(error)
    codes = {413: "payload_too_large", 429: "rate_limited", 503: "resource_exhausted", 500: "internal_error"}
    code = "invalid_options" if isinstance(error, DimoError) else codes.get(problem.status, "internal_error")
    return ProtocolError(code, problem.detail)


def _answer(status: int, content: Any, media: str) -> Response:
    return Response(json.dumps(content, separators=(",", ":"), allow_nan=False), status, media_type=media)
