"""Tiles in Redis: shared, bounded, and no error when it is away."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from shanhai.local.servers import PrivateRedis
from shanhai_tiles.cache import stores
from shanhai_tiles.cache.stores import (
    ORDER,
    OVERHEAD_BYTES,
    PREFIX,
    SIZE,
    CachedTile,
    RedisStore,
    pack,
)
from tests.support.workers import NO_REDIS

MB = 1024 * 1024
TIMEOUT_S = 0.5
KEY = "0123456789abcdef0123456789abcdef"
TILE = CachedTile(b"\x1a\x02mvt", '"tag"', (("Shanhai-Tile-Truncated", "features=2, dropped=1"),))


@pytest.fixture
async def redis(redis_url: str, private_redis: PrivateRedis) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(private_redis.administrator_url())
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis: Redis, redis_url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(redis_url, MB, TIMEOUT_S)
    yield store
    await store.close()


@pytest.fixture
async def other(redis: Redis, redis_url: str) -> AsyncIterator[RedisStore]:
    """The store as another process has it."""
    store = RedisStore(redis_url, MB, TIMEOUT_S)
    yield store
    await store.close()


async def test_other_processes_see_a_tile(store: RedisStore, other: RedisStore) -> None:
    assert await other.get(KEY) is None
    await store.put(KEY, TILE)
    assert await other.get(KEY) == TILE


async def test_damaged_entry_is_no_tile(store: RedisStore, redis: Redis) -> None:
    await redis.set(PREFIX + KEY, pack(KEY, TILE)[:-1])
    assert await store.get(KEY) is None
    await redis.set(PREFIX + KEY, b"")
    assert await store.get(KEY) is None


async def test_oldest_go_when_there_is_no_more_room(store: RedisStore, redis: Redis) -> None:
    body = b"x" * 100_000
    for number in range(20):
        await store.put(str(number), CachedTile(body, '"tag"'))
    kept = [number for number in range(20) if await store.get(str(number)) is not None]
    assert kept == list(range(10, 20))
    total = sum([await redis.strlen(f"{PREFIX}{number}") for number in kept])
    assert int(await redis.get(SIZE)) == total + len(kept) * OVERHEAD_BYTES <= MB
    assert await redis.zcard(ORDER) == len(kept)


async def test_tile_put_twice_counts_once(store: RedisStore, redis: Redis) -> None:
    await store.put(KEY, TILE)
    before = await redis.get(SIZE)
    await store.put(KEY, TILE)
    assert await redis.get(SIZE) == before


async def test_what_others_removed_does_no_harm(store: RedisStore, redis: Redis) -> None:
    await store.put(KEY, TILE)
    await redis.flushdb()
    assert await store.get(KEY) is None
    await store.put(KEY, TILE)
    await redis.delete(PREFIX + KEY)
    for number in range(20):
        await store.put(str(number), CachedTile(b"x" * 100_000, '"tag"'))
    assert await redis.zcard(ORDER) == 10


async def test_huge_tile_does_not_empty_the_store(store: RedisStore) -> None:
    await store.put(KEY, TILE)
    await store.put("huge", CachedTile(b"x" * (MB // 4), '"tag"'))
    assert await store.get("huge") is None
    assert await store.get(KEY) == TILE


async def test_one_claims_a_tile_and_releases_it(store: RedisStore, other: RedisStore) -> None:
    assert await store.claim(KEY)
    assert not await other.claim(KEY)
    await other.release(KEY)
    assert not await other.claim(KEY)
    await store.release(KEY)
    assert await other.claim(KEY)


async def test_everything_ends_by_itself(store: RedisStore, redis: Redis) -> None:
    await store.put(KEY, TILE)
    await store.claim(KEY)
    names = await redis.keys("*")
    assert len(names) == 4
    assert all([await redis.ttl(name) > 0 for name in names])


async def test_redis_away_is_a_miss_and_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stores, "REST_S", 60.0)
    store, before = RedisStore(NO_REDIS, MB, TIMEOUT_S), failures()
    for _ in range(100):
        await store.put(KEY, TILE)
        assert await store.get(KEY) is None
        assert await store.claim(KEY)
        await store.release(KEY)
    assert failures() == before + 1
    await store.close()


def failures() -> float:
    return REGISTRY.get_sample_value("shanhai_tiles_store_failures_total", {"store": "redis"}) or 0


async def test_rooms_of_one_redis_are_told_apart(redis: Redis, redis_url: str) -> None:
    drawn = RedisStore(redis_url, MB, TIMEOUT_S)
    fetched = RedisStore(redis_url, MB, TIMEOUT_S, prefix=f"{PREFIX}basemaps:", kept_s=100)
    await fetched.put(KEY, TILE)
    assert await drawn.get(KEY) is None
    assert await fetched.get(KEY) == TILE
    assert not await redis.exists(ORDER, SIZE)
    assert 0 < await redis.ttl(f"{PREFIX}basemaps:{KEY}") <= 100
    for store in (drawn, fetched):
        await store.close()
