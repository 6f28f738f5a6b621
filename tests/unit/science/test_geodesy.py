"""Areas of rings on the ellipsoid: against Karney's method, and what must hold of any ring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from shanhai.science.geodesy import LONGEST_EDGE_DEG, ring_areas
from shanhai.science.grid import FloatArray

KARNEY = Geod(a=6_378_137.0, rf=298.257222101)


def area(ring: FloatArray) -> float:
    return float(ring_areas(ring, np.zeros(len(ring), dtype=np.int64), 1)[0])


def star(
    west: float, south: float, radius: float, corners: int, seed: int, least: float = 0.3
) -> FloatArray:
    """A ring around a place, of uneven edges."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    distance = radius * rng.uniform(least, 1, corners)
    ring = np.stack([west + distance * np.cos(angle), south + distance * np.sin(angle)], axis=-1)
    return np.vstack([ring, ring[:1]])


def test_cell_at_the_equator_by_hand() -> None:
    """0.01° by 0.01° north of the equator: b² Δλ sin φ to the first order in e²."""
    cell = np.array([[118.0, 0.0], [118.01, 0.0], [118.01, 0.01], [118.0, 0.01], [118.0, 0.0]])
    width = np.radians(0.01)
    by_hand = 6_378_137.0**2 * (1 - 0.00669438002290) * width * np.sin(width)
    assert area(cell) == pytest.approx(by_hand, rel=1e-8)


@given(
    west=st.floats(70, 140),
    south=st.floats(-60, 60),
    radius=st.floats(0.002, LONGEST_EDGE_DEG / 2),
    corners=st.integers(3, 40),
    seed=st.integers(0, 1_000),
)
def test_is_that_of_karneys_method(
    west: float, south: float, radius: float, corners: int, seed: int
) -> None:
    ring = star(west, south, radius, corners, seed)
    expected = abs(KARNEY.polygon_area_perimeter(ring[:, 0], ring[:, 1])[0])
    # The absolute part is what is lost to rounding there: it counts from the equator.
    assert area(ring) == pytest.approx(expected, rel=1e-9, abs=2e-3)


@given(seed=st.integers(0, 1_000), corners=st.integers(3, 30), turn=st.integers(0, 29))
def test_neither_direction_nor_beginning_matter(seed: int, corners: int, turn: int) -> None:
    ring = star(118.0, 24.4, 0.02, corners, seed)
    turned = np.roll(ring[:-1], turn, axis=0)
    turned = np.vstack([turned, turned[:1]])
    assert area(ring[::-1]) == pytest.approx(area(ring), rel=1e-12)
    assert area(turned) == pytest.approx(area(ring), rel=1e-11)


def test_parts_add_up() -> None:
    corners = [(118.0, 24.4), (118.04, 24.4), (118.04, 24.44), (118.0, 24.44)]
    whole = np.array([*corners, corners[0]])
    halves = [np.array([corners[n] for n in part]) for part in ((0, 1, 2, 0), (0, 2, 3, 0))]
    together = np.vstack(halves)
    parts = ring_areas(together, np.repeat([0, 1], 4), 2)
    assert parts.sum() == pytest.approx(area(whole), rel=1e-12)
    assert list(parts) == pytest.approx([area(half) for half in halves], rel=1e-12)


def test_long_edges_and_missing_coordinates_have_no_area() -> None:
    small = star(118.0, 24.4, 0.01, 5, 1)
    large = star(118.0, 24.4, 0.2, 5, 1)
    unknown = small.copy()
    unknown[2, 1] = np.nan
    together = np.vstack([small, large, unknown, small])
    found = ring_areas(together, np.repeat(np.arange(4), 6), 4)
    assert list(np.isnan(found)) == [False, True, True, False]
    assert found[3] == pytest.approx(found[0])


def test_no_rings_have_no_areas() -> None:
    assert ring_areas(np.empty((0, 2)), np.empty(0, dtype=np.int64), 0).shape == (0,)
