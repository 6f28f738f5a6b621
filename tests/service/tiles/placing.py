"""Where the classes of the seeded world lie, and whether a picture shows them there.

The world that the fixtures seed is described once more on purpose: what a client draws is compared
with the cells themselves and with what the service says of a point.
"""

import httpx
import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from shanhai.vocabulary import ZONE_CLASSES

WEST, NORTH, CELL_M, SHAPE = 600_000.0, 2_720_000.0, 100.0, (120, 160)
COLORS = {zone.value: tuple(bytes.fromhex(zone.color[1:])) for zone in ZONE_CLASSES}

Color = tuple[int, ...]
Place = tuple[float, float]


def classes_at(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class of the cell at points in degrees; 0 where there is none."""
    to_metres = Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    easting, northing = to_metres.transform(lon, lat)
    column = np.floor((easting - WEST) / CELL_M).astype(int)
    row = np.floor((NORTH - northing) / CELL_M).astype(int)
    inside = (column >= 5) & (column < SHAPE[1]) & (row >= 10) & (row < SHAPE[0] - 10)
    return np.where(inside, 1 + column // 32, 0)


def places() -> list[Place]:
    """Two places 75 m on either side of each border of classes, and one outside."""
    to_degrees = Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
    borders = [WEST + CELL_M * 32 * k for k in range(1, 5)]
    points = [(x + side, NORTH - 60 * CELL_M) for x in borders for side in (-75.0, 75.0)]
    found = [to_degrees.transform(x, y) for x, y in (*points, (WEST + 8000, NORTH - 300))]
    return [(float(lon), float(lat)) for lon, lat in found]


def told_class(address: str, lon: float, lat: float) -> int:
    """The class the service itself tells of a point."""
    answer = httpx.get(
        f"{address}/layers/zones.xiamen/point", params={"lon": lon, "lat": lat}, timeout=30
    )
    return int(answer.json()["value"] or 0)


def expected_colors(address: str, ground: Color) -> list[Color]:
    """The colour each of `places` has to have in a client; `ground` where there is no class."""
    return [COLORS.get(told_class(address, *place), ground) for place in places()]


def class_of_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The class whose colour each pixel has; 0 for none."""
    found = np.zeros(pixels.shape[:2], dtype=int)
    for value, color in COLORS.items():
        near = (np.abs(pixels[..., :3].astype(int) - color) <= 2).all(-1)
        found[near & (pixels[..., 3] > 0)] = value
    return found


def assert_in_place(
    drawn: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    classes: frozenset[int] = frozenset(range(6)),
) -> None:
    """Every pixel shows the class at its centre or, beside a border, at one of its neighbours'."""
    expected = np.pad(classes_at(lon, lat), 1, mode="edge")
    height, width = drawn.shape
    around = [expected[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    assert np.any([one == drawn for one in around], axis=0).all()
    assert (expected[1:-1, 1:-1] == drawn).mean() > 0.97
    assert set(np.unique(drawn)) == classes


def assert_shown(shown: list[Color], expected: list[Color], within: int = 2) -> None:
    """Every place has its colour, and all five classes and the ground are among them."""
    for one, other in zip(shown, expected, strict=True):
        assert np.abs(np.subtract(one, other)).max() <= within, (shown, expected)
    assert len(set(expected)) == 6
