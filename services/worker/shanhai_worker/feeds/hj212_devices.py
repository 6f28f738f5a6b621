"""The devices that may push telegrams, known without asking the database for each."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from shanhai.db.engine import Sessions
from shanhai.db.observations.devices import Device, read_devices
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

KNOWN_S = 5.0
"""Seconds for which what was read is believed: how soon a new device may push."""


class Devices:
    """The devices as they were within the last seconds; during an outage as they were before it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: Mapping[str, tuple[Device, ...]] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def named(self, code: str) -> tuple[Device, ...]:
        """The series of a device, none for a stranger."""
        async with self._reading:
            if self._read_at is None or time.monotonic() - self._read_at > KNOWN_S:
                await self._read()
                self._read_at = time.monotonic()
        return self._known.get(code, ())

    async def _read(self) -> None:
        try:
            async with self._sessions() as session:
                rows = await read_devices(session)
        except DATABASE_ERRORS as error:
            log.warning("devices not read", error=type(error).__name__)
            return
        known: dict[str, tuple[Device, ...]] = {}
        for device in rows:
            known[device.code] = (*known.get(device.code, ()), device)
        self._known = known
