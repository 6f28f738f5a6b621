"""SensorThings over HTTP: a public client, the paths and options of the standard, bad input.

All tests share one service, on a port of this machine, because a client that blocks needs one.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import frost_sta_client as frost
import httpx
import pytest
import uvicorn
from frost_sta_client.model.ext.data_array_document import DataArrayDocument
from frost_sta_client.model.ext.data_array_value import DataArrayValue
from frost_sta_client.model.ext.unitofmeasurement import UnitOfMeasurement
from frost_sta_client.service.auth_handler import AuthHandler
from requests.auth import AuthBase
from requests.models import PreparedRequest
from sqlalchemy import text

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.sensorthings.operands import FUNCTIONS
from shanhai.vocabulary import Role, Scope
from shanhai_api.app import create_app
from shanhai_api.sta.documents import CONFORMANCE
from tests.service.api.ogc.conftest import configured
from tests.support.job_rows import open_sessions

ROOT = "/sta/v1.1"
START_S = 20
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
SCOPES = (Scope.READ, Scope.WRITE, Scope.OBSERVE)
Json = dict[str, Any]


def show(client: httpx.Client, code: str, visibility: str) -> None:
    """Say who may read of a station and of what it observes."""
    body = {"type": "Feature", "properties": {"visibility": visibility}}
    client.patch(f"/collections/stations/items/{code}", json=body).raise_for_status()


def thing(code: str = "xm-1", **members: Any) -> Json:
    """A station with its place and one series of three values."""
    return {
        "@iot.id": code,
        "name": "鼓浪屿站",
        "description": "A buoy",
        "properties": {"kind": "sea", "valid_from": "2026-01-01", "depth_m": 3},
        "Locations": [place(118.06, 24.44)],
        "Datastreams": [
            {
                "name": "pH",
                "unitOfMeasurement": {"name": "pH", "symbol": "pH", "definition": ""},
                "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
                "OM_Measurement",
                "ObservedProperty": {"@iot.id": "ph"},
                "Sensor": {
                    "name": "Electrode",
                    "encodingType": "text/plain",
                    "metadata": "Serial 7",
                },
                "Observations": [
                    {
                        "phenomenonTime": (NOON + timedelta(hours=hour)).isoformat(),
                        "result": 8.0 + hour / 10,
                    }
                    for hour in range(3)
                ],
            }
        ],
        **members,
    }


def place(longitude: float, latitude: float) -> Json:
    return {
        "name": "here",
        "description": "",
        "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [longitude, latitude]},
    }


@dataclass(frozen=True)
class Service:
    """A running service, and keys for it."""

    base: str
    key: str
    feed: str
    admin: str
    planner: str

    def client(self, key: str | None) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def service(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The API on a free port, over one station with its values."""
    configuration = configured(database_url, redis_url, tmp_path_factory.mktemp("api"))
    keys = asyncio.run(make_keys(database_url))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        app = create_app(replace(configuration, public=public))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            deadline = time.monotonic() + START_S
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)
            yield Service(base, *keys)
        finally:
            server.should_exit = True
            thread.join(START_S)


REGION = text(
    "INSERT INTO region (code, name_zh, name_en, level) VALUES (:code, '区', 'Region', 'district')"
)


async def make_keys(database_url: str) -> tuple[str, str, str, str]:
    """Keys of one who may write all, of a feed that sends observations, an admin, and a planner of
    the region `here`."""
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        key = await create_key(session, name="test", scopes=SCOPES)
        feed = await create_key(session, name="feed", scopes=[Scope.OBSERVE])
        admin = await create_key(session, name="admin", scopes=[Scope.ADMIN])
        for code in ("here", "there"):
            await session.execute(REGION, {"code": code})
        planner = await create_key(
            session, name="planner", scopes=SCOPES, roles=[RoleGiven(Role.PLANNER, "here")]
        )
    return key, feed, admin, planner


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    """Somebody who may write."""
    with service.client(service.key) as client:
        yield client


@pytest.fixture(scope="module")
def filled(client: httpx.Client) -> httpx.Client:
    """The same, after they have made one station with its values."""
    answer = client.post(f"{ROOT}/Things", json=thing())
    assert answer.status_code == 201, answer.text
    return client


