"""Every property that can be filtered on, of every entity there is, asked in every way."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.cql2.operands import kind_of
from shanhai.db.features.entity import Entity

SAMPLES = {
    "text": "{name} = 'x' AND {name} LIKE 'x%' AND {name} IN ('x', 'y') AND CASEI({name}) < 'x'",
    "number": "{name} = 1 AND {name} < 1.5 AND {name} IN (1, 2.5) AND {name} * 2 / 0 > 1",
    "boolean": "{name} = true AND NOT {name}",
    "date": "{name} = DATE('2026-01-01') AND T_AFTER({name}, TIMESTAMP('2026-01-01T00:00:00Z'))",
    "moment": "{name} > TIMESTAMP('2026-01-01T00:00:00Z') AND T_BEFORE({name}, '2026-01-01')",
    "other": "{name} IS NULL",
}


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
async def test_every_queryable_can_be_asked(session: AsyncSession, entity: Entity) -> None:
    asked = [
        SAMPLES[kind_of(item)].format(name='"' + item.name + '"') for item in entity.queryables
    ]
    if entity.geometry is not None:
        asked.append("S_INTERSECTS(geometry, BBOX(118,24,119,25))")
    for question in asked:
        compiled = compile_filter(question, entity=entity)
        query = text(f"SELECT count(*) FROM {entity.source} WHERE {compiled.sql}")
        await session.scalar(query, dict(compiled.values))
