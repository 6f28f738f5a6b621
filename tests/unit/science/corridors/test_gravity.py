import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.network_metrics import gravity, link_classes

PAIRS = np.array([[0, 1], [1, 2]])
AREAS, RESISTANCES = np.array([100.0, 50.0, 20.0]), np.array([1.0, 2.0, 1.0])
COSTS = np.array([400.0, 1000.0])


def test_worked_example() -> None:
    assert gravity(AREAS, RESISTANCES, PAIRS, COSTS)[0] == pytest.approx(56.2985, abs=5e-5)


def test_the_unit_of_the_cost_does_not_matter() -> None:
    kilometres = gravity(AREAS, RESISTANCES, PAIRS, COSTS / 1024)
    np.testing.assert_array_equal(kilometres, gravity(AREAS, RESISTANCES, PAIRS, COSTS))


@given(st.lists(st.floats(1, 1e6), min_size=2, max_size=8))
def test_farther_sources_attract_less(costs: list[float]) -> None:
    distance = np.array(sorted(costs))
    found = gravity(AREAS, RESISTANCES, np.tile([0, 1], (len(costs), 1)), distance)
    assert (np.diff(found) <= 0).all()
    assert (found > 0).all()


def test_no_link_has_no_gravity() -> None:
    assert gravity(AREAS, RESISTANCES, np.empty((0, 2), dtype=int), np.empty(0)).size == 0
    assert link_classes({}, {}) == {}


@pytest.mark.parametrize(
    ("area", "resistance", "cost", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], [1.0], "area_ha is 1 at place 0; it must be above 1"),
        ([2.0, 2.0], [1.0, 0.0], [1.0], "resistance is 0 at place 1"),
        ([2.0, 2.0], [1.0, 1.0], [np.inf], "cost is inf at place 0"),
    ],
)
def test_what_is_out_of_range_is_refused(
    area: list[float], resistance: list[float], cost: list[float], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        gravity(np.array(area), np.array(resistance), PAIRS[:1], np.array(cost))


def test_few_links_are_main_in_the_tree_or_the_upper_third() -> None:
    costs = {(1, 2): 1.0, (2, 3): 1.0, (1, 3): 5.0, (1, 4): 9.0, (2, 4): 8.0, (3, 4): 9.5}
    strengths = {(1, 2): 9.0, (2, 3): 2.0, (1, 3): 8.0, (1, 4): 3.0, (2, 4): 1.0, (3, 4): 4.0}
    assert link_classes(strengths, costs) == {
        (1, 2): "main",
        (2, 3): "main",
        (1, 3): "main",
        (1, 4): "branch",
        (2, 4): "main",
        (3, 4): "branch",
    }


def test_a_third_of_nine_links_is_taken_by_rank_and_ten_have_natural_breaks() -> None:
    """A star of cheap links, which are the tree, and dear links between its ends.

    Of five links a third is two, of nine three, of ten the upper natural class is 100 alone.
    """
    for stars, dear, main in (
        (3, {(2, 3): 100.0, (3, 4): 9.0}, {(2, 3), (3, 4)}),
        (5, {(2, 3): 100.0, (3, 4): 9.0, (4, 5): 8.0, (5, 6): 7.0}, {(2, 3), (3, 4), (4, 5)}),
        (5, {(2, 3): 100.0, (3, 4): 9, (4, 5): 8, (5, 6): 7, (2, 6): 6}, {(2, 3)}),
    ):
        star = {(1, end): 1.0 for end in range(2, 2 + stars)}
        found = link_classes(star | dear, star | dict.fromkeys(dear, 5.0))
        assert {pair for pair, of in found.items() if of == "main"} == {*star, *main}


def test_many_links_are_main_above_the_upper_natural_break() -> None:
    pairs = [(1, number) for number in range(2, 12)]
    ring = [(number, number + 1) for number in range(2, 11)]
    costs = dict.fromkeys(pairs, 1.0) | dict.fromkeys(ring, 2.0)
    strengths = dict.fromkeys(pairs, 1.0) | dict(
        zip(ring, [1.1, 1.2, 5.0, 5.1, 5.2, 20.0, 21.0, 5.0, 1.0], strict=True)
    )
    classes = link_classes(strengths, costs)
    assert [pair for pair in ring if classes[pair] == "main"] == [(7, 8), (8, 9)]
    assert all(classes[pair] == "main" for pair in pairs)


def test_links_of_one_gravity_are_main_only_in_the_tree() -> None:
    numbers = range(1, 7)
    costs = {(i, j): float(j - i) for i in numbers for j in numbers if i < j}
    classes = link_classes(dict.fromkeys(costs, 3.0), costs)
    assert sum(one == "main" for one in classes.values()) == 5
