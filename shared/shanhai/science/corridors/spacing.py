"""How far apart the cells of a raster lie: metric cells, and cells in degrees."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.geodesy import metres_per_degree


class Spacing(Protocol):
    """Lengths between the centres of cells."""

    @property
    def by_row(self) -> bool:
        """Whether a step is longer in some rows than in others."""
        ...

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step of so many rows and columns from each of `rows`."""
        ...

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Eastings and northings of cell centres, m, shape (n, 2); the origin is anywhere."""
        ...


@dataclass(frozen=True, slots=True)
class MetricCells:
    """Cells of a projected CRS, which may be oblong.

    Attributes:
        width_m: West to east, m.
        height_m: North to south, m.
    """

    width_m: float
    height_m: float

    def __post_init__(self) -> None:
        """Refuse cells without extent."""
        _require_positive(width_m=self.width_m, height_m=self.height_m)

    @property
    def by_row(self) -> bool:
        """Never: all rows are alike."""
        return False

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step of so many rows and columns."""
        return np.full(len(rows), math.hypot(across * self.width_m, down * self.height_m))

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Metres east and north of the first cell."""
        return np.stack([cols * self.width_m, rows * -self.height_m], axis=1)


@dataclass(frozen=True, slots=True)
class GeographicCells:
    """Cells in degrees of longitude and latitude on CGCS2000 or WGS 84.

    Attributes:
        width_deg: West to east, degrees.
        height_deg: North to south, degrees.
        north_deg: Latitude of the northern edge of the first row, −90…90.
    """

    width_deg: float
    height_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        """Refuse cells without extent and an edge beyond the poles."""
        _require_positive(width_deg=self.width_deg, height_deg=self.height_deg)
        if not -90 < self.north_deg <= 90:
            raise InvalidInput(
                f"north_deg is {self.north_deg}; a latitude lies between -90 and 90 degrees",
                message_zh=f"north_deg 为 {self.north_deg}，纬度须在 -90 与 90 度之间",
                pointer="/north_deg",
            )

    @property
    def by_row(self) -> bool:
        """Always: parallels shorten towards the poles."""
        return True

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step, by the lengths of a degree at the mean latitude of its two rows."""
        latitude = self.north_deg - (rows.astype(np.float64) + 0.5 + down / 2) * self.height_deg
        north_south, east_west = metres_per_degree(latitude)
        lengths: FloatArray = np.hypot(
            across * self.width_deg * east_west, down * self.height_deg * north_south
        )
        return lengths

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Metres on the plane that is true at the mean latitude of the cells."""
        latitude = self.north_deg - (rows.astype(np.float64) + 0.5) * self.height_deg
        north_south, east_west = metres_per_degree(np.array([float(latitude.mean())]))
        return np.stack([cols * self.width_deg * east_west, latitude * north_south], axis=1)


def square_cells(cell_m: float) -> MetricCells:
    """Cells of equal sides, m."""
    return MetricCells(cell_m, cell_m)


def _require_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (math.isfinite(size) and size > 0):
            raise InvalidInput(
                f"{name} is {size}; it must be a positive number",
                message_zh=f"{name} 为 {size}，须为正数",
                pointer=f"/{name}",
            )
