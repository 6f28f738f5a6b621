"""Areas by class and means of quantities, for the region and each of its districts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.cartography import ClassEntry, ClassStyle, style_of
from shanhai.processes.kit.region import LAND, Place, district_numbers
from shanhai.raster.store import ScratchStore
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray, IntArray, Window

_DIGITS = 6

HIGHLIGHTS: Mapping[str, tuple[int, ...]] = {
    "importance": (1,),
    "sensitivity": (1,),
    "quality": (1, 2),
    "degradation": (1, 2),
    "resilience": (1, 2, 3),
}
"""Classes whose area a plan tells: extremely important, extremely sensitive, fairly high and above,
significantly degraded, medium and above."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Cells by district and class of each class layer; sums by district of each quantity.

    Attributes:
        land: Land cells by district, those of no district first.
        classes: By layer, district × class, nodata first.
        quantities: By layer, four rows by district: cells, sum, lowest and highest value.
    """

    land: IntArray
    classes: Mapping[str, IntArray]
    quantities: Mapping[str, FloatArray]


def count(place: Place, classes: Sequence[str], quantities: Sequence[str]) -> Counts:
    """Count the layers; sums go in the order of the windows, whoever computes them."""
    parts = place.each(
        partial(_count, place.store, tuple(classes), tuple(quantities), place.districts)
    )
    return Counts(
        sum((part.land for part in parts), np.zeros(place.districts + 1, dtype=np.int64)),
        {name: np.sum([part.classes[name] for part in parts], axis=0) for name in classes},
        {name: _together([part.quantities[name] for part in parts]) for name in quantities},
    )


def _count(
    store: ScratchStore,
    classes: Sequence[str],
    quantities: Sequence[str],
    districts: int,
    window: Window,
) -> Counts:
    land = store.read_classes(LAND, window) == 1
    number = district_numbers(store, window)[land]
    found = {}
    for name in classes:
        width = len(_style(name).entries) + 1
        place = number * width + store.read_classes(name, window)[land]
        table = np.bincount(place, minlength=(districts + 1) * width)
        found[name] = table.reshape(districts + 1, width)
    sums = {name: _sums(store.read(name, window)[land], number, districts) for name in quantities}
    return Counts(np.bincount(number, minlength=districts + 1), found, sums)


def _style(layer: str) -> ClassStyle:
    style = style_of(layer)
    if not isinstance(style, ClassStyle):
        raise TypeError(f"{layer} is no layer of classes")
    return style


def _sums(values: FloatArray, number: IntArray, districts: int) -> FloatArray:
    known = np.isfinite(values)
    at, kept = number[known], values[known]
    low, high = np.full(districts + 1, np.inf), np.full(districts + 1, -np.inf)
    np.minimum.at(low, at, kept)
    np.maximum.at(high, at, kept)
    size = districts + 1
    return np.stack(
        [np.bincount(at, minlength=size), np.bincount(at, kept, minlength=size), low, high]
    )


def _together(parts: Sequence[FloatArray]) -> FloatArray:
    held = np.stack(parts)
    return np.concatenate(
        [held[:, :2].sum(axis=0), held[:, 2:3].min(axis=0), held[:, 3:].max(axis=0)]
    )


def statistics_document(
    place: Place, counts: Counts, quantities: Mapping[str, str]
) -> dict[str, Any]:
    """The statistics of an evaluation: areas by class, in ha and per cent of what is known."""
    land = int(counts.land.sum())
    return {
        "cell_m": place.grid.cell_m,
        "land_cells": land,
        "land_area_ha": _ha(land, place),
        "evaluations": [
            _classes_document(name, table, place) for name, table in counts.classes.items()
        ],
        "quantities": [
            _quantity_document(name, table, quantities[name], place)
            for name, table in counts.quantities.items()
        ],
        "highlights": [
            _highlight(name, table.sum(axis=0), land, place)
            for name, table in counts.classes.items()
            if name in HIGHLIGHTS
        ],
    }


def _ha(cells: int, place: Place) -> float:
    return round(cells * place.grid.cell_area_ha, _DIGITS)


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, _DIGITS) if whole else None


def _classes_document(layer: str, table: IntArray, place: Place) -> dict[str, Any]:
    style = _style(layer)
    whole = table.sum(axis=0)
    return {
        "layer": layer,
        "title_zh": style.title.zh,
        "title_en": style.title.en,
        **_areas(style.entries, whole, place),
        "districts": [
            _names(place, number) | _areas(style.entries, table[number], place)
            for number in range(1, place.districts + 1)
        ],
    }


def _areas(entries: Sequence[ClassEntry], cells: IntArray, place: Place) -> dict[str, Any]:
    known = int(cells[1:].sum())
    return {
        "cells": known,
        "area_ha": _ha(known, place),
        "unknown_cells": int(cells[0]),
        "classes": [
            {
                "value": entry.value,
                "code": entry.code,
                "name_zh": entry.label.zh,
                "name_en": entry.label.en,
                "color": entry.color,
                "cells": int(cells[entry.value]),
                "area_ha": _ha(int(cells[entry.value]), place),
                "percent": _percent(int(cells[entry.value]), known),
            }
            for entry in entries
        ],
    }


def _names(place: Place, number: int) -> dict[str, str]:
    district = place.area.region.districts[number - 1]
    return {"code": district.code, "name_zh": district.name_zh, "name_en": district.name_en}


def _quantity_document(layer: str, table: FloatArray, unit: str, place: Place) -> dict[str, Any]:
    title = style_of(layer).title
    whole = np.array([*table[:2].sum(axis=1), table[2].min(), table[3].max()])
    return {
        "layer": layer,
        "title_zh": title.zh,
        "title_en": title.en,
        "unit": unit,
        **_figures(whole, place),
        "districts": [
            _names(place, number) | _figures(table[:, number], place)
            for number in range(1, place.districts + 1)
        ],
    }


def _figures(column: FloatArray, place: Place) -> dict[str, Any]:
    cells, total, low, high = column.tolist()
    if not cells:
        return {"cells": 0, "area_ha": 0.0, "mean": None, "min": None, "max": None}
    return {
        "cells": int(cells),
        "area_ha": _ha(int(cells), place),
        "mean": round(total / cells, _DIGITS),
        "min": round(low, _DIGITS),
        "max": round(high, _DIGITS),
    }


def _highlight(layer: str, cells: IntArray, land: int, place: Place) -> dict[str, Any]:
    chosen = int(cells[list(HIGHLIGHTS[layer])].sum())
    return {
        "layer": layer,
        "classes": list(HIGHLIGHTS[layer]),
        "area_ha": _ha(chosen, place),
        "area_km2": round(_ha(chosen, place) / 100, _DIGITS),
        "percent_of_land": _percent(chosen, land),
    }


TABLE_HEAD = (
    *("layer", "district", "name_zh", "name_en", "class", "code", "class_zh", "class_en"),
    *("cells", "area_ha", "percent"),
)


def table_rows(statistics: Mapping[str, Any], region: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of the table, one per layer, place and class; the region comes first."""
    for one in statistics["evaluations"]:
        for where in (region | {"classes": one["classes"]}, *one["districts"]):
            for entry in where["classes"]:
                yield (
                    *(one["layer"], where["code"], where["name_zh"], where["name_en"]),
                    *(entry["value"], entry["code"], entry["name_zh"], entry["name_en"]),
                    *(entry["cells"], entry["area_ha"], entry["percent"]),
                )


