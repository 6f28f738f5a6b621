"""Which cells of a study are land, and whether what lies beyond the region is known at all."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.region import StudyArea
from shanhai.raster.store import ScratchStore
from shanhai.raster.vectorise import cells_within
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray
from shanhai.science.grid import Window

LAND_LAYER = "land"
SEA, LAND = 1, 2
"""Codes of the land layer on the wide grid; 0 lies outside the region."""

MARINE = 0
"""The land-cover code of the sea; NaN lies outside the land-cover raster."""

_BORDER_CELLS = 2.0
"""Within so many cells of the border a class may come from either side of it."""


@dataclass(frozen=True, slots=True)
class _Borders:
    """The region, what is surely inside it, and what is not surely outside."""

    outline: BaseGeometry
    core: BaseGeometry
    reach: BaseGeometry


def write_land(
    area: StudyArea,
    wide: ScratchStore,
    runner: WindowRunner,
    windows: list[Window],
    source_m: float,
) -> bool:
    """Write the land layer; without land cover the whole region is land.

    Land cover that was cut along the border of an inland region holds 0 beyond it, as the sea
    does. Where it knows no class beyond the border and no sea within, its 0 is unknown, not sea.

    Args:
        area: The study area.
        wide: The store of the wide grid, where land cover is already aligned if there is any.
        runner: Runs the windows.
        windows: Windows that cover the wide grid.
        source_m: Cell of the land-cover raster, m.

    Returns:
        Whether land cover turned out to be cut along the border.
    """
    wide.create_classes(LAND_LAYER)
    margin = _BORDER_CELLS * max(area.grid.cell_m, source_m)
    borders = _Borders(area.outline, area.outline.buffer(-margin), area.outline.buffer(margin))
    found = list(runner.run(partial(_write_land, borders, wide), windows))
    knows_beyond = any(telling for telling, _ in found)
    has_sea = any(sea for _, sea in found)
    if knows_beyond or not has_sea:
        return False
    for _ in runner.run(partial(_forget_sea, wide), windows):
        pass
    return True


def _write_land(borders: _Borders, wide: ScratchStore, window: Window) -> tuple[bool, bool]:
    """Write a window.

    Returns:
        Whether land cover proves to know what lies beyond the border, and whether there is any sea.
    """
    inside = cells_within(borders.outline, wide.grid, window)
    if not wide.has("land_cover"):
        wide.write_classes(LAND_LAYER, window, np.where(inside, np.uint8(LAND), np.uint8(0)))
        return False, False
    cover = wide.read("land_cover", window)
    sea = cover == MARINE
    codes = np.where(sea, np.uint8(SEA), np.uint8(LAND))
    wide.write_classes(LAND_LAYER, window, np.where(inside, codes, np.uint8(0)))
    beyond: BoolArray = ~cells_within(borders.reach, wide.grid, window)
    within = np.zeros_like(sea)
    if not borders.core.is_empty:
        within = cells_within(borders.core, wide.grid, window)
    telling = bool((beyond & (cover > MARINE)).any() or (within & sea).any())
    return telling, bool(sea.any())


def _forget_sea(wide: ScratchStore, window: Window) -> None:
    cover, land = wide.read("land_cover", window), wide.read_classes(LAND_LAYER, window)
    sea = cover == MARINE
    wide.write("land_cover", window, np.where(sea, np.nan, cover))
    wide.write_classes(LAND_LAYER, window, np.where(land == SEA, np.uint8(LAND), land))
