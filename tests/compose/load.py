"""Senders that go on while something happens, and whether all they asked for was done."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.compose.deployment import PATIENCE_S, Deployment
from tests.faults.ledger import FINAL, Ledger
from tests.faults.load import Sender

READ_PAUSE_S = 0.05
REGIONS = "/collections/regions/items"
JOBS = """
  SELECT j.status, j.inputs ->> 'message' AS message, count(*) AS ends
    FROM job j LEFT JOIN audit_log a
      ON a.object_table = 'job' AND a.object_id = j.id::text AND a.action IN ('succeed', 'fail')
   WHERE j.kind = 'echo' GROUP BY j.id
"""


@contextmanager
def under_load(
    senders: Sequence[Sender], answers: list[httpx.Response] | None = None
) -> Iterator[None]:
    """Senders go on meanwhile; where answers are kept, so do readers, one beside each."""
    stop = threading.Event()

    async def read(sender: Sender, answers: list[httpx.Response]) -> None:
        async with sender.connected() as client:
            while not stop.is_set():
                answers += [await client.get(path) for path in (REGIONS, "/tiles/")]
                # The new containers need the machine to start.
                await asyncio.sleep(READ_PAUSE_S)

    async def load() -> None:
        reading = [] if answers is None else [read(sender, answers) for sender in senders]
        await asyncio.gather(*(one.keep_on(stop, pause=0.2) for one in senders), *reading)

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(lambda: asyncio.run(load()))
        try:
            yield
        finally:
            stop.set()
            # What ended the load is why nothing was accepted any more: it is told first.
            loading.result()


def assert_done_once(deployment: Deployment, ledger: Ledger) -> None:
    """Each job that was accepted ends, once and rightly.

    What the outage put off ends after others that were asked for later.
    """
    until = time.monotonic() + PATIENCE_S
    rows = {row["message"]: row for row in deployment.rows(JOBS)}
    while any(row["status"] not in FINAL for row in rows.values()) and time.monotonic() < until:
        time.sleep(1)
        rows = {row["message"]: row for row in deployment.rows(JOBS)}
    for order in ledger.accepted.values():
        found = rows[str(order.message)]
        assert found["status"] == "successful", found
        assert found["ends"] == 1, found


def wait_for_more(ledger: Ledger, before: int) -> None:
    """Wait until more is accepted than was."""
    end = time.monotonic() + PATIENCE_S
    while len(ledger.accepted) <= before + 1:
        assert ledger.unexpected == []
        assert time.monotonic() < end, "nothing was accepted any more"
        time.sleep(0.1)
