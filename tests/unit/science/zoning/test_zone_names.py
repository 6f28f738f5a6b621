import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.zoning.zone_names import HighLand, Naming, UnitValues, name_zones, named
from shanhai.vocabulary import ZONE_CLASSES

LABELS = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
RATIO = np.array([0.3, 0.4, -0.4, -0.5, 0.05, 0.01, 0.9, 1.1, -0.1, -0.2])
VALUES = UnitValues(RATIO, np.full(10, 0.5), np.full(10, 0.5), np.full(10, 9))
EXPECTED = [2, 2, 4, 4, 3, 3, 1, 1, 5, 5]


def name(labels: list[int], ratio: list[float], **given_: list[float]) -> Naming:
    supply = np.array(given_.get("supply", [0.5] * len(labels)))
    demand = np.array(given_.get("demand", [0.5] * len(labels)))
    cells = np.array(given_.get("cells", [9] * len(labels)))
    return name_zones(np.array(labels), UnitValues(np.array(ratio), supply, demand, cells))


def codes(naming: Naming) -> list[str]:
    return [flag.code for flag in naming.flags]


def test_worked_example() -> None:
    naming = name_zones(LABELS, VALUES)
    assert naming.zones.tolist() == EXPECTED
    assert naming.zones.dtype == np.uint8
    assert naming.flags == ()
    assert [profile.zone for profile in naming.order] == [1, 2, 3, 5, 4]
    assert naming.order[1].mu == pytest.approx(0.35)
    assert [profile.delta for profile in naming.order] == [0, 0, 0, 1, 1]


@given(st.permutations(range(5)), st.integers(-7, 7))
def test_cluster_numbers_do_not_matter(permutation: list[int], shift: int) -> None:
    relabelled = np.array(permutation)[LABELS] * 3 + shift
    naming = name_zones(relabelled, VALUES)
    assert naming.zones.tolist() == EXPECTED


def test_means_are_weighted_by_area() -> None:
    naming = name([0, 0, 1], [1.0, -1.0, 0.2], cells=[9, 1, 5], supply=[1.0, 0.0, 0.5])
    (first, _) = naming.order
    assert (first.mu, first.sigma, first.delta) == pytest.approx((0.8, 0.9, 0.1))
    assert first.cells == 10


def test_near_tie_goes_to_the_larger_supply() -> None:
    naming = name([0, 1, 2, 3, 4], [0.51, 0.50, 0.1, -0.2, -0.6], supply=[0.2, 0.8, 0.5, 0.5, 0.5])
    assert naming.zones.tolist() == [2, 1, 3, 5, 4]
    assert naming.swaps == ((0, 1),)


def test_difference_of_two_hundredths_is_no_tie() -> None:
    naming = name([0, 1, 2, 3, 4], [0.53, 0.50, 0.1, -0.2, -0.6], supply=[0.2, 0.8, 0.5, 0.5, 0.5])
    assert naming.swaps == ()


def test_only_one_pass_of_swaps() -> None:
    # Sorting until nothing moves would bring the third, of largest supply, to the top.
    naming = name(
        [0, 1, 2, 3, 4], [0.52, 0.51, 0.505, -0.2, -0.6], supply=[0.1, 0.2, 0.3, 0.5, 0.5]
    )
    assert naming.swaps == ((0, 1), (0, 2))
    assert naming.zones.tolist() == [3, 1, 2, 5, 4]


def test_exact_ties_fall_to_supply_then_area_then_first_unit() -> None:
    supply = [0.5, 0.5, 0.5, 0.5, 0.6]
    naming = name([0, 1, 2, 3, 4], [0.0] * 5, cells=[1, 3, 2, 3, 1], supply=supply)
    assert [profile.label for profile in naming.order] == [4, 1, 3, 2, 0]


def test_wrong_signs_are_flagged_with_numbers_and_not_relabelled() -> None:
    naming = name([0, 1, 2, 3, 4], [-0.1, -0.2, -0.3, -0.4, -0.5])
    assert naming.zones.tolist() == [1, 2, 3, 5, 4]
    (flag,) = naming.flags
    assert flag.code == "sign_inconsistent"
    assert "mean ratio of the strict protection and control zone > 0" in flag.text.en
    assert "Strict protection and control zone -0.100, 100.0 %" in flag.text.en
    assert "严格保护与管控区平均供需比 > 0" in flag.text.zh


@pytest.mark.parametrize(("count", "zones"), [(2, [1, 4]), (3, [1, 3, 4]), (4, [1, 3, 5, 4])])
def test_fewer_clusters_keep_the_outermost_zones(count: int, zones: list[int]) -> None:
    ratio = [0.5, 0.05, -0.3, -0.6][:count] if count > 2 else [0.5, -0.5]
    if count == 3:
        ratio = [0.5, 0.05, -0.6]
    naming = name(list(range(count)), ratio)
    assert naming.zones.tolist() == zones
    assert codes(naming) == ["fewer_than_five_zones"]


