"""The control lines of a task on the analysis grid: masks, and the protection they ask for."""

from collections.abc import Sequence

import numpy as np
from shapely.geometry import shape

from shanhai.errors import InvalidInput
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.zoning import FLOOR
from shanhai.processes.kit.line_kinds import CORE, LINE_KINDS, OVERLAYS, RESERVE
from shanhai.processes.kit.task import AreaTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.vectorise import cells_in_any
from shanhai.science.arrays import BoolArray
from shanhai.science.zoning.postprocess import protection_floor


def mask_of(kind: str) -> str:
    """Name of the class layer that is 1 within the areas of a kind."""
    return f"line.{kind}"


def write_lines(task: Task, inputs: DelineateZonesInputs, store: ScratchStore) -> None:
    """Write a mask for each kind of line there is, and what the overlay asks for.

    Raises:
        InvalidInput: an overlay was asked for and there is no red line.
    """
    lines = {kind: _of_kind(task.areas, kind) for kind in LINE_KINDS}
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


def _of_kind(areas: Sequence[AreaTask], kind: str) -> list[AreaTask]:
    return [area for area in areas if area.kind == kind]


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
