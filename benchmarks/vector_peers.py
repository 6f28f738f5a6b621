"""Vector tiles of one table at every zoom beside other servers, all uncached.

Everybody draws the table of regions with its code, names and level. A round has a tile service of
its own, so nobody has drawn any tile before; each server has drawn tiles elsewhere, so connections,
plans and code are warm, and so are PostgreSQL's pages after the first round, which is not counted.
They are tipg, martin, pg_tileserv and MapServer, as far as they can be had here, all told to draw
no more features than fill one of our tiles. Where ours is empty, since each region is smaller than
a pixel, and theirs are not, nothing is asked of the ratio.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.compiled_peers import (
    MARTIN,
    PG_TILESERV,
    missing_peers,
    serving_martin,
    serving_pg_tileserv,
)
from benchmarks.feature_peers import serving_tipg_alone
from benchmarks.http_load import Load, fetch
from benchmarks.mapserver_peer import missing_programs, serving_fcgi
from benchmarks.million import COLUMNS, SOUTH, STEP_DEGREES, WEST, lay_million
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.tile_addresses import Address, tiles_elsewhere, tiles_within
from benchmarks.tile_service import serving_tiles
from benchmarks.timing import Sample
from benchmarks.vector_tiles import MOST_IN_TILE, SMALL
from benchmarks.workbench import Workbench
from shanhai_tiles.grids import WEB_MERCATOR, Bounds

CELLS = int(environ.get("BENCH_CELLS", "1000000"))
ROUNDS = 3
AT_MOST, AT_MOST_SMALL = 6, 30
"""Tiles of a zoom in a round, and of the small ones."""
ZOOMS = range(15)
ANSWERS = (200, 204)
"""204: nothing of the table shows at that zoom."""
MEMBERS = "code,name_zh,name_en,level"
OURS = "Shanhai"
WARM_BOX = (WEST + 1.0, SOUTH + 1.0, WEST + 1.1, SOUTH + 1.1)
WARM_ZOOM = 15
MAP = """\
MAP
  NAME "peer"
  EXTENT -20037508 -20037508 20037508 20037508
  PROJECTION "init=epsg:3857" END
  OUTPUTFORMAT NAME "mvt" DRIVER "MVT" FORMATOPTION "EXTENT=4096" FORMATOPTION "EDGE_BUFFER=10" END
  LAYER
    NAME "region"
    TYPE POLYGON
    STATUS ON
    CONNECTIONTYPE POSTGIS
    CONNECTION "host={host} port={port} dbname={name} user={user} password={password}"
    DATA "geom FROM region USING UNIQUE id USING SRID=4490"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    EXTENT -180 -90 180 90
    MAXFEATURES {most}
    PROJECTION "init=epsg:4490" END
    METADATA "gml_include_items" "{members}" END
  END
