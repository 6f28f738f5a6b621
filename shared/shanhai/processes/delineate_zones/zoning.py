"""From the ratios of the services to the class raster of the five zones."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import Assessment, Extremes
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs, ZoningParameters
from shanhai.processes.delineate_zones.units import (
    Cut,
    LayerMeans,
    Raster,
    SquareCut,
    Tabled,
    polygon_cut,
)
from shanhai.processes.delineate_zones.zone_model import frozen_zones
from shanhai.processes.kit.region import windows_of
from shanhai.processes.kit.task import ReferenceTask, Task, pointing_at
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, FloatArray, Grid, IntArray, Window
from shanhai.science.matching import weight_shares
from shanhai.science.uncertainty.resampling import (
    ConfidenceInterval,
    Stability,
    cluster_stability,
    zone_intervals,
)
from shanhai.science.zoning import delineation
from shanhai.science.zoning.clustering import STARTS, Algorithm, Clustering
from shanhai.science.zoning.diagnostics import Diagnostics, diagnose, null_structure
from shanhai.science.zoning.features import Features, NothingVaries
from shanhai.science.zoning.frozen_zones import ZoneModel, zone_by_model
from shanhai.science.zoning.postprocess import (
    BY_UNIT,
    FLOOR,
    Postprocessed,
    PostprocessSettings,
    postprocess,
)
from shanhai.science.zoning.units import Fishnet, UnitTable
from shanhai.science.zoning.zone_names import Naming


@dataclass(frozen=True, slots=True)
class Audit:
    """Zones by thresholds of the ratio, which took the place of the clusters.

    Attributes:
        thresholds: Where the classes part.
        cross_table: Cells by zone of the clusters (row) and of the thresholds (column), 0–5.
    """

    thresholds: delineation.Thresholds
    cross_table: IntArray


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the zones can be trusted.

    Attributes:
        stability: How they come back; None unless asked for.
        block_m: Side of the blocks behind the intervals, m.
        intervals: Mean comprehensive ratio of each zone and its interval, over the units.
    """

    stability: Stability | None
    block_m: float
    intervals: Mapping[int, ConfidenceInterval]


@dataclass(frozen=True, slots=True)
class Zoning:
    """The zones and how they came about.

    Attributes:
        unit_m: Side of the units, m; None for polygons.
        units: Units that were clustered.
        by_unit: Their zones.
        settings: What was chosen.
        diagnostics: Quality by number of clusters.
        audit: Thresholds that were taken instead of the clusters.
        trust: How far the zones can be trusted.
        cleaned: How the final class raster came about.
    """

    unit_m: float | None
    units: UnitTable
    by_unit: delineation.UnitZoning
    settings: delineation.ClusteringSettings
    diagnostics: Diagnostics
    audit: Audit | None
    trust: Trust
    cleaned: Postprocessed

    @property
    def features(self) -> Features:
        """What the units were clustered by."""
        return self.by_unit.features

    @property
    def clustering(self) -> Clustering:
        """Clusters as found, before merging to five."""
        return self.by_unit.clustering

    @property
    def naming(self) -> Naming:
        """Which cluster became which zone."""
        return self.by_unit.naming

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """All that a planner should know."""
        return (
            *self.features.flags,
            *self.by_unit.flags,
            *self.diagnostics.flags(self.settings.k),
            *self.naming.flags,
            *(() if self.trust.stability is None else self.trust.stability.flags),
            *self.cleaned.flags,
        )


@dataclass(frozen=True, slots=True)
class Zoned:
    """Zones of one set of layers.

    Attributes:
        tabled: Units that were clustered, with their means.
        by_unit: Their zones.
        audit: Thresholds that were taken instead of the clusters.
        cleaned: How the final class raster came about.
    """

    tabled: Tabled
    by_unit: delineation.UnitZoning
    audit: Audit | None
    cleaned: Postprocessed


Found = TypeVar("Found")


class Once(Protocol):
    """Does a step, or tells what came of it where another job took one that rests on the same."""

    def __call__(self, rests_on: Mapping[str, Any], work: Callable[[], Found], /) -> Found:
        """What came of the step; `rests_on` is JSON."""
        ...


def each_time(_rests_on: Mapping[str, Any], work: Callable[[], Found], /) -> Found:
    """Does a step, whoever took one before."""
    return work()


