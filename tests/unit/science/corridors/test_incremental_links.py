"""Links after a change: what is taken over is what a complete run finds, to the byte."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.incremental_links import (
    FormerLinks,
    LinkNotes,
    Matching,
    changed_ground,
    match_sources,
)
from shanhai.science.corridors.links import Network, link_sources
from shanhai.science.corridors.pairs import LinkSettings
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.corridors.swaths import SwathRule
from shanhai.science.grid import FloatArray, IntArray
from tests.unit.science.corridors.grounds import one_source, rough

UNIT = square_cells(1.0)
Ground = tuple[FloatArray, IntArray]


def masked(ground: Ground) -> Labels:
    return np.where(np.isfinite(ground[0]), ground[1], 0).astype(np.int32)


def both_ways(
    before: Ground, after: Ground, **options: Any
) -> tuple[Network, Network, Network, FormerLinks]:
    """The network before, the one after found completely, and found from what was noted."""
    choice = LinkSettings(**options)
    matching = match_sources(masked(before), masked(after))
    changed = changed_ground(
        (before[0], after[0]), (masked(before), masked(after)), matching, choice
    )
    notes = LinkNotes(changed)
    former = FormerLinks(notes, matching, choice)
    first = link_sources(*before, UNIT, choice, notes=notes)
    complete = link_sources(*after, UNIT, choice)
    partial = link_sources(*after, UNIT, choice, former=former)
    return first, complete, partial, former


def require_same(one: Network, other: Network) -> None:
    assert [link.pair for link in one.links] == [link.pair for link in other.links]
    for mine, its in zip(one.links, other.links, strict=True):
        assert mine.path.cells.tobytes() == its.path.cells.tobytes()
        assert (mine.path.cost, mine.path.length_m) == (its.path.cost, its.path.length_m)
        assert (mine.euclid_m, mine.crosses) == (its.euclid_m, its.crosses)
        assert (mine.in_tree, mine.is_bridge) == (its.in_tree, its.is_bridge)
        assert (mine.swath.row, mine.swath.col) == (its.swath.row, its.swath.col)
        assert np.array_equal(mine.swath.inside, its.swath.inside)
        assert mine.width == its.width
    assert one.dropped == other.dropped
    assert one.disconnected == other.disconnected
    assert one.corridors.tobytes() == other.corridors.tobytes()


def four_in_a_row() -> Ground:
    return np.full((9, 80), 2.0), one_source((9, 80), (4, 2), (4, 27), (4, 52), (4, 77))


def test_a_far_change_is_searched_for_at_its_own_links_only() -> None:
    before = four_in_a_row()
    after = (before[0].copy(), before[1])
    after[0][:, 65] = 40.0
    _, complete, partial, former = both_ways(before, after, nearest=1)
    require_same(complete, partial)
    assert [former.kept(link.pair) for link in partial.links] == [(1, 2), (2, 3), None]
    assert (complete.searches, partial.searches) == (4, 2)


def test_corridors_without_room_are_found_again() -> None:
    ground, sources = four_in_a_row()
    choice = LinkSettings(nearest=1)
    matching = match_sources(sources, sources)
    plain = link_sources(ground, sources, UNIT, choice)
    room = 8 * int(plain.links[0].swath.inside.sum())
    notes = LinkNotes(np.zeros(ground.shape, dtype=bool), keep_bytes=room)
    link_sources(ground, sources, UNIT, choice, notes=notes)
    former = FormerLinks(notes, matching, choice)
    assert [former.kept(link.pair) for link in plain.links] == [(1, 2), None, None]
    require_same(plain, link_sources(ground, sources, UNIT, choice, former=former))


def test_nothing_changed_takes_no_search() -> None:
    before = four_in_a_row()
    _, complete, partial, _ = both_ways(before, before)
    require_same(complete, partial)
    assert partial.searches == 0


def test_a_dearer_way_beside_the_corridor_is_left_alone_and_a_cheaper_one_is_not() -> None:
    ground, sources = np.full((21, 40), 2.0), one_source((21, 40), (10, 2), (10, 37))
    for value, kept in ((1.0, False), (50.0, False)):
        near = ground.copy()
        near[9, 20] = value
        *_, former = both_ways((ground, sources), (near, sources), nearest=1)
        assert (former.kept((1, 2)) is not None) is kept
    far = ground.copy()
    far[0, 20] = 1.0
    _, complete, partial, former = both_ways((ground, sources), (far, sources), nearest=1)
    assert former.kept((1, 2)) == (1, 2)
    require_same(complete, partial)


def test_corridors_of_fixed_width_are_all_found_anew() -> None:
    before = four_in_a_row()
    after = (before[0].copy(), before[1])
    after[0][:, 65] = 40.0
    rule = SwathRule("fixed_width_m", 4.0)
    _, complete, partial, former = both_ways(before, after, swath=rule, nearest=1)
    require_same(complete, partial)
    assert {former.kept(link.pair) for link in partial.links} == {None}
    assert partial.searches == complete.searches


def test_sources_are_matched_by_the_cells_they_share() -> None:
    before, after = np.zeros((3, 9), dtype=np.int32), np.zeros((3, 9), dtype=np.int32)
    before[:, :4], before[0, 6], before[2, 8] = 1, 2, 3
    after[:, :1], after[:, 2:4], after[0, 6], after[1, 8] = 3, 1, 2, 4
    assert match_sources(before, after) == Matching({1: 1, 2: 2}, frozenset({2}))


def blobs(seed: int, shape: tuple[int, int], count: int) -> IntArray:
    """Squares numbered by size, as sources are."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype=np.int32)
    for number in range(1, count + 1):
        row, col = rng.integers(0, shape[0] - 3), rng.integers(0, shape[1] - 3)
        free = labels[row : row + 3, col : col + 3]
        free[free == 0] = number
    _, dense = np.unique(labels, return_inverse=True)
    return np.asarray(dense.reshape(shape).astype(np.int32))


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    mode=st.sampled_from(["neighbour", "neighbour", "mst", "all_pairs"]),
    change=st.sampled_from(["dearer", "cheaper", "barrier", "opened", "source", "lost"]),
    neighbours=st.sampled_from([4, 8, 16]),
    nearest=st.integers(0, 3),
    max_euclid_m=st.sampled_from([np.inf, 15.0]),
)
def test_partial_equals_complete(
    seed: int, mode: str, change: str, neighbours: int, nearest: int, max_euclid_m: float
) -> None:
    shape = (24, 36)
    ground, labels = rough(seed, shape, high=8.0), blobs(seed, shape, 6)
    ground[labels > 0] = 1.0
    rng = np.random.default_rng(seed + 1)
    row, col = rng.integers(0, shape[0] - 2), rng.integers(0, shape[1] - 2)
    spot = (slice(row, row + 2), slice(col, col + 2))
    new_ground, new_labels = ground.copy(), labels.copy()
    if change == "source":
        new_labels[spot][new_labels[spot] == 0] = labels.max() + 1
        new_ground[spot] = 1.0
        _, dense = np.unique(new_labels, return_inverse=True)
        new_labels = dense.reshape(shape).astype(np.int32)
    elif change == "lost":
        new_labels[labels == 2] = 0
        new_labels[labels > 2] -= 1
        new_ground[labels == 2] = 6.0
    else:
        values = {"dearer": 30.0, "cheaper": 1.0, "barrier": np.nan, "opened": 1.0}
        new_ground[spot] = values[change]
    alive = set(np.unique(masked((new_ground, new_labels)))) == set(np.unique(new_labels))
    if not alive or new_labels.max() < 2:
        return
    _, complete, partial, _ = both_ways(
        (ground, labels),
        (new_ground, new_labels),
        mode=mode,
        neighbours=neighbours,
        nearest=nearest,
        max_euclid_m=max_euclid_m,
    )
    require_same(complete, partial)
    assert partial.searches <= complete.searches


@pytest.mark.parametrize("corners", [False, True])
def test_notes_do_not_change_what_is_noted(corners: bool) -> None:
    ground, labels = rough(5, (24, 36), high=8.0), blobs(5, (24, 36), 6)
    ground[labels > 0] = 1.0
    choice = LinkSettings(forbid_corner_cutting=corners)
    plain = link_sources(ground, labels, UNIT, choice)
    noted = link_sources(
        ground, labels, UNIT, choice, notes=LinkNotes(np.zeros((24, 36), dtype=bool))
    )
    require_same(plain, noted)
