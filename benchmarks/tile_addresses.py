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
