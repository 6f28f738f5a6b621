"""Feeds as others write them: a client library, curl, mosquitto_pub, a recorder of HJ 212."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import frost_sta_client as frost
import pytest
from frost_sta_client.model.ext.unitofmeasurement import UnitOfMeasurement
from frost_sta_client.service.auth_handler import AuthHandler
from requests.auth import AuthBase
from requests.models import PreparedRequest
from standardwebhooks.webhooks import Webhook

from shanhai.client import ApiClient
from shanhai.errors import NotFound
from shanhai.local.demo import results, stations
from shanhai.local.stack import Stack, admin_key
from tests.e2e.conftest import wait_until

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
REGION = "feeds-bay"
SQUARE = [[[118, 24], [119, 24], [119, 25], [118, 25], [118, 24]]]


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[ApiClient]:
    """A client of a stack that has the stations of the demo."""
    with ApiClient(stack.api_url, admin_key(stack)) as api:
        try:
            api.get(f"/collections/regions/items/{REGION}")
        except NotFound:
            names = {"code": REGION, "name_zh": "海湾", "name_en": "Bay", "level": "city"}
            place = {"type": "Polygon", "coordinates": SQUARE}
            region = {"type": "Feature", "geometry": place, "properties": names}
            api.post("/collections/regions/items", region)
        stations.make_stations(stack, api, REGION, NOW)
        yield api


def newest(api: ApiClient, station: str) -> dict[str, float]:
    found: Any = api.get("/observations", station=station, latest="true")["observations"]
    return {row["property"]: row["value"] for row in found}


def test_curl_posts_observations(stack: Stack, api: ApiClient) -> None:
    program = shutil.which("curl")
    assert program is not None, "curl is not installed (Debian: curl)"
    row = {"station": "demo-air", "property": "so2", "time": NOW.isoformat(), "value": 9}
    answer = subprocess.run(
        [
            *(program, "--silent", "--show-error", "--fail-with-body", "--max-time", "20"),
            *("-H", f"Authorization: Bearer {admin_key(stack)}"),
            *("-H", "Content-Type: application/x-ndjson", "--data-binary", "@-"),
            f"{stack.api_url}/observations",
        ],
        input=json.dumps(row).encode(),
        capture_output=True,
        check=True,
    )
    assert json.loads(answer.stdout)["accepted"] == 1
    assert newest(api, "demo-air") == {"so2": 9}


def test_mosquitto_pub_publishes(stack: Stack, api: ApiClient) -> None:
    program = shutil.which("mosquitto_pub")
    assert program is not None, "mosquitto_pub is not installed (Debian: mosquitto-clients)"
    row = {"station": "demo-weather", "property": "air_pressure", "value": 1012.5}
    subprocess.run(
        [
            *(program, "-h", "127.0.0.1", "-p", str(stack.broker.port), "-q", "1"),
            *("-u", "feed", "-P", stack.broker.password, "-t", "shanhai/observations"),
            *("-m", json.dumps({**row, "time": NOW.isoformat()})),
        ],
        check=True,
        timeout=20,
    )
    wait_until(lambda: newest(api, "demo-weather") == {"air_pressure": 1012.5})


class Bearer(AuthHandler, AuthBase):  # type: ignore[misc] # the client is untyped
    def __init__(self, key: str) -> None:
        self.key = key

    def add_auth_header(self) -> AuthBase:
        return self

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


@pytest.mark.filterwarnings("ignore:furl:DeprecationWarning")
def test_a_client_of_sensorthings_creates(stack: Stack, api: ApiClient) -> None:
    service = frost.SensorThingsService(
        f"{stack.api_url}/sta/v1.1", auth_handler=Bearer(admin_key(stack))
    )
    series = frost.Datastream(
        name="Salinity",
        description="",
        observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit_of_measurement=UnitOfMeasurement(name="one", symbol="1", definition=""),
        thing=frost.Thing(id="demo-bay"),
        observed_property=frost.ObservedProperty(id="salinity"),
        sensor=frost.Sensor(name="CTD", description="", encoding_type="text/plain", metadata=""),
    )
    service.create(series)
    service.create(
        frost.Observation(
            result=29.5, phenomenon_time=NOW.isoformat(), datastream=frost.Datastream(id=series.id)
        )
    )
    assert newest(api, "demo-bay") == {"salinity": 29.5}


def recorded(at: datetime, permanganate: float) -> bytes:
    """A telegram of hourly means, made by the letter of HJ 212-2017 and nothing of ours."""
    local = at.astimezone(timezone(timedelta(hours=8)))
    segment = (
        f"QN={local:%Y%m%d%H%M%S}000;ST=21;CN=2061;PW={stations.DEVICE_PASSWORD};"
        f"MN={stations.DEVICE};Flag=5;CP=&&DataTime={local:%Y%m%d%H%M%S};"
        f"w01019-Avg={permanganate},w01019-Flag=N&&"
    ).encode()
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register, low = register >> 1, register & 1
            register ^= 0xA001 * low
    return b"##%04d%s%04X\r\n" % (len(segment), segment, register)


def test_a_recorder_raises_an_alert_whose_signed_message_arrives(
    stack: Stack, api: ApiClient
) -> None:
    with results.receiving(stack.receiver_port) as receiver:
        results.watch_river(api, receiver, stack.secrets)
        address = ("127.0.0.1", stack.gateway_port)
        with socket.create_connection(address, timeout=20) as recorder:
            for hour, value in ((3, 4.1), (2, 11.8), (1, 12.4), (0, 12.9)):
                recorder.sendall(recorded(NOW - timedelta(hours=hour), value))
                assert b"CN=9014" in recorder.recv(4096)
        warned = results.await_warning(api, receiver, stack.secrets)
        wait_until(lambda: len(receiver.messages) > 0)
    assert newest(api, "demo-river") == {"permanganate_index": 12.9}
    assert (warned.alert["station"], warned.alert["level"]) == ("demo-river", "orange")
    message = receiver.messages[0]
    secret = stack.secrets.get(results.SECRET)
    assert secret is not None
    told = Webhook(secret).verify(message.body, dict(message.headers))
    assert (told["type"], told["data"]["id"]) == ("alert.opened", warned.alert["id"])
    evidence = [link for link in told["data"]["links"] if link["rel"] == "evidence"]
    values = api.get(evidence[0]["href"])["observations"]
    assert {row["value"] for row in values} >= {11.8, 12.4}
    # A receiver elsewhere: the same webhook goes there, with its secret and what it was told.
    moved, webhook = results.Receiver(f"{receiver.url}-2"), stack.secrets.get(results.WEBHOOK)
    results.watch_river(api, moved, stack.secrets)
    assert api.get(f"/webhooks/{webhook}")["url"] == moved.url
    assert len(api.get("/webhooks")["webhooks"]) == 1
    again = results.await_warning(api, moved, stack.secrets)
    assert (again.alert["id"], again.message) == (warned.alert["id"], None)