@pytest.mark.parametrize("count", [1, 6])
def test_number_of_clusters_must_fit_the_zones(count: int) -> None:
    with pytest.raises(InvalidInput, match="cannot be named"):
        name(list(range(count)), [0.1] * count)


def test_zones_of_less_protection_that_supply_more_are_flagged() -> None:
    naming = name([0, 1, 2, 3, 4], [0.5, 0.4, 0.1, -0.2, -0.6], supply=[0.4, 0.5, 0.7, 0.3, 0.2])
    (flag,) = naming.flags
    assert flag.code == "supply_order"
    assert flag.text.en.count("the general protection and control zone supplies 0.700") == 2
    assert "the strict protection and control zone 0.400" in flag.text.en
    assert "一般保护与管控区平均供给 0.700，高于严格保护与管控区的 0.400" in flag.text.zh


def test_key_protection_may_supply_more_than_general_but_not_than_strict() -> None:
    assert (
        codes(name([0, 1, 2, 3, 4], [0.5, 0.4, 0.1, -0.2, -0.6], supply=[0.9, 0.8, 0.7, 0.3, 0.2]))
        == []
    )


def test_mean_demand_is_told_beside_supply() -> None:
    naming = name([0, 0, 1], [1.0, -1.0, 0.2], cells=[3, 1, 5], demand=[0.2, 1.0, 0.4])
    assert [one.demand for one in naming.order] == pytest.approx([0.4, 0.4])


def test_names_that_are_known_are_told_from_the_top() -> None:
    zones = np.array([4, 1, 1, 5], dtype=np.uint8)
    ones = np.ones(4, dtype=np.int64)
    naming = named(
        zones, UnitValues(np.array([-1.0, 1, 0, 0.5]), np.full(4, 0.5), np.full(4, 0.5), ones)
    )
    assert [one.zone for one in naming.order] == [1, 5, 4]
    assert [one.mu for one in naming.order] == [0.5, 0.5, -1.0]
    assert naming.zones.tolist() == [4, 1, 1, 5]


HIGH = HighLand(supply=0.6, demand=0.7)


def test_land_of_high_supply_and_high_demand_is_at_least_key_protection() -> None:
    zones = np.array([5, 4, 3, 1, 2, 5, 5], dtype=np.uint8)
    supply = np.array([0.6, 0.9, 0.7, 0.9, 0.9, 0.59, 0.9])
    demand = np.array([0.7, 0.9, 0.8, 0.9, 0.9, 0.90, 0.69])
    assert HIGH.protected(zones, supply, demand).tolist() == [2, 2, 2, 1, 2, 5, 5]


def test_high_is_the_upper_quarter_of_the_area() -> None:
    # Of 8 cells six lie up to 0.3 of supply; of demand six lie up to 0.6.
    cells = np.array([4, 2, 1, 1])
    values = UnitValues(
        np.zeros(4), np.array([0.1, 0.3, 0.5, 0.9]), np.array([0.6, 0.2, 0.8, 0.7]), cells
    )
    assert HighLand.of(values) == HighLand(supply=0.3, demand=0.6)


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_protection_is_never_lowered(units: list[tuple[int, float, float]]) -> None:
    zones = np.array([zone for zone, _, _ in units], dtype=np.uint8)
    supply, demand = (np.array([one[side] for one in units]) for side in (1, 2))
    found = HIGH.protected(zones, supply, demand)
    assert ((found == zones) | ((found == 2) & (zones > 2))).all()


@pytest.mark.parametrize(
    ("zone", "ratio", "not_met"),
    [
        (1, [0.1, -0.1], ["mean 1 > 0"]),
        (2, [0.1, -0.1], ["mean 2 > 0"]),
        (3, [0.1, -0.4], ["mean 3 ≥ -0.1"]),
        (3, [-0.1, -0.1], []),
        (4, [0.1, -0.1], ["mean 4 < 0", "share 4 ≥ 5"]),
        (5, [0.75, -0.5], ["mean 5 < 3"]),
        (5, [-0.1, 0.0], []),
        (5, [0.0, 0.0], ["share 5 ≥ 3"]),
    ],
)
def test_each_rule_names_its_zones(zone: int, ratio: list[float], not_met: list[str]) -> None:
    means = {1: 0.5, 2: 0.4, 3: 0.1, 5: -0.2, 4: -0.6}
    pairs = {one: [mean, mean] for one, mean in means.items()} | {zone: ratio}
    pairs |= {3: [0.5, -0.25]} if zone == 5 else {}
    half = np.full(10, 0.5)
    values = UnitValues(np.array([*pairs.values()]).ravel(), half, half, np.full(10, 9))
    found = named(np.repeat([*pairs], 2), values).flags
    text = found[0].text.en.split("Not met: ")[1].split(". Mean ratio")[0] if found else ""
    for code, term in enumerate(ZONE_CLASSES, 1):
        text = text.replace(term.label.en.lower(), str(code))
    for words in ("ratio ", "of the ", "with supply below demand "):
        text = text.replace(words, "")
    assert [one for one in text.split("; ") if one] == not_met
