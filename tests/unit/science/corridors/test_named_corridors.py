import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

from shanhai.errors import InvalidInput
from shanhai.science.corridors.named_corridors import (
    best_matches,
    centre_line,
    compare_with_named,
)

NAMED = LineString([(0, 0), (4000, 0)])
"""A named corridor of 4 km, from west to east."""


def test_a_parallel_line_follows_half_of_it_at_its_distance() -> None:
    """2 km of the computed one run 300 m beside the named one, and reach 400 m beyond both ends."""
    links = {(1, 2): LineString([(0, 300), (2000, 300)])}
    course = compare_with_named(links, {"a": NAMED}, 500)["a"]
    # √(500² − 300²) = 400 m beyond the end; the circle of the buffer is a polygon.
    assert course.length_m == 4000
    assert course.followed_share == pytest.approx(2400 / 4000, abs=0.001)
    (gap,) = course.gaps
    assert shapely.get_coordinates(gap)[:, 0] == pytest.approx([2400, 4000], abs=2)
    (part,) = course.parts
    assert (part.link, part.share_of_link) == ((1, 2), 1.0)
    assert part.share_of_named == pytest.approx(0.6, abs=0.001)
    # 2 km at 300 m, and 400 m at √(300² + x²): ∫ = (400·500 + 300²·arsinh(4/3))/2.
    beyond = (400 * 500 + 300**2 * np.arcsinh(4 / 3)) / 2
    assert part.mean_distance_m == pytest.approx((2000 * 300 + beyond) / 2400, rel=0.002)


def test_both_ways_are_told_and_what_crosses_is_short() -> None:
    links = {
        (1, 2): LineString([(0, 0), (1000, 0)]),
        (2, 3): LineString([(2000, -5000), (2000, 5000)]),
        (3, 4): LineString([(0, 9000), (4000, 9000)]),
    }
    course = compare_with_named(links, {"a": NAMED}, 100)["a"]
    along, across = course.parts
    assert (along.link, across.link) == ((1, 2), (2, 3))
    assert along.share_of_link == 1
    assert along.share_of_named == pytest.approx(1100 / 4000)
    assert along.mean_distance_m == pytest.approx(100 * 50 / 1100, rel=0.01)
    # The buffer of the named line is 200 m wide where 10 km cross it, and so is theirs.
    assert across.share_of_link == pytest.approx(0.02)
    assert across.share_of_named == pytest.approx(0.05)
    assert [round(one.length) for one in course.gaps] == [800, 1900]
    assert course.followed_share == pytest.approx(1300 / 4000)


def test_each_link_has_the_name_it_follows_most() -> None:
    named = {"a": NAMED, "b": LineString([(3000, 0), (3000, 4000)])}
    links = {(1, 2): LineString([(3000, 400), (3000, 3000)]), (2, 3): LineString([(0, 0), (9, 9)])}
    found = best_matches(compare_with_named(links, named, 500))
    assert {pair: part.name for pair, part in found.items()} == {(1, 2): "b", (2, 3): "a"}
    assert found[1, 2].share_of_link == 1


def test_where_nothing_is_computed_all_is_a_gap() -> None:
    course = compare_with_named({}, {"a": NAMED})["a"]
    assert (course.followed_share, course.parts) == (0, [])
    assert [one.length for one in course.gaps] == [4000]
    assert np.isnan(course.mean_distance_m)


def test_an_area_counts_by_its_centre_line() -> None:
    area = shapely.box(0, -50, 4000, 50)
    line = centre_line(area)
    points = shapely.get_coordinates(line)
    middle = points[(points[:, 0] > 100) & (points[:, 0] < 3900)]
    np.testing.assert_allclose(middle[:, 1], 0, atol=1e-6)
    # From corner to corner at most: 3,900 m and twice 50·√2.
    assert 3900 <= line.length <= 3900 + 100 * 2**0.5 + 1e-6
    course = compare_with_named({(1, 2): NAMED}, {"a": area}, 100)["a"]
    assert course.followed_share == pytest.approx(1)
    assert course.gaps == []