@dataclass(frozen=True, slots=True)
class Zoner:
    """How an area is zoned, whatever its layers hold.

    Attributes:
        parameters: What the run asks for.
        settings: What of it the clustering takes.
        services: Services that are assessed.
        cut: How the area is cut into units.
        runner: Runs the windows.
        model: Zones that are taken over from another run.
        thresholds: Thresholds that are taken over with them.
        once: Does what other jobs with the same inputs may take over.
    """

    parameters: ZoningParameters
    settings: delineation.ClusteringSettings
    services: tuple[str, ...]
    cut: Cut
    runner: WindowRunner
    model: ZoneModel | None = None
    thresholds: delineation.Thresholds | None = None
    once: Once = each_time

    def zone(self, store: ScratchStore, extremes: Mapping[str, Extremes]) -> Zoned:
        """Cluster the units, name the clusters and clean the raster, which the store keeps."""
        with pointing_at("/inputs/parameters"):
            layers = self.settings.layers(self.services)
            tabled = self.cut.table(LayerMeans(store, extremes, layers), self.runner)
            by_unit = self._by_unit(tabled)
        thresholds = None
        if self.parameters.algorithm == "thresholds":
            thresholds = self.thresholds or delineation.thresholds_of(
                lambda: store.blocks(delineation.RATIO)
            )
        crossed = _write_codes(store, tabled.raster(by_unit.zones), thresholds)
        audit = None if thresholds is None else Audit(thresholds, crossed)
        return Zoned(tabled, by_unit, audit, self._cleaned(store))

    def _by_unit(self, tabled: Tabled) -> delineation.UnitZoning:
        if self.model is not None:
            return zone_by_model(self.model, tabled.units, self.services, self.settings)
        return delineation.zone_units(
            tabled.units,
            self.services,
            tabled.layout,
            self.settings,
            run=self.runner.run,
            clustered=lambda features, k, find: self.once_of(features, {"clusters": k}, find),
        )

    def once_of(
        self, features: FloatArray, step: Mapping[str, Any], work: Callable[[], Found]
    ) -> Found:
        """What comes of a step that rests on features of units and the run's seed.

        Done each time by an algorithm without starts, which asks for the units' neighbours too.
        """
        algorithm = self.settings.algorithm
        if algorithm not in STARTS:
            return work()
        digest = hashlib.sha256(features.tobytes()).hexdigest()
        units = {"units": list(features.shape), "features": digest}
        return self.once({**units, "by": algorithm, "seed": self.settings.seed, **step}, work)

    def zone_again(
        self, former: Zoned, store: ScratchStore, extremes: Mapping[str, Extremes]
    ) -> Postprocessed:
        """Zones of other layers by the clusters, names and thresholds of a former zoning.

        Units that are no longer valid over half their area keep their zone. The clean-up, which
        knows no distance, is made as a whole.
        """
        if former.audit is not None:
            raster = former.tabled.raster(former.by_unit.zones)
            _write_codes(store, raster, former.audit.thresholds)
            return self._cleaned(store)
        layers = self.settings.layers(self.services)
        again = self.cut.table(LayerMeans(store, extremes, layers), self.runner).units
        units = former.tabled.units
        _, then, now = np.intersect1d(units.index, again.index, return_indices=True)
        after = units.means.copy()
        after[then] = again.means[now]
        zones = delineation.zones_by_centres(former.by_unit, units.means, after)
        _write_codes(store, former.tabled.raster(zones), None)
        return self._cleaned(store)

    def _cleaned(self, store: ScratchStore) -> Postprocessed:
        cleaned = postprocess(
            store,
            store.grid.shape,
            store.grid.cell_m,
            postprocess_settings(self.parameters),
            overlay=store.has(FLOOR),
            run=self.runner.run,
        )
        store.drop(BY_UNIT)
        return cleaned


def zoner_of(
    assessment: Assessment,
    inputs: DelineateZonesInputs,
    cut: Cut,
    runner: WindowRunner,
    reference: ReferenceTask | None = None,
    once: Once = each_time,
) -> Zoner:
    """The way a run asks for its zones; those of the reference where it says so."""
    model, thresholds = frozen_zones(inputs, reference)
    return Zoner(
        parameters=inputs.parameters,
        settings=clustering_settings(inputs.parameters, inputs.seed),
        services=tuple(assessment.assembled.methods),
        cut=cut,
        runner=runner,
        model=model,
        thresholds=thresholds,
        once=once,
    )


def delineate(assessment: Assessment, zoner: Zoner) -> Zoning:
    """The zones of an assessment, and how far they can be trusted."""
    try:
        zoned = zoner.zone(assessment.place.store, assessment.extremes)
    except InvalidInput as error:
        raise _with_narrow(assessment, error) from error
    by_unit = zoned.by_unit
    return Zoning(
        unit_m=zoner.cut.unit_m,
        units=zoned.tabled.units,
        by_unit=by_unit,
        settings=zoner.settings,
        diagnostics=_diagnosed(zoner, by_unit),
        audit=zoned.audit,
        trust=_trust(zoner, zoned),
        cleaned=zoned.cleaned,
    )


