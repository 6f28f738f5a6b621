"""The zones once more with other parameters: by draws of all of them, and of each alone.

Layers that no change reaches are read where the assessment kept them, those that were not kept are
worked out once for all variants. The assessment itself is not touched.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.assess_ecoservices.assessed import (
    Assessment,
    Extremes,
    extreme_figures,
    extremes_of,
)
from shanhai.processes.assess_ecoservices.pictures import DEFICIT, RATIO_SD, STABILITY
from shanhai.processes.assess_ecoservices.source_layers import (
    SourceLayers,
    bands_of,
    extent,
    make_room,
)
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.zoning import Zoner, each_time
from shanhai.processes.kit.region import windows_of
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import PlanComputation
from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph
from shanhai.science.ecoservices.matching_layers import RATIO, MaxMode
from shanhai.science.ecoservices.plan import ComputationPlan, plan_of
from shanhai.science.grid import ClassArray, Window
from shanhai.science.matching import weight_shares
from shanhai.science.uncertainty import variation
from shanhai.science.uncertainty.draws import Draw, DrawTally, draw_parameters
from shanhai.science.zoning.postprocess import ZONES
from shanhai.vocabulary import ZONE_CLASSES


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

    def plan(self, varied: variation.Varied) -> VariantPlan:
        """What must be done for some changed parameters; numbers that were given stay."""
        base, affected = self.assessment, varied.affected
        known = {
            figure: value
            for figure, value in base.figures.items()
            if figure in base.given or not variation.is_affected(figure, affected)
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
        lacking = sorted(key for key in reads if not own.has(key) and not own.has(f"{key}@0"))
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
        return Variant(store, extremes_of(base.assembled, figures, self.max_mode))

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
        return extreme_figures(self.assessment.assembled, self.max_mode)

    @property
    def _wide_leaves(self) -> frozenset[str]:
        """What was aligned beyond the region too, and is read from there."""
        base = self.assessment
        leaves = base.plan.leaves.items()
        return frozenset(name for name, leaf in leaves if leaf.theme in base.layers.wide)


def _after_the_first(plan: ComputationPlan) -> ComputationPlan:
    """The plan as one that follows an assessment, whose first pass told where it is valid."""
    return replace(plan, passes=tuple(replace(one, stage=one.stage + 1) for one in plan.passes))


RATIO_MEAN = "ratio_mean"
MODAL_ZONE = "modal_zone"
DRAWN = (STABILITY, RATIO_MEAN, RATIO_SD, DEFICIT)
"""Layers that the draws leave in the scratch store: classes, and quantities."""
_STRIP_ROWS = 512
_DRAWS_OF_A_BYTE = 255
_MEAN, _SQUARES, _DEFICITS = "draws.mean", "draws.squares", "draws.deficits"
_VOTES = tuple(f"draws.votes.{zone.value}" for zone in ZONE_CLASSES)
_COUNTS = (_DEFICITS, *_VOTES)

Found = TypeVar("Found")
Told = Callable[[float, str], None]
"""Hears the share done, 0–1, and what is in hand."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the draws say of all zones together; what they say of a cell is in the layers.

    Attributes:
        draws: How many there were.
        applied: What they changed; see `VARIED`.
        modal_share: Part of the cells whose zone is also that of most draws, 0–1.
    """

    draws: int
    applied: tuple[str, ...]
    modal_share: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """How the zones depend on the parameters.

    Attributes:
        drawn: What came of the draws; None where none were asked for.
        effects: Change of the area of the zones in ha by each parameter alone; None unless asked
            for. Parameters no method of the run has are left out.
    """

    drawn: Drawn | None
    effects: list[variation.Effect] | None


def doubt_zones(
    assessment: Assessment, inputs: DelineateZonesInputs, zoner: Zoner, folder: Path, told: Told
) -> Doubt:
    """Assess and zone again as often as was asked for.

    Args:
        assessment: The assessment with its own parameters, zoned.
        inputs: What was asked for.
        zoner: How the area was zoned.
        folder: Scratch folder of its own; empty again at the end.
        told: Hears the share done.
    """
    asked = inputs.uncertainty
    variants = Variants(assessment, inputs.parameters.max_mode, zoner.runner)
    # Steps of hundreds of draws would leave no room for those that other jobs take over.
    again = _Again(variants, replace(zoner, once=each_time), folder)
    draws: list[Draw] = []
    if asked.draws:
        weights = weight_shares(inputs.parameters.weights)
        draws = list(draw_parameters(inputs.seed, weights, asked.draws))
    alone_by = again.present() if asked.sensitivity else []
    again.prepare([*draws[:1], *(variation.alone(name, 1 + variation.STEP) for name in alone_by)])
    total = len(draws) + 2 * len(alone_by)
    done = iter(range(1, total + 1))
    drawn = None
    if draws:
        drawn = _draw(again, draws, lambda: told(next(done) / total, "draws"))
    effects = None
    if asked.sensitivity:
        effects = _effects(again, alone_by, lambda: told(next(done) / total, "single_changes"))
    return Doubt(drawn, effects)


@dataclass(frozen=True, slots=True)
class _Again:
    """Assesses and zones with changed parameters."""

    variants: Variants
    zoner: Zoner
    folder: Path

    def present(self) -> list[str]:
        """Those of the twelve parameters that a method of the run has."""
        graph, results = self.variants.graph, set(self.variants.assessment.assembled.results)
        changed = {
            name: variation.vary(graph, variation.alone(name, 1 + variation.STEP)).affected
            for name in variation.PARAMETERS
        }
        return [name for name, affected in changed.items() if affected & results]

    def prepare(self, draws: list[Draw]) -> None:
        """Keep what such changes need of the assessment."""
        graph = self.variants.graph
        self.variants.prepare([self.variants.plan(variation.vary(graph, draw)) for draw in draws])

    def applied(self, draw: Draw) -> tuple[str, ...]:
        """What a draw changes."""
        return variation.vary(self.variants.graph, draw).applied

    @contextmanager
    def zone(self, draw: Draw) -> Iterator[ScratchStore]:
        """The layers, zones among them; they are gone afterwards."""
        plan = self.variants.plan(variation.vary(self.variants.graph, draw))
        variant = self.variants.compute(plan, self.folder)
        try:
            self.zoner.zone(variant.store, variant.extremes)
            yield variant.store
        finally:
            shutil.rmtree(self.folder)

    def once(self, function: Callable[[], Found]) -> Found:
        """What a draw or a change leaves, its layers being gone; kept as finished windows are."""
        return self.zoner.runner.remembered().step(function)


def _draw(again: _Again, draws: list[Draw], told: Callable[[], None]) -> Drawn:
    own = again.variants.assessment.place.store
    _make_room(own, len(draws))
    for number, draw in enumerate(draws):
        ratio, zones = again.once(partial(_ratio_and_zones, again, draw))
        _take_up(own, ratio, zones, number, len(draws))
        told()
    agreeing, zoned = _sum_up(own, len(draws))
    own.drop(_MEAN, _SQUARES, *_COUNTS)
    return Drawn(
        draws=len(draws), applied=again.applied(draws[0]), modal_share=agreeing / max(zoned, 1)
    )


def _ratio_and_zones(again: _Again, draw: Draw) -> tuple[NDArray[np.float32], ClassArray]:
    with again.zone(draw) as store:
        return store.read_stored(RATIO, store.whole), store.read_classes(ZONES, store.whole)


def _make_room(own: ScratchStore, draws: int) -> None:
    for layer in (_MEAN, _SQUARES, *DRAWN):
        own.create(layer)
    for layer in _COUNTS:
        # A byte counts so many draws; a float32 counts all that may be asked for exactly.
        own.create_classes(layer) if draws <= _DRAWS_OF_A_BYTE else own.create(layer)
    own.create_classes(MODAL_ZONE)


def _strips(own: ScratchStore) -> Iterator[Window]:
    height, width = own.grid.shape
    for row in range(0, height, _STRIP_ROWS):
        yield Window(row, 0, min(_STRIP_ROWS, height - row), width)


def _take_up(
    own: ScratchStore, ratio: NDArray[np.float32], zones: ClassArray, before: int, draws: int
) -> None:
    """Add a draw to the tally, strip by strip."""
    for strip in _strips(own):
        tally = _read(own, strip, before, draws)
        tally.add(ratio[strip.slices].astype(np.float64), zones[strip.slices])
        own.write(_MEAN, strip, tally.mean)
        own.write(_SQUARES, strip, tally.squares)
        for layer, counts in zip(_COUNTS, (tally.deficits, *tally.votes), strict=True):
            if draws <= _DRAWS_OF_A_BYTE:
                own.write_classes(layer, strip, counts.astype(np.uint8))
            else:
                own.write(layer, strip, counts.astype(np.float32))


def _read(own: ScratchStore, strip: Window, before: int, draws: int) -> DrawTally:
    if draws <= _DRAWS_OF_A_BYTE:
        counts = [own.read_classes(layer, strip) for layer in _COUNTS]
    else:
        counts = [own.read_stored(layer, strip).astype(np.uint16) for layer in _COUNTS]
    return DrawTally(
        mean=own.read_stored(_MEAN, strip),
        squares=own.read_stored(_SQUARES, strip),
        deficits=counts[0],
        votes=np.stack(counts[1:]),
        draws=before,
    )


def _sum_up(own: ScratchStore, draws: int) -> tuple[int, int]:
    """Write the layers; returns the cells whose zone is that of most draws, and all with a zone."""
    agreeing, zoned = 0, 0
    for strip in _strips(own):
        result = _read(own, strip, draws, draws).result()
        own.write(STABILITY, strip, result.zone_confidence)
        own.write(RATIO_MEAN, strip, result.mean)
        own.write(RATIO_SD, strip, result.sd)
        own.write(DEFICIT, strip, result.deficit_probability)
        own.write_classes(MODAL_ZONE, strip, result.modal_zone)
        usual = own.read_classes(ZONES, strip)
        zoned += int(np.count_nonzero(usual))
        agreeing += int(np.count_nonzero((usual > 0) & (usual == result.modal_zone)))
    return agreeing, zoned


def _effects(again: _Again, names: list[str], told: Callable[[], None]) -> list[variation.Effect]:
    usual = _areas(again.variants.assessment.place.store)

    def zone_areas(factors: Mapping[str, float]) -> dict[int, float]:
        if not factors:
            return usual
        ((name, factor),) = factors.items()
        areas = again.once(partial(_areas_after, again, variation.alone(name, factor)))
        told()
        return areas

    return variation.one_at_a_time(zone_areas, names)


def _areas_after(again: _Again, change: Draw) -> dict[int, float]:
    with again.zone(change) as store:
        return _areas(store)


def _areas(store: ScratchStore) -> dict[int, float]:
    """Area of every zone, ha."""
    counts = np.zeros(len(ZONE_CLASSES) + 1, dtype=np.int64)
    for strip in _strips(store):
        codes = store.read_classes(ZONES, strip)
        counts += np.bincount(codes.ravel(), minlength=len(counts))
    cell_ha = store.grid.cell_area_ha
    return {zone: float(cells) * cell_ha for zone, cells in enumerate(counts) if zone}
