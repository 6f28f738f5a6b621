from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science.uncertainty.resampling import cluster_stability
from shanhai.science.zoning.clustering import ALGORITHMS, Algorithm
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import (
    ClusteringSettings,
    Layout,
    rezoner,
    values_of,
    zone_units,
)
from shanhai.science.zoning.diagnostics import diagnose
from shanhai.science.zoning.features import FeatureSet
from shanhai.science.zoning.units import UnitTable
from shanhai.science.zoning.zone_names import name_zones

SERVICES = ("cooling", "carbon_sink", "recreation")
LAYOUT = Layout(lattice_contiguity, lattice_points)
SHAPE = (24, 24)


def units(settings: ClusteringSettings) -> UnitTable:
    """A city below its hills: ratios fall from north to south, the services a little apart."""
    random = np.random.default_rng(3)
    fall = np.linspace(0.9, -0.9, SHAPE[0])[:, np.newaxis]
    layers = {}
    for service in SERVICES:
        noise = 2 * ndimage.gaussian_filter(random.normal(size=SHAPE), 2)
        layers[f"ratio.{service}"] = fall + noise
        layers[f"supply_n.{service}"] = np.clip(0.5 + fall / 2 + noise, 0, 1)
        layers[f"demand_n.{service}"] = np.clip(0.5 - fall / 2 + noise, 0, 1)
    layers["ratio"] = np.mean([layers[f"ratio.{service}"] for service in SERVICES], axis=0)
    for side in ("supply", "demand"):
        normal = [layers[f"{side}_n.{one}"] for one in SERVICES]
        layers[f"{side}_mean"] = np.mean(normal, axis=0)
    land = np.ones(SHAPE, dtype=bool)
    land[18:, :8] = False
    land[20:22, 2:5] = True
    means = np.stack([layers[name][land] for name in settings.layers(SERVICES)], axis=1)
    index = np.flatnonzero(land)
    return UnitTable(means, np.full(len(index), 9), index, SHAPE)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("features", ["esdr7", "sd14", "esdr7+coords"])
def test_zones_fall_from_the_hills_to_the_city(algorithm: Algorithm, features: FeatureSet) -> None:
    settings = ClusteringSettings(algorithm=algorithm, features=features)
    table = units(settings)
    found = zone_units(table, SERVICES, LAYOUT, settings)
    ratio = table.means[:, -3]
    means = [ratio[found.zones == zone].mean() for zone in (1, 2, 3, 5, 4)]
    assert means == sorted(means, reverse=True)
    rows = table.index // SHAPE[1]
    assert rows[found.zones == 1].mean() < rows[found.zones == 4].mean()
    assert (found.contiguity is not None) == (algorithm in ("ward_contig", "skater"))
    joined = ["joined_islands"] if found.contiguity else []
    assert [flag.code for flag in found.flags if flag.code == "joined_islands"] == joined


def test_default_is_k_means_of_the_ratios() -> None:
    settings = ClusteringSettings()
    found = zone_units(units(settings), SERVICES, LAYOUT)
    assert found.features.names == SERVICES
    assert found.clustering is found.merged
    assert found.membership is None


def test_mixture_tells_how_sure_each_unit_is() -> None:
    settings = ClusteringSettings(algorithm="gmm", k=7)
    found = zone_units(units(settings), SERVICES, LAYOUT, settings)
    assert len(found.clustering.centroids) == 7
    assert found.membership is not None
    assert ((found.membership > 0.2) & (found.membership <= 1 + 1e-12)).all()


def test_components_may_stand_for_the_features() -> None:
    settings = ClusteringSettings(features="sd14", pca=True)
    found = zone_units(units(settings), SERVICES, LAYOUT, settings)
    assert found.features.names[0] == "pc1"
    assert found.features.matrix.shape[1] < 6


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_diagnostics_reuse_what_made_the_zones(algorithm: Algorithm) -> None:
    settings = ClusteringSettings(algorithm=algorithm)
    found = zone_units(units(settings), SERVICES, LAYOUT, settings)
    by_k = diagnose(found.features.matrix, settings.seed, found.partition).by_k
    assert [one.k for one in by_k] == list(range(2, 11))


