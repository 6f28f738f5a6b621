from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances_argmin

from shanhai.errors import InvalidInput
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import (
    ClusteringSettings,
    Layout,
    UnitZoning,
    zone_units,
    zones_by_centres,
)
from shanhai.science.zoning.features import Scaling
from shanhai.science.zoning.frozen_zones import ZoneModel, model_of, zone_by_model
from shanhai.science.zoning.units import UnitTable

SERVICES = ("cooling", "recreation")
LAYOUT = Layout(lattice_contiguity, lattice_points)
SIDE = 10


def units_of(settings: ClusteringSettings, seed: int = 5) -> UnitTable:
    """A square of units in five groups from north to south."""
    random = np.random.default_rng(seed)
    fall = np.repeat(np.linspace(0.9, -0.9, 5), SIDE * SIDE // 5)
    columns = len(settings.layers(SERVICES)) - 2
    values = fall[:, np.newaxis] + random.normal(scale=0.03, size=(SIDE * SIDE, columns))
    means = np.column_stack([values, fall, 0.5 + fall / 2])
    return UnitTable(means, np.full(SIDE * SIDE, 4), np.arange(SIDE * SIDE), (SIDE, SIDE))


def zoned(settings: ClusteringSettings) -> tuple[UnitTable, UnitZoning, ZoneModel]:
    units = units_of(settings)
    zoning = zone_units(units, SERVICES, LAYOUT, settings)
    return units, zoning, model_of(zoning, SERVICES, settings)


def some(units: UnitTable, chosen: np.ndarray) -> UnitTable:
    return UnitTable(units.means[chosen], units.cells[chosen], units.index[chosen], units.shape)


def by_hand(zones: tuple[int, ...] = (1, 4)) -> ZoneModel:
    """Two centres at −1 and 1 of a feature of mean 0.5 and spread 0.25, cut at 0 and 1."""
    return ZoneModel(
        layers=("ratio.cooling", "ratio.recreation"),
        scaling=Scaling(
            low=np.array([0.0, 0.0]),
            high=np.array([1.0, 1.0]),
            mean=np.array([0.5, 0.5]),
            spread=np.array([0.25, 0.0]),
            varies=np.array([True, False]),
            factors=np.array([1.0, 1.0]),
        ),
        components=None,
        centres=np.array([[1.0], [-1.0]]),
        zones=np.array(zones, dtype=np.uint8),
        high_land=None,
    )


def table(*ratios: float) -> UnitTable:
    means = np.array([[one, 9.0, one - 0.5, one, 1 - one] for one in ratios])
    count = len(ratios)
    return UnitTable(means, np.arange(1, count + 1), np.arange(count), (1, count))


def test_zones_by_hand() -> None:
    """0.9 → 1.6, 0.2 → −1.2; 0.5 is as near to both and goes to the first; 7 is cut at 1."""
    found = zone_by_model(by_hand(), table(0.9, 0.2, 0.5, 7.0), SERVICES, ClusteringSettings())
    assert found.zones.tolist() == [1, 4, 1, 1]
    np.testing.assert_allclose(found.features.matrix[:, 0], [1.6, -1.2, 0.0, 2.0])
    assert (found.features.names, found.features.dropped) == (("cooling",), ("recreation",))
    # (1.6 − 1)² + (−1.2 + 1)² + 1 + 1
    assert found.clustering.inertia == pytest.approx(0.36 + 0.04 + 2)
    top = found.naming.order[0]
    assert (top.zone, top.cells) == (1, 1 + 3 + 4)
    assert top.mu == pytest.approx((0.4 * 1 + 0.0 * 3 + 6.5 * 4) / 8)
    assert found.naming.order[1].delta == 1


@pytest.mark.parametrize(
    ("recreation", "expected"),
    [
        # Deviations −0.1, 0, 0.1 and 0.2, −0.1, −0.1: −0.03/√(0.02·0.06) = −√¾.
        ((0.9, 0.6, 0.6), -0.8660254037844386),
        # What does not vary here has to do with nothing.
        ((0.6, 0.6, 0.6), 0.0),
    ],
    ids=["varies", "constant"],
)
def test_the_correlation_is_that_of_the_units(
    recreation: tuple[float, ...], expected: float
) -> None:
    """Not about the means of the model, nor of scores of unequal weight."""
    model = by_hand()
    both = replace(
        model.scaling,
        spread=np.array([0.25, 0.25]),
        varies=np.array([True, True]),
        factors=np.sqrt([0.5, 1.5]),
    )
    model = replace(model, scaling=both, centres=np.array([[1.0, 1.0], [-1.0, -1.0]]))
    units = table(0.6, 0.7, 0.8)
    units.means[:, 1] = recreation
    found = zone_by_model(model, units, SERVICES, ClusteringSettings()).features.correlation
    np.testing.assert_allclose(found, [[1, expected], [expected, 1]], atol=1e-12)


def test_names_are_the_models_and_zones_without_units_are_left_out() -> None:
    found = zone_by_model(by_hand((2, 5)), table(0.9, 0.8), SERVICES, ClusteringSettings())
    assert found.zones.tolist() == [2, 2]
    assert [one.zone for one in found.naming.order] == [2]
    assert found.naming.flags == ()
    assert found.centre_zones.tolist() == [2, 5]


@pytest.mark.parametrize(
    "settings",
    [
        ClusteringSettings(),
        ClusteringSettings(pca=True),
        ClusteringSettings(k=8),
        ClusteringSettings(features="sd14"),
        ClusteringSettings("ward_contig"),
    ],
    ids=["usual", "components", "merged", "sd14", "ward"],
)
def test_a_model_gives_back_the_zones_it_was_made_of(settings: ClusteringSettings) -> None:
    units, zoning, model = zoned(settings)
    found = zone_by_model(model, units, SERVICES, settings)
    np.testing.assert_array_equal(found.zones, zoning.zones)
    again = model_of(found, SERVICES, settings)
    np.testing.assert_array_equal(again.centres, model.centres)
    np.testing.assert_array_equal(again.zones, model.zones)


@given(st.integers(0, 2**32 - 1), st.integers(1, SIDE * SIDE))
def test_a_unit_has_its_zone_whatever_the_others_are(seed: int, count: int) -> None:
    settings = ClusteringSettings()
    _, _, model = zoned(settings)
    units = units_of(settings, seed)
    whole = zone_by_model(model, units, SERVICES, settings).zones
    chosen = np.sort(np.random.default_rng(seed).permutation(SIDE * SIDE)[:count])
    part = zone_by_model(model, some(units, chosen), SERVICES, settings).zones
    np.testing.assert_array_equal(part, whole[chosen])


def test_the_nearest_centre_is_that_of_another_implementation() -> None:
    settings = ClusteringSettings()
    _, _, model = zoned(settings)
    units = units_of(settings, 77)
    found = zone_by_model(model, units, SERVICES, settings)
    nearest = pairwise_distances_argmin(found.features.matrix, model.centres)
    np.testing.assert_array_equal(found.clustering.labels, nearest)


def test_a_scenario_moves_units_to_centres_no_unit_had() -> None:
    frozen = zone_by_model(by_hand(), table(0.9, 0.8), SERVICES, ClusteringSettings())
    before = np.array([[0.9, 9.0], [0.8, 9.0]])
    after = np.array([[0.9, 9.0], [0.1, 9.0]])
    assert zones_by_centres(frozen, before, after).tolist() == [1, 4]


def test_other_features_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"ratio\.cooling, ratio\.recreation, but this run has"):
        zone_by_model(by_hand(), table(0.1), ("cooling",), ClusteringSettings())
