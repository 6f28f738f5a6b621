"""The graph on arrays: any windows give the bytes of the whole, and the numbers keep their laws."""

from typing import Any

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.assembly import AssessmentRequest, assemble
from shanhai.science.ecoservices.assessment import AssessmentResult, assess
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import MethodChoice, ParameterChanges, quantities_of
from shanhai.science.ecoservices.method import Method, Profile
from shanhai.science.matching import weight_shares

Layers = dict[str, np.ndarray]
KINDS = ("supply", "demand", "ratio", "normalised", "quadrant", "coupling", "extra")
GIVEN = {
    "industrial_use": 1e5,
    "emissions_total": 5_000.0,
    "storm_mm": 100.0,
    "years": 5.0,
    "uhi_max": 3.5,
}
METHODS: dict[str, tuple[Profile, dict[str, str]]] = {
    "index": ("index", {}),
    "biophysical": ("biophysical", {}),
    "second methods": (
        "biophysical",
        {
            "water_conservation": "fu",
            "cooling": "lst",
            "carbon_sink": "npp",
            "biodiversity": "habitat_quality",
            "recreation": "una",
        },
    ),
    "third methods": ("biophysical", {"water_conservation": "zhang", "carbon_sink": "stock"}),
}


def methods_of(profile: Profile, named: dict[str, str]) -> dict[str, Method]:
    return {
        one.id: next(m for m in one.methods if m.id == named.get(one.id, one.default(profile).id))
        for one in ECOSERVICES
    }


def required(method: Method) -> dict[str, float]:
    return {
        one.name: GIVEN[one.name]
        for quantity in quantities_of(method)
        for one in quantity.parameters
        if one.default is None
    }


def without_industry() -> dict[str, dict[str, float]]:
    numbers = {service: required(m) for service, m in methods_of("biophysical", {}).items()}
    numbers["water_conservation"]["industrial_use"] = 0.0
    return numbers


def run(layers: Layers, case: str = "biophysical", **more: Any) -> AssessmentResult:
    profile, named = METHODS[case]
    methods = methods_of(profile, named)
    asked: dict[str, Any] = {
        "profile": profile,
        "methods": {service: method.id for service, method in methods.items()},
        "parameters": {service: required(method) for service, method in methods.items()},
        "kinds": KINDS,
    }
    return assess(layers, 100.0, **asked | more)


@pytest.mark.parametrize("case", METHODS)
def test_windows_give_the_bytes_of_the_whole(layers: Layers, case: str) -> None:
    layers["npp"][20:25, 10:14] = np.nan
    whole = run(layers, case)
    tiled = run(layers, case, window_cells=17)
    assert whole.layers.keys() == tiled.layers.keys()
    for key, values in whole.layers.items():
        assert values.tobytes() == tiled.layers[key].tobytes(), key
    assert whole.figures == tiled.figures


@pytest.mark.parametrize("case", METHODS)
def test_ratios_stay_in_range_and_supply_and_demand_are_not_negative(
    layers: Layers, case: str
) -> None:
    found = run(layers, case).layers
    for service in ECOSERVICES:
        for kind in ("supply", "demand"):
            assert np.nanmin(found[f"{kind}.{service.id}"]) >= 0
        ratio = found[f"ratio.{service.id}"]
        assert -2 <= np.nanmin(ratio) <= np.nanmax(ratio) <= 2
        assert set(np.unique(found[f"quadrant.{service.id}"])) <= {0, 1, 2, 3, 4}


@pytest.mark.parametrize("case", METHODS)
def test_a_cell_is_valid_where_everything_required_is_known(layers: Layers, case: str) -> None:
    layers["dem"][30, 30] = np.nan
    layers["night_lights"][31, 5] = np.nan
    found = run(layers, case).layers
    valid = found["valid"] == 1
    assert not valid[30, 30]
    assert not valid[31, 5]
    assert not valid[layers["land_cover"] == 0].any()
    np.testing.assert_array_equal(valid, np.isfinite(found["ratio"]))


def test_water_and_built_up_keep_no_soil_and_lose_none(layers: Layers) -> None:
    found = run(layers).layers
    hard = np.isin(layers["land_cover"], (7, 8)) & (found["valid"] == 1)
    assert hard.any()
    for kind in ("supply", "demand"):
        assert (found[f"{kind}.soil_retention"][hard] == 0).all()


@pytest.mark.parametrize("dark", ["nothing", "night_lights", "population"])
def test_demand_for_carbon_adds_up_to_the_emissions(layers: Layers, dark: str) -> None:
    numbers = without_industry()
    zero = {dark: layers[dark] * 0} if dark in layers else {}
    demand = run(layers | zero, parameters=numbers).layers["demand.carbon_sink"]
    assert np.nansum(demand, dtype=np.float64) == pytest.approx(5_000, rel=1e-6)


def test_neither_lights_nor_people_leave_emissions_without_a_place(layers: Layers) -> None:
    nothing = {name: layers[name] * 0 for name in ("night_lights", "population")}
    with pytest.raises(InvalidInput) as caught:
        run(layers | nothing)
    assert caught.value.message_zh != caught.value.message


