"""The assessment a scenario is held against: what fits, and what is told where it does not."""

from typing import Any

import pytest

from shanhai.processes.kit.task import AssessedTask, RegionTask
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.resolve import judge_assessed

EDIT: dict[str, Any] = {
    "kind": "restore",
    "name_zh": "造林",
    "cover": "forest",
    "geometry": {"type": "Polygon", "coordinates": []},
}


def region(code: str = "a", epsg: int = 4548) -> RegionTask:
    return RegionTask(code=code, name_zh="甲", name_en="A", epsg=epsg, geometry={})


def faults(
    process: str = "delineate-zones",
    compare: tuple[str, ...] = ("supply_demand_ratio", "zones"),
    *,
    of: RegionTask | None = None,
    assessed: dict[str, Any] | None = None,
    **inputs: Any,
) -> list[str]:
    asked = RunScenarioInputs.model_validate(
        {"region": "a", "cell_m": 100, "edits": [EDIT], "compare": [*compare], **inputs}
    )
    task = AssessedTask(
        process=process, inputs={"cell_m": 100.0, "crs": None, **(assessed or {})}, themes=[]
    )
    found = judge_assessed(asked, task, region(), of or region())
    assert all(one.detail_zh and one.detail_zh != one.detail for one in found)
    return [one.pointer for one in found]


def test_one_of_the_same_grid_fits() -> None:
    assert faults() == []
    assert faults("assess-ecoservices", ("supply_demand_ratio",)) == []
    assert faults(assessed={"crs": "EPSG:4548"}) == []


@pytest.mark.parametrize("process", ["build-network", "assess-ecoservices"])
def test_zones_are_those_of_a_zoning(process: str) -> None:
    assert faults(process) == ["/inputs/assessment"]


@pytest.mark.parametrize(
    ("pointer", "differing"),
    [
        ("/inputs/assessment", {"of": region("b")}),
        ("/inputs/cell_m", {"cell_m": 200}),
        ("/inputs/crs", {"of": region(epsg=4547)}),
        ("/inputs/crs", {"crs": "EPSG:4547"}),
        ("/inputs/crs", {"assessed": {"crs": "EPSG:4549"}}),
    ],
)
def test_what_differs_is_told_where_it_was_said(pointer: str, differing: dict[str, Any]) -> None:
    assert faults(**differing) == [pointer]
