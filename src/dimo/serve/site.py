"""The page: its files, the figure it moves, and the motion that it opens with, made while the server starts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from dimo.body.motion import Motion
from dimo.body.skeleton import Skeleton
from dimo.serve.motion_json import to_json
from dimo.serve.outgoing import as_json, written
from dimo.serve.schemas import Motions
from dimo.serve.service import Service

FOLDER = Path(__file__).parent / "page"
OPENING = Motions.model_validate(
    {"text": "a person walks forward and waves with the right hand", "seconds": 5, "seed": 7}
)
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content Security Policy: the page takes nothing from elsewhere, whatever a text or a file name holds."""


def install(app: FastAPI, service: Service) -> None:
    """The addresses of the page. open_with must be called before anybody asks."""
    figure: dict[str, bytes] = {}

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "index.html", headers=headers)

    @app.get("/opening.json", include_in_schema=False)
    async def opening() -> Response:
        # A client that leaves meanwhile must not take the motion along.
        (motion,) = await asyncio.shield(asyncio.wrap_future(app.state.opening.future))
        return as_json({**service.told(service.plan(OPENING), OPENING.seed), "motions": [to_json(motion)]})

    @app.get("/figure.glb", include_in_schema=False)
    async def figure_file() -> Response:
        if not figure:
            figure["glb"] = await asyncio.to_thread(figure_of, service.model.codec.skeleton)
        return Response(figure["glb"], media_type="model/gltf-binary", headers={"Cache-Control": "no-cache"})

    app.mount("/page", Files(directory=FOLDER))


def open_with(app: FastAPI, service: Service) -> None:
    """Have the first motion made; which also warms the model up."""
    job, _ = service.draw(service.plan(OPENING), OPENING)
    app.state.opening = service.worker.submit(job)


def figure_of(skeleton: Skeleton) -> bytes:
    """The mannequin of a body at rest, as GLB."""
    rest = np.zeros((1, len(skeleton), 4))
    rest[..., 0] = 1
    return written(Motion(skeleton, 20, np.zeros((1, 3)), rest, "figure"), "glb")


class Files(StaticFiles):
    """Files that are asked for again each time, and answered shortly where they have not changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response
