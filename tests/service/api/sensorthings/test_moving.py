"""Values of another time than was told: their first address leads on."""

from datetime import timedelta

import httpx

from tests.service.api.test_sensorthings import NOON, ROOT, Service, get, thing

SERIES = "ph"


def made(client: httpx.Client, code: str) -> str:
    client.post(f"{ROOT}/Things", json=thing(code)).raise_for_status()
    return f"Datastreams('{code}:ph')/Observations"


def address(code: str, hour: float) -> str:
    at = (NOON + timedelta(hours=hour)).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{ROOT}/Observations('{code}:ph:{at}')"


def told(hour: float) -> dict[str, str]:
    return {"phenomenonTime": (NOON + timedelta(hours=hour)).isoformat()}


def test_a_value_is_moved_in_time(service: Service, client: httpx.Client) -> None:
    path = made(client, "move-1")
    patched = client.patch(address("move-1", 0), json=told(0.5))
    assert patched.status_code == 200, patched.text
    assert patched.json()["phenomenonTime"] == "2026-08-01T12:30:00Z"
    assert patched.json()["result"] == 8.0
    assert [row["result"] for row in get(client, path)["value"]] == [8.0, 8.1, 8.2]
    # The address it had leads to it, also after it moved again, and to what belongs to it.
    assert client.get(address("move-1", 0)).json() == patched.json()
    again = client.patch(address("move-1", 0), json=told(5)).json()
    assert client.get(address("move-1", 0)).json() == again
    assert client.get(address("move-1", 0.5)).json() == again
    assert client.get(f"{address('move-1', 0)}/Datastream").json()["@iot.id"] == "move-1:ph"
    latest = {"station": "move-1", "latest": "true"}
    assert client.get("/observations", params=latest).json()["observations"][0]["value"] == 8.0
    with service.client(service.admin) as admin:
        entries = admin.get("/audit", params={"table": "observation"}).json()["entries"]
    moves = [one["after"] for one in entries if one["object"].startswith("move-1:ph:")]
    assert {"phenomenonTime": "2026-08-01T12:30:00+00:00"} in moves
    assert client.delete(address("move-1", 0)).status_code == 204
    assert client.get(address("move-1", 0)).status_code == 404
    assert client.get(address("move-1", 5)).status_code == 404


def test_a_value_that_comes_to_an_address_has_it(client: httpx.Client) -> None:
    made(client, "move-2")
    client.patch(address("move-2", 0), json=told(0.5)).raise_for_status()
    row = {"station": "move-2", "property": "ph", "time": NOON.isoformat(), "value": 3}
    assert client.post("/observations", json=[row]).json()["accepted"] == 1
    assert client.get(address("move-2", 0)).json()["result"] == 3
    client.delete(address("move-2", 0)).raise_for_status()
    assert client.get(address("move-2", 0)).status_code == 404
    assert client.get(address("move-2", 0.5)).json()["result"] == 8.0


def test_no_value_is_moved_onto_another(client: httpx.Client) -> None:
    path = made(client, "move-3")
    refused = client.patch(address("move-3", 0), json=told(1))
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["pointer"] == "/phenomenonTime"
    ahead = client.patch(address("move-3", 0), json=told(24 * 3650))
    assert ahead.status_code == 400
    assert ahead.json()["errors"][0]["pointer"] == "/phenomenonTime"
    assert [row["result"] for row in get(client, path)["value"]] == [8.0, 8.1, 8.2]


def test_a_value_is_moved_back_and_another_to_where_one_was(client: httpx.Client) -> None:
    path = made(client, "move-5")
    client.patch(address("move-5", 0), json=told(0.5)).raise_for_status()
    back = client.patch(address("move-5", 0.5), json=told(0))
    assert back.status_code == 200, back.text
    assert [row["result"] for row in get(client, path)["value"]] == [8.0, 8.1, 8.2]
    for hour in (0, 0.5):
        assert client.get(address("move-5", hour)).json() == back.json()
    client.patch(address("move-5", 0), json=told(5)).raise_for_status()
    other = client.patch(address("move-5", 1), json=told(0))
    assert (other.status_code, other.json()["result"]) == (200, 8.1)
    assert [row["result"] for row in get(client, path)["value"]] == [8.1, 8.2, 8.0]
    client.delete(address("move-5", 0)).raise_for_status()
    assert client.get(address("move-5", 1)).status_code == 404


def test_a_moved_or_corrected_value_stays_of_its_feature(client: httpx.Client) -> None:
    made(client, "move-4")
    pond = {
        "name": "Pond",
        "description": "",
        "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [118.1, 24.4]},
    }
    value = {**told(9), "result": 7, "Datastream": {"@iot.id": "move-4:ph"}}
    sent = client.post(f"{ROOT}/Observations", json={**value, "FeatureOfInterest": pond})
    assert sent.status_code == 201, sent.text
    client.patch(address("move-4", 9), json={"result": 6}).raise_for_status()
    client.patch(address("move-4", 9), json=told(10)).raise_for_status()
    feature = client.get(f"{address('move-4', 10)}/FeatureOfInterest").json()
    assert feature["name"] == "Pond"
