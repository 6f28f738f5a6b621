"""Break points: where the path of a corridor meets main roads, or goes through built-up land."""

from dataclasses import dataclass

import numpy as np

from shanhai.processes.evaluating.layers import make_layers
from shanhai.processes.networking.scene import Scene
from shanhai.science.arrays import BoolArray, IntArray
from shanhai.science.corridors.along import Course, built_up_stretches
from shanhai.science.corridors.crossings import MERGE_M, SEVERITY

MAIN_ROADS = "main_roads"
_SEVEREST = max(SEVERITY.values())
"""A raster of main roads tells expressways, railways and trunk roads alike."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a path is broken.

    Attributes:
        reason: `main_road` or `built_up`.
        row: Of the cell in the middle of it.
        col: Of the same cell.
        length_m: Of the path in it, m.
        severity: 1–3; None for built-up land.
    """

    reason: str
    row: int
    col: int
    length_m: float
    severity: int | None


def main_roads(scene: Scene) -> BoolArray | None:
    """Cells a main road touches, where main roads are known."""
    if MAIN_ROADS not in scene.place.sources:
        return None
    make_layers(scene.place, [MAIN_ROADS])
    return np.asarray(scene.whole(MAIN_ROADS) > 0)


def breaks_along(scene: Scene, course: Course, roads: BoolArray | None) -> list[Break]:
    """Crossings of main roads, then built-up stretches, each in the order of the path."""
    built = [
        _break("built_up", one.cells, one.length_m)
        for one in built_up_stretches(course, scene.cover)
    ]
    return [*([] if roads is None else crossings(course, roads)), *built]


def crossings(course: Course, roads: BoolArray, merge_m: float = MERGE_M) -> list[Break]:
    """Runs of a path on roads; runs within `merge_m` of one another are one crossing."""
    on_road = np.flatnonzero(roads[course.cells[:, 0], course.cells[:, 1]])
    if not on_road.size:
        return []
    ends = np.cumsum(course.lengths_m)
    gaps = ends[on_road[1:] - 1] - ends[on_road[:-1]]
    # Cells that follow one another are one run, however the sums are rounded.
    apart = (gaps > merge_m) & (np.diff(on_road) > 1)
    return [
        _break("main_road", course.cells[run], float(course.lengths_m[run].sum()), _SEVEREST)
        for run in np.split(on_road, np.flatnonzero(apart) + 1)
    ]


def _break(reason: str, cells: IntArray, length_m: float, severity: int | None = None) -> Break:
    row, col = cells[len(cells) // 2].tolist()
    return Break(reason, row, col, length_m, severity)
