"""Simpler shapes: how far they may lie from the exact ones, and what neighbours keep in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import shapely

from shanhai.db.tiles.simplification import simpler_shapes
from shanhai.db.tiles.simplified_shapes import BANDS, LABEL, PIXEL_DEGREES, ZoomBand, band_of
from tests.support.coverage import CELL_DEGREES, POINTS, crooked_coverage


def shapes_of(geometries: Sequence[shapely.Geometry], cover: object) -> dict[tuple[int, int], Any]:
    """Shapes by object and band."""
    made = simpler_shapes(
        list(range(len(geometries))), np.array(geometries, dtype=object), [cover] * len(geometries)
    )
    return {(one.id, one.band): shapely.from_wkb(one.wkb) for one in made}


@pytest.mark.parametrize(
    ("zoom", "deepest"), [(0, 4), (4, 4), (5, 6), (8, 8), (9, 10), (12, 12), (13, None)]
)
def test_a_zoom_has_the_simplest_shapes_fine_enough_for_it(zoom: int, deepest: int | None) -> None:
    band = band_of(PIXEL_DEGREES / 2**zoom)
    assert (band and band.deepest) == deepest


@pytest.mark.parametrize("cover", [None, "level"])
@pytest.mark.parametrize("band", BANDS, ids=lambda band: band.deepest)
def test_no_shape_is_half_a_pixel_off(band: ZoomBand, cover: str | None) -> None:
    exact = crooked_coverage(3)
    simpler = shapes_of(exact, cover)
    for number, geometry in enumerate(exact):
        off = shapely.hausdorff_distance(geometry, simpler[number, band.deepest], densify=0.2)
        assert off < band.pixel / 2


@pytest.mark.parametrize("band", BANDS, ids=lambda band: band.deepest)
def test_neighbours_keep_their_borders_in_common(band: ZoomBand) -> None:
    exact = crooked_coverage(4)
    assert shapely.coverage_is_valid(exact)
    simpler = shapes_of(exact, "level")
    kept = [simpler[number, band.deepest] for number in range(len(exact))]
    assert shapely.coverage_is_valid(kept)
    corners, before = (sum(map(shapely.get_num_coordinates, one)) for one in (kept, exact))
    assert corners < before or band.pixel < CELL_DEGREES / POINTS


def test_what_is_made_of_some_is_what_is_made_of_all() -> None:
    """Those around hold the borders of those in the middle in place."""
    exact = crooked_coverage(5)
    whole = shapes_of(exact, "level")
    part = [number for number in range(25) if number // 5 < 4]
    few = shapes_of([exact[number] for number in part], "level")
    for place, number in enumerate(part):
        if number // 5 < 3:
            for band in BANDS:
                assert few[place, band.deepest] == whole[number, band.deepest]


def test_what_is_smaller_than_a_pixel_is_left_out() -> None:
    small = shapely.box(118, 24, 118 + BANDS[2].pixel * 0.8, 24 + BANDS[2].pixel * 0.3)
    found = shapes_of([small], None)
    assert {band for _, band in found} == {10, 12, LABEL}


def test_parts_smaller_than_a_pixel_are_left_out_of_larger_ones() -> None:
    island = shapely.box(120, 24, 120.0001, 24.0001)
    both = shapely.MultiPolygon([shapely.box(118, 24, 119, 25), island])
    found = shapes_of([both], None)
    assert len(found[0, 12].geoms) == 1
    assert found[0, 12].bounds == (118, 24, 119, 25)


def test_points_are_never_too_small_and_lines_are_made_simpler() -> None:
    line = shapely.LineString([(118, 24), (118.5, 24.00001), (119, 24)])
    found = shapes_of([shapely.Point(118, 24), line], "kind")
    assert found[0, 4] == shapely.Point(118, 24)
    assert shapely.get_num_coordinates(found[1, 4]) == 2


def test_names_are_put_inside() -> None:
    ring = shapely.box(118, 24, 119, 25).difference(shapely.box(118.1, 24.1, 118.9, 24.9))
    assert ring.contains(shapes_of([ring], None)[0, LABEL])
