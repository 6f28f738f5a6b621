"""The gateway for telegrams of HJ 212, over real connections and a real database."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from uvicorn.config import STARTUP_FAILURE

from shanhai.db.engine import Sessions
from shanhai.db.observations import feeds, ingest
from shanhai.errors import InvalidInput
from shanhai.monitoring.hj212.frame import FrameReader
from shanhai.monitoring.hj212.packet import ANSWER_WANTED, NUMBERED, VERSION_2017, read_packet
from shanhai.settings import Hj212Settings
from shanhai.shutdown import end
from shanhai_worker import context as db_errors
from shanhai_worker.context import WorkerContext
from shanhai_worker.feeds import hj212
from tests.support import serving
from tests.support.feeds import DEVICE, register, telegram
from tests.support.workers import Workers, eventually, free_port

HOUR = "DataTime=20260801080000"
READINGS = f"{HOUR};w01018-Rtd=12.5,w01018-Flag=N;w01001-Rtd=7.1,w01001-Flag=D"
STORED = text(
    "SELECT p.code, o.observed_at AT TIME ZONE 'UTC' AS at, o.value, o.quality"
    " FROM observation o JOIN observed_property p ON p.id = o.property_id ORDER BY 1, 2"
)
PATIENCE_S = 10.0


class Line:
    """A device's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()

    async def send(self, *frames: bytes) -> None:
        self._writer.write(b"".join(frames))
        await self._writer.drain()

    async def answers(self, number: int) -> list[tuple[str, str]]:
        """Command and number of the next answers."""
        found: list[tuple[str, str]] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < number:
                piece = await self._reader.read(4096)
                assert piece, f"hung up after {found}"
                packets = map(read_packet, self._frames.feed(piece))
                found += [(packet.command, packet.number) for packet in packets]
        return found

    async def hung_up(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            return not await self._reader.read(4096)


@asynccontextmanager
async def listening(context: WorkerContext, **settings: object) -> AsyncIterator[int]:
    """A gateway of those settings, and its port."""
    port = free_port()
    given = Hj212Settings.model_validate({"host": "127.0.0.1", "port": port, **settings})
    task = asyncio.create_task(hj212.run_gateway(context, given, skew=timedelta(minutes=5)))

    async def accepts() -> bool:
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
        except ConnectionError:
            return False
        return True

    try:
        await eventually(accepts, within_s=PATIENCE_S)
        yield port
    finally:
        await end(task)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def stored(sessions: Sessions) -> list[tuple[str, str, float, int]]:
    async with sessions() as session:
        rows = (await session.execute(STORED)).all()
    return [(row.code, f"{row.at:%Y-%m-%d %H:%M}", row.value, row.quality) for row in rows]


def refused(context: WorkerContext) -> dict[str, float]:
    """What was refused, by reason."""
    (metric,) = context.meters.refused.collect()
    return {
        sample.labels["reason"]: sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


async def test_values_are_stored_before_the_answer(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station)
    async with listening(context) as port, connected(port) as line:
        await line.send(telegram(READINGS))
        assert await line.answers(1) == [("9014", "20260801085857223")]
        assert await stored(sessions) == [
            ("cod", "2026-08-01 00:00", 12.5, 0),
            ("ph", "2026-08-01 00:00", 7.1, 4),
        ]


async def test_what_is_sent_again_is_there_once(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station)
    async with listening(context) as port:
        for _ in range(2):
            async with connected(port) as line:
                await line.send(telegram(READINGS), telegram(READINGS))
                assert len(await line.answers(2)) == 2
    # A gateway that was started anew remembers nothing, and yet stores nothing twice.
    async with listening(context) as port, connected(port) as line:
        await line.send(telegram(READINGS))
        await line.answers(1)
    assert len(await stored(sessions)) == 2
    async with sessions() as session:
        revised = await session.scalar(text("SELECT count(*) FROM observation_revision"))
    assert revised == 0


async def test_telegrams_of_one_number_are_stored_as_their_contents_differ(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    """A recorder without milliseconds sends several within a second, one after the other."""
    await register(sessions, river_station)
    backlog = [f"DataTime=2026080108{minute}00;w01018-Rtd={minute}" for minute in (10, 20, 30)]
    async with listening(context) as port, connected(port) as line:
        for content in (*backlog, backlog[0]):
            await line.send(telegram(content))
            assert await line.answers(1) == [("9014", "20260801085857223")]
    assert [row[2] for row in await stored(sessions)] == [10, 20, 30]
    assert refused(context) == {"repeated": 1}


async def test_parts_are_stored_and_answered_together(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station)
    flag = VERSION_2017 | NUMBERED | ANSWER_WANTED
    first = telegram(f"{HOUR};w01018-Rtd=12.5", flag=flag, parts=2, part=1)
    second = telegram("w01001-Rtd=7.1", flag=flag, parts=2, part=2)
    async with listening(context) as port, connected(port) as line:
        await line.send(second)
        await line.send(first)
        assert await line.answers(1) == [("9014", "20260801085857223")]
    assert [row[0] for row in await stored(sessions)] == ["cod", "ph"]


async def test_only_the_command_registered_is_kept_in_the_units_registered(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station, command="2061", units={"w01018": "ug/L"})
    mean = f"{HOUR};w01018-Min=1000,w01018-Avg=12500,w01018-Max=20000,w01018-Flag=N"
    async with listening(context) as port, connected(port) as line:
        await line.send(
            telegram(READINGS, number="20260801085857001"),
            telegram(mean, number="20260801085857002", command="2061"),
            telegram(f"{HOUR};SB1-RS=1", number="20260801085857003", command="2021"),
            telegram("", number="20260801085857004", command="1013"),
        )
        assert [command for command, _ in await line.answers(4)] == ["9014"] * 3 + ["9013"]
    assert await stored(sessions) == [("cod", "2026-08-01 00:00", 12.5, 0)]
    assert refused(context) == {"unused": 3}


async def test_what_is_wrong_is_counted_and_never_stored(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station)
    good = telegram(READINGS)
    async with listening(context) as port, connected(port) as line:
        await line.send(
            good.replace(b"=12.5", b"=12.6"),
            good.replace(b"##01", b"##02"),
            telegram(READINGS, password="654321"),
            telegram(READINGS, device=DEVICE[::-1]),
            telegram("w01018-Rtd=12.5"),
            telegram(READINGS, command="9999"),
            b"GET / HTTP/1.1\r\n\r\n",
            telegram(f"{HOUR};w01018-Rtd=x;w01001-Rtd=7.1"),
        )
        await line.answers(1)
    assert [row[0] for row in await stored(sessions)] == ["ph"]
    wrong = ("crc", "length", "password", "device", "fields", "command", "reading")
    assert refused(context) == dict.fromkeys(wrong, 1)
    async with sessions() as session:
        told = await session.scalar(text("SELECT detail_en FROM observation_refusal"))
    assert told == f"{DEVICE}, w01018: Rtd must be a number, not 'x'"


async def test_a_unit_that_does_not_convert_is_refused_when_a_device_is_registered(
    sessions: Sessions, river_station: str
) -> None:
    with pytest.raises(InvalidInput, match="'kg' of w01018 does not convert to mg/L"):
        await register(sessions, river_station, units={"w01018": "kg"})
    with pytest.raises(InvalidInput, match="no observed property is pollutant 'a99999'"):
        await register(sessions, river_station, units={"a99999": "mg/L"})


async def test_what_an_outage_kept_from_being_stored_is_not_answered(
    context: WorkerContext, sessions: Sessions, river_station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(sessions, river_station)
    away = True

    async def store_all(*given: Any, **options: Any) -> Any:
        if away:
            raise ConnectionError("away")
        return await ingest.store_all(*given, **options)

    async def noted() -> bool:
        return refused(context) == {"not_stored": 1}

    monkeypatch.setattr(feeds, "store_all", store_all)
    monkeypatch.setattr(db_errors, "FIRST_PAUSE_S", 0.001)
    async with listening(context) as port, connected(port) as line:
        await line.send(telegram(READINGS, number="20260801085857001"))
        await eventually(noted)
        away = False
        await line.send(telegram(READINGS, number="20260801085857002"))
        assert await line.answers(1) == [("9014", "20260801085857002")]
        await line.send(telegram(READINGS, number="20260801085857001"))
        assert await line.answers(1) == [("9014", "20260801085857001")]
    assert len(await stored(sessions)) == 2


async def test_strangers_and_silent_ones_are_disconnected(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    await register(sessions, river_station)
    elsewhere = (ip_network("10.0.0.0/8"),)
    async with listening(context, networks=elsewhere) as port, connected(port) as line:
        assert await line.hung_up()
    async with listening(context, idle_s=1) as port, connected(port) as line:
        await line.send(b"##")
        assert await line.hung_up()
    async with listening(context) as port, connected(port) as line:
        await line.send(telegram(READINGS, password="654321") * 150)
        assert await line.hung_up()
    async with listening(context, connections=1) as port, connected(port) as line:
        await line.send(telegram(READINGS))
        await line.answers(1)
        async with connected(port) as other:
            assert await other.hung_up()
    counts = refused(context)
    assert counts["password"] >= 100
    assert counts["network"] == 2  # the first looked whether it listens
    assert counts["connections"] == 1


async def test_many_devices_share_commits(
    context: WorkerContext, sessions: Sessions, river_station: str
) -> None:
    names = [f"{DEVICE[:-2]}{number:02}" for number in range(30)]
    for name in names:
        await register(sessions, river_station, device=name)
    async with sessions() as session:
        before = await session.scalar(text("SELECT pg_current_xact_id()::text::bigint"))

    async def push(device: str, minute: int) -> None:
        async with connected(port) as line:
            at = f"DataTime=2026080108{minute:02}00"
            await line.send(telegram(f"{at};w01018-Rtd={minute}", device=device))
            await line.answers(1)

    async with listening(context) as port:
        await asyncio.gather(*(push(name, at) for at, name in enumerate(names)))
    assert len(await stored(sessions)) == len(names)
    async with sessions() as session:
        after = await session.scalar(text("SELECT pg_current_xact_id()::text::bigint"))
    assert after - before < len(names)


def test_a_taken_port_ends_the_worker_in_one_line(workers: Workers, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        variables = {"SHANHAI_HJ212_HOST": "127.0.0.1", "SHANHAI_HJ212_PORT": port}
        assert workers.start(variables=variables).wait(serving.PATIENCE_S) == STARTUP_FAILURE
    said = (tmp_path / "worker.log").read_text()
    assert "Traceback" not in said
    (line,) = (line for line in said.splitlines() if "SHANHAI_HJ212_HOST, _PORT" in line)
    assert port in line
