import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.modes import pairwise
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.patches import Patches
from shanhai.science.corridors.pinch_points import between_sources, current_width, pinch_points
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.corridors.spots import SpotRule, cut_by_kind, find_spots, links_of, top_class
from shanhai.science.corridors.swaths import Swath
from shanhai.science.grid import FloatArray
from tests.unit.science.corridors.grounds import X, one_source

CELLS = square_cells(100.0)


def waist() -> FloatArray:
    """A corridor of seven rows with one passage in its middle."""
    ground = np.ones((9, 21))
    ground[:, 10] = X
    ground[4, 10] = 1.0
    return ground


def test_a_waist_is_a_pinch_point() -> None:
    ground = waist()
    corridors = np.zeros(ground.shape, dtype=bool)
    corridors[1:8] = True
    sources = np.zeros(ground.shape, dtype=int)
    sources[1:8, 0], sources[1:8, 20] = 1, 2
    found = pinch_points(ground, sources, corridors, CELLS)
    assert found.spots.patches.labels[4, 10] == 1
    assert found.spots.highest[0] == pytest.approx(2.0)
    assert 1 < found.spots.mean[0] <= 2 + 1e-9
    assert found.robust.all()
    # Without resistance but 1, its powers change nothing.
    assert found.robust_share.tolist() == [1.0] * found.spots.patches.count
    assert np.isnan(found.current[0]).all()
    assert not found.spots.patches.labels[:, [0, 20]].any()
    assert len(found.reports) == 3


def test_a_pinch_that_another_power_moves_is_not_robust() -> None:
    """Two ways of ten steps, of 8·1 + 2·50.5 = 109 and 90; by the square roots of 19 and 30."""
    ground = np.full((3, 11), X)
    ground[0], ground[2], ground[0, 5] = 1.0, 9.0, 100.0
    sources, corridors = np.zeros(ground.shape, dtype=int), np.isfinite(ground)
    sources[::2, 0], sources[::2, 10] = 1, 2
    corridors[:, [0, 10]] = False
    rule = SpotRule(percentile=50, min_area_ha=0.0)  # half of the cells are of each way
    found = pinch_points(ground, sources, corridors, CELLS, rule)
    np.testing.assert_allclose(found.current[2, 1:10], 2 * 109 / 199)
    np.testing.assert_allclose(found.current[0, 1:10], 2 * 90 / 199)
    np.testing.assert_array_equal(found.spots.patches.labels > 0, corridors & (ground == 9))
    assert (found.robust_share.tolist(), found.robust.tolist()) == ([0], [False])


def test_few_values_are_cut_at_a_percentile() -> None:
    values = np.arange(40.0)
    assert top_class(values, SpotRule()) == np.percentile(values, 95)
    assert np.isnan(top_class(np.full(3, np.nan), SpotRule()))
    many = np.repeat([0.0, 1, 2, 3, 50], 20)
    assert top_class(many, SpotRule()) == 50.0
    assert top_class(np.ones(100), SpotRule()) == 1.0


@pytest.mark.parametrize("copies", [1, 3])
def test_values_that_differ_by_rounding_alone_are_in_one_class(copies: int) -> None:
    values = np.repeat([1.0, 2, 3, 4, 5], 8 * copies)
    strong = values == 5
    values *= 1 + 1e-13 * np.sin(np.arange(values.size))  # as a solver leaves them
    for percentile in (85.0, 95.0):
        threshold = top_class(values, SpotRule(percentile=percentile))
        np.testing.assert_array_equal(values >= threshold, strong)
        assert threshold == values[strong].min()
    apart = np.where(strong, values + 1e-7 * np.arange(values.size), values)
    threshold = top_class(apart, SpotRule(few=999, percentile=95))
    assert threshold == np.percentile(apart, 95)


