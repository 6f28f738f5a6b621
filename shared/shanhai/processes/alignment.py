"""Every input on the analysis grid, reduced to the layers the services are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from shanhai.processes.land import LAND, LAND_LAYER, write_land
from shanhai.processes.study_area import StudyArea
from shanhai.processes.tally import Tally, possible
from shanhai.raster.lattice import CellCentres
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import MONTHS, THEME_RULES
from shanhai.raster.totals import check_total
from shanhai.raster.warp import Source, align, align_classes
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.climate import (
    annual_mean,
    annual_total,
    erosivity_annual,
    erosivity_monthly,
    potential_evapotranspiration,
)
from shanhai.science.grid import Grid, Window
from shanhai.science.landcover import LandCover
from shanhai.science.normalise import log1p_positive
from shanhai.science.soil import erodibility, soil_infiltration, texture_class

WINDOW_CELLS = 512

WIDE_THEMES = ("land_cover", "dem", "roads")
"""Themes whose neighbourhood matters, aligned on the wide grid; land cover tells where land is."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Scratch layers on the analysis grid and on the wide one."""

    own: ScratchStore
    wide: ScratchStore
    pad: int

    @classmethod
    def under(cls, folder: Path, area: StudyArea) -> "Stores":
        """Stores in sub-folders of `folder`."""
        return cls(
            ScratchStore(folder / "grid", area.grid),
            ScratchStore(folder / "wide", area.wide),
            area.pad,
        )

    def on_wide(self, window: Window) -> Window:
        """The window of the wide grid that covers the same cells."""
        return Window(window.row + self.pad, window.col + self.pad, window.height, window.width)

    def land_codes(self, window: Window) -> ClassArray:
        """Codes of the land layer in a window of the analysis grid."""
        return self.wide.read_classes(LAND_LAYER, self.on_wide(window))


Layers = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Aligned:
    """What alignment found out.

    Attributes:
        tallies: What each theme holds on the land of the region.
        cover_cut: Whether land cover ends at the region's border, see `write_land`.
    """

    tallies: Mapping[str, Tally]
    cover_cut: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """One theme to be aligned and the layers made of it."""

    theme: str
    source: Source
    layers: tuple[str, ...]
    reduce: Callable[[FloatArray, Grid, Window, "Alignment"], Layers]
    fill_zero: bool = False


def plan_alignments(sources: Mapping[str, Source], *, fill_zero: bool) -> list[Alignment]:
    """What is made of each theme, in a fixed order."""
    evaporates = "evapotranspiration" in sources or "reference_et" in sources
    plans = []
    for theme, source in sorted(sources.items()):
        if theme in WIDE_THEMES or theme not in _REDUCTIONS:
            continue
        layers, reduce = _REDUCTIONS[theme]
        if theme == "temperature" and not evaporates:
            layers, reduce = (*layers, "reference_et"), _temperature_with_et
        zero = fill_zero and theme in {"night_lights", "population"}
        plans.append(Alignment(theme, source, layers, reduce, zero))
    return plans


def align_all(
    area: StudyArea,
    sources: Mapping[str, Source],
    stores: Stores,
    runner: WindowRunner,
    *,
    fill_zero: bool,
    told: Callable[[float], None],
) -> Aligned:
    """Write the aligned layers of all themes; `told` hears the share done, 0–1."""
    wide = [theme for theme in WIDE_THEMES if theme in sources]
    plans = plan_alignments(sources, fill_zero=fill_zero)
    steps = len(wide) + len(plans)
    told(0.0)
    tallies = {}
    cover_cut = _align_land(area, sources.get("land_cover"), stores, runner)
    if "land_cover" in sources:
        tallies["land_cover"] = _run(runner, area.grid, partial(_tally_cover, stores))
    for theme in wide:
        if theme == "land_cover":
            continue
        told(len(tallies) / steps)
        stores.wide.create(theme)
        run = partial(_align_wide, sources[theme], stores.wide, theme)
        tallies[theme] = _run(runner, area.wide, run)
    for plan in plans:
        told(len(tallies) / steps)
        for layer in plan.layers:
            stores.own.create(layer)
        tallies[plan.theme] = _run(runner, area.grid, partial(_align_plan, plan, stores))
    if "population" in sources:
        aligned = sum(
            float(np.nansum(block, dtype=np.float64)) for block in stores.own.blocks("population")
        )
        check_total("population", sources["population"], area.grid, aligned)
    return Aligned(tallies, cover_cut)


def _run(runner: WindowRunner, grid: Grid, function: Callable[[Window], Tally]) -> Tally:
    return Tally.together(runner.run(function, list(grid.windows(WINDOW_CELLS))))


