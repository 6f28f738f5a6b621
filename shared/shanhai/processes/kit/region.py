"""Where a computation takes place, a region on its grid; its layers, and what they hold there."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely import make_valid, prepare
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.kit.task import RegionTask, Task
from shanhai.raster.cells import cells_within, number_areas
from shanhai.raster.crs import LON_LAT, parse_crs, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import RasterQuantity, RasterSource, align, open_source
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, Window, analysis_grid
from shanhai.vocabulary import Label

WINDOW_CELLS, PAGE_ROWS = 512, 8
"""Side of a window; rows of a layer of classes that fill pages which no other window writes to."""
SCRATCH = "scratch"
"""Folder of a workspace with the layers that are gone at the end."""

LAND = "land"
DISTRICT = "district"
"""Layers every place has: 1 on land of the region; number of the district from 1, 0 for none."""

Block = NDArray[np.floating]
Found = TypeVar("Found")

MAX_CELLS = 400_000_000

REACH_M = ACCESS_CUTOFF_M
"""Distance beyond the region that is looked at unless a computation says otherwise."""


@dataclass(frozen=True, slots=True)
class StudyArea:
    """The region on its grid.

    Attributes:
        region: The region as the task names it.
        outline: Its geometry in the CRS of the grid.
        districts: Geometries of its districts in that CRS, in the task's order.
        grid: Analysis grid: the region's bounds, snapped outwards.
        wide: The same grid grown on every side, for steps that look beyond the region.
        pad: Cells by which `wide` is larger on each side.
    """

    region: RegionTask
    outline: BaseGeometry
    districts: tuple[BaseGeometry, ...]
    grid: Grid
    wide: Grid
    pad: int

    @property
    def name(self) -> Label:
        """The region's name."""
        return Label(self.region.name_zh, self.region.name_en)


class GridInputs(Protocol):
    """Inputs of a process that say where its grid lies."""

    @property
    def crs(self) -> str | None:
        """Projected CRS of the grid; the region's own when None."""
        ...

    @property
    def cell_m(self) -> float:
        """Side of a cell, m."""
        ...


def build_study_area(task: Task, inputs: GridInputs, reach_m: float = REACH_M) -> StudyArea:
    """Project the region and lay the grid over it.

    Args:
        task: Names the region.
        inputs: Say what the grid is like.
        reach_m: Distance by which the wide grid is larger on every side, m.

    Raises:
        InvalidInput: the task has no region, or its CRS is not projected in metres.
        LimitExceeded: the grid would be too large.
    """
    if task.region is None:
        raise InvalidInput("a region is needed", message_zh="须给出区域", pointer="/inputs/region")
    epsg = _analysis_epsg(inputs.crs, task.region)
    outline = _project(task.region.geometry, epsg)
    prepare(outline)
    grid = analysis_grid(outline.bounds, epsg, inputs.cell_m)
    if grid.width * grid.height > MAX_CELLS:
        raise LimitExceeded(
            f"cell_m {inputs.cell_m:g} gives {grid.width} × {grid.height} cells; "
            f"at most {MAX_CELLS} are allowed",
            message_zh=f"像元 {inputs.cell_m:g} m 产生 {grid.width} × {grid.height} 个像元，"
            f"超过上限 {MAX_CELLS}",
            pointer="/inputs/cell_m",
        )
    pad = math.ceil(round(reach_m / inputs.cell_m, 9))
    return StudyArea(
        region=task.region,
        outline=outline,
        districts=tuple(_project(one.geometry, epsg) for one in task.region.districts),
        grid=grid,
        wide=Grid(
            epsg,
            grid.west - pad * grid.cell_m,
            grid.north + pad * grid.cell_m,
            grid.cell_m,
            grid.width + 2 * pad,
            grid.height + 2 * pad,
        ),
        pad=pad,
    )


_SLIVER = 0.001
"""Part of a district that its neighbour may hold, both borders being drawn."""


def overlaps(region: RegionTask) -> list[ResultFlag]:
    """A flag for each two districts that share area, whose cells the first has."""
    areas = [(one, make_valid(shape(one.geometry))) for one in region.districts]
    texts = [
        Label(
            f"{one.name_zh}与{other.name_zh}相互重叠，重叠处计入前者",
            f"{one.name_en} and {other.name_en} overlap; what they share counts for the first",
        )
        for (one, here), (other, there) in combinations(areas, 2)
        if here.intersection(there).area > _SLIVER * min(here.area, there.area)
    ]
    return [ResultFlag("overlapping_districts", text) for text in texts]


