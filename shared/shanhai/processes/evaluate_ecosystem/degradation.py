"""Degradation: the trend of a yearly series in every cell."""

from functools import partial

import numpy as np

from shanhai.processes.evaluate_ecosystem.contract import (
    SERIES_THEMES,
    EvaluationParameters,
    Series,
    series_choices,
)
from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.input_summary import possible
from shanhai.processes.kit.region import LAND, Place
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource, align
from shanhai.science.evaluation.cell_trend import cell_trend, lag_one_autocorrelation
from shanhai.science.evaluation.degradation import (
    STABLE_SLOPE,
    degradation_class,
    require_years,
)
from shanhai.science.grid import Window
from shanhai.science.vegetation import vegetation_cover

CLASSES, SLOPE, MEMORY = "degradation", "degradation_slope", "memory"
_FIXED_SCALE = (0.05, 0.90)
"""NDVI of bare soil and full cover of a series, the same in all years; status E."""

_UNITS = {"ndvi": "1/a", "fvc": "1/a", "npp": "gC/m2/a2", "eqi": "1/a"}


def series_of(run: EvaluationRun) -> Series:
    """The series the trend is taken of: the one asked for, else the first there is."""
    if run.parameters.series is not None:
        return run.parameters.series
    theme = next(one for one in series_choices(run.parameters) if one in run.place.sources)
    return next(name for name, own in SERIES_THEMES.items() if own == theme)


def evaluate_degradation(run: EvaluationRun) -> Result:
    """Write `degradation` and `degradation_slope`."""
    series = series_of(run)
    stable = run.parameters.stable_slope
    limit = STABLE_SLOPE.get(series, 0.0) if stable is None else stable
    years = write_trend(run, series)
    run.place.store.create_classes(CLASSES)
    run.place.each(partial(_judge, run.place.store, limit))
    return Result(
        classes=(CLASSES,),
        quantities={SLOPE: _UNITS[series]},
        record={
            "series": series,
            "years": years,
            "stable_slope": limit,
            "prewhiten": run.parameters.prewhiten,
            "most_gaps": run.parameters.most_gaps,
        },
    )


def write_trend(run: EvaluationRun, series: Series) -> int:
    """Write slope, Z and memory of a series, once; returns its years."""
    place = run.place
    source = place.sources[SERIES_THEMES[series]]
    require_years(source.facts.bands, SERIES_THEMES[series])
    if not place.store.has(SLOPE):
        for layer in (SLOPE, "degradation_z", MEMORY):
            place.store.create(layer)
        parameters = run.parameters
        scale = _scale(parameters) if series == "fvc" else None
        place.each(
            partial(
                _trend,
                place.store,
                source,
                SERIES_THEMES[series],
                scale,
                parameters.prewhiten,
                parameters.most_gaps,
            )
        )
    return source.facts.bands


def _scale(parameters: EvaluationParameters) -> tuple[float, float]:
    """NDVI of bare soil and full cover of all years."""
    soil, vegetation = parameters.ndvi_soil, parameters.ndvi_vegetation
    return (
        _FIXED_SCALE[0] if soil is None else soil,
        _FIXED_SCALE[1] if vegetation is None else vegetation,
    )


def _trend(
    store: ScratchStore,
    source: RasterSource,
    theme: str,
    scale: tuple[float, float] | None,
    prewhiten: bool,
    most_gaps: float,
    window: Window,
) -> None:
    bands = possible(theme, align(source, store.grid, window))[0]
    if scale is not None:
        bands = vegetation_cover(bands, *scale)
    land = store.read_classes(LAND, window) == 1
    bands = np.where(land, bands, np.nan)
    found = cell_trend(bands, prewhiten=prewhiten, most_gaps=most_gaps)
    store.write(SLOPE, window, found.slope)
    store.write("degradation_z", window, found.z)
    store.write(MEMORY, window, lag_one_autocorrelation(bands, most_gaps=most_gaps))


def _judge(store: ScratchStore, stable_slope: float, window: Window) -> None:
    codes = degradation_class(
        store.read(SLOPE, window), store.read("degradation_z", window), stable_slope=stable_slope
    )
    store.write_classes(CLASSES, window, codes)


def has_series(place: Place) -> bool:
    """Whether any yearly series was given."""
    return any(theme in place.sources for theme in SERIES_THEMES.values())
