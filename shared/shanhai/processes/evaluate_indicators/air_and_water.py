"""Shares from stations: days of good air, sections of rivers and lakes, nearshore water."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from shapely import Point, prepare, union_all
from shapely.geometry import shape

from shanhai.errors import InvalidInput
from shanhai.processes.evaluate_indicators.contract import StationTask
from shanhai.processes.evaluate_indicators.values import Asked, Figure, Found, Missing
from shanhai.raster.cells import cells_within
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science import water_quality
from shanhai.science.air_quality import air_standard, count_good_days
from shanhai.science.grid import FloatArray, Grid, IntArray, Window, analysis_grid
from shanhai.vocabulary import Label

ENOUGH_DAYS = 324
"""Valid days of a year from which it can be judged, HJ 663-2013."""


def good_air_days(asked: Asked) -> Found:
    """Share of days of an index up to 100 among those whose index is known."""
    own = next(
        (
            one
            for one in asked.material.held.air
            if one.year == asked.year and one.indicator == asked.indicator.code
        ),
        None,
    )
    if own is None or not own.stations:
        return Missing.of("区域内没有地面空气站点", "the region has no station on the ground")
    try:
        standard = air_standard(date(asked.year, 12, 31))
    except InvalidInput as error:
        return Missing.of(error.message_zh, error.message)
    days = {
        code: np.array([np.nan if one is None else one for one in of_days], dtype=np.float64)
        for code, of_days in own.days.items()
    }
    counted = count_good_days(days, standard)
    if not counted.known:
        lacking = [code for code, of_days in days.items() if np.isnan(of_days).all()]
        return Missing.of(
            f"{asked.year} 年没有有效的日 AQI；全年缺少：{'、'.join(lacking) or '–'}",
            f"{asked.year} has no day with a valid index; nothing all year of:"
            f" {', '.join(lacking) or '–'}",
        )
    return Figure(
        counted.share_percent,
        Label(
            "区域日浓度为有效站点的平均（臭氧取日最大 8 小时平均）；六项齐全或已超标的日计为有效日",
            "concentrations of a day are means of the valid stations (of ozone the greatest 8-hour"
            " mean); a day counts where all six pollutants are known, or those known make it bad",
        ),
        {"stations": own.stations, "hourly_values": own.hours},
        standard.document(),
        {
            "good_days": counted.good,
            "valid_days": counted.known,
            "days": counted.days,
            "enough_days": counted.known >= ENOUGH_DAYS,
        },
    )


GOOD_SECTION = 3
"""Number of the last class that is good."""
MEANS = Label(
    "年均值为各月均值的平均；缺测项目不参评；pH 取算术平均",
    "annual means are means of the monthly means; items not observed are not assessed; pH is "
    "averaged as it is",
)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A station with the class of its water.

    Attributes:
        number: The class by number; 0 without a value of any item.
        deciding: The items of that class.
        items: How many items it has values of.
    """

    station: StationTask
    body: water_quality.Body
    number: int
    deciding: list[str]
    items: int


def good_sections(asked: Asked) -> Found:
    """Share of sections of class I–III."""
    return _sections(asked, lambda standard: (1, GOOD_SECTION))


def inferior_sections(asked: Asked) -> Found:
    """Share of sections worse than class V."""
    return _sections(asked, lambda standard: (len(standard.classes) + 1, len(standard.classes) + 1))


def no_stations(zh: str, en: str) -> Missing:
    """What to say where there is nobody to observe."""
    return Missing.of(f"区域内没有{zh}", f"the region has no {en}")


def assess(
    asked: Asked,
    stations: Sequence[StationTask],
    standard: water_quality.WaterStandard,
    body_of: Callable[[StationTask], water_quality.Body],
) -> list[Assessed]:
    """The class of the water at each station, by its means of the year."""
    by_body: dict[water_quality.Body, list[StationTask]] = {}
    for one in stations:
        by_body.setdefault(body_of(one), []).append(one)
    found: list[Assessed] = []
    for body, group in by_body.items():
        classes = water_quality.classify(yearly_values(asked, group, standard), standard, body)
        found += [
            Assessed(
                one,
                body,
                int(classes.classes[place]),
                classes.deciding_items(place),
                int(classes.assessed[place]),
            )
            for place, one in enumerate(group)
        ]
    return found


def yearly_values(
    asked: Asked, stations: Sequence[StationTask], standard: water_quality.WaterStandard
) -> dict[str, FloatArray]:
    """Means of the year by property the standard reads, NaN where a station has none."""
    return {
        code: np.array([_mean(one, code, asked.year) for one in stations], dtype=np.float64)
        for code in _properties(asked, standard)
    }