def _analysis_epsg(wanted: str | None, region: RegionTask) -> int:
    text = wanted or f"EPSG:{region.epsg}"
    crs = parse_crs(text)
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise InvalidInput(
            f"{text} ({crs.name}) is not a projected system in metres; "
            "the analysis needs one, for example EPSG:4548",
            message_zh=f"{text} 不是以米为单位的投影坐标系；分析须用投影坐标系，例如 EPSG:4548",
            pointer="/inputs/crs",
        )
    return int(text.removeprefix("EPSG:"))


def _project(geometry: dict[str, object], epsg: int) -> BaseGeometry:
    return reproject_geometry(shape(geometry), LON_LAT, f"EPSG:{epsg}")


@dataclass(frozen=True, slots=True)
class Place:
    """The region on its grid, with its scratch layers.

    Attributes:
        area: Region, districts and grid.
        store: Scratch layers of the grid.
        sources: Input rasters by theme.
        runner: Runs windows, here or in other processes.
    """

    area: StudyArea
    store: ScratchStore
    sources: Mapping[str, RasterSource]
    runner: WindowRunner

    @property
    def grid(self) -> Grid:
        """The analysis grid."""
        return self.area.grid

    @property
    def districts(self) -> int:
        """How many districts the region has."""
        return len(self.area.districts)

    def each(self, function: Callable[[Window], Any]) -> list[Any]:
        """Run a function over all windows; it must be picklable. Results are in window order.

        It writes through scratch stores and nowhere else, so that finished windows can be kept.
        """
        return list(self.runner.remembered().run(function, list(self.windows())))

    def once(self, function: Callable[[], Found]) -> Found:
        """What a function of the whole raster returns; kept as finished windows are.

        It writes nothing, and the windows it runs are not kept.
        """
        return self.runner.remembered().step(function)

    def windows(self) -> Iterator[Window]:
        """Windows that cover the grid once, row by row."""
        return iter(windows_of(self.grid))

    def masked(
        self, layers: Sequence[str], where: Callable[[Window], BoolArray]
    ) -> Iterator[dict[str, Block]]:
        """Values of layers in the cells a mask picks, window by window."""
        for window in self.windows():
            picked = where(window)
            yield {name: self.store.read_stored(name, window)[picked] for name in layers}

    def known(self, layers: Sequence[str], window: Window) -> BoolArray:
        """Land cells in which every one of the layers has a value."""
        valid: BoolArray = self.store.read_classes(LAND, window) == 1
        for name in layers:
            if self.store.has_classes(name):
                valid &= self.store.read_classes(name, window) > 0
            else:
                valid &= ~np.isnan(self.store.read_stored(name, window))
        return valid


@dataclass(frozen=True)
class AtPlace:
    """What is computed of a region on its grid."""

    place: Place

    @property
    def store(self) -> ScratchStore:
        """Scratch layers."""
        return self.place.store

    @property
    def grid(self) -> Grid:
        """The analysis grid."""
        return self.place.grid


def windows_of(grid: Grid) -> list[Window]:
    """Windows that cover a grid once, row by row."""
    return list(grid.windows(WINDOW_CELLS, PAGE_ROWS))


def build_place(
    task: Task,
    inputs: GridInputs,
    folder: Path,
    sources: Mapping[str, RasterSource],
    runner: WindowRunner,
) -> Place:
    """The region of a task on its grid, with land and districts written.

    Raises:
        InvalidInput: the region has no cell of land on this grid.
    """
    area = build_study_area(task, inputs)
    place = Place(area, ScratchStore(folder, area.grid), sources, runner)
    place.store.create_classes(LAND)
    place.store.create(DISTRICT)
    cells = sum(place.each(partial(_write_land, area, place.store, sources.get("land_cover"))))
    if not cells:
        raise InvalidInput(
            f"no land: none of the cells of {inputs.cell_m:g} m has its centre in the region "
            "and on land",
            message_zh=f"没有陆地像元：{inputs.cell_m:g} m 像元的中心均不在区域陆地内",
            pointer="/inputs/cell_m",
        )
    return place


def open_sources(task: Task, themes: Collection[str]) -> dict[str, RasterSource]:
    """The rasters of a task by theme, inspected; only those of `themes` are read."""
    # A computed supply has no rule: it is a quantity per hectare.
    return {
        theme: open_source(
            Path(task.files[dataset.uri]),
            THEME_RULES[theme].quantity if theme in THEME_RULES else RasterQuantity.INTENSIVE,
        )
        for theme, dataset in sorted(task.datasets.items())
        if theme in themes
    }


