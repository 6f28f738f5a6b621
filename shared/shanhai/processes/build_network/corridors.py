"""The corridors as they are told: line, footprint, figures, and where roads break them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.context import RED_LINE, Scene
from shanhai.processes.build_network.linkages import Conduct
from shanhai.processes.build_network.metrics import Contrast, Metrics
from shanhai.processes.build_network.named_corridors import AgainstPlan, Title, official_names
from shanhai.processes.kit.geometry import as_multi, centres, swath_outline, to_lon_lat
from shanhai.processes.kit.layers import make_layers
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.science.corridors.corridor_profile import (
    MERGE_M,
    SEVERITY,
    CorridorBand,
    PathCourse,
    Road,
    break_points,
    built_up_stretches,
    course_of,
    covered_share,
    land_along,
    recommended_width,
)
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.links import Network, SourceLink
from shanhai.science.corridors.named_corridors import best_matches
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.sources import Sources
from shanhai.science.grid import BoolArray, ClassArray, Grid, IntArray
from shanhai.science.landcover import LandCover

MAIN_ROADS = "main_roads"
_SEVEREST = max(SEVERITY.values())
"""A raster of main roads tells expressways, railways and trunk roads alike."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a path is broken.

    Attributes:
        reason: `road` of a line, `main_road` of a raster, or `built_up`.
        x: Easting of the middle of it, m.
        y: Northing, m.
        length_m: Of the path in it, m; None for a road that is a line.
        severity: 1–3; None for built-up land.
        road_class: The most severe of the lines that are crossed; None but for lines.
        crossings: Of lines that were merged; None but for lines.
    """

    reason: str
    x: float
    y: float
    length_m: float | None
    severity: int | None
    road_class: str | None = None
    crossings: int | None = None


@dataclass(frozen=True, slots=True)
class Roads:
    """What is known of the roads that break corridors: lines, else a raster, else nothing.

    Attributes:
        lines: In the CRS of the grid.
        cells: That a main road touches.
    """

    lines: Sequence[Road]
    cells: BoolArray | None

    @property
    def reason(self) -> str | None:
        """What a break at them is told as; None where no road is known."""
        if self.lines:
            return "road"
        return None if self.cells is None else "main_road"


def find_roads(scene: Scene) -> Roads:
    """The lines that were given; without any the cells of the raster of main roads."""
    if scene.inputs.roads:
        crs = f"EPSG:{scene.grid.epsg}"
        lines = [
            Road(
                # Heights say nothing of where lines cross on the ground.
                shapely.force_2d(reproject_geometry(shape(one.geometry), LON_LAT, crs)),
                one.road_class,
                one.on_structure,
            )
            for one in scene.inputs.roads
        ]
        return Roads(lines, None)
    return Roads((), main_road_cells(scene))


def main_road_cells(scene: Scene) -> BoolArray | None:
    """Cells a main road touches, where there is a raster of main roads."""
    if MAIN_ROADS not in scene.place.sources:
        return None
    make_layers(scene.place, [MAIN_ROADS])
    return np.asarray(scene.whole(MAIN_ROADS) > 0)


def breaks_along(scene: Scene, path: IntArray, course: PathCourse, roads: Roads) -> list[Break]:
    """Crossings of roads, then built-up stretches, each in the order of the path.

    Args:
        scene: Where.
        path: Rows and columns of the path.
        course: Of the same path.
        roads: That may cross it.
    """
    built = [
        _break("built_up", one.cells, one.length_m, scene.grid)
        for one in built_up_stretches(course, scene.cover)
    ]
    if roads.cells is not None:
        return [*crossings(course, roads.cells, scene.grid), *built]
    return [*line_crossings(path, roads.lines, scene.grid), *built]


def line_crossings(path: IntArray, lines: Sequence[Road], grid: Grid) -> list[Break]:
    """Where a path crosses roads that are lines."""
    return [
        Break("road", one.x, one.y, None, one.severity, one.road_class, one.crossings)
        for one in break_points(centres(path, grid), lines)
    ]


def crossings(
    course: PathCourse, roads: BoolArray, grid: Grid, merge_m: float = MERGE_M
) -> list[Break]:
    """Runs of a path on roads; runs within `merge_m` of one another are one crossing."""
    on_road = np.flatnonzero(roads[course.cells[:, 0], course.cells[:, 1]])
    if not on_road.size:
        return []
    ends = np.cumsum(course.lengths_m)
    gaps = ends[on_road[1:] - 1] - ends[on_road[:-1]]
    # Cells that follow one another are one run, however the sums are rounded.
    apart = (gaps > merge_m) & (np.diff(on_road) > 1)
    return [
        _break("main_road", course.cells[run], float(course.lengths_m[run].sum()), grid, _SEVEREST)
        for run in np.split(on_road, np.flatnonzero(apart) + 1)
    ]


def _break(
    reason: str, cells: IntArray, length_m: float, grid: Grid, severity: int | None = None
) -> Break:
    x, y = centres(cells[len(cells) // 2][np.newaxis], grid)[0].tolist()
    return Break(reason, x, y, length_m, severity)


_DIGITS = 6
_BANDS_FROM_CELLS = 0.5
"""A band narrower than half a cell holds nothing but the path itself."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NetworkCorridor:
    """A link as it is told.

    Attributes:
        link: What was computed.
        code: Within this network.
        title: Name.
        line: MultiLineString in longitude and latitude.
        footprint: MultiPolygon in longitude and latitude.
        course: Cells of the path.
        breaks: Where it is broken.
        document: What is known of it, units in the names.
    """

    link: SourceLink
    code: str
    title: Title
    line: BaseGeometry
    footprint: BaseGeometry
    course: PathCourse
    breaks: Sequence[Break]
    document: Document


