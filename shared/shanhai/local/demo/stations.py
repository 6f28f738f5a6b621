"""The demo's stations, each fed its own way: HTTP, SensorThings, MQTT and HJ 212.

Their values are made here, by formulas, and say so: they show how feeds work, not how Xiamen's air
and water are.
"""

import asyncio
import json
import math
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.client import ApiClient
from shanhai.db.engine import async_url
from shanhai.db.observations.feeds import add_device
from shanhai.db.queries.keys import OPERATOR
from shanhai.errors import Conflict, NotFound, Unavailable
from shanhai.local.servers import BROKER_USER
from shanhai.local.services import HOST
from shanhai.local.stack import Stack
from shanhai.monitoring.hj212.frame import frame
from shanhai.monitoring.hj212.packet import ANSWER_WANTED, BEIJING, VERSION_2017, Packet

DAYS = 30
PATIENCE_S = 30.0
DEVICE, DEVICE_PASSWORD = "SHANHAIDEMORIVER00000001", "demo01"
HOUR_MEANS = "2061"
TOPIC = "shanhai/observations"
RIVER_HOURS = 240
NOTE = "Made for the demonstration: its values come from formulas. 演示数据，由公式生成。"


@dataclass(frozen=True, slots=True)
class DemoStation:
    """A station of the demo."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    lon: float
    lat: float

    def feature(self, region: str, since: datetime) -> dict[str, Any]:
        """The station as the API takes it."""
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [self.lon, self.lat]},
            "properties": {
                "code": self.code,
                "name_zh": self.name_zh,
                "name_en": self.name_en,
                "kind": self.kind,
                "region": region,
                "interval_s": 3600,
                "description": NOTE,
                "valid_from": f"{since:%Y-%m-%d}",
                # Bulletins are for everybody, and tell of public stations alone.
                "visibility": "public",
            },
        }


RIVER = DemoStation("demo-river", "示范断面", "Demo section", "water_section", 118.08, 24.72)
AIR = DemoStation("demo-air", "示范空气站", "Demo air station", "land", 118.11, 24.48)
BAY = DemoStation("demo-bay", "示范海湾浮标", "Demo bay buoy", "sea", 118.05, 24.52)
WEATHER = DemoStation("demo-weather", "示范气象站", "Demo weather station", "land", 118.13, 24.61)
STATIONS = (RIVER, AIR, BAY, WEATHER)
Told = dict[str, int]
"""How many values came by each way."""


def make_stations(stack: Stack, api: ApiClient, region: str, now: datetime) -> None:
    """Make the stations, and the device of the river's, unless a former run did."""
    since = now - timedelta(days=DAYS + 1)
    for station in STATIONS:
        try:
            api.get(f"/collections/stations/items/{station.code}")
        except NotFound:
            api.post("/collections/stations/items", station.feature(region, since))
    asyncio.run(_register(stack.database_url))


def feed(stack: Stack, api: ApiClient, now: datetime) -> Told:
    """Send the stations their values of the last days.

    Everything is sent again each time: what is there already is a duplicate and changes nothing.
    """
    hours = _hours(now)
    return {
        "HTTP": _send_air(api, hours),
        "SensorThings": _send_bay(api, hours),
        "MQTT": _publish_weather(stack, api, hours),
        "HJ 212": _push_river(stack, hours[-RIVER_HOURS:]),
    }


def _hours(now: datetime) -> list[datetime]:
    """The hours of the last days that are over."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [last - timedelta(hours=back) for back in range(24 * DAYS, 0, -1)]


async def _register(database_url: str) -> None:
    engine = create_async_engine(async_url(database_url))
    try:
        async with AsyncSession(engine) as session, session.begin():
            await add_device(
                session,
                DEVICE,
                station=RIVER.code,
                password=DEVICE_PASSWORD,
                command=HOUR_MEANS,
                units={},
                act=OPERATOR,
            )
    except Conflict:
        return  # registered by a former run
    finally:
        await engine.dispose()


def _wave(at: datetime, mean: float, daily: float, slow: float, decimals: int) -> float:
    """A value that goes up and down with the day and with the weeks."""
    hours = at.timestamp() / 3600
    day = math.sin(2 * math.pi * (hours % 24) / 24)
    weeks = math.sin(2 * math.pi * hours / (24 * 9.3)) + 0.4 * math.sin(2 * math.pi * hours / 61)
    return round(mean + daily * day + slow * weeks, decimals)


def _send_air(api: ApiClient, hours: Sequence[datetime]) -> int:
    """As NDJSON, the way a data centre sends what it gathered."""
    of = {
        "pm25": (32.0, 6.0, 11.0, 0),
        "pm10": (55.0, 9.0, 16.0, 0),
        "so2": (7.0, 1.5, 2.0, 0),
        "no2": (24.0, 8.0, 5.0, 0),
        "co": (0.6, 0.1, 0.15, 1),
        "o3": (88.0, 31.0, 28.0, 0),
    }
    rows = [
        {"station": AIR.code, "property": code, "time": at.isoformat(), "value": _wave(at, *by)}
        for at in hours
        for code, by in of.items()
    ]
    body = "\n".join(json.dumps(row) for row in rows).encode()
    answer = api.post("/observations", body, headers={"Content-Type": "application/x-ndjson"})
    return _kept(answer, len(rows))


def _send_bay(api: ApiClient, hours: Sequence[datetime]) -> int:
    """As data arrays of SensorThings, the way a buoy's logger does."""
    of = {"salinity": (29.5, 0.6, 1.4, 2), "inorganic_nitrogen": (0.27, 0.02, 0.05, 3)}
    document = [
        {
            "Datastream": {"@iot.id": f"{BAY.code}:{code}"},
            "components": ["phenomenonTime", "result"],
            "dataArray": [[at.isoformat(), _wave(at, *by)] for at in hours],
        }
        for code, by in of.items()
    ]
    made = api.post("/sta/v1.1/CreateObservations", document)
    refused = [told for told in made if told == "error"]
    if refused:
        raise Unavailable(f"SensorThings refused {len(refused)} of {len(made)} values")
    return len(made)


