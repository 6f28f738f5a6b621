from typing import Any

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.biodiversity import (
    DEGRADATION,
    DEMAND_BY,
    THREATS,
    demand,
    habitat_degradation,
    index_supply,
    land_development,
    threat,
)
from shanhai.science.ecoservices.stormwater_regulation import built_up_nearby
from shanhai.science.landcover import LandCover

NUMBERS: dict[str, Any] = {one.name: one.default for one in DEGRADATION.parameters}
TABLES: dict[str, Any] = {one.name: one.values for one in DEGRADATION.tables}
BUILT_UP, ROADS, CROPLAND, BARE = THREATS


def a(*values: float) -> np.ndarray:
    return np.array(values)


def test_conditions_for_life() -> None:
    found = index_supply(npp_n=a(0.8), rainfall_n=a(0.7), temperature_n=a(0.65), elevation_n=a(0.3))
    np.testing.assert_allclose(found, 0.2548)


def test_a_threat_comes_from_its_class_or_from_its_layer() -> None:
    cover = np.array([[LandCover.BUILT_UP, LandCover.FOREST]], dtype=np.uint8)
    given = {"built_up_reach_m": 8000.0, "built_up_decay": "exponential"}
    found = threat(BUILT_UP, land_cover=cover, cell_m=1000.0, **given)
    np.testing.assert_allclose(found, [[1, np.exp(-2.99 / 8)]])
    given = {"main_roads_reach_m": 3000.0, "main_roads_decay": "linear"}
    found = threat(ROADS, main_roads=a(0, 1).reshape(1, 2), cell_m=1500.0, **given)
    np.testing.assert_allclose(found, [[0.5, 1]])


def test_threats_without_sources_leave_the_weights_to_the_others() -> None:
    cover = np.array([LandCover.FOREST, 0], dtype=np.uint8)
    intensities: dict[str, Any] = {
        "threat_built_up": a(1, 1),
        "threat_cropland": a(1, 1),
        "threat_bare": a(0, 0),
    }
    found = habitat_degradation(land_cover=cover, **intensities, **NUMBERS, **TABLES)
    np.testing.assert_allclose(found, [(0.9 + 0.4 * 0.6) / 2.0, np.nan])
    found = habitat_degradation(
        land_cover=cover, threat_main_roads=a(1, 1), **intensities, **NUMBERS, **TABLES
    )
    np.testing.assert_allclose(found, [(0.9 + 0.7 * 0.9 + 0.4 * 0.6) / 2.7, np.nan])


def test_protected_areas_keep_threats_out_as_far_as_asked() -> None:
    cover = np.array([LandCover.FOREST, LandCover.FOREST], dtype=np.uint8)
    found = habitat_degradation(
        land_cover=cover,
        protected=a(1, 0),
        threat_built_up=a(1, 1),
        **NUMBERS | {"protected_access": 0.25},
        **TABLES,
    )
    np.testing.assert_allclose(found, [0.225, 0.9])


def test_development_counts_land_people_and_product() -> None:
    found = land_development(
        built_up=a(0.5, 0.5, 1, np.nan), population_density=a(10, 0, 10, 1), gdp=a(100, 100, 0.1, 1)
    )
    np.testing.assert_allclose(found, [50 * 3 * 2, 0, 0, np.nan])


def test_demand_follows_the_way_asked_for() -> None:
    lights, people, built = a(0.2, np.nan), a(0.4, 0.1), a(0.9, 0.1)
    assert demand(night_lights_n=lights[:1], exposure=people[:1])[0] == pytest.approx(0.3)
    found = demand(night_lights_n=lights, exposure=people, built_up=built)
    np.testing.assert_allclose(found, [0.5, np.nan])
    found = demand(
        demand_by="disturbance_nearby",
        night_lights_n=lights,
        exposure=people,
        built_up=built,
        built_up_nearby=a(0.3, 0.3),
    )
    np.testing.assert_allclose(found, [0.3, np.nan])
    index = a(0.7)
    assert demand(demand_by="land_development", land_development_n=index) == 0.7
    with pytest.raises(InvalidInput, match="land_development"):
        demand(demand_by="land_development", night_lights_n=lights, exposure=people)


def test_built_up_land_nearby_lies_as_far_as_its_name_says() -> None:
    town = np.zeros((1, 13))
    town[0, 0] = 1.0
    assert np.flatnonzero(built_up_nearby(built_up=town, cell_m=100.0)).tolist() == [*range(6)]
    label = DEMAND_BY.choices["disturbance_nearby"]
    assert "500 m" in label.zh
    assert "500 m" in label.en