def figure_of(
    asked: Asked,
    standard: water_quality.WaterStandard,
    assessed: Sequence[Assessed],
    wanted: tuple[int, int],
    method: Label,
) -> Found:
    """Share of stations whose class lies between two."""
    numbers = np.array([one.number for one in assessed], dtype=np.uint8)
    share = water_quality.share_between(numbers, *wanted)
    if np.isnan(share):
        return Missing.of(
            f"{asked.year} 年 {len(assessed)} 个站点均无参评项目的有效观测",
            f"none of the {len(assessed)} stations has a valid observation of an assessed item"
            f" in {asked.year}",
        )
    return Figure(
        share,
        method,
        inputs_of(asked, [one.station for one in assessed], standard),
        standard.document(),
        {"sections": [_section(asked, standard, one) for one in assessed]},
    )


def inputs_of(
    asked: Asked, stations: Sequence[StationTask], standard: water_quality.WaterStandard
) -> dict[str, Any]:
    """Stations and how many observations of the standard's items they made in the year."""
    read = _properties(asked, standard)
    counts = {
        one.code: sum(
            mean.observations
            for code in read
            for mean in one.means.get(code, ())
            if mean.year == asked.year
        )
        for one in stations
    }
    return {
        "stations": len(stations),
        "stations_observed": sum(count > 0 for count in counts.values()),
        "observations": sum(counts.values()),
        "left_out": list(asked.material.inputs.left_out),
    }


def _sections(
    asked: Asked, wanted: Callable[[water_quality.WaterStandard], tuple[int, int]]
) -> Found:
    if asked.indicator.stations is None and asked.indicator.indicator in asked.computation.named:
        return Missing.of(
            "须在 stations 中指明该指标的断面",
            "the sections of this indicator have to be named under `stations`",
        )
    try:
        standard = water_quality.water_standard("surface_water", date(asked.year, 12, 31))
    except InvalidInput as error:
        return Missing.of(error.message_zh, error.message)
    stations = asked.stations("water_section")
    if not stations:
        return no_stations("水质断面", "water section")
    lakes = set(asked.material.inputs.lakes)
    assessed = assess(
        asked, stations, standard, lambda one: "lake" if one.code in lakes else "river"
    )
    return figure_of(asked, standard, assessed, wanted(standard), MEANS)


def _properties(asked: Asked, standard: water_quality.WaterStandard) -> list[str]:
    """The properties the standard reads, without those the request leaves out."""
    read = {item.code for item in standard.items}
    read |= {item.instead[0] for item in standard.items if item.instead is not None}
    return sorted(read - set(asked.material.inputs.left_out))


def _mean(station: StationTask, code: str, year: int) -> float:
    return next((one.mean for one in station.means.get(code, ()) if one.year == year), np.nan)


def _section(asked: Asked, standard: water_quality.WaterStandard, one: Assessed) -> dict[str, Any]:
    months = [
        mean.months
        for item in standard.items_for(one.body)
        for mean in one.station.means.get(item.code, ())
        if mean.year == asked.year
    ]
    return {
        "code": one.station.code,
        "name_zh": one.station.name_zh,
        "name_en": one.station.name_en,
        "body": one.body,
        "class": standard.name_of(one.number),
        "deciding": one.deciding,
        "items": one.items,
        "months": min(months, default=0),
    }


GOOD_SEA = 2
"""Number of the last class that is good."""
WINDOW_CELLS = 256
"""So that the distances of a window's cells to some hundred stations fit into memory."""


def good_sea(asked: Asked) -> Found:
    """Share of the sea of class 1–2, by area or by stations."""
    try:
        standard = water_quality.water_standard("sea_water", date(asked.year, 12, 31))
    except InvalidInput as error:
        return Missing.of(error.message_zh, error.message)
    stations = asked.stations("sea")
    if not stations:
        return no_stations("海域站点", "station of the sea")
    if asked.material.inputs.nearshore == "area":
        return _by_area(asked, standard, stations)
    method = Label(f"按站位数统计；{MEANS.zh}", f"share of stations; {MEANS.en}")
    assessed = assess(asked, stations, standard, lambda one: "sea")
    return figure_of(asked, standard, assessed, (1, GOOD_SEA), method)


@dataclass(frozen=True, slots=True)
class _Field:
    """Stations with a place, and the values of the items one of them has.

    Attributes:
        points: East and north of each station, m.
        values: By item, NaN where a station has none.
    """

    stations: Sequence[StationTask]
    points: FloatArray
    values: Mapping[str, FloatArray]


