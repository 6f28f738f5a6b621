from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import EASY, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.run_scenario.before_after import rehearse
from shanhai.raster.geotiff import read_geotiff
from tests.support.computed import band, compute, document
from tests.support.process_runs import TIMED, require_same_files
from tests.support.scenario_edits import (
    Edit,
    eased,
    felled,
    fence,
    on_land,
    passage,
    planted,
    scenario_task,
    street,
    wall,
)

TELLS_WHAT_IS_ANEW = {"statistics.json", "corridors_table.csv", "corridor_lines.geojson"}
WEST_NORTH = (520_000.0, 2_750_000.0)
SIDE = 6400.0
WRITING = "shanhai.processes.run_scenario.outputs.write_maps_and_report"
"""What takes longer than all the rest of a scenario."""
MAKERS = (planted, street, wall, fence, passage, felled, eased)


def along(workspace: Path, layer: str, south: float, *east: float) -> list[float]:
    """Values at places in parts of the watershed's raster, from the north-west."""
    found = read_geotiff(workspace / f"{layer}.tif")
    cell, _, west, _, _, north = found.transform
    row = int((north - WEST_NORTH[1] + south * SIDE) / cell)
    return [
        float(found.values[0][row, int((WEST_NORTH[0] - west + one * SIDE) / cell)]) for one in east
    ]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios without maps and pages."""
    monkeypatch.setattr(WRITING, lambda *_: [])


def links_of(workspace: Path) -> dict[str, Any]:
    return {one["code"]: one for one in document(workspace)["links"]}


def without_anew(workspace: Path) -> tuple[Any, ...]:
    """What a scenario tells, but for what of it was computed again."""
    told = document(workspace)
    del told["anew"]
    for one in told["links"]:
        del one["computed_anew"]
    shapes = document(workspace, "corridor_lines.geojson")["features"]
    for one in shapes:
        del one["properties"]["computed_anew"]
    return told, shapes


@pytest.mark.usefixtures("bare")
class TestParts:
    @pytest.mark.parametrize(
        ("maker", "links"),
        [*((maker, EASY["links"]) for maker in MAKERS), (MAKERS[0], {"swath": "current"})],
    )
    def test_partial_equals_complete(
        self,
        linked_watershed: Watershed,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        maker: Any,
        links: Any,
    ) -> None:
        monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 16)
        inputs = {"parameters": {**EASY, "links": links}}
        task = scenario_task(linked_watershed, [maker(linked_watershed)], inputs)
        compute(task, tmp_path / "partial")
        monkeypatch.setattr(
            "shanhai.processes.run_scenario.compute.rehearse", partial(rehearse, complete=True)
        )
        compute(task, tmp_path / "complete")
        require_same_files(
            tmp_path / "partial", tmp_path / "complete", but=TIMED | TELLS_WHAT_IS_ANEW
        )
        assert without_anew(tmp_path / "partial") == without_anew(tmp_path / "complete")
        anew = document(tmp_path / "partial")["anew"]
        whole = document(tmp_path / "complete")["anew"]
        assert anew["windows"] < anew["windows_in_all"] == whole["windows"]
        assert anew["links"] < anew["links_in_all"] == whole["links"]

    def test_an_edit_to_what_is_there_changes_nothing(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        edit = {
            "kind": "set_cover",
            "name_zh": "不变",
            "cover": "forest",
            "geometry": on_land(linked_watershed, (0.2, 0.22), (0.25, 0.28)),
        }
        outcome = compute(scenario_task(linked_watershed, [edit]), tmp_path / "work")
        assert [one["code"] for one in outcome.warnings] == ["importance_held", "nothing_changed"]
        told = document(tmp_path / "work")
        assert (told["anew"]["links"], told["anew"]["searches"]) == (0, 0)
        assert told["changes"]["same"] == 6
        assert np.nanmax(np.abs(band(tmp_path / "work", "resistance_change"))) == 0

    def test_a_passage_makes_its_corridor_cheaper(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        compute(scenario_task(linked_watershed, [passage(linked_watershed)]), tmp_path / "work")
        link = links_of(tmp_path / "work")["c004"]
        assert link["name_zh"] is None
        assert (link["source_a"], link["source_b"], link["change"]) == ("s002", "s003", "cheaper")
        assert link["lcd_change_percent"] < -50
        assert link["r_eff_ohm_after"] < link["r_eff_ohm_before"]
        for south in (0.36, 0.38, 0.41):
            assert along(tmp_path / "work", "resistance_after", south, 0.75) == [1.0]

    def test_a_planted_gap_joins_two_woods(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        outcome = compute(
            scenario_task(linked_watershed, [planted(linked_watershed)]), tmp_path / "work"
        )
        gain = outcome.values["connectivity"]
        assert gain["eca_change_percent"] > gain["area_change_percent"] > 0
        assert gain["improves_connectivity"]
        told = {one["code"]: one for one in document(tmp_path / "work")["sources"]}
        assert told["s004"]["area_ha_after"] is None
        # Core of both woods and of the gap between them.
        assert told["s001"]["area_ha_after"] > sum(
            told[code]["area_ha_before"] for code in ("s001", "s004")
        )
        assert outcome.values["changes"]["merged"] == 3

    def test_a_felled_wood_closes_its_corridors(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        outcome = compute(
            scenario_task(linked_watershed, [felled(linked_watershed)]), tmp_path / "work"
        )
        closed = [one for one in links_of(tmp_path / "work").values() if one["change"] == "closed"]
        assert all("s004" in (one["source_a"], one["source_b"]) for one in closed)
        assert len(closed) == outcome.values["changes"]["closed"] == 3
        assert outcome.values["connectivity"]["eca_change_percent"] < 0

    def test_a_cut_through_a_wood_splits_it(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        edit = felled(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.1, 0.245), (0.34, 0.26))
        }
        sources = EASY["sources"] | {"min_area_ha": 20}
        task = scenario_task(linked_watershed, [edit], {"parameters": {**EASY, "sources": sources}})
        outcome = compute(task, tmp_path / "work")
        codes = {one["code"] for one in document(tmp_path / "work")["sources"]}
        assert "n001" in codes
        split = [one for one in links_of(tmp_path / "work").values() if one["change"] == "split"]
        assert split
        assert outcome.values["changes"]["split"] == len(split)

    def test_a_wall_across_the_land_leaves_parts(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        edit = wall(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.45, 0.01), (0.45, 0.5), (0.45, 0.985))
        }
        outcome = compute(scenario_task(linked_watershed, [edit]), tmp_path / "work")
        assert outcome.values["status"] == {"before": "connected", "after": "disconnected"}
        assert "disconnected_after" in [one["code"] for one in outcome.warnings]
        across = np.arange(0.06, 0.94, 1 / 64)
        assert np.isnan(along(tmp_path / "work", "resistance_after", 0.45, *across)).all()

    def test_of_edits_that_overlap_the_later_counts(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        first = eased(linked_watershed)
        later = first | {
            "resistance": 7,
            "geometry": on_land(linked_watershed, (0.4, 0.5), (0.5, 0.6)),
        }
        compute(scenario_task(linked_watershed, [first, later]), tmp_path / "work")
        found = along(tmp_path / "work", "resistance_after", 0.45, 0.42, 0.48, 0.52, 0.58)
        assert found == [2.0, 2.0, 7.0, 7.0]

    @pytest.mark.parametrize("earlier", [wall, eased, street, passage])
    @pytest.mark.parametrize("later", [felled, street])
    def test_cover_and_road_count_over_what_was_edited_before(
        self, linked_watershed: Watershed, tmp_path: Path, earlier: Any, later: Any
    ) -> None:
        over = later(linked_watershed)
        # Walls, roads and passages hold more cells of a polygon than a cover does.
        inner = on_land(linked_watershed, (0.45, 0.1), (0.6, 0.25))
        within = over["geometry"] if later is street else inner
        edits = [earlier(linked_watershed) | {"geometry": within}, over]
        for name, given in (("both", edits), ("alone", edits[1:])):
            compute(scenario_task(linked_watershed, given), tmp_path / name)
        for layer in ("resistance_after.tif", "corridors_after.tif"):
            both, alone = (tmp_path / name / layer for name in ("both", "alone"))
            assert both.read_bytes() == alone.read_bytes()

    def test_a_road_leaves_the_cover_beneath_it(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        road = street(linked_watershed)
        under = felled(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.13, 0.38), (0.17, 0.42))
        }
        for name, edits in (("road", [road]), ("both", [under, road]), ("cover", [under])):
            compute(scenario_task(linked_watershed, edits), tmp_path / name)
        found = {
            name: along(tmp_path / name, "resistance_after", 0.15, 0.40)[0]
            for name in ("road", "both", "cover")
        }
        assert found["both"] > max(found["road"], found["cover"])

    def test_a_class_of_the_table_is_its_number(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        edit = eased(linked_watershed) | {"resistance": None, "table_class": "industrial"}
        compute(scenario_task(linked_watershed, [edit]), tmp_path / "work")
        assert along(tmp_path / "work", "resistance_after", 0.45, 0.42, 0.58) == [500.0, 500.0]

    def test_a_road_is_felt_as_far_as_the_table_says(
        self, linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        without = ("roads", "night_lights")
        compute(
            scenario_task(linked_watershed, [street(linked_watershed)], without=without),
            tmp_path / "work",
        )
        change = along(tmp_path / "work", "resistance_change", 0.15, 0.40, 0.43, 0.66)
        # Roads weigh 0.2. A main road is 7 and 5 cells off already: 30; on the new one it is 500,
        # two cells off 300, and a kilometre off nothing.
        assert change == pytest.approx([0.2 * 470, 0.2 * 270, 0.0], rel=1e-5)
        assert np.nanmin(band(tmp_path / "work", "resistance_change")) == 0


def refused(watershed: Watershed, folder: Path, *edits: Edit, **inputs: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        compute(scenario_task(watershed, edits, inputs), folder / "work")
    assert all(fault.detail_zh for fault in caught.value.faults)
    return caught.value


@pytest.mark.usefixtures("bare")
class TestRefusals:
    def test_an_edit_without_a_cell(self, linked_watershed: Watershed, tmp_path: Path) -> None:
        tiny = planted(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.5, 0.5), (0.501, 0.501))
        }
        error = refused(linked_watershed, tmp_path, street(linked_watershed), tiny)
        assert error.faults[0].pointer == "/inputs/edits/1/geometry"
        assert "no cell of land" in error.message

    def test_an_edit_at_sea(self, linked_watershed: Watershed, tmp_path: Path) -> None:
        at_sea = planted(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.95, 0.3), (0.98, 0.6))
        }
        error = refused(linked_watershed, tmp_path, at_sea)
        assert error.faults[0].pointer == "/inputs/edits/0/geometry"

    def test_edits_that_leave_no_network(self, linked_watershed: Watershed, tmp_path: Path) -> None:
        all_woods = felled(linked_watershed) | {
            "geometry": on_land(linked_watershed, (0.05, 0.05), (0.8, 0.95))
        }
        error = refused(linked_watershed, tmp_path, all_woods)
        assert error.faults[0].pointer == "/inputs/edits"
        assert error.message.startswith("after the edits there is no network")

    def test_a_place_that_was_not_given(self, linked_watershed: Watershed, tmp_path: Path) -> None:
        named = {
            key: value for key, value in planted(linked_watershed).items() if key != "geometry"
        }
        error = refused(linked_watershed, tmp_path, named | {"project": "nowhere"})
        assert error.faults[0].pointer == "/inputs/edits/0/project"

    def test_fixed_widths_are_found_anew(self, linked_watershed: Watershed, tmp_path: Path) -> None:
        links = {"swath": "fixed_width_m", "swath_value": 500}
        task = scenario_task(
            linked_watershed, [passage(linked_watershed)], {"parameters": {**EASY, "links": links}}
        )
        compute(task, tmp_path / "work")
        anew = document(tmp_path / "work")["anew"]
        assert anew["links"] == anew["links_in_all"]
