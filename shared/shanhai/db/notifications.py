"""Listening to what PostgreSQL notifies, for ever: again after every outage, and patiently."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

from shanhai.db.engine import DATABASE_ERRORS, async_url
from shanhai.settings import DatabaseSettings

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
CONNECT_TIMEOUT_S = 5.0
ASK_S = 5.0
"""Seconds between questions whether the connection lives: a lost network says nothing."""


async def retry_forever(listen: Callable[[], Awaitable[None]]) -> None:
    """Call `listen` for ever, pausing longer each time it ended soon."""
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_S
    while True:
        started = loop.time()
        await listen()
        lasted = loop.time() - started
        pause = FIRST_PAUSE_S if lasted > LONGEST_PAUSE_S else min(2 * pause, LONGEST_PAUSE_S)
        await asyncio.sleep(pause)


class ChannelListener:
    """One connection that listens.

    Args:
        channel: What is listened to.
        heard: Called with each message; with None when listening begins, since what was sent before
            nobody heard.
        application: What the connection calls itself.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        channel: str,
        heard: Callable[[str | None], None],
        *,
        application: str,
    ) -> None:
        url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._application = application
        self._channel = channel
        self._heard = heard

    async def run(self) -> None:
        """Listen for ever."""
        await retry_forever(self._listen)

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
            await connection.add_listener(self._channel, self._hear)
            self._heard(None)
            await _live(connection, ended)
        except DATABASE_ERRORS as error:
            log.warning("notifications ended", error=type(error).__name__)
        finally:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        self._heard(payload)


async def _live(connection: Any, ended: asyncio.Event) -> None:
    """Return when the connection has ended, or does not answer any more."""
    while not ended.is_set():
        try:
            async with asyncio.timeout(ASK_S):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
