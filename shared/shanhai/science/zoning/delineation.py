"""From unit means to zones in one call; zones by classes of the ratio, without clustering."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.quantiles import exact_quantiles
from shanhai.science.zoning.clustering import (
    STARTS,
    ZONE_COUNT,
    Algorithm,
    Clustering,
    Partition,
    merge_clusters,
    partition_by,
)
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.features import (
    Features,
    FeatureSet,
    feature_layers,
    prepare_features,
)
from shanhai.science.zoning.units import UnitTable
from shanhai.science.zoning.zone_names import Naming, name_zones

RATIO = "ratio"
SUPPLY_MEAN = "supply_mean"
"""Layers the names rest on: the comprehensive ratio, and normalised supply over the services."""

NAMING_LAYERS = len((RATIO, SUPPLY_MEAN))
"""How many columns they are, behind those of the features."""


@dataclass(frozen=True, slots=True)
class ClusteringSettings:
    """What a run may choose.

    Attributes:
        algorithm: How the units are clustered.
        features: What they are clustered by.
        pca: Whether the features are replaced by their principal components.
        k: Number of clusters, 2–10; more than five are merged.
        seed: Seed of every random step.
    """

    algorithm: Algorithm = "kmeans"
    features: FeatureSet = "esdr7"
    pca: bool = False
    k: int = ZONE_COUNT
    seed: int = 42

    def layers(self, services: Sequence[str]) -> tuple[str, ...]:
        """Layers whose unit means are wanted, in the order of the columns."""
        return (*feature_layers(self.features, services), RATIO, SUPPLY_MEAN)


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
        contiguity: Which units touch, for the algorithms that ask.
        model_zones: Zone of every centre, where a frozen model told it.
    """

    features: Features
    partition: Partition
    clustering: Clustering
    merged: Clustering
    naming: Naming
    contiguity: Contiguity | None
    model_zones: ClassArray | None = None

    @property
    def centre_zones(self) -> ClassArray:
        """Zone of every centre of `clustering`; clusters that were merged are of one zone."""
        if self.model_zones is not None:
            return self.model_zones
        zone_of = np.zeros(len(self.clustering.centroids), dtype=np.uint8)
        zone_of[self.clustering.labels] = self.zones
        return zone_of

    @property
    def zones(self) -> ClassArray:
        """Zone of every unit."""
        return self.naming.zones

    @property
    def membership(self) -> FloatArray | None:
        """Probability of every unit in its own zone, where the algorithm tells it."""
        if self.merged.membership is None:
            return None
        labels = self.merged.labels
        return np.asarray(self.merged.membership[np.arange(len(labels)), labels])

    @property
    def joined_flags(self) -> tuple[ResultFlag, ...]:
        """`joined_islands` when units that do not touch were tied."""
        return () if self.contiguity is None else self.contiguity.flags


def zone_units(
    units: UnitTable,
    services: Sequence[str],
    layout: Layout,
    settings: ClusteringSettings | None = None,
    *,
    starts: int | None = None,
) -> UnitZoning:
    """Cluster the units, merge the clusters to five and name them.

    Args:
        units: Their means in the order of `ClusteringSettings.layers`.
        services: Services whose layers take part.
        layout: How the units lie to one another.
        settings: Defaults of the method unless given.
        starts: Independent starts of the algorithms that draw them; their own number unless given.

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
    clustering = partition(settings.k, starts or STARTS.get(settings.algorithm, 1))
    merged = merge_clusters(features.matrix, clustering, units.cells)
    columns = settings.layers(services)
    naming = name_zones(
        merged.labels,
        units.means[:, columns.index(RATIO)],
        units.means[:, columns.index(SUPPLY_MEAN)],
        units.cells,
    )
    return UnitZoning(features, partition, clustering, merged, naming, met[0] if met else None)


def features_of(
    units: UnitTable, services: Sequence[str], layout: Layout, settings: ClusteringSettings
) -> Features:
    """The feature matrix a run clusters."""
    # A ratio goes by the name of its service.
    layers = feature_layers(settings.features, services)
    names = [layer.removeprefix("ratio.") for layer in layers]
    return prepare_features(
        units.means[:, : len(names)],
        names,
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

    A unit goes to the zone of another centre only where that centre is the nearest now and was not
    before: one whose layers stay keeps its zone whatever the algorithm had seen in it, and the
    rounding of a border moves none.

    Args:
        zoning: The earlier zoning of the units.
        before: Its features as they were: one row per unit, without NaN, not standardised.
        after: The same after the change.

    Returns:
        Zone codes 1–5, one per unit in their order.

    Source: MacQueen 1967 (assignment to the nearest mean); frozen for comparison (status E).
    """
    moved: BoolArray = (before != after).any(axis=1)
    zones = zoning.zones.copy()
    if not moved.any():
        return zones
    places = zoning.features.matrix[moved]
    was = _nearest(zoning, zoning.features.placed(before[moved], places))
    will_be = _nearest(zoning, zoning.features.placed(after[moved], places))
    zones[moved] = np.where(was != will_be, zoning.centre_zones[will_be], zones[moved])
    return zones


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
