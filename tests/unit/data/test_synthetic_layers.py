import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, box

from shanhai.data.regions import XIAMEN
from shanhai.data.synthetic_layers import (
    RegionCells,
    cell_centres,
    demo_grid,
    inferred_land_cover,
    mapped_land_cover,
    potential_npp,
    spread_population,
    survey_ground,
)
from shanhai.data.vector_layers import PopulatedPlace
from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid

GRID = Grid(epsg=4548, west=600_000.0, north=2_720_000.0, cell_m=100.0, width=40, height=30)
FLAT = np.zeros(GRID.shape)
EVERYWHERE = np.ones(GRID.shape, dtype=np.bool_)


def ground(**changes: np.ndarray) -> RegionCells:
    """Land with a lake in one corner and sea in the last column; two units side by side."""
    longitude, latitude = cell_centres(GRID)
    land = np.ones(GRID.shape, dtype=np.bool_)
    land[:, -1] = False
    water = np.zeros(GRID.shape, dtype=np.bool_)
    water[:5, :5] = True
    unit = np.ones(GRID.shape, dtype=np.uint8)
    unit[:, 20:] = 2
    unit[-1] = 0
    masks = {"land": land, "water": water, "unit": unit} | changes
    return RegionCells(GRID, longitude, latitude, **masks)


def town(row: int, column: int, population: int) -> PopulatedPlace:
    longitude, latitude = cell_centres(GRID)
    return PopulatedPlace(1, "town", longitude[row, column], latitude[row, column], population)


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 5_000_000), second=st.integers(0, 5_000_000))
def test_units_keep_their_totals(first: int, second: int) -> None:
    persons = spread_population(
        ground(),
        [town(10, 10, 50_000)],
        [first, second],
        light=FLAT,
        elevation_m=FLAT,
        settled=EVERYWHERE,
    )
    unit = ground().unit
    assert np.nansum(persons[unit == 1]) == pytest.approx(first, rel=1e-9)
    assert np.nansum(persons[unit == 2]) == pytest.approx(second, rel=1e-9)


def test_nobody_lives_on_water_and_nothing_is_said_of_sea_and_abroad() -> None:
    persons = spread_population(
        ground(),
        [town(10, 10, 9_000)],
        [1_000, 1_000],
        light=FLAT,
        elevation_m=FLAT,
        settled=EVERYWHERE,
    )
    assert (persons[:5, :5] == 0).all()
    assert np.isnan(persons[:, -1]).all()
    assert np.isnan(persons[-1]).all()


def test_people_live_near_the_town_below_and_in_the_light() -> None:
    here = [town(15, 10, 9_000)]
    light, hill = FLAT.copy(), FLAT.copy()
    light[15, 12], hill[15, 8] = 100.0, 400.0
    persons = spread_population(
        ground(), here, [1_000, 1_000], light=light, elevation_m=hill, settled=EVERYWHERE
    )
    assert persons[15, 10] > persons[15, 19]
    assert persons[15, 12] > persons[15, 8]
    assert persons[15, 12] == pytest.approx(2 * persons[15, 8] * np.exp(2.0))


def test_unit_under_water_is_refused() -> None:
    flooded = ground(water=ground().unit == 2)
    with pytest.raises(InvalidInput, match="unit 2"):
        spread_population(
            flooded, [town(3, 9, 1)], [10, 10], light=FLAT, elevation_m=FLAT, settled=EVERYWHERE
        )


def test_people_live_where_it_is_settled_and_everywhere_where_nothing_is() -> None:
    settled = np.zeros(GRID.shape, dtype=np.bool_)
    settled[12:14, 8:11] = True
    settled[:5, :5] = True  # of the lake, where nobody lives all the same
    persons = spread_population(
        ground(), [town(10, 10, 9_000)], [600, 900], light=FLAT, elevation_m=FLAT, settled=settled
    )
    first = ground().unit == 1
    np.testing.assert_array_equal((persons > 0) & first, settled & ground().dry_land & first)
    assert np.nansum(persons[first]) == pytest.approx(600)
    second = (ground().unit == 2) & ground().dry_land
    assert (persons[second] > 0).all()
    assert persons[second].sum() == pytest.approx(900)


def test_built_up_takes_a_hundred_square_metres_each() -> None:
    persons = np.where(ground().land & (ground().unit > 0), 0.0, np.nan)
    persons[20, 10:20] = np.arange(100.0, 200.0, 10.0)
    cover = inferred_land_cover(ground(), persons, green=FLAT, elevation_m=FLAT)
    expected = round(np.nansum(persons) * 100 / GRID.cell_area_m2)
    assert (cover == 8).sum() == min(expected, 10)
    assert cover[20, 19] == 8


