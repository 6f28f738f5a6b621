"""A small plan, written through the API: features in every collection, for tests of clients.

All of it lies in a city from 118.0° to 118.5° E, 24.4° to 24.8° N, and anybody may read it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.features.entity import Entity
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import SUPPLY_DEMAND, ZONE_CLASSES
from tests.support.job_rows import add_dataset

Body = Mapping[str, Any]
EXTENT = (118.0, 24.4, 118.5, 24.8)
CLASSES = [f"{SUPPLY_DEMAND}.{zone_class.code}" for zone_class in ZONE_CLASSES]
LINES = 8
"""Control areas, one published each year from 2018 on."""


def square(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    """A square as a MultiPolygon."""
    east, north = round(west + size, 7), round(south + size, 7)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def line(*places: tuple[float, float]) -> dict[str, Any]:
    """A line as a MultiLineString."""
    return {"type": "MultiLineString", "coordinates": [[list(place) for place in places]]}


def point(lon: float, lat: float) -> dict[str, Any]:
    """A point."""
    return {"type": "Point", "coordinates": [lon, lat]}


def feature(geometry: Body | None, **properties: Any) -> dict[str, Any]:
    """A feature to send."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def names(code: str, zh: str) -> dict[str, str]:
    """The members every entity with a name has."""
    return {"code": code, "name_zh": zh, "name_en": code.title()}


CITY = feature(square(118.0, 24.4, 0.4), **names("city", "鹭城"), level="city")
SINCE = {"valid_from": "2024-01-01"}

FEATURES: Sequence[tuple[str, Sequence[Body]]] = (
    (
        "regions",
        [
            CITY,
            feature(square(118.0, 24.4), **names("east", "东区"), level="district", parent="city"),
            feature(square(118.2, 24.4), **names("west", "西区"), level="district", parent="city"),
        ],
    ),
    (
        "plans",
        [
            feature(
                None,
                **names("plan-a", "生态保护修复规划"),
                kind="special",
                level="city",
                region="city",
                period_start=2021,
                period_end=2035,
            )
        ],
    ),
    (
        "pattern_components",
        [
            feature(square(118.1, 24.5), **names("core", "核心"), pattern="pattern-a", type="core"),
        ],
    ),
    (
        "corridors",
        [
            feature(
                line((118.0, 24.4), (118.3, 24.7)),
                **names("corridor-a", "山海廊道"),
                region="city",
                type="mountain_sea",
                **SINCE,
            )
        ],
    ),
    (
        "corridor_nodes",
        [feature(point(118.1, 24.5), code="node-a", kind="source", region="city", **SINCE)],
    ),
    (
        "zone_schemes",
        [
            feature(
                None,
                **names("scheme-a", "分区方案"),
                region="city",
                kind="supply_demand",
                origin="drawn",
                gap_reason="tests draw two of five classes",
                **SINCE,
            )
        ],
    ),
    (
        "zones",
        [
            feature(square(118.0, 24.4), scheme="scheme-a", zone_class=CLASSES[0]),
            feature(square(118.1, 24.4), scheme="scheme-a", zone_class=CLASSES[1]),
        ],
    ),
    (
        "control_areas",
        [
            feature(
                square(118.0 + number / 20, 24.5, 0.04),
                **names(f"line-{number}", f"生态红线{number}"),
                kind="red_line" if number % 2 else "island",
                level="city",
                region="city",
                approved_area_km2=number + 0.5,
                visibility="public",
                valid_from="2010-01-01",
            )
            for number in range(LINES)
        ],
    ),
    (
        "problems",
        [
            feature(
                point(118.2, 24.6),
                **names("problem-a", "水土流失"),
                type="soil",
                region="city",
                visibility="public",
            )
        ],
    ),
    (
        "projects",
        [
            feature(
                square(118.2, 24.6),
                **names("project-a", "湿地修复"),
                region="city",
                start_year=2022,
                end_year=2025,
            )
        ],
    ),
    (
        "named_features",
        [
            feature(
                point(118.1, 24.5),
                **names("lake-a", "筼筜湖"),
                kind="lake",
                region="city",
                **SINCE,
            )
        ],
    ),
    (
        "notices",
        [
            feature(
                square(118.0, 24.7, 0.02),
                **names("notice-a", "项目公示"),
                region="city",
                subject_collection="projects",
                subject_code="project-a",
                text_zh="现予公示。",
                period_from="2024-01-01",
                period_to="2199-12-31",
                contact_office="自然资源局",
                **SINCE,
            )
        ],
    ),
    (
        "mines",
        [
            feature(
                square(118.2, 24.5),
                **names("mine-a", "采石坑"),
                kind="legacy",
                region="city",
                area_ha=12.5,
                **SINCE,
            )
        ],
    ),
    (
        "reclamations",
        [
            feature(
                square(118.3, 24.5),
                **names("camp-a", "施工营地"),
                region="city",
                start_on="2024-01-01",
                end_on="2025-12-31",
                land_class_before="0103",
                visibility="public",
                **SINCE,
            )
        ],
    ),
    (
        "islands",
        [
            feature(
                square(118.0, 24.6, 0.02),
                **names("island-a", "小屿"),
                waters="sea",
                region="city",
                **SINCE,
            )
        ],
    ),
    (
        "outfalls",
        [
            feature(
                point(118.2, 24.5),
                **names("outfall-a", "排污口"),
                kind="industrial",
                region="city",
                **SINCE,
            )
        ],
    ),
    (
        "fishing_harbours",
        [feature(point(118.3, 24.6), **names("harbour-a", "渔港"), region="city", **SINCE)],
    ),
    (
        "occurrences",
        [
            feature(
                point(118.25, 24.55),
                code="met-a",
                species="egret",
                region="city",
                observed_from="2024-05-01",
                **SINCE,
            )
        ],
    ),
    (
        "stations",
        [
            feature(
                point(118.3, 24.5),
                **names("station-a", "水质站"),
                kind="water_section",
                visibility="public",
            )
        ],
    ),
)


