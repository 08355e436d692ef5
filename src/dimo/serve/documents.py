"""The OpenAPI document of addresses whose bodies this package reads by itself: schemas, examples, kinds of answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from dimo.serve.answers import SAID, Answer
from dimo.serve.incoming import FORM, JSON
from dimo.serve.mmcp_schemas import STATUS, Generate
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
REFUSED = {
    "type": "object",
    "description": "A failure as the Motion Model Context Protocol tells it.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"enum": list(STATUS)},
                "message": {"type": "string", "description": "One sentence: what is wrong and what would be right."},
                "details": {"type": "object"},
            },
        }
    },
}
PROBLEMS = {
    400: "The body is no JSON, or no form.",
    401: "The server wants its token.",
    403: "A page of another site asks.",
    404: "There is nothing here.",
    408: "The body stopped coming.",
    413: "The request is too large.",
    415: "The body is of another type.",
    421: "The server does not answer to this name.",
    422: "What is asked cannot be done; the detail says why.",
    429: "Too many requests wait; Retry-After says when to try again.",
    500: "A fault of dimo; the server's log says where.",
    503: "The server is stopping, or the answer took too long.",
}


PLAIN = (401, 403, 421, 500)
"""Failures of addresses that take no body."""


def problems(statuses: Iterable[int] = tuple(PROBLEMS)) -> dict[int | str, dict[str, Any]]:
    """The answers of a route to what fails."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}Problem"}}}
    return {status: {"description": PROBLEMS[status], "content": content} for status in statuses}


def plain(answer: type[Answer]) -> dict[str, Any]:
    """Arguments of a route that takes no body and whose answer is a model."""
    return {"response_model": answer, "responses": problems(PLAIN)}


def of(
    model: type[Body], answer: type[Answer], summary: str, *, written: bool = False, stream: bool = False
) -> dict[str, Any]:
    """Arguments of a route whose body and answer are models. written: it answers with files too; stream: with events."""
    schema = {"$ref": REFERENCE + model.__name__}
    content: dict[str, Any] = {
        JSON: {"schema": schema, "examples": {name: {"value": value} for name, value in model.examples.items()}}
    }
    if model.files:
        parts = {name: {"type": "string", "format": "binary"} for name in model.files}
        asks = {"type": "string", "contentMediaType": JSON, "description": "Everything but the files, as JSON."}
        content[FORM] = {"schema": {"type": "object", "properties": {**parts, "request": asks}}}
    good: dict[str, Any] = {"description": "The answer, with the seed and the hash of the weights."}
    kinds: dict[str, Any] = {JSON: {"schema": {"$ref": REFERENCE + answer.__name__}}}
    if written:
        binary = {"schema": {"type": "string", "format": "binary"}}
        kinds |= dict.fromkeys((*MEDIA.values(), "application/octet-stream"), binary)
        good["headers"] = {
            name: {"schema": {"type": "string"}} for name in ("Dimo-Seed", "Dimo-Weights", "Content-Disposition")
        }
    if stream:
        kinds = {"text/event-stream": {"schema": {}}}
    return _route(summary, content, {200: {**good, "content": kinds}, **problems()})


def protocol(summary: str) -> dict[str, Any]:
    """Arguments of the route of the Motion Model Context Protocol, whose failures have the protocol's own form."""
    one = {"$ref": REFERENCE + Generate.__name__}
    parts = {"protocol_version": {"type": "string"}, "requests": {"type": "array", "items": one, "minItems": 1}}
    batch = {"type": "object", "required": ["requests"], "properties": parts}
    results = {"type": "object", "required": ["results"], "properties": {"results": {"type": "array"}}}
    kinds = {"model/gltf+json": {"schema": {"type": "object"}}, JSON: {"schema": results}}
    refused = {"schema": {"$ref": f"{REFERENCE}Refused"}}
    failures = problems()
    for status in set(STATUS.values()):
        failures[status] = {**failures[status], "content": {**failures[status]["content"], JSON: refused}}
    good = {"description": "glTF 2.0 with MMCP_motion; of a batch a result each.", "content": kinds}
    return _route(summary, {JSON: {"schema": {"anyOf": [one, batch]}}}, {200: good, **failures})


def _route(summary: str, body: dict[str, Any], responses: dict[int | str, dict[str, Any]]) -> dict[str, Any]:
    extra = {"requestBody": {"required": True, "content": body}}
    return {"summary": summary, "responses": responses, "openapi_extra": extra, "response_model": None}


def install(app: FastAPI, token: bool = False) -> None:
    """Put the schemas that `of` refers to into the app's document. token: the server wants one, which it says."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            models = (*BODIES, *SAID, Generate)
            _, schemas = models_json_schema([(m, "validation") for m in models], ref_template=REFERENCE + "{model}")
            components = document.setdefault("components", {})
            told = components.setdefault("schemas", {})
            told |= {**schemas["$defs"], "Problem": PROBLEM, "Refused": REFUSED}
            if token:
                components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                document["security"] = [{"token": []}]
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
