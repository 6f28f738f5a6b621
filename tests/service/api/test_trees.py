"""Trees of regions, plans and the components of patterns."""

from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Pattern, PatternComponent, Region
from shanhai_api.kit.state import ServiceState
from tests.support.job_rows import add_region

Node = dict[str, Any]


def outline(node: Node) -> Any:
    """The codes of a tree."""
    return {node["code"]: [outline(child) for child in node["children"]]}


async def tree(client: httpx.AsyncClient, path: str, **asked: Any) -> Node:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    document: Node = answer.json()
    return document


@pytest.fixture
async def family(session: AsyncSession) -> None:
    """A city of two districts, one of which has two towns."""
    city = await add_region(session, "city")
    east = await add_region(session, "east", level="district", parent=city)
    await add_region(session, "west", level="district", parent=city)
    for code in ("town.b", "town.a"):
        await add_region(session, code, level="town", parent=east)
    await session.commit()


async def test_regions(anonymous: httpx.AsyncClient, family: None) -> None:
    document = await tree(anonymous, "/regions/city/tree")
    assert outline(document["tree"]) == {
        "city": [{"east": [{"town.a": []}, {"town.b": []}]}, {"west": []}]
    }
    east = document["tree"]["children"][0]
    assert (east["level"], east["name_en"]) == ("district", "Region east")
    assert 100 < east["area_km2"] < 120
    assert (await anonymous.get(east["links"][0]["href"])).json()["id"] == "east"
    lower = await tree(anonymous, "/regions/town.a/tree")
    assert [node["code"] for node in lower["upper"]] == ["city", "east"]


async def test_depth_is_bounded(anonymous: httpx.AsyncClient, family: None) -> None:
    document = await tree(anonymous, "/regions/city/tree", depth=1)
    assert outline(document["tree"]) == {"city": [{"east": []}, {"west": []}]}
    assert [child.get("more") for child in document["tree"]["children"]] == [2, None]
    for depth in ("0", "11", "x"):
        answer = await anonymous.get("/regions/city/tree", params={"depth": depth})
        assert answer.status_code == 400


async def test_what_is_hidden_is_no_branch(
    anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    city = await add_region(session, "city")
    plans: list[Plan] = []
    statuses = {"top": "approved", "middle": "draft", "own": "approved", "low": "approved"}
    for code, status in statuses.items():
        plans.append(
            Plan(
                code=code,
                name_zh=code,
                name_en=code,
                kind="x",
                level="city",
                first_year=2021,
                region_id=city.id,
                status=status,
                upper_plan_id=plans[-1].id if plans else None,
            )
        )
        session.add(plans[-1])
        await session.flush()
    await session.commit()
    whole = await tree(reader, "/plans/own/tree")
    assert [node["code"] for node in whole["upper"]] == ["top", "middle"]
    assert outline(whole["tree"]) == {"own": [{"low": []}]}
    assert outline((await tree(reader, "/plans/top/tree"))["tree"]) == {
        "top": [{"middle": [{"own": [{"low": []}]}]}]
    }
    assert (await tree(anonymous, "/plans/own/tree"))["upper"] == []
    assert outline((await tree(anonymous, "/plans/top/tree"))["tree"]) == {"top": []}
    assert (await anonymous.get("/plans/middle/tree")).status_code == 404


async def test_tree_of_a_former_day(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    city = await add_region(session, "city")
    old = await add_region(session, "east", level="district", parent=city)
    old.valid_from = date(2020, 1, 1)
    await add_region(session, "other")
    await session.commit()
    moved = {"properties": {"parent": "other", "valid_from": "2025-01-01"}}
    answer = await admin.patch("/collections/regions/items/east", json=moved)
    assert answer.status_code == 200, answer.text
    assert outline((await tree(anonymous, "/regions/city/tree"))["tree"]) == {"city": []}
    former = await tree(anonymous, "/regions/city/tree", as_of="2024-06-01")
    assert outline(former["tree"]) == {"city": [{"east": []}]}


async def test_components(
    anonymous: httpx.AsyncClient, session: AsyncSession, family: None
) -> None:
    city = (await session.scalars(select(Region).where(Region.code == "city"))).one()
    pattern = Pattern(
        code="p", name_zh="一屏", name_en="One screen", region_id=city.id, status="published"
    )
    session.add(pattern)
    await session.flush()
    screens = PatternComponent(
        code="p.screens",
        name_zh="三屏",
        name_en="Three screens",
        pattern_id=pattern.id,
        type="screen",
        attrs={"count_stated": 3},
    )
    session.add(screens)
    await session.flush()
    for order, code in ((3, "a"), (2, "b")):
        shape = "SRID=4490;POINT(118 24)" if code == "a" else None
        session.add(
            PatternComponent(
                code=code,
                name_zh=code,
                name_en=code,
                pattern_id=pattern.id,
                parent_id=screens.id,
                type="screen",
                order_no=order,
                certainty="inferred",
                geom=shape,
            )
        )
    await session.commit()
    document = (await tree(anonymous, "/patterns/p/tree"))["tree"]
    (found,) = document["children"]
    assert (found["count_stated"], found["count_listed"]) == (3, 2)
    assert [(node["code"], node["geometry_known"]) for node in found["children"]] == [
        ("b", False),
        ("a", True),
    ]
    assert {node["certainty"] for node in found["children"]} == {"inferred"}


async def test_trees_of_the_plans_that_ship(
    anonymous: httpx.AsyncClient, session: AsyncSession, state: ServiceState
) -> None:
    async with state.sessions.begin() as own:
        await seed_cities(own, ["xiamen", "banan"], [], act=Act("tester"))
    document = (await tree(anonymous, "/patterns/banan.pattern/tree"))["tree"]
    counts = {
        node["code"].rpartition(".")[2]: (node["count_stated"], node["count_listed"])
        for node in document["children"]
    }
    assert counts["screens"] == (8, 8)
    assert counts["belts"] == (8, 4)
    security = (await tree(anonymous, "/patterns/xiamen.security/tree"))["tree"]
    corridors = security["children"][2]
    assert (corridors["count_stated"], corridors["count_listed"]) == (10, 10)
    listed = await anonymous.get(corridors["links"][1]["href"])
    assert listed.json()["numberMatched"] == 10
    banan = (await tree(anonymous, "/regions/banan/tree", depth=1))["tree"]
    assert len(banan["children"]) == 23

    for path in ("/patterns/banan.pattern/tree", "/regions/banan/tree"):
        for lang, word in (("zh", "八屏"), ("en", "Eight screens")):
            page = await anonymous.get(path, params={"f": "html", "lang": lang})
            assert page.status_code == 200
            assert (word in page.text) == ("patterns" in path)


@pytest.mark.parametrize("kind", ["regions", "plans", "patterns"])
async def test_unknown(anonymous: httpx.AsyncClient, session: AsyncSession, kind: str) -> None:
    for code in ("nothing", "%00"):
        assert (await anonymous.get(f"/{kind}/{code}/tree")).status_code == 404
