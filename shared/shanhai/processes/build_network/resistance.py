"""The resistance surface of the land, window by window, with what a scenario lays over it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.build_network.contract import ResistanceChoice
from shanhai.processes.build_network.sources import SOURCE
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.region import class_codes, possible
from shanhai.processes.kit.task import pointing_at
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource, align
from shanhai.science.corridors.resistance_factors import (
    Marks,
    finish,
    land_cover_resistance,
    light_factor,
    mean_lights,
    reach_m,
    road_resistance,
    vegetation_adjusted_lights,
    water_resistance,
    weigh,
)
from shanhai.science.corridors.resistance_tables import ResistanceTable, load_table, read_table
from shanhai.science.distance import halo_cells
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, Window
from shanhai.science.landcover import LandCover

COVER_EDITS = "edited_cover"
"""Class of land cover where it is edited, 0 elsewhere."""

ROAD_EDITS = {"main": "edited_main_roads", "minor": "edited_minor_roads"}
"""1 where a road of the kind is built."""

SETTLED = "settled_resistance"
"""Resistance where it is settled whatever the factors say; infinite is a barrier, NaN elsewhere."""


def edited_around(store: ScratchStore, layer: str, window: Window) -> ClassArray | None:
    """Edits on a window that may reach beyond the grid, 0 there; None where there are none."""
    if not store.has(layer):
        return None
    found = np.zeros((window.height, window.width), dtype=np.uint8)
    grid = store.grid
    row, col = max(window.row, 0), max(window.col, 0)
    end_row = min(window.row + window.height, grid.height)
    end_col = min(window.col + window.width, grid.width)
    if end_row > row and end_col > col:
        inner = Window(row, col, end_row - row, end_col - col)
        found[inner.slices_within(window)] = store.read_classes(layer, inner)
    return found


def with_settled(store: ScratchStore, values: FloatArray, window: Window) -> FloatArray:
    """A resistance with what was settled in its place; a barrier becomes NaN."""
    if not store.has(SETTLED):
        return values
    settled = store.read(SETTLED, window)
    found = np.where(np.isnan(settled), values, settled)
    return np.where(np.isinf(found), np.nan, found)


def edited_cover(store: ScratchStore, window: Window) -> BoolArray:
    """Cells whose land cover is edited."""
    edits = edited_around(store, COVER_EDITS, window)
    shape = (window.height, window.width)
    return np.zeros(shape, dtype=bool) if edits is None else np.asarray(edits > 0)


RESISTANCE = "resistance"
GROUND = "ground_resistance"
"""Layer of what the land resists, in sources too, where movement is free."""

DEFAULT_TABLE = "resistance-city"
LIGHTS, GREEN, SLOPE = "night_lights", "ndvi", "slope"
_POINTER = "/inputs/parameters/resistance"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the surface is made.

    Attributes:
        table: Figures.
        lights: Correction by night lights, or `none`.
        means: Mean light by land-cover class.
        sloped: Whether elevations are known.
    """

    table: ResistanceTable
    lights: str
    means: Mapping[int, float]
    sloped: bool


def chosen_table(choice: ResistanceChoice) -> ResistanceTable:
    """The table that was asked for, with the weights that were.

    Raises:
        InvalidInput: a value of it breaks a rule.
    """
    with pointing_at(f"{_POINTER}/table"):
        table = read_table(choice.table) if choice.table else load_table(DEFAULT_TABLE)
    weights = {**table.weights, **{str(name): w for name, w in choice.weights.items()}}
    return replace(table, weights=weights)


def write_surface(scene: Scene, recipe: Recipe) -> dict[str, Any]:
    """Write the layer `resistance` by a recipe; tells the table, the factors and their weights.

    Raises:
        InvalidInput: no land is passable.
    """
    scene.store.create(RESISTANCE)
    scene.store.create(GROUND)
    grid, sources = scene.grid, scene.place.sources
    with pointing_at(_POINTER):
        told = scene.place.each(partial(write_window, scene.store, grid, sources, recipe))
    passable = sum(cells for cells, _ in told)
    if not passable:
        raise InvalidInput(
            "no land is passable: every cell lacks one of the factors of resistance",
            message_zh="没有可通行的像元：每个像元都缺少阻力因子",
            pointer="/inputs/datasets",
        )
    used = next(record for cells, record in told if record)
    return {
        "table": recipe.table.version,
        "status": recipe.table.status,
        "source": recipe.table.source,
        **used,
        "night_lights": recipe.lights,
        "passable_cells": passable,
    }


