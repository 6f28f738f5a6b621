"""How easily land erodes or turns to bare rock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.soil import Texture

EXTREMELY_SENSITIVE, SENSITIVE, GENERAL = 1, 2, 3
NODATA = 0

LOCAL_PROBABILITIES = (1 / 3, 2 / 3)
"""Quantiles that grade a factor where the national boundaries tell no two places apart; E."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """Boundaries of a factor whose sensitivity rises with it.

    Attributes:
        low: Values up to this grade 1.
        high: Values from this on grade 5; those between grade 3.
    """

    low: float
    high: float


EROSIVITY = Breaks(100.0, 600.0)
"""R, MJ·mm/(ha·h·yr)."""

RELIEF = Breaks(50.0, 300.0)
"""Range of elevation, m."""

CARBONATE = Breaks(30.0, 70.0)
"""Outcrop of carbonate rock, % of the area."""

SLOPE = Breaks(8.0, 25.0)
"""Degrees."""

BARE = Breaks(0.4, 0.8)
"""1 − vegetation cover: cover of 0.6 and more grades 1, of 0.2 and less 5."""

TEXTURE_GRADES: Mapping[Texture, int] = MappingProxyType(
    {
        Texture.HEAVY_CLAY: 1,
        Texture.CLAY: 1,
        Texture.SANDY_CLAY: 1,
        Texture.SAND: 1,
        Texture.LOAMY_SAND: 3,
        Texture.LOAM: 3,
        Texture.SANDY_CLAY_LOAM: 3,
        Texture.SILTY_CLAY: 5,
        Texture.CLAY_LOAM: 5,
        Texture.SANDY_LOAM: 5,
        Texture.SILTY_CLAY_LOAM: 5,
        Texture.SILT_LOAM: 5,
        Texture.SILT: 5,
    }
)
"""Grade of erodibility by texture; the guideline's Chinese texture names put upon the USDA classes,
status E."""


def grade(values: FloatArray, breaks: Breaks) -> FloatArray:
    """1, 3 or 5: `x ≤ low`, between, `x ≥ high`; NaN stays NaN.

    Where both boundaries are the same value (a factor without variation) that value grades 1.
    """
    grades = np.select([values <= breaks.low, values >= breaks.high], [1.0, 5.0], 3.0)
    return np.where(np.isnan(values), np.nan, grades)


def grade_cover(cover: FloatArray, breaks: Breaks = BARE) -> FloatArray:
    """Grade of vegetation cover, 0–1: the barer, the higher.

    Compared as cover, so that 0.6 and 0.2 fall where the guideline puts them.
    """
    dense, sparse = round(1 - breaks.low, 12), round(1 - breaks.high, 12)
    grades = np.select([cover >= dense, cover <= sparse], [1.0, 5.0], 3.0)
    return np.where(np.isnan(cover), np.nan, grades)


def grade_texture(texture: ClassArray) -> FloatArray:
    """Grade of erodibility by codes of `Texture`; NaN for nodata."""
    table = np.full(len(Texture) + 1, np.nan)
    for kind, grade_of in TEXTURE_GRADES.items():
        table[kind] = grade_of
    return table[texture]


def geometric_mean(grades: Sequence[FloatArray]) -> FloatArray:
    """The n-th root of the product of n grades; NaN where any is."""
    return np.asarray(np.prod(np.stack(list(grades)), axis=0) ** (1 / len(grades)))


def sensitivity_class(index: FloatArray) -> ClassArray:
    """Class of a sensitivity index.

    Args:
        index: Geometric mean of grades, 1–5.

    Returns:
        3 general (≤ 2), 2 sensitive (2–4], 1 extremely sensitive (> 4); 0 where NaN.

    Source: guideline 2017; status L.
    """
    classes = np.select([index > 4.0, index > 2.0], [EXTREMELY_SENSITIVE, SENSITIVE], GENERAL)
    return np.where(np.isnan(index), NODATA, classes).astype(np.uint8)


def erosion_index(
    *, erosivity: FloatArray, erodibility: FloatArray, relief: FloatArray, cover: FloatArray
) -> FloatArray:
    """Sensitivity to soil erosion, `(R·K·LS·Cv)^¼` of the four grades.

    Returns:
        1–5; NaN where any grade is.
    """
    return geometric_mean([erosivity, erodibility, relief, cover])


def desertification_index(
    *, carbonate: FloatArray, slope: FloatArray, cover: FloatArray
) -> FloatArray:
    """Sensitivity to rocky desertification, `(Carb·Slope·Cv)^⅓` of the three grades.

    Returns:
        1–5; NaN where any grade is. Cells without carbonate rock do not apply, see
        `desertification_class`.
    """
    return geometric_mean([carbonate, slope, cover])


def desertification_class(index: FloatArray, carbonate_percent: FloatArray) -> ClassArray:
    """Class of the index; 0 where there is no carbonate rock or the index is NaN."""
    return np.where(carbonate_percent > 0, sensitivity_class(index), NODATA).astype(np.uint8)


def monitored_erosion_class(intensity: ClassArray) -> ClassArray:
    """The shortcut of 2020 from monitored erosion.

    Args:
        intensity: 1 slight, 2 light, 3 moderate, 4 intense, 5 very intense, 6 severe (SL 190).

    Returns:
        1 for very intense and severe, 2 for moderate and intense, 3 below; 0 for nodata.

    Source: guide of the double evaluation 2020; status L.
    """
    table = (NODATA, GENERAL, GENERAL, SENSITIVE, SENSITIVE, *(EXTREMELY_SENSITIVE,) * 2)
    return np.array(table, dtype=np.uint8)[intensity]


def monitored_desertification_class(degree: ClassArray) -> ClassArray:
    """The shortcut of 2020 from monitored rocky desertification.

    Args:
        degree: 1 none, 2 potential, 3 light, 4 moderate, 5 heavy, 6 extremely heavy.

    Returns:
        1 for heavy and worse, 2 for moderate, 3 below; 0 for nodata.

    Source: guide of the double evaluation 2020; status L.
    """
    table = (NODATA, GENERAL, GENERAL, GENERAL, SENSITIVE, *(EXTREMELY_SENSITIVE,) * 2)
    return np.array(table, dtype=np.uint8)[degree]


def worst_class(classes: Sequence[ClassArray]) -> ClassArray:
    """The highest sensitivity of any theme that applies; 0 where none does."""
    together = np.stack(list(classes))
    # Codes fall with severity, and 0 says nothing: it must lose against every code.
    worst = np.where(together == NODATA, np.uint8(255), together).min(axis=0)
    return np.where(worst == 255, NODATA, worst).astype(np.uint8)
