"""Maps of a bulletin: the zoning with its network, and the stations with what they told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pyproj import Transformer
from shapely import get_parts, transform
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.task import RegionTask
from shanhai.processes.publish_bulletin.contract import BulletinTask
from shanhai.processes.publish_bulletin.document.content import zone_color
from shanhai.processes.publish_bulletin.document.sections import (
    CLASS_COLORS,
    LEVEL_COLORS,
    SEA_COLORS,
)
from shanhai.reporting import furniture, map_decorations
from shanhai.reporting.legends import LegendGroup, LegendRow, Swatch
from shanhai.reporting.maps import LEGEND, add_legend, draw_compass
from shanhai.reporting.plan_maps import fill_shapes
from shanhai.vocabulary import STATION_KINDS, WARNING_LEVELS, Label, Lang

GEOGRAPHIC = "EPSG:4490"
STATIONS_TITLE = Label("监测站点与预警", "Stations and alerts")
CORRIDOR = Label("生态廊道", "Corridor")
CORRIDORS = Label("生态廊道", "Corridors")
ZONES = Label("生态保护修复分区", "Zones")
_CORRIDOR_COLOR = "#1f4e79"
_LAND, _PLAIN = "#f4f1e8", "#7d8b94"
_AROUND = "#eef3f6"
_MARGIN = 0.04
DPI = 160
_WIDTH_IN, _LOWEST_IN, _HIGHEST_IN = 7.0, 3.6, 6.2
_MAP_SHARE = 0.69
"""Width of the map in parts of the picture; the legend stands beside it."""
ALERTED = Label("预警", "Alert")
MARKERS = {"water_section": "o", "sea": "s", "land": "^", "air": "D", "sky": "P"}


@dataclass(frozen=True, slots=True)
class Ground:
    """What all maps of a bulletin are drawn on, in the metric system of the region.

    Attributes:
        region: Its outline.
        districts: Outlines and names of its districts.
        bounds: West, south, east, north of the map, m.
        transformer: From longitude and latitude.
    """

    region: BaseGeometry
    districts: Sequence[map_decorations.DistrictOutline]
    bounds: tuple[float, float, float, float]
    transformer: Transformer

    def place(self, geometry: Mapping[str, Any]) -> BaseGeometry:
        """A GeoJSON geometry in metres."""
        return _placed(self.transformer, geometry)


def _placed(transformer: Transformer, geometry: Mapping[str, Any]) -> BaseGeometry:
    to_metres: Any = transformer.transform  # takes columns of x and y
    return transform(shape(dict(geometry)), to_metres, interleaved=False)


def lay_ground(region: RegionTask) -> Ground:
    """The ground of the maps of a region."""
    transformer = Transformer.from_crs(GEOGRAPHIC, f"EPSG:{region.epsg}", always_xy=True)
    whole = _placed(transformer, region.geometry)
    districts = [
        map_decorations.DistrictOutline(
            Label(one.name_zh, one.name_en), _placed(transformer, one.geometry)
        )
        for one in region.districts
    ]
    west, south, east, north = whole.bounds
    pad = _MARGIN * max(east - west, north - south)
    bounds = (west - pad, south - pad, east + pad, north + pad)
    return Ground(whole, districts, bounds, transformer)


def caption_of_zones(held: BulletinTask) -> Label:
    """What the map of zones and corridors shows: the zoning by its name, where one is in force."""
    scheme = held.scheme
    named = ZONES if scheme is None else Label(scheme.name_zh, scheme.name_en)
    if not held.zones:
        return CORRIDORS
    if not held.corridors:
        return named
    return Label(f"{named.zh}与{CORRIDORS.zh}", f"{named.en}, and {CORRIDORS.en.lower()}")


def draw_zones(path: Path, ground: Ground, held: BulletinTask, lang: Lang) -> bool:
    """The zoning in force and the published corridors; False without a font for the language."""

    def content(axes: Axes, side: Axes) -> None:
        _draw_land(axes, ground)
        rows: list[LegendRow] = []
        for zone in held.zones:
            color = zone_color(zone)
            if zone.geometry is not None:
                fill_shapes(axes, [ground.place(zone.geometry)], color, 0.9)
            rows.append(LegendRow(Swatch("area", color), Label(zone.name_zh, zone.name_en)))
        for corridor in held.corridors:
            if corridor.geometry is not None:
                _draw_line(axes, ground.place(corridor.geometry))
        if held.corridors:
            rows.append(LegendRow(Swatch("line", _CORRIDOR_COLOR, width=1.8), CORRIDOR))
        _add_legend(side, rows, lang)

    return _draw_plate(path, ground, lang, content)


def draw_stations(
    path: Path, ground: Ground, held: BulletinTask, told: Mapping[str, Any], lang: Lang
) -> bool:
    """Stations by kind, those of water in the colour of their class, with rings of alerts.

    Args:
        path: Of the PNG.
        ground: What it is drawn on.
        held: The stations and alerts.
        told: What the bulletin tells, in the language, for the classes.
        lang: The language.
    """
    numbers = {row["code"]: (row["number"], row["class_name"]) for row in told["water"]["rows"]}
    sea = {row["code"]: (row["number"], row["class_name"]) for row in told["sea"]["rows"]}
    worst = _worst_levels(held)

    def content(axes: Axes, side: Axes) -> None:
        _draw_land(axes, ground)
        for one in held.stations:
            if one.longitude is None or one.latitude is None:
                continue
            x, y = ground.transformer.transform(one.longitude, one.latitude)
            number, _ = (sea if one.kind == "sea" else numbers).get(one.code, (0, ""))
            palette = SEA_COLORS if one.kind == "sea" else CLASS_COLORS
            color = palette[number - 1] if number else _PLAIN
            marker = MARKERS[one.kind]
            axes.plot(x, y, marker, color=color, markersize=7, markeredgecolor="white", zorder=6)
            level = worst.get(one.code)
            if level is not None:
                ring = LEVEL_COLORS[level]
                axes.plot(
                    *(x, y, "o"),
                    markersize=13,
                    markerfacecolor="none",
                    markeredgecolor=ring,
                    markeredgewidth=2,
                    zorder=5,
                )
        _add_legend(side, _station_legend(held, told, worst), lang)

    return _draw_plate(path, ground, lang, content)


def _draw_plate(
    path: Path, ground: Ground, lang: Lang, content: Callable[[Axes, Axes], None]
) -> bool:
    """A map with its legend, scale and north beside it; False without a font for the language."""
    families = map_decorations.font_families(lang)
    if families is None:
        return False
    west, south, east, north = ground.bounds
    tall = _WIDTH_IN * _MAP_SHARE * (north - south) / (east - west)
    height = min(_HIGHEST_IN, max(_LOWEST_IN, tall))
    with map_decorations.lettering(families):
        figure = Figure(figsize=(_WIDTH_IN, height), dpi=DPI, facecolor="white")
        axes = figure.add_axes((0.005, 0.01, _MAP_SHARE, 0.98), facecolor=_AROUND)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color("#9fb0bb")
        side = figure.add_axes((_MAP_SHARE + 0.015, 0.01, 0.98 - _MAP_SHARE, 0.98))
        side.set_axis_off()
        content(axes, side)
        map_decorations.draw_districts(axes, ground.districts, lang)
        # What was drawn may reach beyond the region; the map shows its bounds, and what fills it.
        half = max(east - west, (north - south) * _WIDTH_IN * _MAP_SHARE / (height * 0.98)) / 2
        tall = half * height * 0.98 / (_WIDTH_IN * _MAP_SHARE)
        x, y = (west + east) / 2, (south + north) / 2
        axes.set_xlim(x - half, x + half)
        axes.set_ylim(y - tall, y + tall)
        draw_compass(axes, side)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})
    return True


def _worst_levels(held: BulletinTask) -> dict[str, str]:
    """The most serious level of the alerts at each station."""
    rank = {one.code: place for place, one in enumerate(WARNING_LEVELS)}
    found: dict[str, str] = {}
    for one in held.alerts:
        if one.station is None:
            continue
        if one.station not in found or rank[one.level] > rank[found[one.station]]:
            found[one.station] = one.level
    return found


def _station_legend(
    held: BulletinTask, told: Mapping[str, Any], worst: Mapping[str, str]
) -> list[LegendRow]:
    present = {one.kind for one in held.stations}
    rows = [
        LegendRow(Swatch("point", _PLAIN, marker=MARKERS[term.code]), term.label)
        for term in STATION_KINDS
        if term.code in present
    ]
    for member, palette, marker in (("water", CLASS_COLORS, "o"), ("sea", SEA_COLORS, "s")):
        rows += [
            # What a bulletin tells is in its language already.
            LegendRow(
                Swatch("point", color, marker=marker),
                Label(one["name"], one["name"]),
                str(one["count"]),
            )
            for color, one in zip(palette, told[member]["classes"], strict=False)
            if one["count"]
        ]
    rows += [
        LegendRow(
            Swatch("ring", term.color, width=2.0),
            Label(f"{ALERTED.zh}：{term.label.zh}", f"{ALERTED.en}: {term.label.en}"),
        )
        for term in reversed(WARNING_LEVELS)
        if term.code in worst.values()
    ]
    return rows


def _add_legend(side: Axes, rows: Sequence[LegendRow], lang: Lang) -> None:
    if rows:
        add_legend(side, [LegendGroup(LEGEND, rows)], lang, 8.5)


def _draw_land(axes: Axes, ground: Ground) -> None:
    fill_shapes(axes, [ground.region], _LAND, 1.0)
    for ring in map_decorations.district_rings(ground.region):
        axes.plot(ring[:, 0], ring[:, 1], color=furniture.INK, linewidth=1.0, alpha=0.9)


def _draw_line(axes: Axes, line: BaseGeometry) -> None:
    for part in get_parts(line):
        x, y = part.coords.xy
        axes.plot(x, y, color=_CORRIDOR_COLOR, linewidth=1.8, alpha=0.95, zorder=4)
