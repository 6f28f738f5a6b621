"""Cutting a geometry along areas: sizes, what counts once, what only touches."""

import numpy as np
import pytest
import shapely
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from shanhai.db.compliance.intersections import (
    ELLIPSOID,
    CandidateArea,
    Given,
    Intersection,
    areas_of,
    clip,
    cut,
    drawing_of,
    lengths_of,
    longest_segment,
    shared,
)
from shanhai.db.compliance.result import GeodesicSize


def cut_along(
    geometry: BaseGeometry, *areas: BaseGeometry, group: str = "line"
) -> list[Intersection]:
    return cut(Given(geometry.wkb), [CandidateArea(area.wkb, group) for area in areas])


def area_of(geometry: BaseGeometry) -> float:
    """By Karney's method alone."""
    return abs(float(ELLIPSOID.geometry_area_perimeter(shapely.orient_polygons(geometry))[0]))


def round_shape(x: float, y: float, radius: float, vertices: int = 2_000) -> BaseGeometry:
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    ring = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=-1)
    return shapely.Polygon(ring)


class TestSizes:
    def test_holes_are_missing_and_parts_add_up(self) -> None:
        outer, hole = shapely.box(118, 24, 118.04, 24.04), shapely.box(118.01, 24.01, 118.02, 24.02)
        ring = shapely.difference(outer, hole)
        far = shapely.box(119, 24, 119.3, 24.3)
        mixed = shapely.GeometryCollection([ring, shapely.LineString([(0, 0), (1, 1)]), far])
        areas = areas_of(np.array([outer, hole, ring, far, mixed, shapely.Point(1, 1)]))
        assert areas[2] == pytest.approx(areas[0] - areas[1], rel=1e-12)
        assert areas[3] == pytest.approx(area_of(far), rel=1e-12)
        assert areas[4] == pytest.approx(areas[2] + areas[3], rel=1e-12)
        assert areas[5] == 0

    def test_lines_are_measured_piece_by_piece(self) -> None:
        one = shapely.LineString([(118, 24), (118, 25), (119, 25)])
        two = shapely.MultiLineString([one, [(118, 24), (118, 24.5)]])
        lengths = lengths_of(np.array([one, two, shapely.box(0, 0, 1, 1)]))
        assert lengths[0] == pytest.approx(ELLIPSOID.geometry_length(one), rel=1e-12)
        assert lengths[1] == pytest.approx(ELLIPSOID.geometry_length(two), rel=1e-12)
        assert lengths[2] == 0

    def test_nothing_has_no_size(self) -> None:
        none = np.array([], dtype=object)
        assert areas_of(none).shape == lengths_of(none).shape == (0,)


class TestDrawing:
    def test_what_is_too_small_to_be_seen_is_left_out(self) -> None:
        site = Given(shapely.box(118, 24, 118.02, 24.02).wkb)
        part = shapely.Polygon([(118, 24), (118.005, 24.000_004), (118.01, 24), (118.01, 24.01)])
        assert drawing_of(site, [part]) == {
            "type": "Polygon",
            "coordinates": [[[118, 24], [118.01, 24], [118.01, 24.01], [118, 24]]],
        }

    def test_parts_are_one_shape_and_points_stay(self) -> None:
        site = Given(shapely.box(118, 24, 118.02, 24.02).wkb)
        halves = [shapely.box(118, 24, 118.01, 24.02), shapely.box(118.01, 24, 118.02, 24.02)]
        whole = shapely.geometry.shape(drawing_of(site, halves))
        assert whole.equals(shapely.box(118, 24, 118.02, 24.02))
        point = shapely.Point(118, 24)
        assert drawing_of(Given(point.wkb), [point]) == {"type": "Point", "coordinates": [118, 24]}


