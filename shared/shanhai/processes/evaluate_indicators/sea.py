"""Share of nearshore water that is good: of areas, interpolated from stations, or of stations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from shapely import Point, prepare, union_all
from shapely.geometry import shape

from shanhai.processes.evaluate_indicators.task import StationTask
from shanhai.processes.evaluate_indicators.values import Asked, Figure, Found, Missing
from shanhai.processes.evaluate_indicators.water import (
    MEANS,
    Assessed,
    assess,
    figure_of,
    inputs_of,
    no_stations,
    yearly_values,
)
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.vectorise import cells_within
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.grid import Grid, Window, analysis_grid
from shanhai.science.interpolation import inverse_distance
from shanhai.science.water_quality import WaterStandard, classify, water_standard
from shanhai.vocabulary import Label

GOOD = 2
"""Number of the last class that is good."""
WINDOW_CELLS = 256
"""So that the distances of a window's cells to some hundred stations fit into memory."""


def good_sea(asked: Asked) -> Found:
    """Share of the sea of class 1–2, by area or by stations."""
    standard = water_standard("sea_water", date(asked.year, 12, 31))
    stations = asked.stations("sea")
    if not stations:
        return no_stations("海域站点", "station of the sea")
    if asked.material.inputs.nearshore == "area":
        return _by_area(asked, standard, stations)
    method = Label(f"按站位数统计；{MEANS.zh}", f"share of stations; {MEANS.en}")
    return figure_of(asked, standard, _assessed(asked, standard, stations), (1, GOOD), method)


def _assessed(
    asked: Asked, standard: WaterStandard, stations: Sequence[StationTask]
) -> list[Assessed]:
    return assess(asked, stations, standard, lambda one: "sea")


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


def _by_area(asked: Asked, standard: WaterStandard, stations: Sequence[StationTask]) -> Found:
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
    epsg, cell_m = _grid_of(asked)
    field = _field(asked, stations, standard, epsg)
    if not field.values.keys() & {item.code for item in standard.items}:
        return Missing(
            Label(
                f"{asked.year} 年没有带坐标且有有效观测的海域站点",
                f"no station of the sea with coordinates has a valid observation in {asked.year}",
            )
        )
    cells, cell_area_m2 = _count(asked, standard, field)
    if not cells.sum():
        return Missing(
            Label(
                f"海域评价单元内没有 {cell_m:g} m 像元的中心",
                f"no cell of {cell_m:g} m has its centre in a sea area",
            )
        )
    names = [standard.name_of(number) for number in range(1, len(cells) + 1)]
    by_stations = figure_of(asked, standard, _assessed(asked, standard, stations), (1, GOOD), MEANS)
    return Figure(
        100.0 * float(cells[:GOOD].sum()) / float(cells.sum()),
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
    asked: Asked, stations: Sequence[StationTask], standard: WaterStandard, epsg: int
) -> _Field:
    placed = [one for one in stations if one.longitude is not None and one.latitude is not None]
    values = yearly_values(asked, placed, standard)
    known = {code: of for code, of in values.items() if not np.isnan(of).all()}
    return _Field(placed, np.array([_position(one, epsg) for one in placed]), known)


def _position(station: StationTask, epsg: int) -> tuple[float, float]:
    here = Point(station.longitude or 0.0, station.latitude or 0.0)
    there = reproject_geometry(here, LON_LAT, f"EPSG:{epsg}").centroid
    return there.x, there.y


def _count(asked: Asked, standard: WaterStandard, field: _Field) -> tuple[IntArray, float]:
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
                code: inverse_distance(field.points, of, places)
                for code, of in field.values.items()
            }
            found = classify(between, standard, "sea").classes
            counts += np.bincount(found, minlength=len(counts))
    return counts[1:], grid.cell_area_m2


def _centres(grid: Grid, window: Window) -> FloatArray:
    """East and north of the centres of a window's cells, shape (rows, columns, 2)."""
    west, _, _, north = grid.window_bounds(window)
    east = west + (np.arange(window.width) + 0.5) * grid.cell_m
    up = north - (np.arange(window.height) + 0.5) * grid.cell_m
    return np.stack(np.meshgrid(east, up), axis=-1)
