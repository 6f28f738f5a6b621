"""The condition of ecosystems: quality, degradation by a yearly series, resilience."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from shanhai.processes.evaluate_ecosystem.contract import (
    SERIES_THEMES,
    EvaluationParameters,
    Series,
    series_choices,
)
from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.layers import VegetationScale, layer_limits, make_layers
from shanhai.processes.kit.region import LAND, Place, possible
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterSource, align
from shanhai.science.evaluation import degradation, quality
from shanhai.science.evaluation.cell_trend import cell_trend, lag_one_autocorrelation
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray, Window
from shanhai.science.landcover import LandCover, class_values, vegetation_cover
from shanhai.science.normalisation import NormalisationLimits, normalise

QUALITY_CLASSES, QUALITY_INDEX = "quality", "quality_index"
_WHOLE_REGION = 1
"""Number of the only function region where none are given."""


def evaluate_quality(run: EvaluationRun) -> Result:
    """Write `quality` and `quality_index`."""
    place = run.place
    regions = "eco_region" in place.sources
    make_layers(place, ["lai", "gpp", "ndvi", "land_cover", *(["eco_region"] if regions else [])])
    scale = run.scale
    references = quality.reference_values(
        lambda: _blocks(place, scale),
        reference=run.parameters.reference,
        parents={int(one): parent for one, parent in run.parameters.region_parents.items()},
    )
    tables = {name: references.table(name) for name in quality.VARIABLES}
    place.store.create_classes(QUALITY_CLASSES)
    place.store.create(QUALITY_INDEX)
    place.each(partial(_judge_quality, place.store, scale, tables))
    return Result(
        classes=(QUALITY_CLASSES,),
        quantities={QUALITY_INDEX: "1"},
        record={
            "reference": run.parameters.reference,
            "regions": "eco_region" if regions else "one",
            "references": _reference_record(references),
        },
    )


def _blocks(place: Place, scale: VegetationScale) -> Iterator[quality.GroupedBlock]:
    for window in place.windows():
        yield _groups(place.store, window), _variables(place.store, scale, window)


def _groups(store: ScratchStore, window: Window) -> quality.Groups:
    land = store.read_classes(LAND, window)
    region = land * _WHOLE_REGION
    if store.has("eco_region"):
        region = store.read_classes("eco_region", window)
    return np.where(
        land == 1,
        quality.group_numbers(region, store.read_classes("land_cover", window)),
        np.uint16(0),
    )


def _variables(
    store: ScratchStore, scale: VegetationScale, window: Window
) -> dict[str, FloatArray]:
    """The variables, each where all of them are known."""
    found = {
        "lai": store.read("lai", window),
        "fvc": scale.cover(store.read("ndvi", window)),
        "gpp": store.read("gpp", window),
    }
    unknown = np.isnan(np.stack(list(found.values()))).any(axis=0)
    return {name: np.where(unknown, np.nan, values) for name, values in found.items()}


def _judge_quality(
    store: ScratchStore, scale: VegetationScale, tables: Mapping[str, FloatArray], window: Window
) -> None:
    groups, variables = _groups(store, window), _variables(store, scale, window)
    relative = [
        quality.relative_value(values, np.where(groups > 0, tables[name][groups], np.nan))
        for name, values in variables.items()
    ]
    index = quality.quality_index(relative)
    store.write(QUALITY_INDEX, window, index)
    store.write_classes(QUALITY_CLASSES, window, quality.quality_class(index))


def _reference_record(references: quality.References) -> list[dict[str, float | int | str]]:
    return [
        {
            "variable": name,
            "region": group // quality.TYPES,
            "land_cover": group % quality.TYPES,
            "cells": references.cells[name][group],
            "value": value,
            "taken_from_region": references.taken_from[name][group] // quality.TYPES,
        }
        for name in quality.VARIABLES
        for group, value in references.values[name].items()
    ]


DEGRADATION_CLASSES, SLOPE, MEMORY = "degradation", "degradation_slope", "memory"
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
    limit = degradation.STABLE_SLOPE.get(series, 0.0) if stable is None else stable
    years = write_trend(run, series)
    run.place.store.create_classes(DEGRADATION_CLASSES)
    run.place.each(partial(_judge_trend, run.place.store, limit))
    return Result(
        classes=(DEGRADATION_CLASSES,),
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
    degradation.require_years(source.facts.bands, SERIES_THEMES[series])
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


def _judge_trend(store: ScratchStore, stable_slope: float, window: Window) -> None:
    codes = degradation.degradation_class(
        store.read(SLOPE, window), store.read("degradation_z", window), stable_slope=stable_slope
    )
    store.write_classes(DEGRADATION_CLASSES, window, codes)


def has_series(run: EvaluationRun) -> bool:
    """Whether a yearly series was given and is long enough for a trend."""
    own = run.place.sources
    return any(theme in own for theme in SERIES_THEMES.values()) and (
        own[SERIES_THEMES[series_of(run)]].facts.bands >= degradation.LEAST_YEARS
    )


RESILIENCE_CLASSES, RESILIENCE_INDEX = "resilience", "resilience_index"
HABITAT = "supply.biodiversity"

_NO_SERIES = ResultFlag.of(
    "no_series",
    f"无 {degradation.LEAST_YEARS} 年及以上的逐年序列：恢复力不含自相关项",
    f"no yearly series of {degradation.LEAST_YEARS} years: resilience leaves out the memory of"
    " disturbances",
)


def evaluate_resilience(run: EvaluationRun) -> Result:
    """Write `resilience` and `resilience_index`."""
    place, condition = run.place, _write_condition(run)
    remembered = has_series(run)
    if remembered:
        write_trend(run, series_of(run))
    make_layers(place, ["land_cover", "npp"])
    terms = ["npp", condition, *([MEMORY] if remembered else [])]
    limits = layer_limits(place, terms, ["land_cover", *terms])
    table = dict(quality.RESILIENCE) | {
        LandCover(int(code)): value for code, value in run.parameters.resilience.items()
    }
    place.store.create_classes(RESILIENCE_CLASSES)
    place.store.create(RESILIENCE_INDEX)
    place.each(partial(_judge_resilience, place.store, limits, condition, table))
    return Result(
        classes=(RESILIENCE_CLASSES,),
        quantities={RESILIENCE_INDEX: "1"},
        record={
            "condition": "quality_index" if condition == QUALITY_INDEX else "habitat",
            "memory": series_of(run) if remembered else None,
            "coefficients": {cover.name.lower(): value for cover, value in table.items()},
            "limits": {name: [one.low, one.high] for name, one in limits.items()},
        },
        flags=() if remembered else (_NO_SERIES,),
    )


def _write_condition(run: EvaluationRun) -> str:
    """The layer of the condition: quality where it is evaluated, else the habitat, else quality."""
    if "quality" not in run.inputs.themes and HABITAT in run.place.sources:
        make_layers(run.place, [HABITAT])
        return HABITAT
    if not run.place.store.has(QUALITY_INDEX):
        evaluate_quality(run)
    return QUALITY_INDEX


def _judge_resilience(
    store: ScratchStore,
    limits: Mapping[str, NormalisationLimits],
    condition: str,
    table: Mapping[LandCover, float],
    window: Window,
) -> None:
    scaled = {name: normalise(store.read(name, window), one) for name, one in limits.items()}
    index = quality.resilience_index(
        coefficient=class_values(store.read_classes("land_cover", window), table),
        npp_n=scaled["npp"],
        condition_n=scaled[condition],
        memory_n=scaled.get(MEMORY),
    )
    store.write(RESILIENCE_INDEX, window, index)
    store.write_classes(RESILIENCE_CLASSES, window, quality.resilience_class(index))
