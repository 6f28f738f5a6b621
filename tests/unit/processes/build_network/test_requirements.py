"""What a network may be asked for, and what it needs."""

from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.processes.build_network.contract import BUILD_NETWORK, BuildNetworkInputs
from shanhai.processes.build_network.requirements import network_faults
from shanhai.processes.run_scenario.contract import RunScenarioInputs

LINE = {"type": "LineString", "coordinates": [[118.0, 24.4], [118.1, 24.5]]}


def asked(**inputs: Any) -> BuildNetworkInputs:
    return BuildNetworkInputs.model_validate({"region": "a", **inputs})


def sources(**choice: Any) -> BuildNetworkInputs:
    return asked(parameters={"sources": choice})


def pointers(inputs: BuildNetworkInputs, *available: str) -> list[str]:
    faults = network_faults(inputs, available)
    assert all(fault.detail_zh for fault in faults)
    return [fault.pointer for fault in faults]


def test_land_cover_and_one_supply_are_enough() -> None:
    assert pointers(asked(), "land_cover", "supply.cooling") == []
    assert pointers(asked()) == ["/inputs/datasets/land_cover", "/inputs/supplies"]


def test_natural_cover_needs_no_supply() -> None:
    assert pointers(sources(candidates="natural_cover"), "land_cover") == []


def test_every_service_with_a_supply_has_a_weight_and_only_those() -> None:
    given = sources(weighting="given", weights={"cooling": 1, "recreation": 2})
    where = ["/inputs/parameters/sources/weights"]
    assert pointers(given, "land_cover", "supply.cooling") == where
    both = ("land_cover", "supply.cooling", "supply.recreation")
    assert pointers(given, *both) == []
    assert pointers(given, *both, "supply.biodiversity") == where


def test_a_network_is_a_draft_unless_it_shall_be_published() -> None:
    assert asked().publish is False


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"parameters": {"sources": {"weighting": "given"}}}, "weights are given"),
        ({"parameters": {"sources": {"weights": {"cooling": 1}}}}, "weights are given"),
        ({"parameters": {"links": {"swath": "cost_cutoff"}}}, "needs swath_value"),
        ({"parameters": {"sources": {"min_area_ha": 1}}}, "greater than 1"),
        ({"names": [{"name_zh": "甲", "geometry": {"type": "Point"}}]}, "geometry must be"),
        (
            {"supplies": {"cooling": "a"}, "assessment": "00000000-0000-0000-0000-000000000000"},
            "supplies or an assessment",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        asked(**inputs)


def test_a_name_has_a_line_or_an_area() -> None:
    (one,) = asked(names=[{"name_zh": "甲", "geometry": LINE}]).names
    assert one.name_en is None


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": [[118.0, 24.4], [118.0, 24.4]]},
        {"type": "Polygon", "coordinates": [[[118.0, 24.4]] * 4]},
        {"type": "Polygon", "coordinates": [[[118, 24], [119, 25], [118, 24], [118, 24]]]},
    ],
)
def test_a_name_without_length_and_area_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="line with a length or a polygon") as caught:
        asked(names=[{"name_zh": "甲", "geometry": geometry}])
    assert caught.value.errors()[0]["loc"] == ("names", 0, "geometry")


def test_no_output_takes_a_name_of_the_results_document() -> None:
    names = [output.name for output in BUILD_NETWORK.outputs]
    assert len(set(names)) == len(names)
    assert not {"links", "values", "warnings", "status"} & set(names)


@pytest.mark.parametrize(
    ("geometry", "rule"),
    [
        ({"type": "Point", "coordinates": [118.0, 24.4]}, "one of LineString, MultiLineString"),
        ({"type": "LineString"}, "with coordinates"),
        ({"type": "LineString", "coordinates": []}, "must lie within longitudes"),
        ({"type": "LineString", "coordinates": [[118.0, 24.4]]}, "make no line"),
        ({"type": "LineString", "coordinates": "118"}, "make no line"),
        ({"type": "LineString", "coordinates": [["a", 1], [2, 3]]}, "make no line"),
        ({"type": "LineString", "coordinates": [[1], [2]]}, "make no line"),
        ({"type": "LineString", "coordinates": None}, "must lie within"),
        ({"type": "LineString", "coordinates": [[500_000, 27e5], [1, 2]]}, "must lie within"),
        ({"type": "LineString", "coordinates": [[float("nan"), 1], [1, 2]]}, "must lie within"),
    ],
)
def test_a_road_is_a_line_in_longitude_and_latitude(geometry: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule) as caught:
        asked(roads=[{"road_class": "primary", "geometry": geometry}])
    assert caught.value.errors()[0]["loc"] == ("roads", 0, "geometry")


def test_a_road_has_a_class() -> None:
    assert asked(roads=[{"road_class": "rail", "geometry": LINE}]).roads[0].on_structure is False
    with pytest.raises(ValidationError, match="road_class"):
        asked(roads=[{"road_class": "footway", "geometry": LINE}])


def test_a_scenario_takes_no_roads() -> None:
    edits = [{"kind": "build_barrier", "name_zh": "墙", "geometry": LINE}]
    with pytest.raises(ValidationError, match="build_road"):
        RunScenarioInputs.model_validate(
            {
                "region": "a",
                "edits": edits,
                "roads": [{"road_class": "rail", "geometry": LINE}],
            }
        )
