"""Listens for notifications of PostgreSQL, for as long as it is there.

All workers hear every notification. Those without room look for nothing, and of the others one
claims the job, since claims skip rows that another one has locked.
"""

import asyncio
from typing import Any

import asyncpg
import structlog

from shanhai.db.engine import async_url
from shanhai.jobs.queue import CHANNEL, Wakeable
from shanhai.settings import DatabaseSettings
from shanhai_worker.outages import DATABASE_ERRORS
from shanhai_worker.patience import again_and_again

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
ASK_S = 5.0
"""Seconds between questions whether the connection lives: a lost network says nothing."""


class NotificationListener:
    """Wakes the runner at every notification, and whenever it could listen again."""

    def __init__(self, settings: DatabaseSettings, runner: Wakeable, *, application: str) -> None:
        url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._application = application
        self._runner = runner

    async def run(self) -> None:
        """Listen for ever."""
        await again_and_again(self._listen)

    async def _listen(self) -> None:
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=CONNECT_TIMEOUT_S,
                server_settings={"application_name": self._application[:63]},
            )
        except DATABASE_ERRORS as error:
            log.warning("no notifications", error=type(error).__name__)
            return
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            await connection.add_listener(CHANNEL, self._hear)
            self._wake()  # what was sent before nobody heard
            await _live(connection, ended)
        except DATABASE_ERRORS as error:
            log.warning("notifications ended", error=type(error).__name__)
        finally:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        log.debug("notified", wake_up=payload)
        self._wake()

    def _wake(self) -> None:
        if self._runner.has_room:
            self._runner.wake()


async def _live(connection: Any, ended: asyncio.Event) -> None:
    """Return when the connection has ended, or does not answer any more."""
    while not ended.is_set():
        try:
            async with asyncio.timeout(ASK_S):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
