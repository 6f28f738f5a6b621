"""Geometry from outside: what is taken, what is refused and with which words."""

import math
from typing import Any

import pytest
import shapely

from shanhai.db.features.crs import CRS84, parse_crs
from shanhai.db.features.geometry import MOST_VERTICES, InvalidGeometry, read_shape

SQUARE = [[118.0, 24.4], [118.1, 24.4], [118.1, 24.5], [118.0, 24.5], [118.0, 24.4]]
BOW = [[118.0, 24.4], [118.1, 24.5], [118.1, 24.4], [118.0, 24.5], [118.0, 24.4]]


def geometry(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": kind, "coordinates": coordinates}


async def stored(value: Any, kind: str = "geometry-any", crs: str | None = None) -> Any:
    system = CRS84 if crs is None else parse_crs(crs)
    return shapely.from_wkb((await read_shape(value, kind=kind, crs=system)).wkb)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("geometry-multipolygon", geometry("Polygon", [SQUARE]), "MultiPolygon"),
        ("geometry-multilinestring", geometry("LineString", SQUARE), "MultiLineString"),
        ("geometry-point", geometry("MultiPoint", [[118.0, 24.4]]), "Point"),
        ("geometry-any", geometry("MultiPoint", [[118.0, 24.4]]), "MultiPoint"),
    ],
)
async def test_is_turned_into_the_type_demanded(
    kind: str, given: dict[str, Any], expected: str
) -> None:
    assert (await stored(given, kind)).geom_type == expected


@pytest.mark.parametrize(
    ("crs", "position"),
    [
        ("[EPSG:4490]", [24.5, 118.0]),
        ("[EPSG:4326]", [24.5, 118.0]),
        ("[OGC:CRS84]", [118.0, 24.5]),
        ("[EPSG:3857]", [13135699.914, 2814455.0]),
        ("[EPSG:4548]", [2711000.0, 601300.0]),
        ("[EPSG:4527]", [2711000.0, 39601300.0]),
    ],
)
async def test_order_of_axes_is_that_of_the_authority(crs: str, position: list[float]) -> None:
    point = await stored(geometry("Point", position), crs=crs)
    assert (point.x, point.y) == pytest.approx((118.0, 24.5), abs=0.01)
    with pytest.raises(InvalidGeometry, match="swapped"):
        await stored(geometry("Point", position[::-1]), crs=crs)


ACROSS = [[179, -17], [-179, -17], [-179, -16], [179, -16], [179, -17]]
"""A square of two degrees that is drawn through the antimeridian."""


@pytest.mark.parametrize(
    ("value", "pointer", "rule"),
    [
        ([], "/geometry", "GeoJSON geometry"),
        ({}, "/geometry/type", "must be one of"),
        ({"type": ["Point"]}, "/geometry/type", "must be one of"),
        ({"type": "GeometryCollection", "geometries": []}, "/geometry/type", "dimensions"),
        (geometry("CurvePolygon", []), "/geometry/type", "curves"),
        (geometry("Point", None), "/geometry/coordinates", "array"),
        (geometry("Point", []), "/geometry/coordinates", "empty"),
        (geometry("Point", [118]), "/geometry/coordinates", "two finite numbers"),
        (geometry("Point", ["118", "24"]), "/geometry/coordinates", "two finite numbers"),
        (geometry("Point", [True, 24]), "/geometry/coordinates", "two finite numbers"),
        (geometry("Point", [math.inf, 24]), "/geometry/coordinates", "two finite numbers"),
        (geometry("Point", [118, 24, 3]), "/geometry/coordinates", "heights"),
        (geometry("LineString", [[118, 24, 3]]), "/geometry/coordinates/0", "heights"),
        (geometry("LineString", [[118, 24]]), "/geometry/coordinates", "two positions"),
        (geometry("Polygon", [SQUARE[:-1]]), "/geometry/coordinates/0", "end where it begins"),
        (geometry("Polygon", [SQUARE, []]), "/geometry/coordinates/1", "four positions"),
        (geometry("MultiPolygon", [[SQUARE], []]), "/geometry/coordinates/1", "empty"),
        (geometry("Polygon", [BOW]), "/geometry", "Self-intersection at (118.05, 24.45)"),
        (geometry("Point", [24.5, 118]), "/geometry/coordinates", "swapped"),
        (geometry("Point", [38.0, 88.0]), "/geometry/coordinates", "swapped"),
        (geometry("Point", [500, 600]), "/geometry/coordinates", "not a place"),
        (geometry("Point", [118, 91]), "/geometry/coordinates", "latitude within ±90"),
        (geometry("Polygon", [ACROSS]), "/geometry/coordinates", "179 → -179 is 358° of longitude"),
        (geometry("LineString", ACROSS[:2]), "/geometry/coordinates", "cut there"),
    ],
)
async def test_what_is_wrong_is_refused_where_it_is(value: Any, pointer: str, rule: str) -> None:
    with pytest.raises(InvalidGeometry) as caught:
        await read_shape(value, kind="geometry-any")
    fault = caught.value.faults[0]
    assert fault.pointer == pointer
    assert rule in fault.detail
    assert fault.detail_zh is not None
    assert not fault.detail_zh.isascii()


