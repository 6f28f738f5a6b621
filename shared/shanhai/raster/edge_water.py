"""Open water that reaches the edge of a land-cover raster: the sea, where there is one.

Land-cover products have one class for rivers, lakes and the sea. What joins the edge of the raster,
or the part of it without data, may be the sea, which is no land; what does not is inland water.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from shanhai.raster.crs import reproject_geometry
from shanhai.raster.inspect import RasterFacts, open_geotiff, resolution_m
from shanhai.raster.vectorise import cells_of_frame
from shanhai.raster.warp import KEPT_ZERO, read_open_block
from shanhai.science.arrays import BoolArray
from shanhai.science.grid import Window
from shanhai.science.landcover import NODATA, SCHEMES, LandCover

OPEN_M = 300.0
"""Water is open where it fills squares of this side; brooks do not carry the sea inland."""

_MOST_BLOCKS = 1_500
_STRIP_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class EdgeWater:
    """Open water that joins the edge, in blocks of `side` × `side` cells."""

    blocks: BoolArray
    side: int

    def within(self, window: Window, water: BoolArray) -> BoolArray:
        """The cells of a window's water that belong to it or lie beside it."""
        rows = np.arange(window.row, window.row + window.height) // self.side
        cols = np.arange(window.col, window.col + window.width) // self.side
        near = ndimage.binary_dilation(self.blocks, structure=np.ones((3, 3), dtype=bool))
        return np.asarray(water & near[np.ix_(rows, cols)])

    def area_km2(self, facts: RasterFacts, region: BaseGeometry) -> float:
        """How much of it lies in the region (longitude, latitude), km²."""
        a, b, west, d, e, north = facts.transform
        frame = (a * self.side, b, west, d, e * self.side, north)
        shape = reproject_geometry(region, "EPSG:4326", facts.crs or "")
        inside = cells_of_frame(shape, self.blocks.shape, frame)
        block_km = self.side * resolution_m(facts) / 1000
        return float(np.count_nonzero(self.blocks & inside)) * block_km**2


def find_edge_water(path: Path, facts: RasterFacts, legend: str, nodata: float | None) -> EdgeWater:
    """Open water of a land-cover raster that joins its edge or its cells without data.

    Args:
        path: The raster.
        facts: Its frame.
        legend: A key of `SCHEMES`.
        nodata: The code of cells without data, besides those of the legend.
    """
    side = max(
        math.ceil(OPEN_M / resolution_m(facts)),
        math.ceil(max(facts.width, facts.height) / _MOST_BLOCKS),
    )
    void_of = [*codes_in(legend, NODATA), *([] if nodata is None else [nodata])]
    water, void = _blocks(path, facts, codes_in(legend, LandCover.WATER), void_of, side)
    around = np.pad(void, 1, constant_values=True)
    beside = ndimage.binary_dilation(around)[1:-1, 1:-1]
    numbers, _ = ndimage.label(water)
    reaching = np.unique(numbers[water & beside])
    return EdgeWater(np.isin(numbers, reaching[reaching > 0]), side)


def codes_in(legend: str, wanted: int) -> list[int]:
    """The codes of a legend that have one class of the platform."""
    return [code for code, own in SCHEMES[legend].items() if own == wanted]


def _blocks(
    path: Path,
    facts: RasterFacts,
    water_of: Sequence[float],
    void_of: Sequence[float],
    side: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Blocks that are water all over, and blocks with a cell without data."""
    shape = (math.ceil(facts.height / side), math.ceil(facts.width / side))
    water, void = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    step = side * max(1, _STRIP_CELLS // (facts.width * side))
    with open_geotiff(path) as file:
        for row in range(0, facts.height, step):
            height = min(step, facts.height - row)
            cells = read_open_block(file, Window(row, 0, height, facts.width), kept=KEPT_ZERO)[0]
            first, last = row // side, row // side + math.ceil(height / side)
            is_void = np.isnan(cells) | np.isin(cells, void_of)
            water[first:last] = _reduced(np.isin(cells, water_of), side, fill=True).all((1, 3))
            void[first:last] = _reduced(is_void, side, fill=False).any((1, 3))
    return water, void


def _reduced(cells: BoolArray, side: int, *, fill: bool) -> BoolArray:
    """Cells by block: rows of blocks, rows in a block, columns of blocks, columns in a block."""
    down, right = (-size % side for size in cells.shape)
    padded = np.pad(cells, ((0, down), (0, right)), constant_values=fill)
    height, width = padded.shape
    return padded.reshape(height // side, side, width // side, side)
