"""The feature engine on PostGIS: its SQL runs for every entity, and uses the indexes."""

import json
from datetime import date
from types import UnionType
from typing import Any

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.entity import TEXT, Entity, Property
from shanhai.db.features.order import OrderPosition, PageStart
from shanhai.db.features.query import (
    count_features,
    read_extent,
    read_feature,
    read_page,
)
from shanhai.db.features.selection import (
    Box,
    QueryShape,
    Selection,
    Value,
    bound_values,
)
from shanhai.db.features.statements import PLAIN, feature_columns, feature_query
from shanhai.db.identity import Viewer
from shanhai.errors import NotFound
from tests.support.dialects import NAMED
from tests.support.feature_rows import add_five_zones, add_patchwork, add_scheme
from tests.support.job_rows import add_dataset, add_region

TRIANGLES = """
    INSERT INTO region (code, name_zh, name_en, level, metric_srid, geom)
    SELECT 'triangle.' || x || '.' || y, 'x', 'x', 'island', 4548,
           ST_Multi(ST_GeomFromText(format('POLYGON((%s %s, %s %s, %s %s, %s %s))',
             west, south, west + 0.005, south, west, south + 0.005, west, south), 4490))
      FROM generate_series(0, 19) AS x, generate_series(0, 19) AS y,
           LATERAL (SELECT 117.98 + x * 0.005 AS west, 23.98 + y * 0.005 AS south) AS at
"""
"""Shapes that fill half of their boxes, so that some of those reach into a box and they do not."""
NOW = "2025-06-01T00:00:00Z"
VALUES: dict[str, Value] = {"string": "x", "integer": 1, "number": 1.0, "boolean": True}
FORMS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00+00:00",
    "decimal": "1.50",
}


def asked_about(entity: Entity) -> list[Property]:
    """The queryable properties a parameter can name."""
    return [item for item in entity.queryables if item.sortable or item.schema.get("items") == TEXT]


def value_of(item: Property) -> Value:
    return FORMS.get(item.schema.get("format", ""), VALUES.get(item.schema["type"], "x"))


async def add_everything(session: AsyncSession) -> None:
    city = await add_region(session, "city")
    await add_five_zones(session, await add_scheme(session, city))
    await add_dataset(session, city, "dem", "dem")


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
class TestEveryEntity:
    async def test_every_condition_at_once_is_valid_sql(
        self, session: AsyncSession, entity: Entity
    ) -> None:
        selection = Selection(
            viewer=Viewer(known=True, regions=frozenset({1})),
            filters={item.name: value_of(item) for item in asked_about(entity)},
            box=None if entity.geometry is None else Box(170, -10, -170, 10),
            during=(NOW, NOW),
            as_of=date(2025, 6, 1),
            code="x",
            search="x",
        )
        page = await read_page(
            session,
            entity,
            selection,
            limit=10,
            position=PageStart(after=OrderPosition(1), offset=1),
        )
        assert page.rows == []
        assert await count_features(session, entity, selection) == 0
        assert await read_feature(session, entity, selection) is None
        assert (await read_extent(session, entity, selection)).box is None

    async def test_properties_are_those_declared(
        self, session: AsyncSession, entity: Entity
    ) -> None:
        await add_everything(session)
        page = await read_page(session, entity, Selection(), limit=10, position=PageStart())
        for row in page.rows:
            properties = row.plain()
            assert list(properties) == [item.name for item in entity.properties]
            for item in entity.properties:
                check_type(item.schema, properties[item.name])

    async def test_properties_are_what_postgresql_writes_as_one_object(
        self, session: AsyncSession, entity: Entity
    ) -> None:
        await add_everything(session)
        question = QueryShape.of(entity, Selection())
        written = [
            json.loads(text)
            for (text,) in await session.execute(
                text_of(entity, question.conditions, feature_columns(entity, PLAIN)["properties"])
            )
        ]
        page = await read_page(session, entity, Selection(), limit=100, position=PageStart())
        assert [row.plain() for row in page.rows] == written

    async def test_codes_are_unique_today(self, session: AsyncSession, entity: Entity) -> None:
        await add_everything(session)
        page = await read_page(session, entity, Selection(), limit=10, position=PageStart())
        codes = [row.code for row in page.rows]
        assert len(codes) == len(set(codes))