async def write_plan(writer: httpx.AsyncClient, session: AsyncSession) -> None:
    """Write the plan by a client who may do everything, and let everybody see it."""
    pattern = {**names("pattern-a", "山海格局"), "region": "city"}
    egret = {"code": "egret", "scientific_name": "Egretta garzetta", "sensitivity": "open"}
    await _create(writer, "/species", egret)
    for collection, bodies in FEATURES:
        if collection == "pattern_components":
            await _create(writer, "/patterns", pattern)
            await _publish(writer, "/patterns/pattern-a", "published")
        for body in bodies:
            await _create(writer, f"/collections/{collection}/items", body)
    for number in range(LINES):
        since = {"status": "published", "valid_from": f"{2018 + number}-01-01"}
        path = f"/collections/control_areas/items/line-{number}"
        await _step(writer, path, {"properties": since})
    for entity in COLLECTIONS:
        await _publish_all(writer, entity)
    # A project's state is changed by its own transitions, and datasets are made by imports.
    await session.execute(text("UPDATE project SET state = 'approved', visibility = 'public'"))
    region = (await session.scalars(select(Region).where(Region.code == "city"))).one()
    await add_dataset(session, region, "dem", "dem", visibility="public")
    await session.commit()


async def _create(writer: httpx.AsyncClient, path: str, body: Body) -> None:
    answer = await writer.post(path, json=dict(body))
    assert answer.status_code == 201, answer.text


async def _publish_all(writer: httpx.AsyncClient, entity: Entity) -> None:
    lifecycle = entity.editing.lifecycle if entity.editing is not None else None
    if lifecycle is None:
        return
    states = [step.target for step in lifecycle.steps]
    goal = next((state for state in ("published", "approved", "verified") if state in states), None)
    if goal is None:
        return
    items = (await writer.get(f"/collections/{entity.name}/items?limit=100")).json()["features"]
    for item in items:
        way = _way(entity, item["properties"][lifecycle.property], goal)
        for state in way:
            path = f"/collections/{entity.name}/items/{item['id']}"
            await _step(writer, path, {"properties": {lifecycle.property: state}})


def _way(entity: Entity, source: str, goal: str) -> list[str]:
    """The states from one to another, the last included."""
    assert entity.editing is not None
    assert entity.editing.lifecycle is not None
    ways: dict[str, list[str]] = {source: []}
    waiting = [source]
    while waiting and goal not in ways:
        here = waiting.pop(0)
        for step in entity.editing.lifecycle.steps:
            if step.source == here and step.target not in ways:
                ways[step.target] = [*ways[here], step.target]
                waiting.append(step.target)
    return ways[goal]


async def _publish(writer: httpx.AsyncClient, path: str, state: str) -> None:
    await _step(writer, path, {"status": state})


async def _step(writer: httpx.AsyncClient, path: str, change: Body) -> None:
    answer = await writer.patch(path, json=dict(change))
    assert answer.status_code == 200, answer.text