def source_code(number: int) -> str:
    """Code of a source within its network."""
    return f"s{number:03}"


def tell_corridors(
    scene: Scene,
    sources: Sources,
    network: Network,
    metrics: Metrics,
    conduct: Mapping[Pair, Conduct],
    contrasts: Sequence[Contrast],
    against_plan: AgainstPlan,
) -> list[NetworkCorridor]:
    """Every link with its shape, its name and its figures, by pair."""
    swaths = {link.pair: swath_outline(link.swath, scene.grid) for link in network.links}
    names = official_names(scene, swaths)
    matches = best_matches(against_plan.courses)
    roads = find_roads(scene)
    found = []
    for number, link in enumerate(network.links, start=1):
        course = course_of(link.path.cells, scene.spacing)
        breaks = breaks_along(scene, link.path.cells, course, roads)
        line = against_plan.lines[link.pair]
        document = {
            **_figures(link, metrics),
            "r_eff_ohm": _rounded(conduct[link.pair].r_eff_ohm),
            "current_width_mean_m": _rounded(conduct[link.pair].width_mean_m),
            "current_width_min_m": _rounded(conduct[link.pair].width_min_m),
            "path_share_in_corridor_by_power": {
                f"{one.exponent:g}": _rounded(one.stays[link.pair]) for one in contrasts
            },
            **_land(scene, sources.patches.labels, link, course),
            "n_breakpoints": len(breaks),
            "breakpoints_measured": ["built_up", *([roads.reason] if roads.reason else [])],
            "has_official_name": link.pair in names,
            "named": names[link.pair].code if link.pair in names else None,
            "matched": against_plan.match(matches.get(link.pair)),
        }
        found.append(
            NetworkCorridor(
                link,
                f"c{number:03}",
                names.get(link.pair, _title(link.pair)),
                as_multi(to_lon_lat(line, scene.grid)),
                as_multi(to_lon_lat(swaths[link.pair], scene.grid)),
                course,
                breaks,
                document,
            )
        )
    return found


def _title(pair: Pair) -> Title:
    one, other = pair
    return Title(f"廊道 {one}—{other}", f"Corridor {one}–{other}")


def _figures(link: SourceLink, metrics: Metrics) -> Document:
    pair, path, width = link.pair, link.path, link.width
    return {
        "class": metrics.classes[pair],
        "source_a": source_code(pair[0]),
        "source_b": source_code(pair[1]),
        "lcd_cost_m": _rounded(path.cost),
        "length_m": _rounded(path.length_m),
        "euclid_m": _rounded(link.euclid_m),
        "mean_resistance": _rounded(path.mean_resistance),
        "cost_per_straight_metre": _rounded(link.cost_per_straight_metre),
        "gravity": _rounded(metrics.gravity[pair]),
        "in_mst": link.in_tree,
        "is_bridge": link.is_bridge,
        "crosses": [source_code(number) for number in link.crosses],
        "area_ha": _rounded(width.area_m2 / 1e4),
        "width_mean_m": _rounded(width.mean_m),
        "width_min_m": _rounded(width.narrowest_m),
        "dpc_link_percent": _rounded(metrics.dpc[pair]),
        "betweenness": _rounded(metrics.betweenness.links[pair]),
        "current_flow": _rounded(metrics.current_flow.links[pair]),
    }


def _land(scene: Scene, labels: Labels, link: SourceLink, course: PathCourse) -> Document:
    """What the corridor lies on, without its sources."""
    window, inside = link.swath.slices, link.swath.inside
    between = inside & ~np.isin(labels[window], link.pair)
    bands = _bands(scene, link)
    width = recommended_width(bands)
    red_line = scene.lines.get(RED_LINE)
    return {
        "composition_percent": shares_percent(scene.cover[window][between]),
        "bands": [
            {
                "reach_m": band.reach_m,
                "area_ha": _rounded(band.area_ha),
                "built_up_percent": _rounded(100 * band.built_up),
                "natural_percent": _rounded(100 * band.natural),
            }
            for band in bands
        ],
        "recommended_reach_m": width.reach_m,
        "recommended_reach_met": width.is_met,
        "red_line_share": (
            None if red_line is None else _rounded(covered_share(between, red_line[window]))
        ),
        "red_line_path_share": (None if red_line is None else _rounded(course.share_in(red_line))),
    }


def _bands(scene: Scene, link: SourceLink) -> tuple[CorridorBand, ...]:
    cell = np.array([scene.cell_m, scene.cell_m])
    return tuple(
        band
        for band in land_along(link.path.cells, scene.cover, cell)
        if band.reach_m >= _BANDS_FROM_CELLS * scene.cell_m
    )


def shares_percent(codes: ClassArray) -> dict[str, float]:
    """Per cent of each land-cover class that occurs, of those that are known."""
    counts = np.bincount(codes, minlength=len(LandCover) + 1)[1:]
    known = max(int(counts.sum()), 1)
    return {
        cover.name.lower(): round(100 * int(count) / known, 3)
        for cover, count in zip(LandCover, counts, strict=False)
        if count
    }


def _rounded(value: float | None) -> float | None:
    """As it is told: what lies beyond is rounding."""
    return None if value is None else round(float(value), _DIGITS)