def test_no_emissions_are_no_demand(layers: Layers) -> None:
    parameters = without_industry()
    parameters["carbon_sink"]["emissions_total"] = 0.0
    nothing = {name: layers[name] * 0 for name in ("night_lights", "population")}
    found = run(layers | nothing, parameters=parameters).layers
    assert np.nanmax(found["demand.carbon_sink"]) == 0


def test_a_flat_plain_is_assessed(layers: Layers) -> None:
    found = run(layers | {"dem": np.full(layers["dem"].shape, 20.0)}).layers
    inner = found["valid"] == 1
    assert inner.any()
    assert np.isfinite(found["ratio"][inner]).all()


def test_where_no_rain_falls_curves_of_evaporation_know_nothing(layers: Layers) -> None:
    layers["rainfall"][25:28, 25:28] = 0
    found = run(layers, "second methods").layers
    assert np.isnan(found["supply.water_conservation"][26, 26])
    assert found["valid"][26, 26] == 0


def test_one_class_of_land_cover_and_constant_layers_tell_nothing_apart(layers: Layers) -> None:
    forest = np.full_like(layers["land_cover"], 2)
    found = run(layers | {"land_cover": forest, "ndvi": layers["ndvi"] * 0 + 0.5}, "index").layers
    assert np.isfinite(found["ratio"][5:-5, 5:-5]).all()


def test_layers_of_different_shapes_are_refused(layers: Layers) -> None:
    with pytest.raises(InvalidInput, match="of one shape"):
        run(layers | {"npp": layers["npp"][1:]})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("land_cover", 258, "whole numbers from 0 to 255"),
        ("land_cover", -1.0, "whole numbers from 0 to 255"),
        ("land_cover", 2.5, "whole numbers from 0 to 255"),
        ("land_cover", np.inf, "whole numbers from 0 to 255"),
        ("npp", "a", "numbers"),
    ],
)
def test_what_is_no_number_or_class_is_refused(
    layers: Layers, name: str, value: Any, words: str
) -> None:
    values = layers[name].astype(np.asarray(value).dtype if name == "land_cover" else "U9")
    values[3, 4] = value
    with pytest.raises(InvalidInput, match=f"{name} must hold {words}") as caught:
        run(layers | {name: values})
    assert [fault.pointer for fault in caught.value.faults] == [f"/layers/{name}"]
    assert name in caught.value.message_zh


def test_classes_may_be_whole_numbers_of_any_type(layers: Layers) -> None:
    cover = layers["land_cover"].astype(np.float32)
    cover[cover == 0] = np.nan
    expected, found = run(layers), run(layers | {"land_cover": cover, "sea": cover != cover})
    for key, values in expected.layers.items():
        assert values.tobytes() == found.layers[key].tobytes(), key


def test_layers_without_a_valid_cell_are_refused(layers: Layers) -> None:
    with pytest.raises(InvalidInput, match="no cell is valid; without any value: npp") as caught:
        run(layers | {"npp": np.full_like(layers["npp"], np.nan)}, "index")
    assert [fault.pointer for fault in caught.value.faults] == ["/layers/npp"]
    halves = {name: layers[name].astype(float) for name in ("npp", "ndvi")}
    halves["npp"][:, :20], halves["ndvi"][:, 20:] = np.nan, np.nan
    with pytest.raises(InvalidInput, match="no cell is valid") as caught:
        run(layers | halves, "index")
    assert [fault.pointer for fault in caught.value.faults] == ["/layers"]


def test_all_missing_layers_are_named(layers: Layers) -> None:
    del layers["npp"], layers["lst"], layers["summer_temperature"]
    with pytest.raises(InvalidInput) as caught:
        run(layers)
    assert {fault.pointer for fault in caught.value.faults} == {
        "/datasets/npp",
        "/datasets/summer_temperature",
    }


def test_a_missing_layer_of_no_dataset_is_named(layers: Layers) -> None:
    del layers["latitude"], layers["evapotranspiration"], layers["reference_et"]
    with pytest.raises(InvalidInput, match="latitude") as caught:
        run(layers, "index")
    (fault,) = caught.value.faults
    assert fault.pointer == "/layers/latitude"
    assert "纬度" in (fault.detail_zh or "")


def test_an_estimate_stands_in_only_where_a_measured_layer_is_missing(layers: Layers) -> None:
    measured = run(layers, "index").assembled.graph.quantities["evaporation"].source
    del layers["evapotranspiration"]
    by_class = run(layers, "index").assembled.graph.quantities["evaporation"].source
    assert measured == "given"
    assert by_class.startswith("Kc times")


def test_a_method_may_stand_in_for_one_that_cannot_be_had(layers: Layers) -> None:
    """The numbers it needs must be given as well."""
    numbers = {service: required(m) for service, m in methods_of("biophysical", {}).items()}
    request = AssessmentRequest(
        profile="biophysical",
        weights=weight_shares(None),
        choices={
            service: MethodChoice(None, ParameterChanges(given))
            for service, given in numbers.items()
        },
        allow_fallback=True,
    )
    found = assemble(ECOSERVICES, request, layers.keys() - {"summer_temperature", "lst"})
    assert found.methods["cooling"].id == "index"
    assert found.taken.fallbacks["cooling"] == ("ucm", ("summer_temperature",))
