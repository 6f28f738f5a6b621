"""A sheet as it is drawn: the map, and around it what belongs to a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.processes.compose_map_sheet import contract
from shanhai.processes.compose_map_sheet.layers import (
    CellPicture,
    SheetGround,
    SheetLayerRead,
    SheetSources,
    rgba,
)
from shanhai.processes.compose_map_sheet.layout import Bounds, SheetLayout
from shanhai.processes.kit.region import WINDOW_CELLS
from shanhai.raster.cells import cells_within
from shanhai.raster.crs import LON_LAT, reproject_geometry, transformer
from shanhai.raster.warp import align
from shanhai.reporting import furniture, legends
from shanhai.reporting.legends import LegendGroup, LegendRow, Swatch
from shanhai.reporting.map_decorations import district_rings
from shanhai.reporting.maps import STAND_IN_BAND
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import DATA_CLASSES, Label

_BEYOND, _LAND, _NEIGHBOUR, _OTHER_LAND = "#ffffff", "#fdfbf4", "#e9e5d8", "#f3f1ea"
_SEA, _WATER = "#d3e5f1", "#bcd8ea"
_REGION_EDGE, _DISTRICT_EDGE, _NEIGHBOUR_EDGE = "#2a343c", "#6a757d", "#a09a8c"
_HERE, _FRAME_MARK, _WARNING = "#e3a857", "#c0392b", "#a4481a"
Seen = tuple[bool, bool, bool]
"""Whether sea, inland water and places beyond the land cover are to be seen."""

_TEXT_SIZES = (6.6, 6.0, 5.4, 4.8, 4.2, 3.7)

_WORDS = {
    "legend": Label("图例", "Legend"),
    "inset": Label("区位图", "Location"),
    "scale": Label("比例尺", "Scale"),
    "secrecy": Label("密级", "Classification"),
    "number": Label("图号", "Sheet"),
    "issuer": Label("编制单位", "Prepared by"),
    "made_on": Label("编制日期", "Date"),
    "approval": Label("审图号", "Map approval no."),
    "not_examined": Label("未送审", "not submitted"),
    "draft": Label("（草案）", " (draft)"),
    "sources": Label("资料来源", "Sources"),
    "credits": Label("署名与许可", "Credits and licences"),
    "as_of": Label("要素状态日期", "Features as of"),
}
_BASE = Label("底图", "Base map")


@dataclass(slots=True)
class SheetPage:
    """A sheet while it is drawn."""

    inputs: contract.ComposeMapSheetInputs
    sheet: contract.SheetTask
    layout: SheetLayout
    ground: SheetGround
    layers: Sequence[SheetLayerRead]
    sources: SheetSources

    @property
    def k(self) -> float:
        """How much larger than on A4 everything is written."""
        return self.layout.letters

    @property
    def title(self) -> Label:
        """What the sheet is called; a draft says so."""
        draft = _WORDS["draft"] if self.sheet.draft else Label("", "")
        return Label(self.sheet.title_zh + draft.zh, self.sheet.title_en + draft.en)

    def say(self, name: str) -> str:
        """A word in the language of the sheet."""
        return furniture.in_tongue(_WORDS[name], self.inputs.languages)

    def line(self, name: str, told: str) -> str:
        """A word and what stands behind it."""
        colon = ": " if self.inputs.languages == "en" else "："
        return f"{self.say(name)}{colon}{told}"

    def drawn(self) -> tuple[Figure, int]:
        """The sheet, and how many lines of its legend have no room."""
        width, height = self.layout.size
        figure = Figure(
            figsize=(width / contract.MM_IN, height / contract.MM_IN), dpi=100, facecolor="white"
        )
        FigureCanvasAgg(figure)
        page = figure.add_axes((0, 0, 1, 1))
        page.set_axis_off()
        axes = self._axes(figure, self.layout.map)
        seen = self._draw_map(axes)
        self._draw_frames(page)
        self._draw_title(page)
        self._draw_foot(page)
        left_out = self._draw_panel(figure, page, seen)
        return figure, left_out

    def _axes(self, figure: Figure, box: Bounds) -> Axes:
        width, height = self.layout.size
        left, foot, right, top = box
        axes = figure.add_axes(
            (left / width, foot / height, (right - left) / width, (top - foot) / height)
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_zorder(40)
            spine.set_linewidth(0.7 * self.k)
            spine.set_color(furniture.INK)
        return axes

    def _draw_map(self, axes: Axes) -> Seen:
        """Ground, layers, outlines and names; what of the ground is to be seen."""
        west, south, east, north = self.ground.frame
        axes.set_facecolor(_BEYOND if self.ground.cover is None else _OTHER_LAND)
        for _, geometry in self.ground.around:
            _fill(axes, geometry, _NEIGHBOUR, zorder=1, edge=_NEIGHBOUR_EDGE, width=0.5 * self.k)
        rasters = any(one.picture is not None or one.task.complete for one in self.layers)
        _fill(
            axes,
            self.ground.region,
            legends.NO_DATA_COLOR if rasters else _LAND,
            zorder=2,
            hatch=legends.NO_DATA_HATCH if rasters else None,
        )
        seen = self._draw_water(axes)
        for number, layer in enumerate(self.layers):
            self._draw_layer(axes, layer, 4.0 + number)
        self._draw_outlines(axes)
        self._draw_crosses(axes)
        self._draw_names(axes)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        return seen

    def _draw_water(self, axes: Axes) -> Seen:
        cover = self.ground.cover
        if cover is None:
            return False, False, False
        grid = self.ground.grid_of(cover)
        pixels = np.zeros((*grid.shape, 4), dtype=np.uint8)
        seen = []
        for window in grid.windows(WINDOW_CELLS):
            values = align(cover, grid, window)[0]
            found = values == 0, values == LandCover.WATER
            for where, color in zip(found, (_SEA, _WATER), strict=True):
                pixels[window.slices][where] = rgba(color)
            beyond = np.isnan(values) & ~cells_within(self.ground.region, grid, window)
            pixels[window.slices][beyond] = rgba(_BEYOND)
            seen.append([bool(one.any()) for one in (*found, beyond)])
        _show(axes, CellPicture(pixels, grid.bounds), zorder=3)
        sea, water, uncovered = (any(column) for column in zip(*seen, strict=True))
        return sea, water, uncovered

    def _draw_layer(self, axes: Axes, layer: SheetLayerRead, zorder: float) -> None:
        if layer.picture is not None:
            image = _show(axes, layer.picture, zorder=zorder)
            clip = _patch(self.ground.region, transform=axes.transData)
            if clip is not None:
                image.set_clip_path(clip)
        for one, geometry in layer.shapes:
            color = layer.task.entries[one.entry].color
            self._draw_shape(axes, geometry, color, layer.task.filled, zorder)

    def _draw_shape(
        self, axes: Axes, geometry: BaseGeometry, color: str, filled: float, zorder: float
    ) -> None:
        for part in shapely.get_parts(shapely.get_parts(geometry)):
            match shapely.get_dimensions(part):
                case 2 if filled:
                    edge = "white" if filled == 1 else color
                    _fill(axes, part, color, zorder=zorder, alpha=filled)
                    _stroke(axes, part, edge, (0.25 if filled == 1 else 0.8) * self.k, zorder + 0.1)
                case 2:
                    _stroke(axes, part, color, 1.2 * self.k, zorder)
                case 1:
                    course = np.asarray(part.coords)[:, :2]
                    for width, shade, above in ((2.8, "white", 0.2), (1.6, color, 0.3)):
                        axes.add_line(
                            Line2D(
                                course[:, 0],
                                course[:, 1],
                                color=shade,
                                linewidth=width * self.k,
                                solid_capstyle="round",
                                zorder=zorder + above,
                            )
                        )
                case _:
                    axes.plot(
                        part.x,
                        part.y,
                        "o",
                        markersize=6.5 * self.k,
                        markerfacecolor=color,
                        markeredgecolor="white",
                        markeredgewidth=0.8 * self.k,
                        zorder=zorder + 0.4,
                    )

    def _draw_outlines(self, axes: Axes) -> None:
        for _, geometry in self.ground.districts:
            _stroke(axes, geometry, _DISTRICT_EDGE, 0.55 * self.k, 20, dashes=(0, (6, 2, 1.2, 2)))
        _stroke(axes, self.ground.region, _REGION_EDGE, 1.1 * self.k, 21)

    def _draw_crosses(self, axes: Axes) -> None:
        """Where the meridians and parallels of the ticks meet."""
        ticks = furniture.frame_ticks(self.ground.frame, self.ground.epsg)
        longitudes = {one.degrees for one in ticks if one.side == "south"}
        latitudes = {one.degrees for one in ticks if one.side == "west"}
        change = transformer(LON_LAT, f"EPSG:{self.ground.epsg}")
        for longitude in longitudes:
            for latitude in latitudes:
                x, y = change.transform(longitude, latitude)
                axes.plot(
                    x, y, "+", color="#3c474f", markersize=5 * self.k,
                    markeredgewidth=0.35 * self.k, alpha=0.6, zorder=22,
                )  # fmt: skip

    def _draw_names(self, axes: Axes) -> None:
        """Names of districts and neighbours, and of features where there is room left."""
        frame = shapely.box(*self.ground.frame)
        size = 8.0 * self.k
        taken: list[BaseGeometry] = []
        for name, geometry in self.ground.districts:
            self._put(axes, name, geometry.intersection(frame), size, taken, zorder=31)
        for name, geometry in self.ground.around:
            seen = geometry.intersection(frame)
            if seen.area > 0.01 * frame.area:
                self._put(axes, name, seen, size, taken, zorder=30, color=_DISTRICT_EDGE)
        for layer in self.layers:
            for one, geometry in layer.shapes if layer.task.labels else ():
                name = Label(one.name_zh, one.name_en)
                self._put(
                    axes, name, geometry.intersection(frame), 0.8 * size, taken,
                    zorder=32, beside=shapely.get_dimensions(geometry) == 0,
                )  # fmt: skip

    def _put(
        self,
        axes: Axes,
        name: Label,
        seen: BaseGeometry,
        size: float,
        taken: list[BaseGeometry],
        *,
        beside: bool = False,
        **look: Any,
    ) -> None:
        """Write a name into the largest part of what is seen, or beside a point.

        Where it would cover another, or the edge of the map, it is left out.
        """
        if seen.is_empty:
            return
        tongue = self.inputs.languages
        text = furniture.in_tongue(name, tongue, "\n")
        largest = max(shapely.get_parts(seen), key=lambda part: (part.area, part.length))
        point = largest.representative_point()
        metres = self.sheet.scale / 1e3
        lines = text.split("\n")
        half_width = max(furniture.width_of(line, size) for line in lines) / 2 * metres
        half_height = len(lines) * size * furniture.PT_MM * 0.7 * metres
        up, right = half_height + 1.7 * self.k * metres, half_width + 1.9 * self.k * metres
        around = ((0.0, up), (right, 0.0), (-right, 0.0), (0.0, -up))
        frame = shapely.box(*self.ground.frame)
        for east, north in around if beside else ((0.0, 0.0),):
            x, y = point.x + east, point.y + north
            box = shapely.box(x - half_width, y - half_height, x + half_width, y + half_height)
            if frame.contains(box) and not any(box.intersects(one) for one in taken):
                taken.append(box)
                furniture.write_over(axes, x, y, text, size, linespacing=1.05, **look)
                return

    def _draw_frames(self, page: Axes) -> None:
        """The outer frame, the line before the panel, and the ticks of the map with degrees."""
        left, foot, right, top = self.layout.frame
        where = furniture.millimetres(page)
        for grown, width in ((0.0, 0.5), (1.2 * self.k, 1.6)):
            page.add_patch(
                Rectangle(
                    (left - grown, foot - grown),
                    right - left + 2 * grown,
                    top - foot + 2 * grown,
                    facecolor="none",
                    edgecolor=furniture.INK,
                    linewidth=width * self.k,
                    transform=where,
                    clip_on=False,
                )
            )
        panel_left, panel_foot, panel_right, panel_top = self.layout.panel
        ends = (
            ((panel_left, panel_left), (panel_foot, panel_top))
            if self.sheet.orientation == "landscape"
            else ((panel_left, panel_right), (panel_top, panel_top))
        )
        page.add_line(Line2D(*ends, color=furniture.INK, linewidth=0.5 * self.k, transform=where))
        self._draw_ticks(page)

    def _draw_ticks(self, page: Axes) -> None:
        west, south, _, _ = self.ground.frame
        left, foot, right, top = self.layout.map
        millimetre = self.sheet.scale / 1e3
        size, long = 5.8 * self.k, 1.3 * self.k
        where = furniture.millimetres(page)
        for tick in furniture.frame_ticks(self.ground.frame, self.ground.epsg):
            across = tick.side in {"south", "north"}
            at = (
                left + (tick.at - west) / millimetre
                if across
                else foot + (tick.at - south) / millimetre
            )
            edge = {"south": foot, "north": top, "west": left, "east": right}[tick.side]
            out = -1 if tick.side in {"south", "west"} else 1
            xs, ys = (
                ((at, at), (edge, edge + out * long))
                if across
                else ((edge, edge + out * long), (at, at))
            )
            page.add_line(
                Line2D(xs, ys, color=furniture.INK, linewidth=0.5 * self.k, transform=where)
            )
            text_at = edge + out * (long + 1.7 * self.k)
            x, y = (at, text_at) if across else (text_at, at)
            furniture.write(
                page, x, y, tick.text, size, ha="center", va="center",
                rotation=0 if across else 90, color=furniture.SOFT,
            )  # fmt: skip

    def _draw_title(self, page: Axes) -> None:
        left, _, right, top = self.layout.frame
        width = self.layout.size[0]
        title, tongue = self.title, self.inputs.languages
        size = 8.0 * self.k
        top += 1.2 * self.k
        secrecy = next(one.label for one in DATA_CLASSES if one.code == self.sheet.secrecy)
        marks = (
            self.line("secrecy", furniture.in_tongue(secrecy, tongue)),
            self.line("number", self.inputs.number or "–"),
        )
        y = top + 2.2 * self.k
        quarter = (right - left) / 4
        widths = [furniture.width_of(mark, size) for mark in marks]
        first, second = (size * min(1.0, quarter / wide) for wide in widths)
        furniture.write(page, left, y, marks[0], first)
        furniture.write(page, right, y, marks[1], second, ha="right")
        room = right - left - 2 * min(quarter, max(widths)) - 6 * self.k
        lines = [(title.zh, 21.0)] if tongue == "zh" else [(title.en, 18.0)]
        if tongue == "both":
            lines = [(title.en, 11.5), (title.zh, 21.0)]
        y = top + 3.2 * self.k
        for text, points in lines:
            letters = points * self.k
            letters *= min(1.0, room / furniture.width_of(text, letters))
            furniture.write(page, width / 2, y, text, letters, ha="center")
            y += 6.6 * self.k

    def _draw_foot(self, page: Axes) -> None:
        """Sources and warnings on the left, who made the sheet and when on the right."""
        left, foot, right, _ = self.layout.frame
        tongue = self.inputs.languages
        top = foot - 2.8 * self.k
        column = 0.36 * (right - left)
        box = (left, 3.0 * self.k, right - column - 4 * self.k, top)
        self._draw_text(page, self._source_lines(), box)
        issuer = Label(
            self.inputs.issuer_zh or self.inputs.issuer_en or "–",
            self.inputs.issuer_en or self.inputs.issuer_zh or "–",
        )
        approval = self.inputs.approval_number or self.say("not_examined")
        lines = [self.line("issuer", issuer.en if tongue == "en" else issuer.zh)]
        if tongue == "both" and issuer.zh != issuer.en:
            lines.append(issuer.en)
        lines += [
            self.line("made_on", _day(self.sheet.made_on, tongue)),
            self.line("approval", approval),
        ]
        y = top - 2.6 * self.k
        for line in lines:
            size = 7.6 * self.k
            size *= min(1.0, column / furniture.width_of(line, size))
            furniture.write(page, right, y, line, size, ha="right")
            y -= 4.1 * self.k

    def _draw_text(self, page: Axes, texts: Sequence[tuple[str, str]], box: Bounds) -> None:
        """Write texts in their colours into a box, as large as they fit; at last they are cut."""
        left, foot, right, top = box
        lines: list[tuple[str, str]] = []
        size = step = 0.0
        for points in _TEXT_SIZES:
            size = points * self.k
            step = size * furniture.PT_MM * 1.32
            lines = [
                (line, color)
                for text, color in texts
                for line in furniture.wrapped(text, right - left, size)
            ]
            if len(lines) * step <= top - foot:
                break
        most = max(1, int((top - foot) / step))
        if len(lines) > most:
            lines = [*lines[: most - 1], (f"{lines[most - 1][0][:-1]}…", lines[most - 1][1])]
        y = top - step * 0.8
        for line, color in lines:
            furniture.write(page, left, y, line, size, color=color)
            y -= step

    def _source_lines(self) -> list[tuple[str, str]]:
        tongue = self.inputs.languages
        found = []
        for lang in ("zh", "en"):
            if tongue not in {lang, "both"}:
                continue
            colon, stop = ("：", "。") if lang == "zh" else (": ", ".")
            if self.sources.stand_in:
                found.append((STAND_IN_BAND.in_(lang), _WARNING))
            parts = [f"{_WORDS['sources'].in_(lang)}{colon}{self.sources.names.in_(lang)}{stop}"]
            if self.inputs.as_of is not None:
                day = _day(self.inputs.as_of, lang)
                parts.append(f"{_WORDS['as_of'].in_(lang)}{colon}{day}{stop}")
            found.append((" ".join(parts), furniture.SOFT))
        if self.sources.credits:
            found.append((self.line("credits", self.sources.credits), furniture.SOFT))
        return found

    def _draw_panel(self, figure: Figure, page: Axes, seen: Seen) -> int:
        left, foot, right, top = self.layout.panel
        pad = 3.5 * self.k
        groups = [one.group for one in reversed(self.layers)] + [self._base(seen)]
        if self.sheet.orientation == "landscape":
            block = foot + 37 * self.k
            inner = right - left - 2 * pad
            high = 0.62 * inner if self.inputs.inset else 0.0
            if self.inputs.inset:
                self._draw_inset(
                    figure,
                    page,
                    (left + pad, top - 7 * self.k - high, right - pad, top - 7 * self.k),
                )
            legend = (left + pad, block, right - pad, top - (10.5 * self.k + high) * bool(high))
            self._draw_compass(page, (left + pad, foot, right - pad, block))
        else:
            third = (right - left) / 3
            legend = (left + pad, foot + pad, left + 1.8 * third, top - 1.5 * self.k)
            self._draw_compass(page, (left + 1.95 * third, foot, right - pad, foot + 29 * self.k))
            if self.inputs.inset:
                self._draw_inset(
                    figure, page,
                    (left + 1.95 * third, foot + 31 * self.k, right - pad, top - 6.5 * self.k),
                )  # fmt: skip
        self._head(page, legend[0], legend[3] - 4.6 * self.k, "legend")
        box = (legend[0], legend[1], legend[2], legend[3] - 7.0 * self.k)
        return legends.draw_legend(page, groups, box, self.inputs.languages, 7.6 * self.k)

    def _head(self, page: Axes, x: float, y: float, name: str) -> None:
        furniture.write(page, x, y, self.say(name), 10.0 * self.k)

    def _base(self, seen: Seen) -> LegendGroup:
        rows = [LegendRow(Swatch("line", _REGION_EDGE, width=1.1), Label("区域界线", "Region"))]
        if self.ground.districts:
            rows.append(
                LegendRow(
                    Swatch("line", _DISTRICT_EDGE, width=0.7, dashed=True),
                    Label("下级区划界线", "Districts"),
                )
            )
        frame = shapely.box(*self.ground.frame)
        if any(geometry.intersects(frame) for _, geometry in self.ground.around):
            rows.append(LegendRow(Swatch("area", _NEIGHBOUR), Label("相邻区域", "Neighbours")))
        named = (
            (_SEA, Label("海域", "Sea")),
            (_WATER, Label("内陆水域", "Inland water")),
            (_BEYOND, Label("底图数据范围以外", "Beyond the data of the base map")),
        )
        rows += [
            LegendRow(Swatch("area", color), label)
            for there, (color, label) in zip(seen, named, strict=True)
            if there
        ]
        return LegendGroup(_BASE, rows)

    def _draw_compass(self, page: Axes, box: Bounds) -> None:
        """North arrow, scale in figures and as a bar, and the coordinate system in words."""
        left, foot, right, top = box
        k = self.k
        furniture.draw_north_arrow(page, left + 5 * k, top - 17.5 * k, 16.5 * k)
        x = left + 13.5 * k
        furniture.write(
            page, x, top - 5.2 * k,
            f"{self.say('scale')}  1:{self.sheet.scale:,}".replace(",", " "), 8.6 * k,
        )  # fmt: skip
        furniture.draw_scale_bar(
            page, x + 1 * k, top - 14 * k,
            metres_per_mm=self.sheet.scale / 1e3, room=right - x - 9 * k, size=6.6 * k,
        )  # fmt: skip
        words = furniture.crs_words(self.ground.epsg)
        texts = {"zh": [words.zh], "en": [words.en], "both": [words.zh, words.en]}
        self._draw_text(
            page,
            [(text, furniture.SOFT) for text in texts[self.inputs.languages]],
            (left, foot + 1.5 * k, right, top - 19 * k),
        )

    def _draw_inset(self, figure: Figure, page: Axes, box: Bounds) -> None:
        """Where the sheet lies: in the region above, or in the region where it shows a part."""
        self._head(page, box[0], box[3] + 2.0 * self.k, "inset")
        axes = self._axes(figure, box)
        axes.set_facecolor(_BEYOND)
        shown, outer = self._surroundings()
        wide, high = box[2] - box[0], box[3] - box[1]
        west, south, east, north = outer
        half = 1.06 * max((east - west) / wide, (north - south) / high) / 2
        x, y = (west + east) / 2, (south + north) / 2
        bounds = (x - half * wide, y - half * high, x + half * wide, y + half * high)
        for _, geometry in self.ground.around:
            _fill(axes, geometry, _NEIGHBOUR, zorder=1, edge=_NEIGHBOUR_EDGE, width=0.4 * self.k)
        if shown is not None:
            _fill(axes, shown, _LAND, zorder=2, edge=_DISTRICT_EDGE, width=0.6 * self.k)
        _fill(axes, self.ground.region, _HERE, zorder=3, edge=_REGION_EDGE, width=0.6 * self.k)
        left, foot, right, top = self.ground.frame
        axes.add_patch(
            Rectangle(
                (left, foot), right - left, top - foot,
                facecolor="none", edgecolor=_FRAME_MARK, linewidth=0.9 * self.k, zorder=5,
            )
        )  # fmt: skip
        axes.set_xlim(bounds[0], bounds[2])
        axes.set_ylim(bounds[1], bounds[3])
        self._draw_graticule(axes, bounds)

    def _surroundings(self) -> tuple[BaseGeometry | None, Bounds]:
        """The region above, if it is drawn, and the box the inset shows."""
        if not self.ground.whole:
            return None, self.ground.region.bounds
        if self.sheet.parent is not None:
            above = reproject_geometry(
                shape(self.sheet.parent.geometry), LON_LAT, f"EPSG:{self.ground.epsg}"
            )
            return above, above.bounds
        west, south, east, north = self.ground.frame
        wide, high = east - west, north - south
        return None, (west - wide, south - high, east + wide, north + high)

    def _draw_graticule(self, axes: Axes, bounds: Bounds) -> None:
        """Meridians and parallels with their degrees, by which a place is known without a coast."""
        ticks = furniture.frame_ticks(bounds, self.ground.epsg, most=3)
        ends = {(one.side, one.degrees): one for one in ticks}
        opposite: dict[str, furniture.Side] = {"south": "north", "west": "east"}
        west, south, east, north = bounds
        taken: list[BaseGeometry] = []
        for one in ticks:
            other = opposite.get(one.side)
            far = None if other is None else ends.get((other, one.degrees))
            if far is None:
                continue
            xs, ys = (
                ((one.at, far.at), (south, north))
                if one.side == "south"
                else ((west, east), (one.at, far.at))
            )
            axes.add_line(Line2D(xs, ys, color="#9fb0bb", linewidth=0.4 * self.k, zorder=1.5))
            self._put_degrees(axes, bounds, one, far, taken)

    def _put_degrees(
        self,
        axes: Axes,
        bounds: Bounds,
        tick: furniture.FrameTick,
        far: furniture.FrameTick,
        taken: list[BaseGeometry],
    ) -> None:
        """Write the degrees of a line at its near end, else at its far one, inside the inset.

        Where they would cover others at both, they are left out.
        """
        west, south, east, north = bounds
        metre = (east - west) / furniture.size_mm(axes)[0]
        size, off = 5.0 * self.k, 1.6 * self.k * metre
        half_long = furniture.width_of(tick.text, size) / 2 * metre + 0.4 * self.k * metre
        half_high = 0.6 * size * furniture.PT_MM * metre
        across = tick.side == "south"
        x, y = (half_long, half_high) if across else (half_high, half_long)
        places = (
            ((tick.at, south + off), (far.at, north - off))
            if across
            else ((west + off, tick.at), (east - off, far.at))
        )
        for along, up in places:
            # A line that meets the inset near a corner has its degrees beside its end.
            at_x = min(max(along, west + x), east - x)
            at_y = min(max(up, south + y), north - y)
            box = shapely.box(at_x - x, at_y - y, at_x + x, at_y + y)
            if not any(box.intersects(one) for one in taken):
                taken.append(box)
                furniture.write_over(
                    axes, at_x, at_y, tick.text, size, rotation=0 if across else 90, zorder=6
                )
                return


def _patch(geometry: BaseGeometry, **look: Any) -> PathPatch | None:
    rings = [Outline(ring, closed=True) for ring in district_rings(geometry)]
    return PathPatch(Outline.make_compound_path(*rings), **look) if rings else None


def _fill(
    axes: Axes,
    geometry: BaseGeometry,
    color: str,
    *,
    zorder: float,
    alpha: float = 1.0,
    edge: str = "none",
    width: float = 0.0,
    hatch: str | None = None,
) -> None:
    look: dict[str, Any] = {"facecolor": color, "edgecolor": edge, "linewidth": width}
    if hatch is not None:
        look |= {"hatch": hatch, "hatchcolor": "#b4b4b0", "hatch_linewidth": 0.4}
    patch = _patch(geometry, zorder=zorder, alpha=alpha, **look)
    if patch is not None:
        axes.add_patch(patch)


def _stroke(
    axes: Axes,
    geometry: BaseGeometry,
    color: str,
    width: float,
    zorder: float,
    dashes: Any = "solid",
) -> None:
    for ring in district_rings(geometry):
        axes.add_line(
            Line2D(
                ring[:, 0], ring[:, 1],
                color=color, linewidth=width, linestyle=dashes, zorder=zorder,
                solid_joinstyle="round",
            )
        )  # fmt: skip


def _show(axes: Axes, picture: CellPicture, *, zorder: float) -> Any:
    west, south, east, north = picture.bounds
    return axes.imshow(
        picture.pixels,
        extent=(west, east, south, north),
        interpolation="none",
        aspect="auto",
        zorder=zorder,
    )


def _day(day: date, tongue: str) -> str:
    zh, en = f"{day.year}年{day.month}月{day.day}日", day.isoformat()
    return en if tongue == "en" else zh if tongue == "zh" else f"{zh} {en}"