def get(client: httpx.Client, path: str, **query: Any) -> Json:
    parameters = {f"${name}": value for name, value in query.items()}
    answer = client.get(f"{ROOT}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return [fault["pointer"] for fault in answer.json()["errors"]]


class TestReading:
    def test_the_root_tells_sets_and_what_is_there_of_the_standard(
        self, filled: httpx.Client
    ) -> None:
        answer = filled.get(ROOT)
        document = answer.json()
        assert {item["name"] for item in document["value"]} == {
            *("Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors"),
            *("ObservedProperties", "Observations", "FeaturesOfInterest"),
        }
        assert document["serverSettings"]["conformance"] == list(CONFORMANCE)
        for item in document["value"]:
            page = (filled.get(item["url"])).json()
            assert page["value"], item

    def test_every_link_of_an_entity_leads_somewhere(self, filled: httpx.Client) -> None:
        for name in ("Things", "Datastreams", "Observations", "FeaturesOfInterest", "Locations"):
            for entity in (get(filled, name, top=2))["value"]:
                links = [
                    link for member, link in entity.items() if member.endswith("navigationLink")
                ]
                for link in (entity["@iot.selfLink"], *links):
                    answer = filled.get(link)
                    assert answer.status_code == 200, link
                    assert answer.headers["ETag"]

    def test_a_station_is_what_was_sent(self, filled: httpx.Client) -> None:
        found = get(
            filled,
            "Things('xm-1')",
            expand="Locations($select=location),Datastreams($expand=Sensor,ObservedProperty;"
            "$select=id,unitOfMeasurement,phenomenonTime)",
        )
        assert found["name"] == "鼓浪屿站"
        assert found["properties"]["depth_m"] == 3
        assert found["properties"]["kind"] == "sea"
        assert found["Locations"][0]["location"]["coordinates"] == [118.06, 24.44]
        series = found["Datastreams"][0]
        assert series["@iot.id"] == "xm-1:ph"
        assert series["unitOfMeasurement"]["symbol"] == "pH"
        assert series["phenomenonTime"] == "2026-08-01T12:00:00Z/2026-08-01T14:00:00Z"
        assert series["Sensor"]["metadata"] == "Serial 7"
        assert series["ObservedProperty"]["@iot.id"] == "ph"

    def test_pages_follow_each_other_and_are_counted(self, filled: httpx.Client) -> None:
        path = "Datastreams('xm-1:ph')/Observations"
        page = get(filled, path, top=2, orderby="result desc", count="true")
        assert page["@iot.count"] == 3
        results = [row["result"] for row in page["value"]]
        rest = (filled.get(page["@iot.nextLink"])).json()
        assert [*results, *(row["result"] for row in rest["value"])] == [8.2, 8.1, 8.0]
        assert "@iot.nextLink" not in rest
        nested = get(filled, "Datastreams", expand="Observations($top=1;$count=true)")
        series = nested["value"][0]
        assert (len(series["Observations"]), series["Observations@iot.count"]) == (1, 3)
        after = (filled.get(series["Observations@iot.nextLink"])).json()
        assert [row["result"] for row in after["value"]] == [8.1]

    @pytest.mark.parametrize(
        ("path", "condition", "number"),
        [
            ("Observations", "result gt 8.05 and result le 8.1", 1),
            ("Observations", "not (result add 1 lt 9.15)", 1),
            ("Observations", "phenomenonTime ge 2026-08-01T21:00:00+08:00", 2),
            ("Observations", "hour(phenomenonTime) eq 14 and year(phenomenonTime) eq 2026", 1),
            ("Observations", "phenomenonTime lt now() sub duration'P1D'", 3),
            ("Observations", "time(phenomenonTime) gt duration'PT13H'", 1),
            ("Observations", "totaloffsetminutes(phenomenonTime) eq 0", 3),
            ("Observations", "mindatetime() lt phenomenonTime and now() lt maxdatetime()", 3),
            ("Observations", "Datastream/id eq 'xm-1:ph' and resultQuality eq 'valid'", 3),
            ("Observations", "Datastream/Thing/properties/kind eq 'land'", 0),
            ("Observations", "id eq 'xm-1:ph:20260801T130000.000000Z'", 1),
            ("Observations", "id eq 'nothing of ours'", 0),
            ("Datastreams", "ObservedProperty/name eq 'pH' and Sensor/name eq 'Electrode'", 1),
            # The period of its values is 12:00 to 14:00.
            ("Datastreams", "phenomenonTime ge 2026-08-01T20:00:00+08:00", 1),
            ("Datastreams", "phenomenonTime ge 2026-08-01T13:00:00Z", 0),
            ("Datastreams", "phenomenonTime gt 2026-08-01T11:59:59Z", 1),
            ("Datastreams", "phenomenonTime gt 2026-08-01T12:00:00Z", 0),
            ("Datastreams", "2026-08-01T14:00:00Z ge phenomenonTime", 1),
            ("Datastreams", "phenomenonTime le 2026-08-01T13:00:00Z", 0),
            ("Datastreams", "phenomenonTime lt now() sub duration'P1D'", 1),
            ("Datastreams", "phenomenonTime lt 2026-08-01T14:00:00Z", 0),
            ("Datastreams", "phenomenonTime eq 2026-08-01T12:00:00Z", 0),
            ("Datastreams", "phenomenonTime ne 2026-08-01T12:00:00Z", 1),
            ("Datastreams", "phenomenonTime ge Observations/resultTime", 0),
            ("Datastreams", "phenomenonTime ne null", 1),
            ("Observations", "Datastream/phenomenonTime le 2026-08-01T14:00:00Z", 3),
            ("Things", "Datastreams/Observations/result gt 8.15", 1),
            ("Things", "properties/depth_m ge 3 and startswith(name,'鼓浪')", 1),
            ("Things", "substringof('屿',name) or endswith(name,'it''s')", 1),
            ("Things", "properties/nothing eq null", 1),
            ("Things", "startswith(substring(name,1),'浪') and substring(name,0) eq name", 1),
            ("Locations", "st_relate(location,geography'POINT(118 24)','FF0FFF0F2')", 1),
            ("Locations", "st_relate(location,geography'POINT(118 24)','nonsense')", 0),
            (
                "Things",
                "st_within(Locations/location,geography'POLYGON((118 24,118 25,119 25,118 24))')",
                1,
            ),
            (
                "Locations",
                "st_within(location,geography'POLYGON((118 24,119 24,119 25,118 25,118 24))')",
                1,
            ),
            ("Locations", "geo.distance(location,geography'POINT(118.06 24.45)') lt 0.02", 1),
            ("FeaturesOfInterest", "st_disjoint(feature,geography'POINT(118 24)')", 1),
        ],
    )
    def test_filters(self, filled: httpx.Client, path: str, condition: str, number: int) -> None:
        found = get(filled, path, filter=condition, count="true")
        assert found["@iot.count"] == len(found["value"]) == number

    def test_every_function_is_one_of_the_database(self, filled: httpx.Client) -> None:
        samples = {
            "text": "resultQuality",
            "number": "result",
            "moment": "phenomenonTime",
            "geometry": "geography'LINESTRING(118 24,119 25)'",
        }
        for name, function in FUNCTIONS.items():
            arguments = ",".join(samples[kind] for kind in function.takes)
            condition = (
                f"{name}({arguments}) {'eq true' if function.gives == 'boolean' else 'ne null'}"
            )
            found = get(filled, "Datastreams('xm-1:ph')/Observations", filter=condition, top=1)
            assert isinstance(found["value"], list), condition
        for operator in ("add", "sub", "mul", "div", "mod"):
            get(filled, "Observations", filter=f"result {operator} 0 eq -result", top=1)
        for name in ("phenomenonTime", "result", "resultQuality", "Datastream/name", "id"):
            for order in ("asc", "desc"):
                page = get(filled, "Observations", orderby=f"{name} {order}", top=1)
                assert filled.get(page["@iot.nextLink"]).status_code == 200, name

    @pytest.mark.parametrize(
        ("number", "rounded"),
        [
            *(("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("2.4", 2)),
            *(("2.4999999999999996", 2), ("0.49999999999999994", 0), ("1e300", 1e300)),
            ("9007199254740991", 9007199254740991),
        ],
    )
    def test_halves_are_rounded_away_from_zero(
        self, filled: httpx.Client, number: str, rounded: float
    ) -> None:
        condition = f"round(result sub result add {number}) eq {rounded}"
        assert get(filled, "Datastreams('xm-1:ph')/Observations", filter=condition)["value"]

    def test_observations_as_tables(self, filled: httpx.Client) -> None:
        found = get(filled, "Observations", resultFormat="dataArray", select="id,result")
        (table,) = found["value"]
        assert table["Datastream@iot.navigationLink"].endswith("/Datastreams('xm-1:ph')")
        assert table["components"] == ["id", "result"]
        assert [row[1] for row in table["dataArray"]] == [8.0, 8.1, 8.2]
        assert table["dataArray@iot.count"] == 3

    def test_single_values_and_addresses(self, filled: httpx.Client) -> None:
        assert get(filled, "Things('xm-1')/name") == {"name": "鼓浪屿站"}
        plain = filled.get(f"{ROOT}/Things('xm-1')/name/$value")
        assert (plain.text, plain.headers["Content-Type"]) == (
            "鼓浪屿站",
            "text/plain; charset=utf-8",
        )
        found = get(filled, "Things('xm-1')/Datastreams/$ref")
        assert found["value"][0]["@iot.selfLink"].endswith("/Datastreams('xm-1:ph')")

    @pytest.mark.parametrize(
        ("path", "query", "pointer"),
        [
            ("Things", {"$filter": "nonsense("}, "$filter"),
            ("Things", {"$filter": "soundex(name) eq 'x'"}, "$filter"),
            ("Things", {"$filter": "depth eq 3"}, "$filter"),
            ("Things", {"$filter": "name gt 3"}, "$filter"),
            ("Datastreams", {"$filter": "phenomenonTime ge 3"}, "$filter"),
            ("Datastreams", {"$filter": "phenomenonTime ge properties/since"}, "$filter"),
            ("Observations", {"$filter": "result div 0 mul 1e308 mul 1e308 gt 1"}, None),
            ("Observations", {"$filter": "result mul 1e308 mul 1e308 gt 1"}, "$filter"),
            ("Things", {"$filter": "(" * 100}, "$filter"),
            ("Things", {"$filter": "name eq 'x" + "y" * 9_000 + "'"}, "$filter"),
            ("Locations", {"$filter": "st_within(location,geography'POINT(24 118)')"}, "$filter"),
            ("Things", {"$expand": "Observations"}, "$expand"),
            ("Things", {"$expand": "/".join(["Datastreams/Thing"] * 4)}, "$expand"),
            (
                "Things",
                {"$top": "1000", "$expand": "Datastreams($top=100;$expand=Observations)"},
                "$expand",
            ),
            ("Things", {"$orderby": "Datastreams/name"}, "$orderby"),
            ("Things", {"$select": "depth"}, "$select"),
            ("Things", {"$top": "-1"}, "$top"),
            ("Things", {"$skip": "10001"}, "$skip"),
            ("Things", {"$skiptoken": "bm9uZQ"}, "$skiptoken"),
            ("Things", {"$resultFormat": "dataArray"}, "$resultFormat"),
            ("Things", {"$search": "x"}, "$search"),
            ("Things('xm-1')", {"$top": "1"}, "$top"),
        ],
    )
    def test_options_that_break_a_rule(
        self, filled: httpx.Client, path: str, query: dict[str, str], pointer: str | None
    ) -> None:
        answer = filled.get(f"{ROOT}/{path}", params=query)
        if pointer is None:
            assert answer.status_code == 200, answer.text
            return
        assert answer.status_code in {400, 413}, answer.text
        assert pointers(answer) == [pointer]

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "Nothing",
                "Things('x')",
                "Things('xm-1')/Observations",
                "Things(xm-1",
                "Things/name",
            ),
            *("Observations('xm-1:ph:20260801T130000Z')", "Things('xm-1')/name/$ref", "$metadata"),
        ],
    )
    def test_paths_that_lead_nowhere(self, filled: httpx.Client, path: str) -> None:
        assert (filled.get(f"{ROOT}/{path}")).status_code == 404