def text_of(entity: Entity, conditions: tuple[str, ...], column: str) -> TextClause:
    where = " AND ".join(f"({condition})" for condition in conditions)
    return text(f"SELECT {column} FROM {entity.source} WHERE {where} ORDER BY {entity.key}")


def check_type(schema: Any, value: object) -> None:
    kinds: dict[str, type | UnionType] = {
        "string": str,
        "integer": int,
        "number": int | float,
        "boolean": bool,
        "object": dict,
        "array": list,
    }
    if value is not None:
        assert isinstance(value, kinds[schema["type"]])
    if value is not None and schema.get("format") == "date":
        date.fromisoformat(str(value))


async def plan_of(session: AsyncSession, entity: Entity, selection: Selection) -> str:
    query = feature_query(entity, QueryShape.of(entity, selection))
    compiled = query.compile(dialect=NAMED)
    rows = await session.execute(text(f"EXPLAIN {compiled}"), bound_values(selection))
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("regions", "ix_region_geom"),
        ("zones", "ix_zone_geom"),
        ("datasets", "ix_dataset_footprint"),
    ],
)
async def test_boxes_use_the_spatial_index(session: AsyncSession, name: str, index: str) -> None:
    entity = entity_named(name)
    # Of few rows each index is as good as another.
    await add_patchwork(session)
    selection = Selection(box=Box(118.0, 24.4, 118.1, 24.5))
    assert index in await plan_of(session, entity, selection)


async def test_an_endless_date_is_written_as_it_is(session: AsyncSession) -> None:
    await add_region(session, "r")
    await session.execute(text("UPDATE region SET valid_to = 'infinity'"))
    regions = entity_named("regions")
    page = await read_page(session, regions, Selection(), limit=2, position=PageStart())
    assert [row.properties["valid_to"] for row in page.rows] == ["infinity"]


@pytest.mark.parametrize("corner", [(117.99, 23.99), (118.0, 24.0), (118.003, 24.004)])
async def test_a_box_finds_what_postgis_says_it_meets(
    session: AsyncSession, corner: tuple[float, float]
) -> None:
    await session.execute(text(TRIANGLES))
    west, south = corner
    sides = (west, south, west + 0.05, south + 0.03)
    page = await read_page(
        session,
        entity_named("regions"),
        Selection(box=Box(*sides)),
        limit=999,
        position=PageStart(),
    )
    meets = "ST_Intersects(geom, ST_MakeEnvelope(:w, :s, :e, :n, 4490))"
    query = text(f"SELECT code FROM region WHERE {meets} ORDER BY id")
    expected = (await session.scalars(query, dict(zip("wsen", sides, strict=True)))).all()
    assert [row.code for row in page.rows] == expected
    assert 10 < len(expected) < 400


async def test_count_stops_at_the_limit(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.db.features.statements.COUNT_LIMIT", 2)
    regions = entity_named("regions")
    for number in range(2):
        await add_region(session, f"r{number}")
    assert await count_features(session, regions, Selection()) == 2
    await add_region(session, "r2")
    assert await count_features(session, regions, Selection()) is None


async def test_coordinates_have_seven_digits(session: AsyncSession) -> None:
    await add_region(session, "r", box=(118.123456789, 24.4, 118.2, 24.5))
    row = await read_feature(session, entity_named("regions"), Selection(code="r"))
    assert row is not None
    assert "118.1234568" in (row.geometry or "")
    assert "crs" not in json.loads(row.geometry or "{}")


def test_unknown_entity() -> None:
    with pytest.raises(NotFound, match="zones"):
        entity_named("rivers")
