"""Control lines and polygons as units in the main job."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import esda
import libpysal
import numpy as np
import pytest
from shapely import Polygon, box
from shapely.geometry import mapping

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import AreaTask, DistrictTask, Outcome, Task
from shanhai.processes.local_run import run_on_files
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff

pytestmark = pytest.mark.usefixtures("unpictured")

OVERLAY = {"parameters": {"overlays": "red_line"}}


def place(watershed: Watershed, west: float, south: float, east: float, north: float) -> Any:
    """A box as parts of the watershed's width and height, in longitude and latitude."""
    grid = watershed.grid
    width, height = grid.width * grid.cell_m, grid.height * grid.cell_m
    bottom = grid.north - height
    shape = box(
        grid.west + west * width,
        bottom + south * height,
        grid.west + east * width,
        bottom + north * height,
    )
    assert isinstance(shape, Polygon)
    return mapping(reproject_geometry(shape, f"EPSG:{grid.epsg}", LON_LAT))


def area(kind: str, geometry: Any, class_code: str | None = None) -> AreaTask:
    return AreaTask(
        kind=kind,
        code=f"{kind}.1",
        version=3,
        name_zh=kind,
        name_en=kind,
        class_code=class_code,
        checksum=checksum_of(geometry),
        geometry=geometry,
    )


def quarters(watershed: Watershed, count: int = 6) -> list[DistrictTask]:
    """The watershed in squares."""
    steps = np.linspace(0, 1, count + 1)
    return [
        DistrictTask(
            code=f"u.{row}.{col}",
            name_zh="格",
            name_en="square",
            geometry=place(watershed, steps[col], steps[row], steps[col + 1], steps[row + 1]),
        )
        for row in range(count)
        for col in range(count)
    ]


@dataclass(frozen=True)
class Made:
    workspace: Path
    outcome: Outcome


def compute(
    task: Task, workspace: Path, areas: Sequence[AreaTask] = (), units: Sequence[DistrictTask] = ()
) -> Made:
    workspace.mkdir()
    given = task.model_copy(update={"areas": list(areas), "units": list(units)})
    outcome = compute_of(task.process)(given, workspace, lambda percent, stage: None)
    return Made(workspace, outcome)


def codes_of(run: Any, name: str = "zones") -> Any:
    return np.nan_to_num(read_geotiff(run.workspace / f"{name}.tif").values[0]).astype(int)


@pytest.fixture
def lines(watershed: Watershed) -> list[AreaTask]:
    """A red line in the west, the core of a reserve in the south-east, farmland in the middle."""
    return [
        area("red_line", place(watershed, 0.0, 0.3, 0.3, 1.0)),
        area("protected_area", place(watershed, 0.6, 0.2, 0.9, 0.5), "core"),
        area("permanent_basic_farmland", place(watershed, 0.3, 0.3, 0.7, 0.7)),
    ]


def test_overlaps_are_told_and_leave_the_zones_alone(
    watershed: Watershed, zoned: Any, lines: list[AreaTask], tmp_path: Path
) -> None:
    run = compute(watershed.task(), tmp_path / "work", lines)
    assert (run.workspace / "zones.tif").read_bytes() == (
        zoned.workspace / "zones.tif"
    ).read_bytes()
    zones = json.loads((run.workspace / "statistics.json").read_bytes())["zones"]
    codes = codes_of(run)
    assert "urban_boundary_overlap_ha" not in zones[0]
    # The red line is the western part of all columns; a cell of 100 m is a hectare.
    total = sum(zone["red_line_overlap_ha"] for zone in zones)
    assert total == pytest.approx(_cells_within(run, watershed, 0.0, 0.3, 0.3, 1.0, codes), abs=1)
    assert all(
        0 <= zone["permanent_basic_farmland_overlap_ha"] <= zone["area_ha"] for zone in zones
    )
    told = run.outcome.manifest["control_areas"]["areas"]
    assert [one["code"] for one in told] == [one.code for one in lines]
    assert told[0]["checksum"] == lines[0].checksum
    assert "overlay" not in run.outcome.manifest
    assert "control_areas" not in zoned.outcome.manifest


def _cells_within(
    run: Any, watershed: Watershed, west: float, south: float, east: float, north: float, codes: Any
) -> int:
    """Cells with a zone whose centre lies in a box given as parts of the watershed."""
    raster = read_geotiff(run.workspace / "zones.tif")
    left, top = raster.transform[2], raster.transform[5]
    grid = watershed.grid
    rows, cols = np.nonzero(codes)
    x = (left + (cols + 0.5) * 100 - grid.west) / (grid.width * grid.cell_m)
    y = 1 - (grid.north - (top - (rows + 0.5) * 100)) / (grid.height * grid.cell_m)
    return int(np.count_nonzero((west < x) & (x < east) & (south < y) & (y < north)))


def test_the_overlay_raises_protection_and_never_lowers_it(
    watershed: Watershed, lines: list[AreaTask], tmp_path: Path
) -> None:
    run = compute(watershed.task(OVERLAY), tmp_path / "work", lines)
    zones, before, source = (
        codes_of(run, name) for name in ("zones", "zones_before_overlay", "override_source")
    )
    assert set(np.unique(source)) == {0, 1, 2}
    # Where the law spoke the zone is what it asks for, and was less before.
    for asked in (1, 2):
        assert (before[source == asked] > asked).all()
        assert (zones[source == asked] <= asked).all()
    told = run.outcome.manifest["overlay"]
    assert told["reserve_core_cells"] == np.count_nonzero(source == 1)
    assert told["red_line_cells"] == np.count_nonzero(source == 2)
    report = (run.workspace / "report.html").read_text(encoding="utf-8")
    assert "与管控线的重叠" in report
    assert "Permanent basic farmland, ha" in report
    assert "Urban development boundary, ha" not in report
    rasters = {file.name for file in run.outcome.files if file.kind == "raster"}
    assert {"zones_before_overlay", "override_source"} <= rasters