def _by_area(
    asked: Asked, standard: water_quality.WaterStandard, stations: Sequence[StationTask]
) -> Found:
    units = asked.material.held.sea_units
    if not units:
        return Missing.of(
            "按面积评价需要海域评价单元：区域内没有带图形的 bay 级区域；可改用 nearshore=stations",
            "a share of area needs sea areas: the region has no region of level `bay` with a"
            " shape; or ask for `nearshore` by `stations`",
        )
    epsg, cell_m = _grid_of(asked)
    field = _field(asked, stations, standard, epsg)
    if not field.values.keys() & {item.code for item in standard.items}:
        return Missing.of(
            f"{asked.year} 年没有带坐标且有有效观测的海域站点",
            f"no station of the sea with coordinates has a valid observation in {asked.year}",
        )
    cells, cell_area_m2 = _count(asked, standard, field)
    if not cells.sum():
        return Missing.of(
            f"海域评价单元内没有 {cell_m:g} m 像元的中心",
            f"no cell of {cell_m:g} m has its centre in a sea area",
        )
    names = [standard.name_of(number) for number in range(1, len(cells) + 1)]
    by_stations = figure_of(
        asked, standard, assess(asked, stations, standard, lambda one: "sea"), (1, GOOD_SEA), MEANS
    )
    return Figure(
        100.0 * float(cells[:GOOD_SEA].sum()) / float(cells.sum()),
        _method(len(field.stations), cell_m),
        {
            **inputs_of(asked, field.stations, standard),
            "sea_units": [one.code for one in units],
            "crs": f"EPSG:{epsg}",
            "cell_m": cell_m,
        },
        standard.document(),
        {
            "area_km2": dict(zip(names, (cells * cell_area_m2 / 1e6).tolist(), strict=True)),
            **(by_stations.details if isinstance(by_stations, Figure) else {}),
        },
    )


def _method(stations: int, cell_m: float) -> Label:
    return Label(
        f"按面积统计：各项目由 {stations} 个站点反距离平方插值到 {cell_m:g} m 像元，"
        f"逐像元评价；{MEANS.zh}",
        f"share of area: each item interpolated from {stations} stations by the inverse square of"
        f" the distance to cells of {cell_m:g} m, each of which is assessed; {MEANS.en}",
    )


def _grid_of(asked: Asked) -> tuple[int, float]:
    region = asked.material.task.region
    if region is None:
        raise LookupError("the task has no region")
    return region.epsg, asked.material.inputs.cell_m


def _field(
    asked: Asked, stations: Sequence[StationTask], standard: water_quality.WaterStandard, epsg: int
) -> _Field:
    placed = [one for one in stations if one.longitude is not None and one.latitude is not None]
    values = yearly_values(asked, placed, standard)
    known = {code: of for code, of in values.items() if not np.isnan(of).all()}
    return _Field(placed, np.array([_position(one, epsg) for one in placed]), known)


def _position(station: StationTask, epsg: int) -> tuple[float, float]:
    here = Point(station.longitude or 0.0, station.latitude or 0.0)
    there = reproject_geometry(here, LON_LAT, f"EPSG:{epsg}").centroid
    return there.x, there.y


def _count(
    asked: Asked, standard: water_quality.WaterStandard, field: _Field
) -> tuple[IntArray, float]:
    """Cells of the sea areas by class, the best first; and the area of a cell, m²."""
    epsg, cell_m = _grid_of(asked)
    shapes = [shape(one.geometry) for one in asked.material.held.sea_units]
    outline = reproject_geometry(union_all(shapes), LON_LAT, f"EPSG:{epsg}")
    prepare(outline)
    grid = analysis_grid(outline.bounds, epsg, cell_m)
    counts = np.zeros(len(standard.classes) + 2, dtype=np.int64)
    for window in grid.windows(WINDOW_CELLS):
        places = _centres(grid, window)[cells_within(outline, grid, window)]
        if len(places):
            between = {
                code: water_quality.inverse_distance(field.points, of, places)
                for code, of in field.values.items()
            }
            found = water_quality.classify(between, standard, "sea").classes
            counts += np.bincount(found, minlength=len(counts))
    return counts[1:], grid.cell_area_m2


def _centres(grid: Grid, window: Window) -> FloatArray:
    """East and north of the centres of a window's cells, shape (rows, columns, 2)."""
    west, _, _, north = grid.window_bounds(window)
    east = west + (np.arange(window.width) + 0.5) * grid.cell_m
    up = north - (np.arange(window.height) + 0.5) * grid.cell_m
    return np.stack(np.meshgrid(east, up), axis=-1)
