"""Runoff of a storm by the curve numbers of the Soil Conservation Service."""

from collections.abc import Mapping, Sequence

import numpy as np

from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import LandCover, is_built_up, require_rows

Table = Mapping[LandCover, float]

SEALED_CURVE_NUMBER = 98.0
"""Curve number of sealed ground (TR-55)."""

INITIAL_LOSS = 0.2
"""Share of the retention that is lost before any runoff."""

ENDLESS_RETENTION_MM = 100_000.0
"""Retention of ground with the curve number 0, as InVEST has it, and the most there is."""

STEEP_FROM, STEEP_TO = 0.14, 1.4
"""Slopes, m/m, between which the correction for slope was found."""


def curve_number(
    *,
    land_cover: ClassArray,
    hydrologic_group: FloatArray,
    curve_number_a: Table,
    curve_number_b: Table,
    curve_number_c: Table,
    curve_number_d: Table,
    sealed_share: float,
    antecedent: str = "normal",
    slope_correction: str = "none",
    impervious: FloatArray | None = None,
    slope: FloatArray | None = None,
) -> FloatArray:
    """Curve number of the class on its soil; built-up land is a mixture with sealed ground.

    Args:
        land_cover: Internal codes; 0 is nodata.
        hydrologic_group: 1–4 for the soil groups A–D; anything else is nodata.
        curve_number_a: By class on group A; the row of built-up land is for its unsealed part.
        curve_number_b: The same on group B.
        curve_number_c: The same on group C.
        curve_number_d: The same on group D.
        sealed_share: Sealed share of built-up cells where `impervious` is unknown, 0–1.
        antecedent: `normal`, or `wet` for soil that is wet beforehand.
        slope_correction: `none`, or `steep` for more runoff from steep land.
        impervious: Sealed share of the cell, 0–1; read in built-up cells.
        slope: Degrees; given under `steep`.

    Returns:
        0–100; NaN where land cover or soil group is nodata, and slope if it is asked for.

    Source: TR-55 (USDA-NRCS 1986), composite of urban districts.
    """
    tables = (curve_number_a, curve_number_b, curve_number_c, curve_number_d)
    number = _by_group(land_cover, hydrologic_group, tables)
    number = _with_sealed(number, is_built_up(land_cover), impervious, sealed_share)
    if slope_correction == "steep" and slope is not None:
        number = steep_curve_number(number, slope)
    return wet_curve_number(number) if antecedent == "wet" else number


def wet_curve_number(normal: FloatArray) -> FloatArray:
    """Curve number on wet soil (III) from that on soil of normal moisture (II).

    `23·CN/(10 + 0.13·CN)`; NaN stays NaN. Source: NEH-630; Chow et al. 1988.
    """
    return np.asarray(23 * normal / (10 + 0.13 * normal))


def steep_curve_number(gentle: FloatArray, slope: FloatArray) -> FloatArray:
    """Curve number of steep land.

    `CN·(322.79 + 15.63·α)/(α + 323.52)`, α the slope in m/m between 0.14 and 1.4; gentler land is
    left as it is.

    Args:
        gentle: Curve number of the tables, 0–100.
        slope: Degrees.

    Returns:
        At most 100; NaN where an input is.

    Source: Huang et al. 2006, Hydrological Processes 20, 579; status L.
    """
    gradient = np.minimum(np.tan(np.radians(slope)), STEEP_TO)
    factor = (322.79 + 15.63 * gradient) / (gradient + 323.52)
    steep = np.minimum(gentle * factor, np.maximum(gentle, 100.0))
    return np.where(gradient < STEEP_FROM, gentle, steep)


def retention_mm(curve_number: FloatArray) -> FloatArray:
    """Rain the ground can hold at most, `25400/CN − 254`, mm; 100 000 for 0, NaN stays NaN."""
    lowest = 25_400.0 / (ENDLESS_RETENTION_MM + 254.0)
    return np.asarray(25_400.0 / np.maximum(curve_number, lowest) - 254.0)


def storm_runoff(
    *,
    curve_number: FloatArray,
    land_cover: ClassArray,
    storm_mm: float,
    lake_storage: str = "conveyance",
) -> FloatArray:
    """Runoff of a storm, `Q = (P − 0.2·S)²/(P + 0.8·S)`, 0 while P ≤ 0.2·S.

    Args:
        curve_number: 0–100.
        land_cover: Internal codes; 0 is nodata.
        storm_mm: Rain of the storm P, mm.
        lake_storage: `conveyance`: water passes on what falls on it; `storage`: inland water and
            wetland have room for the storm, and nothing runs off.

    Returns:
        mm, 0–P; NaN where the curve number is.

    Source: TR-55 (USDA-NRCS 1986).
    """
    retention = retention_mm(curve_number)
    surplus = np.maximum(storm_mm - INITIAL_LOSS * retention, 0.0)
    # Without rain and retention there is no runoff either, and not 0/0.
    below = storm_mm + (1 - INITIAL_LOSS) * retention
    runoff: FloatArray = np.divide(surplus**2, below, out=np.zeros_like(surplus), where=below != 0)
    runoff[np.isnan(curve_number)] = np.nan
    if lake_storage == "storage":
        runoff[np.isin(land_cover, (LandCover.WATER, LandCover.WETLAND)) & ~np.isnan(runoff)] = 0.0
    return runoff


def _by_group(
    land_cover: ClassArray, hydrologic_group: FloatArray, tables: Sequence[Table]
) -> FloatArray:
    """Value of the group's table; one look-up by both codes is ten times as fast as four masks."""
    classes = len(LandCover) + 1
    counts = dict(enumerate(np.bincount(land_cover.ravel(), minlength=classes).tolist()))
    values = np.full((len(tables) + 1, classes), np.nan)
    for group, table in enumerate(tables, start=1):
        require_rows(counts, table)
        values[group, list(table)] = list(table.values())
    known = (hydrologic_group >= 1) & (hydrologic_group <= len(tables))
    group_code = np.where(known, hydrologic_group, 0).astype(np.uint8)
    number: FloatArray = values.ravel()[group_code * np.uint8(classes) + land_cover]
    return number


def _with_sealed(
    unsealed: FloatArray, built_up: BoolArray, impervious: FloatArray | None, sealed_share: float
) -> FloatArray:
    share: FloatArray | float = sealed_share
    if impervious is not None:
        share = np.where(np.isnan(impervious), sealed_share, impervious)
    mixed = unsealed + share * (SEALED_CURVE_NUMBER - unsealed)
    return np.where(built_up, mixed, unsealed)
