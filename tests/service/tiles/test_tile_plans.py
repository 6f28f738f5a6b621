"""Whatever a tile draws is found by where it lies: the plans PostgreSQL makes on filled tables."""

import asyncio
import re

import pytest
from sqlalchemy import text

from shanhai.db.tiles import simplification
from shanhai.db.tiles.simplification import fill_portions
from shanhai.db.tiles.simplified_shapes import BANDS, PIXEL_DEGREES, SHAPED, Shapes, band_of
from shanhai_tiles.vector.collections import VECTORS, LayerQuery, LayerSelection
from shanhai_tiles.vector.tiles import WIDE, TileQueryShape, _specks, _tile_query
from tests.support.feature_rows import add_patchwork
from tests.support.job_rows import open_sessions

pytestmark = pytest.mark.usefixtures("patchwork")

BINDS = {
    "min_lon": 117.0,
    "min_lat": 24.0,
    "max_lon": 117.1,
    "max_lat": 24.1,
    "west": 0.0,
    "south": 0.0,
    "east": 1.0,
    "north": 1.0,
    "pixel": 0.1,
    "most": 9,
    "labels": 9,
    "first": 18,
    "beyond": 19,
}


@pytest.fixture(scope="module")
def patchwork(database_url: str) -> None:
    """2 500 regions, zones and datasets with their shapes, enough for the way to them to matter."""
    asyncio.run(_lay_patchwork(database_url))


async def _lay_patchwork(database_url: str) -> None:
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await add_patchwork(session)
        while await fill_portions(sessions, most=1000):
            pass
        async with sessions.begin() as session:
            await session.execute(
                text("ANALYZE region_shape, zone_shape, dataset_shape, tile_pending")
            )


@pytest.mark.parametrize("zoom", [3, 8, 11, 14])
@pytest.mark.parametrize("name", ["zones", "regions", "datasets"])
async def test_tiles_are_found_by_the_spatial_index(
    database_url: str, name: str, zoom: int
) -> None:
    question = LayerQuery.of(VECTORS[name], LayerSelection())
    band = band_of(PIXEL_DEGREES / 2**zoom)
    query = str(_tile_query(question, TileQueryShape(3857, band, largest=zoom <= WIDE)))
    plan = await plan_of(database_url, query)
    table = VECTORS[name].entity.table
    kept = table if zoom > BANDS[-1].deepest else f"{table}_shape"
    index = "band_geom" if kept != table else SHAPED[table].geometry
    assert f"ix_{kept}_{index}" in plan, plan
    assert f"Seq Scan on {kept} " not in plan
    if band is not None:
        # By band and place at once, not by place with other bands thrown away afterwards.
        assert re.search(rf"Index Cond: \(\(band = '{band.deepest}'::smallint\) AND \(geom", plan)


async def test_specks_are_counted_as_they_lie(database_url: str) -> None:
    """However many there are: the count ends at the last that matters."""
    question = LayerQuery.of(VECTORS["zones"], LayerSelection())
    shapes = Shapes.of(question.collection.entity)
    assert shapes is not None
    plan = await plan_of(database_url, f"SELECT {_specks(question, shapes)}")
    found = re.search(
        r"Index Scan using ix_zone_shape_band_geom on zone_shape.*\n.*\n *Order By: \(geom <#>",
        plan,
    )
    assert found, plan


@pytest.mark.parametrize("table", ["region", "zone"])
async def test_neighbours_are_found_by_where_they_lie(database_url: str, table: str) -> None:
    """Whatever PostgreSQL expects, whose statistics are old while a table is filled: here that
    anything is cheaper than a look at one object after another."""
    query = simplification._objects(SHAPED[table]).replace(":ids", "'{1,2,3,4,5,6,7,8,9}'")
    async with open_sessions(database_url) as sessions, sessions() as session:
        await session.execute(text("SET LOCAL enable_nestloop = off"))
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {query}")))
    assert f"Index Scan using ix_{table}_geom" in plan, plan
    assert not re.search(rf"Seq Scan on {table} |Hash Join|Merge Join", plan), plan


async def plan_of(database_url: str, query: str) -> str:
    for bind, value in BINDS.items():
        query = re.sub(rf":{bind}\b", str(value), query)
    async with open_sessions(database_url) as sessions, sessions() as session:
        return "\n".join(await session.scalars(text(f"EXPLAIN {query}")))
