"""From the ratios of the services to the class raster of the five zones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.jobs.contracts import ZoningParameters
from shanhai.processes.assessed import Assessment
from shanhai.processes.pointers import pointing_at
from shanhai.processes.supply_demand import SERVICES
from shanhai.processes.zoning_units import fishnet_of, unit_table
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, IntArray
from shanhai.science.grid import Window
from shanhai.science.uncertainty.bootstrap import Interval, block_side_m, zone_intervals
from shanhai.science.uncertainty.stability import Stability, cluster_stability
from shanhai.science.zoning.algorithms import Algorithm
from shanhai.science.zoning.clustering import Clustering
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import (
    RATIO,
    ClusteringSettings,
    Layout,
    UnitZoning,
    rezoner,
    zone_units,
)
from shanhai.science.zoning.diagnostics import Diagnostics, diagnose
from shanhai.science.zoning.features import Features
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.naming import Naming
from shanhai.science.zoning.postprocess import Postprocessed, PostprocessSettings, postprocess
from shanhai.science.zoning.thresholds import (
    Thresholds,
    cross_tabulate,
    threshold_zones,
    thresholds_of,
)
from shanhai.science.zoning.units import Fishnet, UnitTable, rasterise, unit_codes

_LAYOUT = Layout(lattice_contiguity, lattice_points)
_STRIP_ROWS = 512


@dataclass(frozen=True, slots=True)
class Audit:
    """Zones by thresholds of the ratio, which took the place of the clusters.

    Attributes:
        thresholds: Where the classes part.
        cross_table: Cells by zone of the clusters (row) and of the thresholds (column), 0–5.
    """

    thresholds: Thresholds
    cross_table: IntArray


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the zones can be trusted.

    Attributes:
        stability: How they come back.
        block_m: Side of the blocks behind the intervals, m.
        intervals: Mean comprehensive ratio of each zone and its interval, over the units.
    """

    stability: Stability
    block_m: float
    intervals: Mapping[int, Interval]


@dataclass(frozen=True, slots=True)
class Zoning:
    """The zones and how they came about.

    Attributes:
        fishnet: What the units were cut by.
        units: Units that were clustered.
        by_unit: Their zones.
        settings: What was chosen.
        diagnostics: Quality by number of clusters.
        audit: Thresholds that were taken instead of the clusters.
        trust: How far the zones can be trusted; None unless asked for.
        cleaned: The final class raster and the cells each step changed.
    """

    fishnet: Fishnet
    units: UnitTable
    by_unit: UnitZoning
    settings: ClusteringSettings
    diagnostics: Diagnostics
    audit: Audit | None
    trust: Trust | None
    cleaned: Postprocessed

    @property
    def codes(self) -> ClassArray:
        """Zone codes on the analysis grid, 0 nodata."""
        return self.cleaned.codes

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
    def flags(self) -> tuple[Flag, ...]:
        """All that a planner should know."""
        return (
            *self.features.flags,
            *self.by_unit.joined_flags,
            *self.diagnostics.flags(self.settings.k),
            *self.naming.flags,
            *(() if self.trust is None else self.trust.stability.flags),
            *self.cleaned.flags,
        )


def delineate(
    assessment: Assessment, parameters: ZoningParameters, seed: int, runner: WindowRunner
) -> Zoning:
    """Cluster the units, name the clusters and clean the raster."""
    own = assessment.stores.own
    settings = clustering_settings(parameters, seed)
    with pointing_at("/inputs/parameters"):
        fishnet = fishnet_of(own.grid, parameters)
        layers = settings.layers(SERVICES)
        units = unit_table(own, assessment.extremes, fishnet, layers, runner)
        by_unit = zone_units(units, SERVICES, _LAYOUT, settings)
    valid: BoolArray = own.read_classes("valid", own.whole) == 1
    codes = rasterise(unit_codes(by_unit.zones, units), fishnet, valid)
    audit = None
    if parameters.algorithm == "thresholds":
        codes, audit = _by_thresholds(own, codes)
    del valid
    return Zoning(
        fishnet=fishnet,
        units=units,
        by_unit=by_unit,
        settings=settings,
        diagnostics=diagnose(by_unit.features.matrix, seed, by_unit.partition),
        audit=audit,
        trust=_trust(fishnet, units, by_unit, settings) if parameters.stability else None,
        cleaned=postprocess(
            codes, partial(_ratio, own), own.grid.cell_m, postprocess_settings(parameters)
        ),
    )


def clustering_settings(parameters: ZoningParameters, seed: int) -> ClusteringSettings:
    """What of the parameters the clustering takes; thresholds are held against k-means."""
    algorithm: Algorithm = (
        "kmeans" if parameters.algorithm == "thresholds" else parameters.algorithm
    )
    return ClusteringSettings(algorithm, parameters.features, parameters.pca, parameters.k, seed)


def postprocess_settings(parameters: ZoningParameters) -> PostprocessSettings:
    """What of the parameters the clean-up takes."""
    return PostprocessSettings(
        majority_rounds=parameters.majority_rounds,
        mmu_ha=parameters.mmu_ha,
        periphery_m=parameters.periphery_m,
        ring_m=parameters.ring_m,
    )


def _ratio(own: ScratchStore, rows: slice) -> NDArray[np.float32]:
    return own.read_stored(RATIO, Window(rows.start, 0, rows.stop - rows.start, own.grid.width))


def _by_thresholds(own: ScratchStore, clusters: ClassArray) -> tuple[ClassArray, Audit]:
    """Zones of the thresholds, and how they stand to those of the clusters."""
    thresholds = thresholds_of(lambda: own.blocks(RATIO))
    codes = np.empty_like(clusters)
    for row in range(0, len(codes), _STRIP_ROWS):
        rows = slice(row, min(row + _STRIP_ROWS, len(codes)))
        codes[rows] = threshold_zones(_ratio(own, rows), thresholds)
    return codes, Audit(thresholds, cross_tabulate(clusters, codes))


def _trust(
    fishnet: Fishnet, units: UnitTable, by_unit: UnitZoning, settings: ClusteringSettings
) -> Trust:
    rezone = rezoner(units, SERVICES, _LAYOUT, settings)
    ratio = units.means[:, settings.layers(SERVICES).index(RATIO)]
    unit_m = fishnet.unit_cells * fishnet.grid.cell_m
    lattice = np.full(units.shape[0] * units.shape[1], np.nan)
    lattice[units.index] = ratio
    block_m = block_side_m(lattice.reshape(units.shape), unit_m)
    points = unit_m * lattice_points(units)
    return Trust(
        stability=cluster_stability(rezone, by_unit.zones, settings.seed),
        block_m=block_m,
        intervals=zone_intervals(ratio, by_unit.zones, units.cells, points, block_m, settings.seed),
    )
