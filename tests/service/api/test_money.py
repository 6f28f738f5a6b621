"""Money goes in and comes out as it was written, to the last digit."""

import io
import json
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region

LARGEST = "99999999999999.99"
SOURCES = "/fund-sources"
PROJECTS = "/collections/projects/items"


@pytest.fixture(autouse=True)
async def city_without_money(session: AsyncSession) -> None:
    await forget_rows(session, ["fund_source", "project"])
    await add_region(session, "city")
    await session.commit()


def source(code: str, amount: object) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": "资金",
        "name_en": "Money",
        "kind": "central",
        "region": "city",
        "amount": amount,
    }


def project(code: str, cost: object) -> dict[str, Any]:
    properties = {
        "name_zh": "项目",
        "name_en": "Project",
        "region": "city",
        "start_year": 2026,
        "end_year": 2030,
        "cost": cost,
    }
    return {"type": "Feature", "id": code, "geometry": None, "properties": properties}


WRITTEN: tuple[tuple[object, str], ...] = (
    (LARGEST, LARGEST),
    ("0.1", "0.10"),
    ("007.50", "7.50"),
    (0.1, "0.10"),
    (1234567890123.45, "1234567890123.45"),
    (99999999999999, "99999999999999.00"),
    (0, "0.00"),
)


@pytest.mark.parametrize(("given", "told"), WRITTEN)
async def test_amounts_are_taken_and_told_exactly(
    admin: httpx.AsyncClient, session: AsyncSession, given: object, told: str
) -> None:
    made = await admin.post(SOURCES, json=source("own", given))
    assert made.status_code == 201, made.text
    assert made.json()["amount"] == told
    stored = await session.scalar(text("SELECT amount::text FROM fund_source"))
    assert stored == told
    assert (await admin.get(f"{SOURCES}/own")).json()["allocated"] == "0.00"
    made = await admin.post(PROJECTS, json=project("p", given))
    assert made.status_code == 201, made.text
    assert made.json()["properties"]["cost"] == told
    page = (await admin.get(PROJECTS)).json()["features"]
    assert [item["properties"]["cost"] for item in page] == [told]


REFUSED: tuple[object, ...] = (
    *("1e3", "1.005", "-1", "", " 1", "1,000.00", "１", "100000000000000", "NaN", "0x1"),
    *(0.005, -1, 1e14, 12345678901234.56, True, [], {}),
)


@pytest.mark.parametrize("given", REFUSED)
async def test_what_is_no_amount_is_refused_and_not_rounded(
    admin: httpx.AsyncClient, session: AsyncSession, given: object
) -> None:
    for path, body, pointer in (
        (SOURCES, source("own", given), "/amount"),
        (PROJECTS, project("p", given), "/properties/cost"),
    ):
        answer = await admin.post(path, json=body)
        assert answer.status_code == 400
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await session.scalar(text("SELECT count(*) FROM project")) == 0


async def test_what_was_read_and_is_sent_back_changes_nothing(admin: httpx.AsyncClient) -> None:
    for given in (LARGEST, "5000.00"):
        assert (await admin.post(PROJECTS, json=project(f"p{given[0]}", given))).status_code == 201
        path = f"{PROJECTS}/p{given[0]}"
        read = await admin.get(path)
        for cost in (given, *([5000, 5000.0, "5000"] if given == "5000.00" else [])):
            body = read.json()
            body["properties"]["cost"] = cost
            again = await admin.patch(path, json={"properties": {"cost": cost}})
            assert again.status_code == 200
            versions = (await admin.get(f"{path}/versions")).json()["versions"]
            assert len(versions) == 1
    changed = await admin.patch(path, json={"properties": {"cost": "5000.01"}})
    assert changed.json()["properties"]["cost"] == "5000.01"


async def test_amounts_are_filtered_and_ordered_as_numbers(admin: httpx.AsyncClient) -> None:
    for code, cost in (("a", "9.5"), ("b", "100.00"), ("c", LARGEST), ("d", "99999999999999.98")):
        assert (await admin.post(PROJECTS, json=project(code, cost))).status_code == 201

    async def found(**query: str) -> list[str]:
        answer = await admin.get(PROJECTS, params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["features"]]

    assert await found(sortby="cost") == ["a", "b", "d", "c"]
    assert await found(sortby="-cost", limit="2") == ["c", "d"]
    page = (await admin.get(PROJECTS, params={"sortby": "cost", "limit": "2"})).json()
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    rest = (await admin.get(following)).json()["features"]
    assert [item["id"] for item in rest] == ["d", "c"]
    assert await found(cost="100") == ["b"]
    assert await found(cost=LARGEST) == ["c"]
    assert await found(filter="cost > 50 AND cost < 1000") == ["b"]
    assert await found(filter=f"cost = '{LARGEST}'") == ["c"]
    assert await found(filter="cost + 0.01 = 100.01") == ["b"]
    cql2 = {"op": "=", "args": [{"property": "cost"}, LARGEST]}
    asked = {"filter": json.dumps(cql2), "filter-lang": "cql2-json"}
    assert await found(**asked) == ["c"]
    for wrong in ({"cost": "much"}, {"filter": "cost = 'much'"}, {"filter": f"cost = {LARGEST}"}):
        assert (await admin.get(PROJECTS, params=wrong)).status_code == 400


async def test_files_hold_amounts_as_they_are(admin: httpx.AsyncClient) -> None:
    assert (await admin.post(SOURCES, json=source("own", LARGEST))).status_code == 201
    csv = (await admin.get(SOURCES, params={"f": "csv"})).text
    assert f",{LARGEST}," in csv
    body = project("p", LARGEST)
    body["geometry"] = {"type": "Point", "coordinates": [118.05, 24.45]}
    assert (await admin.post(PROJECTS, json=body)).status_code == 201
    for name in ("geojsonseq", "kml", "csv"):
        assert LARGEST in (await admin.get(PROJECTS, params={"f": name})).text
    file = await admin.get(PROJECTS, params={"f": "parquet"})
    column = pq.read_table(io.BytesIO(file.content)).column("cost")
    assert str(column.type) == "decimal128(16, 2)"
    assert str(column[0].as_py()) == LARGEST
    for name in ("gpkg", "fgb", "shp"):
        assert (await admin.get(PROJECTS, params={"f": name})).status_code == 200


async def test_schemas_say_how_money_is_written(anonymous: httpx.AsyncClient) -> None:
    told = (await anonymous.get("/collections/projects/schema")).json()["properties"]["cost"]
    assert (told["type"], told["format"]) == ("string", "decimal")
    api = (await anonymous.get("/api", params={"f": "json"})).json()["components"]["schemas"]
    written = json.dumps(api["projects_new"])
    assert '"format": "decimal"' in written
