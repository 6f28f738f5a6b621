"""Assess a region: supply, demand and ratio of the services, and their numbers by district."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.processes.assess_ecoservices import contract
from shanhai.processes.assess_ecoservices.assessed import Assessment, service_figures
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.manifest import assessment_manifest
from shanhai.processes.assess_ecoservices.report import begin_services, write_maps_and_report
from shanhai.processes.kit.manifest import finished, resumed_runner
from shanhai.processes.kit.outputs import write_document, write_table
from shanhai.processes.kit.region import SCRATCH, StudyArea, part_of
from shanhai.processes.kit.task import DistrictTask, Outcome, OutputFile, Progress, RegionTask, Task
from shanhai.raster.cells import number_areas
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.figures import (
    FigureAccumulator,
    WindowFigures,
    count_finely,
    count_window,
)
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import IntArray, Window
from shanhai.science.quantiles import Counts
from shanhai.vocabulary import label_of

DISTRICTS = "districts"
"""Number of each cell's district, from 1; 0 outside all."""

_DIGITS = 6
_PROBABILITIES = {"p10": 0.1, "median": 0.5, "p90": 0.9}
_WHOLE = 0

TABLE_HEAD = (
    *("place", "name_zh", "name_en", "service", "service_zh", "method", "layer", "unit"),
    *("cells", "mean", "sd", "min", "p10", "median", "p90", "max", "total"),
    "deficit_share_percent",
)


@dataclass(frozen=True, slots=True)
class _Deficit:
    """Cells of a place whose ratio is known, and those of them below 0."""

    known: int
    below: int


def assessment_statistics(assessment: Assessment) -> dict[str, Any]:
    """The document: for the region and each district, every service and the comprehensive ratio.

    Totals are the sum over the cells of the value per hectare times the area; an index has none.
    """
    place = assessment.place
    area, store, windows = place.area, place.store, list(place.windows())
    store.create(DISTRICTS)
    for _ in place.runner.run(partial(_number, area, store), windows):
        pass
    places: list[RegionTask | DistrictTask] = [area.region, *area.region.districts]
    layers = [RATIO, *(f"{kind}.{service}" for service, kind in _sides(assessment))]
    found = {layer: _spreads(layer, len(places), store, windows, place.runner) for layer in layers}
    return {
        "cell_m": store.grid.cell_m,
        "region_cells": assessment.coverage.inside,
        "sea_cells": assessment.coverage.sea,
        "valid_cells": assessment.coverage.valid,
        "valid_area_km2": _round(assessment.coverage.valid * store.grid.cell_area_m2 / 1e6),
        "profile_methods": {
            service: method.id for service, method in assessment.assembled.methods.items()
        },
        "places": [_place(assessment, number, one, found) for number, one in enumerate(places)],
        "flags": [flag.document() for flag in assessment.flags],
    }


def _sides(assessment: Assessment) -> Iterator[tuple[str, str]]:
    for service in assessment.assembled.methods:
        for kind in ("supply", "demand", "ratio"):
            yield service, kind


def _number(area: StudyArea, store: ScratchStore, window: Window) -> None:
    numbers = number_areas(area.districts, part_of(area.grid, window))
    store.write(DISTRICTS, window, numbers.astype(np.float32))


def _figures(layer: str, place: int) -> dict[str, AreaFigure]:
    where = str(place)
    kinds = {
        name: AreaFigure(layer, "quantile", probability, where)
        for name, probability in _PROBABILITIES.items()
    }
    return kinds | {
        "count": AreaFigure(layer, "count", None, where),
        "mean": AreaFigure(layer, "mean", None, where),
        "sd": AreaFigure(layer, "sd", None, where),
        "min": AreaFigure(layer, "min", None, where),
        "max": AreaFigure(layer, "max", None, where),
        "sum": AreaFigure(layer, "sum", None, where),
    }


@dataclass(frozen=True, slots=True)
class _Spread:
    """Numbers of a layer in one place."""

    numbers: dict[str, float]
    deficit: _Deficit


def _spreads(
    layer: str, places: int, store: ScratchStore, windows: Sequence[Window], runner: WindowRunner
) -> list[_Spread]:
    """Numbers of a layer in the region and in each district, read twice."""
    wanted = [_figures(layer, place) for place in range(places)]
    gathering = FigureAccumulator(tuple(figure for one in wanted for figure in one.values()))
    below = np.zeros(places, dtype=np.int64)
    for parts, negative in runner.run(partial(_count, layer, places, store), windows):
        gathering.add(parts)
        below += negative
    bins = gathering.open_bins()
    for fine in runner.run(partial(_count_again, layer, bins, store), windows):
        gathering.add_fine(fine)
    values = gathering.values()
    return [
        _Spread(
            {name: values[figure] for name, figure in one.items()},
            _Deficit(int(values[one["count"]]), int(below[place])),
        )
        for place, one in enumerate(wanted)
    ]


