"""Ecosystem quality: leaf area, cover and productivity against the best of the same kind."""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from shanhai.processes.evaluate_ecosystem.steps import EvaluationRun, Result
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.region import LAND, Place
from shanhai.processes.kit.supplies import VegetationScale
from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import FloatArray
from shanhai.science.evaluation.quality import (
    TYPES,
    VARIABLES,
    GroupedBlock,
    Groups,
    References,
    group_numbers,
    quality_class,
    quality_index,
    reference_values,
    relative_value,
)
from shanhai.science.grid import Window

CLASSES, INDEX = "quality", "quality_index"
_WHOLE_REGION = 1
"""Number of the only function region where none are given."""


def evaluate_quality(run: EvaluationRun) -> Result:
    """Write `quality` and `quality_index`."""
    place = run.place
    regions = "eco_region" in place.sources
    make_layers(place, ["lai", "gpp", "ndvi", "land_cover", *(["eco_region"] if regions else [])])
    scale = run.scale
    references = reference_values(
        lambda: _blocks(place, scale),
        reference=run.parameters.reference,
        parents={int(one): parent for one, parent in run.parameters.region_parents.items()},
    )
    tables = {name: references.table(name) for name in VARIABLES}
    place.store.create_classes(CLASSES)
    place.store.create(INDEX)
    place.each(partial(_judge, place.store, scale, tables))
    return Result(
        classes=(CLASSES,),
        quantities={INDEX: "1"},
        record={
            "reference": run.parameters.reference,
            "regions": "eco_region" if regions else "one",
            "references": _reference_record(references),
        },
    )


def _blocks(place: Place, scale: VegetationScale) -> Iterator[GroupedBlock]:
    for window in place.windows():
        yield _groups(place.store, window), _variables(place.store, scale, window)


def _groups(store: ScratchStore, window: Window) -> Groups:
    land = store.read_classes(LAND, window)
    region = land * _WHOLE_REGION
    if store.has("eco_region"):
        region = store.read_classes("eco_region", window)
    return np.where(
        land == 1, group_numbers(region, store.read_classes("land_cover", window)), np.uint16(0)
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


def _judge(
    store: ScratchStore, scale: VegetationScale, tables: Mapping[str, FloatArray], window: Window
) -> None:
    groups, variables = _groups(store, window), _variables(store, scale, window)
    relative = [
        relative_value(values, np.where(groups > 0, tables[name][groups], np.nan))
        for name, values in variables.items()
    ]
    index = quality_index(relative)
    store.write(INDEX, window, index)
    store.write_classes(CLASSES, window, quality_class(index))


def _reference_record(references: References) -> list[dict[str, float | int | str]]:
    return [
        {
            "variable": name,
            "region": group // TYPES,
            "land_cover": group % TYPES,
            "cells": references.cells[name][group],
            "value": value,
            "taken_from_region": references.taken_from[name][group] // TYPES,
        }
        for name in VARIABLES
        for group, value in references.values[name].items()
    ]
