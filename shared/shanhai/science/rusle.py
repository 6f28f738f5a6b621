"""Soil texture and infiltration, and the Revised Universal Soil Loss Equation, `A = R·K·L·S·C·P`.

Erosivity R is in `shanhai.science.climate`.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import LandCover

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


SLOPE_CAP_DEG = 45.0
"""Slope above which steepness rises no more; Liu's plots end at 29° (55 %). Status E."""

SLOPE_LENGTH_CAP_M = 122.0
"""Longest slope the equation speaks of, 400 ft (Renard et al. 1997)."""

UNIT_PLOT_M = 22.13
"""Length of the plot the equation is scaled to, m."""

LEAST_COVER_FACTOR = 0.001

_RILL_SLOPES_DEG = np.array([1.0, 3.0, 5.0])
_RILL_EXPONENTS = np.array([0.2, 0.3, 0.4, 0.5])

_COVER_BREAKS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])

COVER_FACTORS: Mapping[LandCover, tuple[float, ...]] = MappingProxyType(
    {
        LandCover.FOREST: (0.10, 0.08, 0.06, 0.02, 0.004, 0.001),
        LandCover.SHRUBLAND: (0.40, 0.22, 0.14, 0.085, 0.040, 0.011),
        LandCover.GRASSLAND: (0.45, 0.24, 0.15, 0.09, 0.043, 0.011),
    }
)
"""C by class, for covers below 10, 30, 50, 70, 90 % and above (HJ 1173-2021); status L."""


class Intensity(IntEnum):
    """Intensity of water erosion, SL 190-2007."""

    SLIGHT = 1
    LIGHT = 2
    MODERATE = 3
    INTENSE = 4
    VERY_INTENSE = 5
    SEVERE = 6


INTENSITY_LIMITS_T_HA = (25.0, 50.0, 80.0, 150.0)
"""Upper limits of light to very intense erosion, t/ha/yr (2500 to 15 000 t/km²/yr)."""


def slope_steepness(slope_deg: FloatArray, cap_deg: float = SLOPE_CAP_DEG) -> FloatArray:
    """Steepness factor S.

    `10.8·sinθ + 0.03` below 5°, `16.8·sinθ − 0.5` below 10°, `21.91·sinθ − 0.96` above. The step at
    10° belongs to the published pair.

    Args:
        slope_deg: Slope θ, 0–90°.
        cap_deg: Slope above which the factor rises no more.

    Returns:
        0.03 (flat) to 14.5 (45°); NaN stays NaN.

    Source: McCool et al. 1987; from 10° Liu et al. 1994.
    """
    sine = np.sin(np.radians(np.minimum(slope_deg, cap_deg)))
    steep = np.where(slope_deg < 10, 16.8 * sine - 0.5, 21.91 * sine - 0.96)
    return np.where(slope_deg < 5, 10.8 * sine + 0.03, steep)


def slope_length(
    slope_deg: FloatArray,
    aspect_length: FloatArray,
    contributing_area_m2: FloatArray,
    cell_m: float,
    cap_m: float = SLOPE_LENGTH_CAP_M,
) -> FloatArray:
    """Length factor L of a cell in a landscape.

    `L = [(A + D²)^(m+1) − A^(m+1)] / [D^(m+2)·x^m·22.13^m]`, with A held at `cap·D − D²`, which is
    that of a straight slope of the longest length, and m 0.2, 0.3, 0.4 for slopes up to 1°, 3° and
    5°, and 0.5 above.

    Args:
        slope_deg: Slope, 0–90°.
        aspect_length: x = |sin a| + |cos a|, 1–√2.
        contributing_area_m2: Area A that drains into the cell, the cell itself excluded, m².
        cell_m: Side of a cell D, m.
        cap_m: Longest slope the equation speaks of, m. Cells longer than it count as one whole
            slope.

    Returns:
        ≥ 0, 1 for a slope of 22.13 m; NaN where any input is NaN.

    Source: Desmet and Govers 1996, equation 13; cap and m after Renard et al. 1997.
    """
    m = _RILL_EXPONENTS[np.searchsorted(_RILL_SLOPES_DEG, slope_deg)]
    # In cells rather than m²: the powers of D cancel out but for D^m.
    longest = max(cap_m / cell_m - 1, 0.0)
    inlet = np.minimum(contributing_area_m2 / cell_m**2, longest)
    growth = (inlet + 1) ** (m + 1) - inlet ** (m + 1)
    length = growth * (cell_m / (UNIT_PLOT_M * aspect_length)) ** m
    return np.where(np.isnan(slope_deg), np.nan, length)


def cover_cai(vegetation_cover: FloatArray) -> FloatArray:
    """Cover factor C from the vegetation cover.

    1 without cover, `0.6508 − 0.3436·log10(FVC %)` up to 78.3 %, then 0; held at 0.001 at least.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.

    Returns:
        0.001–1; NaN stays NaN.

    Source: Cai et al. 2000.
    """
    with np.errstate(divide="ignore"):
        factor = 0.6508 - 0.3436 * np.log10(100 * vegetation_cover)
    return np.clip(factor, LEAST_COVER_FACTOR, 1.0)


def cover_van_der_knijff(ndvi: FloatArray) -> FloatArray:
    """Cover factor C from the vegetation index, `exp(−2·NDVI/(1 − NDVI))`.

    Args:
        ndvi: Vegetation index, −1…1.

    Returns:
        0–1; NaN stays NaN. Tends to be high in the humid subtropics.

    Source: van der Knijff et al. 2000.
    """
    with np.errstate(divide="ignore"):
        factor = np.exp(-2 * ndvi / (1 - ndvi))
    return np.clip(factor, 0.0, 1.0)


def cover_table(vegetation_cover: FloatArray, land_cover: ClassArray) -> FloatArray:
    """Cover factor C from the class of the vegetation and of its cover.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.
        land_cover: Internal codes. Classes without a row in `COVER_FACTORS` take `cover_cai`.

    Returns:
        0.001–1; NaN where the cover is NaN.

    Source: HJ 1173-2021.
    """
    known = ~np.isnan(vegetation_cover)
    step = np.searchsorted(_COVER_BREAKS, vegetation_cover, side="right")
    factor = cover_cai(vegetation_cover)
    for cover, row in COVER_FACTORS.items():
        here = known & (land_cover == cover)
        factor[here] = np.array(row)[step[here]]
    return factor


def erosion_intensity(erosion_t_ha: FloatArray, tolerance_t_ha: float) -> ClassArray:
    """Codes of `Intensity`; 0 for nodata.

    Args:
        erosion_t_ha: Soil loss, t/ha/yr.
        tolerance_t_ha: Soil loss below which erosion counts as slight, t/ha/yr, 0–25.

    Source: SL 190-2007.
    """
    above = np.searchsorted(np.array(INTENSITY_LIMITS_T_HA), erosion_t_ha, side="left")
    classes = np.where(erosion_t_ha < tolerance_t_ha, Intensity.SLIGHT, above + Intensity.LIGHT)
    return np.where(np.isnan(erosion_t_ha), 0, classes).astype(np.uint8)