def test_inferred_land_cover_knows_sea_lake_forest_and_crops() -> None:
    slope = np.repeat(np.arange(30.0)[:, np.newaxis], 40, axis=1)
    persons = np.where(ground().land, 0.0, np.nan)
    cover = inferred_land_cover(ground(), persons, green=slope, elevation_m=slope)
    assert (cover[:, -1] == 0).all()
    assert (cover[:5, :5] == 7).all()
    assert cover[0, 10] == 1
    assert cover[28, 10] == 2
    own = (ground().unit > 0) & ground().dry_land
    assert (cover[own] == 2).mean() == pytest.approx(0.5, abs=0.03)


SEA, CROPS, FOREST, WATER, BUILT = 0, 1, 2, 7, 8


def classes(code: int) -> np.ndarray:
    return np.full(GRID.shape, code, dtype=np.uint8)


def test_dry_land_has_the_maps_class_and_polygons_decide_of_water() -> None:
    mapped = classes(FOREST)
    mapped[10:17, 10:17] = BUILT
    mapped[20:27, 4:11] = WATER  # far from the sea: a lake the polygons lack
    mapped[:, -1] = BUILT  # land of the map in the sea of the polygons
    cover = mapped_land_cover(ground(), mapped, classes(CROPS), 700.0)
    assert (cover[:, -1] == SEA).all()
    assert (cover[:5, :5] == WATER).all()
    assert (cover[10:17, 10:17] == BUILT).all()
    assert (cover[20:27, 4:11] == WATER).all()
    others = cover[ground().dry_land & (mapped == FOREST)]
    assert (others == FOREST).all()


def test_shore_the_map_has_as_sea_is_land_of_a_class_nearby() -> None:
    mapped = classes(FOREST)
    mapped[:15, 25:34] = BUILT
    mapped[:, 34:] = WATER
    inferred = classes(CROPS)
    inferred[:5, 34:] = FOREST
    cover = mapped_land_cover(ground(), mapped, inferred, 700.0)
    shore = cover[:, 34:-1]
    assert (shore[10:15] == BUILT).all()  # the nearest; crops are inferred, the map has none
    assert (shore[20:] == FOREST).all()
    assert (shore[:5, :1] == BUILT).all()  # forest is inferred, and too far in the map
    assert not (shore == WATER).any()


def test_inferred_class_refines_a_shore_where_the_map_has_it_within_a_cell() -> None:
    mapped = classes(FOREST)
    mapped[:, 32:34] = BUILT
    mapped[:, 34:] = WATER
    inferred = classes(BUILT)
    inferred[10:20, 34:] = FOREST
    cover = mapped_land_cover(ground(), mapped, inferred, 700.0)
    assert (cover[12:18, 34:38] == FOREST).all()
    assert (cover[22:, 34:-1] == BUILT).all()


def test_cells_the_map_says_nothing_of_take_the_nearest_class() -> None:
    mapped = classes(FOREST)
    mapped[15:18, 10:13] = SEA
    cover = mapped_land_cover(ground(), mapped, classes(CROPS), 700.0)
    assert (cover[15:18, 10:13] == FOREST).all()


def test_map_without_land_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no class of land"):
        mapped_land_cover(ground(), classes(WATER), classes(CROPS), 700.0)


def test_npp_is_the_miami_model_on_land_only() -> None:
    months = np.ones((12, *GRID.shape))
    npp = potential_npp(ground(), 20.0 * months, 100.0 * months)
    rain_limit = 3000 * (1 - np.exp(-0.000664 * 1200)) * 0.45
    np.testing.assert_allclose(npp[ground().land], rain_limit)
    assert np.isnan(npp[:, -1]).all()


def test_survey_tells_sea_from_lake_and_gives_cells_to_the_first_unit() -> None:
    longitude, latitude = cell_centres(GRID)
    west, south = float(longitude.min()) - 0.01, float(latitude.min()) - 0.01
    east, north = float(longitude.max()) + 0.01, float(latitude.max()) + 0.01
    middle = (west + east) / 2
    everywhere = MultiPolygon([box(west, south, east, north)])
    left, none = MultiPolygon([box(west, south, middle, north)]), MultiPolygon()
    found = survey_ground(GRID, [left, everywhere], left, none)
    np.testing.assert_array_equal(found.land, longitude < middle)
    np.testing.assert_array_equal(found.unit, np.where(longitude < middle, 1, 2))
    lake = survey_ground(GRID, [everywhere], none, left)
    np.testing.assert_array_equal(lake.water, longitude < middle)
    np.testing.assert_array_equal(lake.land, lake.water)


def test_grid_lies_two_kilometres_around_on_the_lattice() -> None:
    grid = demo_grid(XIAMEN, [MultiPolygon([box(118.0, 24.5, 118.1, 24.6)])])
    assert grid.epsg == 4548
    assert grid.west % 100 == 0
    assert grid.width == pytest.approx((0.1 * 101_260 + 4_000) / 100, abs=3)
    assert grid.height == pytest.approx((0.1 * 110_770 + 4_000) / 100, abs=3)
