"""Break points: where the path of a corridor meets main roads, or goes through built-up land."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import shape

from shanhai.processes.build_network.context import Scene
from shanhai.processes.kit.geometry import centres
from shanhai.processes.kit.layers import make_layers
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.arrays import BoolArray, IntArray
from shanhai.science.corridors.path_profile import (
    MERGE_M,
    SEVERITY,
    PathCourse,
    Road,
    break_points,
    built_up_stretches,
)
from shanhai.science.grid import Grid

MAIN_ROADS = "main_roads"
_SEVEREST = max(SEVERITY.values())
"""A raster of main roads tells expressways, railways and trunk roads alike."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a path is broken.

    Attributes:
        reason: `road` of a line, `main_road` of a raster, or `built_up`.
        x: Easting of the middle of it, m.
        y: Northing, m.
        length_m: Of the path in it, m; None for a road that is a line.
        severity: 1–3; None for built-up land.
        road_class: The most severe of the lines that are crossed; None but for lines.
        crossings: Of lines that were merged; None but for lines.
    """

    reason: str
    x: float
    y: float
    length_m: float | None
    severity: int | None
    road_class: str | None = None
    crossings: int | None = None


@dataclass(frozen=True, slots=True)
class Roads:
    """What is known of the roads that break corridors: lines, else a raster, else nothing.

    Attributes:
        lines: In the CRS of the grid.
        cells: That a main road touches.
    """

    lines: Sequence[Road]
    cells: BoolArray | None

    @property
    def reason(self) -> str | None:
        """What a break at them is told as; None where no road is known."""
        if self.lines:
            return "road"
        return None if self.cells is None else "main_road"


def find_roads(scene: Scene) -> Roads:
    """The lines that were given; without any the cells of the raster of main roads."""
    if scene.inputs.roads:
        crs = f"EPSG:{scene.grid.epsg}"
        lines = [
            Road(
                # Heights say nothing of where lines cross on the ground.
                shapely.force_2d(reproject_geometry(shape(one.geometry), LON_LAT, crs)),
                one.road_class,
                one.on_structure,
            )
            for one in scene.inputs.roads
        ]
        return Roads(lines, None)
    return Roads((), main_road_cells(scene))


def main_road_cells(scene: Scene) -> BoolArray | None:
    """Cells a main road touches, where there is a raster of main roads."""
    if MAIN_ROADS not in scene.place.sources:
        return None
    make_layers(scene.place, [MAIN_ROADS])
    return np.asarray(scene.whole(MAIN_ROADS) > 0)


def breaks_along(scene: Scene, path: IntArray, course: PathCourse, roads: Roads) -> list[Break]:
    """Crossings of roads, then built-up stretches, each in the order of the path.

    Args:
        scene: Where.
        path: Rows and columns of the path.
        course: Of the same path.
        roads: That may cross it.
    """
    built = [
        _break("built_up", one.cells, one.length_m, scene.grid)
        for one in built_up_stretches(course, scene.cover)
    ]
    if roads.cells is not None:
        return [*crossings(course, roads.cells, scene.grid), *built]
    return [*line_crossings(path, roads.lines, scene.grid), *built]


def line_crossings(path: IntArray, lines: Sequence[Road], grid: Grid) -> list[Break]:
    """Where a path crosses roads that are lines."""
    return [
        Break("road", one.x, one.y, None, one.severity, one.road_class, one.crossings)
        for one in break_points(centres(path, grid), lines)
    ]


def crossings(
    course: PathCourse, roads: BoolArray, grid: Grid, merge_m: float = MERGE_M
) -> list[Break]:
    """Runs of a path on roads; runs within `merge_m` of one another are one crossing."""
    on_road = np.flatnonzero(roads[course.cells[:, 0], course.cells[:, 1]])
    if not on_road.size:
        return []
    ends = np.cumsum(course.lengths_m)
    gaps = ends[on_road[1:] - 1] - ends[on_road[:-1]]
    # Cells that follow one another are one run, however the sums are rounded.
    apart = (gaps > merge_m) & (np.diff(on_road) > 1)
    return [
        _break("main_road", course.cells[run], float(course.lengths_m[run].sum()), grid, _SEVEREST)
        for run in np.split(on_road, np.flatnonzero(apart) + 1)
    ]


def _break(
    reason: str, cells: IntArray, length_m: float, grid: Grid, severity: int | None = None
) -> Break:
    x, y = centres(cells[len(cells) // 2][np.newaxis], grid)[0].tolist()
    return Break(reason, x, y, length_m, severity)
