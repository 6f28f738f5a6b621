"""Units of observations: by hand, and there and back again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.monitoring.units import ALIASES, UNITS, conversion, unit_code, units_like


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "expected"),
    [
        (150, "µg/L", "mg/L", 0.15),
        (0.035, "mg/m³", "ug/m3", 35),
        (1.2, "mg/L", "ug/L", 1200),
        (25, "℃", "K", 298.15),
        (300, "K", "Cel", 26.85),
        (212, "°F", "Cel", 100),
        (-40, "degF", "Cel", -40),
        (101325, "Pa", "hPa", 1013.25),
        (36, "km/h", "m/s", 10),
        (1, "kn", "m/s", 1852 / 3600),
        (86400, "m3/d", "m3/s", 1),
        (1.5, "mS/cm", "uS/cm", 1500),
        (25.4, "mm", "cm", 2.54),
        (7.2, "pH", "1", 7.2),
        (5, "MPN/100mL", "1/L", 50),
        (180, "°", "rad", np.pi),
        (2, "㎎/l", "mg/L", 2),
    ],
)
def test_by_hand(value: float, unit: str, wanted: str, expected: float) -> None:
    how = conversion(unit, wanted)
    assert how is not None
    assert how(np.array([float(value)])) == pytest.approx([expected], rel=1e-15)


@pytest.mark.parametrize("unit", ["furlong", "", "m/s", "x" * 100, "\x00", "‰"])
def test_no_unit_of_a_concentration(unit: str) -> None:
    assert conversion(unit, "mg/L") is None


def test_every_spelling_means_a_unit() -> None:
    assert all(unit_code(name) == code for name, code in ALIASES.items())
    assert units_like("Cel") == ("Cel", "K", "[degF]")


PAIRS = [
    (one, other)
    for one in UNITS
    for other in UNITS
    if UNITS[one].dimension == UNITS[other].dimension
]


@given(st.sampled_from(PAIRS), st.floats(-1e9, 1e9))
def test_there_and_back_is_the_same(pair: tuple[str, str], value: float) -> None:
    there, back = conversion(*pair), conversion(*reversed(pair))
    assert there is not None
    assert back is not None
    # Degrees lose digits to the offset of their zero.
    found = back(there(np.array([value])))
    assert found == pytest.approx([value], rel=1e-12, abs=1e-9)
