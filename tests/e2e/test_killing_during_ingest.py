"""Observations that were acknowledged are there once, whatever was killed meanwhile."""

import asyncio
import itertools
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event

import httpx
import orjson
import pytest
from sqlalchemy import text

from shanhai.local.servers import PrivatePostgres
from shanhai.local.services import ServiceProcess
from shanhai.local.stack import Stack, admin_key
from tests.e2e.conftest import wait_until
from tests.support.feeds import add_station
from tests.support.job_rows import open_sessions

START = datetime(2026, 3, 1, tzinfo=UTC)
BODY_ROWS = (20, 150, 1_000, 4_000)
"""Rows of each feed's bodies: some share their transactions, others have their own."""
BODIES = 6
"""Bodies each feed has to bring before, between and after the kills."""
PAUSE_S = 0.1
PERIOD = 1_000
FOUND = text("""
  SELECT count(*) AS found,
         count(DISTINCT o.observed_at) AS times,
         count(*) FILTER (WHERE o.observed_at < :until) AS kept,
         count(*) FILTER (WHERE o.value
           <> mod(extract(epoch FROM o.observed_at - :start)::integer, :period)) AS wrong,
         (SELECT count(*) FROM observation_revision r WHERE r.station_id = s.id) AS revised,
         max(o.observed_at) = max(l.observed_at) AS newest_known
    FROM station s LEFT JOIN observation o ON o.station_id = s.id
         LEFT JOIN observation_latest l ON l.station_id = s.id
   WHERE s.code = :station GROUP BY s.id
""")


@dataclass
class Feed:
    """A sender of one station's observations that goes on only once the last body was taken.

    Attributes:
        acknowledged: Observations the API said are stored; the next one's number.
        resent: Bodies that were sent again, for want of an answer.
        repeated: Observations that were there already: only their answer was lost.
        refusals: Status of answers that promised nothing.
    """

    station: str
    rows: int
    acknowledged: int = 0
    resent: int = 0
    repeated: int = 0
    refusals: set[int] = field(default_factory=set)

    @property
    def next_time(self) -> datetime:
        """The time of the first observation that was not acknowledged."""
        return START + timedelta(seconds=self.acknowledged)

    async def run(self, url: str, key: str, done: Event) -> None:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
            while not done.is_set():
                await self._deliver(client, self._body())

    async def _deliver(self, client: httpx.AsyncClient, body: bytes) -> None:
        for trial in itertools.count():
            self.resent += trial > 0
            try:
                answer = await client.post("/observations", content=body)
            except httpx.TransportError:
                await asyncio.sleep(PAUSE_S)
                continue
            if answer.status_code == 202:
                break
            self.refusals.add(answer.status_code)
            await asyncio.sleep(PAUSE_S)
        told = answer.json()
        assert told["accepted"] + told["duplicates"] == self.rows, told
        self.repeated += told["duplicates"]
        self.acknowledged += self.rows

    def _body(self) -> bytes:
        numbers = range(self.acknowledged, self.acknowledged + self.rows)
        return b"\n".join(
            orjson.dumps(
                {
                    "station": self.station,
                    "property": "water_level",
                    "time": START + timedelta(seconds=number),
                    "value": number % PERIOD,
                }
            )
            for number in numbers
        )


async def run_feeds(feeds: list[Feed], url: str, key: str, done: Event) -> None:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(feed.run(url, key, done))


async def add_stations(url: str, feeds: list[Feed]) -> None:
    async with open_sessions(url) as sessions:
        for feed in feeds:
            await add_station(sessions, feed.station)


async def look_for(url: str, feeds: list[Feed]) -> dict[str, int]:
    """What became of the observations, over all feeds."""
    sums = dict.fromkeys(("acknowledged", "found", "lost", "doubled", "wrong", "not newest"), 0)
    async with open_sessions(url) as sessions, sessions() as session:
        for feed in feeds:
            given = {"start": START, "until": feed.next_time, "period": PERIOD}
            row = (await session.execute(FOUND, {**given, "station": feed.station})).one()
            sums["acknowledged"] += feed.acknowledged
            sums["found"] += row.found
            sums["lost"] += feed.acknowledged - row.kept
            sums["doubled"] += row.found - row.times + row.revised
            sums["wrong"] += row.wrong
            sums["not newest"] += not row.newest_known
    return sums


def more_was_resent(feeds: list[Feed], before: int) -> bool:
    return sum(feed.resent for feed in feeds) > before


def kill(part: ServiceProcess | PrivatePostgres) -> None:
    process = part.process()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


@pytest.mark.timeout(120)
def test_acknowledged_observations_outlive_the_api_and_the_database(stack: Stack) -> None:
    url, key = stack.api_url, admin_key(stack)
    feeds = [Feed(f"killed-{rows}", rows) for rows in BODY_ROWS]
    asyncio.run(add_stations(stack.database_url, feeds))
    api, done = stack.services["api"], Event()

    def all_go_on() -> None:
        """Every feed has had more bodies acknowledged, or sending has failed."""
        marks = [feed.acknowledged + BODIES * feed.rows for feed in feeds]
        wait_until(
            lambda: (
                sending.done()
                or all(f.acknowledged >= mark for f, mark in zip(feeds, marks, strict=True))
            )
        )

    # Servers end with the thread that started them: feeds have another, and this one starts.
    with ThreadPoolExecutor(1) as beside:
        sending = beside.submit(asyncio.run, run_feeds(feeds, url, key, done))
        try:
            all_go_on()
            for part in (api, stack.postgres):
                resent = sum(feed.resent for feed in feeds)
                kill(part)
                wait_until(partial(more_was_resent, feeds, resent))
                if isinstance(part, ServiceProcess):
                    part.start(stack.environment())
                else:
                    part.start()
                all_go_on()
        finally:
            done.set()
        sending.result(timeout=30)
    wait_until(lambda: all(part.healthy for part in stack.status()))

    sums = asyncio.run(look_for(stack.database_url, feeds))
    repeated = sum(feed.repeated for feed in feeds)
    print(  # noqa: T201 - the figures, for who asks what was tried
        ", ".join(f"{name} {number}" for name, number in sums.items()), f"repeated {repeated}"
    )
    assert sums["found"] == sums["acknowledged"] > 0
    assert (sums["lost"], sums["doubled"], sums["wrong"], sums["not newest"]) == (0, 0, 0, 0)
    assert set[int]().union(*(feed.refusals for feed in feeds)) <= {503}