class TestCutting:
    def test_half_is_half_and_what_touches_is_none(self) -> None:
        site = shapely.box(118.0, 24.0, 118.02, 24.02)
        half, beside = shapely.box(118.01, 24, 118.03, 24.02), shapely.box(118.02, 24, 118.03, 24.1)
        (found,) = cut_along(site, half, beside)
        assert (found.place, found.size) == (0, 2)
        assert found.measure.area_m2 == pytest.approx(area_of(site) / 2, rel=1e-6)
        assert found.together == found.measure

    def test_kept_size_is_taken_for_what_is_whole_only(self) -> None:
        site = shapely.box(118.0, 24.0, 118.02, 24.02)
        inside, across = shapely.box(118.0, 24, 118.01, 24.01), shapely.box(118.01, 24, 118.1, 24.1)
        candidates = [CandidateArea(shape.wkb, "line", 123.0) for shape in (inside, across)]
        whole, part = cut(Given(site.wkb), candidates)
        assert whole.measure == GeodesicSize(area_m2=123.0)
        assert part.measure.area_m2 == pytest.approx(area_of(site) / 2, rel=1e-6)

    def test_one_area_around_holds_all_of_it(self) -> None:
        site = round_shape(118.0, 24.0, 0.01)
        found = cut_along(site, site.buffer(0.01), shapely.box(118.0, 24.0, 118.1, 24.1))
        assert found[0].measure == found[1].together == Given(site.wkb).measure

    @pytest.mark.parametrize("vertices", [40, 4_000])
    def test_overlaps_count_once(self, vertices: int) -> None:
        """Few vertices are cut first, many are cut last."""
        site = round_shape(118.0, 24.0, 0.03, vertices)
        areas = [round_shape(118 + dx, 24.02, 0.03, 400) for dx in (-0.02, 0.0, 0.015, 0.08)]
        found = cut_along(site, *areas)
        assert [one.place for one in found] == [0, 1, 2]
        expected = area_of(shapely.union_all(shapely.intersection(areas, site)))
        assert found[0].together.area_m2 == pytest.approx(expected, rel=1e-9)
        assert sum(one.measure.area_m2 or 0 for one in found) > expected * 1.5

    def test_line_through_areas_that_overlap_counts_once(self) -> None:
        path = shapely.LineString([(118.0, 24.0001), (118.1, 24.0537)])
        areas = [round_shape(118 + dx, 24.025, 0.03, 500) for dx in (0.02, 0.04, 0.06)]
        found = cut_along(path, *areas)
        covered = shapely.intersection(shapely.union_all(areas), path)
        assert found[0].together.length_m == pytest.approx(
            ELLIPSOID.geometry_length(covered), rel=1e-9
        )
        rest = ELLIPSOID.geometry_length(shapely.difference(path, shapely.union_all(areas)))
        assert found[0].together.length_m == pytest.approx(
            ELLIPSOID.geometry_length(path) - rest, rel=1e-6
        )

    def test_dimensions_of_a_group_are_told_apart(self) -> None:
        site = shapely.box(118.0, 24.0, 118.02, 24.02)
        shore = shapely.LineString([(118.01, 23.9), (118.01, 24.1)])
        found = cut_along(site, shore, shapely.box(118.0, 24.0, 118.01, 24.01))
        assert [(one.place, one.size) for one in found] == [(1, 2), (0, 1)]
        assert found[1].together.area_m2 is None

    def test_point_lies_inside_or_not(self) -> None:
        areas = [shapely.box(118, 24, 119, 25), shapely.box(119, 24, 120, 25)]
        (found,) = cut_along(shapely.Point(118.5, 24.5), *areas)
        assert (found.place, found.size, found.measure) == (0, 0, GeodesicSize())

    def test_groups_are_apart(self) -> None:
        site = shapely.box(118.0, 24.0, 118.02, 24.02)
        one, other = site.buffer(1), shapely.box(118.01, 24, 118.03, 24.02)
        candidates = [CandidateArea(one.wkb, "a"), CandidateArea(other.wkb, "b")]
        first, second = cut(Given(site.wkb), candidates)
        assert first.together.area_m2 == pytest.approx(2 * second.together.area_m2, rel=1e-6)  # type: ignore[operator]  # both are measured

    @hypothesis_given(
        places=st.lists(
            st.tuples(st.floats(-0.04, 0.04), st.floats(-0.04, 0.04), st.floats(0.002, 0.05)),
            min_size=1,
            max_size=8,
        )
    )
    def test_together_is_between_the_largest_and_the_sum(
        self, places: list[tuple[float, float, float]]
    ) -> None:
        site = round_shape(118.0, 24.0, 0.03, 300)
        areas = [round_shape(118 + x, 24 + y, radius, 40) for x, y, radius in places]
        found = cut_along(site, *areas)
        sizes = [one.measure.area_m2 or 0 for one in found]
        for one in found:
            together = one.together.area_m2 or 0
            assert max(sizes) * (1 - 1e-9) <= together <= sum(sizes) * (1 + 1e-9)
            assert together <= (Given(site.wkb).measure.area_m2 or 0) * (1 + 1e-9)


def crinkled(seed: int, vertices: int) -> BaseGeometry:
    """An area with a hole, parts, and a border of short and long segments."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    radius = 10 ** rng.uniform(-3, -1) * (1 - rng.uniform(0, 0.9) * rng.uniform(0, 1, vertices))
    x, y = rng.uniform((117.98, 23.98), (118.02, 24.02))
    places = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=-1)
    area = shapely.make_valid(shapely.Polygon(np.round(places, 7)))
    hole = round_shape(x, y, float(radius.max()) / 3, 40)
    beside = shapely.box(x + 0.03, y, x + 0.05, y + 0.01)
    united: BaseGeometry = shapely.union(shapely.difference(area, hole), beside)
    return united


class TestClipping:
    @pytest.mark.parametrize("seed", range(40))
    def test_shapes_of_many_vertices_share_to_the_last_digit_what_they_would_whole(
        self, seed: int
    ) -> None:
        one, other = crinkled(2 * seed, 60 * (1 + seed)), crinkled(2 * seed + 1, 3_000)
        whole = shapely.normalize(shapely.intersection(one, other))
        assert shapely.normalize(shared(one, Given(other.wkb))).equals_exact(whole, 0)

    def test_what_lies_elsewhere_is_left_out(self) -> None:
        wide, small = round_shape(118, 24, 0.03, 10_000), round_shape(118.03, 24, 0.001, 64)
        near = clip(wide, small, longest_segment(wide))
        assert shapely.get_num_coordinates(near) < 500
        assert shapely.intersection(near, small).equals_exact(shapely.intersection(wide, small), 0)

    def test_a_long_segment_is_kept_whole(self) -> None:
        corners = [(118, 24), (118.3, 24.1), (118.3, 24), (118.2, 23.9)]
        long, small = shapely.Polygon(corners), round_shape(118.17, 24.03, 0.01, 600)
        assert clip(long, small, longest_segment(long)).equals_exact(long, 0)

    def test_lines_and_points_are_no_areas(self) -> None:
        line = shapely.LineString([(118, 24), (119, 24)])
        assert clip(line, shapely.box(118.1, 23, 118.2, 25), 0.0) is line
        assert longest_segment(line) == 0