NOTABLE_GAP = 0.01
"""Part of the land an evaluation may leave unknown without a remark."""

EXPECTED_CARBON = (1.0, 6.0)
"""Mean net ecosystem production of the humid south-east, tC/ha/yr."""

APPLIES_IN_PART = frozenset({"sensitivity.rocky_desertification"})
"""Evaluations that concern only part of the land by their nature."""


def remarks(statistics: Mapping[str, Any]) -> list[ResultFlag]:
    """Land that was not evaluated, and a mean that a wrong unit would explain."""
    found = [
        _gap(one, statistics["land_cells"])
        for one in statistics["evaluations"]
        if one["layer"] not in APPLIES_IN_PART
        and one["unknown_cells"] > NOTABLE_GAP * statistics["land_cells"]
    ]
    for one in statistics["quantities"]:
        if one["layer"] == "carbon" and one["cells"]:
            low, high = EXPECTED_CARBON
            found += [] if low <= one["mean"] <= high else [_unexpected(one["mean"])]
    return found


def _gap(one: Mapping[str, Any], land: int) -> ResultFlag:
    share = f"{100 * one['unknown_cells'] / land:.1f} %"
    return ResultFlag.of(
        "missing_cells",
        f"{one['title_zh']}：{share} 的陆地因输入缺测未评价",
        f"{one['title_en']}: {share} of the land is not evaluated, because an input is "
        "unknown there",
    )


def _unexpected(mean: float) -> ResultFlag:
    low, high = EXPECTED_CARBON
    return ResultFlag.of(
        "unexpected_mean",
        f"固碳量均值为 {mean:.4g} tC/ha/a，湿润区一般在 {low:g} 与 {high:g} 之间："
        "请检查输入数据的单位与比例系数",
        f"the mean net ecosystem production is {mean:.4g} tC/ha/yr; between {low:g} and "
        f"{high:g} is usual in humid regions: check units and scales of the inputs",
    )
