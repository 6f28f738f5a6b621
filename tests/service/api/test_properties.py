"""`/properties`: what can be observed, kept by administrators."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.science.water_quality import WATER_STANDARDS, load_water_standard
from shanhai_api.kit.state import ServiceState
from tests.support.observation_rows import (
    add_station,
    forget_observations,
)

NEW: dict[str, Any] = {
    "code": "radon",
    "name_zh": "氡",
    "name_en": "Radon",
    "medium": "air",
    "unit": "ug/m3",
    "low": 0,
    "high": 100,
    "aliases": ["rn222"],
}


@pytest.fixture(autouse=True)
async def _clean(state: ServiceState) -> AsyncIterator[None]:
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s1")
    yield
    async with state.sessions.begin() as session:
        await session.execute(text("DELETE FROM station_range"))
        await session.execute(text("DELETE FROM observed_property WHERE code = 'radon'"))
        await session.execute(text("UPDATE observed_property SET high = 10000 WHERE code = 'pm25'"))


async def test_the_standard_ones_are_listed_in_both_languages(reader: httpx.AsyncClient) -> None:
    listed = (await reader.get("/properties")).json()["properties"]
    by_code = {one["code"]: one for one in listed}
    oxygen = by_code["dissolved_oxygen"]
    assert (oxygen["hj525"], oxygen["unit"], oxygen["standard"]) == (
        "w01009",
        "mg/L",
        "GB 3838-2002",
    )
    one = await reader.get("/properties/pm25?lang=zh")
    assert one.json()["name"] == "细颗粒物 PM2.5"
    page = await reader.get("/properties?lang=zh", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "溶解氧" in page.text
    assert (await reader.get("/properties/none")).status_code == 404


async def test_what_the_standards_of_water_judge_is_listed_in_their_units(
    reader: httpx.AsyncClient,
) -> None:
    listed = (await reader.get("/properties")).json()["properties"]
    units = {one["code"]: one["unit"] for one in listed}
    for name in WATER_STANDARDS:
        for item in load_water_standard(name).items:
            assert units[item.code] == item.unit
            assert item.instead is None or item.instead[0] in units
    assert units["oxygen_saturation"] == "%"


async def test_one_is_made_changed_and_observed(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    made = await admin.post("/properties", json=NEW)
    assert made.status_code == 201
    assert made.headers["Location"].endswith("/properties/radon")
    tag = {"If-Match": made.headers["ETag"]}
    new = {**made.json(), "high": 50, "raw_years": 5}
    changed = await admin.patch("/properties/radon", json=new, headers=tag)
    assert (changed.json()["high"], changed.json()["name_en"]) == (50, "Radon")
    assert (changed.json()["raw_years"], changed.json()["raw_since"]) == (5, None)
    assert (
        await admin.patch("/properties/radon", json={"high": 60}, headers=tag)
    ).status_code == 412
    row = {"station": "s1", "property": "rn222", "time": "2026-01-01T00:00:00Z", "value": 51}
    sent = await admin.post("/observations", json=row)
    assert sent.json()["accepted"] == 1
    assert (await admin.patch("/properties/radon", json={"unit": "mg/m3"})).status_code == 409
    async with state.sessions() as session:
        assert await session.scalar(text("SELECT flags FROM observation")) == 1


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"unit": "furlong"}, 400, "/unit"),
        ({"raw_years": 0}, 400, "/raw_years"),
        ({"medium": "space"}, 400, "/medium"),
        ({"code": "UPPER CASE"}, 400, "/code"),
        ({"low": 7, "high": 7}, 400, "/high"),
        ({"code": "pm25"}, 409, None),
        ({"aliases": ["a34002"]}, 409, None),
        ({"hj525": "pm10"}, 409, None),
        ({"colour": "red"}, 400, "/colour"),
    ],
)
async def test_what_cannot_be_is_refused(
    admin: httpx.AsyncClient, changes: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = await admin.post("/properties", json={**NEW, **changes})
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (await admin.get("/properties/radon")).status_code == 404


async def test_a_station_may_have_a_range_of_its_own(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    address = "/properties/pm25/ranges/s1"
    assert (await admin.put(address, json={"low": 0, "high": 10})).status_code == 204
    listed = (await admin.get("/properties/pm25")).json()["ranges"]
    assert listed == [{"station": "s1", "low": 0, "high": 10}]
    row = {"station": "s1", "property": "pm25", "value": 11}
    await admin.post("/observations", json={**row, "time": "2026-01-01T00:00:00Z"})
    assert (await admin.delete(address)).status_code == 204
    await admin.post("/observations", json={**row, "time": "2026-01-01T01:00:00Z"})
    async with state.sessions() as session:
        flags = await session.scalars(text("SELECT flags FROM observation ORDER BY observed_at"))
        assert flags.all() == [1, 0]
    before = (await admin.get("/properties/pm25")).headers["ETag"]
    held = {"If-Match": before}
    assert (await admin.put(address, json={"low": 0, "high": 9}, headers=held)).status_code == 204
    stale = await admin.put(address, json={"low": 1, "high": 9}, headers=held)
    kept = await admin.delete(address, headers=held)
    assert (stale.status_code, kept.status_code) == (412, 412)
    assert (await admin.put(address, json={"low": 9, "high": 1})).status_code == 400
    nowhere = await admin.put("/properties/pm25/ranges/none", json={"low": 0, "high": 1})
    assert nowhere.status_code == 404


async def test_the_range_of_a_hidden_station_is_not_listed(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        await add_station(session, "s2")
    for station in ("s1", "s2"):
        put = await admin.put(f"/properties/pm25/ranges/{station}", json={"low": 0, "high": 10})
        assert put.status_code == 204
    async with state.sessions.begin() as session:
        await session.execute(text("UPDATE station SET visibility = 'region' WHERE code = 's2'"))
    for client, told in ((anonymous, ["s1"]), (admin, ["s1", "s2"])):
        listed = (await client.get("/properties/pm25")).json()["ranges"]
        assert [one["station"] for one in listed] == told


async def test_only_administrators_change_them(reader: httpx.AsyncClient) -> None:
    assert (await reader.post("/properties", json=NEW)).status_code == 403
    assert (await reader.patch("/properties/pm25", json={"high": 1})).status_code == 403
