"""From unit means to zones in one call; zones by classes of the ratio, without clustering."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.quantiles import exact_quantiles
from shanhai.science.zoning.clustering import (
    STARTS,
    ZONE_COUNT,
    Algorithm,
    Clustering,
    Partition,
    merge_clusters,
    mixture_flags,
    partition_by,
)
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.features import Features, FeatureSet, feature_layers, prepare_features
from shanhai.science.zoning.units import UnitTable
from shanhai.science.zoning.zone_names import HighLand, Naming, UnitValues, name_zones, named
from shanhai.vocabulary import Label

RATIO = "ratio"
SUPPLY_MEAN = "supply_mean"
DEMAND_MEAN = "demand_mean"
NAMING_LAYERS = (RATIO, SUPPLY_MEAN, DEMAND_MEAN)
"""Layers the names rest on: the comprehensive ratio, and normalised supply and demand over the
services. Their columns are behind those of the features."""


def values_of(units: UnitTable) -> UnitValues:
    """What the names rest on, of a table of units whose last columns are `NAMING_LAYERS`."""
    ratio, supply, demand = units.means[:, -len(NAMING_LAYERS) :].T
    return UnitValues(ratio, supply, demand, units.cells)


@dataclass(frozen=True, slots=True)
class ClusteringSettings:
    """What a run may choose.

    Attributes:
        algorithm: How the units are clustered.
        features: What they are clustered by.
        pca: Whether the features are replaced by their principal components.
        k: Number of clusters, 2–10; more than five are merged.
        seed: Seed of every random step.
        weights: Weight of each service, which its features have; equal unless given.
        high_land: Whether land of high supply and high demand is at least key protection.
    """

    algorithm: Algorithm = "kmeans"
    features: FeatureSet = "esdr7"
    pca: bool = False
    k: int = ZONE_COUNT
    seed: int = 42
    weights: Mapping[str, float] | None = None
    high_land: bool = True

    def layers(self, services: Sequence[str]) -> tuple[str, ...]:
        """Layers whose unit means are wanted, in the order of the columns."""
        return (*feature_layers(self.features, services), *NAMING_LAYERS)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the units lie to one another.

    Attributes:
        contiguity: Which of some units touch.
        points: x and y of some units, in any one unit of length.
    """

    contiguity: Callable[[UnitTable], Contiguity]
    points: Callable[[UnitTable], FloatArray]


@dataclass(frozen=True, slots=True)
class UnitZoning:
    """The zones of the units and how they came about.

    Attributes:
        features: What the units were clustered by.
        partition: How, for any number of clusters: what `diagnose` asks for.
        clustering: Clusters as found, before merging to five.
        merged: The five or fewer that were named.
        naming: Which cluster became which zone.
        zones: Zone of every unit: that of its cluster, or more protection on land of high supply
            and high demand.
        high_land: From where on supply and demand are high; None where the rule is off.
        moved_by_k: Part of the area whose zone is not that of five clusters, where k is higher.
        contiguity: Which units touch, for the algorithms that ask.
        model_zones: Zone of every centre, where a frozen model told it.
    """

    features: Features
    partition: Partition
    clustering: Clustering
    merged: Clustering
    naming: Naming
    zones: ClassArray
    high_land: HighLand | None
    contiguity: Contiguity | None
    moved_by_k: float | None = None
    model_zones: ClassArray | None = None

    @property
    def centre_zones(self) -> ClassArray:
        """Zone of every centre of `clustering`; clusters that were merged are of one zone."""
        if self.model_zones is not None:
            return self.model_zones
        zone_of = np.zeros(len(self.clustering.centroids), dtype=np.uint8)
        zone_of[self.clustering.labels] = self.naming.zones
        return zone_of

    @property
    def membership(self) -> FloatArray | None:
        """Probability of every unit in its own zone, where the algorithm tells it."""
        if self.merged.membership is None:
            return None
        labels = self.merged.labels
        return np.asarray(self.merged.membership[np.arange(len(labels)), labels])

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """Units that were tied, a mixture found by luck, and what merging moved."""
        return (
            *(() if self.contiguity is None else self.contiguity.flags),
            *mixture_flags(self.clustering.bics),
            *_merging_flags(len(self.clustering.centroids), self.moved_by_k),
        )


