"""Processes that share an allowance through Redis, and what happens without it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from shanhai.errors import RateLimited
from shanhai.local.servers import PrivateRedis
from shanhai.overload import RateLimiter
from shanhai.settings import RateSettings

SETTINGS = RateSettings(identity=100, anonymous=100, window_s=100, sync_s=0.05)


@pytest.fixture
async def redis(redis_url: str, private_redis: PrivateRedis) -> AsyncIterator[Redis]:
    redis: Redis = Redis.from_url(private_redis.administrator_url())
    await redis.flushall()
    yield redis
    await redis.aclose()


async def test_processes_learn_what_others_spent(redis: Redis) -> None:
    one, other = RateLimiter(SETTINGS), RateLimiter(SETTINGS)
    one.spend("a", 60)
    other.spend("a", 30)
    await one.compare(redis)
    await other.compare(redis)
    other.spend("a", 5)
    with pytest.raises(RateLimited):
        other.spend("a", 20)
    one.spend("a", 1)
    await one.compare(redis)
    with pytest.raises(RateLimited):
        one.spend("a", 20)


async def test_what_is_spent_while_redis_answers_is_told_next_time(redis: Redis) -> None:
    limiter = RateLimiter(SETTINGS)
    limiter.spend("a", 10)
    comparing = asyncio.create_task(limiter.compare(redis))
    await asyncio.sleep(0)
    limiter.spend("a", 7)
    await comparing
    assert limiter.buckets["a"].level == pytest.approx(83, abs=1)
    await limiter.compare(redis)
    assert limiter.buckets["a"].untold == 0
    assert limiter.buckets["a"].level == pytest.approx(83, abs=1)


async def test_names_of_callers_are_not_in_redis(redis: Redis) -> None:
    limiter = RateLimiter(SETTINGS, name="api")
    limiter.spend("address:10.1.2.3", 1)
    await limiter.compare(redis)
    keys = [key.decode() for key in await redis.keys("*")]
    assert len(keys) == 1
    assert keys[0].startswith("api:rate:")
    assert "10.1.2.3" not in keys[0]
    assert await redis.pttl(keys[0]) > 0


async def test_comparing_goes_on_by_itself(redis: Redis, redis_url: str) -> None:
    one, other = RateLimiter(SETTINGS, redis_url), RateLimiter(SETTINGS, redis_url)
    async with one.synchronised(), other.synchronised():
        one.spend("a", 90)
        other.spend("a", 1)
        for _ in range(100):
            await asyncio.sleep(0.02)
            other.spend("a", 0)
            if other.buckets["a"].level < 20:
                break
            other.buckets["a"].untold += 0.001
    assert other.buckets["a"].level < 20


async def test_without_redis_each_process_holds_the_limit_alone() -> None:
    limiter = RateLimiter(SETTINGS, "redis://127.0.0.1:1/0")
    async with limiter.synchronised():
        limiter.spend("a", 99)
        await asyncio.sleep(0.2)
        limiter.spend("a", 1)
        with pytest.raises(RateLimited):
            limiter.spend("a", 1)
