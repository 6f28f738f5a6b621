"""Vector tiles over HTTP, beside the bare query that encodes them and beside tipg."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from os import environ

from asyncpg import Connection, connect

from benchmarks.feature_peers import serving_tipg_alone
from benchmarks.http_load import Load, fetch
from benchmarks.million import COLUMNS, lay_million
from benchmarks.million import SOUTH as MILLION_SOUTH
from benchmarks.million import STEP_DEGREES as MILLION_STEP
from benchmarks.million import WEST as MILLION_WEST
from benchmarks.patchwork import SCHEME, SIDE, SOUTH, STEP_DEGREES, WEST, lay_patchwork
from benchmarks.peer_process import Peer
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import seconds_until_shaped
from benchmarks.tile_addresses import Address, tiles_elsewhere, tiles_within
from benchmarks.tile_service import serving_tiles
from benchmarks.timing import Sample, alternate
from benchmarks.workbench import Workbench
from shanhai_tiles.grids import WEB_MERCATOR, Bounds

CELLS = int(environ.get("BENCH_CELLS", "1000000"))
ROUNDS = 3
AT_MOST, AT_MOST_SMALL = 8, 40
"""Tiles of a zoom in a round, and of those that take a millisecond or two each."""
SMALL = 11
"""From this zoom on they do."""
FULL = (7, 8, 9)
"""Zooms at which more regions lie in a tile than fit."""
ZOOMS = (7, 8, 9, 10, 11, 12, 13, 14)
PEER_ZOOMS = (10, 12, 14)
DEEPEST_OF_LOW = 8
TARGET = 0.9
"""Beside the bare query over a connection of asyncpg's, without HTTP."""
SHAPING_S = 120.0
"""For the simpler shapes of the many polygons."""
MOST_IN_TILE = 4_800
"""About as many regions as fill one of our tiles, by the number of their members."""
LOW_S = 0.2
"""What nineteen of twenty tiles of low zooms are to stay below."""
HEARD_S = 0.05
"""A change is heard of in a few milliseconds; until then the former tile would be right."""
WARM_ZOOM = 15

BARE_SQL = """
  SELECT ST_AsMVT(cut.*, 'zones', 4096, 'geom', 'fid') FROM (
    SELECT z.id AS fid, z.code, c.class_code AS class, c.color,
           coalesce(z.name_zh, c.name_zh) AS name_zh, coalesce(z.name_en, c.name_en) AS name_en,
           ST_AsMVTGeom(ST_Transform(z.geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 64, true)
             AS geom
      FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id JOIN zone_class c ON c.id = z.class_id
     WHERE s.status = 'published' AND s.deleted_at IS NULL AND z.deleted_at IS NULL
       AND z.geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 64.0 / 4096), 4490)
  ) AS cut WHERE geom IS NOT NULL"""
BARE_REGIONS_SQL = f"""
  SELECT ST_AsMVT(cut.*, 'regions', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, code, name_zh, name_en, level,
           ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 64, true)
             AS geom
      FROM region
     WHERE deleted_at IS NULL
       AND geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 64.0 / 4096), 4490)
     LIMIT {MOST_IN_TILE}
  ) AS cut WHERE geom IS NOT NULL"""  # noqa: S608
BARE_LARGEST_SQL = f"""
  SELECT ST_AsMVT(cut.*, 'regions', 4096, 'geom', 'fid') FROM (
    SELECT id AS fid, code, name_zh, name_en, level,
           ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope($1, $2, $3), 4096, 64, true)
             AS geom
      FROM (SELECT * FROM region
             WHERE deleted_at IS NULL
               AND geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => 64.0 / 4096), 4490)
             ORDER BY ST_Length(ST_BoundingDiagonal(geom)) DESC, id LIMIT {MOST_IN_TILE}) AS largest
  ) AS cut WHERE geom IS NOT NULL"""  # noqa: S608
