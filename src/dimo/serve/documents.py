"""The OpenAPI document of addresses whose bodies this package reads by itself: schemas, examples, kinds of answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from dimo.serve.incoming import FORM, JSON
from dimo.serve.outgoing import MEDIA
from dimo.serve.problems import MEDIA_TYPE
from dimo.serve.schemas import BODIES, Body

REFERENCE = "#/components/schemas/"
PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence: what is wrong and what would be right."},
    },
}
PROBLEMS = {
    400: "The body is no JSON, or no form.",
    401: "The server wants its token.",
    404: "There is nothing here.",
    408: "The body stopped coming.",
    413: "The request is too large.",
    415: "The body is of another type.",
    421: "The server does not answer to this name.",
    422: "What is asked cannot be done; the detail says why.",
    429: "Too many requests wait; Retry-After says when to try again.",
    503: "The server is stopping, or the answer took too long.",
}


def of(model: type[Body], summary: str, *, written: bool = False, stream: bool = False) -> dict[str, Any]:
    """Arguments of a route whose body is a model. written: it answers with files too; stream: with events."""
    schema = {"$ref": REFERENCE + model.__name__}
    content: dict[str, Any] = {
        JSON: {"schema": schema, "examples": {name: {"value": value} for name, value in model.examples.items()}}
    }
    if model.files:
        parts = {name: {"type": "string", "format": "binary"} for name in model.files}
        asks = {"type": "string", "contentMediaType": JSON, "description": "Everything but the files, as JSON."}
        content[FORM] = {"schema": {"type": "object", "properties": {**parts, "request": asks}}}
    good: dict[str, Any] = {"description": "The answer, with the seed and the hash of the weights."}
    kinds = {JSON: {"schema": {"type": "object"}}}
    if written:
        binary = {"schema": {"type": "string", "format": "binary"}}
        kinds |= dict.fromkeys((*MEDIA.values(), "application/octet-stream"), binary)
        good["headers"] = {
            name: {"schema": {"type": "string"}} for name in ("Dimo-Seed", "Dimo-Weights", "Content-Disposition")
        }
    if stream:
        kinds = {"text/event-stream": {"schema": {}}}
    problem = {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}Problem"}}}
    responses: dict[int | str, dict[str, Any]] = {200: {**good, "content": kinds}}
    responses |= {status: {"description": text, "content": problem} for status, text in PROBLEMS.items()}
    return {
        "summary": summary,
        "responses": responses,
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "response_model": None,
    }


def install(app: FastAPI) -> None:
    """Put the schemas that `of` refers to into the app's document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _, schemas = models_json_schema([(m, "validation") for m in BODIES], ref_template=REFERENCE + "{model}")
            components = document.setdefault("components", {}).setdefault("schemas", {})
            components |= {**schemas["$defs"], "Problem": PROBLEM}
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
