"""`GET /observations`: values, statistics and newest values, in pages and as files."""

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from shanhai.db.observations.archive import close_month
from shanhai.db.observations.rollups import sum_up
from shanhai.monitoring.observation import FeedObservation
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.observation_rows import add_station, forget_observations, store_observations

START = datetime(2026, 2, 28, 12, tzinfo=UTC)
HOURS = 40
"""Hourly values over the end of a month, of UTC and of the platform's zone."""
Params = dict[str, Any]


@pytest.fixture
async def three_stations_told(state: ServiceState) -> ServiceState:
    """Three stations: two tell of PM2.5 each hour, one of ozone once, long before."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s1", place=(118.0, 24.0))
        await add_station(session, "s2", place=(119.0, 25.0), kind="sea")
        await add_station(session, "s3", place=(118.2, 24.2), interval_s=None)
    rows = [
        FeedObservation(station, "pm25", START + timedelta(hours=hour), base + hour)
        for hour in range(HOURS)
        for station, base in (("s1", 10), ("s2", 100))
    ]
    rows.append(FeedObservation("s3", "o3", datetime(2001, 7, 1, tzinfo=UTC), 88))
    rows.append(FeedObservation("s1", "pm10", START, -5))
    await store_observations(state.sessions, rows)
    again = [FeedObservation("s1", "pm25", START, 11.5, quality="M")]
    await store_observations(state.sessions, again)
    return state


async def ask(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/observations", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["observations"]
    return found


async def every_page(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL("/observations", params=params))
    for _ in range(200):
        if address is None:
            return found
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert len(document["observations"]) <= params["limit"]
        found += document["observations"]
        further = [link["href"] for link in document["links"] if link["rel"] == "next"]
        address = further[0] if further else None
    raise AssertionError("pages without end")


async def test_values_come_in_the_order_of_time(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    first = await ask(reader, station="s1", property="pm25", limit=1, revisions="true")
    received = first[0].pop("received")
    revisions = first[0].pop("revisions")
    assert first == [
        {
            "station": "s1",
            "property": "pm25",
            "time": "2026-02-28T12:00:00Z",
            "value": 11.5,
            "unit": "ug/m3",
            "quality": "maintenance",
            "flags": [],
        }
    ]
    assert [(one["value"], one["quality"], one["replaced"]) for one in revisions] == [
        (10, "valid", received)
    ]
    whole = await ask(reader, limit=10_000)
    assert len(whole) == 2 * HOURS + 2
    assert whole[0]["property"] == "o3"
    order = [(row["time"], row["station"]) for row in whole]
    assert order == sorted(order)
    [marked] = [row for row in whole if row["property"] == "pm10"]
    assert marked["flags"] == ["out_of_range", "inconsistent"]


async def test_pages_follow_one_another_without_gap_or_twin(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    kinds: tuple[Params, ...] = ({}, {"every": "hour"}, {"latest": "true"})
    for more in kinds:
        whole = await ask(reader, limit=10_000, **more)
        assert await every_page(reader, limit=7, **more) == whole
        own = [row for row in whole if row["station"] != "s2"]
        assert await every_page(reader, limit=1, **more, station="s3,s1") == own


async def test_time_and_place_narrow(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    # A date means the day of the platform's zone, which is eight hours ahead of UTC.
    day = await ask(reader, property="pm25", datetime="2026-03-01", station="s1", limit=100)
    assert [day[0]["time"], day[-1]["time"]] == ["2026-02-28T16:00:00Z", "2026-03-01T15:00:00Z"]
    both = await ask(reader, datetime="2026-02-28T13:00:00Z/2026-02-28T14:00:00Z", limit=100)
    assert len(both) == 4
    sea = await ask(reader, filter="kind = 'sea'", limit=100)
    assert {row["station"] for row in sea} == {"s2"}
    assert len(sea) == HOURS
    assert await ask(reader, datetime="../0001-01-01") == []
    assert len(await ask(reader, datetime="../9999-12-31T23:59:59.999999Z", limit=9)) == 9
    near = await ask(reader, bbox="117.9,23.9,118.1,24.1", limit=100)
    assert {row["station"] for row in near} == {"s1"}
    assert await ask(reader, station="s1", filter="kind = 'sea'") == []
    # Another name of a property.
    assert len(await ask(reader, property="a34004", limit=100)) == 2 * HOURS


async def test_statistics_are_those_of_the_values(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    asked: Params = {"station": "s2", "every": "day", "limit": 100}
    due = await ask(reader, **asked)
    # Local days begin at 16:00 of UTC; values go from 100 on, one more each hour from 12:00.
    assert due[1] == {
        "station": "s2",
        "property": "pm25",
        "time": "2026-02-28T16:00:00Z",
        "unit": "ug/m3",
        "mean": 115.5,
        "min": 104,
        "max": 127,
        "p50": 115.5,
        "p98": pytest.approx(126.54),
        "count": 24,
    }
    async with three_stations_told.sessions.begin() as session:
        assert await sum_up(session) > 0
    assert await ask(reader, **asked) == due
    months = await ask(reader, **{**asked, "every": "month"})
    assert [(row["time"], row["count"]) for row in months] == [
        ("2026-01-31T16:00:00Z", 4),
        ("2026-02-28T16:00:00Z", 36),
    ]


async def test_newest_values(three_stations_told: ServiceState, reader: httpx.AsyncClient) -> None:
    newest = await ask(reader, latest="true")
    told = {(row["station"], row["property"], row["value"], row["gap"]) for row in newest}
    # A station that tells no interval has no gaps.
    assert told == {
        ("s1", "pm10", -5, True),
        ("s1", "pm25", 49, True),
        ("s2", "pm25", 139, True),
        ("s3", "o3", 88, False),
    }
    first = await reader.get("/observations", params={"latest": "true"})
    again = await reader.get(
        "/observations",
        params={"latest": "true"},
        headers={"If-None-Match": first.headers["ETag"]},
    )
    assert again.status_code == 304


async def test_files_have_the_whole_selection(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    table = await reader.get("/observations", params={"f": "csv", "property": "pm25"})
    assert table.headers["Content-Type"].startswith("text/csv")
    lines = table.content.decode("utf-8-sig").splitlines()
    assert (
        lines[0] == "station,property,time,value,unit,quality,flags,received,result_time,geometry"
    )
    assert len(lines) == 2 * HOURS + 1
    assert lines[1].startswith("s1,pm25,2026-02-28T12:00:00+00:00,11.5,ug/m3,maintenance,,")
    assert lines[1].endswith("POINT (118 24)")
    packed = await reader.get("/observations", params={"f": "parquet", "every": "day"})
    read = pq.ParquetFile(io.BytesIO(packed.content))
    # A day of ozone; of PM2.5, four hours but one that is not valid; PM10 has no possible value.
    assert read.read().column("count").to_pylist()[:3] == [1, 3, 4]
    assert b"geo" in read.metadata.metadata
    features = (await reader.get("/observations", params={"f": "geojson"})).json()
    assert features["type"] == "FeatureCollection"
    assert features["features"][0]["geometry"] == {"type": "Point", "coordinates": [118.2, 24.2]}
    page = await reader.get("/observations", params={"f": "html", "lang": "zh", "every": "day"})
    assert "第98百分位" in page.text


BAD: tuple[tuple[Params, str], ...] = (
    ({"station": "none"}, "station"),
    ({"station": "s1,,s2"}, "station"),
    ({"property": "none"}, "property"),
    ({"datetime": "yesterday"}, "datetime"),
    ({"datetime": "2026-03-02/2026-03-01"}, "datetime"),
    ({"bbox": "1,2,3"}, "bbox"),
    ({"bbox": "nan,2,3,4"}, "bbox"),
    ({"cursor": "WyIiLC0xMDAwMDAwMDAwMDAwMDAwMDAwLDEsMV0"}, "cursor"),
    ({"filter": "colour = 'red'"}, "filter"),
    ({"limit": 0}, "limit"),
    ({"limit": 10_001}, "limit"),
    ({"every": "week"}, "every"),
    ({"every": "day", "latest": "true"}, "latest"),
    ({"cursor": "AAAA"}, "cursor"),
    ({"cursor": "W10"}, "cursor"),
    ({"colour": "red"}, "colour"),
    ({"f": "csv", "revisions": "true"}, "revisions"),
    ({"f": "xls"}, "f"),
)


async def test_closed_months_are_read_as_before(
    three_stations_told: ServiceState, reader: httpx.AsyncClient, client_with: MakeClient
) -> None:
    old = [
        FeedObservation(
            "s1", "pm25", datetime(2021, 7, 31, 12, tzinfo=UTC) + timedelta(hours=hour), hour
        )
        for hour in range(HOURS)
    ]
    await store_observations(
        three_stations_told.sessions, [*old, old[3]._replace(value=1000, quality="M")]
    )
    async with three_stations_told.sessions.begin() as session:
        await sum_up(session)
    asked: list[Params] = [
        {"station": "s1", "limit": 10_000, "revisions": "true"},
        {"datetime": "2021-07-31T22:00:00Z/2021-08-01T02:00:00Z"},
        {"property": "pm25", "datetime": "../2022-01-01", "f": "csv"},
        {"bbox": "117.9,23.9,118.1,24.1", "f": "geojson"},
        {"every": "day", "datetime": "../2022-01-01"},
    ]
    page = "/stations/s1/observations?property=pm25&date=2021-08-01&range=day"
    before = [(await reader.get("/observations", params=one)).text for one in asked]
    walked = await every_page(reader, station="s1,s2", limit=7)
    shown = (await reader.get(page)).text
    for month in (date(2021, 7, 1), date(2021, 8, 1), date(2001, 7, 1)):
        assert await close_month(three_stations_told.sessions, three_stations_told.store, month)
    assert [(await reader.get("/observations", params=one)).text for one in asked] == before
    assert await every_page(reader, station="s1,s2", limit=7) == walked
    assert (await reader.get(page)).text == shown
    feed = await client_with(Scope.OBSERVE)
    late = {"station": "s1", "property": "pm25", "time": "2021-07-31T12:30:00Z", "value": 4}
    answer = await feed.post("/observations", json=[late, {**late, "time": "2021-07-31T12:00:00Z"}])
    assert (answer.json()["accepted"], answer.json()["revised"]) == (1, 1), answer.text
    assert len(await ask(reader, station="s1", datetime="../2022-01-01", limit=99)) == HOURS + 1


async def test_bad_questions_are_named(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    for params, named in BAD:
        answer = await reader.get("/observations", params=params)
        assert (answer.status_code, named in answer.text) == (400, True), (params, answer.text)


async def test_a_cursor_is_good_for_its_query_only(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    first = (await reader.get("/observations", params={"limit": 1})).json()
    [further] = [link["href"] for link in first["links"] if link["rel"] == "next"]
    assert (await reader.get(further)).status_code == 200
    answer = await reader.get(further + "&station=s1")
    assert answer.status_code == 400
    assert "belongs to another query" in answer.text


async def test_observations_of_hidden_stations_are_not_there(
    three_stations_told: ServiceState, client_with: MakeClient, reader: httpx.AsyncClient
) -> None:
    async with three_stations_told.sessions.begin() as session:
        await session.execute(text("UPDATE station SET deleted_at = now() WHERE code = 's1'"))
    for more in ({}, {"latest": "true"}, {"every": "day"}):
        found = await ask(reader, limit=1000, **more)
        assert {row["station"] for row in found} == {"s2", "s3"}
    assert (await reader.get("/observations", params={"station": "s1"})).status_code == 400
    feed = await client_with(Scope.OBSERVE)
    assert (await feed.get("/observations")).status_code == 403


async def test_what_a_station_observed_is_read_when_it_is_closed(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    async with three_stations_told.sessions.begin() as session:
        await session.execute(text("UPDATE station SET valid_to = current_date WHERE code = 's1'"))
    whole = await ask(reader, limit=1000)
    assert {row["station"] for row in whole} == {"s1", "s2", "s3"}
    own = [row for row in whole if row["station"] == "s1"]
    near = {"bbox": "117.9,23.9,118.1,24.1"}
    for more in ({"station": "s1"}, near, {**near, "station": "s1"}):
        assert await ask(reader, limit=1000, **more) == own
    assert {row["station"] for row in await ask(reader, latest="true")} == {"s2", "s3"}
    assert len(await ask(reader, latest="true", station="s1")) == 2
    assert (await reader.get("/stations/s1/observations")).status_code == 200


async def test_a_station_has_a_page(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    path = "/stations/s1/observations"
    document = (await reader.get(path, params={"property": "pm25", "lang": "en"})).json()
    assert document["name"] == "Station s1"
    newest = {row["property"]: (row["value"], row["gap"]) for row in document["properties"]}
    assert newest == {"pm10": (-5, True), "pm25": (49, True)}
    assert (document["property"], document["range"]) == ("pm25", "month")
    # The month of the newest value, by its hours.
    assert document["start"] == "2026-02-28T16:00:00.000Z"
    assert len(document["observations"]) == HOURS - 4
    asked = {"range": "day", "date": "2026-02-28"}
    day = (await reader.get(path, params={**asked, "property": "pm10"})).json()
    assert [row["value"] for row in day["observations"]] == [-5]
    assert [row["flags"] for row in day["marked"]] == [["out_of_range", "inconsistent"]]
    for lang, words in (("zh", "超出可能范围"), ("en", "Out of range")):
        for length in ("day", "month", "year"):
            shown = {**asked, "f": "html", "lang": lang, "range": length, "property": "pm10"}
            page = await reader.get(path, params=shown)
            assert page.status_code == 200
            assert words in page.text
            assert "<svg" in page.text
            assert "style=" not in page.text
    item = await reader.get("/collections/stations/items/s1", params={"f": "html"})
    assert path in item.text


async def test_a_station_page_of_nothing_and_bad_questions(
    three_stations_told: ServiceState, reader: httpx.AsyncClient
) -> None:
    async with three_stations_told.sessions.begin() as session:
        await add_station(session, "mute")
    page = await reader.get("/stations/mute/observations", params={"f": "html", "lang": "en"})
    assert "There are no observations" in page.text
    empty = {"f": "html", "property": "o3", "date": "2020-01-01"}
    assert (await reader.get("/stations/s1/observations", params=empty)).status_code == 200
    assert (await reader.get("/stations/none/observations")).status_code == 404
    for params in ({"property": "none"}, {"range": "week"}, {"date": "2026-02-30"}, {"date": "1"}):
        answer = await reader.get("/stations/s1/observations", params=params)
        assert answer.status_code == 400, params