def _merging_flags(count: int, moved: float | None) -> tuple[ResultFlag, ...]:
    if moved is None:
        return ()
    text = Label(
        f"{count} 个聚类归并为五类，名称取最近的五类中心；与直接聚为五类相比，"
        f"{100 * moved:.1f}% 的面积归属不同。",
        f"{count} clusters were merged to five and have the names of the nearest centres of five"
        f" clusters; {100 * moved:.1f} % of the area lies in another zone than with five.",
    )
    return (ResultFlag("merged_clusters", text),)


Clustered = Callable[[FloatArray, int, Callable[[], Clustering]], Clustering]
"""Gives clusters of features by their number: as the last argument finds them, or kept of it."""


def _found(_features: FloatArray, _k: int, find: Callable[[], Clustering], /) -> Clustering:
    return find()


def zone_units(
    units: UnitTable,
    services: Sequence[str],
    layout: Layout,
    settings: ClusteringSettings | None = None,
    *,
    starts: int | None = None,
    run: Run = map,
    clustered: Clustered = _found,
) -> UnitZoning:
    """Cluster the units, merge the clusters to five and name them.

    Args:
        units: Their means in the order of `ClusteringSettings.layers`.
        services: Services whose layers take part.
        layout: How the units lie to one another.
        settings: Defaults of the method unless given.
        starts: Independent starts of the algorithms that draw them; their own number unless given.
        run: Maps a picklable function over starts, results in order.
        clustered: What may keep clusters for the next who looks for them.

    Raises:
        InvalidInput: no feature varies, k does not fit, or there are too many units.
    """
    settings = settings or ClusteringSettings()
    features = features_of(units, services, layout, settings)
    met: list[Contiguity] = []

    def neighbours() -> Contiguity:
        met.append(layout.contiguity(units))
        return met[0]

    partition = partition_by(settings.algorithm, features.matrix, settings.seed, neighbours)
    starts = starts or STARTS.get(settings.algorithm, 1)

    def cluster(k: int) -> Clustering:
        return clustered(features.matrix, k, partial(partition, k, starts, run=run))

    clustering = cluster(settings.k)
    merged = merge_clusters(features.matrix, clustering, units.cells)
    values = values_of(units)
    naming, moved = _named(partial(cluster, ZONE_COUNT), merged, values, settings.k)
    high = HighLand.of(values) if settings.high_land else None
    zones = naming.zones
    if high is not None:
        zones = high.protected(zones, values.supply, values.demand)
    contiguity = met[0] if met else None
    return UnitZoning(
        features, partition, clustering, merged, naming, zones, high, contiguity, moved
    )


def _named(
    find_five: Callable[[], Clustering], merged: Clustering, values: UnitValues, k: int
) -> tuple[Naming, float | None]:
    """Names of the clusters; after merging, each has that of the nearest of five clusters.

    Ranked by themselves, merged clusters that differ little would change names over half the map;
    two of them may so become one zone.
    """
    if k <= ZONE_COUNT or len(merged.centroids) < ZONE_COUNT:
        return name_zones(merged.labels, values), None
    five = find_five()
    usual = name_zones(five.labels, values)
    zone_of_five = {one.label: one.zone for one in usual.order}
    gaps = np.square(merged.centroids[:, np.newaxis] - five.centroids).sum(axis=2)
    zones = np.array([zone_of_five[number] for number in range(len(five.centroids))])
    naming = named(zones[gaps.argmin(axis=1)][merged.labels], values)
    moved = values.cells[naming.zones != usual.zones].sum() / values.cells.sum()
    return naming, float(moved)


def features_of(
    units: UnitTable, services: Sequence[str], layout: Layout, settings: ClusteringSettings
) -> Features:
    """The feature matrix a run clusters."""
    # A ratio goes by the name of its service.
    layers = feature_layers(settings.features, services)
    names = [layer.removeprefix("ratio.") for layer in layers]
    weights = settings.weights
    return prepare_features(
        units.means[:, : len(names)],
        names,
        weights=None if weights is None else [weights[one.rpartition(".")[2]] for one in layers],
        coordinates=layout.points(units) if settings.features == "esdr7+coords" else None,
        pca=settings.pca,
    )


def rezoner(
    units: UnitTable,
    services: Sequence[str],
    layout: Layout,
    settings: ClusteringSettings,
    *,
    starts: int = 5,
) -> Callable[[IntArray, int], ClassArray]:
    """The whole way again for some of the units, as `cluster_stability` asks for it."""

    def rezone(chosen: IntArray, seed: int) -> ClassArray:
        some = UnitTable(units.means[chosen], units.cells[chosen], units.index[chosen], units.shape)
        own = replace(settings, seed=seed)
        return zone_units(some, services, layout, own, starts=starts).zones

    return rezone


