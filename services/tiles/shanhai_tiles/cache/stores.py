"""Drawn tiles outside the process: in Redis, or in a folder of this machine."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Protocol, TypeVar

import orjson
import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHECKSUM_BYTES = 16
LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class CachedTile:
    """What is answered for a tile.

    Attributes:
        body: Its bytes; none where a vector layer holds nothing.
        etag: Its strong entity tag.
        notes: Headers that say something of this very tile, such as what was left out.
    """

    body: bytes
    etag: str
    notes: tuple[tuple[str, str], ...] = ()


def pack(key: str, tile: CachedTile) -> bytes:
    """The tile as bytes that tell when they are damaged, or those of another key."""
    head = orjson.dumps([tile.etag, tile.notes])
    content = len(head).to_bytes(LENGTH_BYTES) + head + tile.body
    return _checksum(key, content) + content


def unpack(key: str, kept: bytes) -> CachedTile | None:
    """The tile that was packed under the key; None when these bytes are not it."""
    checksum, content = kept[:CHECKSUM_BYTES], kept[CHECKSUM_BYTES:]
    if checksum != _checksum(key, content):
        return None
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES])
    etag, notes = orjson.loads(content[LENGTH_BYTES:end])
    return CachedTile(content[end:], etag, tuple((name, value) for name, value in notes))


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES, key=key.encode()[:64]).digest()


class TileStore(Protocol):
    """Tiles that several processes see; anything in it may be lost at any moment.

    No failure of it is ever an error: it is a tile that is not there.
    """

    async def get(self, key: str) -> CachedTile | None:
        """The tile, or None where it is not, or damaged, or the store away."""

    async def put(self, key: str, tile: CachedTile) -> None:
        """Keep a tile, if that is possible."""

    async def claim(self, key: str) -> bool:
        """Whether the caller should draw the tile: nobody else is known to."""

    async def release(self, key: str) -> None:
        """Take back a claim."""

    async def close(self) -> None:
        """Let go of what it holds open."""


# In braces: a cluster keeps all of it on one node, as the script needs.
PREFIX = "{shanhai:tiles}:"
ORDER, SIZE = f"{PREFIX}order", f"{PREFIX}size"
KEPT_S = 7 * 24 * 3600
OVERHEAD_BYTES = 256
REST_S = 1.0
"""Seconds for which a Redis that failed is not asked again."""
CLAIM_MS = 5_000
"""How long a claim holds when its owner is killed."""
PUT = """
local order, size = KEYS[2], tonumber(redis.call('GET', KEYS[3]) or '0')
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
if redis.call('ZADD', order, now, ARGV[2] .. '|' .. ARGV[3]) == 1 then size = size + ARGV[3] end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[5])
while size > tonumber(ARGV[4]) do
  local oldest = redis.call('ZPOPMIN', order)[1]
  if not oldest then size = 0 break end
  local key, bytes = string.match(oldest, '^(.*)|(%d+)$')
  redis.call('UNLINK', ARGV[6] .. key)
  size = size - bytes
