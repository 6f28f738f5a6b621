"""Sends what waits in the outbox: taken by a lease, sent outside any transaction, then noted.

Any number of workers may do this at once. Each target has its turn, so that one whose receiver is
slow or away keeps none of the others waiting. A worker that dies while sending leaves the lease to
run out, and the same message is sent again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from shanhai.db.deliveries.outbox import (
    ClaimedDelivery,
    DeliveryOutcome,
    note_outcome,
    prune_deliveries,
    take,
)
from shanhai.errors import ShanhaiError
from shanhai_worker.context import Context
from shanhai_worker.outages import DATABASE_ERRORS, outlast

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between looks for what is due, while there is nothing."""
PRUNE_S = 600.0
MOST_AT_ONCE = 32
LEASE_S = 60.0
"""Longer than any sender takes: what is left of it when one is done is not missed by anybody."""
SEND_S = 45.0
FINISH_S = 0.8
"""Seconds that what is being sent gets to finish when the worker stops, which does not ask twice
for less than a second; what does not is sent again by another one."""

Sender = Callable[[ClaimedDelivery], Awaitable[DeliveryOutcome]]


async def run(context: Context, senders: Mapping[str, Sender]) -> None:
    """Send for ever, each kind by its sender; kinds without one wait."""
    sending: set[asyncio.Task[None]] = set()
    pruned_at = 0.0
    try:
        while True:
            taken: list[ClaimedDelivery] = []
            try:
                taken = await _take(context, senders, MOST_AT_ONCE - len(sending))
                if time.monotonic() - pruned_at >= PRUNE_S:
                    pruned_at = time.monotonic()
                    async with context.sessions.begin() as session:
                        await prune_deliveries(session)
            except DATABASE_ERRORS as error:
                log.warning("nothing sent", error=type(error).__name__)
            for one in taken:
                task = asyncio.create_task(deliver(context, senders[one.kind], one))
                sending.add(task)
                task.add_done_callback(sending.discard)
            if sending:
                # Who is done makes room, for its own target too.
                await asyncio.wait(sending, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(LOOK_S)
    finally:
        if sending:
            _, late = await asyncio.wait(sending, timeout=FINISH_S)
            for task in late:
                task.cancel()


async def deliver(context: Context, sender: Sender, taken: ClaimedDelivery) -> None:
    """Send one delivery, and note what became of it."""
    outcome = await _send(sender, taken)

    async def write() -> str | None:
        async with context.sessions.begin() as session:
            return await note_outcome(session, taken, outcome)

    try:
        status = await outlast(write)
    except DATABASE_ERRORS as error:
        # Its lease runs out, and it is sent again.
        log.warning("outcome not noted", delivery=str(taken.id), error=type(error).__name__)
        return
    context.meters.deliveries.labels(taken.kind, status or "taken over").inc()
    if status != "delivered":
        log.warning(
            "not delivered",
            delivery=str(taken.id),
            kind=taken.kind,
            attempt=taken.attempt,
            status=status,
            answered=outcome.answered,
        )


async def _send(sender: Sender, taken: ClaimedDelivery) -> DeliveryOutcome:
    try:
        async with asyncio.timeout(SEND_S):
            return await sender(taken)
    except TimeoutError:
        return DeliveryOutcome(
            reason=f"not sent within {SEND_S:g} s", reason_zh=f"{SEND_S:g} 秒内未能发出"
        )
    except ShanhaiError as error:
        return DeliveryOutcome(reason=error.message, reason_zh=error.message_zh)
    except Exception as error:
        # One message that cannot be made must not keep the others from being sent.
        log.exception("delivery failed in the worker", delivery=str(taken.id), kind=taken.kind)
        why = type(error).__name__
        return DeliveryOutcome(reason=f"could not be sent: {why}", reason_zh=f"无法发出：{why}")


async def _take(
    context: Context, senders: Mapping[str, Sender], room: int
) -> list[ClaimedDelivery]:
    if room <= 0 or not senders:
        return []
    async with context.sessions.begin() as session:
        return await take(session, senders, most=room, lease_s=LEASE_S)
