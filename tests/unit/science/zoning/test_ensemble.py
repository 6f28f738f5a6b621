from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from shanhai.science.grid import ClassArray
from shanhai.science.uncertainty.robustness import Factor
from shanhai.science.zoning.contiguity import lattice_contiguity, lattice_points
from shanhai.science.zoning.delineation import (
    ClusteringSettings,
    Layout,
    UnitZoning,
    zone_units,
)
from shanhai.science.zoning.ensemble import (
    EnsembleChoices,
    EnsembleUnits,
    Errors,
    ServiceSides,
    ZoneKinds,
    clusters_of_member,
    parents,
    with_errors,
    zones_of_members,
)
from shanhai.science.zoning.units import UnitTable

SERVICES = ("cooling", "carbon_sink")
SHAPE = (10, 20)
COUNT = 200
LAYOUT = Layout(lattice_contiguity, lattice_points)
RUN: Mapping[Factor, int] = dict.fromkeys(
    ("algorithm", "k", "seed", "unit_size", "normalisation", "input_error"), 0
)
"""Level 0 of every factor: what the run chose."""


def sides(seed: int = 1) -> dict[str, ServiceSides]:
    """Five upright stripes from much to little supply; the second service is physical."""
    random = np.random.default_rng(seed)
    level = np.tile(np.arange(20) // 4, 10) / 4
    noise = random.uniform(0, 0.02, (4, COUNT))
    index = ServiceSides(0.95 - 0.9 * level + noise[0], 0.05 + 0.9 * level + noise[1], False)
    tons = ServiceSides(50 - 40 * level + noise[2], 10 + 40 * level + noise[3], True)
    return {"cooling": index, "carbon_sink": tons}


def units_of(own: Mapping[str, ServiceSides], shape: tuple[int, int] = SHAPE) -> UnitTable:
    ratios = [own[service].ratio() for service in SERVICES]
    supply, demand = (
        np.mean([getattr(own[one], kind) / np.max(own[one].supply) for one in SERVICES], axis=0)
        for kind in ("supply", "demand")
    )
    means = np.stack([*ratios, np.mean(ratios, axis=0), supply, demand], axis=1)
    return UnitTable(means, np.full(len(means), 9), np.arange(len(means)), shape)


def errors_of(index: float = 0.0, tons: float = 0.0) -> Errors:
    """Supply of each service wrong by one part everywhere."""
    none = np.zeros(COUNT)
    return {"cooling": (none + index, none), "carbon_sink": (none + tons, none)}


def ensemble_units(*errors: Errors) -> EnsembleUnits:
    own = sides()
    units = units_of(own)
    return EnsembleUnits(units, own, lattice_points(units), lattice_contiguity(units), errors)


def zoned(settings: ClusteringSettings | None = None) -> UnitZoning:
    return zone_units(units_of(sides()), SERVICES, LAYOUT, settings)


def choices(
    settings: ClusteringSettings, *sizes: EnsembleUnits, ks: tuple[int, ...] = (5, 6)
) -> EnsembleChoices:
    kinds = ZoneKinds.of(zoned(settings), sizes[0].units)
    return EnsembleChoices(
        settings, kinds, SERVICES, ("kmeans", "gmm", "ward_contig"), ks, (42, 43), sizes
    )


def zones_by(own: EnsembleChoices, member: Mapping[Factor, int]) -> ClassArray:
    """The whole way of a member that finds clusters."""
    found = clusters_of_member(own, member)
    assert found is not None
    (zones,) = zones_of_members(own, [(member, found)])
    return zones


class TestSides:
    def test_ratio_of_indices_is_the_difference_of_ranks(self) -> None:
        own = ServiceSides(np.array([0.1, 0.2, 0.2, 0.9]), np.array([7.0, 6, 5, 4]), False)
        # Ranks of supply 1, 2.5, 2.5, 4 and of demand 4, 3, 2, 1, of four.
        np.testing.assert_allclose(own.ratio(), [-0.75, -0.125, 0.125, 0.75])

    def test_ratio_of_amounts_is_the_difference_over_the_mean_of_the_maxima(self) -> None:
        # The 99.5th percentiles of 0, 2 and 1, 1 are 1.99 and 1.
        own = ServiceSides(np.array([0.0, 2]), np.array([1.0, 1]), True)
        np.testing.assert_allclose(own.ratio(), [-1 / 1.495, 0.99 / 1.495])

    def test_errors_are_parts_of_the_amounts(self) -> None:
        own = ServiceSides(np.array([2.0, 4]), np.array([10.0, 20]), True)
        wrong = own.wrong(np.array([0.1, -0.5]), np.array([0.0, 0.2]))
        np.testing.assert_allclose(wrong.supply, [2.2, 2])
        np.testing.assert_allclose(wrong.demand, [10, 24])
        assert wrong.is_physical

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
    def test_ranks_agree_with_scipy(self, values: list[int]) -> None:
        supply = np.array(values, dtype=float)
        found = ServiceSides(supply, np.zeros(len(values)), False).ratio()
        expected = (rankdata(supply) - (len(values) + 1) / 2) / len(values)
        np.testing.assert_allclose(found, expected, atol=1e-12)


class TestErrors:
    def test_an_error_of_all_units_alike_changes_no_ranks(self) -> None:
        own = ensemble_units()
        found = with_errors(own, choices(ClusteringSettings(), own), errors_of(index=0.3))
        np.testing.assert_allclose(found.means, own.units.means, atol=1e-12)

    def test_it_moves_the_ratio_of_amounts_by_hand(self) -> None:
        own = ensemble_units()
        found = with_errors(own, choices(ClusteringSettings(), own), errors_of(tons=1.0))
        side = sides()["carbon_sink"]
        most = [np.quantile(2 * side.supply, 0.995), np.quantile(side.demand, 0.995)]
        doubled = np.minimum(2 * side.supply, most[0]) - np.minimum(side.demand, most[1])
        expected = doubled / (sum(most) / 2)
        np.testing.assert_allclose(found.means[:, 1], expected, atol=1e-12)
        # The comprehensive ratio moves by half of it, normalised means by nothing.
        moved = (expected - own.units.means[:, 1]) / 2
        np.testing.assert_allclose(found.means[:, 2], own.units.means[:, 2] + moved, atol=1e-12)
        np.testing.assert_allclose(found.means[:, 3:], own.units.means[:, 3:], atol=1e-12)

    def test_weights_carry_the_change_into_the_comprehensive_ratio(self) -> None:
        own = ensemble_units()
        settings = ClusteringSettings(weights={"cooling": 3.0, "carbon_sink": 1.0})
        found = with_errors(own, choices(settings, own), errors_of(tons=0.5))
        moved = found.means - own.units.means
        np.testing.assert_allclose(moved[:, 2], moved[:, 1] / 4, atol=1e-12)
        assert np.abs(moved[:, 1]).max() > 0.05

    def test_an_error_of_one_unit_moves_its_rank(self) -> None:
        own = ensemble_units()
        least = int(sides()["cooling"].supply.argmin())
        error = np.zeros(COUNT)
        error[least] = 50.0
        errors = dict(errors_of()) | {"cooling": (error, np.zeros(COUNT))}
        found = with_errors(own, choices(ClusteringSettings(), own), errors)
        # From the first of 200 ranks to the last; all others go down by one.
        moved = found.means[:, 0] - own.units.means[:, 0]
        assert moved[least] == pytest.approx(199 / 200)
        np.testing.assert_allclose(np.delete(moved, least), -1 / 200)
        normal = found.means[:, 3] - own.units.means[:, 3]
        assert 0 < normal[least] <= 0.5


class TestKinds:
    @pytest.mark.parametrize("high_land", [True, False])
    def test_clusters_of_the_run_have_their_own_zones(self, high_land: bool) -> None:
        zoning = zoned(ClusteringSettings(high_land=high_land))
        units = units_of(sides())
        kinds = ZoneKinds.of(zoning, units)
        np.testing.assert_array_equal(kinds.zones_of(zoning.merged.labels, units), zoning.zones)
        assert kinds.zones.tolist() == [1, 2, 3, 4, 5]

    def test_numbers_of_clusters_do_not_matter_and_parts_are_of_the_same_kind(self) -> None:
        zoning, units = zoned(), units_of(sides())
        kinds = ZoneKinds.of(zoning, units)
        halves = 2 * (4 - zoning.merged.labels) + (np.arange(COUNT) % 2)
        np.testing.assert_array_equal(kinds.zones_of(halves, units), zoning.zones)

    def test_one_cluster_is_the_kind_of_the_middle(self) -> None:
        units = units_of(sides())
        kinds = ZoneKinds.of(zoned(ClusteringSettings(high_land=False)), units)
        found = kinds.zones_of(np.zeros(COUNT, dtype=np.int64), units)
        assert set(found.tolist()) == {3}


class TestMembers:
    def test_level_0_of_everything_is_the_run(self) -> None:
        own = ensemble_units(errors_of(tons=0.3))
        settings = ClusteringSettings()
        found = zones_by(choices(settings, own), RUN)
        np.testing.assert_array_equal(found, zoned(settings).zones)

    @pytest.mark.parametrize("factor", RUN)
    def test_every_other_level_finds_plain_zones_again(self, factor: Factor) -> None:
        base = ensemble_units(errors_of(index=0.1))
        other = replace(base, onto=np.arange(COUNT))
        found = zones_by(choices(ClusteringSettings(), base, other), {**RUN, factor: 1})
        assert (found == zoned().zones).mean() > 0.75

    def test_units_of_another_size_are_told_by_base_unit(self) -> None:
        base = ensemble_units()
        backwards = np.arange(COUNT)[::-1].copy()
        other = replace(base, onto=backwards)
        found = zones_by(choices(ClusteringSettings(), base, other), {**RUN, "unit_size": 1})
        np.testing.assert_array_equal(found, zoned().zones[backwards])

    def test_where_nothing_varies_there_are_no_zones(self) -> None:
        base = ensemble_units()
        flat = replace(base.units, means=np.full_like(base.units.means, 0.5))
        own = choices(ClusteringSettings(), base, replace(base, units=flat))
        assert clusters_of_member(own, {**RUN, "unit_size": 1}) is None

    def test_more_clusters_than_units_are_none(self) -> None:
        base = ensemble_units()
        few = UnitTable(base.units.means[:60:10], np.ones(6, int), np.arange(6), (1, 6))
        small = replace(base, units=few, contiguity=lattice_contiguity(few))
        own = choices(ClusteringSettings(), base, small, ks=(5, 10))
        assert clusters_of_member(own, {**RUN, "unit_size": 1, "k": 1}) is None

    def test_levels_count_the_choices(self) -> None:
        own = choices(ClusteringSettings(), ensemble_units(errors_of(), errors_of()))
        assert own.levels == {
            "algorithm": 3,
            "k": 2,
            "seed": 2,
            "unit_size": 1,
            "normalisation": 2,
            "input_error": 3,
        }


def larger(index: list[int], shape: tuple[int, int]) -> UnitTable:
    return UnitTable(np.zeros((len(index), 1)), np.ones(len(index), int), np.array(index), shape)


def test_a_square_belongs_to_the_unit_of_twice_the_side_it_lies_in() -> None:
    # Three columns are two of twice the side: units 0 and 1 above, 2 and 3 below.
    found = parents(np.arange(9), 3, larger([0, 1, 2, 3], (2, 2)))
    assert found.tolist() == [0, 0, 1, 0, 0, 1, 2, 2, 3]


def test_a_square_whose_unit_takes_no_part_belongs_to_the_nearest() -> None:
    # Unit 3 of 2 × 3 is missing: 0 above it is as near as 4 beside it, and comes first.
    found = parents(np.array([12, 13, 14, 0]), 6, larger([0, 1, 2, 4, 5], (2, 3)))
    assert found.tolist() == [0, 0, 3, 0]


@given(st.integers(0, 500), st.integers(2, 9), st.integers(2, 9))
def test_the_nearest_is_the_nearest(seed: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    shape = (-(-rows // 2), -(-columns // 2))
    present = np.flatnonzero(random.random(shape[0] * shape[1]) < 0.6)
    if not len(present):
        present = np.array([0])
    found = parents(np.arange(rows * columns), columns, larger(present.tolist(), shape))
    for square, number in enumerate(found.tolist()):
        place = np.array(divmod(square, columns)) // 2
        gaps = [int(((np.array(divmod(unit, shape[1])) - place) ** 2).sum()) for unit in present]
        assert gaps[number] == min(gaps)