def test_an_overlay_without_red_line_is_refused(watershed: Watershed, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        compute(watershed.task(OVERLAY), tmp_path / "work")
    assert caught.value.faults[0].pointer == "/inputs/parameters/overlays"


def test_lines_left_out_are_flagged(watershed: Watershed, tmp_path: Path) -> None:
    task = watershed.task().model_copy(update={"areas_left_out": ["permanent_basic_farmland"]})
    run = compute(task, tmp_path / "work")
    assert run.outcome.manifest["control_areas"]["left_out"] == ["permanent_basic_farmland"]
    assert "lines_left_out" in {flag["code"] for flag in run.outcome.manifest["flags"]}


def test_polygons_are_units(watershed: Watershed, zoned: Any, tmp_path: Path) -> None:
    units = quarters(watershed)
    asked = {
        "units": "polygons",
        "unit_regions": "town",
        "majority_rounds": 0,
        "mmu_ha": 0,
        "periphery_m": 100_000,
        "stability": True,
        "autocorrelation": True,
    }
    run = compute(watershed.task({"parameters": asked}), tmp_path / "work", units=units)
    codes, usual = codes_of(run), codes_of(zoned)
    np.testing.assert_array_equal(codes > 0, usual > 0)
    manifest = run.outcome.manifest
    assert manifest["clustering"]["unit_m"] is None
    assert 5 <= manifest["clustering"]["units"] <= 36
    assert [one["code"] for one in manifest["unit_polygons"]] == [one.code for one in units]
    assert manifest["uncertainty"]["block_m"] == 5000
    report = (run.workspace / "report.html").read_text(encoding="utf-8")
    assert "clustered on 36 polygons" in report
    # Without clean-up every square is of one zone.
    rows, cols = np.nonzero(codes)
    raster = read_geotiff(run.workspace / "zones.tif")
    grid = watershed.grid
    x = (raster.transform[2] + (cols + 0.5) * 100 - grid.west) / (grid.width * 100)
    y = (grid.north - raster.transform[5] + (rows + 0.5) * 100) / (grid.height * 100)
    square = np.floor(6 * y).astype(int) * 6 + np.floor(6 * x).astype(int)
    mixed = [
        number
        for number in np.unique(square)
        if np.unique(codes[rows, cols][square == number]).size > 1
    ]
    assert not mixed
    require_moran_of_squares(run, square)


def require_moran_of_squares(run: Any, square: np.ndarray) -> None:
    """Moran's I of six by six towns, as PySAL has it, and clusters of whole towns."""
    told = json.loads((run.workspace / "statistics.json").read_bytes())["autocorrelation"]
    ratio = read_geotiff(run.workspace / "ratio.tif").values[0]
    layer = np.nan_to_num(read_geotiff(run.workspace / "ratio_clusters.tif").values[0])
    known = np.isfinite(ratio)
    means = {n: ratio[known][square == n].mean() for n in np.unique(square[layer[known] > 0])}
    assert told["unit_m"] is None
    assert told["units"] == len(means)
    weights = libpysal.weights.w_subset(
        libpysal.weights.lat2W(6, 6, rook=False), list(means), silence_warnings=True
    )
    weights.transform = "r"
    peer = esda.Moran(np.array(list(means.values())), weights, permutations=0)
    assert told["layers"][0]["moran_i"] == pytest.approx(peer.I, abs=1e-4)
    assert all(np.unique(layer[known][square == n]).size == 1 for n in means)


@pytest.mark.parametrize("algorithm", ["ward_contig", "skater"])
def test_polygons_that_touch_may_be_clustered_by_it(
    watershed: Watershed, tmp_path: Path, algorithm: str
) -> None:
    parameters = {"units": "polygons", "unit_regions": "town", "algorithm": algorithm}
    inputs = {"parameters": parameters}
    run = compute(watershed.task(inputs), tmp_path / "work", units=quarters(watershed))
    assert "joined_units" in run.outcome.manifest["clustering"]


def test_polygons_must_be_given(watershed: Watershed, tmp_path: Path) -> None:
    inputs = {"parameters": {"units": "polygons", "unit_regions": "town"}}
    with pytest.raises(InvalidInput) as caught:
        compute(watershed.task(inputs), tmp_path / "work")
    assert caught.value.faults[0].pointer == "/inputs/parameters/unit_regions"


def test_a_run_with_lines_and_polygons_is_repeated_from_its_manifest(
    watershed: Watershed, lines: list[AreaTask], tmp_path: Path
) -> None:
    inputs = {
        "cell_m": 200.0,
        "parameters": {"units": "polygons", "unit_regions": "town", "overlays": "red_line"},
    }
    run_on_files(
        "delineate-zones",
        region=watershed.region_file,
        rasters=watershed.rasters,
        inputs=inputs,
        workspace=tmp_path / "first",
        progress=lambda percent, stage: None,
        areas=lines,
        units=quarters(watershed),
    )
    compared = reproduce(
        read_manifest(tmp_path / "first" / "manifest.json"),
        files=tmp_path / "first" / "inputs",
        workspace=tmp_path / "second",
        progress=lambda percent, stage: None,
    )
    assert "override_source" in {one.name for one in compared}
    assert all(one.same for one in compared), [one.name for one in compared if not one.same]
