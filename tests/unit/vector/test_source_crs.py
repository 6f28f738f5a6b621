"""Coordinate systems of files: recognised, refused or explained."""

import math

import numpy as np
import pytest
from pyproj import CRS, Transformer

from shanhai.errors import InvalidInput
from shanhai.vector.source_crs import DatumShift, find_system, on_cgcs2000

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
        ("EPSG:4548", None, DEGREES, "numbers such as 118, 24 are degrees"),
        ("EPSG:4527", None, DEGREES, "are degrees"),
        ("EPSG:4490", None, PLAIN, "are none: give the projected"),
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


@pytest.mark.parametrize(
    ("told", "bounds", "words"),
    [
        ("EPSG:2384", PLAIN, "Xi'an 80"),
        ("EPSG:4610", DEGREES, "Xi'an 80"),
        (esri(2362), PREFIXED - [1e6, 0, 1e6, 0], "Xi'an 80"),
        ("EPSG:2437", PLAIN, "Beijing 54"),
        ("EPSG:4214", DEGREES, "Beijing 54"),
        ("+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=krass", PLAIN, "Beijing 54"),
    ],
)
def test_older_datums_ask_for_their_shift(told: str, bounds: np.ndarray, words: str) -> None:
    wkt = CRS.from_user_input(told).to_wkt() if told.startswith("+") else told
    with pytest.raises(InvalidInput, match=words) as refused:
        find_system(wkt, None, bounds)
    assert refused.value.faults[0].pointer == "/inputs/datum_shift"


@pytest.mark.parametrize(
    ("told", "bounds", "name"),
    [("EPSG:4548", DEGREES, "EPSG:4490"), ("EPSG:4547", PREFIXED, "EPSG:4527")],
)
def test_a_system_the_numbers_contradict_gives_way_to_the_senders(
    told: str, bounds: np.ndarray, name: str
) -> None:
    assert find_system(told, name, bounds).name == name


def test_six_degree_and_three_degree_zones_of_one_meridian_agree() -> None:
    """Zone 39 of three degrees and zone 20 of six have the meridian 117."""
    prefixes = {"EPSG:4527": 39, "EPSG:4548": 39, "EPSG:4498": 20, "EPSG:4509": 20}
    positions = set()
    for told, zone in prefixes.items():
        for east in (450_000.0, zone * 1e6 + 450_000.0):
            bounds = np.array([east, 2_700_000, east + 30_000, 2_750_000])
            placed = find_system(told, None, bounds).degrees(bounds[None, :2])[0]
            positions.add(tuple(placed.round(9)))
    assert positions == {(116.507065408, 24.402871286)}


XIAN_80 = (6_378_140.0, 298.257)
CGCS2000 = (6_378_137.0, 298.257222101)
SEVEN = (20.5, -110.25, -50.75, 0.5, -0.4, 1.2, 3.5)
"""Parameters of no place: m, seconds, ppm."""


def geocentric(lon: float, lat: float, axis: float, flattening: float) -> np.ndarray:
    """Longitude and latitude on an ellipsoid as X, Y, Z, m."""
    eccentricity = (2 - 1 / flattening) / flattening
    across = axis / math.sqrt(1 - eccentricity * math.sin(lat) ** 2)
    return np.array(
        [
            across * math.cos(lat) * math.cos(lon),
            across * math.cos(lat) * math.sin(lon),
            across * (1 - eccentricity) * math.sin(lat),
        ]
    )


def geodetic(place: np.ndarray, axis: float, flattening: float) -> tuple[float, float]:
    """X, Y, Z as longitude and latitude, by repeating until nothing moves."""
    eccentricity = (2 - 1 / flattening) / flattening
    x, y, z = place
    lat = math.atan2(z, math.hypot(x, y) * (1 - eccentricity))
    for _ in range(20):
        across = axis / math.sqrt(1 - eccentricity * math.sin(lat) ** 2)
        lat = math.atan2(z + eccentricity * across * math.sin(lat), math.hypot(x, y))
    return math.degrees(math.atan2(y, x)), math.degrees(lat)


def bursa_wolf(place: np.ndarray) -> np.ndarray:
    """The model as Chinese textbooks write it: the coordinate frame is turned."""
    x, y, z = (math.radians(angle / 3600) for angle in SEVEN[3:6])
    turned = np.array([[1, z, -y], [-z, 1, x], [y, -x, 1]])
    return np.asarray(np.array(SEVEN[:3]) + (1 + SEVEN[6] * 1e-6) * turned @ place)


