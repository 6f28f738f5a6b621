"""An imported raster made clean: nodata resolved, values in the theme's unit and range.

NASA's annual MODIS layers of production and evapotranspiration put a class of land cover in place
of what was not computed. Their numbers look like large values of the same layer. WorldPop's
constrained counts have their no-data number wherever nobody lives.

Land-cover products have one class for rivers, lakes and the sea. What joins the edge of the raster,
or the part of it without data, may be the sea, which is no land; what does not is inland water.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.raster.cells import cells_of_frame
from shanhai.raster.cog import Block
from shanhai.raster.crs import reproject_geometry
from shanhai.raster.geotiff import CLASS_NODATA
from shanhai.raster.inspect import RasterFacts, as_stored, open_geotiff, resolution_m
from shanhai.raster.themes import ThemeRule
from shanhai.raster.warp import KEPT_ZERO, RasterQuantity, read_open_block
from shanhai.science.grid import BoolArray, FloatArray, Window
from shanhai.science.landcover import NODATA, SCHEMES, LandCover, harmonise
from shanhai.vocabulary import Label

CodeValue = float | Literal["nodata"]
"""What somebody says a code stands for: a value in the theme's unit, or that it is unknown."""

Real = TypeVar("Real", bound=np.floating)
UNKNOWN = float("nan")
_STEP = 0.1
"""Values of the MODIS layers are stored in tenths of the theme's unit."""
_NEAR = 0.04


@dataclass(frozen=True, slots=True)
class FillCode:
    """A code of a product.

    Attributes:
        raw: As the product stores it.
        label: What it marks.
        value: What it stands for in the theme's unit, NaN where that is unknown; None where
            nobody but the user can say.
        scaled: What becomes of the raw number when it is taken for a value; None where the number
            is none.
    """

    raw: float
    label: Label
    value: float | None
    scaled: float | None = None

    @property
    def means_value(self) -> bool:
        """Whether it stands for a value that is known."""
        return self.value is not None and not math.isnan(self.value)


def _modis(last: int, **values: float) -> tuple[FillCode, ...]:
    """The seven codes that end with `last`; `values` are what some of them stand for."""
    names = (
        ("unclassified", Label("未分类", "unclassified")),
        ("built_up", Label("城市和建设用地", "urban and built-up land")),
        ("wetland", Label("永久湿地", "permanent wetland")),
        ("snow", Label("常年冰雪", "perennial snow and ice")),
        ("barren", Label("裸地或稀疏植被", "barren or sparse vegetation")),
        ("water", Label("水体", "water")),
        ("fill", Label("填充值", "fill")),
    )
    first = last - len(names) + 1
    return tuple(
        FillCode(raw, label, values.get(name), raw * _STEP)
        for raw, (name, label) in enumerate(names, first)
    )


_NOTHING_GROWS = {"snow": 0.0, "barren": 0.0, "water": 0.0, "fill": UNKNOWN}
_NPP = _modis(32_767, **_NOTHING_GROWS)
FILL_CODES: Mapping[str, tuple[FillCode, ...]] = MappingProxyType(
    {
        "npp": _NPP,
        "npp_series": _NPP,
        "gpp": _modis(65_535, **_NOTHING_GROWS),
        "evapotranspiration": _modis(65_535, fill=UNKNOWN),
        "population": (FillCode(-99_999.0, Label("无人居住", "unsettled"), 0.0),),
    }
)
"""By theme: MOD17A3HGF, its GPP, MOD16A3GF, and WorldPop."""


def codes_of(theme: str, stated: Mapping[str, CodeValue]) -> tuple[FillCode, ...]:
    """The codes of a theme, with what the user says of them or of others."""
    known = {code.raw: code for code in FILL_CODES.get(theme, ())}
    for raw, value in ((float(text), value) for text, value in stated.items()):
        former = known.get(raw)
        known[raw] = FillCode(
            raw,
            former.label if former else Label("用户说明", "as stated"),
            UNKNOWN if value == "nodata" else float(value),
            former.scaled if former else None,
        )
    return tuple(known[raw] for raw in sorted(known))


def give_meaning(
    raw: NDArray[Real],
    values: NDArray[Real],
    codes: tuple[FillCode, ...],
    found: dict[float, int],
    dtype: DTypeLike,
) -> NDArray[Real]:
    """Put what each code stands for in place of it, in `values`; what nobody can say becomes NaN.

    Args:
        raw: Numbers as the file has them.
        values: The same in the theme's unit.
        codes: The codes to look for.
        found: Cells by code, added to.
        dtype: Of the cells the numbers were read from.
    """
    for code in codes:
        hit = np.asarray(raw == as_stored(code.raw, dtype))
        if code.scaled is not None:
            hit |= np.abs(values - code.scaled) < _NEAR
        cells = int(np.count_nonzero(hit))
        if cells:
            found[code.raw] = found.get(code.raw, 0) + cells
            values[hit] = UNKNOWN if code.value is None else code.value
    return values


