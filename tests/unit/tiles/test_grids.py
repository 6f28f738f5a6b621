import numpy as np
import pytest
from morecantile import tms as registered
from pyproj import CRS, Transformer

from shanhai.errors import NotFound
from shanhai_tiles.grids import (
    CGCS2000_QUAD,
    GAUSS_KRUGER,
    GRIDS,
    WEB_MERCATOR,
    WORLD_CRS84,
    TileGrid,
    TileSpan,
    grid_named,
    grids_over,
)

XIAMEN = (117.9, 24.4, 118.3, 24.7)
DEEPEST = CGCS2000_QUAD.deepest


def test_cgcs2000_quad_is_the_national_grid_one_level_down() -> None:
    document = CGCS2000_QUAD.document().as_json()
    assert document["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    top = document["tileMatrices"][0]
    assert (top["matrixWidth"], top["matrixHeight"]) == (2, 1)
    assert top["pointOfOrigin"] == [90, -180]
    assert top["cellSize"] == 0.703125
    assert top["scaleDenominator"] == pytest.approx(279541132.0143589, rel=1e-12)
    level_18_of_the_national_service = document["tileMatrices"][17]
    assert level_18_of_the_national_service["matrixWidth"] == 262144


@pytest.mark.parametrize("grid", [WEB_MERCATOR, WORLD_CRS84], ids=lambda grid: grid.id)
def test_registered_grids_are_as_registered(grid: TileGrid) -> None:
    official = registered.get(grid.id).model_dump(mode="json", exclude_none=True)
    document = grid.document().as_json()
    assert len(document["tileMatrices"]) == len(official["tileMatrices"])
    for name in ("uri", "crs", "orderedAxes", "wellKnownScaleSet"):
        assert document[name] == official[name]
    for ours, theirs in zip(document["tileMatrices"], official["tileMatrices"], strict=True):
        for name, value in theirs.items():
            assert ours[name] == (value if isinstance(value, str) else pytest.approx(value, 1e-12))


def test_a_gauss_krueger_grid_halves_cells_of_4096_metres_about_its_meridian() -> None:
    document = GAUSS_KRUGER[117].document().as_json()
    assert document["id"] == "CGCS2000GK117"
    assert document["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4548"
    assert "uri" not in document
    top, metre = document["tileMatrices"][0], document["tileMatrices"][12]
    assert top["pointOfOrigin"] == [6_291_456, -24_288], "northing first, as EPSG writes them"
    assert (top["matrixWidth"], top["matrixHeight"], top["cellSize"]) == (1, 6, 4096)
    assert metre["cellSize"] == 1
    assert metre["scaleDenominator"] == pytest.approx(1 / 0.00028)


@pytest.mark.parametrize("meridian", GAUSS_KRUGER)
def test_every_gauss_krueger_grid_names_the_system_of_its_meridian(meridian: int) -> None:
    grid = GAUSS_KRUGER[meridian]
    system = CRS.from_epsg(grid.srid)
    assert system.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E"
    assert system.axis_info[0].direction == "north"
    assert grid.from_lonlat(np.array([float(meridian)]), np.array([0.0]))[0] == pytest.approx(5e5)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_morecantile_finds_the_same_tiles(grid: TileGrid) -> None:
    lon, lat = (grid.area[0] + grid.area[2]) / 2 + 1.3, 30.1
    for zoom in (0, 3, 9):
        tile = grid.tms.tile(lon, lat, zoom)
        box = grid.tms.xy_bounds(tile)
        assert grid.bounds(zoom, tile.x, tile.y) == pytest.approx(tuple(box), rel=1e-12, abs=1e-6)
        assert grid.span(zoom, (lon, lat, lon, lat)) == TileSpan((tile.x, tile.x), (tile.y, tile.y))


def test_bounds_are_x_before_y_whatever_the_axes_of_the_crs() -> None:
    assert CGCS2000_QUAD.bounds(0, 1, 0) == (0, -90, 180, 90)
    assert CGCS2000_QUAD.bounds(1, 3, 0) == (90, 0, 180, 90)
    assert CGCS2000_QUAD.bounds(DEEPEST, 0, 0)[::3] == (-180, 90)
    assert GAUSS_KRUGER[117].bounds(0, 0, 5) == (-24_288, 0, 1_024_288, 1_048_576)


def test_a_box_of_a_bent_grid_holds_its_whole_edge() -> None:
    """A tile astride the meridian reaches furthest north in its middle, not at its corners."""
    grid = GAUSS_KRUGER[117]
    south_row = grid.lonlat_bounds(grid.bounds(0, 0, 3))
    to_degrees = Transformer.from_crs(4548, 4490, always_xy=True)
    assert south_row[3] == pytest.approx(to_degrees.transform(500_000, 3 * 2**20)[1], abs=1e-9)
    assert to_degrees.transform(-24_288, 3 * 2**20)[1] < south_row[3] - 0.1


@pytest.mark.parametrize(
    ("zoom", "column", "row"), [(-1, 0, 0), (0, 2, 0), (0, 0, 1), (0, -1, 0), (DEEPEST + 1, 0, 0)]
)
def test_tiles_outside_the_matrix_are_not_found(zoom: int, column: int, row: int) -> None:
    with pytest.raises(NotFound, match="outside CGCS2000Quad"):
        CGCS2000_QUAD.bounds(zoom, column, row)


def test_mercator_degrees() -> None:
    lon, lat = WEB_MERCATOR.to_lonlat(np.array([13140000.0]), np.array([2810000.0]))
    expected = Transformer.from_crs(3857, 4326, always_xy=True).transform(13140000.0, 2810000.0)
    assert (lon[0], lat[0]) == pytest.approx(expected, abs=1e-9)
    back = WEB_MERCATOR.from_lonlat(lon, lat)
    assert (back[0][0], back[1][0]) == pytest.approx((13140000.0, 2810000.0), abs=1e-6)
    assert WEB_MERCATOR.lonlat_bounds(WEB_MERCATOR.bounds(0, 0, 0)) == pytest.approx(
        (-180, -85.0511, 180, 85.0511), abs=1e-4
    )


def test_levels_of_other_grids_are_as_sharp_as_those_of_web_mercator() -> None:
    assert [grid.level_like(14) for grid in (WEB_MERCATOR, CGCS2000_QUAD)] == [14, 13]
    assert GAUSS_KRUGER[117].level_like(14) == 9, "8 m beside 9.55 m"
    assert GAUSS_KRUGER[117].level_like(3) == 0
    assert CGCS2000_QUAD.level_like(24) == CGCS2000_QUAD.deepest


def test_a_city_is_offered_its_own_zone() -> None:
    assert [grid.id for grid in grids_over(XIAMEN)][3:] == ["CGCS2000GK117"]
    across = [grid.id for grid in grids_over((106.4, 29.2, 107.0, 29.8))][3:]
    assert across == ["CGCS2000GK105", "CGCS2000GK108"]
    assert len(grids_over((-180, -85, 180, 85))) == len(GRIDS)


def test_a_grid_has_no_tiles_where_it_is_not_meant_for() -> None:
    assert GAUSS_KRUGER[75].span(5, XIAMEN) is None
    assert GAUSS_KRUGER[117].span(0, (-180, -85, 180, 85)) == TileSpan((0, 0), (0, 5))


def test_an_unknown_grid_names_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"WebMercatorQuad.*CGCS2000Quad.*CGCS2000GK75"):
        grid_named("EPSG3857")
