"""Rasters to draw: a ratio as the product stores it, in web mercator and in a Gauss-Krüger zone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.raster.cog import BandStatistics, Block, CogFrame, write_cog
from shanhai.science.grid import Window
from shanhai_tiles.grids import WEB_MERCATOR

CELLS = 4096
CELL_M = 30.0
STRIP = 512
LOW, HIGH = -1.0, 1.0
ALIGNED, GAUSS_KRUGER = "aligned", "gauss-kruger"
LEVEL = 12
"""The level of web mercator whose pixels are the cells of the aligned raster, 38 m."""
CORNER = (3376, 1752)
"""Column and row of its tile in the raster's upper left corner."""
CRS_OF: Mapping[str, str] = {ALIGNED: "EPSG:3857", GAUSS_KRUGER: "EPSG:4548"}
"""The system of each file; EPSG:4548 is CGCS2000 / 3-degree Gauss-Krüger, 117° E."""
_COARSE = 8

Cells = NDArray[np.float32]


def frames() -> dict[str, CogFrame]:
    """How each raster lies, by the name of its file."""
    west, _, _, north = WEB_MERCATOR.bounds(LEVEL, *CORNER)
    cell = WEB_MERCATOR.cell_at(LEVEL)
    return {
        ALIGNED: _frame(ALIGNED, cell, west, north),
        GAUSS_KRUGER: _frame(GAUSS_KRUGER, CELL_M, 540_000.0, 2_760_000.0),
    }


def _frame(name: str, cell: float, west: float, north: float) -> CogFrame:
    return CogFrame(CRS_OF[name], (cell, 0.0, west, 0.0, -cell, north), CELLS, CELLS)


def write_rasters(folder: Path) -> dict[str, BandStatistics]:
    """Write a COG of each name; their statistics."""
    cells = _ratio()
    return {
        name: write_cog(folder / f"{name}.tif", frame, _strips(cells))[0]
        for name, frame in frames().items()
    }


def _ratio() -> Cells:
    """Hills and noise between -1 and 1, without values in a corner that is sea."""
    rng = np.random.default_rng(7)
    coarse = ndimage.gaussian_filter(rng.standard_normal((CELLS // _COARSE,) * 2), 6)
    hills = ndimage.zoom(coarse / np.abs(coarse).max(), _COARSE, order=1)
    noisy = hills + 0.05 * rng.standard_normal((CELLS, CELLS))
    ratio: Cells = np.clip(noisy, LOW, HIGH).astype(np.float32)
    rows, columns = np.ogrid[:CELLS, :CELLS]
    ratio[rows + columns > 1.6 * CELLS] = np.nan
    return ratio


def _strips(cells: Cells) -> Iterator[Block]:
    for row in range(0, CELLS, STRIP):
        window = Window(row, 0, STRIP, CELLS)
        yield window, cells[window.slices][None]
