"""Shares of water by class: of river and lake sections, of stations and areas of the sea."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from shapely import Point, prepare, union_all
from shapely.geometry import shape

from shanhai.jobs.indicator_task import StationTask
from shanhai.processes.figuring.figures import Asked, Figure, Found, Missing
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.vectorise import cells_within
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.grid import Grid, Window, analysis_grid
from shanhai.science.interpolation import inverse_distance
from shanhai.science.water_quality import (
    Body,
    WaterClasses,
    WaterStandard,
    classify,
    share_between,
    water_standard,
)
from shanhai.vocabulary import Label

GOOD_SURFACE, GOOD_SEA = 3, 2
"""Number of the last class that is good."""
WINDOW_CELLS = 256
_MEANS = Label(
    "年均值为各月均值的平均；缺测项目不参评；pH 取算术平均",
    "annual means are means of the monthly means; items not observed are not assessed; pH is "
    "averaged as it is",
)


def good_sections(asked: Asked) -> Found:
    """Share of sections of class I–III."""
    return _sections(asked, lambda standard: (1, GOOD_SURFACE))


def inferior_sections(asked: Asked) -> Found:
    """Share of sections worse than class V."""
    return _sections(asked, lambda standard: (len(standard.classes) + 1, len(standard.classes) + 1))


def good_sea(asked: Asked) -> Found:
    """Share of the sea of class 1–2, by area or by stations."""
    standard = water_standard("sea_water", date(asked.year, 12, 31))
    stations = asked.stations("sea")
    if not stations:
        return _no_stations("海域站点", "station of the sea")
    if asked.material.inputs.nearshore == "area":
        return _sea_by_area(asked, standard, stations)
    assessed = _assess(asked, stations, standard, lambda one: "sea")
    return _figure(asked, standard, assessed, (1, GOOD_SEA), _by_stations())


def _by_stations() -> Label:
    return Label(f"按站位数统计；{_MEANS.zh}", f"share of stations; {_MEANS.en}")


def _no_stations(zh: str, en: str) -> Missing:
    return Missing(Label(f"区域内没有{zh}", f"the region has no {en}"))


def _sections(asked: Asked, wanted: Any) -> Found:
    if asked.indicator.stations is None and asked.indicator.indicator in asked.computation.named:
        return Missing(
            Label(
                "须在 stations 中指明该指标的断面",
                "the sections of this indicator have to be named under `stations`",
            )
        )
    standard = water_standard("surface_water", date(asked.year, 12, 31))
    stations = asked.stations("water_section")
    if not stations:
        return _no_stations("水质断面", "water section")
    lakes = set(asked.material.inputs.lakes)
    body = partial(_body_of, lakes)
    assessed = _assess(asked, stations, standard, body)
    return _figure(asked, standard, assessed, wanted(standard), _MEANS)


def _body_of(lakes: set[str], station: StationTask) -> Body:
    return "lake" if station.code in lakes else "river"


Assessed = list[tuple[StationTask, Body, WaterClasses, int]]
"""Stations with the classes of their kind of water, and their place in those."""


def _assess(
    asked: Asked, stations: Sequence[StationTask], standard: WaterStandard, body_of: Any
) -> Assessed:
    by_body: dict[Body, list[StationTask]] = {}
    for one in stations:
        by_body.setdefault(body_of(one), []).append(one)
    return [
        (one, body, classes, place)
        for body, group in by_body.items()
        for classes in [classify(_means(asked, group), standard, body)]
        for place, one in enumerate(group)
    ]


def _means(asked: Asked, stations: Sequence[StationTask]) -> dict[str, FloatArray]:
    """Means of the year by item, NaN where a station has none."""
    left_out = set(asked.material.inputs.left_out)
    properties = sorted({code for one in stations for code in one.means} - left_out)
    return {
        code: np.array([_mean(one, code, asked.year) for one in stations], dtype=np.float64)
        for code in properties
    } or {"ph": np.full(len(stations), np.nan)}


def _mean(station: StationTask, code: str, year: int) -> float:
    return next((one.mean for one in station.means.get(code, ()) if one.year == year), np.nan)


def _figure(
    asked: Asked,
    standard: WaterStandard,
    assessed: Assessed,
    wanted: tuple[int, int],
    method: Label,
) -> Found:
    classes: ClassArray = np.array(
        [found.classes[place] for _, _, found, place in assessed], dtype=np.uint8
    )
    share = share_between(classes, *wanted)
    if np.isnan(share):
        return Missing(
            Label(
                f"{asked.year} 年 {len(assessed)} 个站点均无参评项目的有效观测",
                f"none of the {len(assessed)} stations has a valid observation of an assessed item"
                f" in {asked.year}",
            )
        )
    return Figure(
        share,
        method,
        _inputs(asked, [one for one, *_ in assessed], int(np.count_nonzero(classes))),
        standard.document(),
        {"sections": [_section(asked, standard, *each) for each in assessed]},
    )


def _inputs(asked: Asked, stations: Sequence[StationTask], assessed: int) -> dict[str, Any]:
    means = [
        mean
        for one in stations
        for of_item in one.means.values()
        for mean in of_item
        if mean.year == asked.year
    ]
    return {
        "stations": len(stations),
        "stations_assessed": assessed,
        "observations": sum(mean.observations for mean in means),
        "left_out": list(asked.material.inputs.left_out),
    }


def _section(
    asked: Asked,
    standard: WaterStandard,
    station: StationTask,
    body: Body,
    found: WaterClasses,
    place: int,
) -> dict[str, Any]:
    months = [
        mean.months
        for code in found.items
        for mean in station.means.get(code, ())
        if mean.year == asked.year
    ]
    return {
        "code": station.code,
        "name_zh": station.name_zh,
        "name_en": station.name_en,
        "body": body,
        "class": standard.name_of(int(found.classes[place])),
        "deciding": found.deciding_items(place),
        "items": int(found.assessed[place]),
        "months": min(months, default=0),
    }


def _sea_by_area(asked: Asked, standard: WaterStandard, stations: Sequence[StationTask]) -> Found:
    units = asked.material.held.sea_units
    if not units:
        return Missing(
            Label(
                "按面积评价需要海域评价单元：区域内没有带图形的 bay 级区域；"
                "可改用 nearshore=stations",
                "a share of area needs sea areas: the region has no region of level `bay` with a"
                " shape; or ask for `nearshore` by `stations`",
            )
        )
    placed = [one for one in stations if one.longitude is not None and one.latitude is not None]
    values = {code: of for code, of in _means(asked, placed).items() if not np.isnan(of).all()}
    if not any(item.code in values for item in standard.items):
        return Missing(
            Label(
                f"{asked.year} 年没有带坐标且有有效观测的海域站点",
                f"no station of the sea with coordinates has a valid observation in {asked.year}",
            )
        )
    epsg, cell_m = _grid_of(asked)
    outline = reproject_geometry(
        union_all([shape(one.geometry) for one in units]), LON_LAT, f"EPSG:{epsg}"
    )
    prepare(outline)
    grid = analysis_grid(outline.bounds, epsg, cell_m)
    points = np.array([_position(one, epsg) for one in placed])
    counts = np.zeros(len(standard.classes) + 2, dtype=np.int64)
    for window in grid.windows(WINDOW_CELLS):
        places = _centres(grid, window)[cells_within(outline, grid, window)]
        between = {code: inverse_distance(points, of, places) for code, of in values.items()}
        if len(places):
            found = classify(between, standard, "sea").classes
            counts += np.bincount(found, minlength=len(counts))
    if not counts.sum():
        return Missing(
            Label(
                f"海域评价单元小于 {cell_m:g} m 像元",
                f"no cell of {cell_m:g} m has its centre in a sea area",
            )
        )
    share = 100.0 * float(counts[1 : GOOD_SEA + 1].sum()) / float(counts.sum())
    assessed = _assess(asked, stations, standard, lambda one: "sea")
    base = _figure(asked, standard, assessed, (1, GOOD_SEA), _MEANS)
    names = [standard.name_of(number) for number in range(1, len(counts))]
    areas = counts[1:] * grid.cell_area_m2 / 1e6
    return Figure(
        share,
        Label(
            f"按面积统计：各项目由 {len(placed)} 个站点反距离平方插值到 {cell_m:g} m 像元，"
            f"逐像元评价；{_MEANS.zh}",
            f"share of area: each item interpolated from {len(placed)} stations by the inverse"
            f" square of the distance to cells of {cell_m:g} m, each of which is assessed;"
            f" {_MEANS.en}",
        ),
        {
            **_inputs(asked, placed, len(placed)),
            "sea_units": [one.code for one in units],
            "crs": f"EPSG:{epsg}",
            "cell_m": cell_m,
        },
        standard.document(),
        {
            "area_km2": dict(zip(names, areas.tolist(), strict=True)),
            **(base.details if isinstance(base, Figure) else {}),
        },
    )


def _grid_of(asked: Asked) -> tuple[int, float]:
    region = asked.material.task.region
    if region is None:
        raise LookupError("the task has no region")
    return region.epsg, asked.material.inputs.cell_m


def _position(station: StationTask, epsg: int) -> tuple[float, float]:
    here = Point(station.longitude or 0.0, station.latitude or 0.0)
    there = reproject_geometry(here, LON_LAT, f"EPSG:{epsg}").centroid
    return there.x, there.y


def _centres(grid: Grid, window: Window) -> FloatArray:
    """East and north of the centres of a window's cells, shape (rows, columns, 2)."""
    west, _, _, north = grid.window_bounds(window)
    east = west + (np.arange(window.width) + 0.5) * grid.cell_m
    up = north - (np.arange(window.height) + 0.5) * grid.cell_m
    return np.stack(np.meshgrid(east, up), axis=-1)


def class_counts(details: Mapping[str, Any]) -> dict[str, int]:
    """How many sections are of each class, for tables."""
    counts: dict[str, int] = {}
    for one in details.get("sections", ()):
        if one["class"] is not None:
            counts[one["class"]] = counts.get(one["class"], 0) + 1
    return dict(sorted(counts.items()))
