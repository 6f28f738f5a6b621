import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from shanhai.errors import InvalidInput
from shanhai.science.climate import erosivity_annual, erosivity_monthly
from shanhai.science.ecoservices.soil_retention import (
    METHODS,
    PRACTICE,
    actual_erosion,
    avoided_erosion,
    c_factor,
    erosion_demand,
    intensity,
    k_factor,
    l_factor,
    potential_erosion,
    r_factor,
    s_factor,
)
from shanhai.science.hydrology.routing import contributing_area
from shanhai.science.landcover import LandCover
from shanhai.science.rusle import cover_cai, cover_table, cover_van_der_knijff
from shanhai.science.terrain import aspect_length, slope_degrees

FOREST = np.array([LandCover.FOREST], dtype=np.uint8)


def one(value: float) -> np.ndarray:
    return np.array([value])


def potential(codes: list[int], r: float = 7000) -> np.ndarray:
    cells = np.ones(len(codes))
    return potential_erosion(
        r_factor=r * cells,
        k_factor=0.0130 * cells,
        l_factor=2 * cells,
        s_factor=3 * cells,
        land_cover=np.array(codes, dtype=np.uint8),
    )


def actual(erosion: np.ndarray, c: float, code: int, practice: float | None = None) -> np.ndarray:
    table = PRACTICE.values if practice is None else {LandCover(code): practice}
    return actual_erosion(
        potential_erosion=erosion,
        c_factor=np.full(erosion.shape, c),
        land_cover=np.full(erosion.shape, code, dtype=np.uint8),
        support_practice=table,
    )


def test_worked_example() -> None:
    rkls = potential([LandCover.FOREST])
    usle = actual(rkls, 0.05, LandCover.FOREST)
    assert rkls[0] == pytest.approx(546)
    assert usle[0] == pytest.approx(27.3)
    supply = avoided_erosion(potential_erosion=rkls, actual_erosion=usle)
    assert supply[0] == pytest.approx(518.7)
    tolerated = erosion_demand(demand_form="tolerance", tolerance=5, potential_erosion=rkls)
    assert tolerated[0] == pytest.approx(541)
    assert (supply - tolerated)[0] == pytest.approx(-22.3)
    as_it_is = erosion_demand(demand_form="actual", tolerance=5, actual_erosion=usle)
    assert_array_equal(as_it_is, usle)


def test_water_and_built_up_land_keep_nothing_and_need_nothing() -> None:
    rkls = potential([LandCover.WATER, LandCover.BUILT_UP])
    assert_array_equal(rkls, [0, 0])
    usle = actual(rkls, 0.5, LandCover.WATER)
    assert_array_equal(avoided_erosion(potential_erosion=rkls, actual_erosion=usle), [0, 0])
    demand = erosion_demand(demand_form="tolerance", tolerance=5, potential_erosion=rkls)
    assert_array_equal(demand, [0, 0])


def test_flat_ground_hardly_erodes_however_much_drains_over_it() -> None:
    dem = np.full((9, 9), 12.0)
    slope = slope_degrees(dem, 30)
    steepness = s_factor(slope=slope, theta_cap=45)[1:-1, 1:-1]
    length = l_factor(
        slope=slope,
        aspect_length=aspect_length(dem, 30),
        contributing_area=contributing_area(dem=dem, cell_m=30),
        slope_length_cap=122,
        cell_m=30,
    )[1:-1, 1:-1]
    assert_array_equal(steepness, np.full((7, 7), 0.03))
    assert ((length > 1) & (length < 2)).all()


def test_nodata_stays_on_water_too() -> None:
    assert np.isnan(potential([0])).all()
    assert np.isnan(potential([LandCover.WATER], r=np.nan)).all()


def test_crops_are_farmed_along_the_contour() -> None:
    assert actual(one(100.0), 0.5, LandCover.CROPLAND)[0] == pytest.approx(17.5)


@given(p=st.floats(0, 1), q=st.floats(0, 1), c=st.floats(0, 1), rkls=st.floats(0, 5000))
def test_practice_and_cover_only_lessen_erosion(p: float, q: float, c: float, rkls: float) -> None:
    less, more = sorted((p, q))
    low = actual(one(rkls), c, LandCover.CROPLAND, less)[0]
    high = actual(one(rkls), c, LandCover.CROPLAND, more)[0]
    assert 0 <= low <= high <= rkls
    assert actual(one(rkls), c / 2, LandCover.CROPLAND, more)[0] <= high


def test_erosivity_comes_from_the_way_that_is_chosen() -> None:
    months = np.arange(12.0, 36.0).reshape(12, 2)
    year, measured = months.sum(axis=0), np.array([1.0, 2.0])
    layers = {"rainfall_monthly": months, "rainfall": year, "rain_erosivity": measured}
    assert_array_equal(r_factor(erosivity_from="monthly", **layers), erosivity_monthly(months))
    assert_array_equal(r_factor(erosivity_from="annual", **layers), erosivity_annual(year))
    assert_array_equal(r_factor(erosivity_from="given", **layers), measured)


def test_erodibility_comes_from_the_way_that_is_chosen() -> None:
    texture = {
        "sand": one(45.0),
        "silt": one(30.0),
        "clay": one(25.0),
        "organic_carbon": one(1.2),
    }
    assert_allclose(k_factor(erodibility_from="texture", **texture), 0.0147178, rtol=3e-6)
    measured = k_factor(erodibility_from="measured", soil_erodibility=one(0.02))
    assert_array_equal(measured, [0.02])


def test_cover_comes_from_the_way_that_is_chosen() -> None:
    layers = {"vegetation_cover": one(0.4), "ndvi": one(0.5), "land_cover": FOREST}
    assert_array_equal(c_factor(cover_factor="cai", **layers), cover_cai(one(0.4)))
    by_ndvi = c_factor(cover_factor="van_der_knijff", **layers)
    assert_array_equal(by_ndvi, cover_van_der_knijff(one(0.5)))
    by_class = c_factor(cover_factor="table", **layers)
    assert_array_equal(by_class, cover_table(one(0.4), FOREST))


def test_a_missing_layer_is_named() -> None:
    with pytest.raises(InvalidInput, match="ndvi"):
        c_factor(cover_factor="van_der_knijff")


def test_intensity_follows_the_tolerance() -> None:
    assert intensity(actual_erosion=one(8.0), tolerance=5)[0] == 2
    assert intensity(actual_erosion=one(8.0), tolerance=10)[0] == 1


def test_every_way_names_what_it_needs() -> None:
    for method in METHODS:
        for quantity in (*method.through, *method.extra, method.supply, method.demand):
            for option in quantity.options:
                assert option.default in option.choices
                assert set(option.needs) <= set(option.choices)


def test_both_methods_compare_like_with_like() -> None:
    assert {method.id: method.unit for method in METHODS} == {"rusle": "t/ha/yr", "index": "1"}
