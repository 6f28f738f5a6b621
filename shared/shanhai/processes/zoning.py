"""From the ratios of the services to the class raster of the five zones."""

from dataclasses import dataclass

import numpy as np

from shanhai.jobs.contracts import ZoningParameters
from shanhai.processes.assessed import Assessment
from shanhai.processes.pointers import pointing_at
from shanhai.processes.supply_demand import SERVICES, UNIT_LAYERS, unit_means
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.zoning.clustering import Clustering, cluster_units, merge_clusters
from shanhai.science.zoning.diagnostics import Diagnostics, diagnose
from shanhai.science.zoning.features import Features, prepare_features
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.naming import Naming, name_zones
from shanhai.science.zoning.postprocess import Postprocessed, PostprocessSettings, postprocess
from shanhai.science.zoning.units import (
    Fishnet,
    UnitTable,
    rasterise,
    select_units,
    unit_codes,
)

_RATIO = UNIT_LAYERS.index("ratio")
_SUPPLY = UNIT_LAYERS.index("supply_mean")


@dataclass(frozen=True, slots=True)
class Zoning:
    """The zones and how they came about.

    Attributes:
        fishnet: What the units were cut by.
        units: Units that were clustered.
        features: What they were clustered by.
        clustering: Clusters as found, before merging to five.
        diagnostics: Quality by number of clusters.
        naming: Which cluster became which zone.
        cleaned: The final class raster and the cells each step changed.
    """

    fishnet: Fishnet
    units: UnitTable
    features: Features
    clustering: Clustering
    diagnostics: Diagnostics
    naming: Naming
    cleaned: Postprocessed
    k: int

    @property
    def codes(self) -> ClassArray:
        """Zone codes on the analysis grid, 0 nodata."""
        return self.cleaned.codes

    @property
    def flags(self) -> tuple[Flag, ...]:
        """All that a planner should know."""
        return (
            *self.features.flags,
            *self.diagnostics.flags(self.k),
            *self.naming.flags,
            *self.cleaned.flags,
        )


def delineate(
    assessment: Assessment, parameters: ZoningParameters, seed: int, runner: WindowRunner
) -> Zoning:
    """Cluster the units by their seven ratios, name the clusters and clean the raster."""
    own = assessment.stores.own
    fishnet = Fishnet.over(own.grid, parameters.unit_m)
    means, cells = unit_means(own, fishnet, runner)
    with pointing_at("/inputs/parameters"):
        units = select_units(means, cells, fishnet.unit_cells)
        features = prepare_features(units.means[:, : len(SERVICES)], SERVICES)
        clustering = cluster_units(features.matrix, parameters.k, seed)
    merged = merge_clusters(features.matrix, clustering, units.cells)
    naming = name_zones(merged.labels, units.means[:, _RATIO], units.means[:, _SUPPLY], units.cells)
    valid: BoolArray = own.read_classes("valid", own.whole) == 1
    codes = rasterise(unit_codes(naming.zones, units), fishnet, valid)
    ratio: FloatArray = own.read_all("ratio")
    settings = PostprocessSettings(mmu_ha=parameters.mmu_ha, periphery_m=parameters.periphery_m)
    return Zoning(
        fishnet=fishnet,
        units=units,
        features=features,
        clustering=clustering,
        diagnostics=diagnose(features.matrix, seed),
        naming=naming,
        cleaned=postprocess(codes, np.asarray(ratio), own.grid.cell_m, settings),
        k=parameters.k,
    )
