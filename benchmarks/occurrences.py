"""A million occurrences of species, half of them masked: read exactly, and by everybody."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from os import environ
from urllib.parse import quote

import numpy as np
from asyncpg import Connection, connect

from benchmarks.http_load import Load
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench

OCCURRENCES = int(environ.get("BENCH_CELLS", "1000000"))
ROUNDS = 3
TARGET = 0.4
BOX = (118.31, 24.61, 118.33, 24.63)
TILES = {
    6: ((53, 27),),
    9: ((424, 219),),
    12: tuple((column, row) for column in range(3391, 3396) for row in (1756, 1757)),
}
"""Columns and rows by zoom: all places are in those of 6 and 9, 1 in 50 in each of zoom 12."""
TOUCH = "UPDATE species SET row_version = row_version + 1 WHERE code = 'species-1'"
"""What makes all tiles anew."""
HEARD_S = 0.5
BLOCK = 50_000
SPECIES, DAYS = 40, 9_000
LANDS = 8
"""Protected areas along each side of the places that are filled; they cover a tenth of them."""
PREPARED = (
    """INSERT INTO region (code, name_zh, name_en, level, geom)
       VALUES ('met', '区', 'Region', 'city',
               ST_Multi(ST_MakeEnvelope(118, 24.4, 118.6, 25, 4490))) ON CONFLICT DO NOTHING""",
    f"""INSERT INTO species (code, scientific_name, protection, red_list, sensitivity)
       SELECT 'species-' || n, 'Species ' || n, 'second_class', 'VU',
              (ARRAY['open', 'cell'])[n % 2 + 1] FROM generate_series(1, {SPECIES}) n""",  # noqa: S608
    f"""INSERT INTO control_area (code, region_id, name_zh, name_en, kind, status, visibility, geom)
       SELECT 'land-' || x || '-' || y, (SELECT id FROM region WHERE code = 'met'), '保护地',
              'Protected area', 'protected_area', 'published', 'public',
              ST_Multi(ST_Buffer(ST_Point(118.0375 + x * 0.075, 24.4375 + y * 0.075, 4490), 0.0135))
         FROM generate_series(0, {LANDS - 1}) x, generate_series(0, {LANDS - 1}) y""",  # noqa: S608
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
   WHERE oc.deleted_at IS NULL AND {met} ORDER BY oc.id LIMIT 100"""
_MEETS = """{shape} && ST_MakeEnvelope({box}, 4490)
     AND ST_Intersects({shape}, ST_MakeEnvelope({box}, 4490))"""
