"""Answers over HTTP that leave in one piece.

uvicorn writes the head of an answer and its body one after the other, and what is written leaves at
once: two calls into the system, and a client that is woken for a head it can do nothing with. On a
busy machine the client then takes the core before the body is on its way.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SMALL = 16_384
"""Bytes that are held back for what may follow; more is sent at once."""
MADE = b"HTTP/1.1 201 "
"""How answers begin whose `Location`, which uvicorn writes in small letters, gets its capital back:
QGIS 3.40 finds no other, takes what it added for lost, and adds it again."""


class JoiningTransport:
    """A transport that holds a small piece back for the next one, or to the end of the turn."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        """All else as the transport does it."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send a piece, with what was held back for it."""
        if data.startswith(MADE):
            data = data.replace(b"\r\nlocation: ", b"\r\nLocation: ", 1)
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        elif len(data) < SMALL:
            self._held = data
            self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Send what was held back."""
        if self._held:
            data, self._held = self._held, b""
            self._transport.write(data)

    def close(self) -> None:
        """Close when all is sent."""
        self.flush()
        self._transport.close()


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's protocol over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is connected."""
        super().connection_made(JoiningTransport(transport))  # type: ignore[arg-type]
