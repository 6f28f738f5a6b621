"""A million occurrences of species, half of them masked: read exactly, and by everybody."""

import asyncio
import time
from collections.abc import Sequence
from os import environ
from urllib.parse import quote

from asyncpg import Connection, connect

from benchmarks.http_load import Load
from benchmarks.report import Row, Table
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench

OCCURRENCES = int(environ.get("BENCH_CELLS", "1000000"))
REQUESTS = 10
ROUNDS = 3
TARGET = 0.4
BOX = (118.3, 24.6, 118.32, 24.62)
TILES = tuple((12, column, row) for column in range(3391, 3396) for row in (1756, 1757))
"""Ten tiles within the places that are filled, each with about 1 in 50 of them."""
TOUCH = "UPDATE species SET row_version = row_version + 1 WHERE code = 'species-1'"
"""What makes all tiles anew."""
HEARD_S = 0.5
FILL = (
    """INSERT INTO region (code, name_zh, name_en, level) VALUES ('met', '区', 'Region', 'city')
       ON CONFLICT DO NOTHING""",
    """INSERT INTO species (code, scientific_name, protection, sensitivity)
       SELECT 'species-' || n, 'Species ' || n, 'second_class',
              (ARRAY['open', 'cell'])[n % 2 + 1] FROM generate_series(1, 40) n""",
    f"""INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)
       SELECT 'met-' || n, (SELECT id FROM region WHERE code = 'met'), s.id,
              date '2000-01-01' + CAST(n % 9000 AS integer), 'verified',
              ST_Point(118 + n * 7919 % 1000003 / 1000003.0 * 0.6,
                       24.4 + n * 104729 % 1000033 / 1000033.0 * 0.6, 4490)
         FROM generate_series(CAST(1 AS bigint), {OCCURRENCES}) n
         JOIN species s ON s.code = 'species-' || (n % 40 + 1)""",  # noqa: S608 - a number
    "VACUUM ANALYZE occurrence",
)
_SHAPE = {"exact": "oc.geom", "masked": "oc.shown"}
_PAGE = """
  SELECT oc.id, oc.code, oc.row_version, ST_AsGeoJSON({shape}, 9), sp.code, sp.scientific_name,
         sp.name_zh, sp.name_en, sp.protection, r.code, oc.uncertainty_m, oc.locality,
         oc.observed_from, oc.observed_to, oc.individuals, oc.method, oc.observer,
         oc.occurrence_id, oc.state, oc.judged_by, oc.judged_on, oc.attrs::text, oc.valid_from,
         oc.valid_to
    FROM occurrence oc JOIN species sp ON sp.id = oc.species_id
    LEFT JOIN region r ON r.id = oc.region_id
   WHERE oc.deleted_at IS NULL AND {shape} && ST_MakeEnvelope({box}, 4490)
     AND ST_Intersects({shape}, ST_MakeEnvelope({box}, 4490)) ORDER BY oc.id LIMIT 100"""
_COUNT = """
  SELECT count(*) FROM occurrence oc WHERE oc.deleted_at IS NULL
     AND ST_Intersects({shape}, ST_MakeEnvelope({box}, 4490))"""
_TILE = """
  SELECT ST_AsMVT(cut.*, 'occurrences', 4096, 'geom', 'fid') FROM (
    SELECT oc.id AS fid, oc.code, sp.code AS species, sp.scientific_name, sp.protection,
           r.code AS region, oc.observed_from::text, oc.state, ST_AsMVTGeom(
             ST_Transform({shape}, 3857), ST_TileEnvelope({tile}), 4096, 64, true) AS geom
      FROM occurrence oc JOIN species sp ON sp.id = oc.species_id
      LEFT JOIN region r ON r.id = oc.region_id
     WHERE oc.deleted_at IS NULL
       AND {shape} && ST_Transform(ST_TileEnvelope({tile}, margin => 64.0 / 4096), 4490)
     ORDER BY ST_Length(ST_BoundingDiagonal({shape})) DESC, oc.id LIMIT 2000) AS cut"""


def run(bench: Workbench) -> Table:
    """A page, its exact count and tiles, for who may know the places and for everybody."""
    table = Table("occurrences", f"of {OCCURRENCES:,}, half of them masked", "bare SQL")
    box = ", ".join(map(str, BOX))
    listed = f"/collections/occurrences/items?bbox={quote(box.replace(' ', ''), safe='')}"
    with asyncio.Runner() as loop:
        connection = loop.run(connect(bench.stack.database_url))
        loop.run(_fill(connection))
        for reader, shape in _SHAPE.items():
            page = _PAGE.format(shape=shape, box=box)
            count = _COUNT.format(shape=shape, box=box)
            tiles = [_TILE.format(shape=shape, tile=", ".join(map(str, one))) for one in TILES]
            drawn = [
                f"/layers/occurrences/tiles/WebMercatorQuad/{zoom}/{column}/{row}.mvt"
                for zoom, column, row in TILES
            ]
            for name, paths, bare in (
                ("page of 100 in a box", [f"{listed}&limit=100&count=none"] * REQUESTS, [page]),
                ("exact count in a box", [f"{listed}&limit=1&count=exact"] * REQUESTS, [count]),
                ("tile of zoom 12", drawn, tiles),
            ):
                case = (f"{name}, {reader}", paths, bare)
                table.rows.append(_compare(loop, bench, connection, *case))
        loop.run(connection.close())
    return table


def _compare(
    loop: asyncio.Runner,
    bench: Workbench,
    connection: Connection,
    name: str,
    paths: Sequence[str],
    bare: Sequence[str],
) -> Row:
    stack = bench.stack
    base = stack.tiles_url if paths[0].startswith("/layers") else stack.api_url
    key = {"Authorization": f"Bearer {bench.key}"} if name.endswith("exact") else {}

    def ours(number: int) -> float:
        loop.run(_touch(connection))
        return loop.run(Load(base, paths, headers=dict.fromkeys(paths, key)).run())

    def floor(number: int) -> float:
        return loop.run(_query(connection, list(bare) * (REQUESTS // len(bare))))

    return Row(name, *alternate(ours, floor, rounds=ROUNDS), target=TARGET)


async def _touch(connection: Connection) -> None:
    await connection.execute(TOUCH)
    await asyncio.sleep(HEARD_S)


async def _fill(connection: Connection) -> None:
    if await connection.fetchval("SELECT count(*) FROM occurrence") < OCCURRENCES:
        for statement in FILL:
            await connection.execute(statement, timeout=1800)


async def _query(connection: Connection, statements: Sequence[str]) -> float:
    """Seconds a query takes."""
    started = time.perf_counter()
    for statement in statements:
        await connection.fetch(statement)
    return (time.perf_counter() - started) / len(statements)
