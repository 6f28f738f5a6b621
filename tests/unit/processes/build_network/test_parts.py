"""The small rules of a network, each by hand-made numbers."""

from typing import Any

import numpy as np
import pytest
import shapely
from pydantic import ValidationError

from shanhai.processes.build_network.context import memory_left
from shanhai.processes.build_network.contract import (
    BuildNetworkInputs,
    CircuitChoice,
    LinkChoice,
)
from shanhai.processes.build_network.corridors import shares_percent
from shanhai.processes.build_network.linkages import kept_bytes, link_settings, radii
from shanhai.processes.kit.geometry import as_multi, outline_of, patch_outlines, path_line
from shanhai.science.corridors.pairs import GIB
from shanhai.science.grid import Grid
from shanhai.validation import rule_in_chinese, rule_in_english

GRID = Grid(4548, 500_000.0, 2_700_000.0, 100.0, 6, 5)


def test_radii_hold_two_cells() -> None:
    assert radii(None, 30.0) == (60.0, 120.0, 240.0)
    assert radii(None, 100.0) == (240.0,)
    assert radii(None, 500.0) == (1000.0,)
    assert radii([300.0, 100.0], 50.0) == (100.0, 300.0)


def test_shares_are_of_known_cover() -> None:
    assert shares_percent(np.array([0, 0, 2, 2, 2, 8], dtype=np.uint8)) == {
        "forest": 75.0,
        "built_up": 25.0,
    }
    assert shares_percent(np.array([0], dtype=np.uint8)) == {}


def test_an_outline_has_the_area_of_its_cells_where_they_lie() -> None:
    inside = np.array([[True, True], [False, True]])
    outline = outline_of(inside, GRID, row=1, col=2)
    assert outline.area == 3 * 100.0**2
    assert outline.bounds == (500_200.0, 2_699_700.0, 500_400.0, 2_699_900.0)


def test_cells_that_meet_at_a_corner_are_two_valid_parts() -> None:
    outline = outline_of(np.array([[True, False], [False, True]]), GRID)
    assert outline.is_valid
    assert len(shapely.get_parts(outline)) == 2


def test_patches_are_outlined_by_number() -> None:
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels[0, 0], labels[2:4, 3] = 2, 1
    assert [one.area for one in patch_outlines(labels, 2, GRID)] == [20_000.0, 10_000.0]


def test_a_path_is_cut_where_it_leaves_its_sources() -> None:
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels[0, 0], labels[0, 3] = 1, 2
    line = path_line(np.array([[0, 0], [0, 1], [0, 2], [0, 3]]), labels, GRID)
    assert line.length == 200.0


def test_sources_that_touch_are_joined_from_centre_to_centre() -> None:
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels[0, 0], labels[0, 1] = 1, 2
    line = path_line(np.array([[0, 0], [0, 1]]), labels, GRID)
    assert line.length == 100.0
    assert as_multi(line).geom_type == "MultiLineString"


def test_settings_follow_what_was_asked() -> None:
    settings = link_settings(
        LinkChoice.model_validate({"swath": "fixed_width_m", "swath_value": 300, "max_cost": 5e4})
    )
    assert (settings.swath.kind, settings.swath.value) == ("fixed_width_m", 300)
    assert settings.max_cost == 5e4
    assert settings.max_euclid_m == np.inf
    assert link_settings(LinkChoice.model_validate({})).swath.value == 0.05
    current = link_settings(LinkChoice.model_validate({"swath": "current", "swath_value": 0.7}))
    assert (current.swath.kind, current.swath.value) == ("relative", 0.05)


@pytest.mark.parametrize(
    ("choice", "rule"),
    [
        ({"swath": "current", "swath_value": 1.5}, "share of the current, at most 1"),
        ({"swath": "cost_cutoff"}, "swath cost_cutoff needs swath_value"),
    ],
)
def test_odd_bounds_of_a_corridor_are_refused(choice: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        LinkChoice.model_validate(choice)


def test_memory_is_told_in_bytes_and_costs_take_a_part_of_it() -> None:
    assert memory_left() > 2**20
    assert 2**26 <= kept_bytes() <= GIB


@pytest.mark.parametrize("radius", [[], [5.0]])
def test_odd_radii_are_refused_by_the_contract(radius: list[float]) -> None:
    with pytest.raises(ValueError, match="barrier_radii_m"):
        CircuitChoice.model_validate({"barrier_radii_m": radius})


def test_a_radius_below_a_cell_is_refused_at_its_place() -> None:
    circuit = {"barrier_radii_m": [100, 99]}
    asked = {"region": "x", "cell_m": 100, "parameters": {"circuit": circuit}}
    with pytest.raises(ValidationError) as caught:
        BuildNetworkInputs.model_validate(asked)
    [told] = caught.value.errors()
    assert told["loc"] == ("parameters", "circuit", "barrier_radii_m", 1)
    assert rule_in_english(told) == "is 99 m, below the cell of 100 m"
    assert rule_in_chinese(told) == "为 99 m，小于像元边长 100 m"
