"""Edits as they are asked for: which say enough, which lie where they may."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from shapely import LineString, MultiPoint, Point, Polygon, box
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.kit.task import AreaTask
from shanhai.processes.local_run import check_inputs
from shanhai.processes.run_scenario.contract import MOST_EDITS, RunScenarioInputs
from shanhai.processes.run_scenario.edit_checks import MOST_VERTICES, judge_edits


def geojson(shape: BaseGeometry) -> dict[str, Any]:
    """As it comes in a request: positions are lists."""
    found: dict[str, Any] = json.loads(json.dumps(mapping(shape)))
    return found


REGION = geojson(box(118.0, 24.0, 119.0, 25.0))
INSIDE = box(118.2, 24.2, 118.3, 24.3)


def edit(kind: str = "restore", shape: BaseGeometry = INSIDE, **members: Any) -> dict[str, Any]:
    saying: dict[str, dict[str, Any]] = {
        "restore": {"cover": "forest"},
        "set_cover": {"cover": "built_up"},
        "build_road": {"road": "main"},
        "set_resistance": {"resistance": 5},
    }
    return {
        "kind": kind,
        "name_zh": "编辑",
        "geometry": geojson(shape),
        **saying.get(kind, {}),
        **members,
    }


def asked(*edits: dict[str, Any], **more: Any) -> RunScenarioInputs:
    return RunScenarioInputs.model_validate({"region": "a", "edits": [*edits], **more})


def refused(given: dict[str, Any]) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidInput) as caught:
        check_inputs(RunScenarioInputs, {"region": "a", **given})
    return [(fault.pointer, fault.detail_zh) for fault in caught.value.faults]


def faults(*edits: dict[str, Any], themes: tuple[str, ...] = ("roads",), **more: Any) -> list[str]:
    found = judge_edits(asked(*edits), REGION, themes, **more)
    assert all(one.detail_zh and one.detail_zh != one.detail for one in found)
    return [one.pointer for one in found]


@pytest.mark.parametrize(
    ("given", "member"),
    [
        (edit("restore", cover="built_up"), "cover"),
        (edit("restore", cover=None), "cover"),
        (edit("restore", road="main"), "road"),
        (edit("set_resistance", table_class="urban"), "table_class"),
        (edit("set_resistance", resistance=None), "resistance"),
        (edit("build_barrier", resistance=5), "resistance"),
        (edit("remove_barrier", cover="forest"), "cover"),
        (edit(project="p.1"), "project"),
        (edit(geometry=None), "geometry"),
    ],
)
def test_an_edit_says_one_thing_of_one_place(given: dict[str, Any], member: str) -> None:
    with pytest.raises(ValidationError):
        asked(given)
    (pointer, zh), *_ = refused({"edits": [given]})
    assert pointer == f"/inputs/edits/0/{member}"
    assert zh is not None
    assert "须" in zh


@pytest.mark.parametrize("value", [0.5, 1001, -1])
def test_resistances_lie_in_their_range(value: float) -> None:
    found = refused({"edits": [edit("set_resistance", resistance=value)]})
    assert [pointer for pointer, _ in found] == ["/inputs/edits/0/resistance"]


def test_there_are_some_edits_and_not_too_many() -> None:
    assert [pointer for pointer, _ in refused({"edits": []})] == ["/inputs/edits"]
    many = [edit()] * (MOST_EDITS + 1)
    assert [pointer for pointer, _ in refused({"edits": many})] == ["/inputs/edits"]
    assert [pointer for pointer, _ in refused({})] == ["/inputs/edits"]


def test_everything_is_compared_once() -> None:
    ((pointer, zh),) = refused({"edits": [edit()], "compare": ["zones", "zones"]})
    assert pointer == "/inputs/compare"
    assert zh is not None
    assert "重复" in zh


def test_without_a_network_no_supply_is_needed() -> None:
    assert asked(edit()).needs_supplies
    assert not asked(edit(), compare=["supply_demand_ratio", "zones"]).needs_supplies


def test_a_question_to_the_network_is_refused() -> None:
    ((pointer, zh),) = refused({"edits": [edit()], "parameters": {"links": {"sensitivity": True}}})
    assert pointer == "/inputs/parameters"
    assert zh is not None
    assert "请用 build-network" in zh


def test_edits_within_the_region_are_right() -> None:
    line = LineString([(118.2, 24.2), (118.6, 24.2)])
    assert (
        faults(
            edit(),
            edit("set_cover"),
            edit("build_road", line),
            edit("build_barrier", line),
            edit("set_resistance", Point(118.5, 24.5)),
            edit("remove_barrier", MultiPoint([(118.5, 24.5), (118.6, 24.5)])),
        )
        == []
    )


def test_an_edit_on_the_border_may_miss_it_by_a_metre() -> None:
    assert faults(edit(shape=box(118.0 - 5e-6, 24.2, 118.1, 24.3))) == []
    assert faults(edit(shape=box(117.999, 24.2, 118.1, 24.3))) == ["/inputs/edits/0/geometry"]
    assert faults(edit(), edit(shape=box(10, 10, 11, 11))) == ["/inputs/edits/1/geometry"]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("restore", LineString([(118.2, 24.2), (118.6, 24.2)])),
        ("set_cover", Point(118.5, 24.5)),
        ("build_road", Point(118.5, 24.5)),
        ("build_barrier", Point(118.5, 24.5)),
    ],
)
def test_what_an_edit_is_drawn_as(kind: str, shape: BaseGeometry) -> None:
    assert faults(edit(kind, shape)) == ["/inputs/edits/0/geometry"]


def test_geometries_are_valid_and_not_too_large() -> None:
    bow = Polygon([(118.1, 24.1), (118.2, 24.2), (118.2, 24.1), (118.1, 24.2)])
    assert faults(edit(shape=bow)) == ["/inputs/edits/0/geometry"]
    assert faults(edit(geometry={"type": "Polygon"})) == ["/inputs/edits/0/geometry/coordinates"]
    assert faults(edit(geometry={"type": "Cube"})) == ["/inputs/edits/0/geometry/type"]
    wavy = LineString([(118.1 + n * 1e-5, 24.1) for n in range(MOST_VERTICES + 1)])
    assert faults(edit("build_road", wavy)) == ["/inputs/edits/0/geometry"]


def test_all_faults_are_told() -> None:
    bad = edit("restore", Point(118.5, 24.5))
    outside = edit(shape=box(117, 24, 118.1, 24.3))
    assert faults(bad, edit(), outside) == ["/inputs/edits/0/geometry", "/inputs/edits/2/geometry"]


def test_a_road_needs_roads() -> None:
    line = LineString([(118.2, 24.2), (118.6, 24.2)])
    assert faults(edit("build_road", line), themes=("land_cover",)) == ["/inputs/edits/0/kind"]
    assert faults(edit("build_road", line), themes=("main_roads",)) == []


def test_a_class_is_one_of_the_table() -> None:
    named = edit("set_resistance", resistance=None, table_class="moon")
    assert faults(named) == ["/inputs/edits/0/table_class"]
    assert faults(named | {"table_class": "orchard"}) == []


def test_a_project_must_be_there_and_may_be_out_of_place() -> None:
    named = {key: value for key, value in edit().items() if key != "geometry"} | {"project": "p.1"}
    assert faults(named) == ["/inputs/edits/0/project"]
    area = AreaTask(
        kind="project",
        code="p.1",
        name_zh="项目",
        name_en="Project",
        checksum="",
        geometry=geojson(INSIDE),
    )
    assert faults(named, areas=[area]) == []
    assert faults(named | {"project": "p.2"}, areas=[area]) == ["/inputs/edits/0/project"]
    away = area.model_copy(update={"geometry": geojson(box(1, 1, 2, 2))})
    assert faults(named, areas=[away]) == ["/inputs/edits/0/project"]
