"""Raster tiles over HTTP: uncached beside rio-tiler, cached and unchanged beside kept bytes."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.http_load import Load, fetch
from benchmarks.peer import serving_peer
from benchmarks.rasters import GRID, write_rasters
from benchmarks.report import Row, Table
from benchmarks.tile_addresses import tiles_within
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai.db.tables import Region
from shanhai.raster.statistics import BandStatistics
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.testing.job_rows import add_dataset, add_region, open_sessions
from shanhai_tiles.grids import GRIDS
from shanhai_tiles.sampling import Frame

ROUNDS = 3
CONNECTIONS = 4
ZOOMS = (9, 10, 11, 12, 13, 14)
AT_MOST = 4
KEPT_REQUESTS = 300
TARGET = 8.0
SETS = ("WebMercatorQuad", "CGCS2000Quad")


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of both sides."""

    ours: str
    peer: str


def run(bench: Workbench) -> Table:
    """Two kinds of layer in two grids, then what a cache and an entity tag save."""
    folder = bench.made("rasters")
    statistics = write_rasters(folder)
    title = f"256 px PNG, zooms {ZOOMS[0]}-{ZOOMS[-1]}, {CONNECTIONS} connections, one process"
    table = Table("raster-tiles", title, "rio-tiler, or kept bytes")
    with asyncio.Runner() as loop, serving_peer(folder) as peer:
        servers = Servers(bench.stack.tiles_url, peer)
        loop.run(_register(bench, folder, statistics))
        table.rows = [_draw(loop, servers, theme, tms) for theme in statistics for tms in SETS]
        table.rows += [_cached(loop, servers), _unchanged(loop, servers)]
    return table


def _draw(loop: asyncio.Runner, servers: Servers, theme: str, tms: str) -> Row:
    addresses = _addresses(tms)

    def ours(number: int) -> float:
        return loop.run(Load(servers.ours, _paths(theme, tms, number), CONNECTIONS).run())

    def floor(number: int) -> float:
        paths = [f"/{theme}/{tms}/{z}/{x}/{y}.png" for z, x, y in addresses]
        return loop.run(Load(servers.peer, paths, CONNECTIONS).run())

    samples = alternate(ours, floor, rounds=ROUNDS)
    facts = {"tiles/s": 1 / samples[0].median}
    return Row(f"uncached {theme}, {tms}", *samples, target=TARGET, facts=facts)


def _cached(loop: asyncio.Runner, servers: Servers) -> Row:
    paths = _repeated(_paths("ratio", SETS[0], 1))
    return _beside_kept(loop, servers, "cached", Load(servers.ours, paths, CONNECTIONS))


def _unchanged(loop: asyncio.Runner, servers: Servers) -> Row:
    paths = _paths("ratio", SETS[0], 1)
    answers = [loop.run(fetch(servers.ours, path))[0] for path in paths]
    headers = {
        path: {"If-None-Match": answer["etag"]} for path, answer in zip(paths, answers, strict=True)
    }
    load = Load(servers.ours, _repeated(paths), CONNECTIONS, headers, expected=304)
    return _beside_kept(loop, servers, "unchanged (304)", load)


def _beside_kept(loop: asyncio.Runner, servers: Servers, what: str, load: Load) -> Row:
    kept = Load(servers.peer, ["/kept"] * KEPT_REQUESTS, CONNECTIONS)
    samples = alternate(
        lambda number: loop.run(load.run()), lambda number: loop.run(kept.run()), rounds=ROUNDS
    )
    return Row(what, *samples, facts={"tiles/s": 1 / samples[0].median})


def _addresses(tms: str) -> list[tuple[int, int, int]]:
    frame = Frame(f"EPSG:{GRID.epsg}", GRID.transform, GRID.width, GRID.height)
    west, south, east, north = frame.lonlat_bounds
    # A little inside, so that every tile shows some of the raster: rio-tiler refuses others.
    inside = (west + 0.05, south + 0.05, east - 0.05, north - 0.05)
    return tiles_within(GRIDS[tms], inside, ZOOMS, AT_MOST)


def _paths(theme: str, tms: str, number: int) -> list[str]:
    """The addresses of one round: each round has a layer of its own, which nobody has asked for."""
    layer = f"dataset.{_code(theme, number)}"
    return [f"/layers/{layer}/tiles/{tms}/{z}/{x}/{y}.png" for z, x, y in _addresses(tms)]


def _repeated(paths: Sequence[str]) -> list[str]:
    return [paths[number % len(paths)] for number in range(KEPT_REQUESTS)]


def _code(theme: str, number: int) -> str:
    return f"{theme}-{number}"


async def _register(bench: Workbench, folder: Path, statistics: dict[str, BandStatistics]) -> None:
    """Make every raster as many datasets as there are rounds, all of the same file."""
    store = LocalArtifacts(bench.stack.home.artifacts)
    url = bench.stack.database_url
    async with open_sessions(url) as sessions, sessions.begin() as session:
        region = await add_region(session, "tiles")
        for theme, numbers in statistics.items():
            uri = store.put(folder / f"{theme}.tif", suffix=".tif").uri
            for number in range(ROUNDS + 1):
                await _add(session, region, theme, number, uri, numbers)


async def _add(
    session: AsyncSession,
    region: Region,
    theme: str,
    number: int,
    uri: str,
    numbers: BandStatistics,
) -> None:
    grid = {
        "epsg": GRID.epsg,
        "transform": list(GRID.transform),
        "width": GRID.width,
        "height": GRID.height,
        "bands": 1,
        "statistics": [numbers.document()],
    }
    checksum = hashlib.sha256(_code(theme, number).encode()).hexdigest()
    await add_dataset(
        session, region, theme, _code(theme, number), uri=uri, checksum=checksum, grid=grid
    )
