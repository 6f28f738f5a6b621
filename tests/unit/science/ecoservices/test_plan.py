from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.ecoservices.graph import AreaFigure, LayerNode
from shanhai.science.ecoservices.plan import reaches


def node(key: str, *inputs: str, reach_m: float = 0.0, figure: str | None = None) -> LayerNode:
    figures = {"most": AreaFigure(figure, "max")} if figure else {}
    named = {name: name for name in inputs}
    return LayerNode(key, key, "1", np.asarray, named, figures, reach_m=reach_m)


NODES = {
    one.key: one
    for one in (
        node("shade", "land_cover"),
        node("cool", "shade", reach_m=450.0),
        node("near_water", "land_cover", reach_m=1000.0),
        node("heat", "temperature"),
        node("supply", "cool", "near_water", "heat"),
        node("around", "supply", reach_m=301.0),
        node("demand", "heat", figure="shade"),
    )
}


def test_the_longest_way_counts_in_whole_cells() -> None:
    # 450 m are five cells of 100 m, 1000 m ten; what looks 301 m beyond those looks four more.
    assert reaches(NODES, ["land_cover"], 100.0) == {
        "land_cover": 0,
        "shade": 0,
        "cool": 5,
        "near_water": 10,
        "supply": 10,
        "around": 14,
    }


def test_a_number_of_the_area_carries_nothing_on() -> None:
    assert "demand" not in reaches(NODES, ["land_cover"], 100.0)
    assert reaches(NODES, ["temperature"], 100.0)["demand"] == 0


def test_a_layer_that_is_given_anew_starts_at_nothing() -> None:
    assert reaches(NODES, ["land_cover", "cool"], 100.0)["cool"] == 0


@given(st.sets(st.sampled_from(["land_cover", "temperature", "roads"])), st.floats(10.0, 5000.0))
def test_more_changes_reach_no_less(changed: set[str], cell_m: float) -> None:
    every: dict[str, Any] = reaches(NODES, [*changed, "land_cover"], cell_m)
    for key, cells in reaches(NODES, changed, cell_m).items():
        assert every[key] >= cells >= 0