def test_xian_80_by_seven_parameters_is_what_the_model_gives_by_hand() -> None:
    shift = DatumShift.parse(f"coordinate_frame:{','.join(map(str, SEVEN))}")
    lon, lat = 118.1, 24.5
    system = find_system("EPSG:4610", None, DEGREES, shift)
    found = system.degrees(np.array([[lon, lat]]))[0]
    place = bursa_wolf(geocentric(math.radians(lon), math.radians(lat), *XIAN_80))
    by_hand = geodetic(place, *CGCS2000)
    assert found == pytest.approx(by_hand, abs=1e-10)
    # Some 10 m, far more than what the two ways differ by.
    assert abs(found - [lon, lat]).max() > 5e-5


def test_xian_80_in_zones_is_what_a_pipeline_of_proj_gives() -> None:
    shift = DatumShift.parse(f"coordinate_frame:{','.join(map(str, SEVEN))}")
    x, y, z, rx, ry, rz, ppm = SEVEN
    pipeline = Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=tmerc +lon_0=117 +x_0=500000 +a=6378140 +rf=298.257"
        " +step +proj=cart +a=6378140 +rf=298.257"
        f" +step +proj=helmert +x={x} +y={y} +z={z} +rx={rx} +ry={ry} +rz={rz} +s={ppm}"
        " +convention=coordinate_frame"
        " +step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    wanted = pipeline.transform(450_000, 2_700_000, 0)[:2]
    for told, bounds in (("EPSG:2384", PLAIN), ("EPSG:2384", PREFIXED), ("EPSG:2363", PREFIXED)):
        system = find_system(told, None, bounds, shift)
        assert system.degrees(bounds[None, :2])[0] == pytest.approx(wanted, abs=1e-10)


def test_three_parameters_move_and_the_two_conventions_turn_opposite() -> None:
    three = find_system("EPSG:4610", None, DEGREES, DatumShift.parse("0,0,0"))
    # With nothing moved the ellipsoids differ: by 3 m in axis, hardly in latitude.
    assert three.degrees(DEGREES[None, :2])[0] == pytest.approx([118, 24], abs=1e-5)
    turned = {
        convention: find_system(
            "EPSG:4610", None, DEGREES, DatumShift.parse(f"{convention}:0,0,0,0,0,1,0")
        ).degrees(DEGREES[None, :2])[0, 0]
        - 118
        for convention in ("position_vector", "coordinate_frame")
    }
    # A second of arc about the axis of the earth is a second of longitude.
    assert turned["position_vector"] == pytest.approx(1 / 3600, rel=1e-6)
    assert turned["coordinate_frame"] == pytest.approx(-1 / 3600, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2,3,0,0,0,0", "say which way they rotate"),
        ("1,2", "must be dx,dy,dz"),
        ("frame:1,2,3,0,0,0,0", "say which way"),
        ("position_vector:1,2,3", "must be dx,dy,dz"),
        ("a,b,c", "must be dx,dy,dz"),
        ("2001,0,0", "must stay within 2000 m"),
        ("nan,0,0", "must stay within"),
        ("coordinate_frame:1,2,3,61,0,0,0", "60 seconds"),
    ],
)
def test_a_shift_that_is_not_fully_stated_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        DatumShift.parse(text)
    assert refused.value.faults[0].pointer == "/inputs/datum_shift"


def test_a_shift_is_for_other_datums_and_for_a_known_system() -> None:
    shift = DatumShift.parse("1,2,3")
    with pytest.raises(InvalidInput, match="needs none"):
        find_system("EPSG:4548", None, PLAIN, shift)
    with pytest.raises(InvalidInput, match="says nothing without the system"):
        find_system(None, None, PREFIXED, shift)


@pytest.mark.parametrize(
    ("older", "same"),
    [(2384, 4548), (2363, 4527), (2332, 4496), (2436, 4548), (4610, 4490), (4214, 4490)],
)
def test_the_same_projection_on_cgcs2000(older: int, same: int) -> None:
    assert on_cgcs2000(CRS.from_epsg(older)).to_epsg() == same
