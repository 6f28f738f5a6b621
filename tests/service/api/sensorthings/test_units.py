"""Datastreams that tell units of their own: one property, values that never mix."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.service.api.test_sensorthings import NOON, ROOT, Service, get, pointers, thing

LUMEN = {"name": "Lumen", "symbol": "lm", "definition": "http://example.org/Lumen"}
CELSIUS = {"name": "Celsius", "symbol": "degC", "definition": "http://example.org/degC"}
FAHRENHEIT = {"name": "Fahrenheit", "symbol": "degF", "definition": "http://example.org/degF"}
MICROGRAM = {"name": "Microgram", "symbol": "ug/L", "definition": ""}
FLUX = {"name": "Flux of units", "definition": "http://example.org/flux-of-units"}
RESULTS = (57, 0.3, 8123.45)
Json = dict[str, Any]


def station(code: str, observed: Json, unit: Json, results: Any = RESULTS) -> Json:
    body = thing(code)
    values = [
        {"phenomenonTime": (NOON + timedelta(hours=hour)).isoformat(), "result": result}
        for hour, result in enumerate(results)
    ]
    told = {"ObservedProperty": observed, "unitOfMeasurement": unit, "Observations": values}
    body["Datastreams"] = [{**body["Datastreams"][0], **told}]
    return body


def made(client: httpx.Client, body: Json) -> Json:
    answer = client.post(f"{ROOT}/Things", json=body)
    assert answer.status_code == 201, answer.text
    found: Json = get(client, f"Things('{body['@iot.id']}')/Datastreams")["value"][0]
    return found


def results(client: httpx.Client, series: str, **options: str) -> list[float]:
    rows = get(client, f"Datastreams('{series}')/Observations", **options)["value"]
    return [row["result"] for row in rows]


def kept(client: httpx.Client, code: str, **asked: Any) -> list[Json]:
    """The values of a station as everything else reads them."""
    answer = client.get("/observations", params={"station": code, "limit": 100, **asked})
    rows: list[Json] = answer.json()["observations"]
    return rows


def at(hour: int) -> str:
    return (NOON + timedelta(hours=hour)).strftime("%Y%m%dT%H%M%S.%fZ")


def test_a_unit_that_converts_is_converted_both_ways(client: httpx.Client) -> None:
    series = made(client, station("unit-1", {"@iot.id": "dissolved_oxygen"}, MICROGRAM))
    assert series["@iot.id"] == "unit-1:dissolved_oxygen"
    assert series["unitOfMeasurement"] == MICROGRAM
    assert [row["value"] for row in kept(client, "unit-1")] == [0.057, 0.0003, 8.12345]
    assert {row["unit"] for row in kept(client, "unit-1")} == {"mg/L"}
    own = "unit-1:dissolved_oxygen"
    assert results(client, own) == [57, 0.3, 8123.45]
    assert results(client, own, filter="result gt 57") == [8123.45]
    assert results(client, own, orderby="result desc") == [8123.45, 57, 0.3]
    single = get(client, f"Observations('{own}:{at(1)}')")
    assert single["result"] == 0.3
    patched = client.patch(f"{ROOT}/Observations('{own}:{at(1)}')", json={"result": 40})
    assert patched.json()["result"] == 40
    assert kept(client, "unit-1")[1]["value"] == 0.04


def test_every_way_of_sending_takes_the_unit_told(client: httpx.Client) -> None:
    made(client, station("unit-2", {"@iot.id": "water_temperature"}, FAHRENHEIT, ()))
    own = {"@iot.id": "unit-2:water_temperature"}
    value = {"phenomenonTime": NOON.isoformat(), "result": 50}
    sent = client.post(f"{ROOT}/Observations", json={**value, "Datastream": own})
    assert (sent.status_code, sent.json()["result"]) == (201, 50)
    row = [(NOON + timedelta(hours=1)).isoformat(), 0.1]
    array = {
        "Datastream": own,
        "components": ["phenomenonTime", "result"],
        "dataArray": [row],
    }
    assert client.post(f"{ROOT}/CreateObservations", json=[array]).status_code == 201
    # The other way in is told units row by row; without one it is the property's.
    plain = {"station": "unit-2", "property": "water_temperature", "value": 20}
    two = (NOON + timedelta(hours=2)).isoformat()
    assert client.post("/observations", json=[{**plain, "time": two}]).json()["accepted"] == 1
    assert results(client, "unit-2:water_temperature") == [50, 0.1, 68]
    assert [round(one["value"], 9) for one in kept(client, "unit-2")] == [10, -17.722222222, 20]


def test_an_expanded_value_is_in_the_unit_too(client: httpx.Client) -> None:
    made(client, station("unit-3", {"@iot.id": "dissolved_oxygen"}, MICROGRAM))
    found = get(client, "Things('unit-3')", expand="Datastreams($expand=Observations)")
    rows = found["Datastreams"][0]["Observations"]
    assert [row["result"] for row in rows] == list(RESULTS)
    table = get(
        client, "Datastreams('unit-3:dissolved_oxygen')/Observations", resultFormat="dataArray"
    )
    place = table["value"][0]["components"].index("result")
    assert [row[place] for row in table["value"][0]["dataArray"]] == list(RESULTS)


def test_units_that_do_not_convert_are_one_property_and_never_mix(
    service: Service, client: httpx.Client
) -> None:
    with service.client(service.admin) as admin:
        first = made(admin, station("flux-1", FLUX, LUMEN))
        observed = get(admin, f"Datastreams('{first['@iot.id']}')/ObservedProperty")
        bound = {"@iot.id": observed["@iot.id"]}
        other = made(admin, station("flux-2", bound, CELSIUS, (1, 2)))
        lux = {"name": "Lux", "symbol": "lx", "definition": ""}
        third = made(admin, station("flux-3", bound, lux, (5,)))
        again = made(admin, station("flux-4", bound, FAHRENHEIT, (50,)))
    for series, unit in ((other, CELSIUS), (third, lux), (again, FAHRENHEIT)):
        assert series["unitOfMeasurement"] == unit
        link = f"Datastreams('{series['@iot.id']}')/ObservedProperty"
        assert get(client, link)["@iot.id"] == observed["@iot.id"]
    path = f"ObservedProperties('{observed['@iot.id']}')/Datastreams"
    assert len(get(client, path)["value"]) == 4
    by_id = f"ObservedProperty/id eq '{observed['@iot.id']}'"
    assert len(get(client, "Datastreams", filter=by_id)["value"]) == 4
    values = get(client, "Observations", filter=f"Datastream/{by_id}", count="true")
    assert values["@iot.count"] == 7
    assert sorted(row["result"] for row in values["value"]) == [0.3, 1, 2, 5, 50, 57, 8123.45]
    named = "name eq 'Flux of units'"
    assert get(client, "ObservedProperties", filter=named, count="true")["@iot.count"] == 1
    # Everything else reads one unit by one code.
    stations = "flux-1,flux-2,flux-3,flux-4"
    own = kept(client, stations, property=observed["@iot.id"])
    assert {row["station"] for row in own} == {"flux-1"}
    listed = client.get("/properties").json()["properties"]
    apart = {one["code"]: one["unit"] for one in listed if one["variant_of"] == observed["@iot.id"]}
    assert sorted(apart.values()) == ["1", "Cel"]
    celsius = next(code for code, unit in apart.items() if unit == "Cel")
    assert [row["value"] for row in kept(client, stations, property=celsius)] == [1, 10, 2]


def test_a_second_series_in_the_same_unit_is_refused(service: Service) -> None:
    with service.client(service.admin) as admin:
        first = made(admin, station("flux-5", {**FLUX, "name": "Second flux"}, LUMEN))
        observed = get(admin, f"Datastreams('{first['@iot.id']}')/ObservedProperty")
        again = station("flux-5", {"@iot.id": observed["@iot.id"]}, LUMEN)["Datastreams"][0]
        answer = admin.post(f"{ROOT}/Things('flux-5')/Datastreams", json=again)
        assert answer.status_code == 409, answer.text


def test_a_property_with_values_in_other_units_is_deleted_with_them(service: Service) -> None:
    with service.client(service.admin) as admin:
        first = made(admin, station("flux-6", {**FLUX, "name": "Third flux"}, LUMEN))
        observed = get(admin, f"Datastreams('{first['@iot.id']}')/ObservedProperty")["@iot.id"]
        other = made(admin, station("flux-7", {"@iot.id": observed}, CELSIUS))
        assert admin.delete(f"{ROOT}/ObservedProperties('{observed}')").status_code == 204
        assert admin.get(f"{ROOT}/Datastreams('{other['@iot.id']}')").status_code == 404
        listed = admin.get("/properties").json()["properties"]
        assert observed not in {one["variant_of"] for one in listed}


def test_who_tells_a_unit_that_does_not_convert_is_an_administrator(
    service: Service, client: httpx.Client
) -> None:
    with service.client(service.admin) as admin:
        first = made(admin, station("flux-8", {**FLUX, "name": "Fourth flux"}, LUMEN))
        observed = get(admin, f"Datastreams('{first['@iot.id']}')/ObservedProperty")["@iot.id"]
    refused = client.post(f"{ROOT}/Things", json=station("flux-9", {"@iot.id": observed}, CELSIUS))
    assert refused.status_code == 403


class TestRelabelling:
    """A wrongly told unit is corrected: the numbers stay, and what is kept follows."""

    def test_a_unit_that_converts(self, service: Service, client: httpx.Client) -> None:
        made(client, station("tell-1", {"@iot.id": "water_temperature"}, CELSIUS, (50, 32, 0.1)))
        address = f"{ROOT}/Datastreams('tell-1:water_temperature')"
        patched = client.patch(address, json={"unitOfMeasurement": FAHRENHEIT})
        assert patched.status_code == 200, patched.text
        assert patched.json()["unitOfMeasurement"] == FAHRENHEIT
        assert results(client, "tell-1:water_temperature") == [50, 32, 0.1]
        rows = kept(client, "tell-1", revisions="true")
        assert [round(row["value"], 9) for row in rows] == [10, 0, -17.722222222]
        # 50 degrees were no possible temperature of water.
        assert [row["flags"] for row in rows] == [[], [], ["out_of_range"]]
        assert [one["value"] for one in rows[0]["revisions"]] == [50]
        newest = kept(client, "tell-1", latest="true")
        assert [round(row["value"], 9) for row in newest] == [-17.722222222]
        with service.client(service.admin) as admin:
            entries = admin.get("/audit", params={"table": "observation"}).json()["entries"]
        mine = [one for one in entries if one["object"] == "tell-1:water_temperature"]
        assert mine[0]["after"]["observations"] == 3
        back = client.patch(address, json={"unitOfMeasurement": CELSIUS})
        assert back.status_code == 200
        assert [row["value"] for row in kept(client, "tell-1")] == [50, 32, 0.1]

    def test_another_spelling_changes_no_value(self, client: httpx.Client) -> None:
        made(client, station("tell-2", {"@iot.id": "water_temperature"}, CELSIUS, (5,)))
        address = f"{ROOT}/Datastreams('tell-2:water_temperature')"
        named = {**CELSIUS, "symbol": "°C"}
        assert client.patch(address, json={"unitOfMeasurement": named}).status_code == 200
        assert kept(client, "tell-2", revisions="true")[0]["revisions"] == []

    def test_a_unit_that_does_not_convert(self, service: Service, client: httpx.Client) -> None:
        with service.client(service.admin) as admin:
            dew = {"name": "Dew point", "definition": "http://example.org/dew-point"}
            first = made(admin, station("tell-3", dew, CELSIUS, (8, 9)))
            old, value = first["@iot.id"], f"{first['@iot.id']}:{at(0)}"
            address = f"{ROOT}/Datastreams('{old}')"
            patched = admin.patch(address, json={"unitOfMeasurement": LUMEN})
            assert patched.status_code == 200, patched.text
            # The first address leads on, and so do those of values.
            assert patched.json()["@iot.id"] != old
            assert admin.get(address).json() == patched.json()
            assert get(admin, f"Observations('{value}')")["result"] == 8
            assert results(admin, old) == [8, 9]
            observed = old.partition(":")[2]
            assert get(admin, f"Datastreams('{old}')/ObservedProperty")["@iot.id"] == observed
            assert kept(client, "tell-3", property=observed) == []
            # What is sent to it is of the unit it tells; what comes otherwise is refused.
            later = {"phenomenonTime": (NOON + timedelta(hours=3)).isoformat(), "result": 7}
            sent = admin.post(
                f"{ROOT}/Observations", json={**later, "Datastream": {"@iot.id": old}}
            )
            assert sent.status_code == 201, sent.text
            assert results(admin, old) == [8, 9, 7]
            row = {"station": "tell-3", "property": observed, "value": 1, "time": NOON.isoformat()}
            told = client.post("/observations", json=[row]).json()
            assert (told["accepted"], len(told["rejected"])) == (0, 1)
            assert told["rejected"][0]["pointer"] == "/property"
            # Back again, everything is where it was.
            back = admin.patch(address, json={"unitOfMeasurement": FAHRENHEIT})
            assert back.json()["@iot.id"] == old
            assert results(admin, old) == [8, 9, 7]
            assert client.post("/observations", json=[row]).json()["revised"] == 1
            assert admin.delete(address).status_code == 204
            assert admin.get(address).status_code == 404

    def test_a_property_of_the_catalogue_keeps_its_unit(self, client: httpx.Client) -> None:
        made(client, station("tell-4", {"@iot.id": "water_temperature"}, CELSIUS, (5,)))
        address = f"{ROOT}/Datastreams('tell-4:water_temperature')"
        refused = client.patch(address, json={"unitOfMeasurement": LUMEN})
        assert pointers(refused) == ["/unitOfMeasurement/symbol"]
        assert (
            get(client, "Datastreams('tell-4:water_temperature')")["unitOfMeasurement"] == CELSIUS
        )

    def test_a_unit_is_corrected_before_there_are_values(self, service: Service) -> None:
        with service.client(service.admin) as admin:
            glow = {"name": "Glow of units", "definition": "http://example.org/glow-of-units"}
            first = made(admin, station("tell-5", glow, LUMEN, ()))
            address = f"{ROOT}/Datastreams('{first['@iot.id']}')"
            patched = admin.patch(address, json={"unitOfMeasurement": CELSIUS})
            assert patched.json()["@iot.id"] == first["@iot.id"]
            observed = admin.get(f"{address}/ObservedProperty").json()
            assert observed["properties"]["unit"] == "Cel"


@pytest.mark.parametrize("unit", ["mg/L", "K"])
def test_the_unit_of_a_property_follows_only_where_all_convert(service: Service, unit: str) -> None:
    name = f"Warmth in {unit}"
    warmth = {"name": name, "definition": f"http://example.org/{unit}"}
    with service.client(service.admin) as admin:
        body = station(f"warm-{unit[0].lower()}", warmth, FAHRENHEIT, ())
        series = made(admin, body)["@iot.id"]
        observed = get(admin, f"Datastreams('{series}')/ObservedProperty")["@iot.id"]
        changed = admin.patch(f"/properties/{observed}", json={"unit": unit})
        if unit == "mg/L":
            assert changed.status_code == 409, changed.text
            return
        assert changed.status_code == 200, changed.text
        value = {"phenomenonTime": NOON.isoformat(), "result": 32}
        path = f"{ROOT}/Datastreams('{series}')/Observations"
        assert admin.post(path, json=value).status_code == 201
        assert results(admin, series) == [32]
        assert kept(admin, body["@iot.id"])[0]["value"] == pytest.approx(273.15)
