"""From input rasters to supply, demand and ratio of the services, in scratch layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices import assessed, plausibility, source_layers
from shanhai.processes.assess_ecoservices.alignment import COVER, Aligned, align_wide
from shanhai.processes.assess_ecoservices.contract import AssessmentInputs
from shanhai.processes.assess_ecoservices.manifest import assessment_warnings, require_laws
from shanhai.processes.assess_ecoservices.request import (
    KEPT_LEAVES,
    assembled,
    available_leaves,
    decisive,
    given_figures,
    themes_used,
)
from shanhai.processes.kit import region
from shanhai.processes.kit.manifest import kept_step
from shanhai.processes.kit.reference import require_reference
from shanhai.processes.kit.task import Progress, Task, pointing_at
from shanhai.raster.cog import check_total
from shanhai.raster.crs import transformer
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.computation import VALID, Layers, PassResult, PlanComputation
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.ecoservices.plan import ComputationPlan, Pass, plan_of
from shanhai.science.grid import Window
from shanhai.science.landcover import LandCover, require_rows

_COUNTED = AreaFigure(RATIO, "count")
"""Cells in which the comprehensive ratio is known."""

_LEAST_PAD_M = 2_000.0
"""Distance beyond the region that is aligned at least, to tell the sea from unknown land."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """What is known before anything is computed."""

    assembled: Assembled
    plan: ComputationPlan
    place: region.Place
    fill_zero: bool


def assess(
    task: Task, inputs: AssessmentInputs, folder: Path, runner: WindowRunner, progress: Progress
) -> assessed.Assessment:
    """Carry out the assessment of a task; progress goes from 0 to 60.

    Raises:
        InvalidInput: layers are missing or leave too little of the land, or something is asked for
            that there is not.
    """
    require_reference(inputs, task.reference)
    setting = _prepare(task, inputs, folder / "grid", runner)
    place, plan = setting.place, setting.plan
    area = place.area
    stores = source_layers.Stores(place.store, ScratchStore(folder / "wide", area.wide), area.pad)
    given = given_figures(inputs, setting.assembled, plan, task.reference)
    layers = _layers(setting, stores)

    def work_out() -> _WorkedOut:
        return _work_out(setting, layers, given, runner, progress)

    kept = (place.store, stores.wide)
    with pointing_at("/inputs"):
        worked_out = kept_step(task, decisive(inputs), kept, folder, work_out)
        require_laws(setting.assembled, worked_out.figures)
    runner.end_part()
    aligned, figures = worked_out.aligned, worked_out.figures
    coverage, tallies = worked_out.coverage, {**aligned.tallies, **worked_out.noted.tallies}
    edge_effect = any(ends_early(place.sources[theme], area) for theme in _wide_themes(setting))
    narrow = plausibility.narrow_ranges(setting.assembled, figures)
    found = assessed.Assessment(
        place=place,
        layers=layers,
        assembled=setting.assembled,
        plan=plan,
        figures=figures,
        given=frozenset(given),
        extremes=assessed.extremes_of(setting.assembled, figures, inputs.parameters.max_mode),
        coverage=coverage,
        tallies=tallies,
        edge_effect=edge_effect,
        narrow=narrow,
        flags=(
            *assessed.coverage_flags(coverage),
            *plausibility.narrow_range_flags(narrow),
            *plausibility.coarse_inputs(place, task.datasets),
        ),
        warnings=plausibility.unusual_means(tallies, area.grid.cell_area_ha),
    )
    found.warnings.extend(assessment_warnings(found, cover_cut=aligned.cover_cut))
    return found


@dataclass(frozen=True, slots=True)
class _WorkedOut:
    """What is known of the layers once they lie in the stores."""

    aligned: Aligned
    figures: Mapping[AreaFigure, float]
    coverage: assessed.Coverage
    noted: source_layers.Noted


def _work_out(
    setting: _Setting,
    layers: source_layers.SourceLayers,
    given: Mapping[AreaFigure, float],
    runner: WindowRunner,
    progress: Progress,
) -> _WorkedOut:
    """Write every layer, and find the numbers of the whole area."""
    place, plan, area = setting.place, setting.plan, setting.place.area
    aligned = align_wide(
        place,
        plan.leaves,
        layers.wide,
        layers.stores,
        fill_zero=setting.fill_zero,
        told=lambda share: progress(15 * share, "align"),
    )
    _require_known_cover(plan, aligned)
    source_layers.work_out_tiled(plan, layers.stores, runner)
    _make_room(plan, layers.stores)
    computation = PlanComputation(
        plan, layers, runner.remembered(), source_layers.extent(area), region.windows_of(area.grid)
    )
    figures = dict(given)
    coverage, noted = _compute(setting, computation, figures, progress)
    if figures[_COUNTED] < coverage.valid:
        coverage = _narrowed(coverage, computation, int(figures[_COUNTED]))
        assessed.require_coverage(coverage, place.sources, plan.cell_m)
    _check_totals(place, aligned.totals, noted.totals)
    return _WorkedOut(aligned, figures, coverage, noted)


def _prepare(task: Task, inputs: AssessmentInputs, folder: Path, runner: WindowRunner) -> _Setting:
    """Choose methods, link layers and lay the grid; nothing is computed yet."""
    sources = region.open_sources(task, task.datasets)
    bands = {theme: source.facts.bands for theme, source in sources.items()}
    with pointing_at("/inputs"):
        calculation = assembled(inputs, bands)
    available = available_leaves(bands)
    kept = [name for name in KEPT_LEAVES if name in available]
    figures = assessed.extreme_figures(calculation, inputs.parameters.max_mode)
    plan = plan_of(
        calculation.graph_with(kept),
        inputs.cell_m,
        results=(*calculation.results, *kept),
        decisive=calculation.decisive,
        figures=(*figures, *calculation.figures, _COUNTED),
    )
    reach_m = max(plan.halo * inputs.cell_m, _LEAST_PAD_M)
    area = region.build_study_area(task, inputs, reach_m)
    used = themes_used(calculation, bands)
    read = {theme: source for theme, source in sources.items() if theme in used}
    place = region.Place(area, ScratchStore(folder, area.grid), read, runner)
    return _Setting(calculation, plan, place, inputs.fill_zero)


def _wide_themes(setting: _Setting) -> frozenset[str]:
    """Themes whose neighbourhood matters; land cover tells where land is."""
    wide = {setting.plan.leaves[name].theme for name in setting.plan.wide} | {COVER}
    return frozenset(theme for theme in setting.place.sources if theme in wide)


def _make_room(plan: ComputationPlan, stores: source_layers.Stores) -> None:
    """Make room for all that the computation keeps."""
    stores.own.create_classes(VALID)
    for key in sorted(plan.kept):
        if not (key in plan.wide and key not in plan.passes[0].keeps):
            source_layers.make_room(stores.own, key, plan.unit_of(key), source_layers.bands_of(key))


def _layers(setting: _Setting, stores: source_layers.Stores) -> source_layers.SourceLayers:
    """The layers of the computation; room is made for none."""
    rows = _rows_of_all_tables(setting.plan)
    absent = [int(cover) for cover in LandCover if cover not in rows]
    return source_layers.SourceLayers(
        stores=stores,
        sources=setting.place.sources,
        wide=_wide_themes(setting),
        fill_zero=setting.fill_zero,
        rowless=tuple(absent),
    )


def _tables(plan: ComputationPlan) -> list[Mapping[LandCover, float]]:
    return [
        constant
        for node in plan.nodes.values()
        for constant in node.constants.values()
        if isinstance(constant, dict) and all(isinstance(key, LandCover) for key in constant)
    ]


def _rows_of_all_tables(plan: ComputationPlan) -> set[LandCover]:
    return set(LandCover).intersection(*_tables(plan))


def _require_known_cover(plan: ComputationPlan, aligned: Aligned) -> None:
    """Refuse land cover without parameters before anything is computed from it.

    Raises:
        InvalidInput: it occurs in the region; all such classes are listed with their cells.
    """
    with pointing_at(f"/inputs/datasets/{COVER}"):
        require_rows(aligned.classes, dict.fromkeys(_rows_of_all_tables(plan), 0.0))


def _compute(
    setting: _Setting,
    computation: PlanComputation,
    figures: dict[AreaFigure, float],
    progress: Progress,
) -> tuple[assessed.Coverage, source_layers.Noted]:
    """Carry out the passes; the coverage is judged as soon as it is known."""
    plan, last = setting.plan, len(setting.plan.passes) - 1
    coverage: assessed.Coverage | None = None
    noted = source_layers.Noted(0, 0, {}, {})
    told = _Told(progress, last)
    for step, found in computation.passes(figures, told):
        if coverage is None:
            noted = _together(found)
            coverage = _coverage(setting, found, noted)
            assessed.require_coverage(coverage, setting.place.sources, plan.cell_m)
        told.finish(step)
    if coverage is None:
        raise InvalidInput("nothing was asked for", message_zh="未请求任何结果")
    return coverage, noted


def _narrowed(
    coverage: assessed.Coverage, computation: PlanComputation, valid: int
) -> assessed.Coverage:
    """Only cells with a ratio are valid: a formula may know nothing where its inputs are known."""
    work = partial(_narrow, computation.layers)
    for _ in computation.runner.run(work, computation.windows):
        pass
    return replace(coverage, valid=valid)


def _narrow(layers: Layers, window: Window) -> None:
    known = ~np.isnan(layers.read(RATIO, window))
    layers.write(VALID, window, ((layers.read(VALID, window) == 1) & known).astype(np.uint8))


class _Told:
    """Turns the share done of each pass into the progress of the whole."""

    def __init__(self, progress: Progress, last: int) -> None:
        self.progress = progress
        self.last = last
        self.stage = 0

    def __call__(self, share: float) -> None:
        """Tell the share done of the pass in hand."""
        width = 45 / (self.last + 1)
        names = {0: "derive", self.last: "ratio"}
        done = 15 + width * (self.stage + share)
        self.progress(done, names.get(self.stage, "supply_demand"))

    def finish(self, step: Pass) -> None:
        """Go on to the pass after `step`."""
        self.stage = step.stage + 1


def _together(found: PassResult) -> source_layers.Noted:
    """What the windows of the first pass noted, in their order."""
    notes: Sequence[source_layers.Noted] = found.notes
    return source_layers.Noted(
        inside=sum(one.inside for one in notes),
        sea=sum(one.sea for one in notes),
        tallies=_joined([one.tallies for one in notes]),
        totals=reduce(_added, (one.totals for one in notes)),
    )


def _joined(parts: list[Mapping[str, region.Tally]]) -> dict[str, region.Tally]:
    themes = sorted({theme for part in parts for theme in part})
    return {theme: region.Tally.together(part[theme] for part in parts) for theme in themes}


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> Mapping[str, float]:
    return {theme: one.get(theme, 0.0) + other[theme] for theme in other}


def _coverage(
    setting: _Setting, found: PassResult, noted: source_layers.Noted
) -> assessed.Coverage:
    graph = setting.assembled.graph
    keys = [name for name in found.missing if name not in setting.place.sources]
    themes = {key: next(iter(graph.themes_of(key)), "") for key in keys}
    return assessed.Coverage(
        valid=found.valid,
        inside=noted.inside,
        sea=noted.sea,
        missing=dict(sorted(found.missing.items())),
        themes={key: theme for key, theme in themes.items() if theme},
        titles={key: graph.title_of(key) for key in keys},
    )


def _check_totals(place: region.Place, wide: Mapping[str, float], own: Mapping[str, float]) -> None:
    """Refuse alignments that lost or made some of what they should have kept."""
    for totals, grid in ((wide, place.area.wide), (own, place.area.grid)):
        for theme, total in totals.items():
            check_total(theme, place.sources[theme], grid, total, place.runner.run)


def ends_early(source: RasterSource, area: region.StudyArea) -> bool:
    """Whether a raster looked at beyond the region ends within the reach of the steps."""
    west, south, east, north = area.wide.bounds
    change = transformer(f"EPSG:{area.wide.epsg}", source.crs)
    wanted = change.transform_bounds(west, south, east, north)
    have = source.facts.bounds
    return have[0] > wanted[0] or have[1] > wanted[1] or have[2] < wanted[2] or have[3] < wanted[3]
