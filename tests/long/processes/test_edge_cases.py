"""Edge cases of assessment and zoning: each ends in a clear refusal, or in a whole, finite result
that says what is odd about it."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import Polygon, box, unary_union
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import DistrictTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff, write_geotiff

pytestmark = pytest.mark.usefixtures("pages_left_empty")

Layers = Callable[[Watershed], Mapping[str, Any]]
Outline = Callable[[Watershed], BaseGeometry]

# Small units, so that a region of a few square kilometres has enough of them.
FINE = {"unit_m": 100.0, "mmu_ha": 1.0}


@dataclass(frozen=True)
class Case:
    """What is odd.

    Attributes:
        layers: Rasters in place of the usual ones.
        outline: The region in place of the usual one.
        inputs: What is asked for.
        without: Themes that are not given.
        units: Polygons that are the units.
    """

    layers: Layers = lambda _: {}
    outline: Outline | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    units: tuple[Outline, ...] = ()


def asking(**parameters: Any) -> dict[str, Any]:
    return {"parameters": {**FINE, **parameters}}


def flat(**values: float) -> Layers:
    """Layers that are the same everywhere."""
    bands = {"rainfall": 12, "temperature": 12}

    def layers(watershed: Watershed) -> dict[str, Any]:
        shape = watershed.grid.shape
        return {
            theme: np.full((bands[theme], *shape) if theme in bands else shape, value)
            for theme, value in values.items()
        }

    return layers


def between(theme: str, low: float, high: float) -> Layers:
    """A layer that rises from north-west to south-east."""

    def layers(watershed: Watershed) -> dict[str, Any]:
        height, width = watershed.grid.shape
        values = np.linspace(low, high, height * width).reshape(height, width)
        twelve = theme in {"rainfall", "temperature"}
        return {theme: np.repeat(values[np.newaxis], 12, axis=0) if twelve else values}

    return layers


def times(theme: str, factor: float, plus: float = 0.0) -> Layers:
    """A layer in another unit."""

    def layers(watershed: Watershed) -> dict[str, Any]:
        return {theme: factor * read_geotiff(watershed.rasters[theme]).values + plus}

    return layers


def holed(theme: str, value: float, share: float = 1.0) -> Layers:
    """A layer whose northern part holds one value."""

    def layers(watershed: Watershed) -> dict[str, Any]:
        values = read_geotiff(watershed.rasters[theme]).values.astype(float)
        values[:, : math.ceil(share * watershed.grid.height)] = value
        return {theme: values}

    return layers


def classes(code: int) -> Layers:
    return lambda w: {"land_cover": np.full(w.grid.shape, code, dtype=np.uint8)}


def together(*layers: Layers) -> Layers:
    def joined(watershed: Watershed) -> dict[str, Any]:
        return {theme: one for part in layers for theme, one in part(watershed).items()}

    return joined


def square(col: float, row: float, width: float, height: float) -> Outline:
    """Some cells of the raster."""

    def outline(watershed: Watershed) -> Polygon:
        grid = watershed.grid
        west, north = grid.west + col * grid.cell_m, grid.north - row * grid.cell_m
        return box(west, north - height * grid.cell_m, west + width * grid.cell_m, north)

    return outline


CONSTANT = {
    "dem": 50.0,
    "rainfall": 100.0,
    "temperature": 18.0,
    "npp": 500.0,
    "night_lights": 5.0,
    "population": 20.0,
}
SOIL: Layers = lambda w: {  # noqa: E731 - one of a family
    "soil": np.stack([np.full(w.grid.shape, part) for part in (40.0, 40.0, 20.0, 1.5)])
}
ALL_CONSTANT = together(flat(**CONSTANT, ndvi=0.6), SOIL, classes(2))

FINISHED: dict[str, tuple[Case, frozenset[str]]] = {
    **{
        f"{theme} constant": (Case(flat(**{theme: value})), frozenset({"constant_layer"}))
        for theme, value in CONSTANT.items()
    },
    "ndvi constant": (Case(flat(ndvi=0.6)), frozenset({"narrow_range"})),
    "soil constant": (Case(SOIL), frozenset()),
    "one class of land": (Case(classes(2)), frozenset()),
    "water alone": (Case(classes(7)), frozenset()),
    "built-up land alone": (Case(classes(8)), frozenset()),
    "npp of a third of a gram": (
        Case(between("npp", 500.05, 500.42)),
        frozenset({"narrow_range"}),
    ),
    "rain of a few millimetres": (
        Case(between("rainfall", 100.0, 100.3)),
        frozenset({"narrow_range"}),
    ),
    "temperature of a tenth": (
        Case(between("temperature", 18.0, 18.1)),
        frozenset({"narrow_range"}),
    ),
    "a plain": (Case(between("dem", 50.0, 52.0)), frozenset({"narrow_range"})),
    "ndvi of a hundredth": (Case(between("ndvi", 0.6, 0.61)), frozenset({"narrow_range"})),
    "even lights": (Case(between("night_lights", 10.0, 10.3)), frozenset({"narrow_range"})),
    "even population": (Case(between("population", 20.0, 20.5)), frozenset({"narrow_range"})),
    "no lights": (Case(flat(night_lights=0.0)), frozenset({"constant_layer"})),
    "no people": (Case(flat(population=0.0)), frozenset({"constant_layer"})),
    "neither lights nor people": (
        Case(flat(night_lights=0.0, population=0.0)),
        frozenset({"constant_layer"}),
    ),
    "negative lights": (Case(flat(night_lights=-0.5)), frozenset({"constant_layer"})),
    "no rain at all": (Case(flat(rainfall=0.0)), frozenset({"constant_layer", "unusual_mean"})),
    "a part without rain": (Case(holed("rainfall", 0.0, 0.3)), frozenset()),
    "no growth": (Case(flat(npp=0.0)), frozenset({"constant_layer", "unusual_mean"})),
    "lights unknown and filled": (
        Case(holed("night_lights", np.nan), inputs={"fill_zero": True}),
        frozenset({"constant_layer"}),
    ),
    "people unknown and filled": (
        Case(holed("population", np.nan), inputs={"fill_zero": True}),
        frozenset({"constant_layer"}),
    ),
    "a third of npp unknown": (Case(holed("npp", np.nan, 0.3)), frozenset({"low_coverage"})),
    "a third of npp infinite": (Case(holed("npp", np.inf, 0.3)), frozenset({"low_coverage"})),
    "a third of npp negative": (Case(holed("npp", -1.0, 0.3)), frozenset({"low_coverage"})),
    "npp in kg": (Case(times("npp", 1e-3)), frozenset({"unusual_mean", "narrow_range"})),
    "rain in cm": (Case(times("rainfall", 0.1)), frozenset({"unusual_mean"})),
    "people per km²": (Case(times("population", 1000.0)), frozenset({"unusual_mean"})),
    "a raster without people": (Case(without=("population",)), frozenset({"no_population"})),
    "no land cover": (Case(without=("land_cover",)), frozenset({"no_land_cover"})),
    "islands": (
        Case(outline=lambda w: unary_union([square(4, 4, 9, 9)(w), square(16, 15, 9, 11)(w)])),
        frozenset(),
    ),
    "a hole": (
        Case(outline=lambda w: square(4, 4, 24, 24)(w).difference(square(10, 10, 6, 6)(w))),
        frozenset(),
    ),
    "one row": (Case(outline=square(4, 15, 24, 1), inputs=asking(units="cells")), frozenset()),
    "one column": (Case(outline=square(15, 4, 1, 24), inputs=asking(units="cells")), frozenset()),
    "two clusters": (Case(inputs=asking(k=2)), frozenset({"fewer_than_five_zones"})),
    "ten clusters": (Case(inputs=asking(k=10)), frozenset()),
    "no least patch": (Case(inputs=asking(mmu_ha=0)), frozenset()),
    "patches as large as half the region": (
        Case(inputs=asking(mmu_ha=300)),
        frozenset({"fewer_than_five_zones"}),
    ),
    "no reach of the periphery": (Case(inputs=asking(periphery_m=0)), frozenset()),
    "a ring": (Case(inputs=asking(ring_m=500)), frozenset()),
    "no majority": (Case(inputs=asking(majority_rounds=0)), frozenset()),
    "cells as units": (Case(inputs=asking(units="cells")), frozenset()),
    "components": (Case(inputs=asking(pca=True)), frozenset()),
    "place weighs in": (Case(inputs=asking(features="esdr7+coords")), frozenset()),
    "thresholds": (Case(inputs=asking(algorithm="thresholds")), frozenset()),
    "one service is enough": (Case(inputs={"min_services": 1}), frozenset()),
    "one service weighs": (
        Case(
            inputs=asking(
                weights={
                    "water_conservation": 1.0,
                    **dict.fromkeys(
                        (
                            "soil_retention",
                            "cooling",
                            "carbon_sink",
                            "stormwater_regulation",
                            "biodiversity",
                            "recreation",
                        ),
                        0.0,
                    ),
                }
            )
        ),
        frozenset(),
    ),
}
"""By what is odd, the case and the flags and warnings it must carry."""

REFUSED: dict[str, tuple[Case, str, str]] = {
    "nothing varies": (Case(ALL_CONSTANT), "/inputs/", "These count as the same everywhere"),
    "nothing varies by enough": (
        Case(together(ALL_CONSTANT, between("npp", 500.05, 500.42))),
        "/inputs/",
        "gC/m2/yr, at least 10",
    ),
    "lights unknown": (
        Case(holed("night_lights", np.nan)),
        "/inputs/datasets/night_lights",
        "night-time lights is unknown in 100.0 %",
    ),
    "people unknown": (
        Case(holed("population", np.nan)),
        "/inputs/datasets/population",
        "unknown in 100.0 %",
    ),
    "elevation unknown": (Case(holed("dem", np.nan)), "/inputs/datasets/dem", "unknown in"),
    "lights beyond all": (
        Case(flat(night_lights=6000.0)),
        "/inputs/datasets/night_lights",
        "unknown in 100.0 %",
    ),
    "temperature in kelvin": (
        Case(times("temperature", 1.0, 273.15)),
        "/inputs/datasets/temperature",
        "unknown in 100.0 %",
    ),
    "ndvi as whole numbers": (
        Case(times("ndvi", 10_000.0)),
        "/inputs/datasets/ndvi",
        "unknown in",
    ),
    "most of npp unknown": (
        Case(holed("npp", np.nan, 0.8)),
        "/inputs/datasets/npp",
        "net primary productivity is unknown",
    ),
    "sea alone": (Case(classes(0)), "/inputs/datasets/land_cover", "sea in all"),
    "snow": (Case(classes(10)), "/inputs/datasets/land_cover", "10 ("),
    "beyond the rasters": (
        Case(outline=square(400, 400, 20, 20)),
        "/inputs/datasets/",
        "unknown in 100.0 %",
    ),
    "less than a cell": (
        Case(outline=square(15.2, 15.2, 0.1, 0.1), inputs=asking(mmu_ha=0)),
        "/inputs/cell_m",
        "has its centre in the region",
    ),
    "one cell": (
        Case(outline=square(15, 15, 1, 1), inputs=asking(mmu_ha=5)),
        "/inputs/parameters/mmu_ha",
        "the whole region has 1 ha",
    ),
    "two cells by two": (
        Case(outline=square(15, 15, 2, 2), inputs=asking(units="cells")),
        "/inputs/parameters/k",
        "fewer than k = 5",
    ),
    "one unit": (
        Case(outline=square(15, 15, 3, 3), inputs=asking(unit_m=300)),
        "/inputs/parameters/unit_m",
        "nothing to cluster",
    ),
    "a unit larger than the region": (
        Case(inputs={"parameters": {"unit_m": 5000}}),
        "/inputs/parameters/unit_m",
        "unit",
    ),
    "fewer units than clusters": (
        Case(outline=square(10, 10, 8, 8), inputs={"parameters": {"k": 10}}),
        "/inputs/parameters/k",
        "fewer than k = 10",
    ),
    "patches larger than the region": (
        Case(inputs=asking(mmu_ha=10_000)),
        "/inputs/parameters/mmu_ha",
        "the whole region has",
    ),
    "no such system": (Case(inputs={"crs": "EPSG:4490"}), "/inputs/crs", "projected"),
    "weights of nothing": (
        Case(inputs=asking(weights={"cooling": 0.0})),
        "/inputs/parameters/weights",
        "weight",
    ),
    "a weight below zero": (
        Case(inputs=asking(weights={"cooling": -1.0, "recreation": 2.0})),
        "/inputs/parameters/weights",
        "weight",
    ),
    "polygons that cover nothing": (
        Case(
            inputs=asking(units="polygons", unit_regions="town"),
            units=(square(400, 400, 5, 5),),
        ),
        "/inputs/parameters",
        "unit",
    ),
    "no polygons": (
        Case(inputs=asking(units="polygons", unit_regions="town")),
        "/inputs/parameters",
        "unit",
    ),
    "one polygon ten times": (
        Case(
            inputs=asking(units="polygons", unit_regions="town"),
            units=(square(4, 4, 24, 24),) * 10,
        ),
        "/inputs/parameters",
        "unit",
    ),
    "no soil": (Case(without=("soil",)), "/inputs/datasets/soil", "soil"),
}
"""By what is odd, the case, the pointer of its refusal and a part of what it says."""


def task_of(case: Case, watershed: Watershed, folder: Path) -> Task:
    task = watershed.task({"parameters": FINE, **case.inputs}, without=case.without)
    assert task.region is not None
    if case.outline is not None:
        moved = dict(mapping(reproject_geometry(case.outline(watershed), "EPSG:4548", LON_LAT)))
        region = task.region.model_copy(update={"geometry": moved, "districts": []})
        task = task.model_copy(update={"region": region})
    for theme, values in case.layers(watershed).items():
        nodata = 0 if values.dtype == np.uint8 else -9999.0
        path = folder / f"{theme}.tif"
        write_geotiff(
            path, values, transform=watershed.grid.transform, crs="EPSG:4548", nodata=nodata
        )
        task.files[f"{theme}.tif"] = str(path)
    units = [
        DistrictTask(
            code=f"u{number}",
            name_zh="单元",
            name_en="unit",
            geometry=dict(mapping(reproject_geometry(one(watershed), "EPSG:4548", LON_LAT))),
        )
        for number, one in enumerate(case.units)
    ]
    return task.model_copy(update={"units": units})


def run(task: Task, folder: Path) -> Any:
    workspace = folder / "work"
    workspace.mkdir()
    return compute_of("delineate-zones")(task, workspace, lambda percent, stage: None)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [value] if isinstance(value, float) else []


@pytest.fixture(scope="module")
def pages_left_empty() -> Iterator[None]:
    """Reports and maps take longer than all a run computes, and none is looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "shanhai.processes.delineate_zones.compute.write_maps_and_report",
            lambda *_, **__: [],
        )
        patch.setattr("shanhai.processes.assess_ecoservices.report._draw", lambda _: False)
        yield


