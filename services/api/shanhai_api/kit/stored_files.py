"""Files of the store as answers: of a folder, passed through from an object store, or signed."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from shanhai.storage.artifacts import ArtifactStore, RangedFile, StoreThatSigns

PIECE_BYTES = 1024 * 1024
ONE_RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")


class StoredFileResponse(Response):
    """A stored file, whole or the range that is asked for; of several ranges the whole.

    Each piece is compared with what was stored before it is sent: an answer that cannot be right to
    its end breaks off.
    """

    def __init__(
        self,
        store: ArtifactStore,
        uri: str,
        *,
        media_type: str,
        headers: Mapping[str, str],
        filename: str,
        disposition: str = "attachment",
    ) -> None:
        self._store, self._uri = store, uri
        # It makes the headers, and answers where the file is here.
        self._plain = FileResponse(
            "",
            media_type=media_type,
            headers=headers,
            filename=filename,
            content_disposition_type=disposition,
        )
        self.status_code, self.raw_headers = 200, self._plain.raw_headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; what fails before the first byte is an answer of its own."""
        response = await self._response(scope)
        # In place: a file adds its length to this list once it is sent.
        response.raw_headers[:0] = self.raw_headers
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        if isinstance(self._store, StoreThatSigns) and self._store.signed_s and self._may_go(scope):
            address = await asyncio.to_thread(self._store.signed, self._uri)
            return RedirectResponse(address, headers={"Vary": "Sec-Fetch-Mode"})
        found = await asyncio.to_thread(self._store.ranged, self._uri)
        if isinstance(found, Path):
            if range_of(Headers(scope=scope).get("range", ""), 0) is None:
                # It would refuse other units, and answer several ranges in parts.
                scope["headers"] = [one for one in scope["headers"] if one[0] != b"range"]
            self._plain.path = found
            self.raw_headers = []
            return self._plain
        return await self._passed(found, scope)

    def _may_go(self, scope: Scope) -> bool:
        """A page's policy would not come with it from elsewhere, and scripts may not ask there."""
        # Programs name no mode; an address is signed for one method.
        going = Headers(scope=scope).get("sec-fetch-mode", "navigate") == "navigate"
        return going and scope["method"] == "GET" and "content-security-policy" not in self.headers

    async def _passed(self, found: RangedFile, scope: Scope) -> Response:
        asked = Headers(scope=scope)
        same = asked.get("if-range", self.headers.get("etag")) == self.headers.get("etag")
        part = range_of(asked.get("range", ""), found.size) if same else None
        if part is not None and part[0] >= part[1]:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{found.size}"})
        start, end = part or (0, found.size)
        headers = {"Content-Length": str(end - start)}
        if part is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
        first = await asyncio.to_thread(found.read, start, min(start + PIECE_BYTES, end))
        body = _pieces(found, first, start, 0 if scope["method"] == "HEAD" else end)
        return StreamingResponse(body, 200 if part is None else 206, headers)


async def _pieces(found: RangedFile, piece: bytes, at: int, end: int) -> AsyncIterator[bytes]:
    while at < end:
        yield piece
        at += len(piece)
        piece = await asyncio.to_thread(found.read, at, min(at + PIECE_BYTES, end))


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """From which byte to before which; empty where none is there, None where none is asked for."""
    found = ONE_RANGE.fullmatch(header.replace(" ", ""))
    if found is None:
        return None
    if found[3] is not None:
        return max(size - int(found[3]), 0) if int(found[3]) else size, size
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    return (start, end) if start < end else (size, size)
