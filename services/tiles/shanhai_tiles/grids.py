"""The tile grids: web mercator, WGS 84 degrees, and CGCS2000 degrees.

WGS 84 and CGCS2000 longitudes and latitudes are treated as the same: they differ by centimetres
and PROJ itself knows only a null shift between them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from morecantile import Tile, TileMatrixSet
from morecantile import tms as registered
from numpy.typing import NDArray
from pyproj import CRS

from shanhai.errors import NotFound
from shanhai.vocabulary import Label

EARTH_RADIUS_M = 6378137.0
TILE_SIZE = 256
CGCS2000 = 4490
DEEPEST_ZOOM = 22

Bounds = tuple[float, float, float, float]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileGrid:
    """A tile matrix set with what drawing needs to know of it.

    Attributes:
        tms: The set as morecantile describes it.
        title: Its name.
        srid: The EPSG code under which vectors are cut for it.
        geographic: Whether its unit is the degree.
    """

    tms: TileMatrixSet
    title: Label
    srid: int
    geographic: bool

    @property
    def id(self) -> str:
        """The identifier used in paths."""
        return str(self.tms.id)

    def bounds(self, zoom: int, column: int, row: int) -> Bounds:
        """West, south, east, north of a tile in the grid's own unit, x before y.

        Raises:
            NotFound: the tile lies outside the matrix.
        """
        matrix = self.tms.tileMatrices[zoom] if 0 <= zoom <= self.tms.maxzoom else None
        if (
            matrix is None
            or not 0 <= column < matrix.matrixWidth
            or not 0 <= row < matrix.matrixHeight
        ):
            raise NotFound(
                f"tile {zoom}/{column}/{row} is outside {self.id}",
                message_zh=f"瓦片 {zoom}/{column}/{row} 超出 {self.id} 的范围",
            )
        box = self.tms.xy_bounds(Tile(x=column, y=row, z=zoom))
        return (box.left, box.bottom, box.right, box.top)

    def to_lonlat(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitudes and latitudes in degrees of points of the grid."""
        if self.geographic:
            return x, y
        return np.degrees(x / EARTH_RADIUS_M), np.degrees(np.arctan(np.sinh(y / EARTH_RADIUS_M)))

    def lonlat_bounds(self, bounds: Bounds) -> Bounds:
        """The same box in degrees; exact, because both kinds of grid are cylindrical."""
        west, south, east, north = bounds
        lon, lat = self.to_lonlat(np.array([west, east]), np.array([south, north]))
        return (float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]))

    def document(self) -> dict[str, Any]:
        """The set in the JSON of the Two Dimensional Tile Matrix Set standard."""
        document: dict[str, Any] = self.tms.model_dump(mode="json", exclude_none=True)
        return document


def _cgcs2000_quad() -> TileMatrixSet:
    """Level 0 is two tiles of 180 degrees; the corner is written latitude first, as the CRS asks.

    The national map service counts the same levels from 1.
    """
    made: TileMatrixSet = TileMatrixSet.custom(
        [-180, -90, 180, 90],
        CRS.from_epsg(CGCS2000),
        id="CGCS2000Quad",
        title="CGCS2000 for the World",
        matrix_scale=[2, 1],
        minzoom=0,
        maxzoom=DEEPEST_ZOOM,
    )
    return made


WEB_MERCATOR = TileGrid(
    registered.get("WebMercatorQuad"), Label("网络墨卡托", "Web Mercator"), 3857, geographic=False
)
WORLD_CRS84 = TileGrid(
    registered.get("WorldCRS84Quad"), Label("WGS 84 经纬度", "WGS 84 degrees"), CGCS2000, True
)
CGCS2000_QUAD = TileGrid(
    _cgcs2000_quad(), Label("CGCS2000 经纬度", "CGCS2000 degrees"), CGCS2000, geographic=True
)

GRIDS: Mapping[str, TileGrid] = MappingProxyType(
    {grid.id: grid for grid in (WEB_MERCATOR, WORLD_CRS84, CGCS2000_QUAD)}
)


def grid_named(identifier: str) -> TileGrid:
    """The grid with this identifier.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    grid = GRIDS.get(identifier)
    if grid is None:
        known = ", ".join(GRIDS)
        raise NotFound(
            f"tile matrix set {identifier!r} is unknown; there are {known}",
            message_zh=f"没有名为 {identifier!r} 的瓦片矩阵集；可用：{known}",
        )
    return grid
