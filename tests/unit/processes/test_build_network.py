import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping, shape

from shanhai.data.synthetic_watershed import EASY, EPSG, WOODS, Watershed, network_task
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.build_network.compute import build
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import BUILD_NETWORK, RASTERS, BuildNetworkInputs
from shanhai.processes.build_network.result import Built, network_flags
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.task import Outcome, Task
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.windows import window_runner

TIMED = {"manifest.json", "report.html", "report.pdf", "report.docx"}
CELLS = 64


def silent(percent: float, stage: str) -> None:
    pass


def compute(task: Task, workspace: Path) -> Outcome:
    workspace.mkdir()
    return compute_of(task.process)(task, workspace, silent)


@contextmanager
def found(task: Task, folder: Path) -> Iterator[Built]:
    """The network of a task without its files."""
    inputs = BuildNetworkInputs.model_validate(task.inputs)
    with window_runner(1, None, (folder,)) as runner:
        place = build_place(task, inputs, folder, open_sources(task, task.datasets), runner)
        yield build(Scene(place, inputs, task), silent)


def changed(**groups: Any) -> dict[str, Any]:
    """Easy parameters with some changes by group."""
    return {
        "parameters": {
            name: {**EASY.get(name, {}), **groups.get(name, {})} for name in {*EASY, *groups}
        }
    }


