"""Listens for changes on a connection of its own, and reads the log at each notification."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import asyncpg
import structlog

from shanhai.db.engine import async_url, reading_settings
from shanhai.db.fast_reads import FetchedRow
from shanhai.ending import end
from shanhai.settings import DatabaseSettings
from shanhai_tiles.changes import READ, TRUSTED_S, Changes

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CHANNEL = "shanhai_tiles"
BEAT_S = TRUSTED_S / 2
"""Seconds between readings without a notification: they prove that the connection lives."""
PATIENCE_S = 1.0
"""Seconds after which a connection that does not answer is given up."""
RETRY_S = 0.5

_READ = READ.replace(":horizon", "$1")
_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextlib.asynccontextmanager
async def following_changes(
    settings: DatabaseSettings, *, application: str
) -> AsyncIterator[Changes]:
    """The changes of a database, followed for as long as the context lasts."""
    changes = Changes()
    task = asyncio.create_task(_follow(changes, settings, application))
    try:
        yield changes
    finally:
        await end(task)


async def _follow(changes: Changes, settings: DatabaseSettings, application: str) -> None:
    while True:
        try:
            await _listen(changes, settings, application)
        except _FAILURES as error:
            log.warning("changes of tiles not followed", error=type(error).__name__)
        changes.forget()
        await asyncio.sleep(RETRY_S)


async def _listen(changes: Changes, settings: DatabaseSettings, application: str) -> None:
    """Follow over one connection, until it is lost."""
    url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
    connection = await asyncpg.connect(
        url.render_as_string(hide_password=False),
        timeout=PATIENCE_S,
        command_timeout=PATIENCE_S,
        server_settings=reading_settings(settings, application),
        record_class=FetchedRow,
    )
    try:
        woken = asyncio.Event()

        def lose(_: object) -> None:
            changes.forget()
            woken.set()

        connection.add_termination_listener(lose)
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
        while True:
            woken.clear()
            asked_at, horizon = time.monotonic(), changes.horizon
            changes.take(await connection.fetch(_READ, horizon), horizon, asked_at)
            if not changes.current:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await woken.wait()
    finally:
        connection.terminate()
