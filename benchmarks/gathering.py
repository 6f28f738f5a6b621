"""Observations that come few at a time, from many at once, each acknowledged when it is durable.

Single requests over one connection and over 200, beside a service that inserts into a table of the
same kind and does nothing else, over as many; what comes by MQTT and by HJ 212 beside a COPY of as
many rows. Messages and telegrams have ten values, as those of a station of water or air do.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import count, islice, product
from os import environ
from urllib.parse import unquote, urlsplit

import asyncpg
import orjson
import uvloop
from pydantic import SecretStr

from benchmarks.insert_peer import serving_inserts
from benchmarks.observations import STATIONS, Client, copy_rows, prepare
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample, alternate
from benchmarks.workbench import Workbench
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.observations.feeds import add_device
from shanhai.db.queries.keys import OPERATOR
from shanhai.errors import Unavailable
from shanhai.local.servers import PrivateBroker
from shanhai.local.stack import Stack
from shanhai.monitoring.hj212.frame import frame
from shanhai.monitoring.hj212.packet import ANSWER_WANTED, VERSION_2017, Packet
from shanhai.settings import DatabaseSettings
from tests.support.rabbitmq import rabbitmq_program, running_rabbitmq

CONNECTIONS = 64
SINGLE = int(environ.get("BENCH_SINGLE_OBSERVATIONS", "12800"))
FED = int(environ.get("BENCH_FED_OBSERVATIONS", "100000"))
VALUES = 10
ROUNDS = 3
SENDERS = (1, 64, 200)
"""Connections of single requests."""
ALONE = 1_000
"""Single requests over one connection."""
SINGLE_TARGET, SINGLE_S, FED_S = 0.5, 1 / 2_500, 1 / 20_000
"""Seconds an observation may take, of many one by one and by feeds."""
PASSWORD = "123456"  # noqa: S105 - of devices that are not there
ZONE = timezone(timedelta(hours=8))
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
TOPIC = "shanhai/observations"
NOBODYS = "benchmark/observations"
"""A topic that the platform does not fetch."""
SLOW_BROKER = "MQTT with a broker that writes down every message"
QUICK_BROKER = "MQTT with a broker that writes down every two seconds"
RABBITMQ = "MQTT with RabbitMQ (it acknowledges what it has written down)"
PATIENCE_S = 120.0
Feed = Callable[[], Awaitable[float]]
Sent = tuple[str, object, int]
"""Path, body and the status it is answered with."""
_steps = count()
"""Seconds after START, each of which is used once."""
_copies = count()
SETUP = Setup(
    settings="every row durable when it is answered, but for a broker that writes down every two "
    f"seconds; one key may have {2 * max(SENDERS)} requests in hand",
    warm="keys, stations and series known, partitions there; every row is new",
    connections=(CONNECTIONS, 2),
)


def run(bench: Workbench) -> Table:
    """Each way in turn with its peer."""
    table = Table(
        "gathering",
        f"{CONNECTIONS} devices, {VALUES} values a message",
        "the peer",
        setup=SETUP,
    )
    url = bench.stack.database_url
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop,
        serving_inserts(url, bench.made("insert_peer")) as base_url,
    ):
        _admit_many(bench.stack)
        loop.run(prepare(url))
        codes = loop.run(_add_devices(url))
        client, bare = Client(bench.stack.api_url, bench.key), Client(base_url, bench.key)
        ways = (("/observations", _one), ("SensorThings", _sensed))
        for senders, (name, send) in product(SENDERS, ways):
            ours, floor = alternate(
                lambda _, send=send, senders=senders: loop.run(_singly(client, send, senders)),
                lambda _, senders=senders: loop.run(_singly(bare, _bare, senders)),
                rounds=ROUNDS,
            )
            told = f"single requests to {name} over {senders}, beside Starlette and INSERT"
            setup = replace(SETUP, connections=(senders, senders))
            rows = _rows(told, ours, floor, setup, SINGLE_S, SINGLE_TARGET)
            table.rows += islice(rows, 1 if senders == 1 else 2)
        stack = bench.stack
        table.rows += _fed(
            loop, url, "HJ 212", lambda: _by_hj212(stack.gateway_port, codes), CONNECTIONS
        )
        by_mqtt: Feed = lambda: _by_mqtt(stack.broker.url(), url, codes)  # noqa: E731
        table.rows += _fed(loop, url, SLOW_BROKER, by_mqtt)
        table.rows.append(
            _beside_broker(loop, by_mqtt, partial(_through_broker, stack.broker.url(), codes))
        )
        _hasten(stack.broker)
        table.rows += _fed(loop, url, QUICK_BROKER, by_mqtt)
        if rabbitmq_program() is None:
            return replace(table, title=f"{table.title}; without RabbitMQ, for want of it")
        with running_rabbitmq(bench.made("rabbitmq")) as broker:
            loop.run(_fetch_from(stack, broker.url, url, codes))
            table.rows += _fed(loop, url, RABBITMQ, lambda: _by_mqtt(broker.url, url, codes))
    return table


def _fed(
    loop: asyncio.Runner, url: str, name: str, feed: Feed, connections: int = 1
) -> Iterator[Row]:
    """What comes by a feed, beside a COPY of as many rows."""
    ours, floor = alternate(
        lambda _: loop.run(_awaited(feed)),
        lambda _: loop.run(copy_rows(url, next(_copies), FED // STATIONS)),
        rounds=ROUNDS,
    )
    setup = replace(SETUP, connections=(connections, 2))
    return _rows(f"observations by {name}, beside COPY", ours, floor, setup, FED_S)


def _beside_broker(loop: asyncio.Runner, feed: Feed, alone: Feed) -> Row:
    """What the broker itself allows: a subscriber that takes each message and stores none."""
    ours, floor = alternate(
        lambda _: loop.run(_awaited(feed)), lambda _: loop.run(_awaited(alone)), rounds=ROUNDS
    )
    rates = {"each second": 1 / ours.median, "the broker's": 1 / floor.median}
    told = f"observations by {SLOW_BROKER}, beside that broker with nobody who stores them"
    return Row(told, ours, floor, facts=rates, setup=replace(SETUP, connections=(1, 1)))


def _admit_many(stack: Stack) -> None:
    """Start the API so that one key may have as many requests in hand as are sent at once here."""
    api = stack.services["api"]
    api.ask_to_stop()
    api.stop()
    api.start({**stack.environment_of("api"), "SHANHAI_API_MOST_OF_ONE": str(2 * max(SENDERS))})
    api.wait_until_ready()


def _hasten(broker: PrivateBroker) -> None:
    """Start the broker as docs/guide/feeds.md has it for thousands of messages a second."""
    slow = broker.configuration
    broker.configuration = slow.replace("_changes true", "_changes false").replace("200", "4000")
    broker.stop()
    broker.start()


async def _fetch_from(stack: Stack, broker: str, url: str, codes: Sequence[str]) -> None:
    """Start the worker with another broker, and wait until what is published there is stored."""
    worker = stack.services["worker"]
    worker.ask_to_stop()
    worker.stop()
    worker.start({**stack.environment_of("worker"), "SHANHAI_MQTT_URL": broker})
    worker.wait_until_ready()
    connection = await asyncpg.connect(url)
    try:
        before, started = await _stored(connection), time.perf_counter()
        # Until somebody has subscribed, a broker keeps nothing.
        while await _stored(connection) == before:
            if time.perf_counter() - started > PATIENCE_S:
                raise Unavailable("the worker fetches nothing from RabbitMQ")
            at = START + timedelta(seconds=next(_steps))
            await _publish(broker, TOPIC, [_message(0, at, codes)])
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


def _rows(
    told: str,
    ours: Sample,
    floor: Sample,
    setup: Setup,
    allowed_s: float,
    target: float | None = None,
) -> Iterator[Row]:
    rates = {"each second": 1 / ours.median, "the peer's": 1 / floor.median}
    yield Row(told, ours, floor, target, facts=rates, setup=setup)
    allowed = f"{told.partition(',')[0]}, beside the time one may take"
    yield Row(allowed, ours, Sample((allowed_s,)), 1.0, setup=setup)


async def _awaited(feed: Feed) -> float:
    return await feed()


def _one(station: int, at: datetime) -> Sent:
    code = f"bench{station}"
    body = {"station": code, "property": "pm25", "time": at.isoformat(), "value": station % 300}
    return "/observations", body, 202


def _sensed(station: int, at: datetime) -> Sent:
    stream = {"@iot.id": f"bench{station}:pm25"}
    body = {"phenomenonTime": at, "result": station % 300, "Datastream": stream}
    return "/sta/v1.1/Observations", body, 201


def _bare(station: int, at: datetime) -> Sent:
    return "/Observations", _sensed(station, at)[1], 201


async def _singly(client: Client, send: Callable[[int, datetime], Sent], connections: int) -> float:
    """Seconds per observation, each in a request of its own; a station has one connection.

    Connections take from what is left, as processes of a service do not get equally many.
    """
    number_of = SINGLE if connections > 1 else ALONE
    first, left = next(_steps), iter(range(number_of))

    async def drain(station: int) -> None:
        reader, writer = await client.open()
        for number in left:
            path, body, status = send(
                station, START + timedelta(milliseconds=number, seconds=first)
            )
            sent = orjson.dumps(body)
            head, answer = await client.post(path, "application/json", sent, reader, writer)
            if int(head[9:12]) != status:
                raise Unavailable(f"{answer[:300]!r}, not {status}")
        writer.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for station in range(connections):
            group.create_task(drain(station))
    for _ in range(number_of // 1_000):
        next(_steps)
    return (time.perf_counter() - started) / number_of


async def _add_devices(url: str) -> list[str]:
    """A device for each connection; the codes of what they measure in HJ 525."""
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application="bench")
    try:
        async with create_sessions(engine).begin() as session:
            for number in range(CONNECTIONS):
                await add_device(
                    session,
                    _device(number),
                    station=f"bench{number}",
                    password=PASSWORD,
                    command="2011",
                    units={},
                    act=OPERATOR,
                )
    finally:
        await engine.dispose()
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT hj525 FROM observed_property WHERE hj525 IS NOT NULL ORDER BY id LIMIT $1"
        return [row["hj525"] for row in await connection.fetch(query, VALUES)]
    finally:
        await connection.close()


def _device(number: int) -> str:
    return f"BENCH{number:019d}"


async def _by_hj212(port: int, codes: Sequence[str]) -> float:
    """Seconds per observation of devices that wait for each telegram's answer."""
    times = FED // VALUES // CONNECTIONS
    steps = [next(_steps) for _ in range(times)]

    async def push(device: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for step in steps:
            writer.write(_telegram(device, START + timedelta(seconds=step), codes))
            await reader.readuntil(b"\r\n")
        writer.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for device in range(CONNECTIONS):
            group.create_task(push(device))
    return (time.perf_counter() - started) / (times * VALUES * CONNECTIONS)


def _telegram(device: int, at: datetime, codes: Sequence[str]) -> bytes:
    told = f"{at.astimezone(ZONE):%Y%m%d%H%M%S}"
    values = ";".join(f"{code}-Rtd={device % 7 + 1}.5,{code}-Flag=N" for code in codes)
    content = f"DataTime={told};{values}"
    flag = VERSION_2017 | ANSWER_WANTED
    packet = Packet(
        f"{told}{device:03d}", "21", "2011", PASSWORD, _device(device), flag, content, 1, 1
    )
    return frame(packet.segment())


async def _by_mqtt(broker: str, url: str, codes: Sequence[str]) -> float:
    """Seconds per observation until the last is stored, published as fast as the broker takes."""
    payloads = _messages(codes)
    connection = await asyncpg.connect(url)
    try:
        before = await _stored(connection)
        started = time.perf_counter()
        await _publish(broker, TOPIC, payloads)
        while await _stored(connection) - before < len(payloads) * VALUES:
            if time.perf_counter() - started > PATIENCE_S:
                raise Unavailable(f"{await _stored(connection) - before} stored of {FED}")
            await asyncio.sleep(0.05)
        return (time.perf_counter() - started) / (len(payloads) * VALUES)
    finally:
        await connection.close()


async def _through_broker(broker: str, codes: Sequence[str]) -> float:
    """Seconds per observation until the last has reached a subscriber, which stores none."""
    payloads = _messages(codes)
    # A session that the broker keeps, as whoever must not lose a message has.
    reader, writer = await _greeted(broker, "bench-subscriber", keeps=True)
    writer.write(_packet(0x82, struct.pack("!H", 1) + _text(NOBODYS) + b"\x01"))
    await reader.readexactly(5)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(_publish(broker, NOBODYS, payloads))
        for _ in payloads:
            await reader.readexactly(1)
            size, shift, more = 0, 0, True
            while more:
                (low,) = await reader.readexactly(1)
                size, shift, more = size | (low & 127) << shift, shift + 7, low > 127
            start = 2 + len(NOBODYS)
            number = (await reader.readexactly(size))[start : start + 2]
            writer.write(_packet(0x40, number))
    writer.close()
    return (time.perf_counter() - started) / (len(payloads) * VALUES)


def _messages(codes: Sequence[str]) -> list[bytes]:
    """Those of a hundred stations in turn, as many as have all the observations of a round."""
    stations, messages = 100, FED // VALUES
    step_of = [next(_steps) for _ in range(-(-messages // stations))]
    return [
        _message(number % stations, START + timedelta(seconds=step_of[number // stations]), codes)
        for number in range(messages)
    ]


def _message(station: int, at: datetime, codes: Sequence[str]) -> bytes:
    time_ = at.isoformat()
    rows = [
        {"station": f"bench{station}", "property": code, "time": time_, "value": 2.5 + station % 7}
        for code in codes
    ]
    return orjson.dumps(rows)


async def _stored(connection: asyncpg.Connection) -> int:
    query = """SELECT count(*) FROM observation o JOIN observation_source s ON s.id = o.source_id
                WHERE s.kind = 'mqtt' AND o.observed_at >= $1"""
    return int(await connection.fetchval(query, START))


async def _publish(broker: str, topic: str, payloads: Sequence[bytes]) -> None:
    """Publish with quality 1, a thousand unacknowledged at most."""
    reader, writer = await _greeted(broker, "bench-publisher")
    for first in range(0, len(payloads), 1_000):
        part = payloads[first : first + 1_000]
        for number, payload in enumerate(part, 1):
            writer.write(_packet(0x32, _text(topic) + struct.pack("!H", number) + payload))
        await writer.drain()
        await reader.readexactly(4 * len(part))
    writer.close()


async def _greeted(
    broker: str, client: str, *, keeps: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection the broker has let in, whose session it keeps or forgets."""
    parts = urlsplit(broker)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    words = (unquote(parts.username or ""), unquote(parts.password or ""))
    head = _text("MQTT") + struct.pack("!BBH", 4, 0b11000000 | (not keeps) << 1, 60) + _text(client)
    writer.write(_packet(0x10, head + b"".join(map(_text, words))))
    await reader.readexactly(4)
    return reader, writer


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, low = divmod(size, 128)
        length.append(low | (128 if size else 0))
        if not size:
            return bytes([kind, *length]) + body
