"""The zoning units of a study, squares or polygons, and the means of layers over them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import shape

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import Extremes
from shanhai.processes.kit.task import DistrictTask
from shanhai.raster.cells import number_areas
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.autocorrelation import Neighbours, lattice_neighbours, neighbours_of_pairs
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, IntArray, Window
from shanhai.science.normalisation import normalise
from shanhai.science.uncertainty.resampling import LEAST_BLOCK_M, block_side_m
from shanhai.science.zoning.contiguity import (
    label_contiguity,
    label_pairs,
    lattice_contiguity,
    lattice_points,
)
from shanhai.science.zoning.delineation import Layout
from shanhai.science.zoning.units import (
    Fishnet,
    PolygonSums,
    UnitTable,
    aggregate,
    join_sums,
    nearest_codes,
    polygon_codes,
    polygon_points,
    polygon_sums,
    rasterise,
    select_polygons,
    select_units,
    unit_codes,
)

WINDOW_CELLS = 512
Cell = TypeVar("Cell", np.float64, np.uint8, np.bool_)

_NORMALISED = {"supply_n": "supply", "demand_n": "demand"}


@dataclass(frozen=True, slots=True)
class LayerMeans:
    """The layers whose means over the units are wanted.

    Attributes:
        store: Holds the layers, or those they are normalised from.
        extremes: Limits of supplies and demands.
        layers: Columns of the table: stored layers, `supply_n.*` and `demand_n.*`.
    """

    store: ScratchStore
    extremes: Mapping[str, Extremes]
    layers: Sequence[str]

    def read(self, window: Window) -> FloatArray:
        """The layers in a window, one upon the other."""
        return np.stack([self._layer(layer, window) for layer in self.layers])

    def _layer(self, layer: str, window: Window) -> FloatArray:
        kind, _, service = layer.partition(".")
        if kind not in _NORMALISED:
            return self.store.read(layer, window)
        source = f"{_NORMALISED[kind]}.{service}"
        return normalise(self.store.read(source, window), self.extremes[source].limits)


Raster = Callable[[Window, BoolArray], ClassArray]
"""Codes of a window; 0 where the mask of its valid cells is False."""


class Tabled(Protocol):
    """The units with their means, and how they lie."""

    @property
    def units(self) -> UnitTable:
        """Units that take part."""
        ...

    @property
    def layout(self) -> Layout:
        """How they lie to one another."""
        ...

    def raster(self, zones: ClassArray) -> Raster:
        """The raster of the units' zones, those of the nearest in other units."""
        ...

    def own_raster(self, codes: ClassArray) -> Raster:
        """The raster of codes of the units; 0 beyond them."""
        ...

    def neighbours(self) -> Neighbours:
        """Which units share a side or a corner."""
        ...

    def points_m(self) -> FloatArray:
        """x and y of the units, m."""
        ...

    def block_m(self, ratio: FloatArray) -> float:
        """Side of the blocks within which the ratio of neighbours is alike, m."""
        ...


class Cut(Protocol):
    """An area cut into zoning units."""

    @property
    def unit_m(self) -> float | None:
        """Side of a unit, m; None where units have no common one."""
        ...

    def table(self, means: LayerMeans, runner: WindowRunner) -> Tabled:
        """Means over the units that are valid over half their area.

        Raises:
            InvalidInput: no unit is valid.
        """
        ...


@dataclass(frozen=True, slots=True)
class SquareCut:
    """Squares of whole cells, or the cells themselves."""

    fishnet: Fishnet

    @property
    def unit_m(self) -> float | None:
        """Side of a unit, m."""
        return self.fishnet.unit_cells * self.fishnet.grid.cell_m

    def doubled(self) -> "SquareCut":
        """Squares of twice the side."""
        return SquareCut(replace(self.fishnet, unit_cells=2 * self.fishnet.unit_cells))

    def table(self, means: LayerMeans, runner: WindowRunner) -> Tabled:
        """Means over the squares."""
        fishnet = self.fishnet
        size = fishnet.window_size(WINDOW_CELLS)
        windows = list(fishnet.grid.windows(size, fishnet.unit_cells))
        found = np.full((len(means.layers), *fishnet.shape), np.nan)
        cells = np.zeros(fishnet.shape, dtype=np.int64)
        parts = runner.run(partial(_aggregate, means, fishnet.unit_cells), windows)
        for window, (part, count) in zip(windows, parts, strict=True):
            rows, cols = fishnet.unit_slices(window)
            found[:, rows, cols] = part
            cells[rows, cols] = count
        units = select_units(found, cells, fishnet.unit_cells)
        return TabledSquares(units, Layout(lattice_contiguity, lattice_points), fishnet)


