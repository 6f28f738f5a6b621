"""Units of observations: values are converted to the unit of their property on entry.

A table of our own rather than a library: few dimensions, each conversion one multiplication
of a whole column, and no unit may be guessed. Codes follow UCUM where it has a readable one.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Exact = int | Fraction


@dataclass(frozen=True, slots=True)
class MeasurementUnit:
    """A unit: a value `v` of it is `v * scale + offset` of the dimension's first unit."""

    dimension: str
    scale: Fraction
    offset: Fraction = Fraction(0)


def _named(dimension: str, scales: dict[str, Exact]) -> dict[str, MeasurementUnit]:
    return {code: MeasurementUnit(dimension, Fraction(scale)) for code, scale in scales.items()}


UNITS: dict[str, MeasurementUnit] = {
    **_named("number", {"1": 1}),
    **_named("share", {"%": 1, "permille": Fraction(1, 10)}),
    **_named(
        "mass concentration",
        {
            "mg/L": 1,
            "ug/L": Fraction(1, 10**3),
            "ng/L": Fraction(1, 10**6),
            "g/L": 10**3,
            "kg/m3": 10**3,
            "g/m3": 1,
            "mg/m3": Fraction(1, 10**3),
            "ug/m3": Fraction(1, 10**6),
            "ng/m3": Fraction(1, 10**9),
        },
    ),
    **_named(
        "number concentration",
        {"1/L": 1, "1/mL": 10**3, "1/100mL": 10, "1/cm3": 10**3, "1/m3": Fraction(1, 10**3)},
    ),
    "Cel": MeasurementUnit("temperature", Fraction(1)),
    "K": MeasurementUnit("temperature", Fraction(1), Fraction(-27315, 100)),
    "[degF]": MeasurementUnit("temperature", Fraction(5, 9), Fraction(-160, 9)),
    **_named(
        "pressure",
        {"Pa": 1, "hPa": 100, "kPa": 1000, "mbar": 100, "bar": 10**5, "MPa": 10**6},
    ),
    **_named(
        "speed",
        {
            "m/s": 1,
            "cm/s": Fraction(1, 100),
            "km/h": Fraction(10, 36),
            "kn": Fraction(1852, 3600),
        },
    ),
    **_named(
        "length",
        {
            "m": 1,
            "km": 1000,
            "dm": Fraction(1, 10),
            "cm": Fraction(1, 100),
            "mm": Fraction(1, 1000),
        },
    ),
    **_named(
        "flow",
        {
            "m3/s": 1,
            "L/s": Fraction(1, 1000),
            "m3/min": Fraction(1, 60),
            "m3/h": Fraction(1, 3600),
            "m3/d": Fraction(1, 86400),
        },
    ),
    **_named(
        "conductivity",
        {"uS/cm": 1, "mS/cm": 1000, "mS/m": 10, "S/m": 10**4},
    ),
    **_named("turbidity", {"NTU": 1, "FNU": 1, "FTU": 1}),
    **_named("irradiance", {"W/m2": 1, "kW/m2": 1000}),
    "deg": MeasurementUnit("angle", Fraction(1)),
    "rad": MeasurementUnit("angle", Fraction(180.0 / np.pi)),
}
"""Units by code."""

ALIASES: dict[str, str] = {
    "pH": "1",
    "PSU": "1",
    "psu": "1",
    "无量纲": "1",
    "percent": "%",
    "‰": "permille",
    "°C": "Cel",
    "degC": "Cel",
    "C": "Cel",
    "°F": "[degF]",
    "degF": "[degF]",
    "°K": "K",
    "°": "deg",
    "mb": "mbar",
    "knot": "kn",
    "kt": "kn",
    "m3/day": "m3/d",
    "MPN/L": "1/L",
    "CFU/L": "1/L",
    "个/L": "1/L",
    "MPN/100mL": "1/100mL",
    "个/cm3": "1/cm3",
    "L/m2": "mm",
}
"""Other spellings, after widths, superscripts and the letter mu were made plain."""


def unit_code(name: str) -> str | None:
    """The code of a unit by any of its spellings; None for what is no unit known here."""
    return _code_of(name) if len(name) <= 32 else None


@lru_cache(maxsize=1024)
def _code_of(name: str) -> str | None:
    plain = unicodedata.normalize("NFKC", name.strip()).replace("μ", "u").replace("·", "/")
    if plain.endswith("/l"):
        plain = f"{plain[:-1]}L"
    plain = plain.replace("/ml", "/mL")
    found = ALIASES.get(plain, plain)
    return found if found in UNITS else None


@dataclass(frozen=True, slots=True)
class Conversion:
    """From one unit to another: `(value * numerator + offset) / denominator`, each exact."""

    numerator: float
    denominator: float
    offset: float

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values in the other unit; those of the same unit come back as they are."""
        scaled = values if self.numerator == 1 else values * self.numerator
        if self.offset:
            scaled = scaled + self.offset
        return scaled if self.denominator == 1 else scaled / self.denominator


def conversion(given: str, wanted: str) -> Conversion | None:
    """How values of one unit become those of another; None between different dimensions.

    Whole numbers above and below the line: 150 ug/L are 150 / 1000 = 0.15 mg/L to the last digit,
    which 150 * 0.001 need not be.

    Args:
        given: A unit by any spelling.
        wanted: A code of `UNITS`.
    """
    code = unit_code(given)
    if code is None:
        return None
    source, target = UNITS[code], UNITS[wanted]
    if source.dimension != target.dimension:
        return None
    scale = source.scale / target.scale
    offset = (source.offset - target.offset) / target.scale
    below = Fraction(scale.denominator)
    return Conversion(float(scale.numerator), float(below), float(offset * below))


def steps_to(given: str, wanted: str) -> list[float] | None:
    """How values `v` of one unit become those of another, `(v * a + b) / c`: a, b and c.

    None where there is nothing to do, or nothing that could be done.
    """
    how = conversion(given, wanted)
    if how is None or how == Conversion(1.0, 1.0, 0.0):
        return None
    return [how.numerator, how.offset, how.denominator]


def symbol_of(told: Mapping[str, Any] | None) -> str:
    """What a unit is called by that somebody told: its symbol, or else its name; empty for none."""
    given = told or {}
    return str(given.get("symbol") or given.get("name") or "")


def units_like(code: str) -> tuple[str, ...]:
    """The codes of all units that convert to this one."""
    dimension = UNITS[code].dimension
    return tuple(name for name, unit in UNITS.items() if unit.dimension == dimension)
