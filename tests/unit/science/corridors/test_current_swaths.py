import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.links import Network, link_sources
from shanhai.science.corridors.pairs import LinkSettings
from shanhai.science.corridors.pinch_points import narrow_to_current
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.corridors.swaths import SwathRule
from tests.unit.science.corridors.grounds import X, one_source, rough

CELLS = square_cells(10.0)
FOUR = CircuitSettings(neighbours=4)


def strips(*resistances: float) -> tuple[np.ndarray, np.ndarray, Network]:
    """Rows of one resistance each between two sources that fill the ends, 4 neighbours."""
    ground = np.repeat(np.array(resistances)[:, np.newaxis], 13, axis=1)
    ground[:, [0, -1]] = 1.0
    ground = np.pad(ground, ((2, 0), (3, 0)), constant_values=X)  # a swath off the corner
    sources = np.zeros(ground.shape, dtype=int)
    sources[2:, 3], sources[2:, -1] = 1, 2
    rule = LinkSettings(neighbours=4, swath=SwathRule("cost_cutoff", 1e6))
    return ground, sources, link_sources(ground, sources, CELLS, rule)


def rows_between(network: Network) -> list[int]:
    """Rows of the only corridor in the middle column."""
    swath = network.links[0].swath
    return (np.flatnonzero(swath.inside[:, 9 - swath.col]) + swath.row - 2).tolist()


def test_rows_that_carry_little_are_left_out() -> None:
    """In the middle current divides nearly as 1 : 1/2 : 1/50, so 2/3, 1/3 and 1/75 of it."""
    ground, sources, network = strips(50.0, 1.0, 2.0)
    assert rows_between(network) == [0, 1, 2]
    assert rows_between(narrow_to_current(network, ground, sources, CELLS, 0.9, FOUR)) == [1, 2]
    assert rows_between(narrow_to_current(network, ground, sources, CELLS, 0.5, FOUR)) == [1]
    whole = narrow_to_current(network, ground, sources, CELLS, 1.0, FOUR)
    assert rows_between(whole) == [0, 1, 2]


def test_widths_are_those_of_what_is_left() -> None:
    ground, sources, network = strips(50.0, 1.0, 2.0)
    (link,) = narrow_to_current(network, ground, sources, CELLS, 0.5, FOUR).links
    # Eleven cells between the sources, on a path of twelve steps.
    assert link.width.area_m2 == 11 * 100.0
    assert link.width.mean_m == pytest.approx(1100.0 / 120.0)
    assert link.path == network.links[0].path


def test_what_carries_alike_is_treated_alike() -> None:
    ground, sources, network = strips(2.0, 1.0, 2.0)
    # The middle row carries half of the current; a part of the others makes it seven tenths.
    swath = narrow_to_current(network, ground, sources, CELLS, 0.7, FOUR).links[0].swath
    between = swath.inside[:, 1:12]
    np.testing.assert_array_equal(between, between[::-1])
    assert between[1].all()
    assert 0 < np.count_nonzero(between[0]) < 11


@given(seed=st.integers(0, 1000), share=st.floats(0.05, 1.0))
@settings(max_examples=15, deadline=None)
def test_a_corridor_holds_its_path_and_lies_in_the_one_it_was(seed: int, share: float) -> None:
    ground = rough(seed, (16, 16), barriers=0.1)
    sources = one_source((16, 16), (0, 0), (15, 15))
    rule = LinkSettings(swath=SwathRule("relative", 0.2))
    network = link_sources(ground, sources, CELLS, rule)
    found = narrow_to_current(network, ground, sources, CELLS, share)
    for before, after in zip(network.links, found.links, strict=True):
        former, new = np.zeros((2, 16, 16), dtype=bool)
        former[before.swath.slices] = before.swath.inside
        new[after.swath.slices] = after.swath.inside
        assert not (new & ~former).any()
        assert new[tuple(after.path.cells.T)].all()
        assert after.width.area_m2 <= before.width.area_m2
        np.testing.assert_array_equal(np.isfinite(found.corridors), new)
        np.testing.assert_array_equal(found.corridors[new], network.corridors[new])


def test_sources_that_touch_keep_their_corridor() -> None:
    sources = np.array([[1, 2]])
    network = link_sources(np.ones((1, 2)), sources, CELLS)
    found = narrow_to_current(network, np.ones((1, 2)), sources, CELLS)
    assert found.links == network.links


@pytest.mark.parametrize("share", [0.0, 1.1, float("nan")])
def test_a_share_is_above_nothing_and_at_most_all(share: float) -> None:
    ground, sources, network = strips(1.0, 1.0)
    with pytest.raises(InvalidInput, match="share of the current") as caught:
        narrow_to_current(network, ground, sources, CELLS, share)
    assert caught.value.faults[0].pointer == "/share"
