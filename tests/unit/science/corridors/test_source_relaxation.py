from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shanhai.errors import InvalidInput
from shanhai.science.corridors.connectivity import (
    PatchGraph,
    dispersal_graph,
    patch_importance,
    patches_holding,
)
from shanhai.science.corridors.patches import division_depth, eroded
from shanhai.science.corridors.source_parameters import SourceParameters
from shanhai.science.corridors.source_relaxation import relax_sources, relaxed_settings
from shanhai.science.corridors.sources import identify_sources


def far_apart(*areas: float) -> PatchGraph:
    """Patches that no way joins: PC is the sum of the squares of their areas."""
    amounts = np.array(areas)
    distances = np.where(np.eye(len(amounts)) > 0, 0.0, np.inf)
    return dispersal_graph(amounts, distances)


def test_patches_are_taken_until_they_hold_the_share() -> None:
    """Squares 64, 25, 9 and 2 of 100 (areas 8, 5, 3 and √2)."""
    graph = far_apart(8, 5, 3, 2**0.5)
    order = np.arange(4)
    for share, taken in ((0.64, 1), (0.65, 2), (0.89, 2), (0.98, 3), (0.981, 4), (1.0, 4)):
        held = patches_holding(graph, order, share)
        assert held.tolist() == [number < taken for number in range(4)]
    assert patches_holding(graph, order, 0.1, least=2).tolist() == [True, True, False, False]
    assert patches_holding(graph, order[::-1], 0.1).tolist() == [False, False, True, True]


def test_ways_through_what_is_not_taken_do_not_count() -> None:
    """Three patches of 1 ha in a row at the distance d50: p is 1/2, and 1/4 by the middle one."""
    direct = np.array([[0, 100, np.inf], [100, 0, 100], [np.inf, 100, 0]])
    graph = dispersal_graph(np.ones(3), direct, 100)
    assert graph.total == pytest.approx(3 + 2 * (0.5 + 0.5 + 0.25))
    # Both ends alone hold 2 of 5.5; with the middle one, taken last, all of it.
    ends = np.array([0, 2, 1])
    assert patches_holding(graph, ends, 2 / 5.5).tolist() == [True, False, True]
    assert patches_holding(graph, ends, 2.01 / 5.5).all()
    # The first two hold 1 + 1 + 2/2 = 3.
    assert patches_holding(graph, np.array([0, 1, 2]), 3 / 5.5).tolist() == [True, True, False]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, np.nan])
