"""Quality of habitats: how suitable the land is, and what threats around it leave of that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.distance import distance_m
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import LandCover, class_values

Table = Mapping[LandCover, float]

DECAY_RATE = 2.99
"""Exponential decay leaves e⁻²·⁹⁹, a twentieth, at the reach of a threat (InVEST)."""

SCALING = 2.5
"""Exponent z of the degradation (InVEST)."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What one threat does to the cells.

    Attributes:
        intensity: 0–1, from `threat_intensity`.
        weight: Weight among the threats, ≥ 0.
        sensitivity: How much each class suffers from it, 0–1.
    """

    intensity: FloatArray
    weight: float
    sensitivity: Table


def threat_intensity(source: BoolArray, reach_m: float, decay: str, cell_m: float) -> FloatArray:
    """Intensity of a threat by the distance to its nearest source.

    Args:
        source: Cells the threat comes from.
        reach_m: Distance beyond which it is not felt, m.
        decay: `linear`: `1 − d/d_max`; `exponential`: `exp(−2.99·d/d_max)`.
        cell_m: Side of a cell, m.

    Returns:
        1 at a source to 0 beyond `reach_m`.

    Source: InVEST habitat quality, whose code takes the nearest source (Sharp et al. 2020).
    """
    distance = distance_m(source, cell_m, reach_m)
    if decay == "linear":
        return np.maximum(1.0 - distance / reach_m, 0.0)
    return np.asarray(np.exp(-DECAY_RATE / reach_m * distance))


def degradation(
    land_cover: ClassArray, impacts: Mapping[str, Impact], access: FloatArray | float = 1.0
) -> FloatArray:
    """Degradation by all threats, `D = Σ_r (w_r/Σw)·i_r·β·sensitivity`.

    Args:
        land_cover: Internal codes; 0 is nodata.
        impacts: What the threats do, by name.
        access: Accessibility β, 1 where nothing keeps a threat out, 0–1.

    Returns:
        0–1; NaN where land cover is nodata.

    Raises:
        InvalidInput: the weights sum to 0.
    """
    total = sum(impact.weight for impact in impacts.values())
    if total <= 0:
        raise InvalidInput(
            f"the weights of the threats {', '.join(impacts)} sum to {total}; one must be above 0",
            message_zh=f"威胁源（{'、'.join(impacts)}）的权重之和为 {total}，至少一个须大于 0",
            pointer="/ecoservices/biodiversity/parameters",
        )
    sum_of_impacts = np.zeros(land_cover.shape)
    for impact in impacts.values():
        share = {
            cover: value * impact.weight / total for cover, value in impact.sensitivity.items()
        }
        sum_of_impacts += class_values(land_cover, share) * impact.intensity
    return np.asarray(sum_of_impacts * access)


def habitat_quality(
    *,
    land_cover: ClassArray,
    habitat_degradation: FloatArray,
    habitat: Table,
    degradation_max: float,
    half_saturation: float = 0.0,
) -> FloatArray:
    """Quality of the habitat, `HQ = H·(1 − D^z/(D^z + k^z))`, z = 2.5.

    Args:
        land_cover: Internal codes; 0 is nodata.
        habitat_degradation: D, ≥ 0.
        habitat: Suitability H by class, 0–1.
        degradation_max: Largest D of the area in the baseline.
        half_saturation: D at which half of the suitability is left, k; 0 takes half of
            `degradation_max`, as the InVEST user guide advises.

    Returns:
        0–1; NaN where an input is nodata.

    Source: InVEST habitat quality.
    """
    half = half_saturation or degradation_max / 2
    suffered = habitat_degradation**SCALING
    scale = suffered + half**SCALING
    lost: FloatArray = np.divide(suffered, scale, out=np.zeros_like(suffered), where=scale != 0)
    return np.asarray(class_values(land_cover, habitat) * (1.0 - lost))
