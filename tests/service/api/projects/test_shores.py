"""Islands and what is refused on them, outfalls, fishing harbours, and the way of the water."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from tests.support.plan_features import feature, point, square
from tests.support.projects import SQUARE, add_project

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
ISLANDS, OUTFALLS = "/collections/islands/items", "/collections/outfalls/items"
HARBOURS, MEASURES = "/collections/fishing_harbours/items", "/projects/mine-restoration/measures"
PLACE = f"SRID=4490;POLYGON(({SQUARE[0]} {SQUARE[1]}, {SQUARE[2]} {SQUARE[1]},"
PLACE += f" {SQUARE[2]} {SQUARE[3]}, {SQUARE[0]} {SQUARE[1]}))"


def named(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": "名", "name_en": "Name", "region": "banan", **more}


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_quarrying_is_refused_on_a_protected_island(
    people: People, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await add_project(session, geom=PLACE)
    await session.commit()
    island = named("islet", waters="river")
    square_there = square(106.49, 29.39, 0.03)
    assert (await people["viewer"].post(ISLANDS, json=feature(None, **island))).status_code == 403
    strange = feature(None, **island, allowed_uses=["tourism", "volcanism"])
    assert pointers(await people["planner"].post(ISLANDS, json=strange)) == [
        "/properties/allowed_uses/1"
    ]
    refused = await people["planner"].post(ISLANDS, json=strange)
    assert "see /compliance/activities" in refused.json()["detail"]
    made = await people["planner"].post(ISLANDS, json=feature(square_there, **island))
    assert made.status_code == 201, made.text

    async def quarrying() -> httpx.Response:
        return await people["owner"].put(f"{MEASURES}/quarrying", json={"planned": 1})

    async def said(**members: Any) -> None:
        body = {"type": "Feature", "properties": members}
        changed = await people["planner"].patch(f"{ISLANDS}/islet", json=body)
        assert changed.status_code == 200, changed.text

    # Nobody has said yet what the island is.
    assert (await quarrying()).status_code == 201
    assert (await people["owner"].delete(f"{MEASURES}/quarrying")).status_code == 204
    await said(**{"class": "inhabited"})
    assert (await quarrying()).status_code == 201
    assert (await people["owner"].delete(f"{MEASURES}/quarrying")).status_code == 204
    for kept in ("protected", "uninhabited"):
        await said(**{"class": kept})
        refused = await quarrying()
        assert refused.status_code == 409, kept
        assert pointers(refused) == ["/measure"]
        assert f"'islet' ({kept})" in refused.json()["detail"]
    body = {"type": "Feature", "properties": {"allowed_uses": ["tree_planting", "nope"]}}
    unknown = await people["planner"].patch(f"{ISLANDS}/islet", json=body)
    assert (unknown.status_code, pointers(unknown)) == (400, ["/properties/allowed_uses/1"])
    planted = await people["owner"].put(f"{MEASURES}/tree_planting", json={"planned": 1})
    assert planted.status_code == 201, planted.text
    await said(allowed_uses=["quarrying"])
    assert (await quarrying()).status_code == 201
    shown = (await anonymous.get(f"{ISLANDS}/islet")).json()["properties"]
    assert (shown["class"], shown["allowed_uses"]) == ("uninhabited", ["quarrying"])


async def test_an_island_that_is_protected_later_stops_the_project(
    people: People, session: AsyncSession
) -> None:
    await add_project(session, geom=PLACE, state="proposed", type_code="x", cost=1)
    await session.commit()
    put = await people["owner"].put(f"{MEASURES}/quarrying", json={"planned": 1})
    assert put.status_code == 201, put.text
    steps = "/projects/mine-restoration/transitions"

    async def condition() -> dict[str, Any]:
        listed = (await people["planner"].get(steps)).json()["transitions"]
        (reserve,) = [step for step in listed if step["to"] == "reserve"]
        (found,) = [one for one in reserve["conditions"] if one["code"] == "islands"]
        told: dict[str, Any] = found
        return told

    assert (await condition())["met"] is True
    shape = square(106.49, 29.39, 0.03)
    island = feature(shape, **named("islet", waters="river"), **{"class": "protected"})
    assert (await people["planner"].post(ISLANDS, json=island)).status_code == 201
    stopped = await condition()
    assert stopped["met"] is False
    assert "'islet'" in stopped["text_en"]


async def test_a_project_beside_an_island_is_not_on_it(
    people: People, session: AsyncSession
) -> None:
    await add_project(session, geom=PLACE)
    await session.commit()
    east = feature(
        square(SQUARE[2], 29.39, 0.03), **named("islet", waters="river"), **{"class": "protected"}
    )
    assert (await people["planner"].post(ISLANDS, json=east)).status_code == 201
    put = await people["owner"].put(f"{MEASURES}/quarrying", json={"planned": 1})
    assert put.status_code == 201, put.text


async def test_outfalls_have_permits_and_harbours_grades(
    people: People, anonymous: httpx.AsyncClient
) -> None:
    told = named("drain", kind="industrial", permit="P-1", permit_from="2024-01-01")
    backwards = feature(point(106.5, 29.4), **told, permit_until="2023-01-01")
    assert (await people["planner"].post(OUTFALLS, json=backwards)).status_code == 400
    for limit, value, rule in (
        ("foo", 5, "no observed property has this code"),
        ("cod", "x", "must be a number of mg/L"),
        ("cod", {"most": 50}, "must be a number of mg/L"),
        ("cod", True, "must be a number of mg/L"),
        ("ph", 15, "must lie between 0 and 14"),
    ):
        wrong = feature(point(106.5, 29.4), **told, limits={"ammonia_nitrogen": 5, limit: value})
        refused = await people["supervisor"].post(OUTFALLS, json=wrong)
        assert refused.status_code == 400
        assert pointers(refused) == [f"/properties/limits/{limit}"]
        assert f"limits.{limit}: {value!r}: {rule}" in refused.json()["detail"]
    limits = {"cod": 50, "ph": 9.0}
    right = feature(point(106.5, 29.4), **told, permit_until="2026-12-31", limits=limits)
    assert (await people["owner"].post(OUTFALLS, json=right)).status_code == 403
    assert (await people["supervisor"].post(OUTFALLS, json=right)).status_code == 201
    late = {"filter": "permit_until < DATE('2027-01-01')"}
    found = (await anonymous.get(OUTFALLS, params=late)).json()["features"]
    assert [one["properties"]["limits"] for one in found] == [limits]
    for body, pointer in (
        (feature(None, **named("h", grade="royal")), "/properties/grade"),
        (feature(None, **named("h", berths=-1)), "/properties/berths"),
        (feature(None, **named("h", region="nowhere")), "/properties/region"),
    ):
        refused = await people["planner"].post(HARBOURS, json=body)
        assert refused.status_code == 400, body
        assert pointers(refused) == [pointer]
    harbour = feature(square(106.5, 29.4), **named("h", grade="central", berths=80))
    assert (await people["planner"].post(HARBOURS, json=harbour)).status_code == 201


async def test_the_way_of_the_water_is_told_from_the_source_on(
    people: People, anonymous: httpx.AsyncClient
) -> None:
    for code, kind, lower in (
        ("bay", "bay", None),
        ("river", "river", "bay"),
        ("village", "village", "river"),
        ("other", "village", "bay"),
    ):
        body = named(code, kind=kind, **({} if lower is None else {"flows_to": lower}))
        made = await people["planner"].post("/region-links", json=body)
        assert made.status_code == 201, made.text

    async def chain(code: str) -> list[tuple[int, str]]:
        answer = await anonymous.get(f"/region-links/{code}/chain")
        assert answer.status_code == 200, answer.text
        return [(place["depth"], place["code"]) for place in answer.json()["places"]]

    assert await chain("river") == [(-1, "village"), (0, "river"), (1, "bay")]
    assert await chain("village") == [(0, "village"), (1, "river"), (2, "bay")]
    assert await chain("bay") == [(-2, "village"), (-1, "other"), (-1, "river"), (0, "bay")]
    assert (await anonymous.get("/region-links/nowhere/chain")).status_code == 404
    circle = await people["planner"].patch("/region-links/bay", json={"flows_to": "village"})
    assert circle.status_code == 409
    page = await anonymous.get("/region-links/river/chain", params={"f": "html", "lang": "zh"})
    assert "上下游" in page.text
    assert (await people["planner"].delete("/region-links/bay")).status_code == 409


async def test_the_seeds_have_the_dongxi_xixi_chain_and_the_river_islands_of_banan(
    anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
    await session.commit()
    answer = await anonymous.get("/region-links/xiamen.way.dongxi-xixi/chain")
    places = answer.json()["places"]
    assert [place["name_zh"] for place in places] == ["军营村、白交祠村", "东西溪", "同安湾"]
    assert [place["kind"] for place in places] == ["village", "river", "bay"]
    islands = (await anonymous.get(ISLANDS)).json()["features"]
    told = {item["id"]: item["properties"] for item in islands}
    assert len(told) == 5
    assert told["banan.island.taohua"]["problem"] == "banan.P3b"
    assert {item["class"] for item in told.values()} == {None}
    mines = (await anonymous.get("/mines/stock", params={"region": "banan"})).json()
    assert {item["open_ha"] for item in mines["years"]} == {"254"}
    assert mines["years"][0]["year"] == 2020
