"""Figures of the services in a report, against numpy on the whole arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.assess_ecoservices.assessed import Assessment, service_figures
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.kit.outputs import class_overview, overview
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import window_runner
from shanhai.science.grid import Grid
from shanhai.science.normalisation import normalise
from shanhai.vocabulary import ECOSERVICES, codes

Found = tuple[Assessment, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def found(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Found:
    task = watershed.task()
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    with window_runner(1) as runner:
        folder = tmp_path_factory.mktemp("figures")
        assessment = assess(task, inputs, folder, runner, lambda done, stage: None)
        return assessment, service_figures(assessment)


def test_every_service_is_told_in_order(found: Found) -> None:
    assert [one["code"] for one in found[1]] == list(codes(ECOSERVICES))
    # Of the layers of the watershed the erosion alone can be computed; the rest are indices.
    measured = {one["code"]: one["unit"] for one in found[1] if one["compared"] == "amounts"}
    assert measured == {"soil_retention": "t/ha/yr"}
    assert {one["unit"] for one in found[1] if one["compared"] == "ranks"} == {"1"}


@pytest.mark.parametrize("number", range(len(ECOSERVICES)))
def test_figures_are_those_of_the_whole_arrays(found: Found, number: int) -> None:
    assessment, figures = found[0], found[1][number]
    store = assessment.place.store
    for kind in ("supply", "demand", "ratio"):
        values = store.read_all(f"{kind}.{figures['code']}")
        known = values[np.isfinite(values)]
        assert figures[kind]["mean"] == pytest.approx(known.mean(), abs=2e-6)
        assert figures[kind]["sd"] == pytest.approx(known.std(), abs=2e-6)
        assert figures["cells"] == known.size == assessment.coverage.valid
        if kind == "ratio":
            assert figures["deficit_percent"] == pytest.approx(100 * (known < 0).mean(), abs=1e-5)
            assert figures["surplus_percent"] == pytest.approx(100 * (known > 0).mean(), abs=1e-5)
        else:
            limits = assessment.extremes[f"{kind}.{figures['code']}"].limits
            assert figures[f"{kind}_n"] == pytest.approx(normalise(known, limits).mean(), abs=2e-6)


def test_quadrants_and_grades_fill_the_land(found: Found) -> None:
    for figures in found[1]:
        assert sum(figures["quadrants"].values()) == pytest.approx(100, abs=1e-4)
        assert sum(figures["coordination"].values()) == pytest.approx(100, abs=1e-4)
        assert 0 <= figures["coordination_mean"] <= 1


def test_an_overview_holds_every_nth_cell(tmp_path: Path) -> None:
    store = ScratchStore(tmp_path, Grid(4548, 500_000.0, 2_700_000.0, 10.0, 70, 40))
    values = np.arange(2800, dtype=np.float64).reshape(40, 70)
    store.create("a")
    store.write("a", store.whole, values)
    store.create_classes("b")
    store.write_classes("b", store.whole, (values % 7).astype(np.uint8))
    np.testing.assert_array_equal(overview(store, "a", 30), values[::3, ::3])
    np.testing.assert_array_equal(class_overview(store, "b", 30), (values % 7)[::3, ::3])
    np.testing.assert_array_equal(overview(store, "a"), values)
