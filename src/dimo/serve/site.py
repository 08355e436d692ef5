"""The page: its files, the figure it moves, and the motion that it opens with; all made while the server starts."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from dimo.formats.motion_json import to_json
from dimo.serve.outgoing import as_json
from dimo.serve.schemas import Captions, Motions
from dimo.serve.service import Service
from dimo.serve.worker import QueueFull, Stopping
from dimo.view.alone import figure_of

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

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "index.html", headers=headers)

    @app.get("/opening.json", include_in_schema=False)
    async def opening() -> Response:
        # A client that leaves meanwhile must not take the motion along.
        (motion,) = await asyncio.shield(asyncio.wrap_future(app.state.opening.future))
        told = {**service.told(OPENING, service.plan(OPENING), OPENING.seed), "motions": [to_json(motion)]}
        return as_json({**told, **({"said": app.state.said} if app.state.said else {})})

    @app.get("/figure.glb", include_in_schema=False)
    async def figure_file() -> Response:
        figure = await asyncio.shield(app.state.figure)
        return Response(figure, media_type="model/gltf-binary", headers={"Cache-Control": "no-cache"})

    app.mount("/page", Files(directory=FOLDER))


def open_with(app: FastAPI, service: Service) -> None:
    """Have the first motion made, which also warms the model up; then what the model sees in it, so that no page that opens
    has to ask, which would keep the model busy while the first picture is drawn; and the figure beside them."""
    job, _ = service.draw(service.plan(OPENING), OPENING)
    app.state.said = None

    def hear(said: Future) -> None:
        if not said.cancelled() and said.exception() is None:
            app.state.said = said.result()[0].text

    def listen(made: Future) -> None:
        if made.cancelled() or made.exception() is not None:
            return
        caption, _ = service.caption(Captions.model_validate({}), {"motion": made.result()[0]})
        caption.future.add_done_callback(hear)
        with suppress(QueueFull, Stopping):
            service.worker.submit(caption)

    job.future.add_done_callback(listen)
    app.state.opening = service.worker.submit(job)
    app.state.figure = asyncio.ensure_future(asyncio.to_thread(figure_of, service.model.codec.skeleton))


class Files(StaticFiles):
    """Files that are asked for again each time, and answered shortly where they have not changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response
