"""Tiles that were drawn before: beside MapProxy with a full cache, and nginx serving files.

`BENCH_KEPT` in the environment: how many requests a round makes, 2000 without it.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from os import environ
from pathlib import Path

from benchmarks.http_load import Load, fetch
from benchmarks.mapproxy_peer import mapproxy_path, serving_mapproxy
from benchmarks.rasters import ALIGNED, frames, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.tile_addresses import Address, tiles_within
from benchmarks.tile_service import serving_tiles
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai.raster.cog import BandStatistics
from shanhai.storage.artifacts import LocalArtifacts
from shanhai_tiles.grids import WEB_MERCATOR
from shanhai_tiles.raster.resampling import RasterFrame
from tests.support.job_rows import add_dataset, add_region, open_sessions
from tests.support.nginx import ABSENT, CONFIGURATION, nginx_program, serving_nginx

ROUNDS = 3
WARMING = 12
"""How often each tile is asked for first: a connection meets one of the processes."""
WORKERS = (1, 2)
CONNECTIONS = (1, 16)
ZOOMS = (10, 11, 12, 13)
AT_MOST = 16
REQUESTS = int(environ.get("BENCH_KEPT", "2000"))
LAYER = "dataset.kept"
MAPPROXY_TARGET, FILES_TARGET = 1.0, 0.8
# The same server, with files in the place of the service: nothing else differs.
PASSED_ON = "location /tiles/ {"
FILES = "location /files/ { alias files/; default_type image/png; }\n        location /tiles/ {"

Headers = dict[str, dict[str, str]]
SETUP = Setup(
    settings="tiles of 256 pixels as PNG; MapProxy under gunicorn with 16 threads a process",
    warm="the tiles themselves, on both sides",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Our processes beside MapProxy's, then nginx before ours beside nginx with files."""
    folder, stack = bench.made("kept"), bench.stack
    table = Table(
        "cached-tiles", "256 px PNG, drawn before", "MapProxy, or nginx with files", setup=SETUP
    )
    with asyncio.Runner() as loop:
        loop.run(_register(bench, folder, write_rasters(folder)[ALIGNED]))
        version = loop.run(_version_of(stack.tiles_url))
        side = Side(loop, version)
        for workers in WORKERS:
            with serving_tiles(bench, workers) as ours:
                template = f"{ours}/layers/{LAYER}/tiles/WebMercatorQuad/%(z)s/%(x)s/%(y)s.png"
                with serving_mapproxy(folder / "mapproxy", template, workers) as peer:
                    rows = side.beside_mapproxy(ours, peer, f"{workers} workers")
                    table.rows += [
                        replace(
                            row, setup=replace(row.setup or SETUP, processes=(workers, workers))
                        )
                        for row in rows
                    ]
        if nginx_program() is None:
            print(f"nginx is left out: {ABSENT}")
        else:
            table.rows += side.beside_files(bench)
    return table