def _align_land(
    area: StudyArea, source: Source | None, stores: Stores, runner: WindowRunner
) -> bool:
    """Land cover, if there is any, and the land layer; see `write_land` for the result."""
    windows = list(area.wide.windows(WINDOW_CELLS))
    if source is not None:
        stores.wide.create("land_cover")
        stores.wide.create("built_up")
        for _ in runner.run(partial(_align_cover, source, stores.wide), windows):
            pass
    return write_land(area, stores.wide, runner, windows, source.resolution if source else 0.0)


def _align_wide(source: Source, store: ScratchStore, theme: str, window: Window) -> Tally:
    bands, impossible = possible(theme, align(source, store.grid, window))
    store.write(theme, window, bands[0])
    land = store.read_classes(LAND_LAYER, window) == LAND
    return _tally(theme, bands, bands, impossible, land)


def _align_cover(source: Source, store: ScratchStore, window: Window) -> None:
    """Land cover, and beside its commonest class the built-up part of each cell."""
    classes, built_up = align_classes(source, store.grid, window, LandCover.BUILT_UP)
    store.write("land_cover", window, classes)
    store.write("built_up", window, built_up)


def _tally_cover(stores: Stores, window: Window) -> Tally:
    cover = stores.wide.read("land_cover", stores.on_wide(window))[np.newaxis]
    land = stores.land_codes(window) == LAND
    return _tally("land_cover", cover, cover, np.zeros_like(land), land)


def _align_plan(plan: Alignment, stores: Stores, window: Window) -> Tally:
    store = stores.own
    found, impossible = possible(plan.theme, align(plan.source, store.grid, window))
    bands = np.where(np.isnan(found), 0.0, found) if plan.fill_zero else found
    layers = plan.reduce(bands, store.grid, window, plan)
    for layer, values in layers.items():
        store.write(layer, window, values)
    # Twelve months are told as the year they make.
    shown = layers[plan.theme][np.newaxis] if len(found) == MONTHS else found
    return _tally(plan.theme, found, shown, impossible, stores.land_codes(window) == LAND)


def _tally(
    theme: str, bands: FloatArray, shown: FloatArray, impossible: BoolArray, land: BoolArray
) -> Tally:
    """What a window holds on land, before gaps are filled; classes have no mean."""
    known = np.asarray(~np.isnan(bands).any(axis=0))
    return Tally.of(shown[:0] if THEME_RULES[theme].categorical else shown, known, impossible, land)


def _single(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    return {plan.layers[0]: bands[0]}


def _rainfall(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    if len(bands) == MONTHS:
        return {"rainfall": annual_total(bands), "erosivity": erosivity_monthly(bands)}
    return {"rainfall": bands[0], "erosivity": erosivity_annual(bands[0])}


def _temperature(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    return {"temperature": annual_mean(bands) if len(bands) == MONTHS else bands[0]}


def _temperature_with_et(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    months = bands if len(bands) == MONTHS else np.repeat(bands, MONTHS, axis=0)
    _, latitude = CellCentres(grid.transform, grid.cell_m, f"EPSG:{grid.epsg}", "EPSG:4490").within(
        window
    )
    return {
        **_temperature(bands, grid, window, plan),
        "reference_et": potential_evapotranspiration(months, latitude),
    }


def _soil(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    sand, silt, clay, carbon = bands
    return {
        "erodibility": erodibility(sand, silt, clay, carbon),
        "infiltration": soil_infiltration(texture_class(sand, silt, clay)),
    }


def _night_lights(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    return {"night_lights_log": log1p_positive(bands[0])}


def _population(bands: FloatArray, grid: Grid, window: Window, plan: Alignment) -> Layers:
    return {"population": bands[0], "population_log": log1p_positive(bands[0] / grid.cell_area_ha)}


_REDUCTIONS: dict[
    str, tuple[tuple[str, ...], Callable[[FloatArray, Grid, Window, Alignment], Layers]]
] = {
    "evapotranspiration": (("evapotranspiration",), _single),
    "ndvi": (("ndvi",), _single),
    "night_lights": (("night_lights_log",), _night_lights),
    "npp": (("npp",), _single),
    "population": (("population", "population_log"), _population),
    "protected_areas": (("protected",), _single),
    "rainfall": (("rainfall", "erosivity"), _rainfall),
    "reference_et": (("reference_et",), _single),
    "soil": (("erodibility", "infiltration"), _soil),
    "temperature": (("temperature",), _temperature),
}
"""Layers of each theme that is aligned cell by cell, and how they follow from its bands."""
