"""Observations in: beside a raw COPY of the same rows, row by row, and from many feeds at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os import environ
from urllib.parse import urlsplit

import asyncpg
import numpy as np
import orjson

from benchmarks.http_load import read_answer
from benchmarks.report import Row, Setup, Table
from benchmarks.sensorthings_peer import DATABASE, serving_sensorthings
from benchmarks.timing import Sample, Side, alternate
from benchmarks.workbench import Workbench
from shanhai.errors import Unavailable

ROWS = int(environ.get("BENCH_OBSERVATIONS", "1000000"))
"""Rows of a round."""
STATIONS = 1_000
BODY_ROWS = 50_000
CONNECTIONS = 2
ROUNDS = 3
FEEDS = 200
FEED_S = 10
SINGLE = 300
COPY_TARGET, SINGLE_TARGET, P95_S = 0.45, 20.0, 0.020
START = datetime(2015, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
RECENT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=10)
"""When single observations and those of feeds begin."""
FED_FROM = 1_000
"""Seconds after that from which feeds send; single ones come before, and from 1200 on."""
SENSED_FROM = 3_000
"""Seconds after it from which Observations of SensorThings are."""
PROPERTY = "pm25"
FLOOR_COLUMNS = (
    *("observed_at", "value", "received_at", "station_id", "source_id"),
    *("property_id", "quality", "flags"),
)
ADD_STATIONS = """
  INSERT INTO station (visibility, code, name_zh, name_en, kind, valid_from, geom)
  SELECT 'public', 'bench' || n, '站 ' || n, 'Station ' || n, 'land', NULL,
         ST_SetSRID(ST_MakePoint(118, 24.5), 4490)
    FROM generate_series(0, $1 - 1) n
