"""Uncached raster tiles in other conditions than `raster_tiles` has, beside the same peers.

A file that nobody has read; sixteen layers in turn; grids of CGCS2000; pictures with a palette on
both sides, and values; and a raster four times the room for unpacked blocks, beside ourselves with
room for all of it. A cold file is a copy that no process has opened and whose pages the system was
told to drop, so that its blocks come from the disk.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, zip_longest
from pathlib import Path

import numpy as np

from benchmarks.http_load import Load
from benchmarks.raster_rows import FIRST_COPY, add_copies, add_rasters, code_of
from benchmarks.raster_tiles import ROUNDS, SETUP, STEP, addresses_over
from benchmarks.rasters import ALIGNED, CORNER, GAUSS_KRUGER, LEVEL, write_rasters
from benchmarks.report import Row, Setup, Table
from benchmarks.tile_addresses import Address
from benchmarks.tile_peers import TilePeer, left_out, serving_tile_peers
from benchmarks.tile_service import serving_tiles
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai_tiles.grids import CGCS2000_QUAD, WEB_MERCATOR, TileGrid
from shanhai_tiles.grids import GAUSS_KRUGER as ZONES

LAYERS = 16
COLD = {"titiler.core": 10.0, "MapServer": 2.5}
WARM = {"titiler.core": 8.0, "MapServer": 1.0}
SIDE = 16
"""Tiles of `LEVEL` along a side of the aligned raster; four of them share a block."""
VIEW = (4, 3)
VIEWS = 12
SMALL_MB = 16
"""A quarter of the blocks of the aligned raster's own cells."""
NO_LOSS = 0.5
"""Half as fast as with room for all of it."""
CGCS2000_GRIDS = {4490: CGCS2000_QUAD, 4548: ZONES[117]}
Paths = Callable[[int], list[str]]


