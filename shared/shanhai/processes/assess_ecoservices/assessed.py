"""What an assessment is when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass

from shanhai.processes.assess_ecoservices.coverage import Coverage
from shanhai.processes.assess_ecoservices.source_layers import SourceLayers, Stores
from shanhai.processes.assess_ecoservices.supply_demand import Extremes
from shanhai.processes.kit.input_summary import Tally
from shanhai.processes.kit.study_area import StudyArea
from shanhai.raster.warp import RasterSource
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.flags import ResultFlag


@dataclass(frozen=True, slots=True)
class Assessment:
    """The services of a study area.

    Attributes:
        area: The study area.
        stores: Scratch layers; `stores.own` holds `supply.*`, `demand.*`, `ratio.*`, `valid` and
            the other results.
        layers: How the computation reads its sources and keeps its layers.
        assembled: The methods that were taken and the layers they are made of.
        plan: How they were worked out.
        figures: Every number of the whole area.
        given: Those of them that were given and not taken.
        extremes: Limits and cap of `supply.*` and `demand.*`.
        coverage: What the region holds and what was lost why.
        tallies: What each input holds on the land of the region, by theme.
        sources: The rasters that were used, by theme.
        edge_effect: Whether an input ends inside the distance some step looks.
        flags: What a planner should know of the coverage.
        warnings: What a reader should know of the inputs and the results.
    """

    area: StudyArea
    stores: Stores
    layers: SourceLayers
    assembled: Assembled
    plan: ComputationPlan
    figures: Mapping[AreaFigure, float]
    given: frozenset[AreaFigure]
    extremes: Mapping[str, Extremes]
    coverage: Coverage
    tallies: Mapping[str, Tally]
    sources: Mapping[str, RasterSource]
    edge_effect: bool
    flags: tuple[ResultFlag, ...]
    warnings: list[ResultFlag]