"""Where more lie in a tile than fit, those that ours draws; the other takes the first it meets."""
# A published scheme in another state: every tile of the layer is another tile.
_TOUCH = "UPDATE zone_scheme SET row_version = row_version + 1 WHERE code = $1"
_WAITING = "SELECT count(*) FROM tile_pending"
SETUP = Setup(
    settings="tiles of 4096 units with the members they have by default, ours of regions also with "
    "their names as points; the bare query over asyncpg, without HTTP; tipg with shapes alone",
    warm="plans of statements, stored simpler shapes of low zooms (ours alone); no tile "
    "is asked for twice in one state",
    connections=(1, 1),
)

BARE = replace(SETUP, processes=(1, 0))


def run(bench: Workbench) -> Table:
    """Tiles of zones and of many polygons, never twice the same state."""
    title = f"zones of {SIDE * SIDE:,} polygons and regions of {CELLS:,}, uncached, one connection"
    table = Table("vector-tiles", title, "the other side", setup=SETUP)
    with asyncio.Runner() as loop:
        url = bench.stack.database_url
        loop.run(lay_patchwork(url))
        connection = loop.run(connect(url))
        loop.run(seconds_until_shaped(connection))
        table.rows += [_beside_bare(loop, bench, connection, zoom) for zoom in ZOOMS]
        loop.run(lay_million(url, CELLS))
        table.rows.append(_shaping(loop, connection))
        table.rows += _regions_beside_bare(loop, bench, connection)
        table.rows.append(_low_zooms(loop, bench))
        with serving_tipg_alone(url, bench.made("tile_peers")) as peer:
            table.rows += [_beside_tipg(loop, bench, peer, zoom) for zoom in PEER_ZOOMS]
        loop.run(connection.close())
    return table


def _beside_bare(loop: asyncio.Runner, bench: Workbench, connection: Connection, zoom: int) -> Row:
    bounds = (WEST, SOUTH, WEST + SIDE * STEP_DEGREES, SOUTH + SIDE * STEP_DEGREES)
    addresses = tiles_within(WEB_MERCATOR, bounds, (zoom,), AT_MOST)
    paths = [_path("zones", address) for address in addresses]

    def ours(number: int) -> float:
        loop.run(touch(connection))
        return loop.run(Load(bench.stack.tiles_url, paths).run())

    def floor(number: int) -> float:
        return loop.run(_query_all(connection, BARE_SQL, addresses))

    samples = alternate(ours, floor, rounds=ROUNDS)
    facts = {"tiles/s": 1 / samples[0].median}
    what = f"zones, zoom {zoom}, bare ST_AsMVT"
    return Row(what, *samples, target=TARGET, facts=facts, setup=BARE)


async def touch(connection: Connection) -> None:
    """Give the zones another state, so that nobody has a tile of it."""
    await connection.execute(_TOUCH, SCHEME)
    await asyncio.sleep(HEARD_S)


async def _query_all(connection: Connection, query: str, addresses: Sequence[Address]) -> float:
    started = time.perf_counter()
    for address in addresses:
        await connection.fetchval(query, *address)
    return (time.perf_counter() - started) / len(addresses)


