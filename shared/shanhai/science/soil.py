"""Soil texture, infiltration and erodibility."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray

_LOWEST_SUM_PERCENT = 95.0
_HIGHEST_SUM_PERCENT = 105.0


class Texture(IntEnum):
    """USDA texture classes in the order of the Harmonized World Soil Database.

    The order runs from the least to the most permeable and is the infiltration rank. Clay counts
    twice: heavy clay holds more than 60 % clay.
    """

    HEAVY_CLAY = 1
    SILTY_CLAY = 2
    CLAY = 3
    SILTY_CLAY_LOAM = 4
    CLAY_LOAM = 5
    SILT = 6
    SILT_LOAM = 7
    SANDY_CLAY = 8
    LOAM = 9
    SANDY_CLAY_LOAM = 10
    SANDY_LOAM = 11
    LOAMY_SAND = 12
    SAND = 13


def _fractions(
    sand: FloatArray, silt: FloatArray, clay: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three fractions scaled to 100 %; NaN where they miss it by more than 5 %."""
    total = sand + silt + clay
    plausible = (total >= _LOWEST_SUM_PERCENT) & (total <= _HIGHEST_SUM_PERCENT)
    plausible &= (sand >= 0) & (silt >= 0) & (clay >= 0)
    factor = np.divide(100.0, total, out=np.full(total.shape, np.nan), where=plausible)
    return sand * factor, silt * factor, clay * factor


def _texture_rules(
    sand: FloatArray, silt: FloatArray, clay: FloatArray
) -> Mapping[Texture, BoolArray]:
    """Conditions of the USDA triangle; the first that holds names the class."""
    return MappingProxyType(
        {
            Texture.SAND: silt + 1.5 * clay < 15,
            Texture.LOAMY_SAND: silt + 2 * clay < 30,
            Texture.SILT: (silt >= 80) & (clay < 12),
            Texture.HEAVY_CLAY: clay > 60,
            Texture.SILTY_CLAY: (clay >= 40) & (silt >= 40),
            Texture.CLAY: (clay >= 40) & (sand <= 45),
            Texture.SANDY_CLAY: (clay >= 35) & (sand > 45),
            Texture.SILTY_CLAY_LOAM: (clay >= 27) & (sand <= 20),
            Texture.CLAY_LOAM: (clay >= 27) & (sand <= 45),
            Texture.SANDY_CLAY_LOAM: (clay >= 20) & (silt < 28),
            Texture.SILT_LOAM: silt >= 50,
            Texture.LOAM: (clay >= 7) & (silt >= 28) & (sand <= 52),
            Texture.SANDY_LOAM: np.isfinite(clay),
        }
    )


def texture_class(sand: FloatArray, silt: FloatArray, clay: FloatArray) -> ClassArray:
    """Codes of `Texture`; 0 where a fraction is missing or the sum is implausible.

    Args:
        sand: 0.05–2 mm, % of mass, 0–100.
        silt: 0.002–0.05 mm, % of mass, 0–100.
        clay: Below 0.002 mm, % of mass, 0–100. The sum must be 95–105 and is scaled to 100.

    Source: USDA Soil Survey Manual 2017; heavy clay after HWSD (FAO).
    """
    rules = _texture_rules(*_fractions(sand, silt, clay))
    codes = [np.uint8(texture) for texture in rules]
    return np.select(list(rules.values()), codes, default=np.uint8(0))


def soil_infiltration(texture: ClassArray) -> FloatArray:
    """Infiltration score F_sic of the index profile: rank of the texture class over thirteen.

    Args:
        texture: Codes of `Texture`; 0 is nodata.

    Returns:
        1/13 (heavy clay) to 1 (sand); NaN for nodata.

    Source: Ecological Protection Red-line Delineation Guideline 2017 (scale; order status L).
    """
    return np.where(texture == 0, np.nan, texture / len(Texture))


def epic_erodibility(
    sand: FloatArray, silt: FloatArray, clay: FloatArray, organic_carbon: FloatArray
) -> FloatArray:
    """Erodibility of the EPIC model, in its US customary unit.

    Args:
        sand: % of mass, 0–100.
        silt: % of mass, 0–100.
        clay: % of mass, 0–100; the sum must be 95–105 and is scaled to 100.
        organic_carbon: % of mass, 0–100 (not g/kg).

    Returns:
        0–0.5; NaN where any input is missing.

    Source: Williams 1990.
    """
    sand, silt, clay = _fractions(sand, silt, clay)
    fine = clay + silt
    silt_share = np.divide(silt, fine, out=np.zeros_like(fine), where=fine != 0)
    not_sand = 1 - sand / 100
    coarse_term = 0.2 + 0.3 * np.exp(-0.0256 * sand * (1 - silt / 100))
    carbon_term = 1 - 0.25 * organic_carbon / (
        organic_carbon + np.exp(3.72 - 2.95 * organic_carbon)
    )
    sand_term = 1 - 0.7 * not_sand / (not_sand + np.exp(-5.51 + 22.9 * not_sand))
    return np.asarray(coarse_term * silt_share**0.3 * carbon_term * sand_term)


def erodibility(
    sand: FloatArray, silt: FloatArray, clay: FloatArray, organic_carbon: FloatArray
) -> FloatArray:
    """Soil erodibility K for China in SI units.

    `max(0, 0.1317·(−0.01383 + 0.51575·K_EPIC))`; the factor 0.1317 turns the US customary unit
    into the SI one, and leaving it out is the commonest unit error of this quantity.

    Args:
        sand: % of mass, 0–100.
        silt: % of mass, 0–100.
        clay: % of mass, 0–100; the sum must be 95–105 and is scaled to 100.
        organic_carbon: % of mass, 0–100 (not g/kg).

    Returns:
        t·ha·h/(ha·MJ·mm), usually 0.005–0.06; NaN where any input is missing.

    Source: Williams 1990, calibrated by Zhang et al. 2008.
    """
    epic = epic_erodibility(sand, silt, clay, organic_carbon)
    return np.asarray(np.maximum(0.0, 0.1317 * (-0.01383 + 0.51575 * epic)))
