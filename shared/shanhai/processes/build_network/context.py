"""What every step of a network works on: the region on its grid, its lines, the memory left."""

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import LimitExceeded
from shanhai.processes.build_network.contract import (
    NAMED,
    NAMED_LINE,
    BuildNetworkInputs,
    NetworkParameters,
)
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.region import LAND, AtPlace
from shanhai.processes.kit.task import Task
from shanhai.raster.cells import cells_in_any
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.corridors.spacing import MetricCells
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.landcover import NODATA
from shanhai.vocabulary import Label

COVER = "land_cover"
RESERVES = "protected_areas"
RED_LINE = "red_line"


@dataclass(frozen=True)
class Scene(AtPlace):
    """A region, what was asked, and its control lines.

    Attributes:
        inputs: What was asked.
        task: All that a computation was given.
    """

    inputs: BuildNetworkInputs
    task: Task

    @property
    def parameters(self) -> NetworkParameters:
        """Parameters of the run."""
        return self.inputs.parameters

    @property
    def cell_m(self) -> float:
        """Side of a cell, m."""
        return self.grid.cell_m

    @property
    def spacing(self) -> MetricCells:
        """Cells are squares in metres."""
        return MetricCells(self.cell_m, self.cell_m)

    @cached_property
    def cover(self) -> ClassArray:
        """Land cover of the land; 0 is sea, unknown or outside the region."""
        make_layers(self.place, [COVER])
        return self.store.read_classes(COVER, self.store.whole)

    @cached_property
    def known(self) -> BoolArray:
        """Land of which the cover is known."""
        return np.asarray(self.cover != NODATA)

    @cached_property
    def land_cells(self) -> int:
        """Cells of land."""
        return int(np.count_nonzero(self.store.read_classes(LAND, self.store.whole)))

    @cached_property
    def lines(self) -> Mapping[str, BoolArray]:
        """Land within the control areas of each kind there is; reserves of a raster too."""
        kinds = sorted({area.kind for area in self.task.areas} - {NAMED, NAMED_LINE})
        found = {kind: self._burnt(kind) & self.known for kind in kinds}
        if RESERVES in self.place.sources:
            make_layers(self.place, [RESERVES])
            reserves = self.whole(RESERVES) > 0
            found["protected_area"] = reserves | found.get("protected_area", False)
        return found

    def whole(self, layer: str) -> FloatArray:
        """A quantity of the whole grid."""
        return self.store.read_all(layer)

    def in_lines(self, kinds: Sequence[str]) -> list[BoolArray]:
        """Masks of some kinds of control areas, as far as there are any."""
        return [self.lines[kind] for kind in kinds if kind in self.lines]

    @property
    def candidates_anyway(self) -> list[BoolArray]:
        """Masks of land that may hold sources whatever it gives."""
        return self.in_lines(self.parameters.sources.candidate_lines)

    def shapes(self, kind: str) -> list[BaseGeometry]:
        """Geometries of the control areas of a kind, in the CRS of the grid."""
        crs = f"EPSG:{self.grid.epsg}"
        return [
            reproject_geometry(shape(area.geometry), LON_LAT, crs)
            for area in self.task.areas
            if area.kind == kind
        ]

    def _burnt(self, kind: str) -> BoolArray:
        return cells_in_any(self.shapes(kind), self.grid)


_MIB = 2**20
_STATM = Path("/proc/self/statm")


def memory_left() -> int:
    """Bytes this process may still take: of its limit, or else of what the machine has free."""
    page = os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return os.sysconf("SC_AVPHYS_PAGES") * page
    taken = int(_STATM.read_text().split()[0]) * page
    return max(limit - taken, 0)


def require_room(scene: Scene, step: Label, needed: int) -> None:
    """Refuse a step that cannot fit.

    Raises:
        LimitExceeded: names the step, the cells, what it needs and what there is.
    """
    left = memory_left()
    if needed <= left:
        return
    height, width = scene.grid.shape
    has, needs = f"{left / _MIB:.0f} MiB", f"{needed / _MIB:.0f} MiB"
    raise LimitExceeded(
        f"{step.en}: the grid of {width} × {height} = {width * height} cells needs {needs} at "
        f"once, and the job has {has} left; use a larger cell_m (now {scene.cell_m:g}) or a "
        "smaller region",
        message_zh=f"{step.zh}：{width} × {height} = {width * height} 个像元需一次性占用 {needs}，"
        f"作业剩余 {has}；请增大 cell_m（现为 {scene.cell_m:g}）或缩小区域",
        pointer="/inputs/cell_m",
    )
