"""The units of a priority map: squares of cells, or regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import box
from shapely.geometry.base import BaseGeometry

from shanhai.errors import LimitExceeded
from shanhai.processes.kit.region import part_of
from shanhai.processes.select_sites.context import Siting
from shanhai.raster.vectorise import number_areas
from shanhai.science.grid import Grid, Window
from shanhai.vocabulary import Label

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
