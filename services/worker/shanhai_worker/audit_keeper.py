"""Follows the chain of the audit log, and signs its head for keeping outside the database.

After the first time only what was added is followed; `shanhai audit verify` follows all of it.
"""

import asyncio
import time

import structlog

from shanhai.db.queries.audit_chain import (
    BEGINNING,
    AuditBroken,
    Head,
    add_head,
    read_heads,
    read_signing_key,
    verify_chain,
)
from shanhai.settings import AuditSettings
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class AuditKeeper:
    """What one worker knows of the chain."""

    def __init__(self, context: Context, settings: AuditSettings) -> None:
        self._context = context
        self._settings = settings
        self._meters = context.meters.watch
        self._key = None if settings.key_file is None else read_signing_key(settings.key_file)
        self._known: Head | None = None

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            try:
                await self.look()
            except (*DATABASE_ERRORS, OSError) as error:
                log.warning("audit log not verified", error=type(error).__name__)
            await asyncio.sleep(self._settings.every_s)

    async def look(self) -> None:
        """Follow what was added, tell the meters, and add the head to the file.

        A broken chain is told each time, and nothing is signed while it is.
        """
        try:
            since = await asyncio.to_thread(self._last_signed) if self._known is None else None
            async with self._context.sessions() as session:
                head = await verify_chain(session, since=since or self._known or BEGINNING)
        except AuditBroken as error:
            self._meters.audit_intact.set(0)
            log.error("audit log broken", reason=error.message)
            return
        self._known = head
        self._meters.audit_intact.set(1)
        self._meters.audit_verified(time.monotonic())
        if self._settings.heads is not None and self._key is not None:
            await asyncio.to_thread(add_head, self._settings.heads, head, self._key)

    def _last_signed(self) -> Head | None:
        """Up to where the chain was found whole before this worker began."""
        if self._settings.heads is None or self._key is None:
            return None
        heads = read_heads(self._settings.heads, self._key.public_key())
        return max((one.head for one in heads), key=lambda head: head.seq, default=None)
