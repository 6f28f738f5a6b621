"""What every step of a selection works on, and the units of its land: how urgent each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import box
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import LimitExceeded
from shanhai.processes.kit.region import LAND, AtPlace, part_of
from shanhai.processes.select_sites.contract import (
    PRIORITY_LAYER,
    SelectionParameters,
    SelectSitesInputs,
)
from shanhai.processes.select_sites.place_lookup import RATIO
from shanhai.processes.select_sites.sites import components_of
from shanhai.processes.select_sites.task import PlaceKind, PlaceTask, SelectionTask, SelectSitesTask
from shanhai.raster.cells import cells_touched, cells_within, number_areas
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource, align
from shanhai.science.grid import FloatArray, Grid, IntArray, Window
from shanhai.science.selection.priority import UnitPriority, unit_priority
from shanhai.vocabulary import Label

HECTARE_M2 = 1e4


@dataclass(frozen=True)
class Siting(AtPlace):
    """A region, its places and what was asked.

    Attributes:
        inputs: What was asked.
        task: All that a computation was given.
    """

    inputs: SelectSitesInputs
    task: SelectSitesTask

    @property
    def parameters(self) -> SelectionParameters:
        """Parameters of the run."""
        return self.inputs.parameters

    @property
    def selection(self) -> SelectionTask:
        """Places and money."""
        return self.task.selection or SelectionTask()

    @property
    def ratio(self) -> RasterSource | None:
        """The comprehensive ratio, if there is one."""
        return self.place.sources.get(RATIO)

    @cached_property
    def shapes(self) -> Mapping[str, BaseGeometry]:
        """Geometry of each place by code, in the CRS of the grid."""
        return {one.code: self.placed(one.geometry) for one in self.selection.places}

    def places(self, *kinds: PlaceKind) -> list[tuple[PlaceTask, BaseGeometry]]:
        """Places of some kinds with their geometries."""
        return [(one, self.shapes[one.code]) for one in self.selection.of_kind(*kinds)]

    def placed(self, geometry: Mapping[str, Any]) -> BaseGeometry:
        """A GeoJSON geometry in the CRS of the grid."""
        return reproject_geometry(shape(dict(geometry)), LON_LAT, f"EPSG:{self.grid.epsg}")

    def common(self, geometry: BaseGeometry, drawn: BaseGeometry) -> BaseGeometry:
        """What a geometry of the grid shares with one in degrees, where edges are straight."""
        crs = f"EPSG:{self.grid.epsg}"
        own = reproject_geometry(geometry, crs, LON_LAT)
        own = shapely.make_valid(own, method="structure", keep_collapsed=False)
        return reproject_geometry(shapely.intersection(own, drawn), LON_LAT, crs)


MOST_UNITS = 50_000


@dataclass(frozen=True, slots=True)
class Units:
    """How a grid is cut into units, numbered from 1.

    Attributes:
        grid: The analysis grid.
        side: Cells on the side of a square; 0 where units are polygons.
        polygons: The polygons, in the CRS of the grid.
        names: Code and names of each polygon.
    """

    grid: Grid
    side: int
    polygons: Sequence[BaseGeometry] = ()
    names: Sequence[tuple[str, Label]] = ()

    @property
    def columns(self) -> int:
        """Squares side by side."""
        return -(-self.grid.width // self.side)

    @property
    def count(self) -> int:
        """How many there are, with land or without."""
        if not self.side:
            return len(self.polygons)
        return self.columns * -(-self.grid.height // self.side)

    def numbers(self, window: Window) -> NDArray[np.int64]:
        """Number of the unit of each cell of a window; 0 outside all."""
        if not self.side:
            return number_areas(self.polygons, part_of(self.grid, window)).astype(np.int64)
        rows = (window.row + np.arange(window.height)) // self.side
        cols = (window.col + np.arange(window.width)) // self.side
        return np.asarray(rows[:, None] * self.columns + cols[None, :] + 1)

    def name(self, number: int) -> tuple[str, Label]:
        """Code and name of a unit."""
        if not self.side:
            return self.names[number - 1]
        code = f"unit-{number:05}"
        return code, Label(f"单元 {number:05}", f"Unit {number:05}")

    def shape(self, number: int, outline: BaseGeometry) -> BaseGeometry:
        """Outline of a unit within the region, in the CRS of the grid."""
        if not self.side:
            return self.polygons[number - 1]
        row, col = divmod(number - 1, self.columns)
        side_m = self.side * self.grid.cell_m
        west, north = self.grid.west + col * side_m, self.grid.north - row * side_m
        return shapely.intersection(box(west, north - side_m, west + side_m, north), outline)


def cut_units(siting: Siting) -> Units:
    """The units that were asked for.

    Raises:
        LimitExceeded: there are too many.
    """
    parameters = siting.parameters
    if parameters.units == "polygons":
        units = siting.task.units
        return Units(
            siting.grid,
            0,
            [siting.placed(one.geometry) for one in units],
            [(one.code, Label(one.name_zh, one.name_en)) for one in units],
        )
    found = Units(siting.grid, round(parameters.unit_m / siting.grid.cell_m))
    if found.count > MOST_UNITS:
        raise LimitExceeded(
            f"unit_m {parameters.unit_m:g} gives {found.count} units; at most {MOST_UNITS} are "
            "ranked",
            message_zh=f"unit_m {parameters.unit_m:g} 产生 {found.count} 个单元，"
            f"上限为 {MOST_UNITS}",
            pointer="/inputs/parameters/unit_m",
        )
    return found


DEFICIT = "deficit"
_MEAN_DIGITS = 9
SEVERITY: Mapping[str | None, float] = {"info": 0.25, "low": 1.0, "medium": 2.0, "high": 3.0}
"""What a problem counts for; one without a severity counts as `low`."""

Spot = tuple[BaseGeometry, float]
"""A geometry in the CRS of the grid, and what it weighs."""


@dataclass(frozen=True, slots=True)
class Priority:
    """Units with land, and how urgent each is.

    Attributes:
        units: How the region is cut.
        numbers: Of the units that have land.
        land_ha: Land of each.
        found: Scores, levels and their parts.
    """

    units: Units
    numbers: IntArray
    land_ha: FloatArray
    found: UnitPriority

    def name(self, place: int) -> tuple[str, Label]:
        """Code and name of a unit, by its place among those with land."""
        return self.units.name(int(self.numbers[place]))

    def shape(self, place: int, outline: BaseGeometry) -> BaseGeometry:
        """Its outline, in the CRS of the grid."""
        return self.units.shape(int(self.numbers[place]), outline)


def severity_of(place: PlaceTask) -> float:
    """What a problem counts for."""
    return SEVERITY.get(place.severity, SEVERITY["low"])


def find_priority(siting: Siting) -> Priority | None:
    """Write the layer `priority` and tell the units; None where there is nothing to rank by.

    Layers written: `deficit`, where there is a ratio, and `priority`.
    """
    names = components_of(list(siting.task.datasets), siting.selection)
    if not names:
        return None
    units = cut_units(siting)
    if siting.ratio is not None:
        siting.store.create(DEFICIT)
    sampling = _Sampling(siting.store, siting.grid, units, siting.ratio, _spots(siting, names))
    land, known = np.zeros(units.count), np.zeros(units.count)
    sums = {name: np.zeros(units.count) for name in names}
    for numbers, parts in siting.place.each(partial(_sample, sampling)):
        places = numbers - 1
        land[places] += parts[LAND]
        known[places] += parts.get("known", 0.0)
        for name in names:
            sums[name][places] += parts[name]
    there = np.flatnonzero(land > 0)
    layers = {
        name: _means(sums[name][there], known[there] if name == DEFICIT else land[there])
        for name in names
    }
    found = unit_priority(layers, _weights(siting, names))
    siting.store.create(PRIORITY_LAYER)
    scores = np.full(units.count + 1, np.nan)
    scores[there + 1] = found.scores
    siting.place.each(partial(_write_scores, siting.store, units, scores))
    return Priority(units, there + 1, land[there] * siting.grid.cell_area_ha, found)


def _means(sums: FloatArray, cells: FloatArray) -> FloatArray:
    """Means, rounded: equal ones must stay equal however the windows cut their sums."""
    means = np.full(sums.shape, np.nan)
    np.divide(sums, cells, out=means, where=cells > 0)
    return means.round(_MEAN_DIGITS)


def _weights(siting: Siting, names: Sequence[str]) -> Mapping[str, float] | None:
    given = siting.parameters.priority_weights
    if not given:
        return None
    return {name: dict(given).get(name, 0.0) for name in names}  # type: ignore[call-overload]


def _spots(siting: Siting, names: Sequence[str]) -> Mapping[str, Sequence[Spot]]:
    """Geometries and weights of every component that is no raster."""
    found: dict[str, list[Spot]] = {
        "pinch_points": [(shape, one.score or 0.0) for one, shape in siting.places("pinch_point")],
        "barriers": [(shape, one.score or 0.0) for one, shape in siting.places("barrier")],
        "problems": [(shape, severity_of(one)) for one, shape in siting.places("problem")],
    }
    return {name: spots for name, spots in found.items() if name in names}


@dataclass(frozen=True, slots=True)
class _Sampling:
    """What the sums of units are made from.

    Attributes:
        store: Holds the land.
        grid: The analysis grid.
        units: How it is cut.
        ratio: The comprehensive ratio; negative where supply falls short.
        spots: By component.
    """

    store: ScratchStore
    grid: Grid
    units: Units
    ratio: RasterSource | None
    spots: Mapping[str, Sequence[Spot]]


def _sample(sampling: _Sampling, window: Window) -> tuple[IntArray, dict[str, FloatArray]]:
    """Sums over the land of each unit in a window; writes the deficit of the window."""
    land = sampling.store.read_classes(LAND, window) == 1
    units = np.where(land, sampling.units.numbers(window), 0)
    numbers, places = np.unique(units, return_inverse=True)
    places = places.reshape(units.shape)

    def sums(values: FloatArray) -> FloatArray:
        counted = np.bincount(places.ravel(), values.ravel(), minlength=len(numbers))
        return np.asarray(counted, dtype=np.float64)

    parts = {LAND: sums(land.astype(np.float64))}
    if sampling.ratio is not None:
        ratio = align(sampling.ratio, sampling.grid, window)[0]
        deficit = np.where(land, np.maximum(-ratio, 0.0), np.nan)
        sampling.store.write(DEFICIT, window, deficit)
        parts[DEFICIT] = sums(np.nan_to_num(deficit))
        parts["known"] = sums(np.isfinite(deficit).astype(np.float64))
    for name, spots in sampling.spots.items():
        parts[name] = sums(_burnt(spots, sampling.grid, window))
    kept = numbers > 0
    return numbers[kept], {name: values[kept] for name, values in parts.items()}


def _burnt(spots: Sequence[Spot], grid: Grid, window: Window) -> FloatArray:
    """Sum of the weights of the spots in each cell; of what is no polygon, where it touches."""
    found = np.zeros((window.height, window.width))
    west, south, east, north = grid.window_bounds(window)
    for geometry, weight in spots:
        low_x, low_y, high_x, high_y = geometry.bounds
        if low_x > east or high_x < west or low_y > north or high_y < south:
            continue
        flat = shapely.get_dimensions(geometry) < 2
        cells = (cells_touched if flat else cells_within)(geometry, grid, window)
        found += weight * cells
    return found


def _write_scores(store: ScratchStore, units: Units, scores: FloatArray, window: Window) -> None:
    land = store.read_classes(LAND, window) == 1
    store.write(PRIORITY_LAYER, window, np.where(land, scores[units.numbers(window)], np.nan))
