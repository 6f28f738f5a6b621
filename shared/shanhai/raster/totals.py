"""Proof that aligning an extensive quantity has kept its total."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.raster.inspect import open_geotiff
from shanhai.raster.lattice import CellCentres
from shanhai.raster.warp import Source, read_open_block
from shanhai.science.grid import Grid, Window

TOLERANCE = 0.005
"""Part of the total that resampling may add or lose."""

_STRIP_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """Sum of the source cells over a grid.

    Attributes:
        inside: Of cells whose centre lies on the grid.
        edge: Of cells near enough to the grid's edge to be cut by it, whichever side.
    """

    inside: float
    edge: float


def source_total(source: Source, grid: Grid) -> SourceTotal:
    """Sum the first band of a source over the extent of a grid."""
    centres = CellCentres(
        source.facts.transform, source.resolution, source.crs, f"EPSG:{grid.epsg}"
    )
    west, south, east, north = grid.bounds
    # A cell of degrees is longer than the mean side in one direction.
    reach = 2 * max(source.resolution, grid.cell_m)
    rows = max(1, _STRIP_CELLS // source.facts.width)
    inside = edge = 0.0
    with open_geotiff(source.path) as file:
        for row in range(0, source.facts.height, rows):
            strip = Window(row, 0, min(rows, source.facts.height - row), source.facts.width)
            x, y = centres.within(strip)
            values = np.nan_to_num(read_open_block(file, strip, keep_zero=True)[0])
            depth = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
            inside += float(values[depth >= 0].sum())
            edge += float(values[np.abs(depth) < reach].sum())
    return SourceTotal(inside, edge)


def check_total(theme: str, source: Source, grid: Grid, aligned: float) -> None:
    """Refuse an alignment that lost or made some of what it should have kept.

    Raises:
        InvalidInput: the totals differ by more than `TOLERANCE`, cells at the edge apart.
    """
    wanted = source_total(source, grid)
    if abs(aligned - wanted.inside) <= TOLERANCE * wanted.inside + wanted.edge:
        return
    raise InvalidInput(
        f"{theme}: {aligned:.0f} on the analysis grid against {wanted.inside:.0f} in the source; "
        f"they must agree within {100 * TOLERANCE:g} %",
        message_zh=f"{theme}：分析格网合计 {aligned:.0f}，源数据合计 {wanted.inside:.0f}，"
        f"相差不得超过 {100 * TOLERANCE:g} %",
        pointer=f"/inputs/datasets/{theme}",
    )
