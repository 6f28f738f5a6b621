import numpy as np
import pytest
from scipy import ndimage

from shanhai.science.uncertainty.resampling import block_side_m, zone_intervals


def lattice(seed: int, smoothing: float, size: int = 80) -> np.ndarray:
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(size, size)), smoothing
    )
    return np.asarray(noise / noise.std())


def points(size: int, unit_m: float) -> np.ndarray:
    rows, cols = np.divmod(np.arange(size * size), size)
    return unit_m * np.stack([cols, rows], axis=1)


def test_blocks_are_as_large_as_what_hangs_together() -> None:
    assert block_side_m(lattice(1, 1), 250) == 5_000
    assert block_side_m(lattice(1, 12), 500) > 10_000
    assert block_side_m(np.tile(np.linspace(0, 1, 400), (400, 1)), 250) == 40_000
    assert block_side_m(np.full((3, 3), np.nan), 250) == 5_000


def test_means_are_weighted_by_area() -> None:
    values = np.array([1.0, 3.0, 10.0])
    zones = np.array([1, 1, 4], dtype=np.uint8)
    found = zone_intervals(values, zones, np.array([3, 1, 5]), 9_000.0 * np.eye(3)[:, :2], 5_000, 1)
    assert found[1].mean == pytest.approx(1.5)
    assert (found[1].blocks, found[4].blocks) == (2, 1)
    assert np.isnan(found[4].low)
    # Four columns and three rows of 1 km lie in two by two blocks of 2 km.
    places = points(4, 1_000)[:12] + 500
    whole = zone_intervals(
        np.arange(12.0), np.ones(12, np.uint8), np.ones(12, int), places, 2_000, 1
    )
    assert whole[1].blocks == 4


def test_independent_units_give_the_usual_interval() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=6_400)
    zones = np.ones(6_400, dtype=np.uint8)
    places = points(80, 250)
    found = zone_intervals(values, zones, np.ones(6_400, int), places, 250, 5, 2_000)[1]
    assert found.low < values.mean() < found.high
    assert (found.high - found.low) / 2 == pytest.approx(1.96 / 80, rel=0.1)


def test_likeness_of_neighbours_widens_the_interval() -> None:
    values = lattice(4, 3).ravel()
    zones, cells = np.ones(6_400, dtype=np.uint8), np.ones(6_400, dtype=int)
    alone = zone_intervals(values, zones, cells, points(80, 250), 250, 5)[1]
    together = zone_intervals(values, zones, cells, points(80, 250), 5_000, 5)[1]
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_same_seed_same_interval() -> None:
    values = lattice(4, 3, 30).ravel()
    zones = (1 + (values < 0)).astype(np.uint8)
    one, other = (
        zone_intervals(values, zones, np.ones(900, int), points(30, 250), 1_000, 5)
        for _ in range(2)
    )
    assert one == other
    assert one[1].low <= one[1].mean <= one[1].high
