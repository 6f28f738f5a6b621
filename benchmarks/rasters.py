"""Rasters to draw: one of classes, one of a ratio, as the product stores its results."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.raster.cog import Block, Frame, write_cog
from shanhai.raster.statistics import BandStatistics
from shanhai.science.grid import Grid

CELLS = 3072
CELL_M = 30.0
GRID = Grid(4548, 540_000.0, 2_760_000.0, CELL_M, CELLS, CELLS)
STRIP = 512
_COARSE = 8

Cells = NDArray[np.float32]


def write_rasters(folder: Path) -> dict[str, BandStatistics]:
    """Write `zones.tif` and `ratio.tif`; their statistics by theme."""
    ratio = _ratio()
    zones = np.digitize(ratio, [-0.5, -0.1, 0.15, 0.5]).astype(np.float32) + 1
    zones[np.isnan(ratio)] = np.nan
    return {
        theme: write_cog(
            folder / f"{theme}.tif",
            Frame.of_grid(GRID, categorical=theme == "zones"),
            _strips(cells),
        )[0]
        for theme, cells in (("zones", zones), ("ratio", ratio))
    }


def _ratio() -> Cells:
    """Hills and noise between -1 and 1, without values in a corner that is sea."""
    rng = np.random.default_rng(7)
    coarse = ndimage.gaussian_filter(rng.standard_normal((CELLS // _COARSE,) * 2), 6)
    hills = ndimage.zoom(coarse / np.abs(coarse).max(), _COARSE, order=1)
    ratio: Cells = np.clip(hills + 0.05 * rng.standard_normal(GRID.shape), -1, 1).astype(np.float32)
    rows, columns = np.ogrid[:CELLS, :CELLS]
    ratio[rows + columns > 1.6 * CELLS] = np.nan
    return ratio


def _strips(cells: Cells) -> Iterator[Block]:
    for window in GRID.windows(STRIP):
        yield window, cells[window.slices][None]
