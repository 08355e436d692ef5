"""The page: its files, the figure it moves, and the motion that it opens with, both made once and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from dimo.body.motion import Motion
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
PAUSE = 2.0
"""Seconds without a visitor after which the opening is made."""
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content Security Policy: the page takes nothing from elsewhere, whatever a text or a file name holds."""


def install(app: FastAPI, service: Service) -> None:
    """The addresses of the page. open_with must be called before anybody asks."""

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        app.state.visited.set()
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "index.html", headers=headers)

    @app.get("/opening.json", include_in_schema=False)
    async def opening() -> Response:
        app.state.visited.set()
        motion = await asyncio.shield(app.state.opening)  # a client that leaves meanwhile must not take it along
        told = {**service.told(OPENING, service.plan(OPENING), OPENING.seed), "motions": [to_json(motion)]}
        return as_json({**told, **({"said": app.state.said} if app.state.said else {})})

    @app.get("/figure.glb", include_in_schema=False)
    async def figure_file() -> Response:
        app.state.visited.set()
        figure = await asyncio.shield(app.state.figure)
        return Response(figure, media_type="model/gltf-binary", headers={"Cache-Control": "no-cache"})

    app.mount("/page", Files(directory=FOLDER))


@contextmanager
def open_with(app: FastAPI, service: Service) -> Iterator[None]:
    """Have the first motion made, which also warms the model up; then what the model sees in it, so that no page that opens
    has to ask, which would keep the model busy while the first picture is drawn; and the figure beside them.

    It begins when the page is asked for, or after PAUSE seconds: who starts a server to ask it something need not wait for it.
    """
    app.state.visited, app.state.said = asyncio.Event(), None
    app.state.opening = asyncio.ensure_future(_opening(app, service))
    app.state.figure = asyncio.ensure_future(_figure(app, service))
    try:
        yield
    finally:
        for task in (app.state.opening, app.state.figure):
            task.cancel()


async def _opening(app: FastAPI, service: Service) -> Motion:
    await _first_visit(app)
    job, _ = service.draw(service.plan(OPENING), OPENING)
    while True:
        try:
            (motion,) = await asyncio.wrap_future(service.worker.submit(job).future)
            break
        except QueueFull as full:
            await asyncio.sleep(full.args[0])

    def hear(said: Future) -> None:
        if not said.cancelled() and said.exception() is None:
            app.state.said = said.result()[0].text

    caption, _ = service.caption(Captions.model_validate({}), {"motion": motion})
    caption.future.add_done_callback(hear)
    with suppress(QueueFull, Stopping):
        service.worker.submit(caption)
    return motion


async def _figure(app: FastAPI, service: Service) -> bytes:
    await _first_visit(app)
    return await asyncio.to_thread(figure_of, service.model.codec.skeleton)


async def _first_visit(app: FastAPI) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(app.state.visited.wait(), PAUSE)


class Files(StaticFiles):
    """Files that are asked for again each time, and answered shortly where they have not changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response
