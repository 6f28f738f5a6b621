import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.barriers import (
    BarrierScan,
    BarrierScores,
    BarrierSettings,
    barrier_scores,
    disc_rows,
    memory_needed,
    running_minimum,
    take_better,
)
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.links import link_sources
from shanhai.science.corridors.pairs import LinkSettings
from shanhai.science.corridors.spacing import GeographicCells, square_cells
from shanhai.science.grid import FloatArray, IntArray
from tests.unit.science.corridors.grounds import X, one_source, rough

UNIT = square_cells(1.0)
ONE = BarrierSettings(radii_m=(1.0,))


def link(ground: FloatArray, one: IntArray, other: IntArray) -> tuple[FloatArray, FloatArray]:
    return tuple(cost_distance(ground, ends, UNIT).cost for ends in (one, other))  # type: ignore[return-value]  # two of them


def scanned(
    ground: FloatArray,
    sources: IntArray,
    options: BarrierSettings,
    links: LinkSettings | None = None,
) -> BarrierScores:
    scan = BarrierScan(sources.astype(np.int32), UNIT, options)
    link_sources(ground, sources, UNIT, links, visit=scan.visit)
    return scan.scores


def test_worked_example() -> None:
    ground = np.tile([1.0, 1, 1, 10, 1, 1, 1], (3, 1))
    sources = np.zeros((3, 7), dtype=int)
    sources[:, 0], sources[:, 6] = 1, 2
    one, other = link(ground, sources == 1, sources == 2)
    assert one[0, 6] == 15
    found = barrier_scores(one, other, 15.0, 1.0, ONE)
    np.testing.assert_allclose(found.score[1], [-0.5, 0, 2.25, 4.5, 2.25, 0, -0.5], rtol=1e-12)
    assert found.percent[1, 3] == pytest.approx(30.0)
    dearer = barrier_scores(one, other, 15.0, 1.0, BarrierSettings(radii_m=(1.0,), restored=2.5))
    np.testing.assert_allclose(dearer.score, found.score - 1.5, rtol=1e-12)
    whole = scanned(ground, sources, ONE)
    # No gain, and sources, are left out.
    np.testing.assert_allclose(whole.score[1], [np.nan, np.nan, 2.25, 4.5, 2.25, np.nan, np.nan])


def test_discs_hold_the_cells_within_the_radius() -> None:
    assert disc_rows(1.0, 1.0).tolist() == [1, 0]
    assert disc_rows(60.0, 30.0).tolist() == [2, 1, 0]
    assert disc_rows(5.0, 1.0).tolist() == [5, 4, 4, 4, 3, 0]
    assert disc_rows(0.3, 0.1).tolist() == [3, 2, 2, 0]


def test_of_equal_scores_the_first_stays() -> None:
    best, again = (BarrierScores(*np.array([[2.0], [20.0], [radius]])) for radius in (60, 120))
    take_better(best, again)
    assert best.radius_m.tolist() == [60]


@pytest.mark.parametrize("radius_m", [0.9, np.inf])
def test_a_scan_refuses_discs_before_the_first_link(radius_m: float) -> None:
    with pytest.raises(InvalidInput, match="at least one radius"):
        BarrierScan(np.ones((2, 2), dtype=np.int32), UNIT, BarrierSettings(radii_m=(radius_m,)))


def test_running_minimum_counts_the_cells_at_both_edges() -> None:
    """A run of four to either side is put together from runs of one, whose middles lie outside."""
    values = np.array([[1.0, 9, 9, 9, 9, 9, 9, 9, 9, 2]])
    found = running_minimum(values, np.array([4]))
    assert found.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2]]


@given(seed=st.integers(0, 10_000), radius=st.floats(1, 9))
@settings(max_examples=200, deadline=None)
@example(seed=70, radius=7.25)
def test_running_minimum_is_that_of_every_disc(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 100, rng.integers(1, 14, 2))
    values[rng.random(values.shape) < 0.3] = X
    found = running_minimum(values, disc_rows(radius, 1.0))
    rows, cols = np.indices(values.shape)
    for cell in np.ndindex(values.shape):
        disc = np.hypot(rows - cell[0], cols - cell[1]) <= radius * (1 + 1e-9)
        assert found[cell] == values[disc].min()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_no_gain_is_larger_than_the_whole_way(seed: int) -> None:
    ground = rough(seed, (12, 12), barriers=0.2)
    one, other = link(
        ground, one_source((12, 12), (0, 0)) == 1, one_source((12, 12), (11, 11)) == 1
    )
    cost = one[11, 11]
    if np.isinf(cost):
        return
    found = barrier_scores(one, other, cost, 1.0, BarrierSettings(radii_m=(1.0, 2.0)))
    known = ~np.isnan(found.score)
    radius = found.radius_m[known]
    assert (found.score[known] <= (cost - 2 * radius) / (2 * radius) + 1e-9).all()
    np.testing.assert_allclose(found.percent, 100 * found.score / cost)
    for radius_m in (1.0, 2.0):
        alone = barrier_scores(one, other, cost, 1.0, BarrierSettings(radii_m=(radius_m,)))
        assert not (found.score < alone.score).any()


