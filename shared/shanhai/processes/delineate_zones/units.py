"""The zoning units of a study: how they are cut, and the means of layers over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from shanhai.processes.assess_ecoservices.supply_demand import Extremes
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.grid import Window
from shanhai.science.normalisation import normalise
from shanhai.science.uncertainty.bootstrap import block_side_m
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import Layout
from shanhai.science.zoning.units import (
    Fishnet,
    UnitTable,
    aggregate,
    rasterise,
    select_units,
    unit_codes,
)

WINDOW_CELLS = 512

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

    def codes(self, zones: ClassArray, valid: BoolArray) -> ClassArray:
        """The raster of the units' zones; 0 where `valid` is False."""
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

    def table(self, means: LayerMeans, runner: WindowRunner) -> Tabled:
        """Means over the squares."""
        fishnet = self.fishnet
        windows = list(fishnet.grid.windows(fishnet.window_size(WINDOW_CELLS)))
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

    def codes(self, zones: ClassArray, valid: BoolArray) -> ClassArray:
        """The raster of the squares' zones."""
        return rasterise(unit_codes(zones, self.units), self.fishnet, valid)

    def points_m(self) -> FloatArray:
        """Column and row of the squares, as far apart as they are, m."""
        return self._unit_m * lattice_points(self.units)

    def block_m(self, ratio: FloatArray) -> float:
        """From the correlogram of the ratio."""
        shape = self.units.shape
        lattice = np.full(shape[0] * shape[1], np.nan)
        lattice[self.units.index] = ratio
        return block_side_m(lattice.reshape(shape), self._unit_m)

    @property
    def _unit_m(self) -> float:
        return self.fishnet.unit_cells * self.fishnet.grid.cell_m


def _aggregate(means: LayerMeans, unit_cells: int, window: Window) -> tuple[FloatArray, IntArray]:
    return aggregate(means.read(window), unit_cells)