END
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of tiles, and the path of one."""

    name: str
    base_url: str
    path: Callable[[Address], str]


SETUP = Setup(
    settings=f"code, names and level of each region on all sides, ours also with their names as "
    f"points; at most {MOST_IN_TILE:,} features a tile on all sides, each with its own buffer",
    warm="plans of statements, stored simpler shapes of low zooms (ours alone); ours a "
    "service of its own each round, peers keep no tile",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """A row for each peer and zoom."""
    missing = [*missing_peers(MARTIN, PG_TILESERV), *(["MapServer"] if missing_programs() else [])]
    left_out = f"; without {', '.join(missing)}" if missing else ""
    title = f"regions of {CELLS:,} polygons, vector tiles, uncached, one connection{left_out}"
    table = Table("vector-peers", title, "the peer", setup=SETUP)
    url = bench.stack.database_url
    with asyncio.Runner() as loop, ExitStack() as at_end:
        loop.run(lay_million(url, CELLS))
        loop.run(wait_for_shapes(url))
        peers = [at_end.enter_context(one) for one in _peers(url, bench.made("vector_peers"))]
        found: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
        for number in range(ROUNDS + 1):
            with serving_tiles(bench, 1) as base_url:
                servers = [Server(OURS, base_url, _our_path), *peers]
                for server in servers:
                    loop.run(_warm(server))
                for zoom in ZOOMS:
                    for name, measured in _measure(loop, servers, zoom, number).items():
                        found[name, zoom].append(measured)
    for peer in peers:
        for zoom in ZOOMS:
            table.rows.append(_row(peer.name, zoom, found))
    return table


def _measure(
    loop: asyncio.Runner, servers: list[Server], zoom: int, number: int
) -> dict[str, tuple[float, float]]:
    """Seconds and bytes of a tile by server; other tiles in each round where there are enough."""
    most = AT_MOST if zoom < SMALL else AT_MOST_SMALL
    every = tiles_within(WEB_MERCATOR, _bounds(), (zoom,), most * (ROUNDS + 1))
    enough = len(every) >= most * (ROUNDS + 1)
    addresses = every[number :: ROUNDS + 1] if enough else every[:most]
    found = {}
    for server in servers:
        paths = [server.path(address) for address in addresses]
        seconds = loop.run(Load(server.base_url, paths, expected=ANSWERS).run())
        _, body = loop.run(fetch(server.base_url, paths[0]))
        found[server.name] = seconds, float(len(body))
    return found


def _row(peer: str, zoom: int, found: dict[tuple[str, int], list[tuple[float, float]]]) -> Row:
    ours, theirs = found[OURS, zoom][1:], found[peer, zoom][1:]
    drawn = any(size for _, size in ours)
    return Row(
        f"zoom {zoom}, {peer}" if drawn else f"zoom {zoom}, {peer}; ours is empty",
        Sample(tuple(seconds for seconds, _ in ours)),
        Sample(tuple(seconds for seconds, _ in theirs)),
        target=1.0 if drawn else None,
        facts={"kB": ours[-1][1] / 1e3, "peer's kB": theirs[-1][1] / 1e3},
    )


async def _warm(server: Server) -> None:
    warm = tiles_within(WEB_MERCATOR, WARM_BOX, (WARM_ZOOM,), 20)
    for address in (*warm, *tiles_elsewhere(ZOOMS)):
        await fetch(server.base_url, server.path(address))


def _bounds() -> Bounds:
    """Where the polygons are, a little inside, so that every tile has some."""
    inset = 2 * STEP_DEGREES
    return (
        WEST + inset,
        SOUTH + inset,
        WEST + STEP_DEGREES * COLUMNS - inset,
        SOUTH + STEP_DEGREES * (CELLS // COLUMNS) - inset,
    )


def _our_path(address: Address) -> str:
    zoom, column, row = address
    return f"/layers/regions/tiles/{WEB_MERCATOR.id}/{zoom}/{column}/{row}.mvt?properties={MEMBERS}"


def _peers(database_url: str, folder: Path) -> Iterator[AbstractContextManager[Server]]:
    yield _serving_tipg(database_url, folder)
    if not missing_peers(MARTIN):
        yield _serving_martin(database_url, folder)
    if not missing_peers(PG_TILESERV):
        yield _serving_pg_tileserv(database_url, folder)
    if not missing_programs():
        yield _serving_mapserver(database_url, folder)


@contextmanager
def _serving_tipg(database_url: str, folder: Path) -> Iterator[Server]:
    with serving_tipg_alone(database_url, folder, MOST_IN_TILE) as peer:
        yield Server(
            "tipg", peer.base_url, lambda address: f"{peer.tile(*address)}?properties={MEMBERS}"
        )


@contextmanager
def _serving_martin(database_url: str, folder: Path) -> Iterator[Server]:
    with serving_martin(database_url, folder, MEMBERS, MOST_IN_TILE) as base_url:
        yield Server(MARTIN, base_url, lambda address: "/region/{}/{}/{}".format(*address))


@contextmanager
def _serving_pg_tileserv(database_url: str, folder: Path) -> Iterator[Server]:
    with serving_pg_tileserv(database_url, folder, MOST_IN_TILE) as base_url:
        yield Server(PG_TILESERV, base_url, _pg_tileserv_path)


def _pg_tileserv_path(address: Address) -> str:
    zoom, column, row = address
    return f"/public.region/{zoom}/{column}/{row}.pbf?properties={MEMBERS}"


@contextmanager
def _serving_mapserver(database_url: str, folder: Path) -> Iterator[Server]:
    parts = urlsplit(database_url)
    (folder / "vector.map").write_text(
        MAP.format(
            host=parts.hostname,
            port=parts.port,
            name=parts.path[1:],
            user=parts.username,
            password=parts.password,
            members=MEMBERS,
            most=MOST_IN_TILE,
        )
    )
    config = f'CONFIG\n  MAPS\n    PEER "{folder / "vector.map"}"\n  END\nEND\n'
    with serving_fcgi(folder, config, 1) as base_url:
        yield Server("MapServer", base_url, _mapserver_path)


def _mapserver_path(address: Address) -> str:
    zoom, column, row = address
    return (
        "/?map=PEER&mode=tile&tilemode=gmap&layers=region&map.imagetype=mvt"
        f"&tile={column}+{row}+{zoom}"
    )
