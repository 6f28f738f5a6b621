"""Zone colours stay apart for people with any colour vision.

Colour vision deficiencies: Machado, Oliveira and Fernandes (2009), severity 1.0, in linear sRGB.
Difference of colours: CIEDE2000 (CIE 142-2001), as Sharma, Wu and Dalal (2005) write it down, with
their test pairs.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import shanhai.db.seeds
from shanhai.vocabulary import ZONE_CLASSES

APART = 15.0
VISION: Mapping[str, Sequence[Sequence[float]]] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = np.array(
    (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    )
)
WHITE = TO_XYZ.sum(axis=1)
Lab = tuple[float, float, float]
Linear = NDArray[np.float64]


def linear(color: str) -> Linear:
    """The three lights of a colour, from 0 to 1."""
    given = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)


def lab_of(light: Linear) -> Lab:
    """CIELAB under the white of sRGB."""
    ratio = TO_XYZ @ light / WHITE
    edge = 6 / 29
    root = np.where(ratio > edge**3, np.cbrt(ratio), ratio / (3 * edge**2) + 4 / 29)
    return (
        float(116 * root[1] - 16),
        float(500 * (root[0] - root[1])),
        float(200 * (root[1] - root[2])),
    )


def seen_by(vision: str, color: str) -> Lab:
    """A colour as it is seen."""
    return lab_of(np.clip(np.array(VISION[vision]) @ linear(color), 0, 1))


def difference(one: Lab, other: Lab) -> float:
    """CIEDE2000 with unit weights."""
    chroma = (hypot(*one[1:]) + hypot(*other[1:])) / 2
    stretch = 1 + (1 - sqrt(chroma**7 / (chroma**7 + 25**7))) / 2
    c1, c2 = (hypot(color[1] * stretch, color[2]) for color in (one, other))
    h1, h2 = (degrees(atan2(color[2], color[1] * stretch)) % 360 for color in (one, other))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    lightness, mean_c = (one[0] + other[0]) / 2, (c1 + c2) / 2
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    weight = (
        1
        - 0.17 * cos(radians(hue - 30))
        + 0.24 * cos(radians(2 * hue))
        + 0.32 * cos(radians(3 * hue + 6))
        - 0.20 * cos(radians(4 * hue - 63))
    )
    scale_l = 1 + 0.015 * (lightness - 50) ** 2 / sqrt(20 + (lightness - 50) ** 2)
    scale_c, scale_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * weight
    blue = 30 * exp(-(((hue - 275) / 25) ** 2))
    rotation = -sin(radians(2 * blue)) * 2 * sqrt(mean_c**7 / (mean_c**7 + 25**7))
    by_l = (other[0] - one[0]) / scale_l
    by_c = (c2 - c1) / scale_c
    by_h = 2 * sqrt(c1 * c2) * sin(radians(turn / 2)) / scale_h
    return sqrt(by_l**2 + by_c**2 + by_h**2 + rotation * by_c * by_h)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
        ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_that_of_the_published_pairs(
    one: Lab, other: Lab, expected: float
) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=5e-5)
    assert difference(other, one) == pytest.approx(expected, abs=5e-5)


def test_lightness_by_hand() -> None:
    assert seen_by("usual", "#ffffff") == pytest.approx((100, 0, 0), abs=1e-6)
    # A middle grey: ((0.466 + 0.055) / 1.055) ** 2.4 = 0.1845, and 116 * 0.1845 ** (1/3) - 16.
    assert seen_by("usual", "#777777")[0] == pytest.approx(50.03, abs=0.01)


@pytest.mark.parametrize("vision", VISION)
def test_greys_stay_what_they_are(vision: str) -> None:
    for grey in ("#000000", "#777777", "#ffffff"):
        assert difference(seen_by(vision, grey), seen_by("usual", grey)) < 0.1


def test_red_and_green_that_the_simulations_confuse() -> None:
    """The former colours of two classes, which this is for."""
    for pair in (("#1b6e3c", "#c0392b"), ("#5aa957", "#f0a35e")):
        seen = [seen_by("protanopia", color) for color in pair]
        usual = [seen_by("usual", color) for color in pair]
        assert difference(*seen) < 5.6 < 25 < difference(*usual)


def of_banan() -> list[str]:
    """The colours of Banan's five zones."""
    [folder] = shanhai.db.seeds.__path__
    zones = json.loads((Path(folder) / "banan/zones.json").read_text())
    return [zone["color"] for zone in zones["zones"]]


SCHEMES = {"supply and demand": [one.color for one in ZONE_CLASSES], "Banan": of_banan()}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_zones_of_a_scheme_stay_apart(vision: str, scheme: str) -> None:
    colors = SCHEMES[scheme]
    assert len(set(colors)) == 5
    for one, other in combinations(colors, 2):
        apart = difference(seen_by(vision, one), seen_by(vision, other))
        assert apart >= APART, (one, other)


def of_indicators(name: str) -> list[str]:
    """The colours that the console's map of an indicator has under a name, and that of no data."""
    source = Path("services/api/console/screens/projects/indicator_map.tsx").read_text("utf-8")
    [stated] = re.findall(rf"{name}\b[^=]*= ([\[{{][^\]}}]*)", source)
    [grey] = re.findall(r'NO_DATA_GREY = "(#\w{6})"', source)
    return [*re.findall(r"#\w{6}", stated), grey]


@pytest.mark.parametrize(("name", "count"), [("RAMP", 6), ("STANDING_COLORS", 4)])
def test_classes_of_an_indicator_stay_apart(name: str, count: int) -> None:
    colors = of_indicators(name)
    assert len(colors) == count
    for vision in VISION:
        seen = [seen_by(vision, color) for color in colors]
        assert min(difference(*pair) for pair in combinations(seen, 2)) >= APART
