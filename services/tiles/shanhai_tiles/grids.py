"""The tile grids: web mercator, WGS 84 degrees, CGCS2000 degrees, CGCS2000 Gauss-Krüger.

WGS 84 and CGCS2000 longitudes and latitudes are treated as the same: they differ by centimetres
and PROJ itself knows only a null shift between them.

Boxes are west, south, east, north, x before y, whatever order a grid's reference system writes its
axes in; only documents for others follow that order.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np
from morecantile import TileMatrixSet
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from shanhai.errors import NotFound
from shanhai.vocabulary import Label
from shanhai_tiles.tile_matrix_sets import TileMatrixDescription, TileMatrixSetDescription


@lru_cache(maxsize=64)
def projection(crs: str) -> Transformer:
    """From degrees of the system's own datum to its coordinates, x first."""
    system = CRS.from_user_input(crs)
    return Transformer.from_crs(system.geodetic_crs, system, always_xy=True)


EARTH_RADIUS_M = 6378137.0
EQUATOR_M = 2 * math.pi * EARTH_RADIUS_M
DEGREE_M = EQUATOR_M / 360
TILE_SIZE = 256
PIXEL_M = 0.00028
"""The pixel of the standards' scale denominators."""
CGCS2000 = 4490
STEEPEST = 85.0511287798066
"""Latitude at which web mercator is cut off."""
EDGE_STEPS = 17

Bounds = tuple[float, float, float, float]
FloatArray = NDArray[np.float64]
Kind = Literal["degrees", "mercator", "gauss_kruger"]


