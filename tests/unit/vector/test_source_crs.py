"""Coordinate systems of files: recognised, refused or explained."""

import numpy as np
import pytest
from pyproj import CRS

from shanhai.errors import InvalidInput
from shanhai.vector.source_crs import find_system

PREFIXED = np.array([39_450_000.0, 2_700_000, 39_480_000, 2_750_000])
PLAIN = PREFIXED - [39e6, 0, 39e6, 0]
DEGREES = np.array([118.0, 24, 118.2, 24.5])
PLACE = (116.50706541, 24.40287129)


def esri(epsg: int) -> str:
    return CRS.from_epsg(epsg).to_wkt("WKT1_ESRI")


@pytest.mark.parametrize(
    ("told", "bounds"),
    [
        ("EPSG:4548", PLAIN),
        ("EPSG:4548", PREFIXED),
        ("EPSG:4527", PREFIXED),
        ("EPSG:4527", PLAIN),
        (None, PREFIXED),
        (esri(4548), PREFIXED),
        (esri(4527), PLAIN),
    ],
)
def test_gauss_kruger_with_and_without_zone(told: str | None, bounds: np.ndarray) -> None:
    system = find_system(told, None, bounds)
    assert system.degrees(bounds[None, :2])[0] == pytest.approx(PLACE)


def test_eastings_of_six_degree_zones_are_recognised() -> None:
    bounds = PLAIN + np.array([20e6, 0, 20e6, 0])
    assert find_system(None, None, bounds).name == "EPSG:4498"


@pytest.mark.parametrize(
    ("told", "wished", "bounds", "words"),
    [
        (None, None, PLAIN, "six-digit"),
        (None, None, DEGREES, "degrees"),
        ("EPSG:4547", None, PREFIXED, "central meridian is 114"),
        ("EPSG:2384", None, PLAIN, "Xi'an 80"),
        ("EPSG:4610", None, DEGREES, "Xi'an 80"),
        (esri(2362), None, PREFIXED, "Xi'an 80"),
        ("EPSG:2437", None, PLAIN, "Beijing 54"),
        ("EPSG:4214", None, DEGREES, "Beijing 54"),
        ("EPSG:4269", None, DEGREES, "neither CGCS2000 nor WGS 84"),
        ("EPSG:4548", "EPSG:4549", PLAIN, "the parameter"),
        ("EPSG:4548", None, PLAIN[[1, 0, 3, 2]], "swapped"),
        (None, "http://localhost/crs", DEGREES, "no known"),
        (None, "/etc/passwd", DEGREES, "no known"),
    ],
)
def test_what_cannot_be_placed_is_refused(
    told: str | None, wished: str | None, bounds: np.ndarray, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        find_system(told, wished, bounds)
    assert refused.value.faults[0].pointer == "/inputs/crs"


@pytest.mark.parametrize("told", ["EPSG:4490", "OGC:CRS84", CRS.from_epsg(4326).to_json()])
def test_degrees_stay_as_they_are(told: str) -> None:
    system = find_system(told, "EPSG:4490", DEGREES)
    assert system.degrees(DEGREES[None, :2]).tolist() == [[118, 24]]
