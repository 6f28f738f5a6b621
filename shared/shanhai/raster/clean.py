"""An imported raster made clean: nodata resolved, values in the theme's unit and range."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.raster.cog import Block
from shanhai.raster.edge_water import EdgeWater
from shanhai.raster.fill_codes import FillCode, give_meaning
from shanhai.raster.inspect import RasterFacts, open_geotiff
from shanhai.raster.themes import ThemeRule
from shanhai.raster.warp import KEPT_ZERO, read_open_block
from shanhai.science.arrays import FloatArray
from shanhai.science.grid import Window
from shanhai.science.landcover import NODATA, LandCover, harmonise

_STRIP_CELLS = 4_000_000

Legend = Literal["internal", "worldcover", "globeland30", "clcd"]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How raw values become the theme's.

    Attributes:
        nodata: Value that means no data, besides what the file declares.
        scale: Multiplier to the theme's unit.
        offset: Added after scaling.
        legend: Legend of a land-cover raster.
        codes: What numbers stand for that are no values.
        sea: Water of a land-cover raster that is the sea.
    """

    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    legend: Legend = "internal"
    codes: tuple[FillCode, ...] = ()
    sea: EdgeWater | None = None


@dataclass(slots=True)
class CleaningReport:
    """What cleaning found; filled while blocks pass."""

    cells: int = 0
    nodata_cells: int = 0
    out_of_range_cells: int = 0
    lowest: float = field(default=float("inf"))
    highest: float = field(default=float("-inf"))
    codes: dict[float, int] = field(default_factory=dict)
    sea_cells: int = 0

    @property
    def valid_cells(self) -> int:
        """Cells with a value in range."""
        return self.cells - self.nodata_cells - self.out_of_range_cells

    @property
    def out_of_range_share(self) -> float:
        """Part of the cells with a value whose value is impossible, 0–1."""
        known = self.cells - self.nodata_cells
        return self.out_of_range_cells / known if known else 0.0


def strips(facts: RasterFacts) -> Iterator[Window]:
    """Full-width windows of a few million cells each."""
    height = max(1, _STRIP_CELLS // (facts.width * facts.bands))
    for row in range(0, facts.height, height):
        yield Window(row, 0, min(height, facts.height - row), facts.width)


def clean_blocks(
    path: Path, facts: RasterFacts, rule: ThemeRule, cleaning: Cleaning, report: CleaningReport
) -> Iterator[Block]:
    """Blocks of the cleaned raster, ready to be written; `report` counts what was dropped.

    Raises:
        UnsupportedFile: the pixels cannot be read.
        InvalidInput: a land-cover code has no class in the legend.
    """
    kept = (
        KEPT_ZERO if rule.categorical else {code.raw for code in cleaning.codes if code.means_value}
    )
    with open_geotiff(path) as file:
        for window in strips(facts):
            raw = read_open_block(file, window, kept=kept)
            if cleaning.nodata is not None:
                raw[raw == cleaning.nodata] = np.nan
            if rule.categorical:
                values = _classes(raw, rule, cleaning)
                values = _without_sea(values, window, cleaning, report)
            else:
                scaled = _scaled(raw, cleaning)
                values = give_meaning(raw, scaled, cleaning.codes, report.codes)
            yield window, _in_range(values, rule.ranges[facts.bands], report)


def _scaled(raw: FloatArray, cleaning: Cleaning) -> FloatArray:
    if cleaning.scale == 1.0 and cleaning.offset == 0.0:
        return raw
    return raw * cleaning.scale + cleaning.offset


def _classes(raw: FloatArray, rule: ThemeRule, cleaning: Cleaning) -> FloatArray:
    if rule.theme != "land_cover":
        return raw
    codes = np.where(np.isnan(raw), 0, raw)
    if (codes != np.floor(codes)).any() or (np.abs(codes) > 65_535).any():
        raise InvalidInput(
            "land_cover holds values that are no class codes; whole numbers are required",
            message_zh="土地覆盖含有非整数的值，须为整数类别代码",
            pointer="/inputs/upload",
        )
    return harmonise(codes.astype(np.int64), cleaning.legend).astype(np.float64)


def _without_sea(
    values: FloatArray, window: Window, cleaning: Cleaning, report: CleaningReport
) -> FloatArray:
    if cleaning.sea is None:
        return values
    sea = cleaning.sea.within(window, values[0] == LandCover.WATER)
    report.sea_cells += int(np.count_nonzero(sea))
    return np.where(sea, float(NODATA), values)


def _in_range(
    values: FloatArray, limits: tuple[float, float], report: CleaningReport
) -> FloatArray:
    low, high = limits
    known = ~np.isnan(values)
    if known.any():
        report.lowest = min(report.lowest, float(values[known].min()))
        report.highest = max(report.highest, float(values[known].max()))
    outside = known & ((values < low) | (values > high))
    report.cells += values.size
    report.nodata_cells += int(values.size - np.count_nonzero(known))
    report.out_of_range_cells += int(np.count_nonzero(outside))
    return np.where(outside, np.nan, values)
