"""Whether this process can do its work."""

from dataclasses import dataclass
from functools import lru_cache, partial

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.migrate import expected_revision
from shanhai.db.readiness import OK, DatabaseState, look_into_database
from shanhai_api.state import ServiceState

TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """What each check said: `ok`, or what is wrong."""

    service: str
    database: DatabaseState
    redis: str | None

    @property
    def ready(self) -> bool:
        """Whether requests of every kind are welcome; Redis missing only degrades."""
        return self.service == OK and self.database.fault is None

    @property
    def status(self) -> str:
        """`ok`, `read-only` where nothing can be written, or `down` where nothing can be read."""
        if self.database.reading != OK:
            return "down"
        return OK if self.database.writing == OK else "read-only"

    @property
    def checks(self) -> dict[str, str]:
        """The checks by name."""
        checks = {
            "service": self.service,
            "database": self.database.fault or OK,
            "reading": self.database.reading,
            "writing": self.database.writing,
        }
        return checks if self.redis is None else {**checks, "redis": self.redis}


async def check_health(state: ServiceState) -> Health:
    """PostgreSQL must be at the expected revision and writable; Redis is asked where one is
    named."""
    draining = "stopping" if state.draining.is_set() else OK
    database = await _check_database(state)
    address = state.configuration.redis.address
    return Health(draining, database, None if address is None else await _check_redis(address))


async def _check_database(state: ServiceState) -> DatabaseState:
    # Asked for once by all who ask at the same time: probes do not wait for one another either.
    return await state.looks.share("database", partial(_look_into_database, state))


async def _look_into_database(state: ServiceState) -> DatabaseState:
    try:
        async with AsyncSession(state.probes) as session:
            return await look_into_database(session, known_revision())
    except (SQLAlchemyError, OSError) as error:
        told = f"unreachable ({type(error).__name__})"
        return DatabaseState(told, told)


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
    return OK
