"""Whether this process can do its work."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.migrate import expected_revision, present_revision
from shanhai_api.state import State

TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests are welcome, and what each check said."""

    ready: bool
    checks: Mapping[str, str]


async def check_readiness(state: State) -> Readiness:
    """PostgreSQL must be writable and at the expected revision; Redis missing only degrades,
    where one is named."""
    draining = "stopping" if state.draining.is_set() else "ok"
    database = await _check_database(state)
    checks = {"service": draining, "database": database}
    if (address := state.configuration.redis.address) is not None:
        checks["redis"] = await _check_redis(address)
    return Readiness(draining == database == "ok", checks)


async def _check_database(state: State) -> str:
    # Asked for once by all who ask at the same time: probes do not wait for one another either.
    return await state.looks.share("database", partial(_look_into_database, state))


async def _look_into_database(state: State) -> str:
    try:
        async with AsyncSession(state.probes) as session:
            if await session.scalar(text("SHOW transaction_read_only")) == "on":
                return "read-only"
            present = await present_revision(session)
    except (SQLAlchemyError, OSError) as error:
        return f"unreachable ({type(error).__name__})"
    expected = known_revision()
    return "ok" if present == expected else f"at revision {present}, expected {expected}"


@lru_cache
def known_revision() -> str | None:
    """The newest revision of the code, read once."""
    return expected_revision()


async def _check_redis(url: str) -> str:
    client: Redis = Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return f"degraded ({type(error).__name__})"
    finally:
        await client.aclose()
    return "ok"
