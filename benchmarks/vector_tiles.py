"""Vector tiles over HTTP, beside the bare query that encodes them."""

import asyncio
import time
from collections.abc import Sequence

from asyncpg import Connection, connect

from benchmarks.http_load import Load
from benchmarks.patchwork import SCHEME, SIDE, SOUTH, STEP_DEGREES, WEST, lay_patchwork
from benchmarks.report import Row, Table
from benchmarks.tile_addresses import Address, tiles_within
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai_tiles.grids import WEB_MERCATOR

ROUNDS = 3
AT_MOST = 8
ZOOMS = (9, 11, 13)
TARGET = 0.77
"""Within 1.3 times the time of the bare query."""

BARE_SQL = """
  SELECT ST_AsMVT(cut.*, 'zones', 4096, 'geom', 'fid') FROM (
    SELECT z.id AS fid, z.code, s.code AS scheme, s.version, r.code AS region,
           c.class_code AS class, c.order_no AS class_value, c.group_code AS group, c.name_zh,
           c.name_en, c.color,
           z.area_m2 / 1e6 AS area_km2, (z.attrs->>'share_percent')::float8 AS share_percent,
           ST_AsMVTGeom(ST_Transform(z.geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 64, true)
             AS geom
      FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id JOIN zone_class c ON c.id = z.class_id
      JOIN region r ON r.id = s.region_id
     WHERE s.status = 'published' AND s.deleted_at IS NULL
       AND z.geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 64.0 / 4096), 4490)
  ) AS cut WHERE geom IS NOT NULL"""
# A published scheme in another state: every tile of the layer is another tile.
_TOUCH = "UPDATE zone_scheme SET row_version = row_version + 1 WHERE code = $1"


def run(bench: Workbench) -> Table:
    """Tiles of the zones at three zooms, never twice the same state."""
    title = f"zones of {SIDE * SIDE} polygons, uncached, one connection"
    table = Table("vector-tiles", title, "bare ST_AsMVT")
    with asyncio.Runner() as loop:
        loop.run(lay_patchwork(bench.stack.database_url))
        connection = loop.run(connect(bench.stack.database_url))
        for zoom in ZOOMS:
            table.rows.append(_compare(loop, bench, connection, zoom))
        loop.run(connection.close())
    return table


def _compare(loop: asyncio.Runner, bench: Workbench, connection: Connection, zoom: int) -> Row:
    bounds = (WEST, SOUTH, WEST + SIDE * STEP_DEGREES, SOUTH + SIDE * STEP_DEGREES)
    addresses = tiles_within(WEB_MERCATOR, bounds, (zoom,), AT_MOST)
    paths = [f"/layers/zones/tiles/WebMercatorQuad/{z}/{x}/{y}.mvt" for z, x, y in addresses]

    def ours(number: int) -> float:
        loop.run(connection.execute(_TOUCH, SCHEME))
        return loop.run(Load(bench.stack.tiles_url, paths).run())

    def floor(number: int) -> float:
        return loop.run(_query_all(connection, addresses))

    samples = alternate(ours, floor, rounds=ROUNDS)
    return Row(f"zoom {zoom}", *samples, target=TARGET, facts={"tiles/s": 1 / samples[0].median})


async def _query_all(connection: Connection, addresses: Sequence[Address]) -> float:
    started = time.perf_counter()
    for address in addresses:
        await connection.fetchval(BARE_SQL, *address)
    return (time.perf_counter() - started) / len(addresses)
