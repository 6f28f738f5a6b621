"""How supply and demand meet: quadrants of their z-scores, and the coupling of the two systems."""

from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.vocabulary import Label

QUADRANTS = {
    1: Label("高供给—高需求", "High supply, high demand"),
    2: Label("低供给—高需求", "Low supply, high demand"),
    3: Label("低供给—低需求", "Low supply, low demand"),
    4: Label("高供给—低需求", "High supply, low demand"),
}
"""Codes of the quadrant raster; 0 is nodata."""

COORDINATION_CLASSES = {
    1: Label("严重失调", "Severe imbalance"),
    2: Label("轻度失调", "Slight imbalance"),
    3: Label("勉强协调", "Bare coordination"),
    4: Label("中度协调", "Moderate coordination"),
    5: Label("高度协调", "High coordination"),
}
"""Codes of the classes of the coupling coordination degree, each a fifth of 0–1; 0 is nodata."""

_CLASS_BOUNDS = (0.2, 0.4, 0.6, 0.8)
_CONSTANT = 1e-12


def z_score(values: FloatArray, mean: float, sd: float) -> FloatArray:
    """`(x − mean)/sd`.

    Args:
        values: Any unit.
        mean: Of the valid cells of the whole area.
        sd: Their population standard deviation (`shanhai.science.moments`).

    Returns:
        0 everywhere for a constant layer, whose sd is only rounding; NaN stays NaN.
    """
    if sd > _CONSTANT * max(1.0, abs(mean)):
        return (values - mean) / sd
    return values * 0.0


def quadrant(supply_z: FloatArray, demand_z: FloatArray) -> ClassArray:
    """Quadrant of each cell by the z-scores of its supply and demand.

    Returns:
        Codes of `QUADRANTS`, a z-score of 0 counting as high; 0 where either is NaN.
    """
    rich: BoolArray = supply_z >= 0
    wanting: BoolArray = demand_z >= 0
    codes = np.where(wanting, np.where(rich, 1, 2), np.where(rich, 4, 3)).astype(np.uint8)
    codes[np.isnan(supply_z) | np.isnan(demand_z)] = 0
    return codes


@dataclass(frozen=True, slots=True)
class Coupling:
    """Coupling of supply and demand, each 0–1.

    Attributes:
        degree: C, how alike the two are; 0 where both are 0.
        development: T, the level of the two together.
        coordination: CCD, √(C·T).
    """

    degree: FloatArray
    development: FloatArray
    coordination: FloatArray


def coupling(supply_n: FloatArray, demand_n: FloatArray) -> Coupling:
    """Coupling degree C, development T and coupling coordination degree CCD.

    `C = 2·√(U1·U2)/(U1 + U2)`, `T = ½·U1 + ½·U2`, `CCD = √(C·T)`; some papers leave out the
    factor 2, which keeps C below ½.

    Args:
        supply_n: U1, normalised supply, 0–1.
        demand_n: U2, normalised demand, 0–1.

    Returns:
        NaN where either is NaN.

    Source: the two-system form of the coupling coordination degree model (Liao 1999).
    """
    total = supply_n + demand_n
    # √U1·√U2, not √(U1·U2): the product of two small numbers would vanish.
    geometric = np.sqrt(supply_n) * np.sqrt(demand_n)
    degree = np.divide(2.0 * geometric, total, out=total * 0.0, where=total > 0)
    degree = np.minimum(degree, 1.0)
    development = 0.5 * total
    return Coupling(degree, development, np.sqrt(degree * development))


def coordination_class(coordination: FloatArray) -> ClassArray:
    """Class of each cell's coupling coordination degree.

    Args:
        coordination: CCD, 0–1.

    Returns:
        Codes of `COORDINATION_CLASSES`, a bound belonging to the class above it; 0 for NaN.
    """
    codes = (np.digitize(coordination, _CLASS_BOUNDS) + 1).astype(np.uint8)
    codes[np.isnan(coordination)] = 0
    return codes