def find_recipe(scene: Scene) -> Recipe:
    """The table and the lights of a scene.

    Raises:
        InvalidInput: the table breaks a rule, or the correction by lights lacks its vegetation.
    """
    choice, sources = scene.parameters.resistance, scene.place.sources
    lights = choice.night_lights if LIGHTS in sources else "none"
    if lights == "vegetation_adjusted" and GREEN not in sources:
        raise InvalidInput(
            "night_lights is vegetation_adjusted, and there is no dataset of ndvi",
            message_zh="night_lights 为 vegetation_adjusted，但缺少 ndvi 数据",
            pointer="/inputs/datasets/ndvi",
        )
    sloped = "dem" in sources
    layers = [*([LIGHTS] if lights != "none" else []), *([SLOPE] if sloped else [])]
    make_layers(scene.place, [*layers, *([GREEN] if lights == "vegetation_adjusted" else [])])
    means = (
        mean_lights(_lights(scene.store, lights, scene.store.whole), scene.cover)
        if lights != "none"
        else {}
    )
    return Recipe(chosen_table(choice), lights, means, sloped)


def _lights(store: ScratchStore, way: str, window: Window) -> FloatArray:
    lights = store.read(LIGHTS, window)
    if way == "vegetation_adjusted":
        return vegetation_adjusted_lights(lights, store.read(GREEN, window))
    return lights


def write_window(
    store: ScratchStore,
    grid: Grid,
    sources: Mapping[str, RasterSource],
    recipe: Recipe,
    window: Window,
) -> tuple[int, dict[str, Any]]:
    """Write a window; returns its passable cells and the factors used.

    What a scenario lays over the land counts where the store holds it.
    """
    cover = store.read_classes(COVER, window)
    around = _Around(store, sources, grid, window, halo_cells(reach_m(recipe.table), grid.cell_m))
    factors = {"land_cover": land_cover_resistance(cover, recipe.table)}
    if recipe.sloped:
        factors["slope"] = recipe.table.slope.of(store.read(SLOPE, window))
    if roads := around.roads():
        factors["roads"] = around.inner(road_resistance(roads, recipe.table, grid.cell_m))
    factors["water"] = around.inner(water_resistance(around.water(), recipe.table, grid.cell_m))
    weighed = weigh(factors, recipe.table)
    values = weighed.resistance
    if recipe.lights != "none":
        # The light of today says nothing of land that is edited.
        lights = _lights(store, recipe.lights, window)
        lights[edited_cover(store, window)] = np.nan
        values = values * light_factor(lights, cover, recipe.means)
    store.write(GROUND, window, with_settled(store, finish(values), window))
    values = finish(values, Marks(sources=store.read_stored(SOURCE, window) > 0))
    values = with_settled(store, values, window)
    store.write(RESISTANCE, window, values)
    record = {"weights": dict(weighed.weights), "left_out": list(weighed.left_out)}
    return int(np.count_nonzero(np.isfinite(values))), record


@dataclass(frozen=True, slots=True)
class _Around:
    """What lies within reach of the cells of a window, beyond it and beyond the region too."""

    store: ScratchStore
    sources: Mapping[str, RasterSource]
    grid: Grid
    window: Window
    halo: int

    def inner(self, values: FloatArray) -> FloatArray:
        """Without what lies beyond the window."""
        return values[self.halo : -self.halo, self.halo : -self.halo]

    def water(self) -> BoolArray:
        """Rivers, lakes and reservoirs."""
        codes = class_codes(align(self.sources[COVER], self.grid, self._grown)[0])
        edits = edited_around(self.store, COVER_EDITS, self._grown)
        if edits is not None:
            codes = np.where(edits > 0, edits, codes)
        return np.asarray(codes == LandCover.WATER)

    def roads(self) -> dict[str, BoolArray]:
        """Main roads and the others, as far as they are known."""
        main, every = self._present("main_roads"), self._present("roads")
        found = {} if main is None else {"main": main}
        if every is not None:
            found["minor"] = every if main is None else every & ~main
        for kind, layer in ROAD_EDITS.items():
            built = edited_around(self.store, layer, self._grown)
            if built is not None:
                found[kind] = (built > 0) | found.get(kind, False)
        return found

    def _present(self, theme: str) -> BoolArray | None:
        if theme not in self.sources:
            return None
        bands, _ = possible(theme, align(self.sources[theme], self.grid, self._grown))
        return np.asarray(bands[0] > 0)

    @property
    def _grown(self) -> Window:
        window, halo = self.window, self.halo
        return Window(
            window.row - halo, window.col - halo, window.height + 2 * halo, window.width + 2 * halo
        )
