"""Writing a body to disk as it arrives."""

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request

from shanhai.errors import Conflict, InvalidInput, LimitExceeded

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


async def append(path: Path, offset: int, blocks: AsyncIterator[bytes]) -> str:
    """Write blocks from `offset` on, durably, and return their SHA-256.

    What arrived before an interruption stays in the file.

    Raises:
        Conflict: another request is writing the file.
    """
    digest = hashlib.sha256()
    with _own(path) as file:
        await asyncio.to_thread(file.truncate, offset)
        file.seek(offset)
        try:
            async for block in blocks:
                digest.update(block)
                await asyncio.to_thread(file.write, block)
        finally:
            await asyncio.to_thread(_sync, file)
    return digest.hexdigest()


@contextmanager
def _own(path: Path) -> Iterator[BinaryIO]:
    """The file, opened for this request alone."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another request is sending this upload", message_zh="另一请求正在发送该上传"
            ) from None
        yield file


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
