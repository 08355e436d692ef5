"""Every failure as a problem document (RFC 9457) whose detail is the sentence that the command line would print."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dimo.errors import DimoError, WeightsError
from dimo.serve.worker import QueueFull, Stopping

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("dimo.serve")


class Problem(Exception):
    """A failure that has a status of its own, and one sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None):
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def document(status: int, detail: str) -> dict[str, Any]:
    """The members of RFC 9457, section 3.1; the type is the status code itself, which "about:blank" stands for."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(document(status, " ".join(detail.split())), ensure_ascii=False)
    return Response(body, status, dict(headers or {}), MEDIA_TYPE)


def of(error: Exception) -> Problem:
    """An exception as a problem; what is no fault of the client's or the world's is logged and stays a mystery outside."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, WeightsError):
        return Problem(500, str(error))
    if isinstance(error, DimoError):
        return Problem(422, str(error))
    if isinstance(error, QueueFull):
        wait = int(error.args[0])
        return Problem(429, f"too many requests wait; try again in {wait} seconds", {"Retry-After": str(wait)})
    if isinstance(error, Stopping):
        return Problem(503, "the server is stopping", {"Retry-After": "10"})
    if isinstance(error, TimeoutError):
        return Problem(503, "the answer took too long; ask for less, or later", {"Retry-After": "10"})
    if isinstance(error, ClientDisconnect):
        return Problem(400, "the client left before all of its request was here")  # which nobody reads
    log.error("internal error", exc_info=error)
    return Problem(500, "internal error; this is a fault of dimo, the server's log says where")


def sentence(error: RequestValidationError) -> str:
    """The first complaint about a body, with its place: "parts.1.seconds: ..."."""
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"] if step not in ("body", "query", "path"))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"there is no option {place!r}"
    message = message[:1].lower() + message[1:]
    return f"{place}: {message}" if place else message


def install(app: FastAPI) -> None:
    """Answer every failure of an app by a problem document."""

    def handle(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            unreadable = error.errors()[0]["type"] == "json_invalid"
            detail = f"the body is no JSON ({error.errors()[0]['ctx']['error']})" if unreadable else sentence(error)
            return answer(400 if unreadable else 422, detail)
        if isinstance(error, HTTPException):
            return answer(error.status_code, _told(request, error), error.headers)
        problem = of(error)
        return answer(problem.status, problem.detail, problem.headers)

    for kind in (
        Problem,
        DimoError,
        QueueFull,
        Stopping,
        TimeoutError,
        ClientDisconnect,
        RequestValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, handle)


def _told(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path}; /openapi.json lists what there is"
    if error.status_code == 405:
        return f"{request.url.path} does not answer {request.method}"
    return str(error.detail)
