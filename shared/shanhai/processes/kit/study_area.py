"""Where an assessment takes place: the region and its districts on the analysis grid."""

import math
from dataclasses import dataclass
from typing import Protocol

from shapely import prepare
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.kit.task import DistrictTask, RegionTask, Task
from shanhai.raster.crs import LON_LAT, parse_crs, reproject_geometry
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M
from shanhai.science.grid import Grid, Window, analysis_grid

MAX_CELLS = 400_000_000

REACH_M = ACCESS_CUTOFF_M
"""Distance beyond the region that is looked at unless a computation says otherwise."""


@dataclass(frozen=True, slots=True)
class StudyArea:
    """The region on its grid.

    Attributes:
        region: The region as the task names it.
        outline: Its geometry in the CRS of the grid.
        districts: Geometries of its districts in that CRS, in the task's order.
        grid: Analysis grid: the region's bounds, snapped outwards.
        wide: The same grid grown on every side, for steps that look beyond the region.
        pad: Cells by which `wide` is larger on each side.
    """

    region: RegionTask
    outline: BaseGeometry
    districts: tuple[BaseGeometry, ...]
    grid: Grid
    wide: Grid
    pad: int

    def on_wide(self, window: Window) -> Window:
        """The window of `wide` that covers the same cells."""
        return Window(window.row + self.pad, window.col + self.pad, window.height, window.width)

    @property
    def district_tasks(self) -> list[DistrictTask]:
        """The districts as the task names them."""
        return self.region.districts


class GridInputs(Protocol):
    """Inputs of a process that say where its grid lies."""

    @property
    def crs(self) -> str | None:
        """Projected CRS of the grid; the region's own when None."""
        ...

    @property
    def cell_m(self) -> float:
        """Side of a cell, m."""
        ...


def build_study_area(task: Task, inputs: GridInputs, reach_m: float = REACH_M) -> StudyArea:
    """Project the region and lay the grid over it.

    Args:
        task: Names the region.
        inputs: Say what the grid is like.
        reach_m: Distance by which the wide grid is larger on every side, m.

    Raises:
        InvalidInput: the task has no region, or its CRS is not projected in metres.
        LimitExceeded: the grid would be too large.
    """
    if task.region is None:
        raise InvalidInput("a region is needed", message_zh="须给出区域", pointer="/inputs/region")
    epsg = _analysis_epsg(inputs.crs, task.region)
    outline = _project(task.region.geometry, epsg)
    prepare(outline)
    grid = analysis_grid(outline.bounds, epsg, inputs.cell_m)
    if grid.width * grid.height > MAX_CELLS:
        raise LimitExceeded(
            f"cell_m {inputs.cell_m:g} gives {grid.width} × {grid.height} cells; "
            f"at most {MAX_CELLS} are allowed",
            message_zh=f"像元 {inputs.cell_m:g} m 产生 {grid.width} × {grid.height} 个像元，"
            f"超过上限 {MAX_CELLS}",
            pointer="/inputs/cell_m",
        )
    pad = math.ceil(round(reach_m / inputs.cell_m, 9))
    return StudyArea(
        region=task.region,
        outline=outline,
        districts=tuple(_project(one.geometry, epsg) for one in task.region.districts),
        grid=grid,
        wide=Grid(
            epsg,
            grid.west - pad * grid.cell_m,
            grid.north + pad * grid.cell_m,
            grid.cell_m,
            grid.width + 2 * pad,
            grid.height + 2 * pad,
        ),
        pad=pad,
    )


def _analysis_epsg(wanted: str | None, region: RegionTask) -> int:
    text = wanted or f"EPSG:{region.epsg}"
    crs = parse_crs(text)
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise InvalidInput(
            f"{text} ({crs.name}) is not a projected system in metres; "
            "the analysis needs one, for example EPSG:4548",
            message_zh=f"{text} 不是以米为单位的投影坐标系；分析须用投影坐标系，例如 EPSG:4548",
            pointer="/inputs/crs",
        )
    return int(text.removeprefix("EPSG:"))


def _project(geometry: dict[str, object], epsg: int) -> BaseGeometry:
    return reproject_geometry(shape(geometry), LON_LAT, f"EPSG:{epsg}")
