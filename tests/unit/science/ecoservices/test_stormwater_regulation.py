import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.stormwater_regulation import built_up_nearby, demand, supply

RUNOFF = np.array([12.825353, np.nan])


def test_supply_and_demand_of_a_forest() -> None:
    np.testing.assert_allclose(
        supply(storm_runoff=RUNOFF, storm_mm=100.0), [871.746468, np.nan], atol=1e-5
    )
    asked = demand(storm_runoff=RUNOFF, storm_mm=100.0, exposure=np.array([0.6, 0.6]))
    np.testing.assert_allclose(asked, [76.952119, np.nan], atol=1e-5)


def test_demand_by_built_up_land_around() -> None:
    asked = demand(
        storm_runoff=RUNOFF,
        storm_mm=100.0,
        demand_by="built_up_nearby",
        built_up_nearby=np.array([0.5, 0.5]),
    )
    np.testing.assert_allclose(asked, [64.126765, np.nan])


def test_a_capture_target_asks_built_up_land_to_keep_the_storm() -> None:
    asked = demand(
        storm_runoff=np.array([12.0, 90.0, np.nan]),
        storm_mm=26.8,
        demand_by="design_standard",
        built_up=np.array([0.0, 0.5, 1.0]),
    )
    np.testing.assert_allclose(asked, [0, 134, np.nan])


@pytest.mark.parametrize("demand_by", ["exposure", "built_up_nearby", "design_standard"])
def test_demand_needs_its_layer(demand_by: str) -> None:
    with pytest.raises(InvalidInput, match=demand_by):
        demand(storm_runoff=RUNOFF, storm_mm=100.0, demand_by=demand_by)


def test_built_up_share_within_500_m() -> None:
    share = built_up_nearby(built_up=np.array([[1.0, 0.0, np.nan, 0.0]]), cell_m=500.0)
    np.testing.assert_allclose(share, [[0.5, 0.5, np.nan, 0.0]])