def one_feature(values: list[float], cells: list[int]) -> UnitTable:
    """Units in a row whose one ratio is the comprehensive ratio and the supply as well."""
    column = np.array(values)
    means = np.stack([column, column, column, -column], axis=1)
    return UnitTable(means, np.array(cells), np.arange(len(values)), (1, len(values)))


SEVEN = np.repeat([-0.9, -0.85, -0.3, 0.0, 0.3, 0.85, 0.9], 10) + np.tile([-0.001, 0.001], 35)
"""Seven groups of ten units, of which the two outer pairs lie close."""


def test_merged_clusters_have_the_names_of_the_nearest_of_five() -> None:
    settings = ClusteringSettings(k=7, high_land=False)
    found = zone_units(one_feature(SEVEN.tolist(), [1] * 70), ("cooling",), LAYOUT, settings)
    assert len(found.clustering.centroids) == 7
    assert len(found.merged.centroids) == 5
    # Seven are merged to what five would have been, so that no land moves.
    assert found.moved_by_k == 0.0
    assert [flag.code for flag in found.flags] == ["merged_clusters"]
    assert "7 clusters were merged to five" in found.flags[0].text.en
    assert "0.0% 的面积归属不同" in found.flags[0].text.zh
    expected = [4] * 20 + [5] * 10 + [3] * 10 + [2] * 10 + [1] * 20
    assert found.zones.tolist() == expected


@pytest.mark.parametrize("k", [6, 8, 10])
def test_what_merging_moves_is_counted_by_area(k: int) -> None:
    settings = ClusteringSettings(k=k, high_land=False)
    table = replace(units(settings), cells=np.arange(1, len(units(settings).index) + 1))
    found, usual = (zone_units(table, SERVICES, LAYOUT, replace(settings, k=one)) for one in (k, 5))
    moved = table.cells[found.naming.zones != usual.naming.zones].sum() / table.cells.sum()
    assert found.moved_by_k == pytest.approx(moved)
    assert usual.moved_by_k is None
    # Each merged cluster is as a whole of the zone whose five-cluster centre is the nearest.
    zone_of_five = dict(zip(usual.merged.labels.tolist(), usual.zones.tolist(), strict=True))
    for label, centre in enumerate(found.merged.centroids):
        gaps = [float(((centre - five) ** 2).sum()) for five in usual.merged.centroids]
        own = set(found.zones[found.merged.labels == label].tolist())
        assert own == {zone_of_five[gaps.index(min(gaps))]}


@given(st.permutations(range(5)))
def test_numbers_of_the_clusters_do_not_matter(permutation: list[int]) -> None:
    settings = ClusteringSettings()
    table = units(settings)
    found = zone_units(table, SERVICES, LAYOUT, settings, starts=2)
    again = name_zones(np.array(permutation)[found.merged.labels], values_of(table))
    np.testing.assert_array_equal(again.zones, found.naming.zones)


@pytest.mark.parametrize("algorithm", ["kmeans", "ward_contig"])
def test_stability_goes_the_whole_way(algorithm: Algorithm) -> None:
    settings = ClusteringSettings(algorithm=algorithm)
    table = units(settings)
    baseline = zone_units(table, SERVICES, LAYOUT, settings).zones
    rezone = rezoner(table, SERVICES, LAYOUT, settings, starts=20)
    np.testing.assert_array_equal(rezone(np.arange(len(baseline)), settings.seed), baseline)
    found = cluster_stability(rezone, baseline, 1, subsamples=4, seeds=2)
    assert found.median > 0.5
    assert found == cluster_stability(rezone, baseline, 1, subsamples=4, seeds=2)
