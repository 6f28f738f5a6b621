import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.zoning.zone_names import Naming, name_zones

LABELS = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
RATIO = np.array([0.3, 0.4, -0.4, -0.5, 0.05, 0.01, 0.9, 1.1, -0.1, -0.2])
EXPECTED = [2, 2, 4, 4, 3, 3, 1, 1, 5, 5]


def name(labels: list[int], ratio: list[float], **given_: list[float]) -> Naming:
    supply = np.array(given_.get("supply", [0.5] * len(labels)))
    cells = np.array(given_.get("cells", [9] * len(labels)))
    return name_zones(np.array(labels), np.array(ratio), supply, cells)


def codes(naming: Naming) -> list[str]:
    return [flag.code for flag in naming.flags]


def test_worked_example() -> None:
    naming = name_zones(LABELS, RATIO, np.full(10, 0.5), np.full(10, 9))
    assert naming.zones.tolist() == EXPECTED
    assert naming.zones.dtype == np.uint8
    assert naming.flags == ()
    assert [profile.zone for profile in naming.order] == [1, 2, 3, 5, 4]
    assert naming.order[1].mu == pytest.approx(0.35)
    assert [profile.delta for profile in naming.order] == [0, 0, 0, 1, 1]


@given(st.permutations(range(5)), st.integers(-7, 7))
def test_cluster_numbers_do_not_matter(permutation: list[int], shift: int) -> None:
    relabelled = np.array(permutation)[LABELS] * 3 + shift
    naming = name_zones(relabelled, RATIO, np.full(10, 0.5), np.full(10, 9))
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


def test_exact_ties_fall_to_area_then_first_unit() -> None:
    naming = name([0, 1, 2, 3, 4], [0.0] * 5, cells=[1, 3, 2, 3, 1])
    assert [profile.label for profile in naming.order] == [1, 3, 2, 0, 4]


def test_wrong_signs_are_flagged_with_numbers_and_not_relabelled() -> None:
    naming = name([0, 1, 2, 3, 4], [-0.1, -0.2, -0.3, -0.4, -0.5])
    assert naming.zones.tolist() == [1, 2, 3, 5, 4]
    (flag,) = naming.flags
    assert flag.code == "sign_inconsistent"
    assert "mean ratio of the strict protection and control zone > 0" in flag.text.en
    assert "Strict protection and control zone -0.100, 100.0 %" in flag.text.en
    assert "严格保护与管控区平均供需比 > 0" in flag.text.zh


@pytest.mark.parametrize(("third", "flags"), [(-0.1, []), (-0.12, ["sign_inconsistent"])])
def test_general_protection_may_lie_a_little_below_balance(third: float, flags: list[str]) -> None:
    assert codes(name([0, 1, 2, 3, 4], [0.5, 0.4, third, -0.4, -0.6])) == flags


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
