"""Fetching observations from a real MQTT broker, into a real database."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from ssl import SSLError
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.observations import feeds, ingest
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.ingest import IncomingBatch
from shanhai.db.observations.rollups import sum_up
from shanhai.monitoring.observation import FeedObservation
from shanhai.settings import MqttSettings
from shanhai.shutdown import end
from shanhai_worker import context as db_errors
from shanhai_worker.context import WorkerContext
from shanhai_worker.feeds import mqtt, mqtt_connection
from tests.support.certificates import make_certificates
from tests.support.mosquitto import PASSWORD, USER, Mosquitto, running_mosquitto
from tests.support.observation_rows import store_observations
from tests.support.rabbitmq import ABSENT, RabbitMq, rabbitmq_program, running_rabbitmq
from tests.support.workers import Workers, eventually

TOPIC = "shanhai/observations"
TOPICS = (TOPIC, "water/{station}/{property}/now")
COUNT = text("SELECT count(*) FROM observation")
VALUES = text("SELECT value FROM observation")
REVISED = text("SELECT count(*) FROM observation_revision")


@pytest.fixture
def broker(mosquitto: None, tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with running_mosquitto(folder) as broker:
        yield broker


def settings(broker: Mosquitto | RabbitMq, **given: object) -> MqttSettings:
    return MqttSettings.model_validate({"url": broker.url, "topics": TOPICS, **given})


@asynccontextmanager
async def fetching(context: WorkerContext, given: MqttSettings) -> AsyncIterator[None]:
    """A client that has connected and subscribed."""
    task = asyncio.create_task(mqtt.run_fetcher(context, given, skew=timedelta(minutes=5)))

    async def subscribed() -> bool:
        if task.done():
            task.result()
        (metric,) = context.meters.connections.collect()
        return any(sample.value for sample in metric.samples)

    try:
        await eventually(subscribed)
        yield
    finally:
        await end(task)


def row(number: int, **other: object) -> dict[str, object]:
    """An observation; each number has a time and a value of its own."""
    at = f"2026-08-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}+08:00"
    return {"station": "river-1", "property": "cod", "time": at, "value": number} | other


def messages(numbers: range) -> list[tuple[str, bytes]]:
    return [(TOPIC, json.dumps(row(number)).encode()) for number in numbers]


async def count(sessions: Sessions) -> int:
    async with sessions() as session:
        return int(await session.scalar(COUNT) or 0)


async def reach(sessions: Sessions, number: int, *, within_s: float = 30) -> None:
    async def reached() -> bool:
        return await count(sessions) >= number

    await eventually(reached, within_s=within_s)
    assert await count(sessions) == number


def refused(context: WorkerContext) -> dict[str, float]:
    (metric,) = context.meters.refused.collect()
    return {
        sample.labels["reason"]: sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_messages_are_stored_and_then_forgotten_by_the_broker(
    context: WorkerContext, sessions: Sessions, river_station: str, broker: Mosquitto, version: str
) -> None:
    given = settings(broker, version=version)
    async with fetching(context, given):
        await asyncio.to_thread(broker.publish, messages(range(50)))
        await reach(sessions, 50)
    # What is published while nobody fetches waits; what was stored does not come again.
    await asyncio.to_thread(broker.publish, messages(range(50, 60)))
    async with fetching(context, given):
        await reach(sessions, 60)
    assert context.meters.observations.labels("mqtt", "accepted")._value.get() == 60
    assert context.meters.observations.labels("mqtt", "duplicate")._value.get() == 0


async def test_topics_name_what_payloads_need_not(
    context: WorkerContext, sessions: Sessions, river_station: str, broker: Mosquitto
) -> None:
    said = [
        ("water/river-1/cod/now", b"12.5"),
        ("water/river-1/ph/now", b'{"time": "2026-08-01T08:00:00+08:00", "value": 7.1}'),
        (TOPIC, json.dumps([row(1, unit="ug/L"), row(2, quality="fault")]).encode()),
    ]
    async with fetching(context, settings(broker)):
        await asyncio.to_thread(broker.publish, said)
        await reach(sessions, 4)
    async with sessions() as session:
        values = await session.scalars(text("SELECT value FROM observation ORDER BY value"))
        assert list(values) == [0.001, 2, 7.1, 12.5]


async def test_what_cannot_be_used_is_counted_and_does_not_come_back(
    context: WorkerContext, sessions: Sessions, river_station: str, broker: Mosquitto
) -> None:
    said = [
        (TOPIC, b"{"),
        (TOPIC, b"12"),
        (TOPIC, json.dumps([row(1, value="much"), row(2)]).encode()),
        (TOPIC, json.dumps(row(3, station="nowhere")).encode()),
        (TOPIC, b" " * 2000 + b"1"),
        ("water/river-1/cod/now", b"nan"),
    ]
    async with fetching(context, settings(broker, message_limit_bytes=1000)):
        await asyncio.to_thread(broker.publish, said)
        await reach(sessions, 1)
        await asyncio.to_thread(broker.publish, messages(range(10, 11)))
        await reach(sessions, 2)
    first = refused(context)
    assert first == {"row": 4, "size": 1}
    assert context.meters.observations.labels("mqtt", "rejected")._value.get() == 1
    async with sessions() as session:
        noted = await session.execute(
            text(
                "SELECT f.pointer, f.number FROM observation_refusal f"
                " JOIN observation_source s ON s.id = f.source_id WHERE s.kind = 'mqtt'"
            )
        )
        counted = {row.pointer: row.number for row in noted}
    # What is too large has no member; of the others each broke a rule of one.
    assert sum(counted.values()) == 6
    assert counted["/station"] >= 1
    assert counted["/value"] >= 1
    assert counted[""] >= 1
    async with fetching(context, settings(broker)):
        await asyncio.to_thread(broker.publish, messages(range(11, 12)))
        await reach(sessions, 3)
    assert refused(context) == first


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_retained_number_is_no_value_of_each_connection(
    context: WorkerContext, sessions: Sessions, river_station: str, broker: Mosquitto, version: str
) -> None:
    timed = b'{"time": "2026-08-01T08:00:00+08:00", "value": 7.1}'
    said = [("water/river-1/cod/now", b"12.5"), ("water/river-1/ph/now", timed)]
    await asyncio.to_thread(broker.publish, said, retain=True)
    given = settings(broker, version=version)
    for connection in range(1, 3):
        async with fetching(context, given):
            await asyncio.to_thread(broker.publish, messages(range(connection, connection + 1)))
            await reach(sessions, 1 + connection)
        assert refused(context) == {"retained": connection}
    # To who has subscribed it is published now, whether or not the broker keeps it, too.
    async with fetching(context, given):
        await asyncio.to_thread(broker.publish, said[:1], retain=True)
        await reach(sessions, 4)
    async with sessions() as session:
        told = await session.execute(
            text("SELECT number, detail_en FROM observation_refusal WHERE number > 0")
        )
        assert [tuple(row) for row in told] == [(3, "a retained number has no time of its own")]


async def test_a_broker_that_was_away_is_found_again(
    context: WorkerContext,
    sessions: Sessions,
    river_station: str,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "LONGEST_PAUSE_S", 0.5)
    async with fetching(context, settings(broker)):
        for first in range(0, 60, 20):
            await asyncio.to_thread(broker.publish, messages(range(first, first + 20)))
            broker.stop()
            await asyncio.sleep(0.2)
            broker.start()
        await reach(sessions, 60)
    async with sessions() as session:
        assert await session.scalar(REVISED) == 0


async def test_a_wrong_password_is_refused(
    context: WorkerContext, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_connection, "CONNECT_S", 5.0)
    wrong = settings(broker, url=SecretStr(broker.url.replace("feed:", "feed:x")))
    with pytest.raises(mqtt_connection.ConnectionLost, match="Not authorized"):
        async with mqtt_connection.BrokerConnection(wrong, [TOPIC]):
            pass


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_is_trusted_by_its_certificate(
    context: WorkerContext, mosquitto: None, tmp_path: Path
) -> None:
    files = make_certificates(tmp_path / "certificates")
    with running_mosquitto(tmp_path, certificates=files) as broker:
        async with mqtt_connection.BrokerConnection(settings(broker, **files), [TOPIC]):
            pass
        for wrong in ({}, {"tls_ca": files["tls_ca"]}):
            with pytest.raises((SSLError, mqtt_connection.ConnectionLost)):
                async with mqtt_connection.BrokerConnection(settings(broker, **wrong), [TOPIC]):
                    pass


async def test_what_an_outage_kept_from_being_stored_comes_again(
    context: WorkerContext,
    sessions: Sessions,
    river_station: str,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    async def store_all(*given: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked <= db_errors.TRIES:
            raise ConnectionError("away")
        return await ingest.store_all(*given, **options)

    monkeypatch.setattr(feeds, "store_all", store_all)
    monkeypatch.setattr(db_errors, "FIRST_PAUSE_S", 0.001)
    async with fetching(context, settings(broker)):
        await asyncio.to_thread(broker.publish, messages(range(30)))
        await reach(sessions, 30)
    assert asked > db_errors.TRIES
    assert refused(context) == {}


async def test_a_message_that_can_never_be_stored_is_refused_alone(
    context: WorkerContext,
    sessions: Sessions,
    river_station: str,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def store_all(transaction: Any, given: list[IncomingBatch], **options: Any) -> Any:
        if any(13 in getattr(one.batch, "value") for one in given):  # noqa: B009 - as columns
            raise ValueError("fits no column")
        return await ingest.store_all(transaction, given, **options)

    monkeypatch.setattr(feeds, "store_all", store_all)
    # Published first, so that they come together.
    given = settings(broker)
    async with fetching(context, given):
        pass
    await asyncio.to_thread(broker.publish, messages(range(30)))
    async with fetching(context, given):
        await reach(sessions, 29)
        await asyncio.to_thread(broker.publish, messages(range(30, 31)))
        await reach(sessions, 30)
    assert refused(context) == {"not_stored": 1}


async def test_late_values_of_a_closed_month_wait_for_its_file(
    context: WorkerContext,
    sessions: Sessions,
    river_station: str,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(mqtt, "LONGEST_PAUSE_S", 0.1)
    march = datetime(2026, 3, 10, tzinfo=UTC)
    await store_observations(sessions, [FeedObservation("river-1", "cod", march, 1)])
    async with sessions.begin() as session:
        await sum_up(session)
    assert await close_month(sessions, context.artifacts, date(2026, 3, 1))
    async with sessions() as session:
        uri = str(await session.scalar(text("SELECT uri FROM observation_archive")))
    file, aside = context.artifacts.local_path(uri), tmp_path / "aside"
    file.rename(aside)
    late = json.dumps(row(0, time=(march + timedelta(hours=1)).isoformat())).encode()
    given = settings(broker)
    async with fetching(context, given):
        pass
    # Published first, so that they come together.
    await asyncio.to_thread(broker.publish, [(TOPIC, late), *messages(range(20))])
    async with fetching(context, given):
        await reach(sessions, 20)
        await asyncio.to_thread(broker.publish, messages(range(20, 21)))
        await reach(sessions, 21)
        aside.rename(file)
        # The one that is fetched back, and the one that waited.
        await reach(sessions, 23)
    assert refused(context) == {}


async def test_what_is_stored_and_was_not_acknowledged_comes_again_and_is_there_once(
    context: WorkerContext,
    sessions: Sessions,
    river_station: str,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acknowledge = mqtt_connection.BrokerConnection.acknowledge
    stored_before: list[int] = []

    def lost(self: mqtt_connection.BrokerConnection, message: mqtt_connection.MqttMessage) -> None:
        if not stored_before:
            stored_before.append(message.number)
            raise mqtt_connection.ConnectionLost("killed between commit and acknowledgement")
        acknowledge(self, message)

    monkeypatch.setattr(mqtt_connection.BrokerConnection, "acknowledge", lost)
    monkeypatch.setattr(mqtt, "FIRST_PAUSE_S", 0.01)
    given = settings(broker)
    async with fetching(context, given):
        pass
    await asyncio.to_thread(broker.publish, messages(range(20)))
    duplicates = context.meters.observations.labels("mqtt", "duplicate")._value

    async def came_again() -> bool:
        return bool(duplicates.get())

    async with fetching(context, given):
        await eventually(came_again)
        await reach(sessions, 20)
    assert stored_before
    async with sessions() as session:
        assert await session.scalar(REVISED) == 0


async def take(
    connection: mqtt_connection.BrokerConnection, number: int
) -> list[mqtt_connection.MqttMessage]:
    """The next messages, which are not acknowledged."""
    taken: list[mqtt_connection.MqttMessage] = []
    async with asyncio.timeout(30):
        while len(taken) < number:
            taken += await connection.messages()
    assert len(taken) == number
    return taken


async def test_no_more_bytes_are_held_than_bounded(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_connection, "MOST_HELD", 300_000)
    given = settings(broker, message_limit_bytes=100_000)
    async with mqtt_connection.BrokerConnection(given, [TOPIC]) as connection:
        await asyncio.to_thread(broker.publish, [(TOPIC, b"x" * 100_000)] * 10)
        for number in (3, 3, 3, 1):
            taken = await take(connection, number)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.messages(), 0.5)
            for message in taken:
                connection.acknowledge(message)


async def test_of_a_message_that_is_too_large_the_size_alone_is_held(broker: Mosquitto) -> None:
    given = settings(broker, message_limit_bytes=1000)
    async with mqtt_connection.BrokerConnection(given, [TOPIC]) as connection:
        await asyncio.to_thread(broker.publish, [(TOPIC, b"x" * 1000), (TOPIC, b"x" * 3_000_000)])
        held = [(message.size, len(message.payload)) for message in await take(connection, 2)]
    assert held == [(1000, 1000), (3_000_000, 0)]


def slowly(messages: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """A message each millisecond, so that there are some to come when the first are stored."""
    for message in messages:
        time.sleep(0.001)
        yield message


async def test_every_message_is_there_once_after_a_worker_was_killed(
    workers: Workers, sessions: Sessions, river_station: str, broker: Mosquitto
) -> None:
    variables = {"SHANHAI_MQTT_URL": broker.url}
    number = 3000
    worker = workers.start(variables=variables)

    # Until somebody has subscribed, the broker has no reason to keep anything.
    async def subscribed() -> bool:
        return "Sending SUBACK" in (broker.folder / "mosquitto.log").read_text()

    await eventually(subscribed, within_s=60)
    workers.start(variables=variables)  # stands by
    sent = slowly(messages(range(number)))
    publishing = asyncio.create_task(asyncio.to_thread(broker.publish, sent))

    async def begun() -> bool:
        return await count(sessions) >= number // 10

    await eventually(begun)
    worker.kill()
    worker.wait(10)
    assert await count(sessions) < number
    await publishing
    await reach(sessions, number, within_s=60)
    async with sessions() as session:
        assert await session.scalar(REVISED) == 0


def publish_and_kill(broker: RabbitMq, number: int, after: int) -> set[int]:
    """Publish until the broker has acknowledged some and is killed: those it had acknowledged."""
    acknowledged: set[int] = set()
    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.username_pw_set(USER, PASSWORD)
    client.max_inflight_messages_set(500)
    client.on_publish = lambda _, __, mid, *___: acknowledged.add(mid)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent = {
        client.publish(*message, qos=1).mid: n for n, message in enumerate(messages(range(number)))
    }
    while len(acknowledged) < after:
        time.sleep(0.001)
    broker.kill()
    client.loop_stop()
    return {sent[mid] for mid in acknowledged}


@pytest.mark.skipif(rabbitmq_program() is None, reason=ABSENT)
async def test_what_rabbitmq_acknowledged_is_stored_although_it_was_killed(
    context: WorkerContext, sessions: Sessions, river_station: str, tmp_path: Path
) -> None:
    with running_rabbitmq(tmp_path) as broker:
        async with fetching(context, settings(broker)):
            pass
        acknowledged = await asyncio.to_thread(publish_and_kill, broker, 20_000, 2_000)
        assert 2_000 <= len(acknowledged) < 20_000
        broker.start()

        async def stored() -> bool:
            async with sessions() as session:
                return acknowledged <= {*await session.scalars(VALUES)}

        async with fetching(context, settings(broker)):
            await eventually(stored, within_s=60)
    async with sessions() as session:
        assert await session.scalar(REVISED) == 0