def test_spots_are_patches_with_figures() -> None:
    values = np.zeros((10, 10))
    values[2, 2:4] = 9.0, 7.0
    values[7, 7] = 8.0
    found = find_spots(values, 100.0, SpotRule(classes=2, min_area_ha=2.0))
    assert found.threshold == 7.0
    assert found.patches.area_ha.tolist() == [2.0]
    assert found.highest.tolist() == [9.0]
    assert found.mean.tolist() == [8.0]
    nothing = find_spots(np.full((3, 3), np.nan), 100.0, SpotRule())
    assert nothing.patches.count == 0


def test_spots_know_their_links() -> None:
    labels = np.zeros((4, 6), dtype=np.int32)
    labels[1, 1:3], labels[3, 5] = 1, 2
    patches = Patches(labels, np.array([2.0, 1.0]))
    swaths = {
        (1, 3): Swath(0, 2, np.ones((2, 2), dtype=bool)),
        (1, 2): Swath(0, 0, np.ones((2, 2), dtype=bool)),
    }
    assert links_of(patches, swaths) == (((1, 2), (1, 3)), ())


def test_spots_are_cut_where_the_ground_changes() -> None:
    labels = np.array([[1, 1, 1, 0, 2]], dtype=np.int32)
    kinds = np.array([[4, 4, 7, 7, 4]], dtype=np.uint8)
    found = cut_by_kind(Patches(labels, np.array([12.0, 4.0])), kinds, 200.0)
    assert found.labels.tolist() == [[1, 1, 2, 0, 3]]
    assert found.spot.tolist() == [1, 1, 2]
    assert found.kind.tolist() == [4, 7, 4]
    assert found.area_ha.tolist() == [8.0, 4.0, 4.0]
    unknown = cut_by_kind(Patches(labels, np.array([3.0, 1.0])), np.zeros_like(kinds), 100.0)
    assert unknown.spot.size == 0


def test_current_is_as_wide_as_its_corridor() -> None:
    """Fifteen cells of a section carry alike: nine tenths of the current need fourteen."""
    ground = np.ones((5, 31))
    sources = np.zeros(ground.shape, dtype=int)
    sources[:, 0], sources[:, 30] = 1, 2
    current = pairwise(ground, sources, CELLS).maps.cumulative
    costs = [cost_distance(ground, sources == number, CELLS).cost for number in (1, 2)]
    position = between_sources(costs[0], costs[1])
    position[sources > 0] = np.nan
    found = current_width(current, position, 3000.0, 100.0)
    assert found is not None
    assert len(found.width_m) == 10
    assert found.width_m[5] == pytest.approx(14 / 15 * 500.0)
    whole = current_width(current, position, 3000.0, 100.0, share=1.0)
    assert whole is not None
    assert whole.width_m[5] == pytest.approx(500.0)


def test_current_is_narrow_in_a_waist() -> None:
    ground = waist()
    sources = one_source(ground.shape, (4, 0), (4, 20))
    current = pairwise(ground, sources, CELLS).maps.cumulative
    costs = [cost_distance(ground, sources == number, CELLS).cost for number in (1, 2)]
    found = current_width(current, between_sources(costs[0], costs[1]), 2000.0, 100.0)
    assert found is not None
    middle = found.width_m[len(found.width_m) // 2]
    assert found.narrowest_m <= middle < found.width_m.max()


def test_nothing_between_the_sources_has_no_width() -> None:
    assert current_width(np.ones((1, 2)), np.full((1, 2), np.nan), 100.0, 100.0) is None


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_position_runs_from_one_source_to_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.uniform(0, 10, (2, 5, 5))
    one[0, 0] = X
    found = between_sources(one, other)
    assert np.isnan(found[0, 0])
    assert ((found[1:] >= 0) & (found[1:] <= 1)).all()


def test_bad_input() -> None:
    ground, sources = np.ones((3, 3)), one_source((3, 3), (0, 0), (2, 2))
    with pytest.raises(InvalidInput, match="corridors has the shape"):
        pinch_points(ground, sources, np.ones((2, 2), dtype=bool), CELLS)
    with pytest.raises(InvalidInput, match="percentile is 120"):
        SpotRule(percentile=120)
