import numpy as np
import pytest
import shapely
from shapely import Polygon, box

from shanhai.science.zoning.polygons import is_coverage

LEFT = box(0, 0, 1, 2)
LOWER_RIGHT = box(1, 0, 2, 1)
UPPER_RIGHT = box(1, 1, 2, 2)
LEFT_WITH_CORNER = Polygon([(0, 0), (1, 0), (1, 1), (1, 2), (0, 2)])
ISLAND = box(2, 2, 3, 3)
SEA = box(0, 0, 5, 5)
SEA_AROUND = Polygon(SEA.exterior, [ISLAND.exterior])

CASES = {
    "alone": ([LEFT], True),
    "shared corners": ([LEFT_WITH_CORNER, LOWER_RIGHT, UPPER_RIGHT], True),
    "a border without its neighbour's corner": ([LEFT, LOWER_RIGHT, UPPER_RIGHT], False),
    "touching at a corner": ([box(0, 0, 1, 1), box(1, 1, 2, 2)], True),
    "apart": ([box(0, 0, 1, 1), box(5, 5, 6, 6)], True),
    "with a gap between": ([box(0, 0, 1, 1), Polygon([(1, 0), (2, 0), (2, 1), (1.01, 0.5)])], True),
    "crossing": ([box(0, 0, 2, 2), box(1, 1, 3, 3)], False),
    "twice the same": ([LEFT, LEFT], False),
    "one on another's side of the edge": ([box(0, 0, 2, 1), box(0, 0, 1, 1)], False),
    "an island in its hole": ([SEA_AROUND, ISLAND], True),
    "an island over the sea": ([SEA, ISLAND], False),
    "an island over the sea, corner at the shore": ([SEA, box(0, 0, 1, 1)], False),
    "an islet in an island's hole": ([SEA_AROUND, ISLAND, box(2.4, 2.4, 2.6, 2.6)], False),
    "invalid": ([Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], False),
}


@pytest.mark.parametrize(("polygons", "expected"), CASES.values(), ids=CASES.keys())
def test_cases_and_agreement_with_geos(polygons: list[Polygon], expected: bool) -> None:
    found = np.asarray(polygons, dtype=object)
    assert is_coverage(found) is expected
    geos = bool(shapely.is_valid(found).all() and shapely.coverage_is_valid(found))
    assert geos is expected


def test_random_mosaics_of_classes_are_coverages() -> None:
    """Their seas touch themselves and each other at corners in every way there is."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        classes = rng.integers(0, 3, (12, 12))
        cells = [
            [box(col, row, col + 1, row + 1) for row, col in np.argwhere(classes == code)]
            for code in (1, 2)
        ]
        zones = shapely.get_parts([shapely.coverage_union_all(one) for one in cells])
        mosaic = shapely.segmentize(zones, 1.000001)
        assert is_coverage(mosaic)
        assert shapely.coverage_is_valid(mosaic)


def test_rings_may_turn_either_way() -> None:
    assert is_coverage(np.array([SEA_AROUND.reverse(), ISLAND], dtype=object))


@pytest.mark.parametrize("corner", range(4))
def test_one_corner_moved_a_millimetre_outwards_breaks_a_coverage(corner: int) -> None:
    squares = [
        box(5e5 + 100 * x, 27e5 + 100 * y, 5e5 + 100 * (x + 1), 27e5 + 100 * (y + 1))
        for x in range(3)
        for y in range(3)
    ]
    cells = np.asarray(squares, dtype=object)
    assert is_coverage(cells)
    corners = shapely.get_coordinates(cells[4])[:-1]
    corners[corner] -= 1e-3 * np.sign(corners.mean(axis=0) - corners[corner])
    cells[4] = Polygon(corners)
    assert not is_coverage(cells)
    assert not shapely.coverage_is_valid(cells)


@pytest.mark.parametrize(("polygons", "expected"), CASES.values(), ids=CASES.keys())
def test_strips_of_a_few_edges_tell_the_same(
    polygons: list[Polygon], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.science.zoning.polygons._STRIP_EDGES", 2)
    assert is_coverage(np.asarray(polygons, dtype=object)) is expected
