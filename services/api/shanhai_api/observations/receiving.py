"""Observations received: unpacked and read as they arrive, in bounded memory, and stored."""

import asyncio
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from fastapi import Request

from shanhai.db.observations.ingest import IncomingBatch, Sender, store_all
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.monitoring.observation import (
    MOST_TOLD,
    Batch,
    BatchOutcome,
    FeedObservation,
    RefusedRows,
)
from shanhai.monitoring.observation_formats import (
    CsvReader,
    LineReader,
    ParsedRows,
    ndjson_rows,
    observation_of,
)
from shanhai_api.kit.body import JSON_LIMIT_BYTES, parse_json, read_blocks, too_large
from shanhai_api.kit.errors import UnsupportedMedia
from shanhai_api.kit.requests import Caller, confirm
from shanhai_api.kit.routing import HEADER, Made, once
from shanhai_api.kit.state import ServiceState, UnitOfWork
from shanhai_api.kit.view import View

INLINE_BYTES = 64 * 1024
"""Less is read between two requests; more in a thread, so that others need not wait."""
BLOCK_BYTES = 1024**2
"""Bytes read in one go."""
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})


@dataclass(frozen=True, slots=True)
class Received:
    """The rows of a body, those refused while reading, and the SHA-256 of its bytes as sent."""

    batch: Batch | Sequence[FeedObservation]
    refused: RefusedRows
    sha256: str


class Reader(Protocol):
    """Reads rows from blocks of any size."""

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        ...

    def end(self) -> ParsedRows:
        """All that was read."""
        ...


async def receive(request: Request, *, limit: int) -> Received:
    """The observations in a body of at most `limit` bytes, packed as well as unpacked.

    Raises:
        UnsupportedMedia: it is neither JSON nor NDJSON nor CSV, or packed in an unknown way.
        LimitExceeded: it is larger.
        InvalidInput: it is empty, or as a whole not what it says it is.
    """
    body = _Body(_reader_for(request), _unpacker_for(request), limit)
    waiting, size, sent = [], 0, hashlib.sha256()
    async for block in read_blocks(request, limit=limit):
        sent.update(block)
        waiting.append(block)
        size += len(block)
        if size >= BLOCK_BYTES:
            data, waiting, size = b"".join(waiting), [], 0
            await asyncio.to_thread(body.feed, data)
    rest = b"".join(waiting)
    small = body.unpacked + len(rest) <= INLINE_BYTES and body.unpacker is None
    reading = body.end(rest) if small else await asyncio.to_thread(body.end, rest)
    if reading.alone is not None:
        return Received([reading.alone], reading.refused, sent.hexdigest())
    batch = reading.batch() if small else await asyncio.to_thread(reading.batch)
    return Received(batch, reading.refused, sent.hexdigest())


def _reader_for(request: Request) -> Reader:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given == "application/json":
        return _JsonReader()
    if given in NDJSON:
        return LineReader(ndjson_rows)
    if given == "text/csv":
        return LineReader(CsvReader())
    known = "application/json, application/x-ndjson, text/csv"
    raise UnsupportedMedia(
        f"Content-Type must be one of {known}, not {given[:80] or 'absent'}",
        message_zh=f"Content-Type 须为以下之一：{known}；给出的是 {given[:80] or '无'}",
    )


def _unpacker_for(request: Request) -> "Gunzip | None":
    given = request.headers.get("content-encoding", "identity").strip().lower()
    if given in {"", "identity"}:
        return None
    if given in {"gzip", "x-gzip"}:
        return Gunzip()
    raise UnsupportedMedia(
        f"Content-Encoding must be gzip or absent, not {given[:80]}",
        message_zh=f"Content-Encoding 须为 gzip 或不给出，给出的是 {given[:80]}",
    )