def _write_land(
    area: StudyArea, store: ScratchStore, cover: RasterSource | None, window: Window
) -> int:
    """Write land and districts of a window; returns the cells of land.

    Land is what lies in the region and is not sea in the land cover; cells without land cover are
    land in which it is unknown.
    """
    inside = cells_within(area.outline, area.grid, window)
    if cover is not None:
        inside &= align(cover, area.grid, window)[0] != 0
    store.write_classes(LAND, window, inside.astype(np.uint8))
    numbers = number_areas(area.districts, part_of(area.grid, window))
    store.write(DISTRICT, window, np.where(inside, numbers, 0).astype(np.float64))
    return int(np.count_nonzero(inside))


def part_of(grid: Grid, window: Window) -> Grid:
    """A window as a grid of its own."""
    west, _, _, north = grid.window_bounds(window)
    return Grid(grid.epsg, west, north, grid.cell_m, window.width, window.height)


def class_codes(values: FloatArray) -> ClassArray:
    """Codes of a class raster as they are stored; 0 for nodata."""
    return np.nan_to_num(values, nan=0.0).astype(np.uint8)


def district_numbers(store: ScratchStore, window: Window) -> NDArray[np.int64]:
    """Number of the district of every cell of a window; 0 outside all."""
    return store.read_stored(DISTRICT, window).astype(np.int64)


_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Tally:
    """One theme on the land cells of a window, or of the whole region.

    Attributes:
        nodata: Land cells without a value, impossible values included.
        out_of_range: Land cells whose value was impossible for the theme.
        count: Cells with a value, by band.
        total: Their sum, by band.
        low: Their minimum, by band; infinite where there is none.
        high: Their maximum, by band.
    """

    nodata: int
    out_of_range: int
    count: FloatArray
    total: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(
        cls, shown: FloatArray, known: BoolArray, impossible: BoolArray, land: BoolArray
    ) -> "Tally":
        """Count a window.

        Args:
            shown: Bands to be described; none for classes.
            known: Cells in which every band has a value.
            impossible: Cells in which a value was out of range.
            land: Land cells.
        """
        held = shown[:, land & known]
        return cls(
            nodata=int(np.count_nonzero(land & ~known)),
            out_of_range=int(np.count_nonzero(land & impossible)),
            count=np.full(len(shown), float(held.shape[1])),
            total=held.sum(axis=1),
            low=held.min(axis=1, initial=np.inf),
            high=held.max(axis=1, initial=-np.inf),
        )

    @classmethod
    def together(cls, parts: Iterable["Tally"]) -> "Tally":
        """The tally of all windows, in their order."""
        found = list(parts)
        return cls(
            nodata=sum(part.nodata for part in found),
            out_of_range=sum(part.out_of_range for part in found),
            count=np.sum([part.count for part in found], axis=0),
            total=np.sum([part.total for part in found], axis=0),
            low=np.min([part.low for part in found], axis=0),
            high=np.max([part.high for part in found], axis=0),
        )

    def document(self) -> dict[str, Any]:
        """Members of an input in the manifest; a list where there are several bands."""
        none = self.count == 0
        mean = np.divide(self.total, self.count, out=np.full(len(none), np.nan), where=~none)
        return {
            "nodata_cells": self.nodata,
            "out_of_range_cells": self.out_of_range,
            "min": _by_band(np.where(none, np.nan, self.low)),
            "mean": _by_band(mean),
            "max": _by_band(np.where(none, np.nan, self.high)),
        }


def possible(theme: str, bands: FloatArray) -> tuple[FloatArray, BoolArray]:
    """The bands without values out of the theme's range, and the cells that held any.

    Counts have no upper limit here: the range is that of a source cell, and cells may be larger.
    """
    rule = THEME_RULES[theme]
    low, high = rule.ranges[len(bands)]
    if rule.quantity is RasterQuantity.EXTENSIVE:
        high = np.inf
    outside: BoolArray = (bands < low) | (bands > high)
    if not outside.any():
        return bands, np.zeros(bands.shape[1:], dtype=bool)
    return np.where(outside, np.nan, bands), np.asarray(outside.any(axis=0))


def _by_band(values: FloatArray) -> float | list[float | None] | None:
    told = [None if np.isnan(value) else round(float(value), _DIGITS) for value in values]
    if not told:
        return None
    return told[0] if len(told) == 1 else told