def test_a_wall_may_be_opened() -> None:
    ground = np.ones((9, 9))
    ground[:, 4] = X
    ground[8, 4] = 1.0
    sources = one_source((9, 9), (0, 0), (0, 8))
    one, other = link(ground, sources == 1, sources == 2)
    found = barrier_scores(one, other, one[0, 8], 1.0, ONE)
    assert np.nanargmax(found.score) == 4
    assert found.score[0, 4] == pytest.approx((one[0, 8] - 8) / 2)


def test_discs_reach_beyond_the_land_of_a_link() -> None:
    ground = np.full((7, 15), X)
    ground[3], ground[3, 7] = 1.0, 40.0
    sources = one_source((7, 15), (3, 0), (3, 14))
    found = scanned(ground, sources, BarrierSettings(radii_m=(1.0, 3.0)))
    assert np.flatnonzero((found.score > 0).any(axis=1)).tolist() == [1, 2, 3, 4, 5]


def network(combine: str) -> FloatArray:
    ground = np.ones((5, 15))
    ground[:, 5] = 20.0
    ground[:, 10] = 8.0
    sources = np.zeros((5, 15), dtype=int)
    sources[2, 2], sources[0, 14], sources[4, 14] = 1, 2, 3
    options = BarrierSettings(radii_m=(1.0,), combine=combine)  # type: ignore[arg-type]  # one of the ways
    return scanned(ground, sources, options, LinkSettings(mode="all_pairs")).score


def test_links_are_combined() -> None:
    """Both ways cross the first wall at the height of the source, by symmetry with equal gain."""
    best, total = network("maximum"), network("sum")
    assert total[2, 5] == pytest.approx(2 * best[2, 5])
    assert (np.nan_to_num(total) >= np.nan_to_num(best)).all()
    assert np.isnan(best[2, 2])


@pytest.mark.parametrize("combine", ["maximum", "sum"])
@pytest.mark.parametrize("keep_bytes", [1 << 30, 0])
def test_a_network_is_scored_like_its_whole_rasters(combine: str, keep_bytes: int) -> None:
    ground = rough(5, (30, 30), barriers=0.1)
    sources = one_source((30, 30), (2, 2), (12, 20), (27, 5))
    ground[sources > 0] = 1.0
    options = BarrierSettings(radii_m=(1.0, 3.0), combine=combine)  # type: ignore[arg-type]  # one of the ways
    links = LinkSettings(mode="all_pairs", drop_crossing=False, keep_bytes=keep_bytes)
    fields = {n: cost_distance(ground, sources == n, UNIT).cost for n in (1, 2, 3)}
    whole = []
    for one, other in ((1, 2), (1, 3), (2, 3)):
        cost = float(fields[one][sources == other].item())
        score = barrier_scores(fields[one], fields[other], cost, 1.0, options).score
        score[~(score > 0) | (sources > 0)] = np.nan
        whole.append(score)
    expected = np.fmax.reduce(whole)
    if combine == "sum":
        expected = np.where(np.isnan(expected), np.nan, np.nansum(whole, axis=0))
    found = scanned(ground, sources, options, links)
    np.testing.assert_allclose(found.score, expected, rtol=1e-9, atol=1e-9)
    assert np.isin(found.radius_m[found.score > 0], (1.0, 3.0)).all()


def test_memory_grows_with_the_largest_link() -> None:
    assert memory_needed((100, 100)) > memory_needed((100, 100), (50, 20)) > 24 * 100 * 100


def test_bad_input() -> None:
    ground, sources = np.ones((3, 3)), np.zeros((3, 3), dtype=np.int32)
    with pytest.raises(InvalidInput, match=r"none below the cell of 30 m"):
        barrier_scores(ground, ground, 1.0, 30.0, ONE)
    with pytest.raises(InvalidInput, match="at least one radius"):
        barrier_scores(ground, ground, 1.0, 1.0, BarrierSettings(radii_m=()))
    with pytest.raises(InvalidInput, match="reproject"):
        BarrierScan(sources, GeographicCells(0.1, 0.1, 20.0), ONE)
    with pytest.raises(InvalidInput, match="combine is 'mean'"):
        BarrierSettings(combine="mean")  # type: ignore[arg-type]  # which is refused
    with pytest.raises(InvalidInput, match="restored is 0"):
        BarrierSettings(restored=0)
    with pytest.raises(InvalidInput, match="restored is inf"):
        BarrierSettings(restored=np.inf)