@dataclass(frozen=True, slots=True)
class TileSpan:
    """The columns and rows, first and last, of one level that touch a box."""

    columns: tuple[int, int]
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TileGrid:
    """A tile matrix set whose levels halve the cell of the one above.

    Attributes:
        id: The identifier used in paths.
        title: Its name.
        crs: The reference system as the standards' URI.
        srid: The EPSG code under which vectors are cut for it.
        kind: How its coordinates come from degrees.
        origin: x and y of the upper left corner.
        cell: Side of a pixel of level 0, in the grid's unit.
        size: Columns and rows of level 0.
        deepest: The last level.
        y_first: Whether the reference system writes the northern axis first.
        area: The box in degrees that the grid is meant for.
        uri: Identifier in the OGC register, if it is registered.
        scale_set: The well-known scale set it agrees with, as the last part of its URI.
    """

    id: str
    title: Label
    crs: str
    srid: int
    kind: Kind
    origin: tuple[float, float]
    cell: float
    size: tuple[int, int]
    deepest: int
    y_first: bool
    area: Bounds
    uri: str | None = None
    scale_set: str | None = None

    @property
    def geographic(self) -> bool:
        """Whether its unit is the degree."""
        return self.kind == "degrees"

    @property
    def corner(self) -> tuple[float, float]:
        """The upper left corner in the axis order of the reference system."""
        x, y = self.origin
        return (y, x) if self.y_first else (x, y)

    @property
    def tms(self) -> TileMatrixSet:
        """The set for libraries that read morecantile's."""
        return _morecantile(self)

    def cell_at(self, zoom: int) -> float:
        """Side of a pixel in the grid's unit."""
        return self.cell / 2.0**zoom

    def scale_at(self, zoom: int) -> float:
        """Scale denominator for pixels of 0.28 mm."""
        return self.cell_at(zoom) * (DEGREE_M if self.geographic else 1.0) / PIXEL_M

    def size_at(self, zoom: int) -> tuple[int, int]:
        """Columns and rows of a level."""
        return self.size[0] << zoom, self.size[1] << zoom

    def level_like(self, mercator_zoom: int) -> int:
        """The first level whose pixels are no larger than those of web mercator's `zoom`."""
        cell_m = self.cell * (DEGREE_M if self.geographic else 1.0)
        level = math.ceil(math.log2(cell_m / (EQUATOR_M / TILE_SIZE)) + mercator_zoom - 1e-9)
        return min(max(level, 0), self.deepest)

    def bounds(self, zoom: int, column: int, row: int) -> Bounds:
        """West, south, east, north of a tile in the grid's own unit.

        Raises:
            NotFound: the tile lies outside the matrix.
        """
        if not (0 <= zoom <= self.deepest and self._has(zoom, column, row)):
            raise NotFound(
                f"tile {zoom}/{column}/{row} is outside {self.id}",
                message_zh=f"瓦片 {zoom}/{column}/{row} 超出 {self.id} 的范围",
            )
        side = self.cell_at(zoom) * TILE_SIZE
        west, north = self.origin
        return (
            west + column * side,
            north - (row + 1) * side,
            west + (column + 1) * side,
            north - row * side,
        )

    def _has(self, zoom: int, column: int, row: int) -> bool:
        columns, rows = self.size_at(zoom)
        return 0 <= column < columns and 0 <= row < rows

    def to_lonlat(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Longitudes and latitudes in degrees of points of the grid."""
        if self.kind == "degrees":
            return x, y
        if self.kind == "mercator":
            return np.degrees(x / EARTH_RADIUS_M), np.degrees(
                np.arctan(np.sinh(y / EARTH_RADIUS_M))
            )
        lon, lat = projection(f"EPSG:{self.srid}").transform(x, y, direction="INVERSE")
        return lon, lat

    def from_lonlat(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points of the grid from longitudes and latitudes in degrees."""
        if self.kind == "degrees":
            return lon, lat
        if self.kind == "mercator":
            return np.radians(lon) * EARTH_RADIUS_M, np.arcsinh(
                np.tan(np.radians(lat))
            ) * EARTH_RADIUS_M
        x, y = projection(f"EPSG:{self.srid}").transform(lon, lat)
        return x, y

    def lonlat_bounds(self, bounds: Bounds) -> Bounds:
        """The box in degrees around a box of the grid; the same box where it is cylindrical."""
        if self.kind != "mercator":
            return _around(*self.to_lonlat(*self._edge(bounds)))
        # Each tile asks for some: an array for two numbers takes ten times as long as they do.
        west, south, east, north = (side / EARTH_RADIUS_M for side in bounds)
        lat = [math.degrees(math.atan(math.sinh(side))) for side in (south, north)]
        return math.degrees(west), lat[0], math.degrees(east), lat[1]

    def grid_bounds(self, lonlat: Bounds) -> Bounds | None:
        """The box of the grid around a box in degrees; None where the grid is not meant for it."""
        west, south = max(lonlat[0], self.area[0]), max(lonlat[1], self.area[1])
        east, north = min(lonlat[2], self.area[2]), min(lonlat[3], self.area[3])
        if west > east or south > north:
            return None
        return _around(*self.from_lonlat(*self._edge((west, south, east, north))))

    def span(self, zoom: int, lonlat: Bounds) -> TileSpan | None:
        """The tiles of a level that touch a box in degrees."""
        box = self.grid_bounds(lonlat)
        if box is None:
            return None
        side = self.cell_at(zoom) * TILE_SIZE
        columns, rows = self.size_at(zoom)
        west, north = self.origin
        return TileSpan(
            (_within((box[0] - west) / side, columns), _within((box[2] - west) / side, columns)),
            (_within((north - box[3]) / side, rows), _within((north - box[1]) / side, rows)),
        )

    def _edge(self, box: Bounds) -> tuple[FloatArray, FloatArray]:
        """Points along a box; two of its corners suffice where the grid is cylindrical."""
        west, south, east, north = box
        wide, high = east - west, north - south
        if self.kind != "gauss_kruger":
            return np.array([west, west + wide]), np.array([south, south + high])
        steps = np.linspace(0.0, 1.0, EDGE_STEPS)
        across, up = west + steps * wide, south + steps * high
        x = np.concatenate([across, across, np.full_like(up, west), np.full_like(up, east)])
        y = np.concatenate([np.full_like(across, south), np.full_like(across, north), up, up])
        return x, y

    def document(self) -> TileMatrixSetDescription:
        """The set as the Two Dimensional Tile Matrix Set standard describes it."""
        scale_set = self.scale_set and f"http://www.opengis.net/def/wkss/OGC/1.0/{self.scale_set}"
        return TileMatrixSetDescription(
            id=self.id,
            title=self.title.en,
            uri=self.uri,
            crs=self.crs,
            ordered_axes=self._axes(),
            well_known_scale_set=scale_set,
            tile_matrices=[self._matrix(zoom) for zoom in range(self.deepest + 1)],
        )

    def _axes(self) -> list[str]:
        if self.geographic:
            return ["Lat", "Lon"] if self.y_first else ["Lon", "Lat"]
        # EPSG calls the northern axis of the Chinese zones X; readers take X to be the eastern one.
        return ["N", "E"] if self.y_first else ["X", "Y"]

    def _matrix(self, zoom: int) -> TileMatrixDescription:
        columns, rows = self.size_at(zoom)
        return TileMatrixDescription(
            id=str(zoom),
            scale_denominator=self.scale_at(zoom),
            cell_size=self.cell_at(zoom),
            point_of_origin=self.corner,
            tile_width=TILE_SIZE,
            tile_height=TILE_SIZE,
            matrix_width=columns,
            matrix_height=rows,
        )


@lru_cache(maxsize=32)
def _morecantile(grid: TileGrid) -> TileMatrixSet:
    made: TileMatrixSet = TileMatrixSet.model_validate(grid.document().as_json())
    return made


def _around(x: FloatArray, y: FloatArray) -> Bounds:
    return (float(x.min()), float(y.min()), float(x.max()), float(y.max()))


def _within(position: float, count: int) -> int:
    return min(max(math.floor(position), 0), count - 1)


_REGISTERED = "http://www.opengis.net/def/tilematrixset/OGC/1.0/"

WEB_MERCATOR = TileGrid(
    id="WebMercatorQuad",
    title=Label("网络墨卡托", "Web Mercator"),
    crs="http://www.opengis.net/def/crs/EPSG/0/3857",
    srid=3857,
    kind="mercator",
    origin=(-EQUATOR_M / 2, EQUATOR_M / 2),
    cell=EQUATOR_M / TILE_SIZE,
    size=(1, 1),
    deepest=24,
    y_first=False,
    area=(-180.0, -STEEPEST, 180.0, STEEPEST),
    uri=f"{_REGISTERED}WebMercatorQuad",
    scale_set="GoogleMapsCompatible",
)
WORLD_CRS84 = TileGrid(
    id="WorldCRS84Quad",
    title=Label("WGS 84 经纬度", "WGS 84 degrees"),
    crs="http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    srid=CGCS2000,
    kind="degrees",
    origin=(-180.0, 90.0),
    cell=0.703125,
    size=(2, 1),
    deepest=23,
    y_first=False,
    area=(-180.0, -90.0, 180.0, 90.0),
    uri=f"{_REGISTERED}WorldCRS84Quad",
    scale_set="GoogleCRS84Quad",
)
CGCS2000_QUAD = replace(
    WORLD_CRS84,
    id="CGCS2000Quad",
    title=Label("CGCS2000 经纬度", "CGCS2000 degrees"),
    crs=f"http://www.opengis.net/def/crs/EPSG/0/{CGCS2000}",
    deepest=22,
    y_first=True,
    uri=None,
    scale_set=None,
)

_GK_SIDE_M = 2**20
_GK_ROWS = 6


def _gauss_kruger(meridian: int) -> TileGrid:
    """The 3-degree zone about a meridian: cells of 4096 m, then 2048 m … down to 1.6 cm.

    Level 0 is a column of six tiles of 1048.576 km, half of it on each side of the meridian, from
    the equator up: 56 degrees north, and at 30 degrees 5 degrees to either side, where the series
    of the projection are still exact.
    """
    epsg = 4534 + (meridian - 75) // 3
    return TileGrid(
        id=f"CGCS2000GK{meridian}",
        title=Label(
            f"CGCS2000 高斯-克吕格 3 度带，中央经线 {meridian}°E",
            f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E",
        ),
        crs=f"http://www.opengis.net/def/crs/EPSG/0/{epsg}",
        srid=epsg,
        kind="gauss_kruger",
        origin=(500_000.0 - _GK_SIDE_M / 2, float(_GK_ROWS * _GK_SIDE_M)),
        cell=_GK_SIDE_M / TILE_SIZE,
        size=(1, _GK_ROWS),
        deepest=18,
        y_first=True,
        area=(meridian - 4.7, 0.0, meridian + 4.7, 56.4),
    )


WORLD_GRIDS = (WEB_MERCATOR, WORLD_CRS84, CGCS2000_QUAD)
GAUSS_KRUGER: Mapping[int, TileGrid] = MappingProxyType(
    {meridian: _gauss_kruger(meridian) for meridian in range(75, 136, 3)}
)
"""By central meridian in degrees east."""

GRIDS: Mapping[str, TileGrid] = MappingProxyType(
    {grid.id: grid for grid in (*WORLD_GRIDS, *GAUSS_KRUGER.values())}
)

HALF_ZONE = 1.5


def grids_over(bounds: Bounds) -> tuple[TileGrid, ...]:
    """The grids to offer for a box in degrees: those of the world and the zones it touches."""
    west, _, east, _ = bounds
    zones = (
        grid
        for meridian, grid in GAUSS_KRUGER.items()
        if west < meridian + HALF_ZONE and east > meridian - HALF_ZONE
    )
    return (*WORLD_GRIDS, *zones)


def grid_named(identifier: str) -> TileGrid:
    """The grid with this identifier.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    grid = GRIDS.get(identifier)
    if grid is None:
        known = ", ".join(grid.id for grid in WORLD_GRIDS)
        raise NotFound(
            f"tile matrix set {identifier!r} is unknown; there are {known}, and CGCS2000GK75 to"
            " CGCS2000GK135 by central meridian",
            message_zh=f"没有名为 {identifier!r} 的瓦片矩阵集；可用：{known}，"
            "以及按中央经线命名的 CGCS2000GK75 至 CGCS2000GK135",
        )
    return grid
