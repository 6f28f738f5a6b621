from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.uncertainty import Variants, doubt_zones
from shanhai.processes.delineate_zones.zoning import delineate, square_cut, zoner_of
from shanhai.raster.windows import WindowRunner
from shanhai.science.uncertainty.draws import Draw
from shanhai.science.uncertainty.variation import alone, vary

TOTALS = {
    "carbon_sink": {"parameters": {"emissions_total": 40_000}},
    "water_conservation": {"parameters": {"industrial_use": 2_000_000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 120}},
}
BIOPHYSICAL = {"profile": "biophysical", "ecoservices": TOTALS}
LAYERS = ("supply", "demand", "ratio")


@pytest.fixture(scope="module")
def basin(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("basin"), cells=48, biophysical=True)


def assessed(basin: Watershed, inputs: dict[str, Any], folder: Path) -> Assessment:
    task = basin.task(inputs)
    asked = DelineateZonesInputs.model_validate(task.inputs)
    return assess(task, asked, folder, WindowRunner(), lambda percent, stage: None)


@pytest.fixture(scope="module")
def usual(basin: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    return assessed(basin, BIOPHYSICAL, tmp_path_factory.mktemp("usual"))


def variants_of(assessment: Assessment) -> Variants:
    return Variants(assessment, "p99.5", WindowRunner())


@pytest.mark.parametrize(
    ("draw", "changed"),
    [
        pytest.param(
            alone("uhi_max", 1.2), {"cooling": {"parameters": {"uhi_max": 4.2}}}, id="number"
        ),
        pytest.param(
            alone("shade", 0.8),
            {
                "cooling": {
                    "tables": {
                        "shade": {
                            code: 0.8 * value
                            for code, value in zip(
                                "1234568", (0.05, 0.85, 0.30, 0.05, 0.10, 0.80, 0.10), strict=True
                            )
                        }
                    }
                }
            },
            id="table with a neighbourhood behind it",
        ),
        pytest.param(
            Draw(light_share=0.45),
            {"carbon_sink": {"parameters": {"emissions_total": 40_000, "light_share": 0.45}}},
            id="number with sums of the area beside it",
        ),
    ],
)
def test_a_variant_is_the_assessment_with_these_parameters(
    basin: Watershed, usual: Assessment, tmp_path: Path, draw: Draw, changed: dict[str, Any]
) -> None:
    """What is reused and recomputed, against all computed anew with the numbers in the inputs."""
    variants = variants_of(usual)
    plan = variants.plan(vary(variants.graph, draw))
    variants.prepare([plan])
    variant = variants.compute(plan, tmp_path / "variant")
    inputs = BIOPHYSICAL | {"ecoservices": TOTALS | changed}
    anew = assessed(basin, inputs, tmp_path / "anew")
    for service in usual.assembled.methods:
        for kind in LAYERS:
            found = variant.store.read_all(f"{kind}.{service}")
            expected = anew.place.store.read_all(f"{kind}.{service}")
            np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(
        variant.store.read_all("ratio"), anew.place.store.read_all("ratio"), rtol=2e-6, atol=1e-6
    )
    for layer, extremes in anew.extremes.items():
        # Indices have none, since their ranks are compared.
        cap = None if extremes.cap is None else pytest.approx(extremes.cap, rel=1e-6)
        assert variant.extremes[layer].cap == cap
        assert astuple(variant.extremes[layer].limits) == pytest.approx(
            astuple(extremes.limits), rel=1e-6
        )


def test_only_what_a_change_reaches_is_computed_again(usual: Assessment, tmp_path: Path) -> None:
    variants = variants_of(usual)
    plan = variants.plan(vary(variants.graph, alone("uhi_max", 1.2)))
    steps = {key for step in plan.plan.passes for key in step.steps}
    assert steps == {"supply.cooling", "ratio.cooling", "supply_n.cooling", "ratio", "supply_mean"}
    assert "heat_mitigation.cooling" in plan.reads
    variants.prepare([plan])
    before = usual.place.store.read_all("supply.cooling")
    variant = variants.compute(plan, tmp_path / "variant")
    assert {path.stem for path in (tmp_path / "variant").iterdir()} <= steps
    np.testing.assert_allclose(variant.store.read_all("supply.cooling"), 1.2 * before, rtol=1e-6)
    np.testing.assert_array_equal(usual.place.store.read_all("supply.cooling"), before)


def test_each_parameter_alone_is_ranked(
    basin: Watershed, usual: Assessment, tmp_path: Path
) -> None:
    # By cells: no factor moves the ratio of a cell by more than 0.02, which moves no unit of nine.
    asked = {"uncertainty": {"sensitivity": True}, "parameters": {"units": "cells"}}
    inputs = DelineateZonesInputs.model_validate(basin.task(BIOPHYSICAL | asked).inputs)
    cut = square_cut(usual.place.area.grid, inputs.parameters)
    zoner = zoner_of(usual, inputs, cut, WindowRunner())
    delineate(usual, zoner)
    told: list[float] = []
    doubt = doubt_zones(
        usual, inputs, zoner, tmp_path / "draw", lambda share, stage: told.append(share)
    )
    assert doubt.drawn is None
    effects = doubt.effects
    assert effects is not None
    moved = {one.parameter: one.moved for one in effects}
    assert list(moved.values()) == sorted(moved.values(), reverse=True)
    assert max(moved.values()) > 0
    # Supply and demand of soil retention rise alike with R and K: their ratio stays.
    assert moved["r_factor"] == moved["k_factor"] == 0
    for one in effects:
        assert sum(one.lower.values()) == pytest.approx(0, abs=1e-9)
        assert sum(one.higher.values()) == pytest.approx(0, abs=1e-9)
    assert told == pytest.approx([(i + 1) / (2 * len(moved)) for i in range(2 * len(moved))])


def test_limits_that_were_given_hold_for_every_draw(usual: Assessment) -> None:
    variants = variants_of(usual)
    varied = vary(variants.graph, alone("uhi_max", 1.2))
    free = variants.plan(varied)
    limit = next(one for one in usual.figures if one.of == "supply.cooling")
    assert limit not in free.known
    given = replace(usual, given=frozenset({limit}))
    held = replace(variants, assessment=given).plan(varied)
    assert held.known[limit] == usual.figures[limit]


@pytest.mark.parametrize("draws", [-1, 1, 29, 1001])
def test_too_few_and_too_many_draws_are_refused(draws: int) -> None:
    with pytest.raises(ValidationError):
        DelineateZonesInputs.model_validate({"region": "r", "uncertainty": {"draws": draws}})
