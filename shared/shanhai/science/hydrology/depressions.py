"""Depressions filled to the level at which they overflow."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.grid import Window
from shanhai.science.hydrology.flood_kernels import FIRST, flood, spill_levels
from shanhai.science.hydrology.tiles import Layers, Lines, Run, Seams, Tiles, lines_of

DEM, FILLED, BASINS = "dem", "filled", "basins"

_INNER = (slice(1, -1), slice(1, -1))


@dataclass(frozen=True, slots=True)
class Basins:
    """What the rest of the raster must know of a tile flooded from its edges.

    Attributes:
        ground: Elevation along the edges.
        labels: Basin of the same cells.
        count: Number after the last label.
        pairs: Labels of basins that touch, one pair a row.
        passes: Lowest level at which water passes between them.
    """

    ground: Lines
    labels: Lines
    count: int
    pairs: IntArray
    passes: FloatArray


def fill_depressions(layers: Layers, tiles: Tiles, run: Run = map) -> None:
    """Raise every cell of `dem` to the level from which water can leave, and write `filled`.

    Of several tiles `basins` is written on the way: the number of each cell's basin in its tile.

    The level is the lowest that any way off the raster, or into nodata, must cross: the same
    whatever the tiles. Two passes over the tiles; between them the basins of all tiles are joined
    along the tile edges and flooded from the outside.

    Source: Barnes et al. 2014; Barnes 2016 for the tiles.
    """
    windows = tiles.windows
    if len(windows) == 1:
        # A tile that is all of the raster has no basin but the outside.
        layers.write(FILLED, windows[0], flood(tiles.read(layers, DEM, windows[0], 1))[0][_INNER])
        return
    levels = _overflows(tiles, list(run(partial(_basins, layers, tiles), windows)))
    for _ in run(partial(_fill, layers), list(zip(windows, levels, strict=True))):
        pass


def _basins(layers: Layers, tiles: Tiles, window: Window) -> Basins:
    level, label, count, first, second, passes = flood(tiles.read(layers, DEM, window, 1))
    pairs = np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1)
    pairs, passes = _lowest(pairs.astype(np.int64), passes)
    level, label = level[_INNER], label[_INNER]
    layers.write(FILLED, window, level)
    layers.write(BASINS, window, np.maximum(label, 0).astype(np.float64))
    # Edge cells are where the flood starts, so that their level is their ground.
    return Basins(lines_of(level), lines_of(label), count, pairs, passes)


def _lowest(pairs: IntArray, passes: FloatArray) -> tuple[IntArray, FloatArray]:
    """One edge a pair, the lowest."""
    order = np.lexsort((passes, pairs[:, 1], pairs[:, 0]))
    pairs, passes = pairs[order], passes[order]
    new = np.ones(len(pairs), dtype=bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[new], passes[new]


def _overflows(tiles: Tiles, found: list[Basins]) -> list[FloatArray]:
    """Level at which each basin overflows, by tile and label."""
    sizes = [basins.count - FIRST for basins in found]
    # Over all tiles the outside is basin 0, and the others follow tile by tile.
    shifts = (1 + np.cumsum([0, *sizes[:-1]]) - FIRST).tolist()
    numbered = [_numbered(basins, shift) for basins, shift in zip(found, shifts, strict=True)]
    pairs, passes = _joins(tiles, found, shifts)
    levels = _flooded(
        np.concatenate([*numbered, pairs]),
        np.concatenate([*(basins.passes for basins in found), passes]),
        1 + sum(sizes),
    )
    outside = np.full(FIRST, -np.inf)
    return [
        np.concatenate([outside, levels[shift + FIRST : shift + basins.count]])
        for basins, shift in zip(found, shifts, strict=True)
    ]


def _numbered(basins: Basins, shift: int) -> IntArray:
    return np.where(basins.pairs < FIRST, 0, basins.pairs + shift)


def _joins(tiles: Tiles, found: list[Basins], shifts: list[int]) -> tuple[IntArray, FloatArray]:
    """Passes between basins of different tiles, one for each pair of cells that touch."""
    grounds, basins = Seams(tiles, np.nan), Seams(tiles, np.nan)
    for number, (tile, shift) in enumerate(zip(found, shifts, strict=True)):
        grounds.put(number, tile.ground)
        north, south, west, east = (
            np.where(line < FIRST, 0.0, line + shift) for line in tile.labels
        )
        basins.put(number, (north, south, west, east))
    pairs, passes = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    for ground, basin in zip(grounds.facing(), basins.facing(), strict=True):
        touching = ~np.isnan(ground[0]) & ~np.isnan(ground[1]) & (basin[0] != basin[1])
        sides = np.stack([side[touching] for side in basin], axis=1).astype(np.int64)
        pairs.append(np.sort(sides, axis=1))
        passes.append(np.maximum(ground[0][touching], ground[1][touching]))
    return _lowest(np.concatenate(pairs), np.concatenate(passes))


def _flooded(pairs: IntArray, passes: FloatArray, count: int) -> FloatArray:
    """Level at which each basin overflows, by its number over all tiles."""
    near = np.concatenate([pairs[:, 0], pairs[:, 1]])
    far = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.argsort(near, kind="stable")
    starts = np.searchsorted(near[order], np.arange(count + 1))
    return spill_levels(starts, far[order], np.concatenate([passes, passes])[order])


def _fill(layers: Layers, item: tuple[Window, FloatArray]) -> None:
    """Raise a tile to where its basins overflow; once more does no harm."""
    window, overflows = item
    basins = layers.read(BASINS, window).astype(np.int64)
    layers.write(FILLED, window, np.maximum(layers.read(FILLED, window), overflows[basins]))
