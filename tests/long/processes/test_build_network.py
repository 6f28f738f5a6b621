"""Whole networks, from the request to the files."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import WOODS, Watershed, network_task
from shanhai.processes.build_network.contract import BUILD_NETWORK, RASTERS
from shanhai.processes.kit.task import Outcome, Task
from shanhai.processes.reproduction import read_manifest, reproduce
from tests.support.computed import band, compute, document, silent
from tests.support.networks import flags_of, found, with_cover
from tests.support.process_runs import require_same_files
from tests.support.scenario_edits import on_land

CELLS = 64


@pytest.fixture(scope="module")
def built(
    linked_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("built") / "work"
    return workspace, compute(network_task(linked_watershed), workspace)


def features(workspace: Path, name: str) -> list[dict[str, Any]]:
    return list(document(workspace, f"{name}.geojson")["features"])


def nodes(workspace: Path, kind: str) -> list[dict[str, Any]]:
    return [
        one for one in features(workspace, "corridor_nodes") if one["properties"]["kind"] == kind
    ]


def test_an_attempt_goes_on_from_what_a_former_one_finished(
    linked_watershed: Watershed,
    built: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "shanhai.processes.build_network.compute.write_maps_and_report", lambda *_: []
    )
    resume(network_task(linked_watershed), 85, built[0])


def test_every_promised_output_is_there(built: tuple[Path, Outcome]) -> None:
    workspace, outcome = built
    names = {file.name for file in outcome.files}
    assert {output.name for output in BUILD_NETWORK.outputs} - names == {"layers", "report_pdf"}
    assert {file.name for file in outcome.files if file.kind == "raster"} == set(RASTERS)
    assert all((workspace / file.path).is_file() for file in outcome.files)
    assert not (workspace / "scratch").exists()
    assert outcome.values["status"] == "connected"
    assert outcome.warnings == []


def test_the_report_says_priorities_and_covers_in_words(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    page = (workspace / "report.html").read_text(encoding="utf-8")
    spots = [
        one["properties"] for kind in ("pinch_point", "barrier") for one in nodes(workspace, kind)
    ]
    told = {str(one["priority"]) for one in spots}
    told |= {str(one["barrier_type"]) for one in spots if one.get("barrier_type")}
    assert told
    assert [code for code in told if f"<td>{code}</td>" in page] == []
    named = {"priority": "优先", "key": "重点", "general": "一般"}
    assert all(f"<td>{named[one['priority']]} <span" in page for one in spots)


def test_the_report_names_classes_of_roads(linked_watershed: Watershed, tmp_path: Path) -> None:
    line = on_land(linked_watershed, (0.44, 0.0), (0.44, 0.5), (0.44, 1.0))
    roads = [{"road_class": "motorway", "geometry": line}]
    compute(network_task(linked_watershed, {"roads": roads}), tmp_path / "work")
    page = (tmp_path / "work" / "report.html").read_text(encoding="utf-8")
    assert '<td>高速公路 <span class="en" lang="en">Motorway</span></td>' in page
    assert "<td>motorway</td>" not in page


def test_the_sources_are_the_woods(
    built: tuple[Path, Outcome], linked_watershed: Watershed
) -> None:
    workspace, _ = built
    sources = nodes(workspace, "source")
    assert len(sources) == len(WOODS)
    areas = [one["properties"]["area_ha"] for one in sources]
    assert areas == sorted(areas, reverse=True)
    for one in sources:
        # The core of a round wood is the wood without its edge.
        outline = shape(one["properties"]["footprint"])
        assert outline.is_valid
        assert outline.geom_type == "MultiPolygon"
    assert sources[0]["properties"]["red_line_share"] > 0.9
    assert sources[1]["properties"]["red_line_share"] == 0


def test_a_corridor_costs_its_length_times_its_resistance(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    rows = document(workspace, "statistics.json")["corridors"]
    assert len(rows) == 6
    for one in rows:
        assert one["lcd_cost_m"] == pytest.approx(
            one["length_m"] * one["mean_resistance"], rel=1e-6
        )
        assert one["length_m"] >= one["euclid_m"]
        # Through the air there is no shorter way than through the grid of resistors.
        assert 0 < one["r_eff_ohm"] <= one["lcd_cost_m"] / 100
        assert one["width_min_m"] <= 2 * one["width_mean_m"]
        assert 0 < one["current_width_min_m"] <= one["current_width_mean_m"]
        assert sum(one["composition_percent"].values()) == pytest.approx(100, abs=0.01)
        assert 0 <= one["red_line_share"] <= 1
    main = {one["code"] for one in rows if one["class"] == "main"}
    assert {one["code"] for one in rows if one["in_mst"]} <= main


def test_lines_and_footprints_are_valid_and_lie_on_one_another(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    for one in features(workspace, "corridor_lines"):
        line, footprint = shape(one["geometry"]), shape(one["properties"]["footprint"])
        assert line.is_valid
        assert footprint.is_valid
        assert (line.geom_type, footprint.geom_type) == ("MultiLineString", "MultiPolygon")
        assert shapely.length(shapely.intersection(line, footprint)) > 0.99 * line.length


def test_every_node_is_a_point_on_its_footprint(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    told = features(workspace, "corridor_nodes")
    assert {one["geometry"]["type"] for one in told} == {"Point"}
    drawn = [one for one in told if one["properties"]["footprint"] is not None]
    assert {one["properties"]["kind"] for one in drawn} == {"source", "pinch_point", "barrier"}
    for one in drawn:
        assert shape(one["properties"]["footprint"]).covers(shape(one["geometry"]))
    for name, kind in (("corridor_nodes", "Point"), ("corridor_lines", "MultiLineString")):
        assert {one["geometry"]["type"] for one in features(workspace, name)} == {kind}


def test_rasters_hold_what_was_found(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    resistance, corridors = band(workspace, "resistance"), band(workspace, "corridors")
    current, barriers = band(workspace, "current"), band(workspace, "barriers")
    assert np.nanmin(resistance) == 1
    assert np.nanmax(resistance) <= 1000
    assert np.nanmin(corridors) == 0
    inside = np.isfinite(corridors)
    # Current flows in all of the corridors, and is told between the sources only.
    free = inside & (resistance > 1)
    assert free.any()
    assert np.isfinite(current[free]).all()
    assert np.isnan(current[~inside]).all()
    assert np.nanmin(current) >= 0
    assert np.nanmin(barriers) > 0
    codes = np.nan_to_num(band(workspace, "mspa")).astype(int)
    told = {one["value"]: one["cells"] for one in document(workspace, "statistics.json")["pattern"]}
    assert told == {value: int(np.count_nonzero(codes == value)) for value in told}


def test_barriers_lie_on_the_street_of_houses(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    barriers = nodes(workspace, "barrier")
    assert barriers
    for one in barriers:
        assert one["properties"]["barrier_type"] == "built_up"
        pieces = one["properties"]["fragments"]
        assert "built_up" in {piece["kind"] for piece in pieces}
        known_ha = sum(piece["area_ha"] for piece in pieces)
        assert known_ha == pytest.approx(one["properties"]["area_ha"])
        assert one["properties"]["priority"] in {"priority", "key", "general"}
    levels = [one["properties"]["priority"] for one in barriers]
    assert levels.count("priority") >= 1


def test_breaks_are_crossings_of_the_main_road_and_houses(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    breaks = nodes(workspace, "crossing")
    assert {one["properties"]["reason"] for one in breaks} == {"built_up", "main_road"}
    for one in document(workspace, "statistics.json")["corridors"]:
        own = [b for b in breaks if b["properties"]["corridors"] == [one["code"]]]
        assert len(own) == one["n_breakpoints"]
        assert one["breakpoints_measured"] == ["built_up", "main_road"]


def test_the_grove_is_a_stepping_stone(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    assert nodes(workspace, "stepping_stone")
    for one in nodes(workspace, "stepping_stone"):
        assert one["geometry"]["type"] == "Point"
        assert one["properties"]["area_ha"] >= 1
        assert one["properties"]["corridors"]


def test_the_table_tells_the_same_as_the_document(built: tuple[Path, Outcome]) -> None:
    workspace, _ = built
    with (workspace / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}
    for one in document(workspace, "statistics.json")["corridors"]:
        assert float(rows[one["code"]]["gravity"]) == one["gravity"]
        assert rows[one["code"]]["source_b"] == one["source_b"]


def test_two_processes_and_small_windows_give_the_same_bytes(
    built: tuple[Path, Outcome],
    linked_watershed: Watershed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 17)
    outcome = compute(network_task(linked_watershed, processes=2), tmp_path / "work")
    require_same_files(built[0], tmp_path / "work")
    assert outcome.manifest["network"] == built[1].manifest["network"]


def test_a_network_is_reproduced_from_its_manifest(
    built: tuple[Path, Outcome], linked_watershed: Watershed, tmp_path: Path
) -> None:
    workspace, _ = built
    files = next(iter(linked_watershed.rasters.values())).parent
    compared = reproduce(
        read_manifest(workspace / "manifest.json"),
        files=files,
        workspace=tmp_path / "again",
        progress=silent,
    )
    assert {one.name for one in compared} >= {"current", "corridor_lines", "report", "map_zh"}
    assert [one.name for one in compared if not one.same] == []


def test_names_are_kept_where_half_overlaps(
    built: tuple[Path, Outcome], linked_watershed: Watershed, tmp_path: Path
) -> None:
    workspace, _ = built
    known = next(one for one in features(workspace, "corridor_lines") if one["id"] == "c002")
    names = [
        {"name_zh": "五缘湾—万石山", "name_en": "Wuyuan", "geometry": known["geometry"]},
        {"name_zh": "别处", "geometry": {"type": "LineString", "coordinates": [[1, 1], [2, 2]]}},
    ]
    with found(network_task(linked_watershed, {"names": names}), tmp_path) as network:
        by_code = {one.code: one.title for one in network.corridors}
        assert flags_of(network) == []
    assert (by_code["c002"].zh, by_code["c002"].en) == ("五缘湾—万石山", "Wuyuan")
    assert by_code["c001"].zh.startswith("廊道")
    assert "别处" not in {one.zh for one in by_code.values()}


def test_parts_that_no_way_joins_are_flagged(linked_watershed: Watershed, tmp_path: Path) -> None:
    def flood(cover: np.ndarray) -> None:
        cover[CELLS * 38 // 100 - 1 : CELLS * 38 // 100 + 2] = 0

    task = with_cover(linked_watershed, tmp_path, network_task(linked_watershed), flood)
    outcome = compute(task, tmp_path / "work")
    assert outcome.values["status"] == "disconnected"
    assert [one["code"] for one in outcome.warnings] == ["disconnected"]
    pairs = document(tmp_path / "work", "statistics.json")["disconnected_pairs"]
    assert len(pairs) == 4
    assert {one["status"] for one in pairs} == {"disconnected"}
    assert outcome.values["indices"]["components"] == 2


def test_factors_that_are_missing_are_told(linked_watershed: Watershed, tmp_path: Path) -> None:
    without = ("roads", "main_roads", "dem", "night_lights")
    outcome = compute(network_task(linked_watershed, without=without), tmp_path / "work")
    assert outcome.manifest["network"]["resistance"]["left_out"] == ["slope", "roads"]
    assert outcome.manifest["network"]["resistance"]["night_lights"] == "none"
    assert [one["code"] for one in outcome.warnings] == ["factors_left_out"]
