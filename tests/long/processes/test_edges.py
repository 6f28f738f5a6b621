"""Odd regions and odd inputs: each gives a whole result or a refusal that says what to change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff

pytestmark = pytest.mark.usefixtures("unpictured")

ANY_PATCH = {"parameters": {"mmu_ha": 0}}
EQUAL = ("water_conservation", "soil_retention", "cooling", "carbon_sink")


def square(watershed: Watershed, col: int, row: int, width: int, height: int) -> Polygon:
    grid = watershed.grid
    west, north = grid.west + col * grid.cell_m, grid.north - row * grid.cell_m
    return box(west, north - height * grid.cell_m, west + width * grid.cell_m, north)


def over(watershed: Watershed, outline: BaseGeometry, **inputs: Any) -> Task:
    task = watershed.task(inputs)
    moved = mapping(reproject_geometry(outline, "EPSG:4548", LON_LAT))
    assert task.region is not None
    task.region = task.region.model_copy(update={"geometry": dict(moved), "districts": []})
    return task


def replaced(task: Task, watershed: Watershed, folder: Path, **layers: Any) -> Task:
    for theme, values in layers.items():
        nodata = 0 if values.dtype == np.uint8 else -9999.0
        path = folder / f"{theme}.tif"
        transform = watershed.grid.transform
        write_geotiff(path, values, transform=transform, crs="EPSG:4548", nodata=nodata)
        task.files[f"{theme}.tif"] = str(path)
    return task


def compute(task: Task, folder: Path) -> Any:
    workspace = folder / "work"
    workspace.mkdir()
    return compute_of("delineate-zones")(task, workspace, lambda percent, stage: None)


def assert_whole(outcome: Any) -> None:
    cells = sum(zone["cells"] for zone in outcome.values["zones"])
    assert cells == outcome.manifest["aoi"]["valid_cells"] > 0


REGIONS: dict[str, Callable[[Watershed], BaseGeometry]] = {
    "islands, one of a single cell": lambda w: MultiPolygon(
        [square(w, 10, 10, 12, 12), square(w, 40, 30, 9, 11), square(w, 30, 5, 1, 1)]
    ),
    "a hole": lambda w: square(w, 8, 8, 40, 40).difference(square(w, 20, 20, 10, 10)),
}


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
def test_odd_regions_are_zoned_whole(
    watershed: Watershed, tmp_path: Path, region: Callable[[Watershed], BaseGeometry]
) -> None:
    outcome = compute(over(watershed, region(watershed)), tmp_path)
    assert_whole(outcome)
    aoi = outcome.manifest["aoi"]
    assert aoi["valid_cells"] == aoi["region_cells"] - aoi["sea_cells"]


LAYERS: dict[str, Callable[[Watershed], dict[str, Any]]] = {
    "one class of land cover": lambda w: {"land_cover": np.full(w.grid.shape, 2, dtype=np.uint8)},
    "water alone": lambda w: {"land_cover": np.full(w.grid.shape, 7, dtype=np.uint8)},
    "a flat plain": lambda w: {"dem": np.full(w.grid.shape, 50.0)},
    "no rain at all": lambda w: {"rainfall": np.zeros((12, *w.grid.shape))},
    "neither lights nor people": lambda w: {
        "night_lights": np.zeros(w.grid.shape),
        "population": np.zeros(w.grid.shape),
    },
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS.keys())
def test_layers_that_tell_nothing_apart_still_give_whole_zones(
    watershed: Watershed, tmp_path: Path, layers: Callable[[Watershed], dict[str, Any]]
) -> None:
    outcome = compute(
        replaced(watershed.task(), watershed, tmp_path, **layers(watershed)), tmp_path
    )
    assert_whole(outcome)
    ratio = read_geotiff(tmp_path / "work" / "ratio.tif").values
    assert -2 <= np.nanmin(ratio) <= np.nanmax(ratio) <= 2


def test_a_layer_without_variation_is_named(watershed: Watershed, tmp_path: Path) -> None:
    dark = np.zeros(watershed.grid.shape)
    outcome = compute(replaced(watershed.task(), watershed, tmp_path, night_lights=dark), tmp_path)
    said = " ".join(text for one in outcome.warnings for text in one.values())
    assert "normalised index is 0: night lights" in said
    assert "归一化后为 0：夜间灯光" in said


def test_the_dark_is_no_settlement(watershed: Watershed, tmp_path: Path) -> None:
    """Without land cover settlements are what shines, and here nothing does."""
    task = watershed.task(without=("land_cover",))
    dark = np.zeros(watershed.grid.shape)
    outcome = compute(replaced(task, watershed, tmp_path, night_lights=dark), tmp_path)
    assert_whole(outcome)
    supply = read_geotiff(tmp_path / "work" / "supply.recreation.tif").values
    assert np.nanmax(supply) == 0


def refusal(task: Task, folder: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        compute(task, folder)
    error = caught.value
    assert error.message_zh != error.message
    return error


@pytest.mark.parametrize(
    ("size", "inputs", "pointer", "words"),
    [
        ((1, 1), ANY_PATCH, "/inputs/parameters/unit_m", "valid over half its area"),
        ((3, 3), {}, "/inputs/parameters/unit_m", "nothing to cluster"),
        ((7, 7), {"parameters": {"k": 10}}, "/inputs/parameters/k", "fewer than k"),
        ((0.1, 0.1), ANY_PATCH, "/inputs/cell_m", "has its centre in the region"),
        ((2, 2), {}, "/inputs/parameters/mmu_ha", "no patch could be so large"),
    ],
    ids=["one cell", "one unit", "fewer units than k", "less than a cell", "less than a patch"],
)
def test_regions_too_small_say_what_to_change(
    watershed: Watershed,
    tmp_path: Path,
    size: tuple[int, int],
    inputs: dict[str, Any],
    pointer: str,
    words: str,
) -> None:
    error = refusal(over(watershed, square(watershed, 20, 20, *size), **inputs), tmp_path)
    assert error.faults[0].pointer == pointer
    assert words in error.message


def test_land_cover_without_parameters_is_counted_over_the_whole_region(
    watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 20)
    cover = np.full(watershed.grid.shape, 2, dtype=np.uint8)
    cover[10:12, 30:33] = 10
    cover[40:44, 30:32] = 11
    error = refusal(replaced(watershed.task(), watershed, tmp_path, land_cover=cover), tmp_path)
    assert error.faults[0].pointer == "/inputs/datasets/land_cover"
    assert "10 (6 cells), 11 (8 cells)" in error.message


def test_weights_are_checked_before_anything_is_computed(
    watershed: Watershed, tmp_path: Path
) -> None:
    task = watershed.task({"parameters": {"weights": dict.fromkeys(EQUAL, 0.25)}})
    error = refusal(task, tmp_path)
    assert error.faults[0].pointer == "/inputs/parameters/weights"
    assert "recreation" in error.message
    assert not (tmp_path / "work" / "scratch").exists()


def inland(watershed: Watershed, *, cut: bool) -> np.ndarray:
    """Forest without a shore; when cut, 0 beyond rows and columns 12 to 49."""
    cover = np.full(watershed.grid.shape, 2, dtype=np.uint8)
    cover[30:33, 30:33] = 8
    if cut:
        kept = cover.copy()
        cover[:] = 0
        cover[12:50, 12:50] = kept[12:50, 12:50]
    return cover


def views(watershed: Watershed, folder: Path, cover: np.ndarray) -> tuple[Any, np.ndarray]:
    """A zoning of a flat square, and its supply of recreation, which water within sight raises."""
    folder.mkdir()
    task = over(watershed, square(watershed, 12, 12, 38, 38))
    flat = np.full(watershed.grid.shape, 50.0)
    outcome = compute(replaced(task, watershed, folder, land_cover=cover, dem=flat), folder)
    return outcome, read_geotiff(folder / "work" / "supply.recreation.tif").values[0]


def test_beyond_an_inland_border_cut_land_cover_is_unknown_and_no_sea(
    watershed: Watershed, tmp_path: Path
) -> None:
    whole, expected = views(watershed, tmp_path / "whole", inland(watershed, cut=False))
    cut, found = views(watershed, tmp_path / "cut", inland(watershed, cut=True))
    np.testing.assert_array_equal(found, expected)
    assert_whole(cut)
    assert cut.manifest["aoi"]["sea_cells"] == 0
    said = [{one["code"] for one in outcome.warnings} for outcome in (whole, cut)]
    assert ["land_cover_cut" in codes for codes in said] == [False, True]


@pytest.mark.parametrize("proof", ["land beyond the border", "sea within it"])
def test_the_sea_off_a_region_stays_the_sea_where_land_cover_proves_to_know_it(
    watershed: Watershed, tmp_path: Path, proof: str
) -> None:
    cover = inland(watershed, cut=True)
    if proof == "sea within it":
        cover[45:50] = 0
    else:
        cover[:9] = 2
    outcome, supply = views(watershed, tmp_path / "run", cover)
    assert "land_cover_cut" not in {one["code"] for one in outcome.warnings}
    shore = np.flatnonzero(np.isfinite(supply[:, 19]))[-1]
    # Forest is worth 0.5 at the town, a shore beside it 0.2 · exp(−100/500) more.
    assert supply[shore, 19] > 0.6 * np.exp(-(shore - 20) / 20)