@pytest.mark.parametrize(("case", "codes"), FINISHED.values(), ids=FINISHED.keys())
def test_an_odd_input_gives_a_whole_result_that_says_so(
    small_watershed: Watershed, tmp_path: Path, case: Case, codes: frozenset[str]
) -> None:
    outcome = run(task_of(case, small_watershed, tmp_path), tmp_path)
    manifest = outcome.manifest
    said = {one["code"] for one in [*manifest["flags"], *outcome.warnings]}
    assert codes <= said
    zones = outcome.values["zones"]
    assert sum(zone["cells"] for zone in zones) == manifest["aoi"]["valid_cells"] > 0
    assert len(zones) == 5 or "fewer_than_five_zones" in said
    ratio = read_geotiff(tmp_path / "work" / "ratio.tif").values
    assert np.count_nonzero(np.isfinite(ratio)) == manifest["aoi"]["valid_cells"]
    assert -2 <= np.nanmin(ratio) <= np.nanmax(ratio) <= 2
    assert all(math.isfinite(number) for number in numbers(outcome.values))


@pytest.mark.parametrize(("case", "pointer", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_an_impossible_input_is_refused_with_its_place(
    small_watershed: Watershed, tmp_path: Path, case: Case, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(task_of(case, small_watershed, tmp_path), tmp_path)
    error = caught.value
    assert error.faults[0].pointer.startswith(pointer)
    assert words in error.message
    assert error.message_zh != error.message