@dataclass(frozen=True, slots=True)
class TabledSquares:
    """Squares with their means."""

    units: UnitTable
    layout: Layout
    fishnet: Fishnet

    def raster(self, zones: ClassArray) -> Raster:
        """The raster of the squares' zones."""
        return partial(_square_codes, unit_codes(zones, self.units), self.fishnet.unit_cells)

    def own_raster(self, codes: ClassArray) -> Raster:
        """The raster of codes of the squares that take part."""
        return partial(_square_codes, self._lattice(codes, np.uint8(0)), self.fishnet.unit_cells)

    def neighbours(self) -> Neighbours:
        """Squares that share a side or a corner."""
        taking_part = np.ones(len(self.units.index), dtype=bool)
        return lattice_neighbours(self._lattice(taking_part, np.False_))

    def points_m(self) -> FloatArray:
        """Column and row of the squares, as far apart as they are, m."""
        return self._unit_m * lattice_points(self.units)

    def block_m(self, ratio: FloatArray) -> float:
        """From the correlogram of the ratio."""
        return block_side_m(self._lattice(ratio, np.float64(np.nan)), self._unit_m)

    def _lattice(self, values: NDArray[Cell], none: Cell) -> NDArray[Cell]:
        """Values of the squares in their places."""
        lattice = np.full(self.units.shape[0] * self.units.shape[1], none)
        lattice[self.units.index] = values
        return lattice.reshape(self.units.shape)

    @property
    def _unit_m(self) -> float:
        return self.fishnet.unit_cells * self.fishnet.grid.cell_m


def _square_codes(
    unit_raster: ClassArray, unit_cells: int, window: Window, valid: BoolArray
) -> ClassArray:
    return np.where(valid, rasterise(unit_raster, unit_cells, window), np.uint8(0))


def _aggregate(means: LayerMeans, unit_cells: int, window: Window) -> tuple[FloatArray, IntArray]:
    return aggregate(means.read(window), unit_cells)


MOST_POLYGONS = 65_535


@dataclass(frozen=True, slots=True)
class PolygonCut:
    """Polygons, as a raster of their numbers.

    Attributes:
        grid: The analysis grid.
        numbers: Number of the polygon in each cell, from 1; 0 is none.
        count: Number of polygons.
    """

    grid: Grid
    numbers: NDArray[np.unsignedinteger]
    count: int

    @property
    def unit_m(self) -> float | None:
        """Polygons have no common side."""
        return None

    def table(self, means: LayerMeans, runner: WindowRunner) -> Tabled:
        """Means over the polygons."""
        windows = list(self.grid.windows(WINDOW_CELLS))
        items = [(window, self.numbers[window.slices]) for window in windows]
        sums = join_sums(runner.run(partial(_sum_up, means, self.count), items))
        points = polygon_points(sums)
        layout = Layout(
            lambda units: label_contiguity(self.numbers, units, points[units.index]),
            lambda units: points[units.index],
        )
        return TabledPolygons(select_polygons(sums), layout, self, points)


@dataclass(frozen=True, slots=True)
class TabledPolygons:
    """Polygons with their means.

    Attributes:
        units: Polygons that take part.
        layout: How they lie to one another.
        cut: The polygons.
        points: Column and row of the middle of every polygon, in cells.
    """

    units: UnitTable
    layout: Layout
    cut: PolygonCut
    points: FloatArray

    def raster(self, zones: ClassArray) -> Raster:
        """The raster of the polygons' zones; cells outside all have that of the nearest inside."""
        every = np.append(np.uint8(0), polygon_codes(zones, self.units, self.points))
        whole: ClassArray = every[self.cut.numbers]
        filled = cache(partial(nearest_codes, whole))

        def codes(window: Window, valid: BoolArray) -> ClassArray:
            own = whole[window.slices]
            if (valid & (own == 0)).any():
                own = filled()[window.slices]
            return np.where(valid, own, np.uint8(0))

        return codes

    def own_raster(self, codes: ClassArray) -> Raster:
        """The raster of codes of the polygons that take part."""
        table = np.zeros(self.cut.count + 1, dtype=np.uint8)
        table[self.units.index + 1] = codes
        return lambda window, valid: np.where(
            valid, table[self.cut.numbers[window.slices]], np.uint8(0)
        )

    def neighbours(self) -> Neighbours:
        """Polygons that share a side or a corner of a cell."""
        pairs = label_pairs(self.cut.numbers, self.units)
        return neighbours_of_pairs(pairs, len(self.units.index))

    def points_m(self) -> FloatArray:
        """Middles of the polygons, m."""
        return np.asarray(self.cut.grid.cell_m * self.points[self.units.index])

    def block_m(self, ratio: FloatArray) -> float:
        """The least: polygons lie on no lattice a correlogram could be taken of."""
        return LEAST_BLOCK_M


def polygon_cut(units: Sequence[DistrictTask], grid: Grid) -> PolygonCut:
    """The regions of a task as units; where they overlap the first one keeps the cell.

    Raises:
        InvalidInput: there are fewer than two, or more than numbers.
    """
    if not 2 <= len(units) <= MOST_POLYGONS:
        raise InvalidInput(
            f"units are polygons and {len(units)} were given; there must be 2 to {MOST_POLYGONS}",
            message_zh=f"以多边形为分区单元时须有 2 至 {MOST_POLYGONS} 个，现有 {len(units)} 个",
            pointer="/inputs/parameters/unit_regions",
        )
    crs = f"EPSG:{grid.epsg}"
    shapes = [reproject_geometry(shape(one.geometry), LON_LAT, crs) for one in units]
    return PolygonCut(grid, number_areas(shapes, grid), len(units))


def _sum_up(means: LayerMeans, count: int, item: tuple[Window, NDArray[Any]]) -> PolygonSums:
    window, numbers = item
    return polygon_sums(means.read(window), numbers, count, window.row, window.col)
