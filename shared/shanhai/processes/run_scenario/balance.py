"""The figures of supply, demand and zones: what differs after the edits, by service and place."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from shanhai.processes.kit.region import Place, district_numbers
from shanhai.processes.kit.task import DistrictTask, RegionTask
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.processes.run_scenario.result import ComparedServices, Rezoned, services_record
from shanhai.raster.store import ScratchStore
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import FloatArray, Window
from shanhai.vocabulary import ZONE_CLASSES, Label, label_of

_DIGITS = 6
Document = dict[str, Any]

COMPREHENSIVE = Label("综合供需比", "Comprehensive ratio")
UNKNOWN = Label("未知", "Unknown")
_ZONES: Mapping[int, Label] = {zone.value: zone.label for zone in ZONE_CLASSES}

RATIO_HEAD = (
    *("place", "place_zh", "place_en", "service", "name_zh", "name_en", "altered"),
    *("cells", "before", "after", "change", "changed_cells", "changed_ha", "mean_where_changed"),
)
ZONE_HEAD = (
    *("from", "from_zh", "from_en", "to", "to_zh", "to_en"),
    *("cells", "area_ha", "share_percent"),
)


def services_document(compared: ComparedServices, place: Place) -> Document:
    """What differs of the ratio, and of the zones where these are compared."""
    reassessed, rezoned = compared.reassessed, compared.rezoned
    document = {
        "place": place.area.region.code,
        "ratios": ratio_rows(reassessed, place),
        "services": services_record(reassessed),
    }
    if rezoned is None:
        return document
    cell_ha = place.grid.cell_area_ha
    cells = rezoned.transitions
    return document | {
        "zones": zone_rows(rezoned, cell_ha),
        "zone_areas": zone_areas(rezoned, cell_ha),
        "zones_changed_ha": _rounded(int(cells.sum() - np.trace(cells)) * cell_ha),
    }


def ratio_rows(reassessed: Reassessed, place: Place) -> list[Document]:
    """Mean ratio of each service, and of all together, before and after, by place.

    Means are over the cells in which the ratio is known before and after. The region comes first,
    then its districts.
    """
    base = reassessed.assessment
    layers = {RATIO: COMPREHENSIVE} | {
        f"{RATIO}.{service}": label_of(service) for service in base.assembled.methods
    }
    run = partial(
        _sums, place.store, base.place.store, reassessed.store, place.districts, [*layers]
    )
    # Windows are added in their order, whoever computed them.
    sums = np.sum(place.each(run), axis=0)
    places: list[RegionTask | DistrictTask] = [place.area.region, *place.area.region.districts]
    cell_ha = place.grid.cell_area_ha
    return [
        {
            "place": one.code,
            "place_zh": one.name_zh,
            "place_en": one.name_en,
            "service": None if layer == RATIO else layer.partition(".")[2],
            "name_zh": label.zh,
            "name_en": label.en,
            "altered": layer in reassessed.reach_cells,
            **_figures(sums[at, number], cell_ha),
        }
        for number, one in enumerate(places)
        for at, (layer, label) in enumerate(layers.items())
    ]


def zone_rows(rezoned: Rezoned, cell_ha: float) -> list[Document]:
    """Areas by zone before and after; pairs that do not occur are left out."""
    cells = rezoned.transitions
    zoned = max(int(cells.sum() - cells[0, 0]), 1)
    return [
        {
            "from": was,
            "from_zh": _ZONES.get(was, UNKNOWN).zh,
            "from_en": _ZONES.get(was, UNKNOWN).en,
            "to": will_be,
            "to_zh": _ZONES.get(will_be, UNKNOWN).zh,
            "to_en": _ZONES.get(will_be, UNKNOWN).en,
            "cells": int(cells[was, will_be]),
            "area_ha": _rounded(float(cells[was, will_be]) * cell_ha),
            "share_percent": _rounded(100 * float(cells[was, will_be]) / zoned),
        }
        for was in range(len(cells))
        for will_be in range(len(cells))
        if cells[was, will_be] and (was or will_be)
    ]


def zone_areas(rezoned: Rezoned, cell_ha: float) -> list[Document]:
    """Area of each zone before and after."""
    cells = rezoned.transitions
    before, after = cells.sum(axis=1) * cell_ha, cells.sum(axis=0) * cell_ha
    return [
        {
            "zone": zone.value,
            "name_zh": zone.label.zh,
            "name_en": zone.label.en,
            "before": _rounded(float(before[zone.value])),
            "after": _rounded(float(after[zone.value])),
            "change": _rounded(float(after[zone.value] - before[zone.value])),
        }
        for zone in ZONE_CLASSES
    ]


def rows_of(
    head: Sequence[str], documents: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Any, ...]]:
    """Documents as the rows of a table."""
    return (tuple(one[name] for name in head) for one in documents)


def _sums(
    districts: ScratchStore,
    before: ScratchStore,
    after: ScratchStore,
    count: int,
    layers: Sequence[str],
    window: Window,
) -> FloatArray:
    """By layer and place: cells, sums before and after, cells that change, sum of their change."""
    found = np.zeros((len(layers), count + 1, 5))
    numbers = district_numbers(districts, window)
    for at, layer in enumerate(layers):
        was, will_be = before.read(layer, window), after.read(layer, window)
        known = np.isfinite(was) & np.isfinite(will_be)
        change = will_be[known] - was[known]
        parts = (np.ones(len(change)), was[known], will_be[known], change != 0, change)
        for column, values in enumerate(parts):
            by_place = np.bincount(numbers[known], values, minlength=count + 1)
            found[at, 1:, column] = by_place[1:]
            found[at, 0, column] = by_place.sum()
    return found


def _figures(sums: FloatArray, cell_ha: float) -> Document:
    cells, before, after, changed, change = (float(one) for one in sums)
    return {
        "cells": int(cells),
        "before": _rounded(before / cells) if cells else None,
        "after": _rounded(after / cells) if cells else None,
        "change": _rounded(change / cells) if cells else None,
        "changed_cells": int(changed),
        "changed_ha": _rounded(changed * cell_ha),
        "mean_where_changed": _rounded(change / changed) if changed else None,
    }


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
