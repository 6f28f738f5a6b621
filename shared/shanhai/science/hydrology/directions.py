"""The neighbour each cell drains to, over filled depressions and flats."""

from functools import partial

import numpy as np

from shanhai.science.arrays import FloatArray
from shanhai.science.grid import Window
from shanhai.science.hydrology.depressions import FILLED
from shanhai.science.hydrology.flow_kernels import flat_distances, steepest
from shanhai.science.hydrology.tiles import (
    Found,
    LayerStore,
    Run,
    TileLayout,
    lines_of,
    ring_of,
    set_ring,
    settle,
)

DIRECTIONS = "directions"

Item = tuple[Window, FloatArray]


def find_directions(layers: LayerStore, tiles: TileLayout, run: Run = map) -> None:
    """From `filled` write `directions`: codes of `neighbours`, 0 (NaN as read) for nodata.

    The steepest way down; between equals the side before the corner and east before south before
    west before north. On a flat the shortest way, counted in cells, to a cell of it that drains.

    Source: O'Callaghan and Mark 1984; flats towards their outlet after Garbrecht and Martz 1997.
    """
    seams = settle(tiles, partial(_distances, layers, tiles), np.inf, run)
    items = [(window, seams.around(number)) for number, window in enumerate(tiles.windows)]
    for _ in run(partial(_directions, layers, tiles), items):
        pass


def _distances(layers: LayerStore, tiles: TileLayout, item: Item) -> Found:
    filled = tiles.read(layers, FILLED, item[0], 1)
    distances = np.empty_like(filled)
    set_ring(distances, item[1])
    reads = flat_distances(filled, distances)
    return lines_of(distances[1:-1, 1:-1]), ring_of(reads)


def _directions(layers: LayerStore, tiles: TileLayout, item: Item) -> None:
    window, around = item
    filled = tiles.read(layers, FILLED, window, 1)
    distances = np.empty_like(filled)
    set_ring(distances, around)
    flat_distances(filled, distances)
    layers.write(DIRECTIONS, window, steepest(filled, distances).astype(np.float64))