class Side:
    """The loads of one run, over the same tiles."""

    def __init__(self, loop: asyncio.Runner, version: str) -> None:
        self.loop = loop
        self.version = version
        self.addresses = _addresses()

    def beside_mapproxy(self, ours: str, peer: str, what: str) -> list[Row]:
        """Whole answers and 304s, over one connection and over many."""
        mine = [_our_path(one) for one in self.addresses]
        theirs = [mapproxy_path(one) for one in self.addresses]
        mine_tags, their_tags = self._tags(ours, mine), self._tags(peer, theirs)
        rows = []
        for connections in CONNECTIONS:
            arrangement = f"{what}, {connections} connections"
            whole = self._row(
                f"{arrangement}, whole", (ours, mine, {}), (peer, theirs, {}), connections
            )
            unchanged = self._row(
                f"{arrangement}, 304",
                (ours, mine, mine_tags),
                (peer, theirs, their_tags),
                connections,
            )
            rows += [whole, unchanged]
        return rows

    def beside_files(self, bench: Workbench) -> list[Row]:
        """Versioned tiles from the cache of nginx, and the same bytes from files."""
        mine = [f"/tiles{_our_path(one)}?v={self.version}" for one in self.addresses]
        configuration = CONFIGURATION.read_text("utf-8")
        changed = configuration.replace(PASSED_ON, FILES)
        place, tiles = bench.made("nginx"), bench.stack.tiles_url
        kept = bench.made("nginx/files")
        with serving_nginx(place, api=tiles, tiles=tiles, configuration=changed) as proxy:
            theirs = []
            for number, path in enumerate(mine):
                (kept / f"{number}.png").write_bytes(self.loop.run(fetch(proxy.url, path))[1])
                theirs.append(f"/files/{number}.png")
            return [
                self._row(
                    f"nginx, {connections} connections",
                    (proxy.url, mine, {}),
                    (proxy.url, theirs, {}),
                    connections,
                    target=FILES_TARGET,
                )
                for connections in CONNECTIONS
            ]

    def _tags(self, base_url: str, paths: Sequence[str]) -> Headers:
        """What each tile is asked for with by who has it, once every process has drawn it."""
        self.loop.run(Load(base_url, [*paths] * WARMING, max(CONNECTIONS)).run())
        answers = [self.loop.run(fetch(base_url, path))[0] for path in paths]
        return {
            path: {"If-None-Match": answer["etag"]}
            for path, answer in zip(paths, answers, strict=True)
        }

    def _row(
        self,
        what: str,
        ours: tuple[str, Sequence[str], Headers],
        theirs: tuple[str, Sequence[str], Headers],
        connections: int,
        target: float = MAPPROXY_TARGET,
    ) -> Row:
        # nginx asks about each tile once a second, so its rounds must not be too short.
        rounds = 4 if target == FILES_TARGET else 1
        mine, other = (self._load(*side, connections, rounds) for side in (ours, theirs))
        samples = alternate(
            lambda _: self.loop.run(mine.run()),
            lambda _: self.loop.run(other.run()),
            rounds=ROUNDS,
        )
        facts = {"tiles/s": 1 / samples[0].median, "peer's": 1 / samples[1].median}
        setup = replace(SETUP, connections=(connections, connections))
        return Row(what, *samples, target=target, facts=facts, setup=setup)

    def _load(
        self, base_url: str, paths: Sequence[str], headers: Headers, connections: int, rounds: int
    ) -> Load:
        repeated = [paths[number % len(paths)] for number in range(REQUESTS * rounds)]
        expected = (304,) if headers else (200,)
        return Load(base_url, repeated, connections, headers, expected=expected)


def _addresses() -> list[Address]:
    frame = frames()[ALIGNED]
    lies = RasterFrame(frame.crs, frame.transform, frame.width, frame.height)
    return tiles_within(WEB_MERCATOR, lies.lonlat_bounds, ZOOMS, AT_MOST)


def _our_path(address: Address) -> str:
    zoom, column, row = address
    return f"/layers/{LAYER}/tiles/WebMercatorQuad/{zoom}/{column}/{row}.png"


async def _version_of(base_url: str) -> str:
    _, body = await fetch(base_url, f"/layers/{LAYER}")
    return body.decode().partition('"version":"')[2].partition('"')[0]


async def _register(bench: Workbench, folder: Path, numbers: BandStatistics) -> None:
    store, frame = LocalArtifacts(bench.stack.home.artifacts), frames()[ALIGNED]
    stored = store.put(folder / f"{ALIGNED}.tif", suffix=".tif")
    code = LAYER.removeprefix("dataset.")
    grid = {
        "epsg": 3857,
        "transform": list(frame.transform),
        "width": frame.width,
        "height": frame.height,
        "bands": 1,
        "statistics": [numbers.document()],
    }
    url = bench.stack.database_url
    async with open_sessions(url) as sessions, sessions.begin() as session:
        region = await add_region(session, "kept")
        checksum = hashlib.sha256(code.encode()).hexdigest()
        await add_dataset(
            session, region, "npp", code, uri=stored.uri, checksum=checksum, grid=grid
        )