def _publish_weather(stack: Stack, api: ApiClient, hours: Sequence[datetime]) -> int:
    """As messages of a day each, the way a gateway in the field does."""
    of = {"air_temperature": (21.0, 4.0, 3.0, 1), "relative_humidity": (72.0, 9.0, 7.0, 0)}
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(BROKER_USER, stack.broker.password)
    client.connect(HOST, stack.broker.port)
    client.loop_start()
    try:
        for rows in _days(hours, of):
            sent = client.publish(TOPIC, json.dumps(rows), qos=1)
            sent.wait_for_publish(PATIENCE_S)
            if not sent.is_published():
                raise Unavailable("the broker does not take messages")
    finally:
        client.disconnect()
        client.loop_stop()
    last = hours[-1].isoformat().replace("+00:00", "Z")
    _wait("MQTT", lambda: _newest(api, WEATHER.code) == last)
    return len(hours) * len(of)


def _days(
    hours: Sequence[datetime], of: dict[str, tuple[float, float, float, int]]
) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(hours), 24):
        yield [
            {
                "station": WEATHER.code,
                "property": code,
                "time": at.isoformat(),
                "value": _wave(at, *by),
            }
            for at in hours[start : start + 24]
            for code, by in of.items()
        ]


def _push_river(stack: Stack, hours: Sequence[datetime]) -> int:
    """As telegrams with the means of an hour, each answered before the next.

    Since noon of yesterday the river carries more than it should.
    """
    number = 0
    noon = hours[-1].astimezone(BEIJING).replace(hour=12, minute=0) - timedelta(days=1)
    with socket.create_connection((HOST, stack.gateway_port), timeout=PATIENCE_S) as recorder:
        for at in hours:
            dirty = at >= noon
            values = {
                "w01019": 11.6 if dirty else _wave(at, 3.4, 0.4, 0.5, 1),
                "w01009": 4.6 if dirty else _wave(at, 6.9, 0.5, 0.3, 1),
                "w21003": _wave(at, 0.42, 0.05, 0.12, 2),
            }
            recorder.sendall(_telegram(at, values))
            answer = recorder.recv(4096)
            if b"CN=9014" not in answer:
                raise Unavailable(f"the gateway answered {answer[:120]!r}")
            number += len(values)
    return number


def _telegram(at: datetime, values: dict[str, float]) -> bytes:
    local = at.astimezone(BEIJING)
    means = ";".join(f"{code}-Avg={value},{code}-Flag=N" for code, value in values.items())
    packet = Packet(
        number=f"{datetime.now(BEIJING):%Y%m%d%H%M%S}{time.monotonic_ns() // 1_000_000 % 1000:03d}",
        system="21",
        command=HOUR_MEANS,
        password=DEVICE_PASSWORD,
        device=DEVICE,
        flag=VERSION_2017 | ANSWER_WANTED,
        content=f"DataTime={local:%Y%m%d%H%M%S};{means}",
    )
    return frame(packet.segment())


def _kept(answer: dict[str, Any], sent: int) -> int:
    if answer["rejected_count"]:
        raise Unavailable(f"{answer['rejected_count']} of {sent} values refused")
    return sent


def _newest(api: ApiClient, station: str) -> str | None:
    found = api.get("/observations", station=station, latest="true")["observations"]
    return min((str(row["time"]) for row in found), default=None)


def _wait(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise Unavailable(f"what was sent by {what} does not arrive")
        time.sleep(0.1)
