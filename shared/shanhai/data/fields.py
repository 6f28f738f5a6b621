"""Values on a regular longitude and latitude grid, and their interpolation."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.data.bounding_boxes import Box
from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray

METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class GeographicField:
    """Bands of a north-up grid in WGS 84; `west` and `north` are edges, not cell centres."""

    values: NDArray[Any]
    west: float
    north: float
    step_deg: float

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Coefficients a, b, c, d, e, f from column, row to longitude, latitude."""
        return (self.step_deg, 0.0, self.west, 0.0, -self.step_deg, self.north)

    @property
    def cell_m(self) -> float:
        """Height of a cell, m; its width is smaller away from the equator."""
        return self.step_deg * METRES_PER_DEGREE

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of every cell centre, degrees."""
        _, height, width = self.values.shape
        longitude = self.west + (np.arange(width) + 0.5) * self.step_deg
        latitude = self.north - (np.arange(height) + 0.5) * self.step_deg
        lon, lat = np.meshgrid(longitude, latitude)
        return lon, lat

    def cut(self, box: Box, margin: int) -> "GeographicField":
        """The cells that touch `box` and `margin` more on each side.

        Raises:
            InvalidInput: the box and its margin reach beyond the field.
        """
        west, south, east, north = box
        _, height, width = self.values.shape
        first = int(np.floor((west - self.west) / self.step_deg)) - margin
        last = int(np.ceil((east - self.west) / self.step_deg)) + margin
        top = int(np.floor((self.north - north) / self.step_deg)) - margin
        bottom = int(np.ceil((self.north - south) / self.step_deg)) + margin
        if first < 0 or top < 0 or last > width or bottom > height:
            raise InvalidInput(f"box {box} with {margin} cells around it leaves the field")
        return GeographicField(
            self.values[:, top:bottom, first:last],
            self.west + first * self.step_deg,
            self.north - top * self.step_deg,
            self.step_deg,
        )

    def sample(
        self, longitude: FloatArray, latitude: FloatArray, order: Literal[1, 3] = 1
    ) -> FloatArray:
        """Values between the cell centres, bilinear (`order` 1) or bicubic (3), bands first."""
        rows = (self.north - latitude) / self.step_deg - 0.5
        columns = (longitude - self.west) / self.step_deg - 0.5
        cells = np.stack([rows, columns])
        return np.stack(
            [
                ndimage.map_coordinates(band, cells, order=order, mode="nearest")
                for band in self.values
            ]
        )
