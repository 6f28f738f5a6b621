"""Writing a body down as it arrives."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.storage.artifacts import ByteSink

CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Piece:
    """Which bytes of which whole a body holds; `length` 0 only announces the whole."""

    start: int
    length: int
    total: int


def piece_of(request: Request, *, limit: int) -> Piece | None:
    """What `Content-Range` says; None without it: the body is the whole.

    Raises:
        InvalidInput: the header is malformed.
        LimitExceeded: the whole is larger than an upload may be.
    """
    header = request.headers.get("content-range")
    if header is None:
        return None
    found = CONTENT_RANGE.fullmatch(header)
    if found is None:
        raise _malformed(header)
    total = int(found[3])
    if total > limit:
        raise LimitExceeded(
            f"an upload may have {limit} bytes, not {total}",
            message_zh=f"上传不得超过 {limit} 字节",
        )
    if found[1] is None:
        return Piece(0, 0, total)
    start, end = int(found[1]), int(found[2])
    if not start <= end < total:
        raise _malformed(header)
    return Piece(start, end - start + 1, total)


def _malformed(header: str) -> InvalidInput:
    return InvalidInput(
        f"Content-Range must read `bytes first-last/total` or `bytes */total`, not {header[:80]!r}",
        message_zh="Content-Range 须为 `bytes 起-止/总数` 或 `bytes */总数`",
        pointer="Content-Range",
    )


@asynccontextmanager
async def held(place: AbstractContextManager[ByteSink]) -> AsyncIterator[ByteSink]:
    """A place that this request alone writes to.

    Raises:
        Conflict: another request is writing there.
    """
    sink = await asyncio.to_thread(place.__enter__)
    try:
        yield sink
    finally:
        await asyncio.shield(asyncio.to_thread(place.__exit__, None, None, None))


async def append(sink: ByteSink, blocks: AsyncIterator[bytes]) -> str:
    """Write blocks down, durably, and return their SHA-256.

    What arrived before an interruption stays.
    """
    digest = hashlib.sha256()
    await asyncio.to_thread(sink.write, b"")  # cuts off what lay behind, whether anything comes
    try:
        async for block in blocks:
            digest.update(block)
            await asyncio.to_thread(sink.write, block)
    finally:
        await asyncio.shield(asyncio.to_thread(sink.flush))
    return digest.hexdigest()


async def take(place: AbstractContextManager[ByteSink], blocks: AsyncIterator[bytes]) -> str:
    """Append to a place of one's own, which is closed then."""
    async with held(place) as sink:
        return await append(sink, blocks)
