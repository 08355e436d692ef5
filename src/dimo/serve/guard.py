"""What stands before the application: who may ask, from where, and how much at once. Plain ASGI, so that a body is stopped
while it comes in, before anything holds it.

A server on this machine alone answers only to this machine's names, which keeps pages of other sites from reaching it by a
name of their own that leads here (DNS rebinding); and it refuses requests that a browser sends for a page of elsewhere.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dimo.serve import problems
from dimo.serve.limits import Limits

LOOPBACK = ("localhost", "127.0.0.1", "::1")
COOKIE = "dimo-token"
CLOSE = {"Connection": "close"}
OPEN = ("/v1/health",)
"""Answered without a token, for those who watch over servers."""


@dataclass(frozen=True)
class Access:
    """hosts: names that the server answers to, none for any. token: what clients show. origins: other sites' pages that
    may ask."""

    hosts: tuple[str, ...] = LOOPBACK
    token: str | None = None
    origins: tuple[str, ...] = ()


class Guard:
    """The middleware of one application."""

    def __init__(self, app: ASGIApp, access: Access, limits: Limits):
        self.app, self.access, self.limits = app, access, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._added(scope)]}
            await send(message)

        await self.app(scope, self._measured(receive), marked)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> ASGIApp | None:
        """The answer to a request that goes no further, or None."""
        host = _host(headers.get("host", ""))
        if self.access.hosts and host not in self.access.hosts:
            return problems.answer(421, f"this server does not answer to the name {host[:80]!r}")
        origin = headers.get("origin")
        if origin and origin not in self.access.origins and _netloc(origin) != headers.get("host"):
            return problems.answer(403, f"pages of {origin[:80]} may not ask this server; --allow-origin lets them")
        if not self._known(scope, headers):
            return problems.answer(
                401, "this server wants its token, as Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return problems.answer(400, "Content-Length is no number")
        if int(length) > self.limits.body_bytes:
            large = self._too_large()
            return problems.answer(large.status, large.detail, large.headers)
        return None

    def _too_large(self) -> problems.Problem:
        most = self.limits.body_bytes
        return problems.Problem(413, f"the request is larger than the {most:,} bytes that are read", CLOSE)

    def _known(self, scope: Scope, headers: dict[str, str]) -> bool:
        if self.access.token is None or scope["path"] in OPEN or scope["method"] == "OPTIONS":
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        shown = (
            headers.get("authorization", "").removeprefix("Bearer "),
            cookie.value if cookie else "",
            _token_of(scope),
        )
        wanted = self.access.token.encode()
        return any(hmac.compare_digest(one.encode(), wanted) for one in shown)

    def _added(self, scope: Scope) -> Sequence[tuple[bytes, bytes]]:
        """Headers of every answer; the token of the page's address becomes a cookie, so that the page may ask too."""
        added = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
        if self.access.token and _token_of(scope) == self.access.token:
            added.append((b"set-cookie", f"{COOKIE}={self.access.token}; Path=/; HttpOnly; SameSite=Strict".encode()))
        return added

    def _measured(self, receive: Receive) -> Receive:
        """receive that counts a body's bytes and loses patience with it."""
        read, more = 0, True

        async def measured() -> Message:
            nonlocal read, more
            if not more:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self.limits.patience)
            except TimeoutError:
                waited = f"nothing more came of the request for {self.limits.patience:g} seconds"
                raise problems.Problem(408, waited, CLOSE) from None
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                more = message.get("more_body", False)
                if read > self.limits.body_bytes:
                    raise self._too_large()
            else:
                more = False
            return message

        return measured


def _host(value: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    return origin.partition("://")[2]


def _token_of(scope: Scope) -> str:
    """The token in the address of the page."""
    values = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""]) if scope["path"] == "/" else [""]
    return values[0]