_COUNT = "SELECT count(*) FROM occurrence oc WHERE oc.deleted_at IS NULL AND {met}"
_OF_SPECIES = "oc.species_id = (SELECT id FROM species WHERE code = 'species-7')"
_IN_CELL = "floor(ST_X(oc.geom) * 10) = 1183 AND floor(ST_Y(oc.geom) * 10) = 246"
_SUMS = """
  SELECT ca.code, extract(year FROM oc.observed_from), count(*), count(DISTINCT oc.species_id),
         count(DISTINCT oc.species_id) FILTER (WHERE sp.protection = 'second_class'),
         count(DISTINCT oc.species_id) FILTER (WHERE sp.red_list = 'VU'), max(oc.observed_from)
    FROM control_area ca JOIN occurrence oc ON ST_Intersects(ca.geom, oc.geom)
    JOIN species sp ON sp.id = oc.species_id
   WHERE ca.kind = 'protected_area' AND oc.deleted_at IS NULL AND oc.state = 'verified'
         AND {met} GROUP BY 1, 2"""
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the service in turn, and the bare SQL for the same."""

    name: str
    paths: Sequence[str]
    bare: Sequence[str]
    requests: int = 10


SETUP = Setup(
    warm="plans of statements; no box is asked for twice", connections=(1, 1), processes=(1, 0)
)


def run(bench: Workbench) -> Table:
    """Pages, exact counts, sums and tiles, for who may know the places and for everybody."""
    table = Table(
        "occurrences", f"of {OCCURRENCES:,}, half of them masked", "bare SQL", setup=SETUP
    )
    with asyncio.Runner() as loop:
        connection = loop.run(connect(bench.stack.database_url))
        loop.run(_fill(connection))
        for reader in _SHAPE:
            key = {"Authorization": f"Bearer {bench.key}"} if reader == "exact" else {}
            for asked in (*_lists(reader), *_tiles(reader)):
                table.rows.append(_compare(loop, bench, connection, asked, key))
        loop.run(connection.close())
    return table


def _lists(reader: str) -> Sequence[Asked]:
    shape, box = _SHAPE[reader], ", ".join(map(str, BOX))
    listed = "/collections/occurrences/items?{}&limit={}&count={}"
    boxed = f"bbox={quote(box.replace(' ', ''), safe='')}"
    meets = _MEETS.format(shape=shape, box=box)
    known = "true" if reader == "exact" else "oc.sensitivity = 'open'"

    def counted(name: str, chosen: str, met: str) -> Asked:
        path = listed.format(chosen, 1, "exact")
        return Asked(f"exact count {name}, {reader}", [path], [_COUNT.format(met=met)])

    return (
        Asked(
            f"page of 100 in a box, {reader}",
            [listed.format(boxed, 100, "none")],
            [_PAGE.format(shape=shape, met=meets)],
        ),
        counted("in a box", boxed, meets),
        counted("of a species", "species=species-7", _OF_SPECIES),
        counted("of a cell", "cell=118.3%2C24.6", _IN_CELL),
        Asked(
            f"species by protected area and year, {reader}",
            ["/regions/met/species"],
            [_SUMS.format(met=known)],
            requests=1,
        ),
    )


def _tiles(reader: str) -> Sequence[Asked]:
    return [
        Asked(
            f"tile of zoom {zoom}, {reader}",
            [
                f"/layers/occurrences/tiles/WebMercatorQuad/{zoom}/{column}/{row}.mvt"
                for column, row in places
            ],
            [
                _TILE.format(shape=_SHAPE[reader], tile=f"{zoom}, {column}, {row}")
                for column, row in places
            ],
            requests=len(places),
        )
        for zoom, places in TILES.items()
    ]


def _compare(
    loop: asyncio.Runner,
    bench: Workbench,
    connection: Connection,
    asked: Asked,
    key: Mapping[str, str],
) -> Row:
    stack = bench.stack
    base = stack.tiles_url if asked.paths[0].startswith("/layers") else stack.api_url
    paths = [*asked.paths] * (asked.requests // len(asked.paths))

    def ours(number: int) -> float:
        loop.run(_touch(connection))
        return loop.run(Load(base, paths, headers=dict.fromkeys(paths, key)).run())

    def floor(number: int) -> float:
        return loop.run(_query(connection, [*asked.bare] * (asked.requests // len(asked.bare))))

    return Row(asked.name, *alternate(ours, floor, rounds=ROUNDS), target=TARGET)


async def _touch(connection: Connection) -> None:
    await connection.execute(TOUCH)
    await asyncio.sleep(HEARD_S)


async def _fill(connection: Connection) -> None:
    """Copy the occurrences into the table, as whoever has a survey would."""
    if await connection.fetchval("SELECT count(*) FROM occurrence") >= OCCURRENCES:
        return
    for statement in PREPARED:
        await connection.execute(statement)
    region = await connection.fetchval("SELECT id FROM region WHERE code = 'met'")
    species = await connection.fetch("SELECT id FROM species WHERE code LIKE 'species-%'")
    await connection.copy_to_table(
        "occurrence",
        source=_lines(region, [row["id"] for row in species]),
        columns=("code", "region_id", "species_id", "observed_from", "state", "geom"),
        format="csv",
        timeout=1800,
    )
    await connection.execute("VACUUM ANALYZE occurrence, control_area", timeout=600)


async def _lines(region: int, species: Sequence[int]) -> AsyncIterator[bytes]:
    """Verified occurrences at random within 0.6 by 0.6 degrees, of 25 years, as CSV."""
    for start in range(0, OCCURRENCES, BLOCK):
        numbers = range(start, min(start + BLOCK, OCCURRENCES))
        rng = np.random.default_rng(start)
        places = np.round(rng.uniform((118.0, 24.4), (118.6, 25.0), (len(numbers), 2)), 7)
        days = np.datetime64("2000-01-01") + rng.integers(0, DAYS, len(numbers))
        yield "".join(
            f"met-{number},{region},{species[number % SPECIES]},{day},verified,"
            f"SRID=4490;POINT({lon} {lat})\n"
            for number, (lon, lat), day in zip(numbers, places.tolist(), days, strict=True)
        ).encode()


async def _query(connection: Connection, statements: Sequence[str]) -> float:
    """Seconds a query takes."""
    started = time.perf_counter()
    for statement in statements:
        await connection.fetch(statement)
    return (time.perf_counter() - started) / len(statements)
