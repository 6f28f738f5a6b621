"""A small HTTP/1.1 client for loads: it costs a few dozen microseconds a request, not a thousand.

It knows what these services and their peers answer and nothing else: kept-alive connections,
Content-Length, chunks.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shanhai.errors import Unavailable

AT_ONCE = 1 << 22
"""Bytes a reader takes before it pauses: a pause within an answer takes 0.2 ms, of the sender's
time, too."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to one server, sent over some connections that each wait for their answer.

    Attributes:
        base_url: Scheme, host and port.
        paths: What is asked for, each once.
        connections: How many are open at a time.
        headers: What a path is asked for with, where anything.
        expected: The statuses an answer may have.
        taken: Seconds of each request that was answered.
    """

    base_url: str
    paths: Sequence[str]
    connections: int = 1
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    expected: tuple[int, ...] = (200,)
    taken: list[float] = field(default_factory=list)

    async def run(self) -> float:
        """Send everything; seconds per request."""
        opened = [await self.open() for _ in range(self.connections)]
        waiting = iter([self._request(path) for path in self.paths])
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for reader, writer in opened:
                group.create_task(self._drain(waiting, reader, writer))
        seconds = time.perf_counter() - started
        for _, writer in opened:
            writer.close()
        return seconds / len(self.paths)

    async def _drain(
        self,
        waiting: Iterator[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        for request in waiting:
            started = time.perf_counter()
            await self._exchange(request, reader, writer)
            self.taken.append(time.perf_counter() - started)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection."""
        return await asyncio.open_connection(*_address(self.base_url), limit=AT_ONCE)

    async def ask(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send one request and wait for its answer."""
        await self._exchange(self._request(path), reader, writer)

    async def _exchange(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(request)
        head, _ = await read_answer(reader)
        status = int(head[9:12])
        if status not in self.expected:
            target = request.split(b" ", 2)[1].decode()
            raise Unavailable(f"{target}: status {status}, none of {self.expected}")

    def _request(self, path: str) -> bytes:
        host, port = _address(self.base_url)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.get(path, {}).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def fetch(base_url: str, path: str) -> tuple[dict[str, str], bytes]:
    """One answer: headers by lower-case name, and the body."""
    host, port = _address(base_url)
    reader, writer = await asyncio.open_connection(host, port, limit=AT_ONCE)
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
    writer.write(request.encode())
    head, body = await read_answer(reader)
    writer.close()
    fields = (line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value for name, _, value in fields}, body


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and body of an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        return head, await _read_chunks(reader)
    found = fields.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return head, await reader.readexactly(int(found or 0))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    return b"".join(chunks)


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname or "127.0.0.1", parts.port or 80
