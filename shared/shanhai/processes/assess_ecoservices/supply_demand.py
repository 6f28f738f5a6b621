"""What of an assessment the zoning takes: the layers' extremes, and means over the units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.matching_layers import (
    MaxMode,
    maximum_of,
)
from shanhai.science.normalisation import LIMIT_PROBABILITIES, NormalisationLimits
from shanhai.vocabulary import ECOSERVICES, codes

SERVICES = codes(ECOSERVICES)


@dataclass(frozen=True, slots=True)
class Extremes:
    """Global numbers of a service's layer: limits for normalising, cap for the ratio."""

    limits: NormalisationLimits
    cap: float


def limits_figures(layer: str) -> tuple[AreaFigure, AreaFigure]:
    """The numbers a layer is normalised between."""
    low, high = LIMIT_PROBABILITIES
    return AreaFigure(layer, "quantile", low), AreaFigure(layer, "quantile", high)


def extremes_of(
    layers: Iterable[str], figures: Mapping[AreaFigure, float], max_mode: MaxMode
) -> dict[str, Extremes]:
    """Limits and cap of the supplies and demands."""
    found = {}
    for layer in layers:
        low, high = limits_figures(layer)
        cap = figures[maximum_of(layer, max_mode)]
        found[layer] = Extremes(NormalisationLimits(figures[low], figures[high]), cap)
    return found
