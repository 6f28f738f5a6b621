"""Layers that look at a cell's neighbourhood, and the cells in which everything is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.alignment import WINDOW_CELLS, Stores
from shanhai.processes.land import LAND, MARINE
from shanhai.processes.pointers import pointing_at
from shanhai.processes.study_area import StudyArea
from shanhai.raster.vectorise import cells_within
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.distance import distance_m, halo_cells
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M, WATER_CUTOFF_M
from shanhai.science.grid import Window
from shanhai.science.landcover import (
    CROP_COEFFICIENT,
    NATURALNESS,
    LandCover,
    class_values,
    is_built_up,
    is_water,
    require_rows,
)
from shanhai.science.quantiles import exact_quantiles
from shanhai.science.terrain import relief, slope_degrees

RELIEF_RADIUS_M = 500.0
"""Half of the window of 1 km in which relief is measured."""

LIT_QUANTILE = 0.75
"""Without roads and land cover, cells lit brighter than this quantile stand for settlements."""

REQUIRED_LAYERS = (
    "elevation",
    "slope",
    "npp",
    "ndvi",
    "rainfall",
    "erosivity",
    "temperature",
    "evapotranspiration",
    "erodibility",
    "infiltration",
    "night_lights_log",
)
"""A cell counts only where each of these is known."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What the derivation needs in every process.

    Attributes:
        area: The study area.
        stores: Aligned layers in, derived layers out.
        lit_from: Value of `night_lights_log` that stands for settlements; None where roads or land
            cover say where they are.
    """

    area: StudyArea
    stores: Stores
    lit_from: float | None

    def has(self, layer: str) -> bool:
        """Whether a layer was aligned."""
        return self.stores.own.has(layer) or self.stores.wide.has(layer)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Cells of a window, or of the whole study: what the region holds and what is lost why.

    Attributes:
        valid: Cells in which everything required is known.
        inside: Cells of the region.
        sea: Those of them that are sea.
        missing: Land cells in which a layer is unknown, by layer.
    """

    valid: int
    inside: int
    sea: int
    missing: dict[str, int]

    @property
    def land(self) -> int:
        """Cells of the region that are not sea."""
        return self.inside - self.sea


def derive_all(
    area: StudyArea, stores: Stores, runner: WindowRunner, told: Callable[[float], None]
) -> Coverage:
    """Write slope, relief, distances, land cover and the validity of every cell."""
    around = Neighbourhood(area, stores, _lit_from(area, stores))
    for layer in ("elevation", "slope", "relief", "water_distance", "access_distance"):
        stores.own.create(layer)
    if not stores.own.has("evapotranspiration"):
        stores.own.create("evapotranspiration")
    if stores.wide.has("land_cover"):
        stores.own.create_classes("land_cover")
        stores.own.create("built_up")
    stores.own.create_classes("valid")
    windows = list(area.grid.windows(WINDOW_CELLS))
    _require_known_cover(around, windows)
    parts = []
    for done, part in enumerate(runner.run(partial(_derive, around), windows)):
        parts.append(part)
        told((done + 1) / len(windows))
    return _together(parts)


def _lit_from(area: StudyArea, stores: Stores) -> float | None:
    if stores.wide.has("roads") or stores.wide.has("land_cover"):
        return None

    def lights() -> Iterator[NDArray[np.float32]]:
        for window in area.grid.windows(WINDOW_CELLS):
            inside = cells_within(area.outline, area.grid, window)
            yield stores.own.read_stored("night_lights_log", window)[inside]

    return exact_quantiles(lights, [LIT_QUANTILE])[0]


def _require_known_cover(around: Neighbourhood, windows: list[Window]) -> None:
    """Refuse land cover without parameters before anything is computed from it.

    Raises:
        InvalidInput: it occurs in the region; all such classes are listed with their cells.
    """
    counts = np.zeros(len(LandCover) + 1, dtype=np.int64)
    for window in windows:
        cover = _land_cover(around, window, halo=0)
        if cover is None:
            return
        codes = _codes(cover)
        if not np.isin(codes, (LandCover.SNOW_ICE, LandCover.TUNDRA)).any():
            continue
        inside = cells_within(around.area.outline, around.area.grid, window)
        counts += np.bincount(codes[inside], minlength=counts.size)
    with pointing_at("/inputs/datasets/land_cover"):
        require_rows(dict(enumerate(counts.tolist())), NATURALNESS)


def _together(parts: list[Coverage]) -> Coverage:
    names = {name for part in parts for name in part.missing}
    return Coverage(
        valid=sum(part.valid for part in parts),
        inside=sum(part.inside for part in parts),
        sea=sum(part.sea for part in parts),
        missing={name: sum(p.missing.get(name, 0) for p in parts) for name in sorted(names)},
    )