def test_a_share_out_of_range_is_named(share: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        patches_holding(far_apart(1, 2), np.arange(2), share)
    assert refused.value.faults[0].pointer == "/share"


places = arrays(np.float64, (5, 2), elements=st.integers(0, 5000).map(float))
sizes = arrays(np.float64, 5, elements=st.integers(1, 50).map(float))


@given(places, sizes, st.sampled_from([0.3, 0.7, 0.95, 1.0]))
def test_what_is_held_is_the_index_of_the_patches_taken(
    at: np.ndarray, amounts: np.ndarray, share: float
) -> None:
    distances = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    graph = dispersal_graph(amounts, distances)
    order = np.argsort(-patch_importance(graph).total, kind="stable")
    taken = patches_holding(graph, order, share)

    def held(some: np.ndarray) -> float:
        return dispersal_graph(amounts[some], distances[np.ix_(some, some)]).total

    chosen = order[: np.count_nonzero(taken)]
    assert set(chosen.tolist()) == set(np.flatnonzero(taken).tolist())
    assert held(np.sort(chosen)) >= share * graph.total * (1 - 1e-9)
    if len(chosen) > 1:
        assert held(np.sort(chosen[:-1])) < share * graph.total * (1 + 1e-9)


def dumbbell() -> np.ndarray:
    """Squares of 9 and 7 cells, joined by a neck 1 cell wide."""
    core = np.zeros((20, 40), dtype=bool)
    core[2:11, 2:11] = True
    core[3:10, 20:27] = True
    core[6, 11:20] = True
    return core


def test_erosion_takes_what_is_not_deep() -> None:
    """Of a square of 9 cells the rim of one cell is at depth 1, the next at 2, the middle at 5."""
    square = np.ones((9, 9), dtype=bool)
    assert [int(eroded(square, cells).sum()) for cells in range(6)] == [81, 49, 25, 9, 1, 0]
    assert not eroded(np.zeros((3, 3), dtype=bool), 1).any()


def test_a_patch_is_divided_where_it_is_narrow() -> None:
    # The neck is gone at depth 1. 49 and 25 cells of 1 ha are left, and of each rim the cell at the
    # neck, of which the nearest cell outside lies over a corner.
    assert division_depth(dumbbell(), 100, 10) == 1
    assert division_depth(dumbbell(), 100, 30) == 0
    assert division_depth(np.ones((9, 9), dtype=bool), 100, 1) == 0
    assert division_depth(np.zeros((3, 3), dtype=bool), 100, 1) == 0


def test_the_depth_of_the_most_cores_is_taken() -> None:
    """A third square hangs on a neck of three cells: one falls off at depth 1, the other at 2."""
    core = np.zeros((20, 60), dtype=bool)
    core[:, :40] = dumbbell()
    core[3:12, 40:49] = True
    core[5:8, 27:40] = True
    assert division_depth(core, 100, 5) == 2


def cores(*blocks: tuple[int, int, int]) -> np.ndarray:
    """Squares by row, column and side, of 100 m cells."""
    core = np.zeros((60, 200), dtype=bool)
    for row, col, side in blocks:
        core[row : row + side, col : col + side] = True
    return core


def test_nothing_is_relaxed_where_two_sources_are_found() -> None:
    core, asked = cores((0, 0, 10), (0, 15, 8)), SourceParameters(dpc_min=1)
    found = relax_sources(core, 100, asked)
    assert found is not None
    assert found.parameters == asked
    alone = identify_sources(core, 100, asked)
    np.testing.assert_array_equal(found.sources.patches.labels, alone.patches.labels)
    np.testing.assert_array_equal(found.sources.dpc.total, alone.dpc.total)


def test_the_share_of_pc_takes_the_place_of_dpc() -> None:
    """1,600 ha beside 16 and 9 ha far off: their dPC is about 0.01 %, and one holds 99 %."""
    core, asked = cores((0, 0, 40), (50, 180, 4), (50, 100, 3)), SourceParameters(min_area_ha=9)
    found = relax_sources(core, 100, asked)
    assert found is not None
    assert found.parameters == replace(asked, pc_share=0.99)
    assert found.sources.patches.count == 2
    assert found.sources.dropped == 1
    assert not found.sources.eroded.any()


def test_cores_are_no_longer_joined_before_the_patch_is_divided() -> None:
    core = cores((0, 0, 10), (0, 12, 8))
    asked = SourceParameters(merge_gap_m=1000)
    found = relax_sources(core, 100, asked)
    assert found is not None
    assert found.parameters == replace(asked, pc_share=0.99, merge_gap_m=0)
    assert found.sources.patches.area_ha.tolist() == [100, 64]


def test_the_only_patch_is_divided() -> None:
    found = relax_sources(dumbbell(), 100, SourceParameters())
    assert found is not None
    assert found.parameters.erosion_cells == 1
    assert found.sources.patches.area_ha.tolist() == [50, 26]
    assert int(found.sources.eroded.sum()) == int(dumbbell().sum()) - 50 - 26


def test_a_patch_of_most_of_the_land_is_divided_though_there_are_others() -> None:
    core = np.zeros((20, 90), dtype=bool)
    core[:, :40] = dumbbell()
    core[15:19, 85:89] = True
    asked = SourceParameters(dpc_min=50)
    whole = relax_sources(core, 100, asked)
    assert whole is not None
    assert (whole.parameters.erosion_cells, whole.sources.patches.count) == (0, 2)
    divided = relax_sources(core, 100, asked, area_cells=250)
    assert divided is not None
    assert divided.parameters.erosion_cells == 1
    assert divided.sources.patches.area_ha.tolist() == [50, 26, 16]


def test_the_least_area_is_lowered_last() -> None:
    core, asked = cores((0, 0, 20), (0, 30, 3)), SourceParameters(min_area_ha=50)
    found = relax_sources(core, 100, asked)
    assert found is not None
    assert found.parameters == replace(asked, pc_share=0.99, min_area_ha=5)
    changes = {"pc_share": (0, 0.99), "min_area_ha": (50, 5)}
    assert relaxed_settings(asked, found.parameters) == changes
    assert relaxed_settings(asked, asked) == {}
    assert found.sources.patches.area_ha.tolist() == [400, 9]


@pytest.mark.parametrize("core", [cores(), cores((0, 0, 9)), cores((0, 0, 1), (5, 5, 1))])
def test_one_round_patch_stays_one(core: np.ndarray) -> None:
    assert relax_sources(core, 100, SourceParameters()) is None


@given(arrays(np.bool_, (12, 14)), st.sampled_from([2.0, 10.0]), st.sampled_from([1.0, 40.0]))
def test_what_is_found_is_what_the_parameters_give(
    core: np.ndarray, area: float, dpc: float
) -> None:
    found = relax_sources(core, 100, SourceParameters(min_area_ha=area, dpc_min=dpc))
    if found is None:
        return
    again = identify_sources(core, 100, found.parameters)
    assert found.sources.patches.count >= 2
    np.testing.assert_array_equal(found.sources.patches.labels, again.patches.labels)
    assert not (found.sources.eroded & (found.sources.patches.labels > 0)).any()
    assert core[found.sources.eroded | (found.sources.patches.labels > 0)].all()
