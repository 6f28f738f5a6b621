"""Uncached raster tiles over HTTP beside titiler.core and MapServer, on the same files.

`BENCH_TILES` in the environment: how many tiles of each zoom a round asks for, 8 without it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from os import environ

from benchmarks.http_load import Load
from benchmarks.raster_rows import add_rasters, code_of
from benchmarks.rasters import ALIGNED, GAUSS_KRUGER, frames, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.tile_addresses import Address, tiles_within
from benchmarks.tile_peers import TilePeer, left_out, serving_tile_peers
from benchmarks.tile_service import serving_tiles
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai_tiles.grids import WEB_MERCATOR, TileGrid
from shanhai_tiles.raster.resampling import RasterFrame

ROUNDS = 3
WORKERS = (1, 2)
CONNECTIONS = (1, 16)
ZOOMS = (9, 10, 11, 12, 13, 14)
AT_MOST = int(environ.get("BENCH_TILES", "8"))
TARGETS = {
    ("titiler.core", ALIGNED): 17.0,
    ("titiler.core", GAUSS_KRUGER): 57.0,
    ("MapServer", ALIGNED): 1.7,
    ("MapServer", GAUSS_KRUGER): 1.7,
}
"""The least that was measured when they were set."""
INSIDE_DEGREES = 0.05
"""A little inside, so that every tile shows some of the raster: titiler refuses others."""
WARMING = 4
"""Rounds over many connections before a file is measured, so that each process has seen it."""
STEP = 1e-6
"""Between the ends of the ramps of two rounds, so that no tile of one is kept for the other."""
SETUP = Setup(
    settings="tiles of 256 pixels as PNG of a float32 COG with a range and a ramp",
    warm="open files, their directories and unpacked blocks, on all sides; every tile is "
    "drawn anew",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Two files, one and two processes, one and sixteen connections, each beside each peer."""
    folder, stack = bench.made("rasters"), bench.stack
    statistics = write_rasters(folder)
    title = f"256 px PNG, WebMercatorQuad, zooms {ZOOMS[0]}-{ZOOMS[-1]}, uncached{left_out()}"
    table = Table("raster-tiles", title, "titiler.core or MapServer", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(add_rasters(stack, folder, statistics, range(1)))
        fresh = count()
        for workers in WORKERS:
            with (
                serving_tile_peers(folder, workers) as peers,
                serving_tiles(bench, workers) as ours,
            ):
                for name in statistics:
                    Loads(loop, ours, name, max(CONNECTIONS)).warm(peers, fresh)
                    for connections in CONNECTIONS:
                        arrangement = f"{name}, {workers} workers, {connections} connections"
                        loads = Loads(loop, ours, name, connections)
                        both = replace(
                            SETUP,
                            connections=(connections, connections),
                            processes=(workers, workers),
                        )
                        table.rows += [
                            replace(loads.beside(peer, arrangement, fresh), setup=both)
                            for peer in peers
                        ]
    return table


class Loads:
    """The same tiles of one file from both sides."""

    def __init__(self, loop: asyncio.Runner, ours: str, name: str, connections: int) -> None:
        self.loop = loop
        self.ours = ours
        self.name = name
        self.connections = connections
        self.addresses = addresses_over(name)

    def warm(self, peers: Sequence[TilePeer], fresh: Iterator[int]) -> None:
        """Let every process of every side read the file."""
        for _ in range(WARMING):
            self._load(self.ours, _paths(self.name, next(fresh), self.addresses))
            for peer in peers:
                self._load(peer.base_url, peer.paths(self.name, self.addresses))

    def beside(self, peer: TilePeer, arrangement: str, fresh: Iterator[int]) -> Row:
        """Our tiles, with a ramp nobody has asked for, and the peer's."""

        def ours(_: int) -> float:
            return self._load(self.ours, _paths(self.name, next(fresh), self.addresses))

        def theirs(_: int) -> float:
            return self._load(peer.base_url, peer.paths(self.name, self.addresses))

        mine, other = alternate(ours, theirs, rounds=ROUNDS)
        facts = {"tiles/s": 1 / mine.median, "peer's": 1 / other.median}
        target = TARGETS[peer.name, self.name]
        return Row(f"{arrangement}, {peer.name}", mine, other, target=target, facts=facts)

    def _load(self, base_url: str, paths: list[str]) -> float:
        return self.loop.run(Load(base_url, paths, self.connections).run())


def addresses_over(name: str, grid: TileGrid = WEB_MERCATOR) -> list[Address]:
    """Tiles of a grid over a file, some of each zoom."""
    frame = frames()[name]
    lies = RasterFrame(frame.crs, frame.transform, frame.width, frame.height)
    west, south, east, north = lies.lonlat_bounds
    edge = INSIDE_DEGREES
    inside = (west + edge, south + edge, east - edge, north - edge)
    levels = [grid.level_like(zoom) for zoom in ZOOMS]
    return tiles_within(grid, inside, levels, AT_MOST)


def _paths(name: str, number: int, addresses: list[Address]) -> list[str]:
    """The addresses of one round: each round has a ramp of its own."""
    layer, high = f"dataset.{code_of(name, 0)}", 1 + number * STEP
    return [
        f"/layers/{layer}/tiles/WebMercatorQuad/{z}/{x}/{y}.png"
        f"?rescale=-1,{high:.6f}&colormap=viridis"
        for z, x, y in addresses
    ]
