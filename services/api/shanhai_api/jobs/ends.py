"""Being told of the ends of jobs, instead of asking for them again and again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shanhai.db.notifications import ChannelListener
from shanhai.jobs.results import ENDED
from shanhai.settings import DatabaseSettings
from shanhai.shutdown import end


class JobEnds:
    """One connection that hears of them, opened for the first who waits."""

    def __init__(self, database: DatabaseSettings, *, application: str) -> None:
        self._listener = ChannelListener(database, ENDED, self._hear, application=application)
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def of(self, job_id: object) -> Iterator[asyncio.Event]:
        """An event that is set when the job has ended, or may have: whoever waits looks again."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listener.run())
        name, news = str(job_id), asyncio.Event()
        self._waiting.setdefault(name, set()).add(news)
        try:
            yield news
        finally:
            self._waiting[name].discard(news)
            if not self._waiting[name]:
                del self._waiting[name]

    async def close(self) -> None:
        """Hear no more."""
        if self._listening is not None:
            await end(self._listening)

    def _hear(self, job_id: str | None) -> None:
        told = self._waiting if job_id is None else (job_id,)
        for name in told:
            for news in self._waiting.get(name, ()):
                news.set()
