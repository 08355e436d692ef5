"""The application: a service behind its guard, with its addresses and its page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

import dimo
from dimo.serve import documents, mmcp, problems, site
from dimo.serve.guard import Access, Guard
from dimo.serve.routes import routes
from dimo.serve.service import Service

ABOUT = """Words to human motion and back. Every answer names the seed that repeats it and the hash of the weights; every failure
is a problem document (RFC 9457) with one sentence that says what would be right."""


def create_app(service: Service, access: Access | None = None) -> FastAPI:
    """The ASGI application of a service; its worker runs while the application does."""
    access = access or Access()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.worker.start()
        with site.open_with(app, service):
            yield
        await asyncio.to_thread(service.worker.stop)

    app = FastAPI(
        title="dimo", version=dimo.__version__, description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.include_router(routes(service))
    app.include_router(mmcp.routes(service))
    site.install(app, service)
    problems.install(app)
    documents.install(app, token=access.token is not None)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    if access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Dimo-Seed", "Dimo-Weights", "Content-Disposition", "Retry-After"],
        )
    app.add_middleware(Guard, access=access, limits=service.limits)
    return app
