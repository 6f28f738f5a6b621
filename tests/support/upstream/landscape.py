"""A country that is known everywhere: what an upstream's files hold at a longitude and a latitude.

Every function takes arrays of degrees that broadcast against each other and gives one value a
place. Classes and people are constant in cells of 3 seconds, the grid of WorldPop, so that a file
of 10 m and one of 100 m agree; the rest is smooth.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Field = Callable[[Array, Array], Array]
Box = tuple[float, float, float, float]

CELLS_PER_DEGREE = 1200

TOWNS = (
    (119.99, 27.12, 0.06),  # on both sides of 120° E, where two UTM zones meet
    (119.82, 26.99, 0.02),
    (104.90, 30.60, 0.15),
    (106.40, 29.90, 0.10),
    (105.60, 31.10, 0.06),
    (104.40, 29.50, 0.05),
)
"""Longitude, latitude and radius, all in degrees."""

LAKES = ((119.85, 27.25, 0.03), (105.30, 30.10, 0.08), (106.90, 31.30, 0.05))
ISLAND = (120.24, 27.15, 0.02)

TREE, SHRUB, GRASS, CROP, BUILT, BARE, WATER, WETLAND, MANGROVE = 10, 20, 30, 40, 50, 60, 80, 90, 95
"""Classes of ESA WorldCover; the sea is water there as well."""


def on_cells(field: Field) -> Field:
    """Evaluate a field in the middle of the 3-second cell of each place."""

    @wraps(field)
    def evaluated(lon: Array, lat: Array) -> Array:
        columns = np.floor(np.asarray(lon, float) * CELLS_PER_DEGREE)
        rows = np.floor(np.asarray(lat, float) * CELLS_PER_DEGREE)
        if columns.ndim == 2 and columns.shape[0] == 1 and rows.shape[1] == 1:
            # A north-up window of a finer grid asks for each cell a hundred times.
            east, take_east = np.unique(columns[0], return_inverse=True)
            north, take_north = np.unique(rows[:, 0], return_inverse=True)
            cells = field(*_middles(east[None, :], north[:, None]))
            whole = np.broadcast_to(cells, (north.size, east.size))
            return whole[take_north][:, take_east]
        return field(*_middles(columns, rows))

    return evaluated


def _middles(columns: Array, rows: Array) -> tuple[Array, Array]:
    return (columns + 0.5) / CELLS_PER_DEGREE, (rows + 0.5) / CELLS_PER_DEGREE


def _reach(lon: Array, lat: Array, places: tuple[tuple[float, float, float], ...]) -> Array:
    """Distance to the nearest place as a share of its radius, at most `_FAR`."""
    squares = [
        ((lon - east) / radius) ** 2 + ((lat - north) / radius) ** 2
        for east, north, radius in places
        if _may_reach(lon, east, radius) and _may_reach(lat, north, radius)
    ]
    return np.minimum(np.sqrt(np.minimum.reduce(squares)), _FAR) if squares else np.asarray(_FAR)


_FAR = 6.0


def _may_reach(degrees: Array, place: float, radius: float) -> bool:
    return bool(np.min(degrees) < place + _FAR * radius and np.max(degrees) > place - _FAR * radius)


def _inland(lon: Array, lat: Array) -> Array:
    """Degrees west of the coast, negative in the sea."""
    coast = 120.12 + 0.04 * np.sin(2 * np.pi * lat / 0.35)
    island = (1 - _reach(lon, lat, (ISLAND,))) * ISLAND[2]
    return np.maximum(coast - lon, island)


def _relief(lon: Array, lat: Array) -> Array:
    """Metres above the sea as if there were none."""
    ridges = (1 + np.sin(2 * np.pi * lon / 0.42 + 1)) * (1 + np.cos(2 * np.pi * lat / 0.37)) / 4
    hills = np.sin(2 * np.pi * lon / 0.013) * np.sin(2 * np.pi * lat / 0.011)
    shore = np.clip(_inland(lon, lat) / 0.15, 0.02, 1)
    plain = np.clip((_reach(lon, lat, TOWNS) - 1) / 1.5, 0.02, 1)
    return 3 + np.minimum(shore, plain) * (60 + 900 * ridges + 20 * hills)


@on_cells
def sea(lon: Array, lat: Array) -> Array:
    """Whether the sea is there."""
    return _inland(lon, lat) < 0


def elevation(lon: Array, lat: Array) -> Array:
    """Metres; 0 in the sea, and nowhere without a value."""
    return np.where(sea(lon, lat), 0.0, _relief(lon, lat)).astype("float32")


@on_cells
def cover(lon: Array, lat: Array) -> Array:
    """The class of ESA WorldCover."""
    height, town, lake = _relief(lon, lat), _reach(lon, lat, TOWNS), _reach(lon, lat, LAKES)
    shore = _inland(lon, lat)
    blocks = np.floor(lon * 150) + np.floor(lat * 150)
    rules = [
        (shore < 0, WATER),
        (lake < 1, WATER),
        ((town < 1) & (blocks % 6 == 0), GRASS),
        (town < 1, BUILT),
        (lake < 1.3, WETLAND),
        ((shore < 0.006) & (lat < 27.1), MANGROVE),
        (height < 250, CROP),
        (height < 350, SHRUB),
        (height < 780, TREE),
        (height < 880, GRASS),
    ]
    holds, classes = zip(*rules, strict=True)
    shape = np.broadcast_shapes(np.shape(lon), np.shape(lat))
    return np.select([np.broadcast_to(part, shape) for part in holds], classes, BARE).astype("u1")


@on_cells
def people(lon: Array, lat: Array) -> Array:
    """Persons in a cell of 3 seconds; NaN where nobody is settled."""
    town, classes = _reach(lon, lat, TOWNS), cover(lon, lat)
    built = np.round(120 - 70 * np.minimum(town, 1) ** 2, 1)
    farms = np.where((classes == CROP) & (town < 3), 1.5, np.nan)
    return np.where(classes == BUILT, built, farms)


_OF_CLASS = {  # NDVI, NPP in kgC/m² a year (None: MOD17 has a code instead), red reflectance
    TREE: (0.80, 0.90, 0.03),
    SHRUB: (0.60, 0.60, 0.05),
    GRASS: (0.50, 0.45, 0.07),
    CROP: (0.55, 0.55, 0.07),
    BUILT: (0.20, None, 0.15),
    BARE: (0.10, None, 0.20),
    WATER: (-0.20, None, 0.04),
    WETLAND: (0.45, None, 0.05),
    MANGROVE: (0.65, None, 0.03),
}


def recode(classes: Array, numbers: dict[int, float]) -> Array:
    """Put a number in the place of each class."""
    table = np.full(256, np.nan)
    for code, number in numbers.items():
        table[code] = number
    return table[classes]


def ndvi(lon: Array, lat: Array) -> Array:
    """NDVI, the same all year."""
    return recode(cover(lon, lat), {code: row[0] for code, row in _OF_CLASS.items()})


def npp(lon: Array, lat: Array) -> Array:
    """Net primary productivity in kgC/m² a year; NaN over what MOD17 does not model."""
    produced = {code: row[1] for code, row in _OF_CLASS.items() if row[1] is not None}
    return recode(cover(lon, lat), produced)


def red(lon: Array, lat: Array) -> Array:
    """Reflectance of the surface in red light."""
    return recode(cover(lon, lat), {code: row[2] for code, row in _OF_CLASS.items()})


def near_infrared(lon: Array, lat: Array) -> Array:
    """Reflectance in the near infrared, which with the red gives `ndvi`."""
    index = ndvi(lon, lat)
    return red(lon, lat) * (1 + index) / (1 - index)


def cloudy(lon: Array, lat: Array, day: int, share: float) -> Array:
    """Whether a cloud of 0.05° stands there on a day with this share of clouds."""
    square = np.floor(lon * 20) + 3 * np.floor(lat * 20) + 7 * day
    return square % 10 < round(share * 10)


def rainfall(lon: Array, lat: Array, month: int) -> Array:
    """Millimetres in a month of 1 to 12."""
    season = 1 - 0.8 * np.cos(2 * np.pi * (month - 0.5) / 12)
    return (90 + 3 * (lon - 104) + 10 * np.sin(2 * np.pi * lat)) * season


def temperature(lon: Array, lat: Array, month: int) -> Array:
    """Degrees Celsius, mean of a month of 1 to 12."""
    season = -10 * np.cos(2 * np.pi * (month - 0.5) / 12)
    return 18 - 0.5 * (lat - 27) + season - 0.006 * elevation(lon, lat)


def clay(lon: Array, lat: Array) -> Array:
    """Percent of the fine earth by weight."""
    return 25 + 5 * np.sin(2 * np.pi * lat) + 0 * lon


def sand(lon: Array, lat: Array) -> Array:
    """Percent of the fine earth by weight."""
    return 40 + 10 * np.sin(2 * np.pi * lon) + 0 * lat


def silt(lon: Array, lat: Array) -> Array:
    """Percent of the fine earth by weight."""
    return 100 - clay(lon, lat) - sand(lon, lat)


def organic_carbon(lon: Array, lat: Array) -> Array:
    """Grams in a kilogram of soil."""
    return 12 + 20 * np.clip(ndvi(lon, lat), 0, 1)


def lights(lon: Array, lat: Array) -> Array:
    """Radiance at night in nW/cm²/sr; noise below zero where it is dark."""
    return 60 * np.exp(-(_reach(lon, lat, TOWNS) ** 2)) - 0.1