def run(bench: Workbench) -> Table:
    """Each condition beside each peer; blocks that do not fit beside blocks that do."""
    folder = bench.made("rasters")
    statistics = write_rasters(folder)
    title = f"256 px, one process on both sides, uncached{left_out()}"
    table = Table("raster-conditions", title, "the other side", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(add_rasters(bench.stack, folder, statistics, range(1)))
        copies = loop.run(add_copies(bench.stack, folder, ALIGNED, statistics[ALIGNED], LAYERS))
        with serving_tile_peers(folder, 1) as peers, serving_tiles(bench, 1) as ours:
            sides = Sides(loop, ours, count())
            table.rows += [sides.cold(peer, n, copies) for n, peer in enumerate(peers)]
            table.rows += [sides.layers(peer) for peer in peers]
            for epsg, grid in CGCS2000_GRIDS.items():
                table.rows += [sides.grid(peer, grid, epsg) for peer in peers]
            table.rows += [row for peer in peers for row in sides.formats(peer)]
        table.rows += list(_short_of_room(loop, bench))
    return table


class Sides:
    """Our service and peers, asked for the same tiles over one connection."""

    def __init__(self, loop: asyncio.Runner, ours: str, fresh: Iterator[int]) -> None:
        self.loop = loop
        self.ours = ours
        self.fresh = fresh

    def cold(self, peer: TilePeer, place: int, copies: Sequence[Path]) -> Row:
        """Copies nobody has opened, another in each round."""
        first = FIRST_COPY + place * (ROUNDS + 1)
        tiles = addresses_over(ALIGNED)

        def ours(number: int) -> list[str]:
            _forget(copies[first + number - FIRST_COPY])
            return self.our_paths(ALIGNED, first + number, tiles)

        def theirs(number: int) -> list[str]:
            _forget(copies[first + number - FIRST_COPY])
            return peer.paths(code_of(ALIGNED, first + number), tiles)

        setup = replace(SETUP, warm="processes and code; of the file nothing")
        return self._row("cold file", peer, ours, theirs, COLD[peer.name], setup)

    def layers(self, peer: TilePeer) -> Row:
        """Tiles of many files, one after another."""
        tiles = addresses_over(ALIGNED)

        def ours(_: int) -> list[str]:
            return _in_turn(tiles, partial(self.our_paths, ALIGNED))

        def theirs(_: int) -> list[str]:
            return _in_turn(tiles, lambda n, share: peer.paths(code_of(ALIGNED, n), share))

        return self._row(f"{LAYERS} layers in turn", peer, ours, theirs, WARM[peer.name], SETUP)

    def grid(self, peer: TilePeer, grid: TileGrid, epsg: int) -> Row:
        """Tiles of a grid of ours; peers are asked for their boxes in its system."""
        tiles = addresses_over(GAUSS_KRUGER, grid)
        boxes = [grid.bounds(*tile) for tile in tiles]

        def ours(_: int) -> list[str]:
            return self.our_paths(GAUSS_KRUGER, 0, tiles, grid)

        def theirs(_: int) -> list[str]:
            return peer.pictures(GAUSS_KRUGER, boxes, epsg)

        return self._row(f"grid {grid.id}", peer, ours, theirs, WARM[peer.name], SETUP)

    def formats(self, peer: TilePeer) -> Iterator[Row]:
        """Where both sides write the same: a picture with a palette, or values."""
        tiles = addresses_over(ALIGNED)
        for suffix, told, address in (
            ("png", "PNG with a palette on both sides", peer.paletted),
            ("npy", "values as NumPy", peer.values),
        ):
            if address:
                ours = partial(self.our_paths, ALIGNED, 0, tiles, suffix=suffix)
                theirs = peer.at(address, ALIGNED, tiles)
                yield self._row(
                    told, peer, lambda _, o=ours: o(), lambda _, t=theirs: t, WARM[peer.name], SETUP
                )

    def our_paths(
        self,
        name: str,
        number: int,
        tiles: Sequence[Address],
        grid: TileGrid = WEB_MERCATOR,
        suffix: str = "png",
    ) -> list[str]:
        """Tiles of a file, by a ramp nobody has asked for."""
        layer, high = f"dataset.{code_of(name, number)}", 1 + next(self.fresh) * STEP
        query = f"rescale=-1,{high:.6f}&colormap=viridis"
        root = f"/layers/{layer}/tiles/{grid.id}"
        return [f"{root}/{z}/{x}/{y}.{suffix}?{query}" for z, x, y in tiles]

    def load(self, base_url: str, paths: Sequence[str], connections: int = 1) -> float:
        """Seconds a tile."""
        return self.loop.run(Load(base_url, paths, connections).run())

    def _row(
        self, what: str, peer: TilePeer, ours: Paths, theirs: Paths, target: float, setup: Setup
    ) -> Row:
        mine, other = alternate(
            lambda number: self.load(self.ours, ours(number)),
            lambda number: self.load(peer.base_url, theirs(number)),
            rounds=ROUNDS,
        )
        facts = {"tiles/s": 1 / mine.median, "peer's": 1 / other.median}
        what = f"{what}, {peer.name}"
        return Row(what, mine, other, target=target, facts=facts, setup=setup)


def _in_turn(
    tiles: Sequence[Address], paths: Callable[[int, list[Address]], list[str]]
) -> list[str]:
    """Each layer's share of the tiles, the layers taking turns."""
    shares = [paths(FIRST_COPY + n, list(tiles[n::LAYERS])) for n in range(LAYERS)]
    return [path for turn in zip_longest(*shares) for path in turn if path]


def _forget(path: Path) -> None:
    """Let the system drop what it has read of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _short_of_room(loop: asyncio.Runner, bench: Workbench) -> Iterator[Row]:
    """Views of a map, and single tiles, whose blocks are four times what is kept of them."""
    told = f"{SETUP.settings}; {SMALL_MB} MB of blocks in memory, more of them on disk, and 128"
    setup = replace(SETUP, settings=told)
    fresh = count()
    small = {
        "SHANHAI_TILES_BLOCKS_MB": str(SMALL_MB),
        "SHANHAI_ARTIFACTS_CACHE": str(bench.made("blocks")),
    }
    with serving_tiles(bench, 1, small) as short, serving_tiles(bench, 1) as ample:
        for what, tiles in {"views of 4 x 3 tiles": _views(), "single tiles": _scattered()}.items():
            for connections in (1, 4):
                few, much = Sides(loop, short, fresh), Sides(loop, ample, fresh)

                def side(one: Sides, t: list[Address] = tiles, c: int = connections) -> float:
                    return one.load(one.ours, one.our_paths(ALIGNED, 0, t), c)

                samples = alternate(
                    lambda _, s=side, o=few: s(o), lambda _, s=side, o=much: s(o), rounds=ROUNDS
                )
                told = f"blocks four times the room, {what}, {connections} connections"
                both = replace(setup, connections=(connections, connections))
                facts = {"tiles/s": 1 / samples[0].median}
                yield Row(told, *samples, target=NO_LOSS, facts=facts, setup=both)


def _views() -> list[Address]:
    """Rectangles of tiles at random places, tile after tile, as a map asks for them."""
    rng = np.random.default_rng(7)
    wide, high = VIEW
    corners = rng.integers(0, (SIDE - wide + 1, SIDE - high + 1), (VIEWS, 2)).tolist()
    return [
        (LEVEL, CORNER[0] + left + x, CORNER[1] + top + y)
        for left, top in corners
        for y in range(high)
        for x in range(wide)
    ]


def _scattered() -> list[Address]:
    """As many single tiles at random places."""
    places = np.random.default_rng(8).permutation(SIDE**2)[: VIEWS * VIEW[0] * VIEW[1]].tolist()
    return [(LEVEL, CORNER[0] + n % SIDE, CORNER[1] + n // SIDE) for n in places]
