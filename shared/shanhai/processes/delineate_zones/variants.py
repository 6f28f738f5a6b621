"""An assessment once more with other parameters: only what they change is computed again.

Layers that no change reaches are read where the assessment kept them, those that were not kept are
worked out once for all variants. The assessment itself is not touched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from shanhai.processes.assess_ecoservices.assessed import (
    Assessment,
    Extremes,
    extremes_of,
    limits_figures,
)
from shanhai.processes.assess_ecoservices.source_layers import (
    SourceLayers,
    bands_of,
    extent,
    make_room,
)
from shanhai.processes.kit.region import windows_of
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import PlanComputation
from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph
from shanhai.science.ecoservices.matching_layers import MaxMode, maximum_of
from shanhai.science.ecoservices.plan import ComputationPlan, plan_of
from shanhai.science.uncertainty.variation import Varied, is_affected


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """What must be done for one set of changed parameters.

    Attributes:
        plan: Its passes.
        known: Numbers of the whole area that stay.
        reads: Layers of the assessment that are read on the analysis grid.
    """

    plan: ComputationPlan
    known: Mapping[AreaFigure, float]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Variant:
    """An assessment with changed parameters.

    Attributes:
        store: Its results; those nothing changed are the assessment's own.
        extremes: Limits and cap of supplies and demands.
    """

    store: ScratchStore
    extremes: Mapping[str, Extremes]


@dataclass(frozen=True, slots=True)
class Variants:
    """The way from changed parameters to an assessment.

    Attributes:
        assessment: The assessment with its own parameters.
        max_mode: How the maxima of the ratio are taken.
        runner: Runs the windows.
    """

    assessment: Assessment
    max_mode: MaxMode
    runner: WindowRunner

    @property
    def graph(self) -> LayerGraph:
        """The layers of the assessment, for `vary`."""
        base = self.assessment
        return replace(
            base.assembled.graph, nodes=dict(base.plan.nodes), leaves=dict(base.plan.leaves)
        )

    def plan(self, varied: Varied) -> VariantPlan:
        """What must be done for some changed parameters; numbers that were given stay."""
        base, affected = self.assessment, varied.affected
        known = {
            figure: value
            for figure, value in base.figures.items()
            if figure in base.given or not is_affected(figure, affected)
        }
        given = (varied.graph.nodes.keys() | varied.graph.leaves.keys()) - affected
        plan = plan_of(
            varied.graph,
            base.plan.cell_m,
            results=[key for key in base.assembled.results if key in affected],
            decisive=(),
            figures=[figure for figure in self._extreme_figures if figure not in known],
            given=given,
            known=known,
        )
        wide = self._wide_leaves
        read = {key for step in plan.passes for key in step.reads}
        reads = frozenset(read & given - wide - set(base.plan.tiled))
        later = replace(_after_the_first(plan), wide=tuple(wide), kept=plan.kept | reads)
        return VariantPlan(later, known, reads)

    def prepare(self, plans: Iterable[VariantPlan]) -> None:
        """Keep what the plans read of the assessment and it did not keep itself."""
        base = self.assessment
        own = base.place.store
        reads = {key for one in plans for key in one.reads}
        lacking = sorted(key for key in reads if not _holds(own, key))
        if not lacking:
            return
        plan = plan_of(
            self.graph,
            base.plan.cell_m,
            results=lacking,
            decisive=(),
            given=[key for key in base.plan.kept if key in base.plan.nodes],
            known=base.figures,
        )
        # No leaf was kept so far, and those that shall be are read from their sources.
        unread = replace(_after_the_first(plan), wide=tuple(plan.leaves))
        self._carry_out(unread, lacking, base.layers, dict(base.figures))

    def compute(self, variant: VariantPlan, folder: Path) -> Variant:
        """Carry out a plan that was prepared; the results go to `folder`."""
        base = self.assessment
        store = ScratchStore(folder, base.place.store.grid, below=base.place.store)
        layers = replace(base.layers, stores=replace(base.layers.stores, own=store))
        figures = dict(variant.known)
        kept = sorted({key for step in variant.plan.passes for key in step.keeps})
        self._carry_out(variant.plan, kept, layers, figures)
        return Variant(store, extremes_of(base.assembled.decisive_layers, figures, self.max_mode))

    def _carry_out(
        self,
        plan: ComputationPlan,
        kept: Iterable[str],
        layers: SourceLayers,
        figures: dict[AreaFigure, float],
    ) -> None:
        grid = layers.stores.own.grid
        for key in kept:
            make_room(layers.stores.own, key, plan.unit_of(key), bands_of(key))
        windows = windows_of(grid)
        around = extent(self.assessment.place.area)
        computation = PlanComputation(plan, layers, self.runner, around, windows)
        for _ in computation.passes(figures, lambda _share: None):
            pass

    @property
    def _extreme_figures(self) -> list[AreaFigure]:
        layers = self.assessment.assembled.decisive_layers
        caps = [maximum_of(layer, self.max_mode) for layer in layers]
        return [*caps, *(figure for layer in layers for figure in limits_figures(layer))]

    @property
    def _wide_leaves(self) -> frozenset[str]:
        """What was aligned beyond the region too, and is read from there."""
        base = self.assessment
        leaves = base.plan.leaves.items()
        return frozenset(name for name, leaf in leaves if leaf.theme in base.layers.wide)


def _after_the_first(plan: ComputationPlan) -> ComputationPlan:
    """The plan as one that follows an assessment, whose first pass told where it is valid."""
    return replace(plan, passes=tuple(replace(one, stage=one.stage + 1) for one in plan.passes))


def _holds(store: ScratchStore, key: str) -> bool:
    return store.has(key) or store.has(f"{key}@0")
