"""Locations with an identity of their own, and the history of where Things were."""

from typing import Any

import httpx

from tests.service.api.test_sensorthings import ROOT, Service, get, place, pointers, show, thing

HERE, THERE = [118.01, 24.41], [118.02, 24.42]


def named(name: str, where: list[float]) -> dict[str, Any]:
    return {**place(*where), "name": name}


def made(client: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(f"{ROOT}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def thing_at(client: httpx.Client, code: str, where: dict[str, Any]) -> str:
    """A Thing with a Location; the Location's id."""
    made(client, "Things", thing(code, Locations=[where], Datastreams=[]))
    (found,) = get(client, f"Things('{code}')/Locations")["value"]
    return str(found["@iot.id"])


def bind(client: httpx.Client, code: str, location: str) -> None:
    body = {"Locations": [{"@iot.id": location}]}
    answer = client.patch(f"{ROOT}/Things('{code}')", json=body)
    assert answer.status_code == 200, answer.text


def history(client: httpx.Client, code: str) -> list[str]:
    """The names of the Locations a Thing was at, oldest first."""
    path = f"Things('{code}')/HistoricalLocations"
    rows = get(client, path, expand="Locations", orderby="time")["value"]
    return [row["Locations"][0]["name"] for row in rows]


def test_two_things_change_places(client: httpx.Client) -> None:
    east = thing_at(client, "swap-e", named("east", HERE))
    west = thing_at(client, "swap-w", named("west", THERE))
    bind(client, "swap-e", west)
    bind(client, "swap-w", east)
    for code, location, where in (("swap-e", west, THERE), ("swap-w", east, HERE)):
        (now,) = get(client, f"Things('{code}')/Locations")["value"]
        assert (now["@iot.id"], now["location"]["coordinates"]) == (location, where)
        (there,) = get(client, f"Locations('{location}')/Things")["value"]
        assert there["@iot.id"] == code
        feature = client.get(f"/collections/stations/items/{code}").json()
        assert feature["geometry"]["coordinates"] == where
    assert history(client, "swap-e") == ["east", "west"]
    assert history(client, "swap-w") == ["west", "east"]
    assert len(get(client, f"Locations('{east}')/HistoricalLocations")["value"]) == 2


def test_a_location_keeps_what_is_said_of_it(client: httpx.Client) -> None:
    location = thing_at(client, "said", {**named("West Roof", HERE), "properties": {"floor": 3}})
    found = get(client, f"Locations('{location}')")
    assert (found["name"], found["properties"]) == ("West Roof", {"floor": 3})
    vendor = {"encodingType": "application/vnd.geo+json"}
    told = client.patch(f"{ROOT}/Locations('{location}')", json=vendor)
    assert told.json()["encodingType"] == vendor["encodingType"]
    later = made(client, "Things('said')/Locations", named("East Roof", THERE))
    assert later["@iot.id"] != location
    assert history(client, "said") == ["West Roof", "East Roof"]
    assert get(client, f"Locations('{location}')/Things")["value"] == []


def test_things_move_with_their_location(client: httpx.Client) -> None:
    location = thing_at(client, "with", named("raft", HERE))
    bind(client, "with", location)
    thing_at(client, "with-2", named("shore", THERE))
    bind(client, "with-2", location)
    assert len(get(client, f"Locations('{location}')/Things")["value"]) == 2
    moved = client.patch(
        f"{ROOT}/Locations('{location}')",
        json={"location": {"type": "Point", "coordinates": THERE}},
    )
    assert moved.status_code == 200, moved.text
    for code in ("with", "with-2"):
        feature = client.get(f"/collections/stations/items/{code}").json()
        assert feature["geometry"]["coordinates"] == THERE
        (now,) = get(client, f"Things('{code}')/Locations")["value"]
        assert now["@iot.id"] == location


def test_a_station_moved_elsewhere_has_a_place_of_its_own(client: httpx.Client) -> None:
    location = thing_at(client, "apart", named("dock", HERE))
    body = {"type": "Feature", "geometry": {"type": "Point", "coordinates": THERE}}
    patched = client.patch(
        "/collections/stations/items/apart",
        json={**body, "properties": {}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert patched.status_code in {200, 204}, patched.text
    (now,) = get(client, "Things('apart')/Locations")["value"]
    assert now["location"]["coordinates"] == THERE
    assert now["@iot.id"] != location
    own = get(client, f"Locations('{now['@iot.id']}')/Things")["value"]
    assert [one["@iot.id"] for one in own] == ["apart"]
    assert get(client, f"Locations('{location}')")["location"]["coordinates"] == HERE
    third = {**body, "geometry": {"type": "Point", "coordinates": [118.03, 24.43]}}
    own_address = f"{ROOT}/Locations('{now['@iot.id']}')"
    assert client.patch(own_address, json=place(*THERE)).status_code == 200
    client.patch(
        "/collections/stations/items/apart",
        json={**third, "properties": {}},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()
    assert client.patch(own_address, json=place(*HERE)).status_code == 409
    (now,) = get(client, "Things('apart')/Locations")["value"]
    # Another is bound to where it is, and both are at one Location then.
    thing_at(client, "apart-2", named("pier", HERE))
    bind(client, "apart-2", now["@iot.id"])
    (shared,) = get(client, "Things('apart-2')/Locations")["value"]
    (again,) = get(client, "Things('apart')/Locations")["value"]
    assert shared["@iot.id"] == again["@iot.id"]


def test_a_history_is_told_changed_and_removed(client: httpx.Client) -> None:
    location = thing_at(client, "told", named("quay", HERE))
    body = {
        "time": "2026-02-03T00:00:00Z",
        "Thing": {"@iot.id": "told"},
        "Locations": [{"@iot.id": location}],
    }
    told = made(client, "HistoricalLocations", body)
    assert told["time"] == body["time"]
    address = f"{ROOT}/HistoricalLocations('{told['@iot.id']}')"
    changed = client.patch(address, json={"time": "2026-02-04T00:00:00Z"})
    assert changed.json()["time"] == "2026-02-04T00:00:00Z"
    for first in get(client, "Things('told')/HistoricalLocations")["value"]:
        removed = client.delete(f"{ROOT}/HistoricalLocations('{first['@iot.id']}')")
        assert removed.status_code == 204, removed.text
    assert get(client, "Things('told')/HistoricalLocations")["value"] == []
    (now,) = get(client, "Things('told')/Locations")["value"]
    assert now["@iot.id"] == location
    for lacking in ("Thing", "Locations"):
        short = {name: value for name, value in body.items() if name != lacking}
        refused = client.post(f"{ROOT}/HistoricalLocations", json=short)
        assert pointers(refused) == [f"/{lacking}"]
    for end in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        refused = client.post(f"{ROOT}/HistoricalLocations", json={**body, "time": end})
        assert pointers(refused) == ["/time"]
        assert end in refused.text
        assert "leave an open end out (null)" in refused.text


def test_a_location_is_deleted_with_its_history(client: httpx.Client) -> None:
    location = thing_at(client, "gone", named("buoy", HERE))
    assert client.delete(f"{ROOT}/Locations('{location}')").status_code == 204
    assert client.get(f"{ROOT}/Locations('{location}')").status_code == 404
    assert get(client, "Things('gone')/Locations")["value"] == []
    assert get(client, "Things('gone')/HistoricalLocations")["value"] == []
    assert client.get("/collections/stations/items/gone").json()["geometry"] is None


def test_who_may_write_of_the_things_there(service: Service, client: httpx.Client) -> None:
    body = thing("ruled", Locations=[named("tower", HERE)], Datastreams=[])
    made(client, "Things", {**body, "properties": {"kind": "sea", "region": "there"}})
    show(client, "ruled", "signed_in")
    (location,) = get(client, "Things('ruled')/Locations")["value"]
    address = f"{ROOT}/Locations('{location['@iot.id']}')"
    (first,) = get(client, "Things('ruled')/HistoricalLocations")["value"]
    with service.client(service.planner) as planner:
        assert planner.patch(address, json=place(*THERE)).status_code == 403
        assert planner.patch(address, json={"name": "mine"}).status_code == 403
        assert planner.delete(address).status_code == 403
        past = f"{ROOT}/HistoricalLocations('{first['@iot.id']}')"
        assert planner.delete(past).status_code == 403
        bound = {"Locations": [{"@iot.id": location["@iot.id"]}]}
        assert planner.patch(f"{ROOT}/Things('ruled')", json=bound).status_code == 403
        show(client, "ruled", "region")
        assert planner.get(address).status_code == 404
    with service.client(None) as anybody:
        assert anybody.get(address).status_code == 404
        show(client, "ruled", "public")
        assert anybody.get(address).status_code == 200


def test_a_page_is_as_short_as_what_is_expanded_in_it_demands(client: httpx.Client) -> None:
    """Nobody asked for so many; who does is refused."""
    inside = "/".join(["Datastreams", "Observations"])
    wide = f"Datastreams/Thing,Datastreams/Sensor,Datastreams/ObservedProperty,{inside}"
    for code in ("page-1", "page-2"):
        thing_at(client, code, named("pier", HERE))
    whole = f"{wide},HistoricalLocations/Thing"
    assert len(get(client, "Things", expand=whole)["value"]) >= 2
    refused = client.get(f"{ROOT}/Things", params={"$expand": whole, "$top": "100"})
    assert pointers(refused) == ["$expand"]
