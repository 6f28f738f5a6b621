from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from shanhai.science.access import (
    Speeds,
    pace,
    spread_minutes,
    travel_minutes,
    write_travel_minutes,
)
from shanhai.science.hydrology.tiles import ArrayLayerStore
from shanhai.science.landcover import LandCover

FOREST, TOWN, WATER = LandCover.FOREST, LandCover.BUILT_UP, LandCover.WATER
KMH: dict[str, Any] = {"main_road_kmh": 60.0, "minor_road_kmh": 20.0, "walking_kmh": 4.0}


def minutes_of(codes: np.ndarray, cell_m: float, layers: dict[str, Any]) -> np.ndarray:
    return travel_minutes(land_cover=codes, cell_m=cell_m, **layers, **KMH)


def minutes(
    cover: Sequence[Sequence[int]], cell_m: float = 1000.0, **given: np.ndarray
) -> np.ndarray:
    codes = np.array(cover, dtype=np.uint8)
    layers = {"dem": np.zeros(codes.shape), "roads": np.zeros(codes.shape)} | given
    return minutes_of(codes, cell_m, layers)


def test_on_foot_from_the_town() -> None:
    np.testing.assert_allclose(minutes([[TOWN, FOREST, FOREST]]), [[0, 15, 30]])
    np.testing.assert_allclose(
        minutes([[TOWN, FOREST], [FOREST, FOREST]]), [[0, 15], [15, 15 * np.sqrt(2)]]
    )


def test_a_road_is_worth_a_detour() -> None:
    cover = [[TOWN, FOREST, FOREST], [TOWN, FOREST, FOREST], [FOREST, FOREST, FOREST]]
    roads = np.array([[1.0, 1, 1], [0, 0, 0], [0, 0, 0]])
    found = minutes(cover, roads=roads)
    np.testing.assert_allclose(found[0], [0, 3, 6])
    np.testing.assert_allclose(found[1, 2], min(30, 6 + 9, 3 + 9 * np.sqrt(2)))
    main = minutes(cover, roads=roads, main_roads=roads)
    np.testing.assert_allclose(main[0], [0, 1, 2])


def test_an_island_without_bridge_is_out_of_reach() -> None:
    cover: list[list[int]] = [[TOWN, WATER, FOREST], [0, 0, FOREST]]
    assert np.isinf(minutes(cover)[:, 1:]).all()
    bridge = minutes(cover, roads=np.array([[0.0, 1, 0], [0, 0, 0]]))
    assert np.isfinite(bridge[:, 2]).all()
    assert np.isinf(bridge[1, :2]).all()


def test_no_town_no_time() -> None:
    assert np.isinf(minutes([[FOREST, FOREST]])).all()


def test_steep_ground_is_slow_and_roads_are_not() -> None:
    cover = np.array([FOREST, FOREST, FOREST, FOREST], dtype=np.uint8)
    slope = np.array([0.0, 45.0, 45.0, np.nan])
    found = pace(cover, slope, np.array([0.0, 0, 1, 0]), None, Speeds(60, 20, 4))
    np.testing.assert_allclose(found, [0.015, 0.015 * np.exp(3.5), 0.003, 0.015])


@settings(max_examples=20)
@given(seed=st.integers(0, 999), tile=st.integers(3, 12), reverse=st.booleans())
def test_tiles_find_the_ways_of_the_whole_to_the_byte(seed: int, tile: int, reverse: bool) -> None:
    generator = np.random.default_rng(seed)
    shape = (17, 21)
    cover = generator.choice([FOREST, WATER, 0], shape, p=[0.6, 0.3, 0.1]).astype(np.uint8)
    cover[generator.integers(17), generator.integers(21)] = TOWN
    layers = {
        "dem": 100 * generator.random(shape),
        "roads": (generator.random(shape) < 0.3).astype(float),
        "main_roads": (generator.random(shape) < 0.1).astype(float),
    }
    whole = minutes_of(cover, 30.0, layers)
    arrays = ArrayLayerStore(
        layers | {"land_cover": cover * 1.0, "travel_minutes": np.empty(shape)}
    )

    def run(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        found = [function(item) for item in (reversed(items) if reverse else items)]
        return reversed(found) if reverse else found

    write_travel_minutes(
        arrays, shape, cell_m=30.0, with_main_roads=True, tile=tile, run=run, **KMH
    )
    np.testing.assert_array_equal(arrays.arrays["travel_minutes"], whole)


def test_times_agree_with_a_graph_search() -> None:
    way = 0.5 + np.random.default_rng(7).random((11, 14))
    found = np.full(way.shape, np.inf)
    found[4, 5] = 0.0
    spread_minutes(found, way, 30.0)
    places = np.argwhere(way > 0)
    apart = np.abs(places[:, np.newaxis] - places).max(axis=2)
    length = 30.0 * np.hypot(*(places[:, np.newaxis] - places).transpose(2, 0, 1))
    cost = np.where(apart == 1, length * (way.ravel()[:, np.newaxis] + way.ravel()) / 2, 0.0)
    (expected,) = dijkstra(csr_array(cost), indices=[4 * 14 + 5])
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12)