def _diagnosed(zoner: Zoner, by_unit: delineation.UnitZoning) -> Diagnostics:
    """Quality by number of clusters; none of zones that were found elsewhere."""
    if zoner.model is not None:
        return Diagnostics((), None, 0)
    seed, matrix = zoner.settings.seed, by_unit.features.matrix
    work = partial(diagnose, matrix, seed, by_unit.partition, run=zoner.runner.run)
    found = zoner.once_of(matrix, {"step": "diagnosis"}, work)
    k = zoner.settings.k
    null = partial(null_structure, matrix, k, seed, zoner.runner.run)
    return replace(found, null=zoner.once_of(matrix, {"null": k}, null))


def _with_narrow(assessment: Assessment, error: InvalidInput) -> InvalidInput:
    """The refusal; where units are too much alike with the inputs that tell no two places apart."""
    narrow = ", ".join(one.said.en for one in assessment.narrow)
    narrow_zh = "；".join(one.said.zh for one in assessment.narrow)
    pointer = error.faults[0].pointer
    alike = isinstance(error, NothingVaries)
    if not narrow or not (alike or pointer == "/inputs/parameters/k"):
        return error
    return InvalidInput(
        f"{error.message}. These count as the same everywhere: {narrow}",
        message_zh=f"{error.message_zh}。以下图层按处处相同处理：{narrow_zh}",
        pointer="/inputs/datasets" if alike else pointer,
    )


def cut_of(task: Task, parameters: ZoningParameters, grid: Grid) -> Cut:
    """The units a run asks for: squares, cells, or the polygons of its task.

    Raises:
        InvalidInput: the cells are too many to be units, or polygons are asked for and not given.
    """
    if parameters.units == "polygons":
        return polygon_cut(task.units, grid)
    return square_cut(grid, parameters)


def square_cut(grid: Grid, parameters: ZoningParameters) -> SquareCut:
    """Squares of whole cells, or the cells themselves.

    Raises:
        InvalidInput: the cells are too many to be units.
    """
    with pointing_at("/inputs/parameters"):
        if parameters.units == "cells":
            return SquareCut(Fishnet.of_cells(grid))
        return SquareCut(Fishnet.over(grid, parameters.unit_m))


def clustering_settings(parameters: ZoningParameters, seed: int) -> delineation.ClusteringSettings:
    """What of the parameters the clustering takes; thresholds are held against k-means."""
    algorithm: Algorithm = (
        "kmeans" if parameters.algorithm == "thresholds" else parameters.algorithm
    )
    return delineation.ClusteringSettings(
        algorithm,
        parameters.features,
        parameters.pca,
        parameters.k,
        seed,
        None if parameters.weights is None else weight_shares(parameters.weights),
        parameters.protect_high_land,
    )


def postprocess_settings(parameters: ZoningParameters) -> PostprocessSettings:
    """What of the parameters the clean-up takes."""
    return PostprocessSettings(
        majority_rounds=parameters.majority_rounds,
        mmu_ha=parameters.mmu_ha,
        periphery_m=parameters.periphery_m,
        ring_m=parameters.ring_m,
    )


def _write_codes(
    store: ScratchStore, raster: Raster, thresholds: delineation.Thresholds | None
) -> IntArray:
    """Keep the labels of the units, or the zones of the thresholds in their place.

    Returns:
        Cells by zone of the units (row) and of the thresholds (column).
    """
    store.create_classes(BY_UNIT)
    crossed = np.zeros((delineation.CODES, delineation.CODES), dtype=np.int64)
    for window in windows_of(store.grid):
        ratio = store.read_stored(delineation.RATIO, window)
        codes = raster(window, _valid(store, window, ratio))
        if thresholds is not None:
            clusters, codes = codes, delineation.threshold_zones(ratio, thresholds)
            crossed += delineation.cross_tabulate(clusters, codes)
        store.write_classes(BY_UNIT, window, codes)
    return crossed


def _valid(store: ScratchStore, window: Window, ratio: NDArray[np.float32]) -> BoolArray:
    """Cells that get a zone: valid ones in which enough services are known for a ratio."""
    return np.asarray((store.read_classes("valid", window) == 1) & ~np.isnan(ratio))


def _trust(zoner: Zoner, zoned: Zoned) -> Trust:
    units, settings = zoned.tabled.units, zoner.settings
    # Land that is protected for its supply has another ratio than its zone.
    zones = zoned.by_unit.naming.zones
    ratio = delineation.values_of(units).ratio
    block_m = zoned.tabled.block_m(ratio)
    stability = None
    if zoner.parameters.stability:
        rezone = delineation.rezoner(units, zoner.services, zoned.tabled.layout, settings)
        stability = cluster_stability(rezone, zoned.by_unit.zones, settings.seed)
    return Trust(
        stability=stability,
        block_m=block_m,
        intervals=zone_intervals(
            ratio, zones, units.cells, zoned.tabled.points_m(), block_m, settings.seed
        ),
    )