end
redis.call('SET', KEYS[3], size, 'EX', ARGV[5])
redis.call('EXPIRE', order, ARGV[5])
"""
"""Keeps a tile and drops the oldest until all fit the room."""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

FAILURES = Counter("shanhai_tiles_store_failures", "Failures of the second-level cache", ["store"])
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
Answer = TypeVar("Answer")


class RedisStore:
    """Tiles in Redis, the oldest dropped first, bounded in bytes.

    Redis is given milliseconds to answer; after a failure it is left alone for a second, so an
    outage costs one request a second that time, and nothing else.
    """

    def __init__(
        self,
        url: str,
        capacity: int,
        timeout_s: float,
        *,
        prefix: str = PREFIX,
        kept_s: int = KEPT_S,
    ) -> None:
        self.capacity = capacity
        self.kept_s = kept_s
        self.prefix = prefix
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._put = self._redis.register_script(PUT)
        self._release = self._redis.register_script(RELEASE)
        self._owner = token_hex(8)
        self._away_until = 0.0

    async def get(self, key: str) -> CachedTile | None:
        """The tile, or None where it is not, or damaged, or Redis away."""
        kept: bytes | None = await self._ask(lambda: self._redis.get(self.prefix + key), None)
        return None if kept is None else unpack(key, kept)

    async def put(self, key: str, tile: CachedTile) -> None:
        """Keep a tile, unless it alone would take an eighth of the room."""
        kept = pack(key, tile)
        size = len(kept) + OVERHEAD_BYTES
        if size > self.capacity // 8:
            return
        prefix = self.prefix
        names = (prefix + key, f"{prefix}order", f"{prefix}size")
        values = (kept, key, size, self.capacity, self.kept_s, prefix)
        await self._ask(lambda: self._put(names, values), None)

    async def claim(self, key: str) -> bool:
        """Whether no other process is drawing the tile; so it is when Redis is away."""
        name = f"{self.prefix}claim:{key}"
        taken = await self._ask(
            lambda: self._redis.set(name, self._owner, nx=True, px=CLAIM_MS), True
        )
        return bool(taken)

    async def release(self, key: str) -> None:
        """Take back one's own claim, and no other's."""
        name = f"{self.prefix}claim:{key}"
        await self._ask(lambda: self._release((name,), (self._owner,)), None)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _ask(self, question: Callable[[], Awaitable[Answer]], otherwise: Answer) -> Answer:
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            return await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + REST_S
            FAILURES.labels("redis").inc()
            log.warning("tiles are not kept in Redis", error=type(error).__name__)
            return otherwise


SHARDS = 64
SWEPT_PART = 8
"""The part of a shard's room that a process fills before it looks at the shard again."""
BLOCK = 512
"""The unit of `st_blocks`."""


class DiskStore:
    """Tiles as files, least recently used dropped first, bounded in bytes.

    The files lie in 64 folders of equal room; each process sweeps one when it has written an eighth
    of its room there, so the bound holds within that eighth for each process.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self.room = capacity // SHARDS
        # As if all of it had been written: what lies there from before is not known yet.
        self._unswept = dict.fromkeys(range(SHARDS), self.room)

    async def get(self, key: str) -> CachedTile | None:
        """The tile, or None where it is not, or damaged, or cannot be read."""
        return await asyncio.to_thread(self._get, key)

    async def put(self, key: str, tile: CachedTile) -> None:
        """Keep a tile, unless it alone would take a quarter of a folder's room."""
        kept = pack(key, tile)
        if len(kept) <= self.room // 4:
            await asyncio.to_thread(self._put, key, kept)

    async def claim(self, key: str) -> bool:
        """Always: a file says nothing of who is drawing it."""
        return True

    async def release(self, key: str) -> None:
        """There is no claim."""

    async def close(self) -> None:
        """There is nothing open."""

    def _get(self, key: str) -> CachedTile | None:
        path = self._path(key)
        try:
            kept = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _fail(error)
            return None
        tile = unpack(key, kept)
        if tile is None:
            path.unlink(missing_ok=True)
        return tile

    def _put(self, key: str, kept: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, kept)
            shard = _shard_of(key)
            self._unswept[shard] += len(kept)
            if self._unswept[shard] >= self.room // SWEPT_PART:
                self._unswept[shard] = 0
                _sweep(path.parent, self.room)
        except OSError as error:
            _fail(error)

    def _path(self, key: str) -> Path:
        return self.folder / f"{_shard_of(key):02d}" / key


def _shard_of(key: str) -> int:
    return int(key[:2], 16) % SHARDS


def _write_whole(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sweep(folder: Path, room: int) -> None:
    """Remove the files that were not used for longest until the others fit."""
    found = []
    for entry in os.scandir(folder):
        try:
            stat = entry.stat()
        except FileNotFoundError:
            continue
        found.append((stat.st_mtime_ns, max(stat.st_blocks * BLOCK, stat.st_size), entry.path))
    size = sum(bytes_ for _, bytes_, _ in found)
    for _, bytes_, path in sorted(found):
        if size <= room:
            return
        Path(path).unlink(missing_ok=True)
        size -= bytes_


def _fail(error: OSError) -> None:
    FAILURES.labels("disk").inc()
    log.warning("tiles are not kept on disk", error=type(error).__name__)