class TestWriting:
    def test_a_second_station_of_a_name_that_is_taken(self, filled: httpx.Client) -> None:
        answer = filled.post(f"{ROOT}/Things", json=thing())
        assert answer.status_code == 409
        assert pointers(answer) == ["/@iot.id"]

    def test_nothing_is_left_of_what_was_refused(self, filled: httpx.Client) -> None:
        before = get(filled, "Sensors", count="true")["@iot.count"]
        body = thing("half")
        last = body["Datastreams"][0]["Observations"][2]
        for member, value in (("phenomenonTime", "2025-12-31T00:00:00Z"), ("result", "high")):
            last[member] = value
            answer = filled.post(f"{ROOT}/Things", json=body)
            assert pointers(answer) == [f"/Datastreams/0/Observations/2/{member}"]
        assert filled.get(f"{ROOT}/Things('half')").status_code == 404
        assert get(filled, "Sensors", count="true")["@iot.count"] == before

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"properties": {"kind": "moon"}}, "/properties/kind"),
            ({"properties": {"kind": "sea", "interval_s": 0}}, "/properties/interval_s"),
            ({"properties": {"kind": "sea", "region": "nowhere"}}, "/properties/region"),
            ({"@iot.id": "a b"}, "/@iot.id"),
            ({"Locations": [place(24.44, 118.06)]}, "/Locations/0/location/coordinates"),
            ({"Locations": [{**place(1, 1), "encodingType": "x"}]}, "/Locations/0/encodingType"),
            ({"unknown": 1}, "/unknown"),
            ({"Datastreams": [{"name": "x"}]}, "/Datastreams/0/ObservedProperty"),
        ],
    )
    def test_things_that_break_a_rule(
        self, client: httpx.Client, change: Json, pointer: str
    ) -> None:
        answer = client.post(f"{ROOT}/Things", json=thing("bad", **change))
        assert answer.status_code == 400, answer.text
        assert [item for item in pointers(answer) if item.startswith(pointer)], answer.text

    def test_a_unit_that_is_not_the_property_s(self, client: httpx.Client) -> None:
        """Nothing converts what is of another dimension, and rules are written in the unit."""
        body = thing("units")
        body["Datastreams"][0]["ObservedProperty"] = {"@iot.id": "dissolved_oxygen"}
        body["Datastreams"][0]["unitOfMeasurement"] = {"symbol": "Cel"}
        answer = client.post(f"{ROOT}/Things", json=body)
        assert pointers(answer) == ["/Datastreams/0/unitOfMeasurement/symbol"]
        detail = answer.json()["errors"][0]["detail"]
        assert "'mg/L', the unit of dissolved_oxygen" in detail
        assert "ug/L" in detail

    def test_a_station_that_moves_keeps_where_it_was(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("moving")).raise_for_status()
        patched = client.patch(
            f"{ROOT}/Things('moving')", json={"properties": {"note": "moved"}, "name": "Moved"}
        )
        assert patched.json()["properties"]["note"] == "moved"
        assert patched.json()["properties"]["kind"] == "sea"
        assert patched.json()["properties"]["depth_m"] == 3
        emptied = client.patch(f"{ROOT}/Things('moving')", json={"properties": {"depth_m": None}})
        assert "depth_m" not in emptied.json()["properties"]
        whole = {**emptied.json(), "name": "Moving"}
        renamed = client.patch(f"{ROOT}/Things('moving')", json=whole).json()
        assert {renamed["properties"][f"name_{lang}"] for lang in ("zh", "en")} == {"Moving"}
        answer = client.post(f"{ROOT}/Things('moving')/Locations", json=place(118.1, 24.5))
        assert answer.status_code == 201, answer.text
        now = get(client, "Things('moving')/Locations")["value"]
        assert [item["location"]["coordinates"] for item in now] == [[118.1, 24.5]]
        history = get(client, "Things('moving')/HistoricalLocations", expand="Locations")["value"]
        places = [item["Locations"][0]["location"]["coordinates"] for item in history]
        assert places == [[118.06, 24.44], [118.1, 24.5]]
        former = history[0]["Locations"][0]["@iot.selfLink"]
        assert client.get(former).json()["location"]["coordinates"] == [118.06, 24.44]
        # It is a Location of its own: nobody who is elsewhere by now moves with it.
        assert client.patch(former, json=place(1, 1)).json()["location"]["coordinates"] == [1, 1]
        assert get(client, "Things('moving')/Locations")["value"] == now

    def test_a_change_of_what_was_read_before_another(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("twice")).raise_for_status()
        address = f"{ROOT}/Things('twice')"
        tag = client.get(address).headers["ETag"]
        first = client.patch(address, json={"name": "One"}, headers={"If-Match": tag})
        late = client.patch(address, json={"name": "Two"}, headers={"If-Match": tag})
        assert (first.status_code, late.status_code) == (200, 412)
        again = client.patch(
            address, json={"name": "Two"}, headers={"If-Match": first.headers["ETag"]}
        )
        assert again.json()["name"] == "Two"

    def test_values_are_revised_and_never_lost(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("values")).raise_for_status()
        sent = {"Datastream": {"@iot.id": "values:ph"}, "phenomenonTime": "2026-08-02T00:00:00Z"}
        made = client.post(f"{ROOT}/Observations", json={**sent, "result": 7.5})
        assert made.status_code == 201, made.text
        address = made.headers["Location"]
        assert client.get(address).json()["result"] == 7.5
        changed = client.patch(address, json={"result": 7.6, "resultQuality": "manual"})
        assert (changed.json()["result"], changed.json()["resultQuality"]) == (7.6, "manual")
        again = client.post(f"{ROOT}/Observations", json={**sent, "result": 7.7})
        assert again.headers["Location"] == address
        assert client.get(address).json()["result"] == 7.7
        moved = client.patch(address, json={"phenomenonTime": "2026-08-03T00:00:00Z"})
        assert moved.json()["phenomenonTime"] == "2026-08-03T00:00:00Z"
        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == 404
        asked = {"station": "values", "revisions": "true", "limit": "100"}
        kept = client.post(f"{ROOT}/Observations", json={**sent, "result": 7.8})
        rows = client.get("/observations", params=asked).json()["observations"]
        (row,) = [row for row in rows if row["value"] == 7.8]
        assert kept.headers["Location"] == address
        assert [former["value"] for former in row["revisions"]] == [7.5, 7.6, 7.7]

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"result": True}, "/result"),
            ({"result": None}, "/result"),
            ({"phenomenonTime": "2026-08-01T00:00:00"}, "/phenomenonTime"),
            ({"phenomenonTime": "2026-08-01T00:00:00Z/2026-08-01T01:00:00Z"}, "/phenomenonTime"),
            ({"phenomenonTime": "2999-01-01T00:00:00Z"}, "/phenomenonTime"),
            ({"resultQuality": "splendid"}, "/resultQuality"),
            ({"Datastream": {"@iot.id": "nowhere:ph"}}, "/Datastream/@iot.id"),
            ({"Datastream": {"@iot.id": "xm-1:nothing"}}, "/Datastream/@iot.id"),
            ({"Datastream": {"@iot.id": "xm-1:w01001"}}, "/Datastream/@iot.id"),
            ({"Datastream": {"@iot.id": "xm-1"}}, "/Datastream/@iot.id"),
            ({"Datastream": None}, "/Datastream"),
            ({"FeatureOfInterest": {"@iot.id": "elsewhere"}}, "/FeatureOfInterest"),
            ({"FeatureOfInterest": {"name": "described"}}, "/FeatureOfInterest"),
        ],
    )
    def test_observations_that_break_a_rule(
        self, filled: httpx.Client, change: Json, pointer: str
    ) -> None:
        good = {"Datastream": {"@iot.id": "xm-1:ph"}, "result": 7}
        answer = filled.post(f"{ROOT}/Observations", json={**good, **change})
        assert answer.status_code == 400, answer.text
        assert pointers(answer) == [pointer]

    def test_good_rows_of_an_array_are_kept(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("array")).raise_for_status()
        array = {
            "Datastream": {"@iot.id": "array:ph"},
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
            "dataArray": [
                ["2026-09-01T00:00:00Z", 7.1, "array"],
                ["2026-09-01T01:00:00Z", "high", "array"],
                ["2999-09-01T01:00:00Z", 7.2, "array"],
                ["2026-09-01T02:00:00Z"],
                ["2026-09-01T03:00:00Z", 7.3, "array"],
            ],
        }
        answer = client.post(f"{ROOT}/CreateObservations", json=[array])
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert [item.startswith("error: ") for item in told] == [False, True, True, True, False]
        assert client.get(told[4]).json()["result"] == 7.3
        stored = get(client, "Datastreams('array:ph')/Observations", count="true")
        assert stored["@iot.count"] == 5
        bad = client.post(
            f"{ROOT}/CreateObservations", json=[{**array, "components": ["phenomenonTime"]}]
        )
        assert pointers(bad) == ["/0/components"]
        bad = client.post(f"{ROOT}/CreateObservations", json={"dataArray": []})
        assert bad.status_code == 400
        many = client.post(
            f"{ROOT}/CreateObservations", json=[{**array, "dataArray": [0] * 10_001}]
        )
        assert many.status_code == 413

    def test_good_rows_are_kept_however_many_are_not(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("bad-array")).raise_for_status()
        # The first, one in the midst and the last are good.
        good = {0, 1500, 2501}
        first = datetime(2026, 9, 2, tzinfo=UTC)
        times = (first + timedelta(minutes=number) for number in range(2502))
        rows = [[f"{time:%Y-%m-%dT%H:%M:%SZ}", 7] for time in times]
        for number in set(range(2502)) - good:
            rows[number][0] = "2999-09-02T00:00:00Z"
        array = {
            "Datastream": {"@iot.id": "bad-array:ph"},
            "components": ["phenomenonTime", "result"],
            "dataArray": rows,
        }
        answer = client.post(f"{ROOT}/CreateObservations", json=[array])
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert {number for number, one in enumerate(told) if not one.startswith("error: ")} == good
        assert len(told) == len(rows)
        for number in good:
            assert client.get(told[number]).json()["phenomenonTime"] == rows[number][0]

    def test_too_many_bad_observations_are_told_by_the_first(self, client: httpx.Client) -> None:
        body = thing("bad-deep")
        bad = {"phenomenonTime": "2999-01-01T00:00:00Z", "result": 7}
        body["Datastreams"][0]["Observations"] = [bad] * 1001
        answer = client.post(f"{ROOT}/Things", json=body)
        assert answer.status_code == 400
        assert pointers(answer) == ["/phenomenonTime"]
        assert "1001 observations break a rule" in answer.json()["detail"]
        assert client.get(f"{ROOT}/Things('bad-deep')").status_code == 404

    def test_who_may_write_what(self, service: Service, filled: httpx.Client) -> None:
        value = {"Datastream": {"@iot.id": "xm-1:ph"}, "result": 7}
        with service.client(None) as anybody, service.client(service.feed) as feed:
            assert anybody.get(f"{ROOT}/Things").status_code == 200
            assert anybody.post(f"{ROOT}/Things", content=b"{").status_code == 401
            assert anybody.post(f"{ROOT}/Observations", content=b"{").status_code == 401
            assert feed.post(f"{ROOT}/Observations", json=value).status_code == 201
            assert feed.post(f"{ROOT}/Things", content=b"{").status_code == 403
            assert feed.post(f"{ROOT}/Sensors", content=b"{").status_code == 403
            assert feed.patch(f"{ROOT}/Things('xm-1')", content=b"{").status_code == 403
            assert feed.delete(f"{ROOT}/Things('xm-1')").status_code == 403

    def test_a_planner_writes_in_their_region_alone(
        self, service: Service, client: httpx.Client
    ) -> None:
        def of(code: str, region: str) -> Json:
            return thing(code, properties={"region": region}, Datastreams=[])

        with service.client(service.planner) as planner:
            assert planner.post(f"{ROOT}/Things", json=of("own", "here")).status_code == 201
            assert planner.post(f"{ROOT}/Things", json=of("other", "there")).status_code == 403
            client.post(f"{ROOT}/Things", json=of("other", "there")).raise_for_status()
            series = {
                **thing()["Datastreams"][0],
                "Sensor": {"@iot.id": "unspecified"},
                "Observations": [],
            }
            for code, status in (("own", 201), ("other", 404)):
                made = planner.post(f"{ROOT}/Things('{code}')/Datastreams", json=series)
                assert made.status_code == status, made.text
                answer = planner.patch(f"{ROOT}/Locations('{code}')", json=place(118.3, 24.7))
                assert answer.status_code == (200 if code == "own" else 404), answer.text
            changed = planner.patch(
                f"{ROOT}/Datastreams('own:ph')", json={"properties": {"depth_m": 1}}
            )
            assert changed.json()["properties"] == {"depth_m": 1}
            assert changed.json()["name"] == "pH"
            assert planner.delete(f"{ROOT}/Datastreams('own:ph')").status_code == 204
        with service.client(service.admin) as admin:
            entries = admin.get("/audit", params={"table": "datastream"}).json()["entries"]
        assert {"create", "update", "delete"} <= {entry["action"] for entry in entries}

    def test_a_sensor_is_described_and_deleted(self, client: httpx.Client) -> None:
        body = {"name": "Gauge", "encodingType": "text/plain", "metadata": {"model": "G1"}}
        made = client.post(f"{ROOT}/Sensors", json={"@iot.id": "gauge", **body})
        assert made.json()["metadata"] == {"model": "G1"}
        assert client.post(f"{ROOT}/Sensors", json={"@iot.id": "gauge", **body}).status_code == 409
        missing = client.post(f"{ROOT}/Sensors", json={"name": "Gauge", "metadata": ""})
        assert pointers(missing) == ["/encodingType"]
        address = made.headers["Location"]
        assert client.patch(address, json={"name": "Tide gauge"}).json()["name"] == "Tide gauge"
        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == 404
        assert client.delete(f"{ROOT}/Sensors('unspecified')").status_code == 409

    def test_a_property_is_made_by_administrators(
        self, service: Service, client: httpx.Client
    ) -> None:
        new = {
            "name": "Methane",
            "definition": "",
            "description": "",
            "properties": {"medium": "air", "low": 0, "high": 100},
        }
        body = thing("property")
        body["Datastreams"][0] |= {
            "ObservedProperty": {"@iot.id": "methane", **new},
            "unitOfMeasurement": {"name": "", "symbol": "µg/m³", "definition": ""},
        }
        assert client.post(f"{ROOT}/Things", json=body).status_code == 403
        assert client.get(f"{ROOT}/Things('property')").status_code == 404
        with service.client(service.admin) as admin:
            assert admin.post(f"{ROOT}/Things", json=body).status_code == 201
            address = f"{ROOT}/ObservedProperties('methane')"
            changed = admin.patch(address, json={"properties": {"high": 50}})
            assert changed.json()["properties"]["high"] == 50
            assert changed.json()["properties"]["unit"] == "ug/m3"
            for bad, pointer in (
                ({"medium": "moon", "unit": "m"}, "/properties/medium"),
                ({"medium": "air", "unit": "furlong"}, "/properties/unit"),
                ({"medium": "air", "unit": "m", "note": 1}, "/properties/note"),
            ):
                told = {**new, "@iot.id": "other", "properties": bad}
                answer = admin.post(f"{ROOT}/ObservedProperties", json=told)
                assert pointers(answer) == [pointer]
            taken = admin.post(
                f"{ROOT}/ObservedProperties",
                json={**new, "@iot.id": "w01001", "properties": {"medium": "air", "unit": "m"}},
            )
            assert taken.status_code == 409
        assert client.patch(address, json={"name": "x"}).status_code == 403

    def test_the_standard_s_own_observed_property_is_made(self, service: Service) -> None:
        """Nothing of ours in it: no id, no unit, no medium."""
        body = {
            "name": "Luminous Flux",
            "definition": "http://example.org/LuminousFlux",
            "description": "Light of a source",
        }
        with service.client(service.admin) as admin:
            made = admin.post(f"{ROOT}/ObservedProperties", json=body)
            assert made.status_code == 201, made.text
            assert {name: made.json()[name] for name in body} == body
            address = made.headers["Location"]
            assert admin.get(address).json() == made.json()
            again = admin.patch(address, json={**made.json(), "description": "Light"}).json()
            assert (again["description"], again["definition"]) == ("Light", body["definition"])
            nameless = admin.post(f"{ROOT}/ObservedProperties", json={"definition": "x:y"})
            assert pointers(nameless) == ["/name"]

    def test_a_property_takes_the_unit_of_its_first_datastream(self, service: Service) -> None:
        lumen = {"name": "Lumen", "symbol": "lm", "definition": "http://example.org/Lumen"}
        celsius = {"name": "Celsius", "symbol": "degC", "definition": "http://example.org/degC"}
        sensor = {"name": "S", "encodingType": "text/plain", "metadata": "x"}
        with service.client(service.admin) as admin:
            for code, unit, own in (("dew", celsius, "Cel"), ("light", lumen, "1")):
                observed = {"name": code, "definition": f"http://example.org/{code}"}
                series = {
                    "name": "series",
                    "description": "d",
                    "unitOfMeasurement": unit,
                    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
                    "OM_Measurement",
                    "ObservedProperty": {**observed, "description": "d"},
                    "Sensor": sensor,
                }
                body = {"name": code, "description": "d", "Datastreams": [series]}
                made = admin.post(f"{ROOT}/Things", json=body)
                assert made.status_code == 201, made.text
                found = get(
                    admin,
                    f"Things('{made.json()['@iot.id']}')/Datastreams",
                    expand="ObservedProperty",
                )["value"][0]
                assert found["unitOfMeasurement"] == unit
                assert found["ObservedProperty"]["properties"]["unit"] == own
                again = admin.post(f"{ROOT}/Things", json={**body, "name": f"{code} again"})
                known = get(
                    admin,
                    f"Things('{again.json()['@iot.id']}')/Datastreams",
                    expand="ObservedProperty",
                )["value"][0]["ObservedProperty"]["@iot.id"]
                assert known == found["ObservedProperty"]["@iot.id"]
            address = f"{ROOT}/Datastreams('{found['@iot.id']}')"
            other = {**lumen, "name": "lumen"}
            assert (
                admin.patch(address, json={"unitOfMeasurement": other}).json()["unitOfMeasurement"]
                == other
            )
            third = {**body, "name": "third"}
            third["Datastreams"] = [{**series, "unitOfMeasurement": celsius}, series, series]
            made = admin.post(f"{ROOT}/Things", json=third)
            assert made.status_code == 201, made.text
            path = f"Things('{made.json()['@iot.id']}')/Datastreams"
            kinds = get(admin, path, expand="ObservedProperty")["value"]
            # In another unit, or twice at one station, it is another property.
            assert len({one["ObservedProperty"]["@iot.id"] for one in kinds}) == 3
            bound = {"@iot.id": found["ObservedProperty"]["@iot.id"]}
            fourth = {**series, "unitOfMeasurement": celsius, "ObservedProperty": bound}
            other_unit = {**body, "name": "fourth", "Datastreams": [fourth]}
            made = admin.post(f"{ROOT}/Things", json=other_unit)
            assert made.status_code == 201, made.text

    def test_a_datastream_tells_a_unit_of_its_own(
        self, service: Service, client: httpx.Client
    ) -> None:
        """The standard's example bodies, and one property bound in three units."""
        flux = {
            "name": "Luminous Flux",
            "definition": "http://www.qudt.org/qudt/owl/1.0.0/quantity/Instances.html/LuminousFlux",
            "description": "Luminous Flux or Luminous Power is the measure of perceived light.",
        }
        lumen = {"name": "Lumen", "symbol": "lm", "definition": "http://www.qudt.org/unit/Lumen"}
        celsius = {"name": "Centigrade", "symbol": "C", "definition": "http://www.qudt.org/unit/C"}
        kelvin = {"name": "Kelvin", "symbol": "K", "definition": "http://www.qudt.org/unit/K"}
        series = {
            "name": "Luminous series",
            "description": "datastream 1",
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
            "OM_Measurement",
            "unitOfMeasurement": lumen,
            "ObservedProperty": flux,
            "Sensor": {
                "name": "Acme Fluxomatic 1000",
                "description": "sensor 1",
                "encodingType": "application/pdf",
                "metadata": "http://example.org/fluxomatic.pdf",
            },
            "Observations": [
                {"phenomenonTime": "2026-03-03T00:00:00Z", "result": 3},
                {"phenomenonTime": "2026-03-04T00:00:00Z", "result": 4},
            ],
        }
        body = {
            "name": "thing 1",
            "description": "thing 1",
            "properties": {"reference": "first"},
            "Locations": [place(117.05, 51.05)],
            "Datastreams": [series],
        }
        with service.client(service.admin) as admin:
            made = admin.post(f"{ROOT}/Things", json=body)
            assert made.status_code == 201, made.text
            one = f"Things('{made.json()['@iot.id']}')/Datastreams"
            first = get(admin, one, expand="ObservedProperty")["value"][0]
            bound = {"@iot.id": first["ObservedProperty"]["@iot.id"]}
            other = admin.post(
                f"{ROOT}/Things", json={**body, "name": "thing 2", "Datastreams": []}
            )
            thing_there = {"Thing": {"@iot.id": other.json()["@iot.id"]}}
            own, addresses = set(), {}
            for unit in (celsius, kelvin, lumen):
                told = {**series, **thing_there, "unitOfMeasurement": unit}
                told["ObservedProperty"] = bound
                answer = admin.post(f"{ROOT}/Datastreams", json=told)
                assert answer.status_code == 201, answer.text
                assert answer.json()["unitOfMeasurement"] == unit
                address = answer.headers["Location"]
                found = admin.get(f"{address}/ObservedProperty").json()
                assert {name: found[name] for name in flux} == flux
                assert found["@iot.id"] == bound["@iot.id"]
                own.add(answer.json()["@iot.id"])
                values = admin.get(f"{address}/Observations").json()["value"]
                assert sorted(item["result"] for item in values) == [3, 4]
                addresses[unit["symbol"]] = address
            assert len(own) == 3
            ours = f"startswith(definition,'{flux['definition']}')"
            assert get(admin, "ObservedProperties", filter=ours, count="true")["@iot.count"] == 1
            kept = [one.partition(":")[2] for one in own]
            # Each unit has one store, which others in the unit share.
            for unit in (celsius, kelvin):
                third = {**body, "name": unit["name"], "Datastreams": []}
                again = admin.post(f"{ROOT}/Things", json=third).json()["@iot.id"]
                told = {**series, "unitOfMeasurement": unit, "ObservedProperty": bound}
                answer = admin.post(f"{ROOT}/Things('{again}')/Datastreams", json=told)
                assert answer.status_code == 201, answer.text
                assert answer.json()["@iot.id"].partition(":")[2] in kept
            renamed = {**celsius, "name": "Degree Celsius"}
            patched = admin.patch(addresses["C"], json={"unitOfMeasurement": renamed})
            assert patched.status_code == 200, patched.text
            assert patched.json()["unitOfMeasurement"] == renamed
            # There is a series in that unit at the station.
            refused = admin.patch(addresses["C"], json={"unitOfMeasurement": lumen})
            assert refused.status_code == 409, refused.text
        pascal = {"name": "Pascal", "symbol": "Pa", "definition": ""}
        station = client.post(f"{ROOT}/Things", json=thing("own-units")).json()["@iot.id"]
        told = {**series, "unitOfMeasurement": pascal, "ObservedProperty": bound}
        told["Thing"] = {"@iot.id": station}
        assert client.post(f"{ROOT}/Datastreams", json=told).status_code == 403
        known = {**told, "unitOfMeasurement": celsius, "Observations": []}
        assert client.post(f"{ROOT}/Datastreams", json=known).status_code == 201

    def test_only_what_can_be_made_is_claimed(self, client: httpx.Client) -> None:
        claimed = client.get(ROOT).json()["serverSettings"]["conformance"]
        requirement = "http://www.opengis.net/spec/iot_sensing/1.1/req/create-update-delete/"
        for kind in ("FeaturesOfInterest", "HistoricalLocations"):
            assert client.post(f"{ROOT}/{kind}", json={}).status_code == 400
        for name in ("create-entity", "deep-insert", "delete-entity", "update-entity"):
            assert f"{requirement}{name}" in claimed

    def test_a_place_without_a_thing(self, service: Service, client: httpx.Client) -> None:
        made = client.post(f"{ROOT}/Locations", json={**place(118.3, 24.3), "properties": {"a": 1}})
        assert made.status_code == 201, made.text
        code, address = made.json()["@iot.id"], made.headers["Location"]
        assert made.json()["location"]["coordinates"] == [118.3, 24.3]
        assert (made.json()["name"], made.json()["properties"]) == ("here", {"a": 1})
        listed = get(client, "Locations", filter="name eq 'here'", top=1000)["value"]
        assert code in {item["@iot.id"] for item in listed}
        assert get(client, f"Locations('{code}')/Things")["value"] == []
        changed = client.patch(address, json={"description": "d", "properties": {"b": 2}}).json()
        assert (changed["description"], changed["properties"]) == ("d", {"a": 1, "b": 2})
        moved = client.patch(address, json={"location": place(118.4, 24.4)["location"]}).json()
        assert moved["location"]["coordinates"] == [118.4, 24.4]
        with service.client(None) as anybody:
            assert anybody.get(address).status_code == 404
        taken = client.post(f"{ROOT}/Locations", json={"@iot.id": code, **place(118, 24)})
        assert taken.status_code == 409
        bad = client.post(f"{ROOT}/Locations", json={**place(24, 118)})
        assert pointers(bad) == ["/location/coordinates"]
        nameless = {"location": place(118, 24)["location"]}
        assert pointers(client.post(f"{ROOT}/Locations", json=nameless)) == ["/name"]
        body = {"name": "Bound", "Locations": [{"@iot.id": code}]}
        thing_made = client.post(f"{ROOT}/Things", json=body)
        assert thing_made.status_code == 201, thing_made.text
        own = f"Things('{thing_made.json()['@iot.id']}')/Locations"
        assert get(client, own)["value"][0]["location"]["coordinates"] == [118.4, 24.4]
        assert client.delete(address).status_code == 204
        assert client.get(address).status_code == 404
        gone = client.post(f"{ROOT}/Things", json=body)
        assert pointers(gone) == ["/Locations/0/@iot.id"]

    def test_a_change_binds_what_there_is_and_makes_nothing(self, client: httpx.Client) -> None:
        client.post(f"{ROOT}/Things", json=thing("binding")).raise_for_status()
        address = f"{ROOT}/Things('binding')"
        inline = client.patch(address, json={"Locations": [place(118.2, 24.2)]})
        assert pointers(inline) == ["/Locations/0/@iot.id"]
        there = client.post(f"{ROOT}/Locations", json=place(118.25, 24.25)).json()["@iot.id"]
        bound = client.patch(address, json={"Locations": [{"@iot.id": there}]})
        assert bound.status_code == 200, bound.text
        now = get(client, "Things('binding')/Locations")["value"]
        assert [item["location"]["coordinates"] for item in now] == [[118.25, 24.25]]
        whole = get(client, "Things('binding')", expand="Locations")
        assert client.patch(address, json=whole).status_code == 200
        assert len(get(client, "Things('binding')/HistoricalLocations")["value"]) == 2
        nowhere = client.patch(address, json={"Locations": [{"@iot.id": "nowhere"}]})
        assert pointers(nowhere) == ["/Locations/0/@iot.id"]
        series = f"{ROOT}/Datastreams('binding:ph')"
        sensor = {"name": "New", "encodingType": "text/plain", "metadata": ""}
        for member, body in (
            ("Sensor", sensor),
            ("Thing", {"name": "New"}),
            ("ObservedProperty", {"name": "New", "definition": "x:new"}),
            ("Observations", [{"result": 7}]),
        ):
            refused = client.patch(series, json={member: body})
            assert refused.status_code == 400, member
            assert pointers(refused)[0].startswith(f"/{member}")
        assert client.patch(series, json={"Sensor": {"@iot.id": "unspecified"}}).status_code == 200

    def test_what_follows_from_stations_is_not_made(self, filled: httpx.Client) -> None:
        answer = filled.post(f"{ROOT}/FeaturesOfInterest('xm-1')/Observations", json={})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert filled.post(f"{ROOT}/Locations('xm-1')/Things", json=thing("x")).status_code == 405
        assert filled.put(f"{ROOT}/Things('xm-1')", json=thing("x")).status_code == 405

    @pytest.mark.parametrize(
        ("path", "methods"),
        [
            ("Things", "GET, HEAD, OPTIONS, POST"),
            ("Things('xm-1')", "DELETE, GET, HEAD, OPTIONS, PATCH"),
            ("Things('xm-1')/name", "GET, HEAD, OPTIONS"),
            ("Things('xm-1')/Datastreams", "GET, HEAD, OPTIONS, POST"),
            ("FeaturesOfInterest('xm-1')/Observations", "GET, HEAD, OPTIONS"),
            ("Observations", "GET, HEAD, OPTIONS, POST"),
            ("CreateObservations", "OPTIONS, POST"),
            ("", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_what_can_be_done_is_told_and_nothing_else(
        self, filled: httpx.Client, path: str, methods: str
    ) -> None:
        told, refused = filled.options(f"{ROOT}/{path}"), filled.put(f"{ROOT}/{path}", json={})
        assert (told.status_code, told.headers["Allow"], told.content) == (204, methods, b"")
        assert (refused.status_code, refused.headers["Allow"]) == (405, methods)
        for method in {"PATCH", "DELETE"} - set(methods.split(", ")):
            assert filled.request(method, f"{ROOT}/{path}", json={}).status_code in {404, 405}

    def test_what_can_be_done_is_told_of_what_is_there(self, filled: httpx.Client) -> None:
        assert filled.options(f"{ROOT}/Things('nowhere')/Datastreams").status_code == 404


class Bearer(AuthBase):
    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


class KeyHandler(AuthHandler):  # type: ignore[misc] # the client is untyped
    def __init__(self, key: str) -> None:
        self.key = key

    def add_auth_header(self) -> AuthBase:
        return Bearer(self.key)


@pytest.mark.filterwarnings("ignore:furl:DeprecationWarning")
def test_a_public_client_makes_and_reads(service: Service) -> None:
    frosted = frost.SensorThingsService(
        f"{service.base}{ROOT}", auth_handler=KeyHandler(service.key)
    )
    here = frost.Location(
        name="here",
        description="there",
        encoding_type="application/geo+json",
        location={"type": "Point", "coordinates": [118.2, 24.6]},
    )
    station = frost.Thing(name="Mangrove", description="By a client", properties={"kind": "land"})
    station.locations = [here]
    frosted.create(station)
    series = frost.Datastream(
        name="Air temperature",
        description="",
        observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit_of_measurement=UnitOfMeasurement(name="degree Celsius", symbol="°C", definition=""),
        thing=frost.Thing(id=station.id),
        observed_property=frost.ObservedProperty(id="air_temperature"),
        sensor=frost.Sensor(
            name="Thermometer", description="", encoding_type="text/plain", metadata="PT100"
        ),
    )
    frosted.create(series)
    frosted.create(
        frost.Observation(
            result=20.5, phenomenon_time=NOON.isoformat(), datastream=frost.Datastream(id=series.id)
        )
    )
    table = DataArrayValue()
    properties = DataArrayValue.Property
    table.components = {properties.PHENOMENON_TIME, properties.RESULT}
    table.datastream = frost.Datastream(id=series.id)
    for hour in range(1, 6):
        at = (NOON + timedelta(hours=hour)).isoformat()
        table.add_observation(frost.Observation(phenomenon_time=at, result=20.5 + hour))
    document = DataArrayDocument()
    document.add_data_array_value(table)
    assert len(frosted.observations().create(document)) == 5

    found = frosted.things().find(station.id)
    assert (found.name, found.properties["kind"]) == ("Mangrove", "land")
    own = frosted.datastreams().find(series.id)
    told = own.unit_of_measurement
    assert (told.name, told.symbol) == ("degree Celsius", "°C")
    values = own.get_observations().query().top(2).orderby("phenomenonTime", "asc").list()
    assert [value.result for value in values] == [20.5 + hour for hour in range(6)]
    named = frosted.things().query().filter("name eq 'Mangrove'").expand("Datastreams").list()
    assert [item.datastreams.entities[0].id for item in named] == [series.id]
    with service.client(service.key) as client:
        assert client.delete(f"{ROOT}/Things('{station.id}')").status_code == 204
        assert client.get(f"{ROOT}/Datastreams('{series.id}')").status_code == 404


@pytest.mark.filterwarnings("ignore:furl:DeprecationWarning")
def test_a_public_client_makes_one_by_one(service: Service) -> None:
    """As its own guide does: nothing but what the standard demands in each."""
    frosted = frost.SensorThingsService(
        f"{service.base}{ROOT}", auth_handler=KeyHandler(service.admin)
    )
    here = frost.Location(
        name="roof",
        description="of the office",
        encoding_type="application/vnd.geo+json",
        location={"type": "Point", "coordinates": [118.2, 24.6]},
    )
    station = frost.Thing(name="Office", description="A thing", properties={})
    sensor = frost.Sensor(
        name="Lux meter", description="d", encoding_type="application/pdf", metadata="x.pdf"
    )
    observed = frost.ObservedProperty(
        name="Luminance", definition="http://example.org/Luminance", description="d"
    )
    station.locations = [frost.Location(id="roof")]
    here.id = "roof"
    for entity in (here, station, sensor, observed):
        frosted.create(entity)
        assert entity.id
    unit = UnitOfMeasurement(name="Lux", symbol="lx", definition="http://example.org/Lux")
    series = frost.Datastream(
        name="Light",
        description="d",
        observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit_of_measurement=unit,
        thing=frost.Thing(id=station.id),
        observed_property=frost.ObservedProperty(id=observed.id),
        sensor=frost.Sensor(id=sensor.id),
    )
    frosted.create(series)
    frosted.create(
        frost.Observation(
            result=3, phenomenon_time=NOON.isoformat(), datastream=frost.Datastream(id=series.id)
        )
    )
    found = frosted.datastreams().find(series.id)
    told = found.unit_of_measurement
    assert (told.name, told.symbol, told.definition) == (unit.name, unit.symbol, unit.definition)
    assert [value.result for value in found.get_observations().query().list()] == [3]
    assert frosted.observed_properties().find(observed.id).definition == observed.definition
    assert frosted.locations().find(here.id).name == "roof"
