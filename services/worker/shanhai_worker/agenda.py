"""What there is to do beside jobs, asked of the database once a second for all who would do it."""

import asyncio
import time
from typing import Any

from sqlalchemy import text

from shanhai.db.engine import DATABASE_ERRORS, Sessions, ask_alone

LOOK_S = 1.0
"""Seconds between two questions, and so the longest that something waits to be seen."""
LONGEST_S = 30.0

# Each is true at least when who waits for it would find something, and costs a look into an index.
_ASK = text("""
  SELECT EXISTS (SELECT FROM job WHERE status = 'accepted')
         OR EXISTS (SELECT FROM job
                     WHERE status = 'running' AND lease_until < clock_timestamp()) AS jobs,
         EXISTS (SELECT FROM schedule WHERE next_at <= clock_timestamp()
                    AND enabled AND deleted_at IS NULL) AS schedules,
         EXISTS (SELECT FROM tile_pending) AS shapes,
         EXISTS (SELECT FROM observation_change) OR EXISTS (SELECT FROM alert_due)
         OR EXISTS (SELECT FROM alert_notice WHERE due_at <= clock_timestamp()) AS alerts,
         EXISTS (SELECT FROM delivery
                  WHERE status = 'waiting' AND due_at <= clock_timestamp()) AS deliveries
""")


class Agenda:
    """Lets parts of the worker wait until there is something to do, for the price of one statement.

    Each part looking for itself takes some twenty transactions a second from a worker at rest.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._due: Any = {}

    async def wait_for(self, work: str, *, most_s: float = LONGEST_S) -> bool:
        """Return at a whole second of the clock, once there is such work or none can be seen.

        Args:
            work: A column of the question.
            most_s: Seconds after which to return anyhow.

        Returns:
            Whether there is such work; False where the time was over first.
        """
        until = time.monotonic() + most_s
        while True:
            # All wait for the same moments, so that they share an answer that is not old.
            await asyncio.sleep(LOOK_S - time.monotonic() % LOOK_S)
            if await self.is_due(work):
                return True
            if time.monotonic() >= until:
                return False

    async def is_due(self, work: str) -> bool:
        """Whether there is such work, as it was half a second ago at most, or none can be seen."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= LOOK_S / 2:
                try:
                    [self._due] = await ask_alone(self._sessions, _ASK)
                except DATABASE_ERRORS:
                    return True  # who waits meets the outage, and tells of it
                self._asked_at = time.monotonic()
        return bool(self._due[work])