"""
SETUP = Setup(
    settings="every row durable when it is answered",
    warm="keys, stations and series known, partitions there; every row is new",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Sustained batches, single observations one after another, and many feeds at a pace."""
    table = Table("observations", _title(), "the other side", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(prepare(bench.stack.database_url))
        client = Client(bench.stack.api_url, bench.key)
        # First: what the batches leave behind is summed up by the worker for a while.
        loop.run(_send_singly(client, 0))
        latencies = loop.run(_feed(client))
        table.rows.append(
            Row(
                f"single observation of {FEEDS} feeds, 95th percentile, beside {P95_S * 1e3:g} ms",
                Sample((float(np.quantile(latencies, 0.95)),)),
                Sample((P95_S,)),
                target=1.0,
                facts={"median ms": float(np.median(latencies)) * 1e3},
                setup=replace(SETUP, connections=(FEEDS, 0)),
            )
        )
        alone = Sample(
            tuple(loop.run(_send_singly(client, 4 + number)) for number in range(ROUNDS))
        )
        table.rows.append(_beside_sensorthings(loop, bench, client))
        times = max(1, ROWS // STATIONS)
        ours, floor = alternate(
            lambda number: loop.run(send_batches(client, number, times)),
            lambda number: loop.run(copy_rows(bench.stack.database_url, number, times)),
            rounds=ROUNDS,
        )
        table.rows.append(
            Row(
                f"rows by NDJSON, beside COPY, both over {CONNECTIONS} connections",
                ours,
                floor,
                target=COPY_TARGET,
                facts={"rows/s": 1 / ours.median, "COPY rows/s": 1 / floor.median},
                setup=replace(SETUP, connections=(CONNECTIONS, CONNECTIONS), processes=(1, 0)),
            )
        )
        setup = replace(SETUP, connections=(CONNECTIONS, 1))
        what = "rows by NDJSON, beside one by one"
        table.rows.append(Row(what, ours, alone, target=SINGLE_TARGET, setup=setup))
    return table


def _title() -> str:
    return f"{ROWS:,} rows a round of {STATIONS:,} stations, in bodies of {BODY_ROWS:,} rows"


class Client:
    """Sends bodies over kept-alive connections, and looks at what became of them."""

    def __init__(self, base_url: str, key: str) -> None:
        parts = urlsplit(base_url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.fields = f"Host: {self.host}:{self.port}\r\nAuthorization: Bearer {key}\r\n"

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection."""
        return await asyncio.open_connection(self.host, self.port)

    async def drain(self, bodies: Iterator[bytes], expected: int) -> list[float]:
        """Send bodies of so many new rows one after another; the seconds each took."""
        reader, writer = await self.open()
        taken = []
        for body in bodies:
            started = time.perf_counter()
            await self.send(body, expected, reader, writer)
            taken.append(time.perf_counter() - started)
        writer.close()
        return taken

    async def send(
        self,
        body: bytes,
        expected: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Send one body, all of whose rows must be new."""
        _, answer = await self.post("/observations", "application/x-ndjson", body, reader, writer)
        told = orjson.loads(answer)
        if told.get("accepted") != expected:
            raise Unavailable(f"{answer[:300]!r}, not {expected} accepted")

    async def post(
        self,
        path: str,
        content_type: str,
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        more: str = "",
    ) -> tuple[bytes, bytes]:
        """Head and body of the answer to a request, with more fields of its head."""
        head = (
            f"POST {path} HTTP/1.1\r\n{self.fields}{more}Content-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        return await read_answer(reader)


def _lines(
    first: int,
    times: int,
    stations: Sequence[int],
    start: datetime = START,
    every: timedelta = STEP,
) -> Iterator[bytes]:
    """Rows in the order they come about: all stations at one time, then at the next."""
    for step in range(first, first + times):
        moment = (start + step * every).isoformat()
        for station in stations:
            yield (
                f'{{"station":"bench{station}","property":"{PROPERTY}","time":"{moment}",'
                f'"value":{(step * 7 + station) % 300}}}'
            ).encode()


def _bodies(first: int, times: int) -> list[tuple[bytes, int]]:
    lines = list(_lines(first, times, range(STATIONS)))
    parts = [lines[start : start + BODY_ROWS] for start in range(0, len(lines), BODY_ROWS)]
    return [(b"\n".join(part), len(part)) for part in parts]


async def send_batches(client: Client, number: int, times: int) -> float:
    """Seconds per row, over connections that each wait for their answers."""
    bodies = _bodies(number * times, times)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for connection in range(CONNECTIONS):
            group.create_task(_send_share(client, bodies[connection::CONNECTIONS]))
    return (time.perf_counter() - started) / (STATIONS * times)


async def _send_share(client: Client, bodies: Sequence[tuple[bytes, int]]) -> None:
    reader, writer = await client.open()
    for body, rows in bodies:
        await client.send(body, rows, reader, writer)
    writer.close()


async def _send_singly(client: Client, number: int) -> float:
    """Seconds per row, each in a request of its own."""
    lines = _lines(number * SINGLE, SINGLE, [0], RECENT, timedelta(seconds=1))
    taken = await client.drain(lines, 1)
    return float(np.mean(taken))


async def _send_sensing(client: Client, number: int) -> float:
    """Seconds per row, each an Observation of SensorThings that is created by its own request."""
    return await _create_singly(client, "/sta/v1.1/Observations", SENSED_FROM + number * SINGLE)


async def _create_singly(
    client: Client, path: str, first: int, datastream: str = f"bench0:{PROPERTY}"
) -> float:
    reader, writer = await client.open()
    started = time.perf_counter()
    for step in range(first, first + SINGLE):
        body = {
            "phenomenonTime": RECENT + timedelta(seconds=step),
            "result": step % 300,
            "Datastream": {"@iot.id": datastream},
        }
        head, answer = await client.post(
            path, "application/json", orjson.dumps(body), reader, writer
        )
        if int(head[9:12]) != 201:
            raise Unavailable(f"{answer[:300]!r}, not created")
    seconds = time.perf_counter() - started
    writer.close()
    return seconds / SINGLE


def _running(
    loop: asyncio.Runner, send: Callable[[Client, int], Awaitable[float]], client: Client
) -> Side:
    """What sends over a client for each round."""

    async def sent(number: int) -> float:
        return await send(client, number)

    return lambda number: loop.run(sent(number))


def _beside_sensorthings(loop: asyncio.Runner, bench: Workbench, client: Client) -> Row:
    """Requests of one observation each, beside another server of SensorThings."""
    bench.stack.postgres.execute(f"CREATE DATABASE {DATABASE}")
    url = bench.stack.postgres.url(DATABASE)
    with serving_sensorthings(url, bench.made("sensorthings_peer")) as peer:

        async def theirs(other: Client, number: int) -> float:
            return await _create_singly(other, peer.path, number * SINGLE, peer.datastream)

        pair = alternate(
            _running(loop, _send_sensing, client),
            _running(loop, theirs, Client(peer.base_url, bench.key)),
            rounds=ROUNDS,
        )
    return Row("one by one by SensorThings, beside django-ogc-sensorthings", *pair, target=1.0)


async def _feed(client: Client) -> list[float]:
    """Seconds each single observation took, from feeds that send one each second."""
    found: list[float] = []

    async def feed(station: int) -> None:
        reader, writer = await client.open()
        await asyncio.sleep(station / FEEDS)
        due = time.perf_counter()
        for body in _lines(FED_FROM, FEED_S, [station], RECENT, timedelta(seconds=1)):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            started = time.perf_counter()
            await client.send(body, 1, reader, writer)
            found.append(time.perf_counter() - started)
            due += 1
        writer.close()

    async with asyncio.TaskGroup() as group:
        for station in range(FEEDS):
            group.create_task(feed(station))
    return found


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        known = await connection.fetchval("SELECT count(*) FROM station WHERE code = 'bench0'")
        if not known:
            await connection.execute(ADD_STATIONS, STATIONS)
            await connection.execute(
                "CREATE TABLE floor_observation (LIKE observation INCLUDING ALL)"
                " PARTITION BY RANGE (observed_at)"
            )
            for month in range(12 * (datetime.now(UTC).year + 2 - START.year)):
                first, end = _month(month), _month(month + 1)
                await connection.execute(
                    f"CREATE TABLE floor_observation_{month} PARTITION OF floor_observation"
                    f" FOR VALUES FROM ('{first}') TO ('{end}')"
                )
    finally:
        await connection.close()


def _month(number: int) -> str:
    return f"{START.year + number // 12}-{number % 12 + 1:02d}-01 00:00:00+00"


async def copy_rows(url: str, number: int, times: int) -> float:
    """Seconds per row of a COPY of text, in portions and over connections as the bodies."""
    rows = [
        (START + step * STEP, (step * 7 + station) % 300, station)
        for step in range(number * times, (number + 1) * times)
        for station in range(STATIONS)
    ]
    portions = [
        "".join(
            f"{moment.isoformat()}\t{value}\t{moment.isoformat()}\t{station}\t1\t1\t0\t0\n"
            for moment, value, station in rows[start : start + BODY_ROWS]
        ).encode()
        for start in range(0, len(rows), BODY_ROWS)
    ]
    connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for first, connection in enumerate(connections):
            group.create_task(_copy_share(connection, portions[first::CONNECTIONS]))
    seconds = time.perf_counter() - started
    for connection in connections:
        await connection.close()
    return seconds / len(rows)


async def _copy_share(connection: asyncpg.Connection, portions: Sequence[bytes]) -> None:
    for portion in portions:
        await connection.copy_to_table(
            "floor_observation", source=_stream(portion), columns=FLOOR_COLUMNS
        )


async def _stream(portion: bytes) -> AsyncIterator[bytes]:
    yield portion