def unexplained(codes: tuple[FillCode, ...], found: Mapping[float, int]) -> Label | None:
    """The codes that occur without anybody having said what they stand for, with their cells."""
    told = [(code, found[code.raw]) for code in codes if code.value is None and code.raw in found]
    if not told:
        return None
    return Label(
        "、".join(f"{code.raw:.0f}（{code.label.zh}）{cells} 个像元" for code, cells in told),
        ", ".join(f"{code.raw:.0f} ({code.label.en}), {cells} cells" for code, cells in told),
    )


def explained(codes: tuple[FillCode, ...], found: Mapping[float, int], unit: str) -> Label | None:
    """The codes that occur, with what they were taken for."""
    told = [(code, found[code.raw]) for code in codes if code.raw in found]
    if not told:
        return None
    return Label(
        "；".join(
            f"{code.raw:.0f}（{code.label.zh}）{cells} 个像元按{_taken_for(code, unit).zh}处理"
            for code, cells in told
        ),
        "; ".join(
            f"{code.raw:.0f} ({code.label.en}): {cells} cells are taken as "
            f"{_taken_for(code, unit).en}"
            for code, cells in told
        ),
    )


def _taken_for(code: FillCode, unit: str) -> Label:
    if not code.means_value:
        return Label("无数据", "nodata")
    return Label(f" {code.value:g} {unit} ", f"{code.value:g} {unit}")


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
    stated = [] if nodata is None else [as_stored(nodata, facts.dtype)]
    void_of = [*codes_in(legend, NODATA), *stated]
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


Legend = Literal["internal", "worldcover", "globeland30", "clcd", "io_lulc", "tdt1055", "gbt21010"]


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
    infinite_cells: int = 0
    lowest: float = field(default=float("inf"))
    highest: float = field(default=float("-inf"))
    codes: dict[float, int] = field(default_factory=dict)
    sea_cells: int = 0

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
        InvalidInput: classes are no whole numbers, or land-cover codes not of the legend.
    """
    meant = {as_stored(one.raw, facts.dtype) for one in cleaning.codes if one.means_value}
    kept = KEPT_ZERO if rule.categorical else meant
    with open_geotiff(path) as file:
        for window in strips(facts):
            raw = read_open_block(file, window, kept=kept, infinite=True)
            if cleaning.nodata is not None:
                raw[raw == as_stored(cleaning.nodata, facts.dtype)] = np.nan
            endless = np.isinf(raw)
            report.infinite_cells += int(np.count_nonzero(endless))
            raw[endless] = np.nan
            if rule.categorical:
                values = _classes(raw, rule, cleaning)
                values = _without_sea(values, window, cleaning, report)
                if rule.quantity is RasterQuantity.CATEGORICAL:
                    values[values == CLASS_NODATA] = np.nan
            else:
                is_scaled = (cleaning.scale, cleaning.offset) != (1.0, 0.0)
                values = raw * cleaning.scale + cleaning.offset if is_scaled else raw
                values = give_meaning(raw, values, cleaning.codes, report.codes, facts.dtype)
            yield window, _in_range(values, rule.ranges[facts.bands], report)


def check_classes(values: FloatArray, rule: ThemeRule) -> None:
    """Raise InvalidInput where a raster of classes holds fractions, which would be cut off."""
    known, most = values[~np.isnan(values)], 65_535 if rule.theme == "land_cover" else np.inf
    if (known != np.floor(known)).any() or (np.abs(known) > most).any():
        raise InvalidInput(
            f"{rule.theme} holds values that are no class codes; whole numbers are required",
            message_zh=f"{rule.label.zh}含有非整数的值，须为整数类别代码",
            pointer="/inputs/upload",
        )


def _classes(raw: FloatArray, rule: ThemeRule, cleaning: Cleaning) -> FloatArray:
    check_classes(raw, rule)
    if rule.theme != "land_cover":
        return raw
    codes = np.nan_to_num(raw, nan=0).astype(np.int64)
    try:
        return harmonise(codes, cleaning.legend).astype(np.float64)
    except InvalidInput as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/inputs/legend"
        ) from error


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
