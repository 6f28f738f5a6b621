"""What feeds share: one commit for many, one worker for a broker, and an orderly end."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shanhai.db.engine import DriverTransaction, Sessions, is_of_data
from shanhai.db.observations import feeds, ingest
from shanhai.db.observations.ingest import IncomingBatch
from shanhai.monitoring.observation import Batch, FeedObservation
from shanhai.shutdown import end
from shanhai_worker import context as db_errors
from shanhai_worker.context import WorkerContext
from shanhai_worker.feeds import mqtt
from shanhai_worker.feeds.intake import open_intake
from tests.support.feeds import add_station, register, telegram
from tests.support.mosquitto import running_mosquitto
from tests.support.workers import Workers, eventually, free_port

START = datetime(2026, 8, 1, tzinfo=UTC)
SKEW = timedelta(minutes=5)


def batch(*numbers: int, of: str = "cod") -> Batch:
    return Batch.of(
        [FeedObservation("river-1", of, START + timedelta(seconds=at), at) for at in numbers]
    )


async def stored(sessions: Sessions) -> int:
    async with sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM observation")) or 0)


async def test_an_outage_is_told_to_whoever_brought_something(
    context: WorkerContext, river_station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def store_all(*_: object, **__: object) -> None:
        nonlocal tried
        tried += 1
        raise ConnectionError("away")

    monkeypatch.setattr(feeds, "store_all", store_all)
    monkeypatch.setattr(db_errors, "FIRST_PAUSE_S", 0.001)
    async with open_intake(context, "hj212", skew=SKEW) as intake:
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(10):
                await intake.store(batch(1))
    assert tried == db_errors.TRIES


async def test_whoever_waits_when_a_feed_ends_is_not_told_it_was_stored(
    context: WorkerContext, sessions: Sessions, river_station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def store_all(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(feeds, "store_all", store_all)
    async with asyncio.timeout(10):
        async with open_intake(context, "hj212", skew=SKEW) as intake:
            first = asyncio.create_task(intake.store(batch(1)))
            await begun.wait()
            second = asyncio.create_task(intake.store(batch(2)))
            await asyncio.sleep(0)
        results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2
    assert await stored(sessions) == 0


async def test_stations_are_stored_side_by_side_and_each_in_its_order(
    context: WorkerContext, sessions: Sessions, river_station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_station(sessions, "river-2")
    seen, held = asyncio.Event(), asyncio.Event()
    begun: list[set[str]] = []

    async def store_all(transaction: Any, given: list[IncomingBatch], **options: Any) -> Any:
        begun.append(set().union(*(one.stations for one in given)))
        if len(begun) == 1:
            seen.set()
            await held.wait()
        return await ingest.store_all(transaction, given, **options)

    def value(station: str, told: float) -> list[FeedObservation]:
        return [FeedObservation(station, "cod", START, told)]

    monkeypatch.setattr(feeds, "store_all", store_all)
    async with asyncio.timeout(20), open_intake(context, "hj212", skew=SKEW) as intake:
        first = asyncio.create_task(intake.store(value("river-1", 1)))
        await seen.wait()
        later = [asyncio.create_task(intake.store(value("river-1", told))) for told in (2, 3)]
        await intake.store(value("river-2", 7))
        assert begun == [{"river-1"}, {"river-2"}]
        assert not first.done()
        held.set()
        await asyncio.gather(first, *later)
    async with sessions() as session:
        query = "SELECT value FROM observation ORDER BY station_id"
        assert list(await session.scalars(text(query))) == [3, 7]
        query = "SELECT value FROM observation_revision ORDER BY id"
        assert list(await session.scalars(text(query))) == [1, 2]


async def test_a_database_that_ends_the_connection_has_kept_nothing_and_is_asked_again(
    context: WorkerContext, sessions: Sessions, river_station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[int] = []

    async def store_all(transaction: DriverTransaction, *given: Any, **options: Any) -> Any:
        outcomes = await ingest.store_all(transaction, *given, **options)
        if not broken:
            broken.append(await stored(sessions))
            await transaction.raw.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return outcomes

    monkeypatch.setattr(feeds, "store_all", store_all)
    monkeypatch.setattr(db_errors, "FIRST_PAUSE_S", 0.001)
    async with asyncio.timeout(20), open_intake(context, "hj212", skew=SKEW) as intake:
        await intake.store(batch(1, 2))
        assert await stored(sessions) == 2
        await intake.store(batch(3))
    assert broken == [0]
    assert await stored(sessions) == 3


async def test_what_is_stored_and_refused_is_counted(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    rows = [FeedObservation("river-1", "cod", ahead, 1.0)]
    async with open_intake(context, "hj212", skew=SKEW) as intake:
        await intake.store(Batch.of(rows))
        await intake.store(batch(1, 2))
        await intake.store(batch(2))
    async with open_intake(context, "hj212", skew=timedelta(minutes=15)) as intake:
        await intake.store(Batch.of(rows))
    (metric,) = context.meters.observations.collect()
    counted = {
        one.labels["outcome"]: one.value for one in metric.samples if one.name.endswith("_total")
    }
    assert counted == {"accepted": 3, "duplicate": 1, "revised": 0, "rejected": 1}
    assert await stored(sessions) == 3


@pytest.mark.parametrize(
    ("statement", "of_data"),
    [("SELECT 1 FROM nowhere", False), ("SELECT 'x'::integer", True), ("SELECT 1/0", True)],
)
async def test_errors_of_data_are_told_from_those_that_pass(
    context: WorkerContext, statement: str, of_data: bool
) -> None:
    with pytest.raises(DBAPIError) as raised:
        async with context.sessions() as session:
            await session.execute(text(statement))
    assert is_of_data(raised.value) is of_data


async def test_one_of_many_works_and_another_takes_over(
    context: WorkerContext, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "TRY_S", 0.05)
    monkeypatch.setattr(mqtt, "CHECK_S", 0.05)
    working: set[str] = set()

    def runs(name: str) -> asyncio.Task[None]:
        async def work() -> None:
            working.add(name)
            try:
                await asyncio.Event().wait()
            finally:
                working.discard(name)

        return asyncio.create_task(mqtt.run_in_one(context.sessions, "test", work))

    async def works(name: str) -> bool:
        return working == {name}

    first = runs("first")
    await eventually(lambda: works("first"))
    second = runs("second")
    await asyncio.sleep(0.3)
    assert working == {"first"}
    await end(first)
    await eventually(lambda: works("second"))
    # A worker that lost its connection has lost its lock, and stops before it takes it again.
    third = runs("third")
    async with sessions.begin() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory'"
                " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )

    async def one_works() -> bool:
        return len(working) == 1

    await asyncio.sleep(0.2)
    await eventually(one_works)
    await end(second, third)
    assert working == set()


async def test_a_worker_with_feeds_answers_and_leaves_in_time(
    workers: Workers, sessions: Sessions, river_station: str, mosquitto: None
) -> None:
    await register(sessions, river_station)
    port = free_port()
    with running_mosquitto(workers.folder) as broker:
        worker = workers.start(
            variables={
                "SHANHAI_MQTT_URL": broker.url,
                "SHANHAI_HJ212_HOST": "127.0.0.1",
                "SHANHAI_HJ212_PORT": str(port),
            }
        )

        async def answered() -> bool:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return False
            writer.write(telegram("DataTime=20260801080000;w01018-Rtd=12.5"))
            async with asyncio.timeout(10):
                answer = await reader.readuntil(b"\r\n")
            writer.close()
            return b"CN=9014" in answer

        async def subscribed() -> bool:
            return "Sending SUBACK" in (broker.folder / "mosquitto.log").read_text()

        await eventually(answered, within_s=60)
        await eventually(subscribed)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 15) == 0
    assert await stored(sessions) == 1
    assert "Traceback" not in (workers.folder / "worker.log").read_text()
