import math
from typing import Any

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.recreation import accessibility, nature_area, potential
from shanhai.science.landcover import LandCover


def a(*values: float) -> np.ndarray:
    return np.array(values)


def test_potential_adds_up_what_a_place_offers() -> None:
    given: dict[str, Any] = {
        "naturalness": a(1, 0.3),
        "water_distance_m": a(0, 500),
        "relief_n": a(1, 0.5),
    }
    np.testing.assert_allclose(potential(**given), [0.85, 0.15 + 0.2 / math.e + 0.075])
    np.testing.assert_allclose(potential(protected=a(1, 0), **given)[0], 1.0)


def test_an_open_shore_counts_as_protected() -> None:
    given: dict[str, Any] = {
        "naturalness": a(0, 0, 0),
        "relief_n": a(0, 0, 0),
        "water_decay_m": 1e-3,
    }
    distance = a(30, 200, 230)
    found = potential(water_distance_m=distance, shore_m=200.0, **given)
    np.testing.assert_allclose(found, [0.15, 0.15, 0], atol=1e-12)
    found = potential(water_distance_m=distance, shore_m=200.0, protected=a(0, 0, 1), **given)
    np.testing.assert_allclose(found, [0.15, 0.15, 0.15], atol=1e-12)


def test_access_by_distance_and_by_time() -> None:
    np.testing.assert_allclose(
        accessibility(access_distance_m=a(0, 2000, np.inf, np.nan)), [1, np.exp(-1), 0, np.nan]
    )
    found = accessibility(access_by="travel_time", travel_time_min=a(0, 30, np.inf, np.nan))
    np.testing.assert_allclose(found, [1, np.exp(-1), 0, 0])
    found = accessibility(access_by="least_cost", travel_minutes=a(60, np.inf))
    np.testing.assert_allclose(found, [np.exp(-2), 0])


def test_access_needs_its_layer() -> None:
    with pytest.raises(InvalidInput, match="travel_time"):
        accessibility(access_by="travel_time", access_distance_m=a(0))


def test_green_space_is_the_share_of_the_class() -> None:
    cover = np.array([LandCover.FOREST, LandCover.WATER, 0], dtype=np.uint8)
    table = {LandCover.FOREST: 0.8, LandCover.WATER: 0.0}
    found = nature_area(land_cover=cover, nature=table, cell_m=30.0)
    np.testing.assert_allclose(found, [720, 0, np.nan])
