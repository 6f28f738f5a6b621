"""Every input on the analysis grid, reduced to the layers the services are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from shanhai.processes.study_area import StudyArea
from shanhai.raster.lattice import CellCentres
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import MONTHS
from shanhai.raster.totals import check_total
from shanhai.raster.warp import Source, align, align_classes
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import FloatArray
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

WIDE_THEMES = ("dem", "land_cover", "roads")
"""Themes whose neighbourhood matters, aligned on the wide grid."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Scratch layers on the analysis grid and on the wide one."""

    own: ScratchStore
    wide: ScratchStore

    @classmethod
    def under(cls, folder: Path, area: StudyArea) -> "Stores":
        """Stores in sub-folders of `folder`."""
        return cls(
            ScratchStore(folder / "grid", area.grid), ScratchStore(folder / "wide", area.wide)
        )


Layers = dict[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Alignment:
    """One theme to be aligned and the layers made of it."""

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
        plans.append(Alignment(source, layers, reduce, zero))
    return plans


def align_all(
    area: StudyArea,
    sources: Mapping[str, Source],
    stores: Stores,
    runner: WindowRunner,
    *,
    fill_zero: bool,
    told: Callable[[float], None],
) -> None:
    """Write the aligned layers of all themes; `told` hears the share done, 0–1."""
    wide = [theme for theme in WIDE_THEMES if theme in sources]
    plans = plan_alignments(sources, fill_zero=fill_zero)
    steps = len(wide) + len(plans)
    for done, theme in enumerate(wide):
        told(done / steps)
        stores.wide.create(theme)
        if theme == "land_cover":
            stores.wide.create("built_up")
            _run(runner, area.wide, partial(_align_cover, sources[theme], stores.wide))
        else:
            _run(runner, area.wide, partial(_align_wide, sources[theme], stores.wide, theme))
    for done, plan in enumerate(plans, start=len(wide)):
        told(done / steps)
        for layer in plan.layers:
            stores.own.create(layer)
        _run(runner, area.grid, partial(_align_plan, plan, stores.own))
    if "population" in sources:
        aligned = sum(
            float(np.nansum(block, dtype=np.float64)) for block in stores.own.blocks("population")
        )
        check_total("population", sources["population"], area.grid, aligned)


def _run(runner: WindowRunner, grid: Grid, function: Callable[[Window], None]) -> None:
    for _ in runner.run(function, list(grid.windows(WINDOW_CELLS))):
        pass


def _align_wide(source: Source, store: ScratchStore, layer: str, window: Window) -> None:
    store.write(layer, window, align(source, store.grid, window)[0])


def _align_cover(source: Source, store: ScratchStore, window: Window) -> None:
    """Land cover, and beside its commonest class the built-up part of each cell."""
    classes, built_up = align_classes(source, store.grid, window, LandCover.BUILT_UP)
    store.write("land_cover", window, classes)
    store.write("built_up", window, built_up)


def _align_plan(plan: Alignment, store: ScratchStore, window: Window) -> None:
    bands = align(plan.source, store.grid, window)
    if plan.fill_zero:
        bands = np.where(np.isnan(bands), 0.0, bands)
    for layer, values in plan.reduce(bands, store.grid, window, plan).items():
        store.write(layer, window, values)


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
