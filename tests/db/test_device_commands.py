"""`shanhai devices` on a database."""

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sqlalchemy import func, select, update

from shanhai.db.observations.feeds import Device, read_devices
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.station import Station
from tests.support.feeds import DEVICE, PASSWORD, add_station
from tests.support.job_rows import open_sessions

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run: Run) -> Run:
    """Runs one of the commands in question."""
    return partial(run, "devices")


async def prepare(database_url: str) -> None:
    async with open_sessions(database_url) as sessions:
        await add_station(sessions, "river-1")


async def read(database_url: str) -> tuple[Sequence[Device], str]:
    async with open_sessions(database_url) as sessions, sessions() as session:
        images = await session.scalars(select(AuditLog.after).where(AuditLog.object_id == DEVICE))
        return await read_devices(session), str(images.all())


async def make_anew(database_url: str) -> None:
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            gone = update(Station).where(Station.code == "river-1")
            await session.execute(gone.values(deleted_at=func.now()))
        await add_station(sessions, "river-1")


def test_a_device_is_added_listed_and_removed(run: Run, database_url: str) -> None:
    asyncio.run(prepare(database_url))
    added = ("--station", "river-1", "--password", PASSWORD, "--unit", "a34004=mg/m3")
    assert run("add", DEVICE, *added) == (0, "")
    assert run("add", DEVICE, *added)[0] == 1
    listed, head = run("list")[1].splitlines()
    assert listed.split() == [DEVICE, "2011", "river-1"]
    assert head.split() == ["device", "command", "station"]
    told = [{"device": DEVICE, "command": "2011", "station": "river-1"}]
    assert json.loads(run("list", "--json")[1]) == told
    (device,), images = asyncio.run(read(database_url))
    assert device.units == {"a34004": "mg/m3"}
    assert device.knows(PASSWORD)
    assert not device.knows(PASSWORD + "7")
    assert device.password_sha256.hex() not in repr(device)
    assert "river-1" in images
    assert "password" not in images
    assert run("remove", DEVICE) == (0, "")
    assert run("remove", DEVICE)[0] == 1
    assert asyncio.run(read(database_url))[0] == []
    # A station that is deleted keeps no device from another.
    assert run("add", DEVICE, *added) == (0, "")
    asyncio.run(make_anew(database_url))
    assert json.loads(run("list", "--json")[1]) == []
    assert run("add", DEVICE, *added) == (0, "")
    assert json.loads(run("list", "--json")[1]) == told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no such", "--station", "river-1"], "device must not be 'no such'"),
        ([DEVICE, "--station", "nowhere"], "no station 'nowhere'"),
        ([DEVICE, "--station", "river-1", "--command", "2041"], "2011, 2051, 2061, 2031"),
        ([DEVICE, "--station", "river-1", "--password", "a;b"], "visible ASCII"),
        ([DEVICE, "--station", "river-1", "--unit", "mg/m3"], "pollutant=unit"),
    ],
)
def test_wrong_words_are_refused(run: Run, words: list[str], said: str) -> None:
    code, told = run("add", "--password", PASSWORD, *words)
    assert code == 1
    assert said in told
