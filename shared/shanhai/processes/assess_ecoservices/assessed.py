"""What an assessment is when it is done, with the extremes of its layers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shanhai.processes.assess_ecoservices.coverage import Coverage
from shanhai.processes.assess_ecoservices.source_layers import SourceLayers
from shanhai.processes.kit.input_summary import Tally
from shanhai.processes.kit.region import Place
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.matching_layers import (
    MaxMode,
    maximum_of,
)
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.flags import ResultFlag
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


@dataclass(frozen=True, slots=True)
class Assessment:
    """The services of a region.

    Attributes:
        place: The region with the rasters that were used; its store holds `supply.*`, `demand.*`,
            `ratio.*`, `valid` and the other results.
        layers: How the computation reads its sources and keeps its layers.
        assembled: The methods that were taken and the layers they are made of.
        plan: How they were worked out.
        figures: Every number of the whole area.
        given: Those of them that were given and not taken.
        extremes: Limits and cap of `supply.*` and `demand.*`.
        coverage: What the region holds and what was lost why.
        tallies: What each input holds on the land of the region, by theme.
        edge_effect: Whether an input ends inside the distance some step looks.
        flags: What a planner should know of the coverage.
        warnings: What a reader should know of the inputs and the results.
    """

    place: Place
    layers: SourceLayers
    assembled: Assembled
    plan: ComputationPlan
    figures: Mapping[AreaFigure, float]
    given: frozenset[AreaFigure]
    extremes: Mapping[str, Extremes]
    coverage: Coverage
    tallies: Mapping[str, Tally]
    edge_effect: bool
    flags: tuple[ResultFlag, ...]
    warnings: list[ResultFlag]
