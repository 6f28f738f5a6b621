import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances_argmin

from shanhai.science.zoning.clustering import ALGORITHMS, Algorithm
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import (
    ClusteringSettings,
    Layout,
    UnitZoning,
    zone_units,
    zones_by_centres,
)
from shanhai.science.zoning.features import FeatureSet
from shanhai.science.zoning.units import UnitTable

SERVICES = ("cooling", "recreation")
LAYOUT = Layout(lattice_contiguity, lattice_points)
SIDE = 10


def zoned(
    algorithm: Algorithm = "kmeans",
    features: FeatureSet = "esdr7",
    *,
    pca: bool = False,
    k: int = 5,
) -> tuple[UnitZoning, np.ndarray]:
    """A square of units whose ratios fall from north to south, and their features."""
    settings = ClusteringSettings(algorithm, features, pca=pca, k=k)
    random = np.random.default_rng(5)
    fall = np.repeat(np.linspace(0.9, -0.9, SIDE), SIDE)
    columns = len(settings.layers(SERVICES)) - 3
    values = fall[:, np.newaxis] + random.normal(scale=0.05, size=(SIDE * SIDE, columns))
    # Demand is one everywhere and supply nowhere high besides: no land is raised.
    means = np.column_stack([values, fall, 0.5 + fall / 2, 0.5 - fall / 2])
    cells = np.full(SIDE * SIDE, 4)
    units = UnitTable(means, cells, np.arange(SIDE * SIDE), (SIDE, SIDE))
    return zone_units(units, SERVICES, LAYOUT, settings), means


def test_a_unit_goes_where_its_layers_go() -> None:
    zoning, before = zoned()
    after = before.copy()
    # The poorest of the south becomes like the richest of the north.
    after[-1] = before[0]
    zones = zones_by_centres(zoning, before, after)
    assert (zoning.zones[-1], zones[-1]) == (4, 1)
    assert np.array_equal(zones[:-1], zoning.zones[:-1])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("features", ["esdr7", "sd14", "esdr7+coords"])
def test_what_stays_keeps_its_zone(algorithm: Algorithm, features: FeatureSet) -> None:
    zoning, before = zoned(algorithm, features)
    assert np.array_equal(zones_by_centres(zoning, before, before.copy()), zoning.zones)
    after = before + 1e-12
    assert np.array_equal(zones_by_centres(zoning, before, after), zoning.zones)


@pytest.mark.parametrize(("pca", "k"), [(False, 5), (True, 5), (False, 8), (False, 3)])
def test_centres_are_those_of_the_clusters_before(pca: bool, k: int) -> None:
    zoning, before = zoned(pca=pca, k=k)
    after = before[::-1].copy()
    scaling = zoning.features.scaling
    values = after[:, :-3]
    scores = (np.clip(values, scaling.low, scaling.high) - scaling.mean) / scaling.spread
    if zoning.features.components is not None:
        scores = scores @ zoning.features.components.loadings.T
    nearest = pairwise_distances_argmin(scores, zoning.clustering.centroids)
    zone_of = dict(zip(zoning.clustering.labels.tolist(), zoning.zones.tolist(), strict=True))
    expected = np.array([zone_of[one] for one in nearest])
    found = zones_by_centres(zoning, before, after)
    moved = pairwise_distances_argmin(zoning.features.matrix, zoning.clustering.centroids) != (
        nearest
    )
    assert moved.sum() > SIDE * SIDE // 2
    assert np.array_equal(found, np.where(moved, expected, zoning.zones))


ZONED = zoned()


@given(st.sets(st.integers(0, SIDE * SIDE - 1)), st.floats(-2, 2))
def test_only_units_that_change_move(chosen: set[int], by: float) -> None:
    zoning, before = ZONED
    after = before.copy()
    after[sorted(chosen)] += by
    zones = zones_by_centres(zoning, before, after)
    rest = np.setdiff1d(np.arange(len(before)), sorted(chosen))
    assert np.array_equal(zones[rest], zoning.zones[rest])
    assert set(zones.tolist()) <= set(zoning.zones.tolist())
