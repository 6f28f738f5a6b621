"""Tiles of the providers: which of them touch the data, what they are called, where they lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import floor

from tests.support.upstream.landscape import Box
from tests.support.upstream.regions import DATA
from tests.support.upstream.tiff import from_degrees

SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
MODIS_TILE_M = 1111950.5197665233
MODIS_WEST, MODIS_NORTH = -20015109.355797417, 10007554.677898708


@dataclass(frozen=True, slots=True)
class Square:
    """A square of 100 km of the military grid, as Sentinel-2 cuts its tiles of 109.8 km."""

    zone: int
    band: str
    letters: str
    west: float
    north: float

    @property
    def name(self) -> str:
        """The five characters after the T, such as 50RQQ."""
        return f"{self.zone}{self.band}{self.letters}"

    @property
    def crs(self) -> str:
        """The UTM zone north of the equator."""
        return f"EPSG:326{self.zone}"


def degree_tiles(step: int) -> list[tuple[int, int]]:
    """South-west corners, longitude and latitude, of tiles of so many degrees."""
    corners = {
        (west, south)
        for box in DATA
        for west in range(floor(box[0] / step) * step, floor(box[2]) + 1, step)
        for south in range(floor(box[1] / step) * step, floor(box[3]) + 1, step)
    }
    return sorted(corners)


def corner_name(west: int, south: int, digits: int = 2) -> tuple[str, str]:
    """North and east as in file names: N24, E118."""
    return f"N{south:0{digits}d}", f"E{west:03d}"


def utm_zones(box: Box) -> Iterator[tuple[int, Box]]:
    """Zones of 6° that a box touches, each with its part of the box."""
    for zone in range(floor(box[0] / 6) + 31, floor(box[2] / 6) + 32):
        west = (zone - 31) * 6
        yield zone, (max(box[0], west), box[1], min(box[2], west + 6), box[3])


@cache
def squares() -> list[Square]:
    """All squares of Sentinel-2 that touch the data."""
    found = {}
    for box in DATA:
        for zone, part in utm_zones(box):
            bounds = from_degrees(f"EPSG:326{zone}").transform_bounds(*part, densify_pts=21)
            columns = range(floor(bounds[0] / 1e5), floor(bounds[2] / 1e5) + 1)
            rows = range(floor(bounds[1] / 1e5), floor(bounds[3] / 1e5) + 1)
            for column, row in product(columns, rows):
                square = _square(zone, column, row)
                found[square.name] = square
    return list(found.values())


def _square(zone: int, column: int, row: int) -> Square:
    eastings = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")[zone % 3]
    northings = "ABCDEFGHJKLMNPQRSTUV"
    letters = eastings[column - 1] + northings[(row + (0 if zone % 2 else 5)) % 20]
    # Corners lie on a grid of 60 m, which suits pixels of 10, 20 and 60 m.
    west, north = floor(column * 1e5 / 60) * 60, -floor(-(row + 1) * 1e5 / 60) * 60
    return Square(zone, _band((row + 0.5) * 1e5 / 110_600), letters, west, north)


def _band(lat: float) -> str:
    return "CDEFGHJKLMNPQRSTUVWX"[floor((lat + 80) / 8)]


def band_zones() -> list[tuple[int, str, Box]]:
    """Zone, band and box in degrees of the cells of 6° by 8° that touch the data."""
    cells = {(zone, floor(part[1] / 8) * 8) for box in DATA for zone, part in utm_zones(box)}
    return [
        (zone, _band(south), ((zone - 31) * 6, south, (zone - 30) * 6, south + 8))
        for zone, south in sorted(cells)
    ]


@cache
def modis_tiles() -> list[tuple[int, int]]:
    """Column and row of the sinusoidal tiles that touch the data."""
    tiles = set()
    for box in DATA:
        for lon, lat in product((box[0], (box[0] + box[2]) / 2, box[2]), (box[1], 30.0, box[3])):
            x, y = from_degrees(SINUSOIDAL).transform(lon, min(max(lat, box[1]), box[3]))
            tiles.add(
                (floor((x - MODIS_WEST) / MODIS_TILE_M), floor((MODIS_NORTH - y) / MODIS_TILE_M))
            )
    return sorted(tiles)
