from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.resistance_factors import (
    land_cover_resistance,
    reach_m,
    road_resistance,
    water_resistance,
    weigh,
)
from shanhai.science.corridors.resistance_tables import FACTORS, Bands, load_table
from shanhai.science.distance import halo_cells
from shanhai.science.grid import Grid

TABLE = load_table("resistance-city")


def line(cells: int, *at: int) -> np.ndarray:
    mask = np.zeros((1, cells), dtype=bool)
    mask[0, list(at)] = True
    return mask


def test_land_cover_without_sea() -> None:
    found = land_cover_resistance(np.array([[2, 1, 8, 0]], dtype=np.uint8), TABLE)
    np.testing.assert_array_equal(found, [[1, 50, 500, np.nan]])


def test_distances_to_water_and_roads() -> None:
    mask = line(12, 0)
    assert water_resistance(mask, TABLE, 100).tolist() == [
        [1, 10, 10, 30, 30, 50, 50, 50, 50, 50, 100, 100]
    ]
    assert road_resistance({"main": mask}, TABLE, 100).tolist() == [
        [500, 300, 300, 100, 100, 30, 30, 30, 30, 30, 1, 1]
    ]


def test_the_worse_road_counts_and_a_tunnel_is_none() -> None:
    roads = {"main": line(5, 0), "minor": line(5, 4)}
    assert road_resistance(roads, TABLE, 100).tolist() == [[500, 300, 300, 150, 250]]
    tunnel = line(5, 0)
    assert road_resistance(roads, TABLE, 100, tunnel).tolist() == [[50, 50, 150, 150, 250]]


def test_what_is_felt_farthest_tells_the_reach() -> None:
    for shore_m, reach in ((500.0, 1000.0), (1500.0, 1500.0)):
        assert reach_m(replace(TABLE, water=Bands((shore_m,), (1.0, 10.0)))) == reach


def test_no_roads_at_all_hinder_nobody() -> None:
    assert road_resistance({"main": line(3)}, TABLE, 30).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("roads", [{}, {"railway": line(3, 0)}])
def test_unknown_roads_are_refused(roads: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidInput, match="main, minor"):
        road_resistance(roads, TABLE, 30)


def test_weighted_sum() -> None:
    factors = {
        "land_cover": np.array([[1.0, 500.0]]),
        "slope": np.array([[10.0, np.nan]]),
        "roads": np.array([[300.0, 1.0]]),
        "water": np.array([[100.0, 1.0]]),
    }
    weighed = weigh(factors, TABLE)
    np.testing.assert_allclose(weighed.resistance, [[0.5 + 1.5 + 60 + 15, np.nan]])
    assert weighed.left_out == ()


def test_missing_factors_share_their_weight() -> None:
    weighed = weigh({"land_cover": np.array([[100.0]]), "slope": np.array([[10.0]])}, TABLE)
    assert weighed.left_out == ("roads", "water")
    assert weighed.weights == pytest.approx({"land_cover": 0.5 / 0.65, "slope": 0.15 / 0.65})
    np.testing.assert_allclose(weighed.resistance, [[(50 + 1.5) / 0.65]])


def test_nothing_to_weigh_is_refused() -> None:
    with pytest.raises(InvalidInput, match="none weigh 0"):
        weigh({}, TABLE)
    with pytest.raises(InvalidInput, match="elevation"):
        weigh({"elevation": np.ones((1, 1))}, TABLE)


@given(
    present=st.sets(st.sampled_from(FACTORS), min_size=1),
    seed=st.integers(0, 1000),
)
def test_the_sum_lies_between_its_factors(present: set[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = {name: rng.uniform(1, 1000, (4, 5)) for name in present}
    weighed = weigh(factors, TABLE)
    layers = np.stack(list(factors.values()))
    assert sum(weighed.weights.values()) == pytest.approx(1.0)
    assert (weighed.resistance >= layers.min(axis=0) * (1 - 1e-12)).all()
    assert (weighed.resistance <= layers.max(axis=0) * (1 + 1e-12)).all()


@given(seed=st.integers(0, 99), size=st.integers(5, 30))
def test_windows_with_halo_equal_the_whole(seed: int, size: int) -> None:
    roads = {"main": np.random.default_rng(seed).random((60, 50)) < 0.002}
    grid = Grid(4548, 0, 0, 120.0, 50, 60)
    tiled = np.empty(grid.shape)
    for window in grid.windows(size):
        outer = window.expanded(halo_cells(reach_m(TABLE), 120.0), grid)
        part = road_resistance({"main": roads["main"][outer.slices]}, TABLE, 120.0)
        tiled[window.slices] = part[window.slices_within(outer)]
    np.testing.assert_array_equal(tiled, road_resistance(roads, TABLE, 120.0))
