"""The edits of a scenario, laid over the land of its region."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.build_network.resistance import (
    COVER_EDITS,
    ROAD_EDITS,
    SETTLED,
    chosen_table,
)
from shanhai.processes.kit.region import LAND, Place
from shanhai.processes.kit.task import AreaTask
from shanhai.processes.run_scenario.contract import Edit, RunScenarioInputs
from shanhai.raster.cells import cells_touched, cells_within
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.store import ScratchStore
from shanhai.science.corridors.resistance_tables import LOWEST
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, Window
from shanhai.science.landcover import LandCover

EDITED_PLACES = ("project", "problem")
"""Kinds under which a task carries the places that edits name."""

_TOUCHING = frozenset({"build_road", "build_barrier", "remove_barrier"})
"""Edits of every cell they touch; polygons of the others are the cells whose centre they hold."""


@dataclass(frozen=True)
class EditedScene(Scene):
    """A scene after edits; what they leave alone is read from the store below.

    Attributes:
        restored: Cells that are restored: they may hold sources whatever they give today.
    """

    restored: BoolArray

    @property
    def candidates_anyway(self) -> list[BoolArray]:
        """Masks of land that may hold sources whatever it gives."""
        return [*super().candidates_anyway, self.restored]


@dataclass(frozen=True, slots=True)
class Burnt:
    """An edit on the grid.

    Attributes:
        edit: As it was asked for.
        geometry: In longitude and latitude.
        cells: It holds, later edits apart.
    """

    edit: Edit
    geometry: BaseGeometry
    cells: int


@dataclass(slots=True)
class _EditedLayers:
    """What the edits make of every cell."""

    cover: ClassArray
    restored: BoolArray
    roads: dict[str, BoolArray]
    settled: FloatArray
    touched: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        self.touched = np.zeros(self.cover.shape, dtype=bool)


@dataclass(frozen=True, slots=True)
class Edited:
    """A scene after edits.

    Attributes:
        scene: The scene.
        burnt: The edits, in their order.
        touched: Cells that any of them holds.
        covers: Whether the land cover is edited at all.
    """

    scene: EditedScene
    burnt: Sequence[Burnt]
    touched: BoolArray
    covers: bool


def lay_edits(
    scene: Scene, inputs: RunScenarioInputs, places: Sequence[AreaTask], folder: Path
) -> Edited:
    """The scene after the edits, in a store of its own above that of `scene`.

    Raises:
        InvalidInput: an edit names a place that was not given, or holds no cell of land.
    """
    shape_of = scene.grid.shape
    layers = _EditedLayers(
        np.zeros(shape_of, dtype=np.uint8),
        np.zeros(shape_of, dtype=bool),
        {},
        np.full(shape_of, np.nan),
    )
    burnt = [
        _burn(scene, layers, edit, _require_place(edit, number, places), number)
        for number, edit in enumerate(inputs.edits)
    ]
    store = ScratchStore(folder, scene.grid, scene.store)
    covers = bool(layers.cover.any())
    _keep(scene, store, layers, covers=covers)
    place: Place = replace(scene.place, store=store)
    after = EditedScene(place, scene.inputs, scene.task, layers.restored)
    return Edited(after, burnt, layers.touched, covers)


def _require_place(edit: Edit, number: int, places: Sequence[AreaTask]) -> BaseGeometry:
    if edit.geometry is not None:
        return shape(edit.geometry)
    code = getattr(edit, edit.place)
    for one in places:
        if (one.kind, one.code) == (edit.place, code):
            return shape(one.geometry)
    raise InvalidInput(
        f"{edit.place} {code!r} was not given with the task; write its geometry instead",
        message_zh=f"任务未附带 {edit.place} {code!r} 的几何，请直接给出几何",
        pointer=f"/inputs/edits/{number}/{edit.place}",
    )


def _burn(
    scene: Scene, layers: _EditedLayers, edit: Edit, geometry: BaseGeometry, number: int
) -> Burnt:
    grid = scene.grid
    drawn = reproject_geometry(geometry, LON_LAT, f"EPSG:{grid.epsg}")
    window = _window_around(drawn, grid)
    # A line holds no centre: it is meant wherever it passes.
    touching = edit.kind in _TOUCHING or drawn.area == 0
    inside = (cells_touched if touching else cells_within)(drawn, grid, window)
    if edit.kind != "remove_barrier":
        # Only a passage may lead over the sea.
        inside &= scene.store.read_classes(LAND, window) == 1
    if not inside.any():
        raise InvalidInput(
            f"edit {edit.name_en or edit.name_zh!r} holds no cell of land of {grid.cell_m:g} m; "
            "use smaller cells or a larger shape",
            message_zh=f"编辑“{edit.name_zh}”不含任何 {grid.cell_m:g} m 陆地像元，"
            "请减小像元或扩大范围",
            pointer=f"/inputs/edits/{number}/{edit.place}",
        )
    _apply(scene, layers, edit, window, inside)
    return Burnt(edit, geometry, int(np.count_nonzero(inside)))


def _apply(
    scene: Scene, layers: _EditedLayers, edit: Edit, window: Window, inside: BoolArray
) -> None:
    """Let an edit count in its cells, over those before it."""
    here = window.slices
    layers.touched[here] |= inside
    factors = edit.cover is not None or edit.road is not None
    layers.settled[here][inside] = np.nan if factors else _settled(scene, edit)
    if edit.cover is not None:
        layers.cover[here][inside] = LandCover[edit.cover.upper()]
        layers.restored[here][inside] = edit.kind == "restore"
        for built in layers.roads.values():
            built[here][inside] = False
    elif edit.road is not None:
        roads = layers.roads.setdefault(edit.road, np.zeros(scene.grid.shape, dtype=bool))
        roads[here] |= inside


def _settled(scene: Scene, edit: Edit) -> float:
    """The resistance that is settled by an edit; infinite is a barrier."""
    if edit.kind == "build_barrier":
        return math.inf
    if edit.kind == "remove_barrier":
        return LOWEST
    if edit.table_class is not None:
        return chosen_table(scene.parameters.resistance).land_cover[edit.table_class]
    return LOWEST if edit.resistance is None else edit.resistance


def _keep(scene: Scene, store: ScratchStore, layers: _EditedLayers, *, covers: bool) -> None:
    store.folder.mkdir(parents=True, exist_ok=True)
    if covers:
        cover = np.where(layers.cover > 0, layers.cover, scene.cover)
        for name, values in ((COVER_EDITS, layers.cover), (COVER, cover)):
            store.create_classes(name)
            store.write_classes(name, store.whole, values)
    for kind, built in layers.roads.items():
        store.create_classes(ROAD_EDITS[kind])
        store.write_classes(ROAD_EDITS[kind], store.whole, built.astype(np.uint8))
    if not np.isnan(layers.settled).all():
        store.create(SETTLED)
        store.write(SETTLED, store.whole, layers.settled)


def _window_around(drawn: BaseGeometry, grid: Grid) -> Window:
    """The cells of the grid that the box of a geometry meets."""
    west, south, east, north = drawn.bounds
    row = min(max(math.floor((grid.north - north) / grid.cell_m), 0), grid.height - 1)
    col = min(max(math.floor((west - grid.west) / grid.cell_m), 0), grid.width - 1)
    end_row = max(min(math.floor((grid.north - south) / grid.cell_m) + 1, grid.height), row + 1)
    end_col = max(min(math.floor((east - grid.west) / grid.cell_m) + 1, grid.width), col + 1)
    return Window(row, col, end_row - row, end_col - col)
