import numpy as np
import pytest
import shapely

from shanhai.errors import InvalidInput
from shanhai.science.corridors.corridor_profile import (
    CorridorBand,
    Recommendation,
    Road,
    break_points,
    built_up_stretches,
    course_of,
    covered_share,
    land_along,
    match_names,
    recommended_width,
    saddles,
)
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.corridors.spots import stepping_stones
from shanhai.science.landcover import LandCover

CELLS = square_cells(30.0)
CELL = np.array([30.0, 30.0])
ROW = np.array([[0, col] for col in range(8)])
FOREST, BUILT_UP, CROPLAND = LandCover.FOREST, LandCover.BUILT_UP, LandCover.CROPLAND


def test_the_ends_of_a_path_have_half_a_step() -> None:
    course = course_of(ROW[:3], CELLS)
    assert course.lengths_m.tolist() == [15, 30, 15]
    assert course.share_in(np.array([[True, False, False]])) == 0.25


def test_a_knights_move_lies_in_four_cells() -> None:
    course = course_of(np.array([[0, 0], [1, 2]]), CELLS)
    assert course.cells.tolist() == [[0, 0], [0, 1], [1, 1], [1, 2]]
    assert course.lengths_m == pytest.approx([30 * np.sqrt(5) / 4] * 4)


def test_built_up_stretches_longer_than_the_limit_break() -> None:
    cover = np.array([[2, 8, 8, 8, 2, 8, 8, 8]], dtype=np.uint8)
    course = course_of(ROW, CELLS)
    assert built_up_stretches(course, cover) == ()
    first, last = built_up_stretches(course, cover, longest_m=70.0)
    assert (first.cells[:, 1].tolist(), first.length_m) == ([1, 2, 3], 90.0)
    assert (last.cells[:, 1].tolist(), last.length_m) == ([5, 6, 7], 75.0)


def test_a_saddle_is_the_dearer_cell_at_the_border_of_zones() -> None:
    path, zones = np.arange(8).repeat(2).reshape(8, 2), np.diag([1, 1, 1, 2, 2, 2, 2, 2])
    for cost, place in (([0, 1, 4, 5, 3, 2], 3), ([0, 1, 6, 5, 7, 2], 2), ([1] * 6, 2)):
        assert saddles(path, zones, np.diag([*cost, 1.0, 0.0])).tolist() == [[place, place]]
    assert saddles(path, np.eye(8, dtype=np.int32), np.eye(8)).shape == (0, 2)


def test_land_by_bands() -> None:
    cover = np.full((9, 8), FOREST, dtype=np.uint8)
    cover[4], cover[3], cover[8] = BUILT_UP, 0, CROPLAND
    narrow, wide = land_along(ROW + np.array([4, 0]), cover, CELL, bands_m=(120.0, 30.0))
    assert (narrow.reach_m, wide.reach_m) == (30.0, 120.0)
    assert narrow.shares == {BUILT_UP: 0.5, FOREST: 0.5}
    assert narrow.area_ha == pytest.approx(16 * 0.09)
    assert wide.built_up == 1 / 8
    assert wide.natural == 6 / 8


def test_the_widest_band_that_keeps_to_the_shares_is_recommended() -> None:
    green, mixed, grey = (
        {FOREST: 0.95, BUILT_UP: 0.05},
        {FOREST: 0.6, CROPLAND: 0.3, BUILT_UP: 0.1},
        {FOREST: 0.59, CROPLAND: 0.41},
    )
    bands = [
        CorridorBand(30.0, 1.0, green),
        CorridorBand(60.0, 2.0, mixed),
        CorridorBand(100.0, 3.0, grey),
    ]
    assert recommended_width(bands) == Recommendation(60.0, is_met=True)
    poor = recommended_width(
        [CorridorBand(60.0, 1.0, grey), CorridorBand(30.0, 1.0, {BUILT_UP: 1.0})]
    )
    assert (poor.reach_m, poor.is_met) == (30.0, False)
    assert not recommended_width([CorridorBand(30.0, 0.0, {})]).is_met


def test_bands_without_width_are_refused() -> None:
    for bands in ((), (30.0, 0.0)):
        with pytest.raises(InvalidInput, match="at least one band"):
            land_along(ROW, np.ones((1, 8), dtype=np.uint8), CELL, bands)


def test_share_of_a_swath_in_a_control_line() -> None:
    inside = np.array([True, True, True, True, False])
    assert covered_share(inside, np.array([True, False, False, False, True])) == 0.25
    assert covered_share(np.zeros(5, dtype=bool), inside) == 0.0


LINE = np.array([[0.0, 0.0], [1000.0, 0.0]])


def across(x: float) -> shapely.LineString:
    return shapely.LineString([(x, -50.0), (x, 50.0)])


def test_crossings_nearby_are_one_break_of_the_severest_class() -> None:
    roads = [
        Road(across(100.0), "secondary"),
        Road(across(140.0), "motorway"),
        Road(across(190.0), "primary"),
        Road(across(500.0), "primary"),
        Road(across(600.0), "tertiary"),
        Road(across(700.0), "motorway", on_structure=True),
    ]
    first, second = break_points(LINE, roads)
    assert (first.x, first.y, first.along_m) == (145.0, 0.0, 145.0)
    assert (first.road_class, first.severity, first.crossings) == ("motorway", 3, 3)
    assert (second.x, second.severity, second.crossings) == (500.0, 2, 1)


def test_a_road_along_the_path_breaks_it_in_the_middle() -> None:
    winding = shapely.LineString([(200, 50), (200, 0), (300, 0), (400, 0), (400, 50), (800, -50)])
    stretch, crossing = break_points(LINE, [Road(winding, "primary")])
    assert (stretch.x, crossing.x) == (300.0, 600.0)


def test_no_road_breaks_nothing() -> None:
    assert break_points(LINE, []) == ()
    assert break_points(LINE, [Road(shapely.LineString([(0, 9), (9, 9)]), "rail")]) == ()
    with pytest.raises(InvalidInput, match="merge_m is -1"):
        break_points(LINE, [], merge_m=-1.0)


def test_small_patches_in_a_swath_are_stepping_stones() -> None:
    patches = np.zeros((6, 6), dtype=np.int32)
    patches[0:3, 0:3], patches[5, 5], patches[4, 0:3], patches[0, 5] = 1, 2, 3, 4
    inside = np.zeros((6, 6), dtype=bool)
    inside[:, 2], inside[5, 5] = True, True
    first, last = stepping_stones(patches, inside, cell_ha=0.5)
    assert (first.patch, first.area_ha, first.row, first.col) == (1, 4.5, 1, 1)
    assert (last.patch, last.row, last.col) == (3, 4, 1)
    assert [stone.patch for stone in stepping_stones(patches, inside, 0.5, 0.0)] == [1, 2, 3]
    with pytest.raises(InvalidInput, match="least_ha is -1"):
        stepping_stones(patches, inside, 0.5, -1.0)


def test_named_corridors_are_matched_by_overlap_once() -> None:
    swaths = {
        (1, 2): shapely.box(0, 0, 10, 1),
        (1, 3): shapely.box(0, 0, 6, 1),
        (2, 3): shapely.box(0, 5, 10, 6),
    }
    named = {"东坑湾": shapely.box(0, 0, 10, 1), "九溪": shapely.box(5.1, 5, 20, 6)}
    assert match_names(swaths, named) == {(1, 2): "东坑湾"}
    assert match_names(swaths, named, 0.4) == {(1, 2): "东坑湾", (2, 3): "九溪"}
    assert match_names(swaths, {"空": shapely.Polygon()}) == {}