@pytest.fixture(scope="module")
def built(
    linked_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("built") / "work"
    return workspace, compute(network_task(linked_watershed), workspace)


def band(workspace: Path, layer: str) -> np.ndarray:
    return np.asarray(read_geotiff(workspace / f"{layer}.tif").values[0])


def document(workspace: Path, name: str) -> Any:
    return json.loads((workspace / name).read_bytes())


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
    assert {output.name for output in BUILD_NETWORK.outputs} - names == {"layers"}
    assert {file.name for file in outcome.files if file.kind == "raster"} == set(RASTERS)
    assert all((workspace / file.path).is_file() for file in outcome.files)
    assert not (workspace / "scratch").exists()
    assert outcome.values["status"] == "connected"
    assert outcome.warnings == []


def test_progress_rises_through_the_stages(linked_watershed: Watershed, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    task = network_task(linked_watershed)
    inputs = BuildNetworkInputs.model_validate(task.inputs)
    with window_runner(1, None, (tmp_path,)) as runner:
        place = build_place(task, inputs, tmp_path, open_sources(task, task.datasets), runner)
        build(Scene(place, inputs, task), lambda percent, stage: told.append((percent, stage)))
    assert [stage for _, stage in told] == [
        *("importance", "pattern", "sources", "resistance", "paths"),
        *("current", "pinch_points", "barriers", "metrics"),
    ]
    assert [percent for percent, _ in told] == sorted(percent for percent, _ in told)


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


def test_corridors_are_as_wide_as_most_of_their_current(
    built: tuple[Path, Outcome], linked_watershed: Watershed, tmp_path: Path
) -> None:
    usual = {"parameters": {**EASY, "links": {"swath": "relative"}}}
    narrow = {"parameters": {**EASY, "links": {"swath": "current"}}}
    (tmp_path / "narrow").mkdir()
    with found(network_task(linked_watershed, usual), tmp_path) as network:
        wide = {one.pair: one for one in network.network.links}
    with found(network_task(linked_watershed, narrow), tmp_path / "narrow") as network:
        links = {one.pair: one for one in network.network.links}
        current = network.scene.whole("current")
        told = network.corridors
    assert links.keys() == wide.keys()
    for pair, link in links.items():
        assert link.path.cost == wide[pair].path.cost
        assert 0 < link.width.area_m2 < wide[pair].width.area_m2
        assert np.isnan(current[np.isnan(network.network.corridors)]).all()
    for one in told:
        assert 0 < one.document["r_eff_ohm"] <= one.document["lcd_cost_m"] / 100


def across(watershed: Watershed, south: float) -> dict[str, Any]:
    """A line through the whole of the watershed, from west to east."""
    west, bottom, east, top = watershed.grid.bounds
    y = top - south * (top - bottom)
    line = shapely.LineString([(west, y), (east, y)])
    return dict(mapping(reproject_geometry(line, f"EPSG:{EPSG}", LON_LAT)))


def test_roads_that_are_lines_break_corridors_by_class(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    roads = [
        {"road_class": "primary", "geometry": across(linked_watershed, 0.36)},
        {"road_class": "motorway", "geometry": across(linked_watershed, 0.44)},
        {"road_class": "rail", "on_structure": True, "geometry": across(linked_watershed, 0.41)},
        {"road_class": "other", "geometry": across(linked_watershed, 0.42)},
    ]
    with found(network_task(linked_watershed, {"roads": roads}), tmp_path) as network:
        breaks = [one for one in network.nodes if one.kind == "crossing"]
        corridors = network.corridors
    severities = {"primary": 2, "motorway": 3, None: None}
    assert {one.document["road_class"] for one in breaks} == set(severities)
    for one in breaks:
        told = one.document
        assert told["severity"] == severities[told["road_class"]]
        assert told["reason"] == ("built_up" if told["road_class"] is None else "road")
        assert (told["length_m"] is None) == (told["reason"] == "road")
    for each in corridors:
        assert each.document["breakpoints_measured"] == ["built_up", "road"]
        assert each.document["n_breakpoints"] == len(each.breaks)
    for pair in {(1, 3), (1, 4), (2, 3), (2, 4)} & {each.link.pair for each in corridors}:
        # From the north to the south both lines are in the way, an odd number of times.
        (corridor,) = (each for each in corridors if each.link.pair == pair)
        for road_class in ("primary", "motorway"):
            met = [one.crossings or 0 for one in corridor.breaks if one.road_class == road_class]
            assert sum(met) % 2 == 1


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


def same_files(one: Path, other: Path) -> None:
    names = {path.name for path in one.iterdir()}
    assert names == {path.name for path in other.iterdir()}
    for name in sorted(names - TIMED):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_two_processes_and_small_windows_give_the_same_bytes(
    built: tuple[Path, Outcome],
    linked_watershed: Watershed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 17)
    outcome = compute(network_task(linked_watershed, processes=2), tmp_path / "work")
    same_files(built[0], tmp_path / "work")
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


def flags_of(network: Built) -> list[str]:
    flags = network_flags(
        network.scene,
        network.sources,
        network.network,
        network.corridors,
        network.record["resistance"],
    )
    return [flag.code for flag in flags]


def test_names_that_fit_nothing_are_told(linked_watershed: Watershed, tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[1, 1], [2, 2]]}
    names = [{"name_zh": "别处", "geometry": line}]
    with found(network_task(linked_watershed, {"names": names}), tmp_path) as network:
        assert flags_of(network) == ["no_name_matched"]


@pytest.mark.parametrize("weighting", ["equal", "entropy", "given"])
def test_weights_are_recorded(linked_watershed: Watershed, tmp_path: Path, weighting: str) -> None:
    given = {"biodiversity": 3, "water_conservation": 1} if weighting == "given" else {}
    parameters = changed(sources={"weighting": weighting, "weights": given})
    with found(network_task(linked_watershed, parameters), tmp_path) as network:
        told = {one["service"]: one["weight"] for one in network.record["importance"]["services"]}
    assert sum(told.values()) == pytest.approx(1)
    if weighting == "given":
        assert told["biodiversity"] == 0.75
    if weighting == "equal":
        assert set(told.values()) == {0.5}


def test_natural_cover_needs_no_supply(linked_watershed: Watershed, tmp_path: Path) -> None:
    parameters = changed(sources={"candidates": "natural_cover"})
    without = tuple(theme for theme in linked_watershed.rasters if theme.startswith("supply."))
    with found(network_task(linked_watershed, parameters, without=without), tmp_path) as network:
        assert network.record["importance"] is None
        assert all(
            one.document["importance"] is None for one in network.nodes if one.kind == "source"
        )


def test_no_source_lies_in_excluded_lines(linked_watershed: Watershed, tmp_path: Path) -> None:
    parameters = changed(sources={"excluded_lines": ["red_line"], "candidate_lines": []})
    with found(network_task(linked_watershed, parameters), tmp_path) as network:
        assert network.sources.patches.count == len(WOODS) - 1
        assert not network.sources.red_line_share.any()


def with_cover(watershed: Watershed, folder: Path, task: Task, change: Callable[..., Any]) -> Task:
    path = folder / "cover.tif"
    cover = np.nan_to_num(read_geotiff(watershed.rasters["land_cover"]).values[0]).astype(np.uint8)
    change(cover)
    write_geotiff(path, cover, transform=watershed.grid.transform, crs=f"EPSG:{EPSG}", nodata=0)
    task.files["land_cover.tif"] = str(path)
    return task


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


def refused(task: Task, folder: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught, found(task, folder):
        pass
    assert all(fault.detail_zh != fault.detail for fault in caught.value.faults)
    return caught.value


def test_one_source_is_refused(linked_watershed: Watershed, tmp_path: Path) -> None:
    def fell(cover: np.ndarray) -> None:
        cover[:, CELLS // 2 :][cover[:, CELLS // 2 :] == 2] = 1
        cover[CELLS // 3 :][cover[CELLS // 3 :] == 2] = 1

    error = refused(
        with_cover(linked_watershed, tmp_path, network_task(linked_watershed), fell), tmp_path
    )
    assert error.faults[0].pointer == "/inputs/parameters/sources/dpc_min_percent"
    assert "there is one source only" in error.message


def test_no_source_is_refused_with_what_to_change(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    error = refused(
        network_task(linked_watershed, changed(sources={"min_area_ha": 5000})), tmp_path
    )
    assert error.faults[0].pointer == "/inputs/parameters/sources/min_area_ha"


def test_land_that_is_all_barrier_is_refused(linked_watershed: Watershed, tmp_path: Path) -> None:
    task = network_task(linked_watershed)
    path = tmp_path / "dem.tif"
    nothing = np.full(linked_watershed.grid.shape, np.nan)
    nothing[0, 0] = 1.0
    write_geotiff(path, nothing, transform=linked_watershed.grid.transform, crs=f"EPSG:{EPSG}")
    task.files["dem.tif"] = str(path)
    error = refused(task, tmp_path)
    assert error.faults[0].pointer == "/inputs/datasets"
    assert "no land is passable" in error.message


def test_a_window_smaller_than_a_cell_is_refused(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    error = refused(
        network_task(linked_watershed, changed(circuit={"barrier_radii_m": [20]})), tmp_path
    )
    assert error.faults[0].pointer.startswith("/inputs/parameters/circuit/barrier_radii_m")


def test_degrees_are_refused(linked_watershed: Watershed, tmp_path: Path) -> None:
    error = refused(network_task(linked_watershed, {"crs": "EPSG:4490"}), tmp_path)
    assert error.faults[0].pointer == "/inputs/crs"


def test_what_cannot_fit_is_refused_before_it_begins(
    linked_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.build_network.context.memory_left", lambda: 100_000)
    with pytest.raises(LimitExceeded, match=r"× \d+ = \d+ cells needs \d+ MiB") as caught:
        compute(network_task(linked_watershed), tmp_path / "work")
    assert caught.value.faults[0].pointer == "/inputs/cell_m"
    assert "MiB" in caught.value.message_zh


def test_a_circuit_that_cannot_fit_is_refused(
    linked_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.build_network.linkages.memory_left", lambda: 1000)
    with pytest.raises(LimitExceeded, match=r"nodes needs .* \(cells of 100 m\)") as caught:
        compute(network_task(linked_watershed), tmp_path / "work")
    assert [fault.pointer for fault in caught.value.faults] == ["/inputs/cell_m"]


def test_other_powers_of_the_resistance_tell_which_corridors_stay(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    with found(
        network_task(linked_watershed, changed(links={"sensitivity": True})), tmp_path
    ) as network:
        told = {one.exponent: one for one in network.contrasts}
        rows = [one.document["path_share_in_corridor_by_power"] for one in network.corridors]
    assert sorted(told) == [0.5, 2.0]
    for one in told.values():
        assert 0 < one.share <= 1
        assert 0 < one.shared <= min(one.links, len(rows))
    assert all(set(row) == {"0.5", "2"} for row in rows)
    assert all(value is None or 0 <= value <= 1 for row in rows for value in row.values())


def test_missing_layers_are_named(linked_watershed: Watershed, tmp_path: Path) -> None:
    without = ("land_cover", "supply.biodiversity", "supply.water_conservation")
    with pytest.raises(InvalidInput) as caught:
        compute(network_task(linked_watershed, without=without), tmp_path / "work")
    assert [fault.pointer for fault in caught.value.faults] == [
        "/inputs/datasets/land_cover",
        "/inputs/supplies",
    ]


def test_a_supply_without_value_is_refused(linked_watershed: Watershed, tmp_path: Path) -> None:
    task = network_task(linked_watershed)
    path = tmp_path / "supply.tif"
    nothing = np.full(linked_watershed.grid.shape, np.nan)
    write_geotiff(
        path, nothing, transform=linked_watershed.grid.transform, crs=f"EPSG:{EPSG}", nodata=-9999.0
    )
    task.files["supply.biodiversity.tif"] = str(path)
    assert refused(task, tmp_path).faults[0].pointer == "/inputs/supplies"


def test_a_table_of_resistance_must_stay_above_zero(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    table = {"version": "mine", "land_cover": {"weight": 1, "values": {"forest": 0}}}
    parameters = changed(resistance={"table": table})
    error = refused(network_task(linked_watershed, parameters), tmp_path)
    assert error.faults[0].pointer.startswith("/inputs/parameters/resistance/table")


def test_factors_that_are_missing_are_told(linked_watershed: Watershed, tmp_path: Path) -> None:
    without = ("roads", "main_roads", "dem", "night_lights")
    outcome = compute(network_task(linked_watershed, without=without), tmp_path / "work")
    assert outcome.manifest["network"]["resistance"]["left_out"] == ["slope", "roads"]
    assert outcome.manifest["network"]["resistance"]["night_lights"] == "none"
    assert [one["code"] for one in outcome.warnings] == ["factors_left_out"]