def _derive(around: Neighbourhood, window: Window) -> Coverage:
    own = around.stores.own
    land_cover = _land_cover(around, window, halo=0)
    terrain = _terrain(around, window)
    for layer, values in terrain.items():
        own.write(layer, window, values)
    own.write("water_distance", window, _water_distance(around, window))
    own.write("access_distance", window, _access_distance(around, window))
    place = around.stores.land_codes(window)
    land: BoolArray = place == LAND
    codes = None if land_cover is None else np.where(land, _codes(land_cover), np.uint8(0))
    if codes is not None:
        own.write_classes("land_cover", window, codes)
        own.write("built_up", window, _wide(around, "built_up", window, 0))
    _write_evapotranspiration(around, window, codes)
    seen = land if codes is None else land & (codes > MARINE)
    missing = _write_valid(around, window, land, seen, terrain)
    inside = int(np.count_nonzero(place))
    sea = inside - int(np.count_nonzero(land))
    valid = int(np.count_nonzero(own.read_classes("valid", window)))
    return Coverage(valid=valid, inside=inside, sea=sea, missing=missing)


def _land_cover(around: Neighbourhood, window: Window, *, halo: int) -> FloatArray | None:
    """Codes around a window: 0 is sea, NaN lies outside the land-cover raster."""
    if not around.stores.wide.has("land_cover"):
        return None
    return _wide(around, "land_cover", window, halo)


def _wide(around: Neighbourhood, layer: str, window: Window, halo: int) -> FloatArray:
    wide = around.area.on_wide(window).expanded(halo, around.area.wide)
    return around.stores.wide.read(layer, wide)


def _trim(around: Neighbourhood, values: FloatArray, window: Window, halo: int) -> FloatArray:
    inner = around.area.on_wide(window)
    return values[inner.slices_within(inner.expanded(halo, around.area.wide))]


def _terrain(around: Neighbourhood, window: Window) -> dict[str, FloatArray]:
    cell_m = around.area.grid.cell_m
    radius = max(1, round(RELIEF_RADIUS_M / cell_m))
    dem = _wide(around, "dem", window, radius)
    layers = {
        "elevation": dem,
        "slope": slope_degrees(dem, cell_m),
        "relief": relief(dem, radius),
    }
    return {name: _trim(around, values, window, radius) for name, values in layers.items()}


def _water_distance(around: Neighbourhood, window: Window) -> FloatArray:
    halo = halo_cells(WATER_CUTOFF_M, around.area.grid.cell_m)
    cover = _land_cover(around, window, halo=halo)
    if cover is None:
        water: BoolArray = _wide(around, "dem", window, halo) <= 0
    else:
        water = (cover == MARINE) | is_water(_codes(cover))
    distance = distance_m(water, around.area.grid.cell_m, WATER_CUTOFF_M)
    return _trim(around, distance, window, halo)


def _access_distance(around: Neighbourhood, window: Window) -> FloatArray:
    if around.lit_from is not None:
        return _lit_distance(around, window, around.lit_from)
    halo = halo_cells(ACCESS_CUTOFF_M, around.area.grid.cell_m)
    if around.stores.wide.has("roads"):
        reached: BoolArray = _wide(around, "roads", window, halo) == 1
    else:
        reached = is_built_up(_codes(_wide(around, "land_cover", window, halo)))
    distance = distance_m(reached, around.area.grid.cell_m, ACCESS_CUTOFF_M)
    return _trim(around, distance, window, halo)


def _lit_distance(around: Neighbourhood, window: Window, lit_from: float) -> FloatArray:
    halo = halo_cells(ACCESS_CUTOFF_M, around.area.grid.cell_m)
    outer = window.expanded(halo, around.area.grid)
    lights = around.stores.own.read("night_lights_log", outer)
    # Where hardly anything shines the quantile is 0, and the dark is no settlement.
    lit: BoolArray = (lights >= lit_from) & (lights > 0)
    distance = distance_m(lit, around.area.grid.cell_m, ACCESS_CUTOFF_M)
    return distance[window.slices_within(outer)]


def _codes(cover: FloatArray) -> ClassArray:
    return np.nan_to_num(cover, nan=0.0).astype(np.uint8)


def _write_evapotranspiration(
    around: Neighbourhood, window: Window, land_cover: ClassArray | None
) -> None:
    """Kc times reference evapotranspiration, unless a product of the actual one was given."""
    own = around.stores.own
    if not own.has("reference_et"):
        return
    reference = own.read("reference_et", window)
    if land_cover is not None:
        reference = reference * class_values(land_cover, CROP_COEFFICIENT)
    own.write("evapotranspiration", window, reference)


def _write_valid(
    around: Neighbourhood,
    window: Window,
    land: BoolArray,
    seen: BoolArray,
    terrain: dict[str, FloatArray],
) -> dict[str, int]:
    """Write where everything is known; `seen` is land with land cover. Returns what is missing."""
    own = around.stores.own
    optional = [name for name in ("population_log",) if own.has(name)]
    valid = seen.copy()
    missing = {"land_cover": int(np.count_nonzero(land & ~seen))}
    for layer in (*REQUIRED_LAYERS, *optional):
        values = terrain[layer] if layer in terrain else own.read(layer, window)
        unknown: BoolArray = np.isnan(values)
        # Kc comes from land cover, so that its gaps would be counted twice.
        judged = seen if layer == "evapotranspiration" else land
        missing[layer] = int(np.count_nonzero(judged & unknown))
        valid &= ~unknown
    own.write_classes("valid", window, valid.astype(np.uint8))
    return missing