@dataclass(slots=True)
class _Body:
    """A body on its way through unpacking and reading; what it grows to is counted."""

    reader: Reader
    unpacker: "Gunzip | None"
    limit: int
    unpacked: int = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes as sent."""
        for block in [data] if self.unpacker is None else self.unpacker.unpack(data):
            self.unpacked += len(block)
            if self.unpacked > self.limit:
                raise too_large(self.limit)
            self.reader.feed(block)

    def end(self, data: bytes) -> ParsedRows:
        """Take the last bytes; all rows of the body."""
        self.feed(data)
        if self.unpacker is not None:
            self.unpacker.end()
        if not self.unpacked:
            raise InvalidInput("the body is empty", message_zh="请求体为空", pointer="")
        return self.reader.end()


class Gunzip:
    """Unpacks gzip in blocks of bounded size, whatever they grow to; members may follow another."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes hold.

        Raises:
            InvalidInput: they are not gzip.
        """
        block = b""
        # What fills a block may have more to come, without more to read.
        while data or len(block) == BLOCK_BYTES:
            self._begun = True
            if self._member.eof:
                if not data:
                    return
                self._member = zlib.decompressobj(wbits=31)
            try:
                block = self._member.decompress(data, BLOCK_BYTES)
            except zlib.error as error:
                raise _broken(str(error)) from error
            data = self._member.unconsumed_tail or self._member.unused_data
            yield block

    def end(self) -> None:
        """Check that the last member is whole.

        Raises:
            InvalidInput: it is not.
        """
        if self._begun and not self._member.eof:
            raise _broken("it ends too early")


def _broken(why: str) -> InvalidInput:
    return InvalidInput(
        f"the body is not whole gzip: {why[:120]}",
        message_zh="请求体不是完整的 gzip 数据",
        pointer="",
    )


@dataclass(slots=True)
class _JsonReader:
    """Reads one observation, or an array of them, once all of it is there."""

    blocks: list[bytes] = field(default_factory=list)
    size: int = 0

    def feed(self, block: bytes) -> None:
        """Keep the next bytes.

        Raises:
            LimitExceeded: there are more than JSON may have; lines of it may be as many as a body.
        """
        self.size += len(block)
        if self.size > JSON_LIMIT_BYTES:
            raise LimitExceeded(
                f"a JSON body may have {JSON_LIMIT_BYTES} bytes; send application/x-ndjson",
                message_zh=f"JSON 请求体不得超过 {JSON_LIMIT_BYTES} 字节；请改用 NDJSON",
            )
        self.blocks.append(block)

    def end(self) -> ParsedRows:
        """All rows.

        Raises:
            InvalidInput: it is not JSON, or neither an object nor an array.
        """
        value = parse_json(b"".join(self.blocks)).value
        if not isinstance(value, dict | list):
            raise InvalidInput(
                "the body must be an observation or an array of them",
                message_zh="请求体须为一条观测或观测数组",
                pointer="",
            )
        alone = observation_of(value) if isinstance(value, dict) else None
        if alone is not None:
            return ParsedRows(alone)
        reading = ParsedRows()
        reading.take(value if isinstance(value, list) else [value])
        return reading


GATHERED_ROWS = 200
"""Batches of no more rows share transactions with those of other requests."""


async def keep(
    state: ServiceState, request: Request, view: View, caller: Caller, received: Received
) -> Made:
    """Store what was received, and tell what became of it.

    A large batch has a transaction of its own, and so has one whose answer is kept for replays.
    """
    alone = not isinstance(received.batch, Batch) and HEADER not in request.headers
    caller = caller if alone else await confirm(request, caller)
    delivery = IncomingBatch(received.batch, Sender("http", caller), received.refused)
    if len(received.batch) <= GATHERED_ROWS and HEADER not in request.headers:
        outcome = await state.gathering.store(delivery, partial(confirm, request, caller))
        return _made(state, view, outcome, received)
    async with state.unit() as unit:
        return await once(
            request,
            unit,
            caller,
            body_sha256=received.sha256,
            effect=lambda: _store(state, unit, view, delivery, received),
        )


async def _store(
    state: ServiceState, unit: UnitOfWork, view: View, delivery: IncomingBatch, received: Received
) -> Made:
    skew = state.configuration.observations.skew
    [outcome] = await store_all(unit.session, [delivery], skew=skew, files=state.store)
    return _made(state, view, outcome, received)


def _made(state: ServiceState, view: View, outcome: BatchOutcome, received: Received) -> Made:
    """The answer, counted."""
    document = describe(outcome, received, view.lang)
    counted = {
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicates,
        "revised": outcome.revised,
        "rejected": received.refused.number + outcome.rejected.number,
    }
    for name, number in counted.items():
        if number:
            state.metrics.observations.labels(name).inc(number)
    return Made(document, status=202)


def describe(outcome: BatchOutcome, received: Received, lang: str) -> dict[str, object]:
    """What became of the rows; as many of the refused ones are named as fit an answer."""
    told = [*received.refused.told, *outcome.rejected.told]
    told.sort(key=lambda rejection: rejection.index)
    return {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "revised": outcome.revised,
        "rejected": [rejection.told(lang) for rejection in told[:MOST_TOLD]],
        "rejected_count": received.refused.number + outcome.rejected.number,
    }