def zones_by_centres(zoning: UnitZoning, before: FloatArray, after: FloatArray) -> ClassArray:
    """Zone of every unit after its layers changed; clusters, their centres and names stay.

    What land of high supply and high demand is, stays as well.

    A unit goes to the zone of another centre only where that centre is the nearest now and was not
    before: one whose layers stay keeps its zone whatever the algorithm had seen in it, and the
    rounding of a border moves none.

    Args:
        zoning: The earlier zoning of the units.
        before: Its layers as they were, in the order of `ClusteringSettings.layers`: one row per
            unit, without NaN, not standardised.
        after: The same after the change.

    Returns:
        Zone codes 1–5, one per unit in their order.

    Source: MacQueen 1967 (assignment to the nearest mean); frozen for comparison (status E).
    """
    features = slice(before.shape[1] - len(NAMING_LAYERS))
    moved: BoolArray = (before[:, features] != after[:, features]).any(axis=1)
    zones = zoning.naming.zones.copy()
    if moved.any():
        places = zoning.features.matrix[moved]
        was = _nearest(zoning, zoning.features.placed(before[moved, features], places))
        will_be = _nearest(zoning, zoning.features.placed(after[moved, features], places))
        zones[moved] = np.where(was != will_be, zoning.centre_zones[will_be], zones[moved])
    if zoning.high_land is None:
        return zones
    return zoning.high_land.protected(zones, after[:, -2], after[:, -1])


def _nearest(zoning: UnitZoning, features: FloatArray) -> IntArray:
    """Nearest centre of each row, the first where two are as near."""
    gaps = features[:, np.newaxis, :] - zoning.clustering.centroids
    return np.asarray(np.square(gaps).sum(axis=2).argmin(axis=1), dtype=np.int64)


BALANCE = 0.02
"""Deficits up to this ratio still count as balance (ε)."""

_PROBABILITIES = (0.8, 0.6)
CODES = 6

Ratio = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the classes part.

    Attributes:
        strict: 80th percentile of the valid cells.
        key: 60th percentile of the valid cells.
        balance: ε; a ratio below −ε is a deficit.
        priority: Median of the deficits; NaN without any.
    """

    strict: float
    key: float
    balance: float
    priority: float


def thresholds_of(blocks: Callable[[], Iterable[Ratio]], balance: float = BALANCE) -> Thresholds:
    """Thresholds of a ratio that is read block by block, exactly.

    Args:
        blocks: Called anew for each of four passes; NaN is left out.
        balance: ε, at least 0.

    Raises:
        InvalidInput: no cell is valid.
    """
    strict, key = exact_quantiles(blocks, _PROBABILITIES)
    if np.isnan(strict):
        raise InvalidInput(
            "the comprehensive ratio has no valid cell, so there is nothing to zone",
            message_zh="综合供需比没有有效像元，无法分区",
        )
    (priority,) = exact_quantiles(lambda: (block[block < -balance] for block in blocks()), (0.5,))
    return Thresholds(strict, key, balance, priority)


def threshold_zones(ratio: Ratio, thresholds: Thresholds) -> ClassArray:
    """Zone of every cell; 0 where the ratio is NaN.

    From the top: strict protection from the 80th percentile and key protection from the 60th, both
    above 0; general protection down to −ε; the lower half of the deficits, by area, is priority
    restoration and the rest general restoration.
    """
    # As the thresholds were taken: the median of the deficits must fall on its own side.
    ratio = ratio.astype(np.float32)
    codes = np.full(ratio.shape, 5, dtype=np.uint8)
    codes[ratio <= thresholds.priority] = 4
    codes[ratio >= -thresholds.balance] = 3
    codes[(ratio >= thresholds.key) & (ratio > 0)] = 2
    codes[(ratio >= thresholds.strict) & (ratio > 0)] = 1
    codes[np.isnan(ratio)] = 0
    return codes


def cross_tabulate(one: ClassArray, other: ClassArray) -> IntArray:
    """Cells by zone of one raster (row) and of the other (column), codes 0–5."""
    pairs = one.astype(np.int64).ravel() * CODES + other.ravel()
    return np.bincount(pairs, minlength=CODES**2).reshape(CODES, CODES).astype(np.int64)