async def test_islands_beside_the_antimeridian_and_the_world_are_taken() -> None:
    east = [[-x, y] for x, y in ACROSS if x > 0]
    west = [[x, y] for x, y in ACROSS if x > 0]
    rings = [[[*ring[:2], [ring[0][0] / 180 * 179.5, -15], ring[0]]] for ring in (east, west)]
    world = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    for value in (geometry("MultiPolygon", rings), geometry("Polygon", [world])):
        assert shapely.is_valid(
            shapely.from_wkb((await read_shape(value, kind="geometry-any")).wkb)
        )


async def test_another_type_than_the_collection_has_is_refused() -> None:
    with pytest.raises(InvalidGeometry, match="takes point"):
        await read_shape(geometry("Polygon", [SQUARE]), kind="geometry-point")


async def test_too_many_vertices_are_refused_before_they_are_built() -> None:
    ring = [SQUARE[0]] * (MOST_VERTICES + 1)
    with pytest.raises(InvalidGeometry, match="at most 500000"):
        await read_shape(geometry("Polygon", [ring]), kind="geometry-any")
    halves = [[ring[: MOST_VERTICES // 2 + 1]]] * 2
    with pytest.raises(InvalidGeometry, match="at most 500000"):
        await read_shape(geometry("MultiPolygon", halves), kind="geometry-any")


async def test_what_crosses_itself_is_told_in_words_for_people_too() -> None:
    with pytest.raises(InvalidGeometry) as refused:
        await read_shape(geometry("Polygon", [BOW]), kind="geometry-polygon")
    [fault] = refused.value.faults
    assert fault.detail.endswith("redraw it there")
    assert str(fault.detail_zh).endswith("请在该处改正")


async def test_a_repair_is_offered_where_it_can_be_asked_for() -> None:
    with pytest.raises(InvalidGeometry) as refused:
        await read_shape(geometry("Polygon", [BOW]), kind="geometry-polygon", repair=False)
    [fault] = refused.value.faults
    assert fault.detail.endswith("redraw it there, or ask to repair it")
    assert str(fault.detail_zh).endswith("请在该处改正，或选择修复无效图形")


async def test_a_repair_says_what_it_did_and_keeps_the_original() -> None:
    shape = await read_shape(geometry("Polygon", [BOW]), kind="geometry-multipolygon", repair=True)
    mended = shapely.from_wkb(shape.wkb)
    assert mended.is_valid
    assert shapely.get_num_geometries(mended) == 2
    assert shape.mended is not None
    assert shape.mended["reason"].startswith("Self-intersection at (118.05, 24.45)")
    assert shape.mended["vertices"] == [5, 8]
    original = shapely.from_wkb(bytes.fromhex(shape.mended["original_wkb"]))
    assert shapely.get_coordinates(original).tolist() == BOW


async def test_nothing_is_repaired_that_is_valid() -> None:
    shape = await read_shape(geometry("Polygon", [SQUARE]), kind="geometry-any", repair=True)
    assert shape.mended is None


async def test_what_cannot_be_repaired_is_refused() -> None:
    flat = geometry("Polygon", [[[118, 24], [118.1, 24], [118, 24], [118, 24]]])
    with pytest.raises(InvalidGeometry, match="did not end well"):
        await read_shape(flat, kind="geometry-any", repair=True)
