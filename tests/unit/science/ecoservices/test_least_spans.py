"""What is normalised has a least span, and below it counts as constant."""

import numpy as np
import pytest

from shanhai.science.ecoservices.assessment import assess
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import quantities_of
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.least_spans import LEAST_SPANS, SPAN_BY_UNIT, least_span
from shanhai.science.normalisation import LIMIT_PROBABILITIES

METHODS = [method for one in ECOSERVICES for method in one.methods]
NORMALISED = {
    statistic.of
    for quantity in (*SHARED, *(one for method in METHODS for one in quantities_of(method)))
    for statistic in quantity.statistics
    if statistic.probability in LIMIT_PROBABILITIES
}
SIDE = 12


def area(**layers: np.ndarray) -> dict[str, np.ndarray]:
    """A lit town in hills, layers as the index profile reads them; NPP and rain rise eastwards."""
    rows, cols = np.mgrid[:SIDE, :SIDE].astype(float)
    return {
        "npp": 300 + 50 * cols,
        "rainfall": 1000 + 40 * cols,
        "temperature": 15 + 0.3 * rows,
        "latitude": np.full((SIDE, SIDE), 26.0),
        "dem": 30 * rows + 7 * cols,
        "ndvi": 0.2 + 0.05 * rows,
        "night_lights": 40 * np.exp(-np.hypot(rows, cols)),
        **dict.fromkeys(("sand", "silt", "clay"), np.full((SIDE, SIDE), 33.0)),
        "organic_carbon": np.full((SIDE, SIDE), 1.5),
        **layers,
    }


def test_all_that_is_normalised_has_a_least_span() -> None:
    assert NORMALISED | {"ndvi"} == set(LEAST_SPANS)
    assert {method.unit for method in METHODS} == set(SPAN_BY_UNIT)


@pytest.mark.parametrize("span", [*LEAST_SPANS.values(), *SPAN_BY_UNIT.values()])
def test_a_least_span_says_why(span: object) -> None:
    assert getattr(span, "absolute") > 0  # noqa: B009 - one table of many
    assert getattr(span, "reason")  # noqa: B009


def test_the_span_of_supply_and_demand_follows_from_their_unit() -> None:
    assert least_span("supply.cooling", "Cel") is SPAN_BY_UNIT["Cel"]
    assert least_span("demand.recreation", "1") is SPAN_BY_UNIT["1"]
    assert least_span("npp", "gC/m2/yr") is LEAST_SPANS["npp"]
    assert least_span("vegetation_cover", "1") is None


def test_a_third_of_a_gram_of_productivity_is_none() -> None:
    wide = assess(area(), 100.0).layers
    narrow = assess(area(npp=np.linspace(500.05, 500.42, SIDE**2).reshape(SIDE, SIDE)), 100.0)
    assert np.nanmax(wide["supply.carbon_sink"]) == 1
    assert np.nanmax(narrow.layers["supply.carbon_sink"]) == 0
    # Slopes are unknown at the rim, all else is known.
    assert np.isfinite(narrow.layers["ratio"][1:-1, 1:-1]).all()


def test_a_hair_of_latitude_does_not_tell_places_apart() -> None:
    """Evaporation by Thornthwaite differs by less than a millimetre over a tenth of a degree."""
    flat = {
        name: np.full((SIDE, SIDE), value)
        for name, value in (("npp", 500.0), ("rainfall", 1200.0), ("temperature", 18.0))
    } | {name: np.full((SIDE, SIDE), value) for name, value in (("dem", 50.0), ("ndvi", 0.6))}
    lights = {"night_lights": np.full((SIDE, SIDE), 3.0)}
    latitude = np.repeat(np.linspace(26.0, 26.1, SIDE), SIDE).reshape(SIDE, SIDE)
    found = assess(area(**flat, **lights, latitude=latitude), 100.0).layers
    assert np.ptp(found["ratio"][1:-1, 1:-1]) == 0


def test_one_vegetation_everywhere_covers_what_the_fixed_limits_say() -> None:
    """(0.6 − 0.05)/(0.9 − 0.05) = 0.647; bare soil would be a lie."""
    cover = next(one.function for one in SHARED if one.name == "vegetation_cover")
    ndvi = np.array([0.6, 0.64, np.nan])
    found = cover(ndvi=ndvi, soil=0.6, vegetation=0.64, cover_limits="quantiles")
    np.testing.assert_allclose(found, [0.55 / 0.85, 0.59 / 0.85, np.nan])
    wide = cover(ndvi=ndvi, soil=0.5, vegetation=0.7, cover_limits="quantiles")
    np.testing.assert_allclose(wide, [0.5, 0.7, np.nan])


def test_an_index_that_hardly_varies_has_one_rank() -> None:
    """Carbon supply is N(NPP): ranked in the wide case, one half everywhere in the narrow one."""
    npp = np.linspace(500.05, 500.42, SIDE**2).reshape(SIDE, SIDE)
    ratio = assess(area(npp=npp), 100.0).layers["ratio.carbon_sink"]
    # A half less ranks of 0.005 and more: the highest demand has the rank 0.9975 or 1.
    assert -0.5 <= np.nanmin(ratio) < -0.49
    assert 0.45 < np.nanmax(ratio) <= 0.5
