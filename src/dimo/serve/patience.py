"""Connections on which the head of a request does not come to its end are closed: uvicorn itself would wait for it without one.

The body has the same patience (serve/guard.py), and a connection between two requests is closed by uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


def protocol(seconds: float) -> type[asyncio.Protocol]:
    """uvicorn's own protocol, with so many seconds from the first byte of a head, or the connection, to the head's end."""
    base: Any = AutoHTTPProtocol

    class Patient(base):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._late = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            between = self.cycle is None or self.cycle.response_complete
            if not between:
                self._forget()
            elif self._late is None:
                self._late = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _forget(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Patient
