import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.modes import pairwise
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.links import link_sources
from shanhai.science.corridors.pairs import LinkSettings
from shanhai.science.corridors.pinch_points import link_flow
from shanhai.science.corridors.spacing import MetricCells, square_cells
from shanhai.science.corridors.swaths import SwathRule
from tests.unit.science.corridors.grounds import X, one_source, rough

CELLS = square_cells(10.0)


def test_a_strip_carries_alike_in_its_rows() -> None:
    """Three rows of ten links of 1 Ω with 4 neighbours: 10/3 Ω from edge to edge."""
    ground = np.full((7, 13), 100.0)
    ground[2:5] = 1.0
    sources = np.zeros((7, 13), dtype=int)
    sources[2:5, :2], sources[2:5, 11:] = 1, 2
    links = LinkSettings(neighbours=4, swath=SwathRule("relative", 0.05))
    (link,) = link_sources(ground, sources, CELLS, links).links
    found = link_flow(ground, sources, link, CELLS, CircuitSettings(neighbours=4))
    assert found.effective_resistance == pytest.approx(10 / 3)
    between = found.current[:, 2 - link.swath.col : 11 - link.swath.col]
    np.testing.assert_allclose(between[~np.isnan(between)], 1 / 3)
    assert found.width is not None
    # Nine tenths of the nine cells of a section are nine of them.
    assert found.width.width_m[1] == pytest.approx(9 * 100 / (100 / 3))


def test_wider_swaths_resist_less() -> None:
    ground = rough(3, (25, 25), barriers=0.1)
    sources = one_source((25, 25), (0, 0), (24, 24))
    resistances = []
    for share in (0.02, 0.1, 0.5):
        rule = LinkSettings(swath=SwathRule("relative", share))
        (link,) = link_sources(ground, sources, CELLS, rule).links
        found = link_flow(ground, sources, link, CELLS)
        assert found.current.shape == link.swath.inside.shape
        assert found.effective_resistance <= link.path.cost / 10.0 * (1 + 1e-12)
        resistances.append(found.effective_resistance)
    assert resistances == sorted(resistances, reverse=True)


@pytest.mark.parametrize("seed", range(4))
def test_the_window_changes_nothing(seed: int) -> None:
    ground = rough(seed, (20, 20), barriers=0.1)
    sources = np.zeros((20, 20), dtype=int)
    sources[:6, :3], sources[12:, 14:] = 1, 2
    (link,) = link_sources(ground, sources, CELLS).links
    inside = sources > 0
    inside[link.swath.slices] |= link.swath.inside
    whole = pairwise(np.where(inside, ground, X), sources, CELLS)
    found = link_flow(ground, sources, link, CELLS)
    assert found.effective_resistance == pytest.approx(whole.resistance[0, 1], rel=1e-9)
    expected = whole.maps.cumulative[link.swath.slices]
    np.testing.assert_allclose(found.current, expected, atol=1e-12)


def test_sources_that_touch_have_no_width_between() -> None:
    sources = np.array([[1, 2]])
    (link,) = link_sources(np.ones((1, 2)), sources, CELLS).links
    found = link_flow(np.ones((1, 2)), sources, link, CELLS)
    assert found.effective_resistance == pytest.approx(1.0)
    assert found.width is None


def test_oblong_cells_are_refused() -> None:
    sources = one_source((1, 4), (0, 0), (0, 3))
    cells = MetricCells(10.0, 20.0)
    (link,) = link_sources(np.ones((1, 4)), sources, cells).links
    with pytest.raises(InvalidInput, match="square cells"):
        link_flow(np.ones((1, 4)), sources, link, cells)
