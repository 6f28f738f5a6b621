"""Deleting values and what they are of: read no more, and kept in the revisions."""

from datetime import timedelta
from typing import Any

import httpx

from tests.service.api.test_sensorthings import NOON, ROOT, Service, get, place, show, thing


def made(client: httpx.Client, code: str) -> str:
    client.post(f"{ROOT}/Things", json=thing(code)).raise_for_status()
    return f"Datastreams('{code}:ph')/Observations"


def address(code: str, hour: int) -> str:
    at = (NOON + timedelta(hours=hour)).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{ROOT}/Observations('{code}:ph:{at}')"


def newest(client: httpx.Client, code: str) -> list[Any]:
    asked = {"station": code, "property": "ph", "latest": "true"}
    return [
        row["value"] for row in client.get("/observations", params=asked).json()["observations"]
    ]


def test_a_deleted_value_is_read_no_more_and_stays_in_the_revisions(
    service: Service, client: httpx.Client
) -> None:
    path = made(client, "del-1")
    assert client.delete(address("del-1", 2)).status_code == 204
    assert client.get(address("del-1", 2)).status_code == 404
    assert client.delete(address("del-1", 2)).status_code == 404
    assert [row["result"] for row in get(client, path)["value"]] == [8.0, 8.1]
    assert newest(client, "del-1") == [8.1]
    series = get(client, "Datastreams('del-1:ph')")
    assert series["phenomenonTime"].endswith("/2026-08-01T13:00:00Z")
    with service.client(service.admin) as admin:
        entries = admin.get("/audit", params={"table": "observation"}).json()["entries"]
    assert [one for one in entries if one["action"] == "delete" and "del-1:ph" in one["object"]]
    again = {"station": "del-1", "property": "ph", "value": 9}
    at = (NOON + timedelta(hours=2)).isoformat()
    sent = client.post("/observations", json=[{**again, "time": at}]).json()
    assert sent["accepted"] == 1
    asked = {"station": "del-1", "revisions": "true", "limit": "100"}
    rows = client.get("/observations", params=asked).json()["observations"]
    assert [one["value"] for one in rows[-1]["revisions"]] == [8.2]


def test_a_series_whose_values_are_gone_is_none(client: httpx.Client) -> None:
    made(client, "del-2")
    for hour in range(3):
        client.delete(address("del-2", hour)).raise_for_status()
    assert newest(client, "del-2") == []
    assert get(client, "Datastreams('del-2:ph')")["phenomenonTime"] is None
    assert client.delete(f"{ROOT}/Datastreams('del-2:ph')").status_code == 204
    assert client.get(f"{ROOT}/Datastreams('del-2:ph')").status_code == 404
    again = {"station": "del-2", "property": "ph", "time": NOON.isoformat(), "value": 9}
    assert client.post("/observations", json=[again]).json()["accepted"] == 1
    assert newest(client, "del-2") == [9]


def test_a_datastream_or_sensor_takes_its_values_with_it(client: httpx.Client) -> None:
    path = made(client, "del-3")
    assert client.delete(f"{ROOT}/Datastreams('del-3:ph')").status_code == 204
    assert client.get(f"{ROOT}/{path}").status_code == 404
    assert client.get(address("del-3", 0)).status_code == 404
    made(client, "del-4")
    sensor = get(client, "Datastreams('del-4:ph')/Sensor")["@iot.id"]
    assert client.delete(f"{ROOT}/Sensors('{sensor}')").status_code == 204
    assert client.get(f"{ROOT}/Datastreams('del-4:ph')").status_code == 404
    assert get(client, "Things('del-4')")["@iot.id"] == "del-4"


def test_a_property_is_deleted_unless_the_catalogue_has_it(
    service: Service, client: httpx.Client
) -> None:
    body = {"name": "Glow", "definition": "http://example.org/Glow", "description": ""}
    with service.client(service.admin) as admin:
        told = admin.post(f"{ROOT}/ObservedProperties", json=body)
        assert client.delete(told.headers["Location"]).status_code == 403
        assert admin.delete(told.headers["Location"]).status_code == 204
        assert admin.get(told.headers["Location"]).status_code == 404
        assert admin.delete(f"{ROOT}/ObservedProperties('ph')").status_code == 409


def test_what_was_observed_stays_when_its_thing_is_deleted(client: httpx.Client) -> None:
    made(client, "del-6")
    before = get(client, "FeaturesOfInterest('del-6')")
    assert client.delete(f"{ROOT}/Things('del-6')").status_code == 204
    after = get(client, "FeaturesOfInterest('del-6')")
    assert after == before
    assert client.get(f"{ROOT}/Datastreams('del-6:ph')").status_code == 404
    assert get(client, "FeaturesOfInterest('del-6')/Observations")["value"] == []
    # Another Thing of that code has its own place there.
    body = {**thing("del-6"), "Locations": [place(118.2, 24.5)]}
    client.post(f"{ROOT}/Things", json=body).raise_for_status()
    features = get(client, "FeaturesOfInterest", filter="id eq 'del-6'")["value"]
    assert [one["feature"]["coordinates"] for one in features] == [[118.2, 24.5]]
    client.delete(f"{ROOT}/Things('del-6')").raise_for_status()
    kept = f"{ROOT}/FeaturesOfInterest('del-6')"
    assert client.get(kept).status_code == 200
    assert client.delete(kept).status_code == 204
    assert client.get(kept).status_code == 404


def test_who_may_delete(service: Service, client: httpx.Client) -> None:
    body = thing("del-5", properties={"kind": "sea", "region": "there", "valid_from": "2026-01-01"})
    client.post(f"{ROOT}/Things", json=body).raise_for_status()
    show(client, "del-5", "signed_in")
    with (
        service.client(service.planner) as planner,
        service.client(service.feed) as feed,
        service.client(None) as anybody,
    ):
        for somebody, status in ((planner, 403), (feed, 403), (anybody, 401)):
            assert somebody.delete(address("del-5", 0)).status_code == status
        assert planner.delete(f"{ROOT}/Datastreams('del-5:ph')").status_code == 403
    assert get(client, "Datastreams('del-5:ph')/Observations", count="true")["@iot.count"] == 3


def test_a_sensor_is_changed_by_who_may_write_about_all_that_has_it(
    service: Service, client: httpx.Client
) -> None:
    for code, region in (("del-7", "there"), ("del-8", "here")):
        body = thing(code, properties={"kind": "sea", "region": region})
        client.post(f"{ROOT}/Things", json=body).raise_for_status()
        show(client, code, "signed_in")
    theirs, ours = (
        get(client, f"Datastreams('{code}:ph')/Sensor")["@iot.selfLink"]
        for code in ("del-7", "del-8")
    )
    with service.client(service.planner) as planner, service.client(service.feed) as feed:
        assert planner.patch(ours, json={"description": "Mine"}).status_code == 200
        assert feed.patch(ours, json={"description": "Mine"}).status_code == 403
        assert planner.patch(theirs, json={"description": "Mine"}).status_code == 403
        alone = planner.post(
            f"{ROOT}/Sensors",
            json={"name": "Spare", "encodingType": "text/plain", "metadata": "Serial 8"},
        ).headers["Location"]
        assert planner.patch(alone, json={"description": "Mine"}).status_code == 200
    assert client.get(theirs).json()["description"] == ""
