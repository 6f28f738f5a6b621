from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.uncertainty import DRAWN, MODAL_ZONE, Variants, doubt_zones
from shanhai.processes.delineate_zones.zoning import delineate, square_cut, zoner_of
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff
from shanhai.raster.windows import WindowRunner, window_runner
from shanhai.science.uncertainty.draws import Draw
from shanhai.science.uncertainty.variation import alone, vary

TOTALS = {
    "carbon_sink": {"parameters": {"emissions_total": 40_000}},
    "water_conservation": {"parameters": {"industrial_use": 2_000_000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 120}},
}
BIOPHYSICAL = {"profile": "biophysical", "ecoservices": TOTALS}
DRAWS = {"uncertainty": {"draws": 30}}
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
        assert variant.extremes[layer].cap == pytest.approx(extremes.cap, rel=1e-6)
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


def test_draws_leave_layers_statistics_and_a_record(zone: Any, zoned: Any) -> None:
    run = zone(DRAWS)
    manifest = orjson.loads((run.workspace / "manifest.json").read_bytes())
    told = manifest["uncertainty"]["monte_carlo"]
    assert told["draws"] == 30
    assert {"light_share", "weights"} <= set(told["applied"])
    assert "uhi_max" in told["not_applied"]
    layers = {name: _values(run, name) for name in (*DRAWN, MODAL_ZONE, "zones", "ratio")}
    valid = layers["zones"] > 0
    for name in (*DRAWN, "ratio"):
        np.testing.assert_array_equal(np.isfinite(layers[name]), valid)
    np.testing.assert_array_equal(layers[MODAL_ZONE] > 0, valid)
    stability = layers["stability"][valid]
    # Shares of thirty draws; of five zones the commonest has a fifth of them at least.
    np.testing.assert_allclose(stability * 30, np.round(stability * 30), atol=1e-4)
    assert stability.min() >= 0.2
    assert stability.max() <= 1
    assert 0 < np.nanmax(layers["ratio_sd"]) < 1
    assert np.abs(layers["ratio_mean"] - layers["ratio"])[valid].max() < 0.3
    agreeing = np.count_nonzero((layers[MODAL_ZONE] == layers["zones"])[valid])
    assert told["modal_share"] == pytest.approx(agreeing / valid.sum())
    for one in orjson.loads((run.workspace / "statistics.json").read_bytes())["zones"]:
        own = layers["zones"] == one["class_value"]
        assert one["assignment_stability"] == pytest.approx(layers["stability"][own].mean())
    # The zones themselves are those of a run without draws.
    assert (run.workspace / "zones.tif").read_bytes() == (
        zoned.workspace / "zones.tif"
    ).read_bytes()
    assert [stage for _, stage in run.told].count("draws") == 30
    percents = [percent for percent, _ in run.told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    page = (run.workspace / "report.html").read_text(encoding="utf-8")
    assert "参数不确定性" in page
    # One more than without draws: the maps of what they say of each cell.
    usual = (zoned.workspace / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == usual.count("data:image/png") + 1


def test_an_attempt_goes_on_from_the_draws_a_former_one_finished(
    zone: Any, watershed: Watershed, resume: Callable[[Task, float, Path], None]
) -> None:
    asked = {"uncertainty": {"draws": 30, "sensitivity": True}}
    resume(watershed.task(asked), 85, zone(asked).workspace)


def test_draws_are_the_same_bytes_with_two_processes(watershed: Watershed, tmp_path: Path) -> None:
    first, second = (
        _doubted(watershed, tmp_path / str(processes), processes) for processes in (1, 2)
    )
    for name in DRAWN:
        np.testing.assert_array_equal(first.read_all(name), second.read_all(name))
    np.testing.assert_array_equal(
        first.read_classes(MODAL_ZONE, first.whole), second.read_classes(MODAL_ZONE, second.whole)
    )


def _doubted(watershed: Watershed, folder: Path, processes: int, draws: int = 30) -> Any:
    task = watershed.task({"uncertainty": {"draws": draws}})
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    with window_runner(processes) as runner:
        assessment = assess(task, inputs, folder, runner, lambda percent, stage: None)
        zoner = zoner_of(
            assessment, inputs, square_cut(assessment.place.area.grid, inputs.parameters), runner
        )
        codes = delineate(assessment, zoner).codes
        doubt_zones(assessment, inputs, zoner, codes, folder / "draw", lambda share, stage: None)
    assert not (folder / "draw").exists()
    return assessment.place.store


def test_counts_beyond_a_byte_are_kept(
    watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = _doubted(watershed, tmp_path / "bytes", 1)
    monkeypatch.setattr("shanhai.processes.delineate_zones.uncertainty._DRAWS_OF_A_BYTE", 20)
    many = _doubted(watershed, tmp_path / "floats", 1)
    for name in DRAWN:
        np.testing.assert_array_equal(few.read_all(name), many.read_all(name))


def test_each_parameter_alone_is_ranked(
    basin: Watershed, usual: Assessment, tmp_path: Path
) -> None:
    inputs = DelineateZonesInputs.model_validate(
        basin.task(BIOPHYSICAL | {"uncertainty": {"sensitivity": True}}).inputs
    )
    cut = square_cut(usual.place.area.grid, inputs.parameters)
    zoner = zoner_of(usual, inputs, cut, WindowRunner())
    codes = delineate(usual, zoner).codes
    told: list[float] = []
    doubt = doubt_zones(
        usual, inputs, zoner, codes, tmp_path / "draw", lambda share, stage: told.append(share)
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


def _values(run: Any, name: str) -> Any:
    values = read_geotiff(run.workspace / f"{name}.tif").values[0]
    return np.nan_to_num(values).astype(int) if name in ("zones", MODAL_ZONE) else values