def _regions_beside_bare(
    loop: asyncio.Runner, bench: Workbench, connection: Connection
) -> list[Row]:
    """Rows for each zoom; each round has a tile service of its own, so nobody has drawn any."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(ROUNDS + 1):
        with serving_tiles(bench, 1) as base_url:
            for address in tiles_elsewhere(ZOOMS):
                loop.run(fetch(base_url, _path("regions", address)))
            for zoom in (WARM_ZOOM, *ZOOMS):
                most = AT_MOST if zoom < SMALL else AT_MOST_SMALL
                every = tiles_within(WEB_MERCATOR, _bounds(), (zoom,), most * (ROUNDS + 1))
                addresses = every[number :: ROUNDS + 1] or every
                paths = [_path("regions", address) for address in addresses]
                ours = loop.run(Load(base_url, paths).run())
                for what, query in _floors(zoom).items():
                    floor = loop.run(_query_all(connection, query, addresses))
                    if number:
                        found.setdefault(what, []).append((ours, floor))
    return [
        Row(
            what,
            *(Sample(side) for side in zip(*rounds, strict=True)),
            target=TARGET,
            facts={"tiles/s": 1 / min(ours for ours, _ in rounds)},
            setup=BARE,
        )
        for what, rounds in found.items()
    ]


def _floors(zoom: int) -> dict[str, str]:
    """What to call a row, and the bare query beside it; none of the zoom that only warms up."""
    what = f"regions, zoom {zoom}, bare ST_AsMVT"
    floors = {what: BARE_REGIONS_SQL} if zoom in ZOOMS else {}
    if zoom in FULL:
        floors[f"{what} of the largest"] = BARE_LARGEST_SQL
    return floors


def _shaping(loop: asyncio.Runner, connection: Connection) -> Row:
    """How long the worker takes to make them, beside what a million may take."""
    waiting = loop.run(connection.fetchval(_WAITING))
    seconds = loop.run(seconds_until_shaped(connection))
    facts = {"objects/s": waiting / max(seconds, 1e-3), "former s": 460.0}
    what = f"their simpler shapes, {SHAPING_S:.0f} s for a million"
    bound = Sample((SHAPING_S * CELLS / 1e6,))
    return Row(what, Sample((seconds,)), bound, target=1.0, facts=facts)


def _low_zooms(loop: asyncio.Runner, bench: Workbench) -> Row:
    """Every tile once; the slowest but one in twenty."""
    zooms = range(DEEPEST_OF_LOW + 1)
    addresses = tiles_within(WEB_MERCATOR, _bounds(), tuple(zooms), 10_000)
    found = [loop.run(_ask(bench.stack.tiles_url, address)) for address in addresses]
    seconds = sorted(one for one, _ in found)
    slow = seconds[int(0.95 * (len(seconds) - 1))]
    largest = max(size for _, size in found)
    facts = {"tiles": len(found), "largest kB": largest / 1e3, "slowest ms": 1e3 * seconds[-1]}
    what = f"regions, zooms 0 to {DEEPEST_OF_LOW}, 95th percentile, {1e3 * LOW_S:.0f} ms"
    return Row(what, Sample((slow,)), Sample((LOW_S,)), target=1.0, facts=facts)


async def _ask(base_url: str, address: Address) -> tuple[float, int]:
    started = time.perf_counter()
    _, body = await fetch(base_url, _path("regions", address))
    return time.perf_counter() - started, len(body)


def _beside_tipg(loop: asyncio.Runner, bench: Workbench, peer: Peer, zoom: int) -> Row:
    """Other tiles in each round, so that nobody has any."""
    every = tiles_within(WEB_MERCATOR, _bounds(), (zoom,), AT_MOST * 2 * (ROUNDS + 1))
    parts = [every[start :: ROUNDS + 1] for start in range(ROUNDS + 1)]

    def ours(number: int) -> float:
        paths = [_path("regions", address) for address in parts[number]]
        return loop.run(Load(bench.stack.tiles_url, paths).run())

    def theirs(number: int) -> float:
        paths = [peer.tile(*address) for address in parts[number]]
        return loop.run(Load(peer.base_url, paths).run())

    samples = alternate(ours, theirs, rounds=ROUNDS)
    facts = {"tiles/s": 1 / samples[0].median}
    return Row(f"regions, zoom {zoom}, tipg", *samples, target=1.0, facts=facts)


def _bounds() -> Bounds:
    """Where the many polygons are, a little inside, so that every tile has some."""
    height = MILLION_STEP * (CELLS // COLUMNS)
    inset = 2 * MILLION_STEP
    return (
        MILLION_WEST + inset,
        MILLION_SOUTH + inset,
        MILLION_WEST + MILLION_STEP * COLUMNS - inset,
        MILLION_SOUTH + height - inset,
    )


def _path(layer: str, address: Address) -> str:
    zoom, column, row = address
    return f"/layers/{layer}/tiles/{WEB_MERCATOR.id}/{zoom}/{column}/{row}.mvt"
