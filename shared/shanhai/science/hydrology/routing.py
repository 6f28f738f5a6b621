"""The land above each cell, for rasters in memory and for those that are larger."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.hydrology.accumulation import (
    CELLS,
    FREEMAN,
    QUINN,
    Spreading,
    gather_down,
    spread_down,
)
from shanhai.science.hydrology.depressions import BASINS, DEM, FILLED, fill_depressions
from shanhai.science.hydrology.directions import DIRECTIONS, find_directions
from shanhai.science.hydrology.tiles import TILE_CELLS, ArrayLayerStore, LayerStore, Run, TileLayout
from shanhai.vocabulary import Label

D8 = "d8"

ROUTINGS: Mapping[str, Label] = MappingProxyType(
    {
        D8: Label("单流向 D8", "all down the steepest slope, D8"),
        "freeman": Label("多流向（Freeman）", "spread over lower neighbours, Freeman"),
        "quinn": Label("多流向（Quinn）", "spread over lower neighbours, Quinn"),
    }
)
"""Ways in which water leaves a cell, and their names."""

_SPREADINGS: Mapping[str, Spreading] = MappingProxyType({"freeman": FREEMAN, "quinn": QUINN})

SCRATCH = (FILLED, BASINS, DIRECTIONS)
"""Layers that `write_contributing_area` writes on the way; they may be dropped afterwards."""


def write_contributing_area(
    layers: LayerStore,
    shape: tuple[int, int],
    *,
    cell_m: float,
    flow_routing: str = D8,
    tile: int = TILE_CELLS,
    run: Run = map,
) -> None:
    """From `dem` write the layers of `SCRATCH` and `contributing_area`, tile by tile.

    The same values whatever the side of a tile and whatever runs the tiles. Memory is that of a
    tile, some tens of bytes a cell, and a few lines along the tile edges.

    Args:
        layers: Reads `dem`, m, NaN for nodata, into which water drains like off the raster; writes
            and reads again the others. It must keep `filled` as exactly as it gave `dem`, and whole
            numbers up to the cells of a tile in `basins`.
        shape: Rows and columns of the raster.
        cell_m: Side of a cell, m.
        flow_routing: A key of `ROUTINGS`.
        tile: Side of a tile, cells.
        run: Maps a picklable function over a sequence, results in order.

    Raises:
        InvalidInput: the routing is unknown, or there is no cell in a tile.
    """
    _require_routing(flow_routing)
    tiles = TileLayout(*shape, tile)
    fill_depressions(layers, tiles, run)
    find_directions(layers, tiles, run)
    if flow_routing == D8:
        gather_down(layers, tiles, cell_m**2, run)
    else:
        spread_down(layers, tiles, _SPREADINGS[flow_routing], cell_m**2, run)


def contributing_area(*, dem: FloatArray, cell_m: float, flow_routing: str = D8) -> FloatArray:
    """Area that drains into each cell, the cell itself excluded.

    Args:
        dem: Elevation, m; NaN is nodata, into which water drains like off the raster.
        cell_m: Side of a cell, m.
        flow_routing: A key of `ROUTINGS`.

    Returns:
        m², ≥ 0; NaN stays NaN.

    Raises:
        InvalidInput: the routing is unknown.
    """
    layers = _in_memory(dem, FILLED, DIRECTIONS, CELLS)
    side = max(dem.shape)
    write_contributing_area(
        layers, _shape(dem), cell_m=cell_m, flow_routing=flow_routing, tile=side
    )
    return layers.arrays[CELLS]


def fill(dem: FloatArray) -> FloatArray:
    """Elevation, m, with every depression raised to its overflow; NaN stays NaN.

    Source: Barnes et al. 2014.
    """
    layers = _in_memory(dem, FILLED)
    fill_depressions(layers, TileLayout(*_shape(dem), max(dem.shape)))
    return layers.arrays[FILLED]


def flow_directions(filled: FloatArray) -> ClassArray:
    """Codes of `neighbours` for the cell each one drains to; 0 is nodata, 9 leaves the raster.

    Args:
        filled: Elevation without depressions, m; NaN is nodata.
    """
    layers = ArrayLayerStore({FILLED: filled, DIRECTIONS: np.empty(filled.shape)})
    find_directions(layers, TileLayout(*_shape(filled), max(filled.shape)))
    return layers.arrays[DIRECTIONS].astype(np.uint8)


def _in_memory(dem: FloatArray, *names: str) -> ArrayLayerStore:
    return ArrayLayerStore({DEM: dem} | {name: np.empty(dem.shape) for name in names})


def _shape(dem: FloatArray) -> tuple[int, int]:
    height, width = dem.shape
    return height, width


def _require_routing(flow_routing: str) -> None:
    if flow_routing not in ROUTINGS:
        known = ", ".join(ROUTINGS)
        raise InvalidInput(
            f"flow_routing is {flow_routing!r}; it must be one of {known}",
            message_zh=f"flow_routing 为 {flow_routing!r}，须为 {known} 之一",
            pointer="/flow_routing",
        )
