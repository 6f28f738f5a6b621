from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from shanhai.data.synthetic_watershed import EASY, EPSG, WOODS, Watershed, network_task
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.build_network.compute import build
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import NAMED, NAMED_LINE, BuildNetworkInputs
from shanhai.processes.build_network.named_corridors import NAMED_HEAD, named_rows
from shanhai.processes.build_network.result import network_flags
from shanhai.processes.build_network.source_flags import relaxed
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.task import AreaTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.windows import window_runner
from tests.support.computed import compute
from tests.support.networks import flags_of, found, with_cover

CELLS = 64


def changed(**groups: Any) -> dict[str, Any]:
    """Easy parameters with some changes by group."""
    return {
        "parameters": {
            name: {**EASY.get(name, {}), **groups.get(name, {})} for name in {*EASY, *groups}
        }
    }


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


def test_corridors_are_as_wide_as_most_of_their_current(
    linked_watershed: Watershed, tmp_path: Path
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


def test_corridors_are_held_against_the_named_ones(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    """One name runs along a computed corridor, one lies elsewhere, and one is not drawn."""
    with found(network_task(linked_watershed), tmp_path) as network:
        assert network.against_plan.document({}) == {
            "buffer_m": 500.0,
            "not_drawn": [],
            "corridors": [],
        }
        first = network.corridors[0]
    names = [{"name_zh": "沿线", "name_en": "Along", "geometry": dict(mapping(first.line))}]
    task = network_task(linked_watershed, {"names": names})
    far = {"type": "LineString", "coordinates": [[117.0, 24.0], [117.1, 24.0]]}
    nothing = {"type": "GeometryCollection", "geometries": []}
    for code, geometry in (("p.far", far), ("p.nowhere", nothing)):
        task.areas.append(
            AreaTask(
                kind=NAMED,
                code=code,
                name_zh=f"名{code}",
                name_en=code,
                checksum="0" * 64,
                geometry=geometry,
            )
        )
    (tmp_path / "named").mkdir()
    with found(task, tmp_path / "named") as network:
        codes = {one.link.pair: one.code for one in network.corridors}
        told = network.against_plan.document(codes)
        (flag,) = network_flags(network)
        features = list(network.against_plan.features(codes))
        rows = list(named_rows(told))
        matched = network.corridors[0].document["matched"]
    along, elsewhere = told["corridors"]
    assert [one["code"] for one in told["not_drawn"]] == ["p.nowhere"]
    assert (flag.code, "p.nowhere" in flag.text.en) == ("named_corridors_not_drawn", True)
    assert (along["followed_share"], along["gaps_m"]) == (pytest.approx(1), [])
    assert along["mean_distance_m"] == pytest.approx(0, abs=0.01)
    assert along["corridors"][0]["code"] == first.code
    assert (elsewhere["followed_share"], elsewhere["corridors"]) == (0, [])
    assert elsewhere["gaps_m"] == [elsewhere["length_m"]] == [elsewhere["gap_m"]]
    assert features[0]["properties"]["gaps"] is None
    assert features[1]["properties"]["gaps"]["type"] == "MultiLineString"
    assert matched["name_en"] == "Along"
    assert matched["share_of_corridor"] == pytest.approx(1)
    assert len(rows) == len(along["corridors"]) + 1
    assert all(len(row) == len(NAMED_HEAD) for row in rows)


def test_the_line_of_a_named_corridor_counts_before_its_area(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    line = {"type": "LineString", "coordinates": [[118.0, 24.8], [118.1, 24.8]]}
    area = dict(mapping(shapely.box(118.0, 24.7, 118.1, 24.9)))
    task = network_task(linked_watershed)
    for kind, geometry in ((NAMED, area), (NAMED_LINE, line)):
        shape = {"kind": kind, "checksum": "0" * 64, "geometry": geometry}
        task.areas.append(AreaTask(code="p.both", name_zh="两者", name_en="Both", **shape))
    with found(task, tmp_path) as network:
        (course,) = network.against_plan.courses.values()
        (known,) = network.against_plan.known.values()
    assert course.length_m == pytest.approx(10_100, rel=0.01)
    assert known.footprint.area > 1e8


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
        assert network.habitat.sources.patches.count == len(WOODS) - 1
        assert not network.habitat.sources.red_line_share.any()


def refused(task: Task, folder: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught, found(task, folder):
        pass
    assert all(fault.detail_zh != fault.detail for fault in caught.value.faults)
    return caught.value


def test_one_source_is_refused(linked_watershed: Watershed, tmp_path: Path) -> None:
    def fell(cover: np.ndarray) -> None:
        cover[:, CELLS // 2 :][cover[:, CELLS // 2 :] == 2] = 1
        cover[CELLS // 3 :][cover[CELLS // 3 :] == 2] = 1

    task = network_task(linked_watershed, changed(sources={"relax": False}))
    error = refused(with_cover(linked_watershed, tmp_path, task, fell), tmp_path)
    assert error.faults[0].pointer == "/inputs/parameters/sources/dpc_min_percent"
    assert "there is one source only" in error.message


def test_settings_are_relaxed_until_there_are_two_sources(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    """Of dPC nearly all is asked for, and of the area more than any wood has."""
    asked = {"min_area_ha": 900, "dpc_min_percent": 99, "merge_gap_m": 100}
    with found(network_task(linked_watershed, changed(sources=asked)), tmp_path) as network:
        assert flags_of(network) == ["sources_relaxed"]
        (flag,) = network_flags(network)
        changes = relaxed(network.scene, network.habitat)
        sources = network.habitat.sources
    least = float(sources.dpc.total.min())
    assert sources.patches.count >= 2
    assert changes["pc_share"] == (0.0, 0.99)
    assert changes["merge_gap_m"] == (100.0, 0.0)
    assert f"min_area_ha from 900 to {changes['min_area_ha'][1]:g}" in flag.text.en
    assert f"lowest dPC kept {least:.3g} %" in flag.text.en
    assert f"min_area_ha 由 900 改为 {changes['min_area_ha'][1]:g}" in flag.text.zh


def test_nothing_is_relaxed_where_two_are_found(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    labels = []
    for relax in (True, False):
        task = network_task(linked_watershed, changed(sources={"relax": relax}))
        with found(task, tmp_path / str(relax)) as network:
            assert relaxed(network.scene, network.habitat) == {}
            labels.append(network.habitat.sources.patches.labels)
    np.testing.assert_array_equal(labels[0], labels[1])


def test_land_with_one_patch_is_refused_with_its_numbers(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    def clear(cover: np.ndarray) -> None:
        cover[cover > 0] = 1
        cover[10:16, 10:16] = 2

    error = refused(
        with_cover(linked_watershed, tmp_path, network_task(linked_watershed), clear), tmp_path
    )
    assert error.faults[0].pointer == "/inputs/parameters/sources"
    assert "36 ha are habitat and 16 ha core, in 1 patches, the largest of 16 ha" in error.message


def test_a_source_on_barriers_is_left_out_by_name(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    """Elevations are unknown in the smallest wood: nobody can say how hard it is to cross."""
    with found(network_task(linked_watershed), tmp_path) as network:
        labels = network.habitat.sources.patches.labels
    inside = np.argwhere(labels == len(WOODS))
    task = network_task(linked_watershed)
    path = tmp_path / "dem.tif"
    heights = np.array(read_geotiff(linked_watershed.rasters["dem"]).values[0], dtype=float)
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    heights[top - 2 : bottom + 3, left - 2 : right + 3] = np.nan
    write_geotiff(path, heights, transform=linked_watershed.grid.transform, crs=f"EPSG:{EPSG}")
    task.files["dem.tif"] = str(path)
    (tmp_path / "barred").mkdir()
    with found(task, tmp_path / "barred") as network:
        (flag,) = network_flags(network)
        assert network.habitat.sources.patches.count == len(WOODS) - 1
        assert network.network.numbers == tuple(range(1, len(WOODS)))
    assert flag.code == "sources_on_barriers"
    assert f"{len(inside)} ha at " in flag.text.en
    assert "1 个源地" in flag.text.zh


def test_no_source_is_refused_with_what_to_change(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    error = refused(
        network_task(linked_watershed, changed(sources={"min_area_ha": 5000, "relax": False})),
        tmp_path,
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


def test_currents_are_found_window_by_window(linked_watershed: Watershed, tmp_path: Path) -> None:
    pinch = []
    for solver in ("auto", "windows"):
        task = network_task(linked_watershed, changed(circuit={"solver": solver}))
        with found(task, tmp_path / solver) as network:
            pinch.append(network.pinch)
            rows = [one.document["r_eff_ohm"] for one in network.corridors]
    assert pinch[0].reports[0].methods == ("direct",)
    assert pinch[1].reports[0].methods == ("direct", "windows")
    np.testing.assert_allclose(pinch[1].current, pinch[0].current, rtol=1e-9, atol=1e-9)
    assert all(row > 0 for row in rows)


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
