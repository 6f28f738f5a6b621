"""What every step of a selection works on: the region on its grid, its places, what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.region import Place
from shanhai.processes.select_sites.contract import SelectionParameters, SelectSitesInputs
from shanhai.processes.select_sites.ratio_lookup import RATIO
from shanhai.processes.select_sites.task import PlaceKind, PlaceTask, SelectionTask, SelectSitesTask
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource
from shanhai.science.grid import Grid

HECTARE_M2 = 1e4


@dataclass(frozen=True)
class Siting:
    """A region, its places and what was asked.

    Attributes:
        place: The region on its grid.
        inputs: What was asked.
        task: All that a computation was given.
    """

    place: Place
    inputs: SelectSitesInputs
    task: SelectSitesTask

    @property
    def parameters(self) -> SelectionParameters:
        """Parameters of the run."""
        return self.inputs.parameters

    @property
    def store(self) -> ScratchStore:
        """Scratch layers."""
        return self.place.store

    @property
    def grid(self) -> Grid:
        """The analysis grid."""
        return self.place.grid

    @property
    def selection(self) -> SelectionTask:
        """Places and money."""
        return self.task.selection or SelectionTask()

    @property
    def ratio(self) -> RasterSource | None:
        """The comprehensive ratio, if there is one."""
        return self.place.sources.get(RATIO)

    @cached_property
    def shapes(self) -> Mapping[str, BaseGeometry]:
        """Geometry of each place by code, in the CRS of the grid."""
        return {one.code: self.placed(one.geometry) for one in self.selection.places}

    def places(self, *kinds: PlaceKind) -> list[tuple[PlaceTask, BaseGeometry]]:
        """Places of some kinds with their geometries."""
        return [(one, self.shapes[one.code]) for one in self.selection.of_kind(*kinds)]

    def placed(self, geometry: Mapping[str, Any]) -> BaseGeometry:
        """A GeoJSON geometry in the CRS of the grid."""
        return reproject_geometry(shape(dict(geometry)), LON_LAT, f"EPSG:{self.grid.epsg}")
