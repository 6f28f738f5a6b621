from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.grid import Window
from shanhai_tiles.raster.areas import MOST_VERTICES, box_of, cover, polygons_of
from shanhai_tiles.raster.resampling import RasterFrame

FRAME = RasterFrame("EPSG:4490", (0.001, 0, 118, 0, -0.001, 25), 1000, 700)
SQUARE = [[[118.1, 24.5], [118.2, 24.5], [118.2, 24.6], [118.1, 24.6], [118.1, 24.5]]]


def polygon(rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": rings}


def test_a_geometry_and_a_feature_of_it_are_the_same_area() -> None:
    alone = polygons_of(polygon(SQUARE))
    feature = polygons_of({"type": "Feature", "properties": {}, "geometry": polygon(SQUARE)})
    multi = polygons_of({"type": "MultiPolygon", "coordinates": [SQUARE]})
    assert alone.equals(feature)
    assert alone.equals(multi)
    assert alone.bounds == (118.1, 24.5, 118.2, 24.6)


@pytest.mark.parametrize(
    ("value", "said", "pointer"),
    [
        (None, "must be a GeoJSON geometry", ""),
        (
            {"type": "Point", "coordinates": [118, 24]},
            "the request takes polygon / multipolygon",
            "/type",
        ),
        ({"type": "Feature", "geometry": None}, "must be a GeoJSON geometry", "/geometry"),
        ({"type": "FeatureCollection", "features": []}, "must be one of", "/type"),
        (polygon([[[0, 0], [1, 1]]]), "a ring must have at least four", "/coordinates/0"),
        (polygon([[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]), "Self-intersection", ""),
        (polygon([[[0, 0], [999, 0], [1, 1], [0, 0]]]), "is not a place", "/coordinates"),
    ],
)
def test_what_is_no_area_is_refused_where_it_is_wrong(
    value: object, said: str, pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        polygons_of(value)
    assert said in refusal.value.message
    assert refusal.value.message_zh != refusal.value.message
    assert refusal.value.faults[0].pointer == pointer
    assert "repair" not in refusal.value.message


def test_too_many_vertices_are_refused() -> None:
    angles = np.linspace(0, 2 * np.pi, MOST_VERTICES + 2)
    ring = np.column_stack([118 + 0.1 * np.cos(angles), 24 + 0.1 * np.sin(angles)]).tolist()
    ring[-1] = ring[0]
    with pytest.raises(LimitExceeded, match="at most 50000"):
        polygons_of(polygon([ring]))


@pytest.mark.parametrize(
    "text",
    [
        *("", "1,2,3", "118,24,117,25", "118,24,119,nan", "118,25,119,24"),
        *("118,24,118,25", "118,24,119,24", "-180.1,24,119,25", "118,24,180.1,25"),
        *("118,-90.1,119,25", "118,24,119,90.1"),
    ],
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="west,south,east,north") as refusal:
        box_of(text)
    assert refusal.value.faults[0].pointer == "bbox"


def cells_of(area: BaseGeometry | None) -> np.ndarray:
    """All cells of the frame, true where they belong to the area."""
    found = np.zeros((FRAME.height, FRAME.width), bool)
    for window, inside in cover(FRAME, area).windows():
        assert not found[window.slices].any()
        found[window.slices] = inside
    return found


def test_a_cell_belongs_to_an_area_when_its_centre_does() -> None:
    found = cells_of(box_of("118.0996,24.2995,118.6004,24.9004"))
    rows, columns = np.nonzero(found)
    # Centres at 118.0005 + 0.001 n: from 118.1005 to 118.5995; north of 24.2995 counts no more.
    assert (columns.min(), columns.max()) == (100, 599)
    assert (rows.min(), rows.max()) == (100, 699)
    assert found.sum() == 500 * 600


def test_the_whole_raster_is_an_area_too() -> None:
    assert cells_of(None).all()


def test_an_area_beside_the_raster_has_no_cell() -> None:
    assert not cells_of(box_of("10,10,11,11")).any()


def test_holes_and_parts_are_kept() -> None:
    outer, hole = box_of("118.1,24.4,118.3,24.8"), box_of("118.15,24.5,118.25,24.7")
    other = box_of("118.7,24.6,118.8,24.7")
    found = cells_of(shapely.union_all([outer.difference(hole), other]))
    assert found.sum() == 200 * 400 - 100 * 200 + 100 * 100


def test_an_area_of_the_whole_world_is_cut_to_the_raster() -> None:
    assert cells_of(box_of("-180,-90,180,90")).all()


@pytest.mark.parametrize(
    "box",
    ["118.1,24.5,118.1001,24.6", "118.1,24.5,118.2,24.5001", "118.1,24.5,118.1001,24.5001"],
)
def test_an_area_between_the_centres_of_cells_has_none(box: str) -> None:
    area = box_of(box)
    assert list(cover(FRAME, area).windows()) == []
    assert cover(FRAME, area).window == Window(0, 0, 0, 0)


def test_too_many_cells_are_refused() -> None:
    huge = RasterFrame("EPSG:4490", (0.0001, 0, 110, 0, -0.0001, 30), 20_000, 20_000)
    with pytest.raises(LimitExceeded, match="400000000 cells"):
        cover(huge, None)
    part = cover(huge, box_of("110.5,29.5,110.6,29.6"))
    assert part.window == Window(4000, 5000, 1000, 1000)