def _count(
    layer: str, places: int, store: ScratchStore, window: Window
) -> tuple[dict[tuple[str, str | None], WindowFigures], IntArray]:
    values, districts = store.read_stored(layer, window), store.read_stored(DISTRICTS, window)
    parts: dict[tuple[str, str | None], WindowFigures] = {}
    negative = np.zeros(places, dtype=np.int64)
    for place in (_WHOLE, *np.unique(districts[districts > 0]).astype(int).tolist()):
        cells = np.ones_like(districts, dtype=bool) if place == _WHOLE else districts == place
        parts[layer, str(place)] = count_window(values, cells, histogram=True)
        negative[place] = np.count_nonzero(values[cells] < 0)
    return parts, negative


def _count_again(
    layer: str,
    bins: dict[tuple[str, str | None], tuple[int, ...]],
    store: ScratchStore,
    window: Window,
) -> dict[tuple[str, str | None], Counts]:
    values, districts = store.read_stored(layer, window), store.read_stored(DISTRICTS, window)
    fine = {}
    for subject, wanted in bins.items():
        place = int(subject[1] or _WHOLE)
        cells = np.ones_like(districts, dtype=bool) if place == _WHOLE else districts == place
        if cells.any():
            fine[subject] = count_finely(values, cells, wanted)
    return fine


def _place(
    assessment: Assessment,
    number: int,
    place: RegionTask | DistrictTask,
    found: dict[str, list[_Spread]],
) -> dict[str, Any]:
    ratio = found[RATIO][number]
    return {
        "code": place.code,
        "name_zh": place.name_zh,
        "name_en": place.name_en,
        "cells": ratio.deficit.known,
        "area_km2": _round(ratio.deficit.known * assessment.place.area.grid.cell_area_m2 / 1e6),
        "ratio": _told(ratio) | {"deficit_share_percent": _share(ratio.deficit)},
        "services": [
            _service(assessment, service, number, found) for service in assessment.assembled.methods
        ],
    }


def _service(
    assessment: Assessment, service: str, number: int, found: dict[str, list[_Spread]]
) -> dict[str, Any]:
    method, label = assessment.assembled.methods[service], label_of(service)
    area_ha = assessment.place.area.grid.cell_area_ha
    sides: dict[str, Any] = {}
    for kind in ("supply", "demand"):
        spread = found[f"{kind}.{service}"][number]
        sides[kind] = _told(spread)
        if "/ha" in method.unit:
            sides[kind]["total"] = _round(spread.numbers["sum"] * area_ha)
    ratio = found[f"ratio.{service}"][number]
    return {
        "service": service,
        "name_zh": label.zh,
        "name_en": label.en,
        "method": method.id,
        "unit": method.unit,
        **sides,
        "ratio": _told(ratio) | {"deficit_share_percent": _share(ratio.deficit)},
    }


def _told(spread: _Spread) -> dict[str, Any]:
    order = ("mean", "sd", "min", "p10", "median", "p90", "max")
    numbers = {name: _round(spread.numbers[name]) for name in order}
    return {"cells": spread.deficit.known, **numbers}


def _share(deficit: _Deficit) -> float | None:
    return _round(100 * deficit.below / deficit.known) if deficit.known else None


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(value, _DIGITS)


def table_rows(document: dict[str, Any]) -> Iterator[Sequence[Any]]:
    """Rows of the statistics as a table: place by place, service by service."""
    for place in document["places"]:
        names = (place["code"], place["name_zh"], place["name_en"])
        yield (*names, "", "", "", RATIO, "1", *_columns(place["ratio"]))
        for one in place["services"]:
            who = (one["service"], one["name_zh"], one["method"])
            for layer in ("supply", "demand", "ratio"):
                unit = "1" if layer == "ratio" else one["unit"]
                yield (*names, *who, layer, unit, *_columns(one[layer]))


def _columns(numbers: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(numbers.get(name) for name in TABLE_HEAD[8:])


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = contract.AssessEcoservicesInputs.model_validate(task.inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        assessment = assess(task, inputs, workspace / SCRATCH, runner, progress)
        progress(60, "statistics")
        figures = service_figures(assessment)
        collect = begin_services(task, inputs, assessment, figures, workspace)
        statistics = assessment_statistics(assessment)
        progress(75, "rasters")
        files = _documents(statistics, workspace)
        ready = collect()
        files += ready.rasters
        progress(88, "maps")
        manifest = assessment_manifest(task, inputs, assessment)
        files += write_maps_and_report(
            assessment, figures, manifest, workspace, ready=ready, places=statistics["places"][1:]
        )
    return finished(
        workspace,
        files,
        manifest,
        {"methods": manifest["methods"], "region": statistics["places"][0]},
        progress,
    )


def _documents(statistics: dict[str, Any], workspace: Path) -> list[OutputFile]:
    output = contract.ASSESS_ECOSERVICES.output
    return [
        write_document(workspace, output("statistics"), statistics),
        write_table(workspace, output("table"), TABLE_HEAD, table_rows(statistics)),
    ]