def test_every_polygon_of_an_area_has_its_line() -> None:
    area = shapely.MultiPolygon([shapely.box(0, 0, 100, 1000), shapely.box(500, 0, 600, 2000)])
    assert len(shapely.get_parts(centre_line(area))) == 2


@pytest.mark.parametrize("wide_m", [0.01, 1, 3, 10, 20, 200])
def test_a_leaning_sliver_keeps_all_of_its_length(wide_m: float) -> None:
    """Its corners lie across from no point of the other side, as of a rectangle they do."""
    lean = 2.5 * wide_m
    sliver = shapely.Polygon([(0, 0), (20_000, 0), (20_000 + lean, wide_m), (lean, wide_m)])
    line = centre_line(sliver)
    assert line.length == pytest.approx(20_000, abs=2 * lean + 15)
    assert line.within(sliver.buffer(wide_m))
    course = compare_with_named({}, {"a": sliver}, 100)["a"]
    assert course.length_m == line.length


@pytest.mark.parametrize("wide_m", [1, 5, 20, 50])
def test_a_winding_strip_is_followed_to_its_end(wide_m: float) -> None:
    x = np.arange(0, 20_001, 100)
    course = LineString(np.column_stack([x, 1500 * np.sin(x / 1500)]))
    line = centre_line(course.buffer(wide_m / 2))
    assert line.length == pytest.approx(course.length, rel=0.005)
    assert line.hausdorff_distance(course) < 50


def test_a_neck_thinner_than_the_points_lie_apart_is_passed() -> None:
    west = [(0, 0), (5000, 0), (5000, 2400)]
    east = [(9000, 2490), (9000, 0), (14_000, 0), (14_000, 5000), (9000, 5000), (9000, 2490.2)]
    halls = shapely.Polygon([*west, *east, (5000, 2400.2), (5000, 5000), (0, 5000)])
    line = centre_line(halls)
    west_end, _, east_end, _ = line.bounds
    assert west_end < 2501
    assert east_end > 11_499


@pytest.mark.parametrize("buffer_m", [0.0, -1.0, np.inf, np.nan])
def test_a_buffer_out_of_range_is_named(buffer_m: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare_with_named({}, {}, buffer_m)
    assert refused.value.faults[0].pointer == "/buffer_m"


walks = st.lists(
    st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000)),
    min_size=2,
    max_size=5,
    unique=True,
).map(LineString)


@given(walks, st.lists(walks, max_size=3), st.sampled_from([50.0, 500.0]))
def test_shares_and_gaps_fit_one_another(
    named: LineString, lines: list[LineString], buffer_m: float
) -> None:
    links = {(number, number + 1): line for number, line in enumerate(lines, start=1)}
    course = compare_with_named(links, {"a": named}, buffer_m)["a"]
    lost = sum(one.length for one in course.gaps)
    assert lost == pytest.approx((1 - course.followed_share) * course.length_m, abs=1e-6)
    shares = [one.share_of_named for one in course.parts]
    assert shares == sorted(shares, reverse=True)
    assert max(shares, default=0) <= course.followed_share + 1e-9 <= sum(shares) + 2e-9
    for part in course.parts:
        assert 0 <= part.share_of_link <= 1 + 1e-9
        assert part.mean_distance_m <= buffer_m * (1 + 1e-9)


@given(walks, st.sampled_from([50.0, 500.0]))
def test_what_is_the_same_follows_itself(line: LineString, buffer_m: float) -> None:
    course = compare_with_named({(1, 2): line}, {"a": line}, buffer_m)["a"]
    assert course.followed_share == pytest.approx(1)
    assert course.mean_distance_m == pytest.approx(0, abs=1e-9)
    assert course.parts[0].share_of_link == pytest.approx(1)
