"""A server on a port, until it is told to stop; then it takes nothing new, finishes what it has, and ends."""

from __future__ import annotations

import os
import secrets
import socket
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from dimo.api import DiMo
from dimo.errors import RequestError
from dimo.serve.app import create_app
from dimo.serve.guard import LOOPBACK, Access
from dimo.serve.limits import Limits
from dimo.serve.patience import protocol
from dimo.serve.service import Service

GRACE = 15
"""Seconds that answers in the making are waited for."""


def serve(
    model: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    origins: Sequence[str] = (),
    library: Path | None = None,
    limits: Limits | None = None,
    browser: bool = False,
    device: str = "auto",
) -> None:
    """Load the model, say where the page is, and serve. Anyone may ask a server on this machine alone; others want a token,
    which is drawn where none is given. RequestError for a port that cannot be had."""
    if library is not None and not library.is_dir():
        raise RequestError(f"{library}: no such folder; --library names one with motion files")
    bound = bind(host, port)
    try:
        access = access_of(host, token, origins)
        service = Service(DiMo.from_pretrained(model, device=device), limits, library)
        app = create_app(service, access)
        address = address_of(bound, access)
        bound.listen()  # who comes now waits
        print(f"dimo is at {address} (Ctrl-C stops it)", flush=True)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            http=protocol(service.limits.patience),
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE,
        )
        uvicorn.Server(config).run(sockets=[bound])
    finally:
        bound.close()


def bind(host: str, port: int) -> socket.socket:
    """The socket, before anything is loaded; RequestError when it cannot be had."""
    if not 0 <= port <= 65535:
        raise RequestError(f"--port is a number from 0 to 65535, not {port}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise RequestError(f"--host {host}: no such address on this machine") from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # a server that was just stopped does not keep its port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = (error.strerror or str(error)).lower()
        raise RequestError(f"port {port} of {host} cannot be had ({reason}); --port names another") from None
    return bound


def access_of(host: str, token: str | None, origins: Sequence[str]) -> Access:
    """Who may ask: anybody on this machine, or those with the token elsewhere."""
    if host in LOOPBACK:
        return Access(token=token or None, origins=tuple(origins))
    return Access((), token or secrets.token_urlsafe(16), tuple(origins))


def address_of(bound: socket.socket, access: Access) -> str:
    """Where a browser finds the page."""
    host, port = bound.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={access.token}" if access.token else "")
