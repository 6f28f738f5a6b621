"""Current from everywhere to everywhere as an option of the network."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shanhai.data.synthetic_watershed import Watershed, network_task
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.build_network.contract import (
    BuildNetworkInputs,
    OmnidirectionalChoice,
)
from shanhai.processes.build_network.omnidirectional import send_currents
from shanhai.processes.catalogue import compute_of
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.corridors.moving_window import (
    WindowSettings,
)
from shanhai.science.grid import Grid
from tests.support.computed import silent
from tests.support.networks import SIDE_M, flow, land

ASKED = {"omnidirectional": {"radius_m": 700, "block_cells": 3, "cutoff": 60}}


def test_no_more_is_held_however_long_the_land_is(tmp_path: Path) -> None:
    """A few sources send current in a strip; memory is that of some tiles."""
    flow(land(tmp_path, 41, 60), WindowRunner(), WindowSettings(7, 3))  # compiles the loops
    peaks = []
    for height in (400, 4000):
        store = ScratchStore(tmp_path / str(height), Grid(4547, 5e5, 3e6, SIDE_M, 64, height))
        resistance = np.full((height, 64), 80.0)
        resistance[50::200, 32] = 2.0
        store.create("resistance")
        store.write("resistance", store.whole, resistance)
        del resistance
        tracemalloc.start()
        found = flow(store, WindowRunner(), WindowSettings(7, 3))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found["windows"] == height // 200
    assert peaks[1] < 1.5 * peaks[0] < 4000 * 64 * 4


def test_a_gap_in_a_wall_channels(tmp_path: Path) -> None:
    store = land(tmp_path, 41, 60)
    flow(store, WindowRunner(), WindowSettings(7, 3))
    ratio = store.read_all("normalised_current")
    assert ratio[20, 30] > 2 > 2 * np.nanmedian(ratio)


def test_land_that_sends_nothing_is_refused(tmp_path: Path) -> None:
    store = land(tmp_path, 40, 40)
    choice = OmnidirectionalChoice(radius_m=700, threshold=2)
    with pytest.raises(InvalidInput, match="no passable cell has a strength"):
        send_currents(store, WindowRunner(), choice, WindowSettings(7, 1, threshold=2.0), silent)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"block_cells": 4}, "block_cells is 4; it must be odd"),
        ({"block_cells": 31}, "is 30 cells of 100 m and a block 31"),
        ({"radius_m": 40}, "is 0 cells of 100 m"),
        ({"strength": "importance", "cutoff": 5}, "cutoff is given with strength `resistance`"),
        ({"radius_m": 0}, "greater than 0"),
    ],
)
def test_what_makes_no_window_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BuildNetworkInputs.model_validate({"region": "x", "omnidirectional": asked})


def test_importance_must_be_known_where_it_is_sent() -> None:
    with pytest.raises(ValidationError, match=r"needs sources\.candidates importance"):
        BuildNetworkInputs.model_validate(
            {
                "region": "x",
                "omnidirectional": {"strength": "importance"},
                "parameters": {"sources": {"candidates": "natural_cover"}},
            }
        )


def test_a_scenario_compares_corridors_only() -> None:
    with pytest.raises(ValidationError, match="omnidirectional is a question to build-network"):
        RunScenarioInputs.model_validate({"region": "x", "omnidirectional": {}, "edits": []})


def test_a_window_must_fit_into_the_memory(
    linked_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before anything else is computed."""
    monkeypatch.setattr("shanhai.processes.build_network.omnidirectional.memory_left", lambda: 1000)
    with pytest.raises(LimitExceeded, match="windows of radius 7 cells") as caught:
        compute_of("build-network")(network_task(linked_watershed, ASKED), tmp_path, silent)
    assert caught.value.faults[0].pointer == "/inputs/omnidirectional/radius_m"
