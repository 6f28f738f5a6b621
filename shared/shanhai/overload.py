"""Rates of callers, proofs of work, refusals at once, and one computation for all who want it.

Each process keeps its own buckets and asks nobody per request. Every second it tells Redis what was
spent and learns what the other processes spent. Within that second each process can give what is
left once: the limit holds within a factor of the number of processes. Without Redis each process
holds it alone, so an outage never locks anyone out.
"""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any, Generic, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.errors import Forbidden, RateLimited, Unavailable
from shanhai.settings import RateSettings
from shanhai.shutdown import end

MOST_BUCKETS = 100_000
TOTAL = "total"
REDIS_TIMEOUT_S = 2.0
SPEND = """
local full, rate, spent = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(kept[1]) or full, tonumber(kept[2]) or now
level = math.min(full, level + math.max(0, now - at) * rate) - spent
level = math.max(level, -full)
redis.call('HSET', KEYS[1], 'level', level, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(2000 * full / rate) + 1000)
return tostring(level)
"""
"""Takes what was spent from the bucket all processes share; answers what is left."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(slots=True)
class TokenBucket:
    """What one caller may still spend, at a moment, and what Redis was not told yet."""

    full: float
    rate: float
    level: float
    at: float
    untold: float = 0.0

    def fill(self, now: float) -> None:
        """Add what came since the last look."""
        self.level = min(self.full, self.level + (now - self.at) * self.rate)
        self.at = now

    def spend(self, cost: float) -> None:
        """Take the cost; the level may fall below zero, which has to be waited for."""
        self.level -= cost
        self.untold += cost


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller, as the answer's headers tell it."""

    policy: str
    quota: int
    window_s: int
    remaining: int

    def headers(self) -> dict[str, str]:
        """The fields of the draft standard `draft-ietf-httpapi-ratelimit-headers`."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.window_s}',
        }


@dataclass(slots=True)
class RateLimiter:
    """The buckets of one process; `redis_url` of None keeps them to itself."""

    settings: RateSettings
    redis_url: str | None = None
    name: str = "shanhai"
    buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def spend(self, caller: str, cost: float, *, anonymous: bool = False) -> Allowance | None:
        """Take a request's cost from the caller's bucket; None where there is no limit.

        Raises:
            RateLimited: nothing is left.
        """
        settings, allowance = self.settings, None
        quota = settings.anonymous if anonymous else settings.identity
        if quota:  # First: who goes on beyond it takes nothing from the others.
            allowance = self._take("anonymous" if anonymous else "identity", caller, quota, cost)
        if settings.total:
            self._take("total", TOTAL, settings.total, cost)
        return allowance

    def limit(self, policy: str, caller: str, quota: int, window_s: float) -> None:
        """Count one act of few that a caller may do in a while; a `quota` of 0 is no limit.

        Raises:
            RateLimited: nothing is left.
        """
        if quota:
            self._take(policy, f"{policy}:{caller}", quota, 1, window_s)

    def check(self, caller: str) -> None:
        """Refuse an anonymous caller who has nothing left, before anything is done for them.

        Raises:
            RateLimited: nothing is left.
        """
        if self.settings.anonymous and caller in self.buckets:
            self._take("anonymous", caller, self.settings.anonymous, 0)

    def _take(
        self, policy: str, caller: str, quota: int, cost: float, window_s: float | None = None
    ) -> Allowance:
        now = time.monotonic()
        window = self.settings.window_s if window_s is None else window_s
        bucket = self.buckets.get(caller)
        if bucket is None:
            bucket = self._new_bucket(caller, quota, window, now)
        bucket.fill(now)
        # What costs more than all there is must be possible with a full bucket.
        if bucket.level <= 0 or (cost > bucket.level and bucket.level < bucket.full):
            missing = min(cost, bucket.full) - bucket.level
            allowance = Allowance(policy, quota, ceil(window), 0)
            raise RateLimited(
                f"more was asked for than {quota} per {window:g} s; try again later",
                message_zh=f"请求超出每 {window:g} 秒 {quota} 的限额，请稍后重试",
                retry_after_s=max(1, ceil(missing / bucket.rate)),
                headers=allowance.headers(),
            )
        bucket.spend(cost)
        return Allowance(policy, quota, ceil(window), max(0, int(bucket.level)))

    def _new_bucket(self, caller: str, quota: int, window_s: float, now: float) -> TokenBucket:
        if len(self.buckets) >= MOST_BUCKETS:
            # The oldest: a crowd of made-up callers must not fill the memory.
            del self.buckets[next(iter(self.buckets))]
        bucket = TokenBucket(quota, quota / window_s, quota, now)
        self.buckets[caller] = bucket
        return bucket

    @contextlib.asynccontextmanager
    async def synchronised(self) -> AsyncIterator[None]:
        """Compare with other processes while the service runs."""
        if self.redis_url is None:
            yield
            return
        redis: Redis = Redis.from_url(
            self.redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
        )
        task = asyncio.create_task(self._keep_comparing(redis))
        try:
            yield
        finally:
            await end(task)
            await redis.aclose()

    async def _keep_comparing(self, redis: Redis) -> None:
        away = False
        while True:
            await asyncio.sleep(self.settings.sync_s)
            try:
                await self.compare(redis)
            except (RedisError, OSError, TimeoutError) as error:
                if not away:
                    log.warning("rate limits are kept by each process", error=str(error))
                away = True
            else:
                away = False

    async def compare(self, redis: Redis) -> None:
        """Tell Redis what was spent, and take over what is left of each bucket that was used."""
        self._drop_full()
        told = {name: bucket.untold for name, bucket in self.buckets.items() if bucket.untold > 0}
        if not told:
            return
        async with redis.pipeline(transaction=False) as pipeline:
            for name, spent in told.items():
                bucket = self.buckets[name]
                values = map(str, (bucket.full, bucket.rate, spent))
                pipeline.eval(SPEND, 1, self._shared(name), *values)
            levels = await pipeline.execute()
        now = time.monotonic()
        for (name, spent), level in zip(told.items(), levels, strict=True):
            if (known := self.buckets.get(name)) is not None:
                known.untold -= spent
                known.level = min(known.full, float(level)) - known.untold
                known.at = now

    def _drop_full(self) -> None:
        """Forget callers who have everything again."""
        now = time.monotonic()
        for name, bucket in list(self.buckets.items()):
            bucket.fill(now)
            if bucket.level >= bucket.full and bucket.untold <= 0:
                del self.buckets[name]

    def _shared(self, caller: str) -> str:
        # Hashed: who may look into Redis need not learn who called from where.
        digest = hashlib.sha256(caller.encode()).hexdigest()[:32]
        return f"{self.name}:rate:{digest}"


@lru_cache(maxsize=4096)
def parse_address(text: str | None) -> IPv4Address | IPv6Address | None:
    """An address; None when the text is none (a name, a Unix socket).

    One of IPv4 that is written as one of IPv6, as by sockets for both, is that of IPv4: all of
    them lie in one network of IPv6.
    """
    try:
        found = ip_address(text or "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def address_bucket(address: IPv4Address | IPv6Address | None) -> str:
    """The bucket of a caller without identity; a whole network where one is given to a home."""
    if isinstance(address, IPv6Address):
        return f"address:{ip_network((address, 64), strict=False)}"
    return f"address:{address}"


MOST_SOLUTION = 64
"""Characters of a solution."""


@dataclass(frozen=True, slots=True)
class WorkProof:
    """A proof of work that holds: what it is known by, and until when it can be used."""

    sha256: str
    expires_at: datetime


def set_work(secret: str, purpose: str, bits: int, expires_at: datetime) -> str:
    """A challenge: when it expires, how much work it asks for, a nonce, and our signature.

    It is solved by a text `s` with which the SHA-256 of `challenge:s` begins with `bits` zero bits.
    """
    told = f"{int(expires_at.timestamp())}.{bits}.{secrets.token_hex(16)}"
    return f"{told}.{_sign(secret, purpose, told)}"


def check_work(
    secret: str, purpose: str, challenge: str, solution: str, now: datetime
) -> WorkProof:
    """The proof that a challenge of ours was solved; whoever takes it must see it is used once.

    Raises:
        Forbidden: it is not ours or for something else, has expired, or is not solved.
    """
    told, _, signature = challenge.rpartition(".")
    expected = _sign(secret, purpose, told)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise _unproven("the challenge is not one of ours", "题目并非由本服务签发")
    stamp, bits, _ = told.split(".")
    expires_at = datetime.fromtimestamp(int(stamp), UTC)
    if expires_at <= now:
        raise _unproven("the challenge has expired; ask for another", "题目已过期，请重新获取")
    digest = hashlib.sha256(f"{challenge}:{solution}".encode()).digest()
    if len(solution) > MOST_SOLUTION or int.from_bytes(digest) >> (256 - int(bits)):
        raise _unproven(
            f"SHA-256 of challenge:solution must begin with {bits} zero bits",
            f"题目:答案 的 SHA-256 须以 {bits} 个零比特开头",
        )
    return WorkProof(hashlib.sha256(challenge.encode()).hexdigest(), expires_at)


def _sign(secret: str, purpose: str, told: str) -> str:
    return hmac.new(secret.encode(), f"work:{purpose}:{told}".encode(), "sha256").hexdigest()


def _unproven(en: str, zh: str) -> Forbidden:
    return Forbidden(en, message_zh=zh)


EXEMPT = ("/health", "/metrics")
OVERLOADED = Unavailable(
    "the service has as many requests in hand as it can take; try again",
    message_zh="服务正在处理的请求已达上限，请稍后重试",
)
CROWDED = RateLimited(
    "you have as many requests in hand as one caller may have; try again when some are answered",
    message_zh="您同时处理中的请求已达单个调用方的上限，请待其完成后重试",
    retry_after_s=5,
)
Refuse = Callable[[Request, Exception], Awaitable[Response]]
Callers = Callable[[Request], Sequence[str]]
"""What a request comes from: an address, a credential. Nothing of it is verified yet."""
LAST = (b"connection", b"close")
"""The header of an answer after which its connection ends."""


class Admission:
    """ASGI middleware: so many requests at a time, and 503 at once for the others.

    Of these one caller has a share at most, and is answered 429 beyond it: whoever sends slowly
    takes no place from others. Health and metrics are always answered. A stream of events counts
    until it has begun: from then on it only looks into the database now and then. Once the service
    stops, each answer ends its connection: a proxy that keeps connections would else send a request
    into one that is being closed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        refuse: Refuse,
        share: int | None = None,
        callers: Callers | None = None,
        stops: Callable[[Scope], bool] = lambda _: False,
    ) -> None:
        self.app = app
        self.most = most
        self.share = most if share is None else share
        self.in_hand = 0
        self.of_caller: Counter[str] = Counter()
        self._refuse = refuse
        self._callers = callers
        self._stops = stops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request in, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        callers = () if self._callers is None else self._callers(request)
        if self.in_hand >= self.most:
            await (await self._refuse(request, OVERLOADED))(scope, receive, send)
        elif any(self.of_caller[name] >= self.share for name in callers):
            await (await self._refuse(request, CROWDED))(scope, receive, send)
        else:
            await self._take_in(callers, scope, receive, send)

    async def _take_in(
        self, callers: Sequence[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._count(callers, 1)
        held = True

        async def watched(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                if held and _is_event_stream(message):
                    self._count(callers, -1)
                    held = False
                if self._stops(scope):
                    message = {**message, "headers": [*message["headers"], LAST]}
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            if held:
                self._count(callers, -1)

    def _count(self, callers: Sequence[str], change: int) -> None:
        self.in_hand += change
        for name in callers:
            self.of_caller[name] += change
            if not self.of_caller[name]:
                del self.of_caller[name]


def _is_event_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )


Result = TypeVar("Result")


class JoinedLookup(Generic[Result]):
    """Looks things up by name: what is asked for while one look is under way is the next one's.

    So nobody is told what was so before they asked, and the more ask, the less each look costs.

    Args:
        read: The things some names are of; those that are not there are missing.
    """

    def __init__(self, read: Callable[[list[str]], Awaitable[Mapping[str, Result]]]) -> None:
        self._read = read
        self._waiting: dict[str, asyncio.Future[Result | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, name: str) -> Result | None:
        """What has the name; None for nothing.

        Raises:
            Exception: What kept it from being read.
        """
        if name not in self._waiting:
            self._waiting[name] = asyncio.get_running_loop().create_future()
        found = self._waiting[name]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting())
        # Whoever leaves takes nothing from the others.
        return await asyncio.shield(found)

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                try:
                    found = await self._read([*asked])
                except Exception as error:
                    for one in asked.values():
                        one.set_exception(error)
                        one.exception()  # looked at, since everyone who would have may have left
                else:
                    for name, one in asked.items():
                        one.set_result(found.get(name))
        finally:
            self._reading = None


class SingleFlight(Generic[Result]):
    """Work under way, by key.

    It runs in a task of its own, so whoever leaves takes nothing from those who wait on. An error
    is that of all who waited, and then forgotten: the next one to ask begins anew.
    """

    def __init__(self) -> None:
        self._going: dict[str, asyncio.Task[Result]] = {}

    async def share(self, key: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The result of the work under way for the key, or of `work`, which is begun."""
        task = self._going.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._going[key] = task
            task.add_done_callback(partial(self._end, key))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = list(self._going.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, key: str, task: asyncio.Task[Result]) -> None:
        del self._going[key]
        if not task.cancelled():
            # Looked at, since everyone who would have may have left.
            task.exception()
