"""Tiles in Redis, where every process of every machine sees them."""

import time
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import TypeVar

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shanhai_tiles.keeping.tile import Tile, pack, unpack

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

    def __init__(self, url: str, capacity: int, timeout_s: float) -> None:
        self.capacity = capacity
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._put = self._redis.register_script(PUT)
        self._release = self._redis.register_script(RELEASE)
        self._owner = token_hex(8)
        self._away_until = 0.0

    async def get(self, key: str) -> Tile | None:
        """The tile, or None where it is not, or damaged, or Redis away."""
        kept: bytes | None = await self._ask(lambda: self._redis.get(PREFIX + key), None)
        return None if kept is None else unpack(key, kept)

    async def put(self, key: str, tile: Tile) -> None:
        """Keep a tile, unless it alone would take an eighth of the room."""
        kept = pack(key, tile)
        size = len(kept) + OVERHEAD_BYTES
        if size > self.capacity // 8:
            return
        names, values = (PREFIX + key, ORDER, SIZE), (key, size, self.capacity, KEPT_S, PREFIX)
        await self._ask(lambda: self._put(names, (kept, *values)), None)

    async def claim(self, key: str) -> bool:
        """Whether no other process is drawing the tile; so it is when Redis is away."""
        name = f"{PREFIX}claim:{key}"
        taken = await self._ask(
            lambda: self._redis.set(name, self._owner, nx=True, px=CLAIM_MS), True
        )
        return bool(taken)

    async def release(self, key: str) -> None:
        """Take back one's own claim, and no other's."""
        name = f"{PREFIX}claim:{key}"
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
