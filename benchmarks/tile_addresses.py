"""Addresses of the tiles that show an area."""

from collections.abc import Sequence

import numpy as np

from shanhai_tiles.grids import Bounds, TileGrid

Address = tuple[int, int, int]
"""Zoom, column, row."""


def tiles_within(
    grid: TileGrid, lonlat: Bounds, zooms: Sequence[int], at_most: int
) -> list[Address]:
    """Tiles that meet an area in degrees, at most so many a zoom, chosen by a fixed seed."""
    rng = np.random.default_rng(7)
    found = []
    for zoom in zooms:
        tiles = [(tile.z, tile.x, tile.y) for tile in grid.tms.tiles(*lonlat, zooms=[zoom])]
        chosen = rng.permutation(len(tiles))[:at_most]
        found += [tiles[number] for number in chosen]
    return found


def tiles_elsewhere(zooms: Sequence[int]) -> list[Address]:
    """Web mercator's tiles at sea, eight a zoom from 7 on, where no benchmark lays anything.

    PostgreSQL plans a statement anew for the first five times, and Python imports what it needs.
    """
    columns = {zoom: 2**zoom * (180 + 60) // 360 for zoom in zooms if zoom >= 7}
    return [
        (zoom, column + number, 2 ** (zoom - 1) - 1)
        for zoom, column in columns.items()
        for number in range(8)
    ]
