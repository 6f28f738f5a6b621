"""Control lines on the analysis grid, and the zones as polygons: a valid coverage."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.kit.geometry import to_lon_lat
from shanhai.processes.kit.task import CORE, LINE_KINDS, OVERLAYS, RESERVE, AreaTask, Task
from shanhai.raster.cells import cells_in_any
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.grid import BoolArray, Grid
from shanhai.science.zoning.outlines import trace_outlines
from shanhai.science.zoning.polygons import ZoneCoverage, clean_coverage
from shanhai.science.zoning.postprocess import FLOOR, ZONES, protection_floor
from shanhai.vocabulary import ZONE_CLASSES


def mask_of(kind: str) -> str:
    """Name of the class layer that is 1 within the areas of a kind."""
    return f"line.{kind}"


def write_lines(task: Task, inputs: DelineateZonesInputs, store: ScratchStore) -> None:
    """Write a mask for each kind of line there is, and what the overlay asks for.

    Raises:
        InvalidInput: an overlay was asked for and there is no red line.
    """
    lines = {kind: [area for area in task.areas if area.kind == kind] for kind in LINE_KINDS}
    for kind, areas in lines.items():
        if areas:
            store.create_classes(mask_of(kind))
            store.write_classes(mask_of(kind), store.whole, _burn(areas, store).astype(np.uint8))
    if inputs.parameters.overlays == "none":
        return
    if not lines["red_line"]:
        raise InvalidInput(
            "overlays is red_line, but no red line was given",
            message_zh="overlays 为 red_line，但未给出生态保护红线",
            pointer=OVERLAYS,
        )
    red_line: BoolArray = store.read_classes(mask_of("red_line"), store.whole) == 1
    floor = protection_floor(red_line, _burn(_cores(task.areas), store))
    store.create_classes(FLOOR)
    store.write_classes(FLOOR, store.whole, floor)


def _cores(areas: Sequence[AreaTask]) -> list[AreaTask]:
    """Cores of reserves, and of the red line where it is drawn by class."""
    return [
        area for area in areas if area.class_code == CORE and area.kind in (RESERVE, "red_line")
    ]


def _burn(areas: Sequence[AreaTask], store: ScratchStore) -> BoolArray:
    """Cells whose centre lies in any of the areas."""
    crs = f"EPSG:{store.grid.epsg}"
    shapes = [reproject_geometry(shape(area.geometry), LON_LAT, crs) for area in areas]
    return cells_in_any(shapes, store.grid)


_CLASSES = {zone.value: zone for zone in ZONE_CLASSES}


def draw_zones(store: ScratchStore, runner: WindowRunner) -> ZoneCoverage:
    """Outline and simplify the zones, in the CRS of the grid."""
    read = partial(store.read_classes, ZONES)
    return clean_coverage(trace_outlines(read, store.grid, runner.run))


def write_zones(path: Path, coverage: ZoneCoverage, grid: Grid, scheme: str) -> None:
    """One feature per zone in longitude and latitude; its id is the zone's code."""
    features = (
        _feature(to_lon_lat(zone, grid), code, f"{scheme}.{_CLASSES[code].code}")
        for code, zone in sorted(coverage.zones.items())
    )
    _write_collection(path, features)


def write_patches(path: Path, coverage: ZoneCoverage, grid: Grid, scheme: str) -> None:
    """One feature per connected piece of a zone, numbered within the zone."""
    number = {code: count(1) for code in coverage.zones}
    features = (
        _feature(
            to_lon_lat(patch.polygon, grid),
            patch.code,
            f"{scheme}.{_CLASSES[patch.code].code}.{next(number[patch.code])}",
        )
        for patch in coverage.patches
    )
    _write_collection(path, features)


def _feature(geometry: BaseGeometry, code: int, identifier: str) -> dict[str, Any]:
    zone = _CLASSES[code]
    return {
        "type": "Feature",
        "id": identifier,
        "geometry": mapping(geometry),
        "properties": {
            "class": zone.code,
            "class_value": zone.value,
            "name_zh": zone.label.zh,
            "name_en": zone.label.en,
            "color": zone.color,
        },
    }


def _write_collection(path: Path, features: Iterable[dict[str, Any]]) -> None:
    """Write each feature as it comes: as objects all of them take a hundred bytes a corner."""
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for number, feature in enumerate(features):
            file.write(b"," * (number > 0) + orjson.dumps(feature))
        file.write(b"]}")
