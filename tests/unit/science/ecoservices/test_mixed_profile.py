"""What the profile `mixed` takes, and what it tells of what it could not measure."""

import pytest

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.assembly import AssessmentRequest, TakenMethods, assemble
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import (
    MethodChoice,
    ParameterChanges,
    lacks_of_measured,
    wanted_methods,
)
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.matching import weight_shares

SERVICES = {one.id: one for one in ECOSERVICES}
TOTALS = {
    "water_conservation": {"industrial_use": 1e5},
    "carbon_sink": {"emissions_total": 5_000.0},
    "stormwater_regulation": {"storm_mm": 100.0},
}


def given(service: str) -> ParameterChanges:
    return ParameterChanges(parameters=TOTALS.get(service, {}))


def wanted(service: str, changes: ParameterChanges | None = None) -> list[str]:
    choice = MethodChoice(changes=changes or ParameterChanges())
    return [method.id for method in wanted_methods(SERVICES[service], choice, "mixed")]


def taken(*lacking: str, totals: bool = True, **named: str) -> TakenMethods:
    """What a run takes that has every layer but some."""
    choices = {
        one.id: MethodChoice(named.get(one.id), given(one.id) if totals else ParameterChanges())
        for one in ECOSERVICES
    }
    request = AssessmentRequest("mixed", weight_shares(None), choices)
    return assemble(ECOSERVICES, request, LEAVES.keys() - set(lacking)).taken


@pytest.mark.parametrize(
    ("service", "methods"),
    [
        ("water_conservation", ["balance", "fu", "zhang", "index"]),
        # `stock` needs the number of years as well.
        ("carbon_sink", ["nep", "npp", "index"]),
        ("stormwater_regulation", ["scs_cn", "index"]),
        ("soil_retention", ["rusle", "index"]),
        # Serves every profile, so that nothing comes after it.
        ("biodiversity", ["npp_index", "habitat_quality"]),
        ("recreation", ["index", "una"]),
    ],
)
def test_measured_first_and_the_index_last(service: str, methods: list[str]) -> None:
    assert wanted(service, given(service)) == methods


def test_what_lacks_a_total_is_not_tried() -> None:
    for service in TOTALS:
        assert wanted(service) == ["index"]


def test_a_method_by_name_is_the_only_one() -> None:
    found = wanted_methods(SERVICES["cooling"], MethodChoice("lst"), "mixed")
    assert [method.id for method in found] == ["lst"]
    with pytest.raises(InvalidInput, match="cooling has no method 'rusle'"):
        wanted_methods(SERVICES["cooling"], MethodChoice("rusle"), "mixed")


@pytest.mark.parametrize("profile", ["index", "biophysical"])
def test_other_profiles_want_their_default(profile: str) -> None:
    for service in ECOSERVICES:
        (method,) = wanted_methods(service, MethodChoice(), profile)  # type: ignore[arg-type]
        assert method == service.of_profile(profile)[0]  # type: ignore[arg-type]


def test_lacks_are_numbers_or_else_layers() -> None:
    service = SERVICES["carbon_sink"]
    layers = {"nep": ("soil_respiration",), "npp": ("npp",)}
    assert lacks_of_measured(service, given("carbon_sink"), layers) == {
        "nep": ("soil_respiration",),
        "npp": ("npp",),
        "stock": ("years",),
    }


def test_everything_measured_leaves_nothing_to_tell() -> None:
    found = taken()
    assert found.not_measured == {}
    assert {service: method.id for service, method in found.methods.items()} == {
        "water_conservation": "balance",
        "soil_retention": "rusle",
        "cooling": "ucm",
        "carbon_sink": "nep",
        "stormwater_regulation": "scs_cn",
        "biodiversity": "npp_index",
        "recreation": "index",
    }


def test_without_totals_the_services_of_totals_are_indices() -> None:
    found = taken(totals=False)
    assert found.not_measured.keys() == TOTALS.keys()
    assert found.not_measured["stormwater_regulation"] == {"scs_cn": ("storm_mm",)}
    assert found.not_measured["carbon_sink"] == {
        "nep": ("emissions_total",),
        "npp": ("emissions_total",),
        "stock": ("emissions_total", "years"),
    }
    assert found.methods["soil_retention"].id == "rusle"


def test_without_land_cover_layers_are_named_and_indices_taken() -> None:
    found = taken("land_cover")
    assert found.methods["soil_retention"].id == "index"
    assert "land_cover" in found.not_measured["soil_retention"]["rusle"]
    # What is taken of the index profile is no fallback: mixed asks for it.
    assert found.fallbacks == {}
    assert found.left_out == {}


def test_an_index_that_is_asked_for_by_name_lacks_nothing() -> None:
    found = taken(cooling="index")
    assert found.methods["cooling"].id == "index"
    assert found.not_measured == {}
