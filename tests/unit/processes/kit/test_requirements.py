from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.processes.account_gep.contract import AccountGepInputs
from shanhai.processes.account_gep.requirements import (
    ITEM_LAYERS,
    ITEM_SERVICES,
    account_themes,
    catalogue_of,
    countable_items,
)
from shanhai.processes.evaluate_ecosystem.contract import (
    SERIES_THEMES,
    EvaluateEcosystemInputs,
    evaluation_needs,
    evaluation_themes,
)
from shanhai.processes.kit.lookups import missing_faults
from shanhai.science.gep.catalogue import load_catalogue


def evaluation(**inputs: Any) -> EvaluateEcosystemInputs:
    return EvaluateEcosystemInputs.model_validate({"region": "a", **inputs})


def account(**inputs: Any) -> AccountGepInputs:
    return AccountGepInputs.model_validate({"region": "a", **inputs})


def needed(inputs: EvaluateEcosystemInputs) -> set[tuple[str, ...]]:
    return {alternatives for _, alternatives in evaluation_needs(inputs)}


def test_a_given_supply_takes_the_place_of_its_layers() -> None:
    computed = needed(evaluation(themes=["importance"]))
    assert ("evapotranspiration", "reference_et") in computed
    services = ["water_conservation", "soil_retention", "biodiversity"]
    given = evaluation(themes=["importance"], supplies=dict.fromkeys(services, "x"))
    assert needed(given) == set()
    assert evaluation_themes(given) == ("land_cover",)


def test_resilience_rests_on_quality_unless_a_habitat_is_given() -> None:
    assert ("lai",) in needed(evaluation(themes=["resilience"]))
    assert ("lai",) not in needed(evaluation(themes=["resilience"], supplies={"biodiversity": "x"}))


def test_a_series_is_read_where_it_helps_and_needed_where_it_must_be() -> None:
    assert needed(evaluation(themes=["degradation"])) == {
        tuple(dict.fromkeys(SERIES_THEMES.values()))
    }
    asked = evaluation(themes=["degradation"], parameters={"series": "fvc"})
    assert needed(asked) == {("ndvi_series",)}
    assert {"ndvi_series", "npp_series"} <= set(
        evaluation_themes(evaluation(themes=["resilience"]))
    )


def test_one_layer_that_several_need_is_told_once_with_all_of_them() -> None:
    needs = evaluation_needs(evaluation(themes=["importance", "carbon"]))
    available = {"evapotranspiration", "land_cover", "soil", "dem", "ndvi", "temperature", "npp"}
    faults = {fault.pointer: fault for fault in missing_faults(needs, available)}
    told = faults["/inputs/datasets/rainfall"].detail
    assert told.startswith("water_conservation, biodiversity, carbon needs a dataset of rainfall")
    assert faults["/inputs/datasets/rain_erosivity"].detail.startswith(
        "soil_retention needs a dataset of rain_erosivity or rainfall"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"ndvi_soil": 0.9, "ndvi_vegetation": 0.1},
        {"services": []},
        {"services": ["cooling"]},
        {"region_parents": {"0": 1}},
        {"unknown": 1},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        evaluation(themes=["quality"], parameters=parameters)


@pytest.mark.parametrize(
    ("store", "fits"),
    [
        ({"name": "a", "capacity_m3": 5}, True),
        ({"name": "a", "flood_pool_m3": 5}, True),
        ({"name": "a"}, False),
        ({"name": "a", "kind": "lake", "capacity_m3": 5}, False),
        ({"name": "a", "kind": "lake", "flood_pool_m3": 5}, True),
        ({"name": "a", "flood_pool_m3": -5}, False),
    ],
)
def test_a_store_says_how_much_it_holds(store: dict[str, Any], fits: bool) -> None:
    if fits:
        assert account(stores=[store]).stores[0].name == "a"
    else:
        with pytest.raises(ValidationError):
            account(stores=[store])


def test_every_item_says_what_it_comes_from() -> None:
    for item in load_catalogue("guideline-2020").items.values():
        sources = [item.id in ITEM_SERVICES, item.id in ITEM_LAYERS, item.entered]
        assert sources.count(True) == 1, item.id


def test_an_account_reads_no_layers_of_what_is_given() -> None:
    services = ["water_conservation", "soil_retention", "carbon_sink"]
    assert account_themes(account(supplies=dict.fromkeys(services, "x"))) == (
        *("hydrologic_group", "impervious", "land_cover", "population"),
    )


def test_a_capacity_needs_the_share_of_its_flood_pool() -> None:
    """The unread standard gives none, and an entered flood pool needs none."""
    for store, counted in (({"capacity_m3": 9}, False), ({"flood_pool_m3": 4}, True)):
        inputs = account(
            catalogue="gbt-46869-2025",
            coefficients={"reservoir_cost": 7},
            stores=[{"name": "a", **store}],
        )
        found = countable_items(inputs, catalogue_of(inputs), ())
        assert ("flood_reservoirs" in {item.id for item in found.items}) is counted
