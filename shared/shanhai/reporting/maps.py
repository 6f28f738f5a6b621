"""Maps of a zoning as PNG pictures, in Chinese and English.

Drawn without any global state of matplotlib; the same input gives the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import ZONES, ClassStyle, RampStyle, style_of, written_unit
from shanhai.reporting import furniture, legends, map_decorations
from shanhai.reporting.legends import LegendGroup, LegendRamp, LegendRow, Swatch
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.vocabulary import Label, Lang

ByteArray = NDArray[np.uint8]
Number = TypeVar("Number", bound=np.generic)

DPI = 150
_MOST_PIXELS = 2_000
_WIDTH_IN = 11.0
_LEAST_HEIGHT_IN = 5.2
_MAP_SHARE, _SIDE_SHARE = 0.66, 0.27
"""Widths of the map and of the panel beside it, in parts of the sheet."""

_COMPASS_MM = 27.0
"""What scale and north arrow take at the foot of the panel."""
_CREDITS_PT, _CREDIT_LINES = 6.5, 4
_HEADING_PT, _NOTE_PT = 17.0, 9.0
_LINE_SPACING = 1.3
_TEXT_MM = 0.94 * _WIDTH_IN * furniture.MM_IN

GROUND = "#eef3f6"
_WARNING = "#b3541e"

RATIO_ENDS = (
    Label("供给高于需求", "supply above demand"),
    Label("供给低于需求", "supply below demand"),
)
"""What the ends of the ramp of a ratio mean."""

LEGEND = Label("图例", "Legend")

STAND_IN_BAND = Label(
    "含替代数据：部分输入并非实测，结果仅供演示，不得作为规划依据",
    "Rests on stand-in data: some inputs are no measurements. For demonstration, not for planning.",
)


@dataclass(frozen=True, slots=True)
class MapFrame:
    """What all maps of a study share.

    Attributes:
        place: Name of the region.
        bounds: West, south, east, north of the rasters, m.
        districts: Outlines to draw.
        note: Line under the title: cell size, CRS, profile.
        credits: Data sources, one text.
        stand_in: Whether the warning band is drawn.
    """

    place: Label
    bounds: tuple[float, float, float, float]
    districts: Sequence[map_decorations.DistrictOutline]
    note: Label
    credits: str
    stand_in: bool


def draw_zone_map(
    path: Path, codes: ClassArray, shares: dict[int, float], frame: MapFrame, lang: Lang
) -> bool:
    """The five zones with their shares of the land, in per cent; as `draw_sheet`."""
    heading = Label("分区（占陆域）", "Zone (share of land)")
    return draw_class_map(path, codes, ZONES, shares, heading, frame, lang)


def draw_class_map(
    path: Path,
    codes: ClassArray,
    style: ClassStyle,
    shares: dict[int, float],
    heading: Label,
    frame: MapFrame,
    lang: Lang,
) -> bool:
    """Classes with their shares in per cent under `heading`; see `draw_sheet` for the result."""

    def content(axes: Axes, side: Axes) -> None:
        show_cells(axes, _extent(frame), class_colours(_thinned(codes), style))
        _class_legend(side, style, shares, heading, lang)

    return draw_sheet(path, style.title, frame, lang, content)


def draw_ramp_map(
    path: Path,
    values: FloatArray,
    theme: str,
    frame: MapFrame,
    lang: Lang,
    ends: tuple[Label, Label] = RATIO_ENDS,
) -> bool:
    """A quantity by its declared ramp, `ends` telling its top and foot; see `draw_sheet`."""
    style = style_of(theme)
    if not isinstance(style, RampStyle):
        raise TypeError(f"{theme} is drawn by classes, not by a ramp")
    ramp = style

    def content(axes: Axes, side: Axes) -> None:
        colors = LinearSegmentedColormap.from_list(theme, ramp.colors)
        low, high = _range_of(ramp, values)
        show_cells(axes, _extent(frame), ramp_colours(_thinned(values), colors, low, high))
        known = values[np.isfinite(values)]
        beyond = bool(known.size) and bool(known.min() < low or known.max() > high)
        shown = LegendRamp(ramp.colors, low, high, beyond, ends)
        add_legend(side, [LegendGroup(_with_unit(ramp), ramp=shown)], lang)

    return draw_sheet(path, ramp.title, frame, lang, content)


def draw_sheet(
    path: Path,
    title: Label,
    frame: MapFrame,
    lang: Lang,
    content: Callable[[Axes, Axes], None],
) -> bool:
    """Draw the furniture around `content` and save; False when the language has no font.

    Args:
        path: Of the PNG.
        title: What it shows.
        frame: What all maps of a study share.
        lang: Language of its texts.
        content: Draws the map and the panel beside it.
    """
    families = map_decorations.font_families(lang)
    if families is None:
        return False
    with map_decorations.lettering(families):
        head = _Head.of(title, frame, lang)
        figure, axes, side = _sheet(frame, head)
        content(axes, side)
        map_decorations.draw_districts(axes, frame.districts, lang)
        draw_compass(axes, side)
        head.write(figure)
        _write_foot(figure, frame, lang)
        picture = render(figure)
    # A tenth larger than with the usual level, and written in half of the time.
    picture.save(path, "PNG", compress_level=1)
    return True


def render(figure: Figure) -> Image.Image:
    """The pixels of a figure, at its own resolution."""
    size = FigureCanvasAgg(figure).get_width_height()
    held = BytesIO()
    figure.savefig(held, format="rgba", dpi=figure.dpi)
    return Image.frombytes("RGBA", size, held.getvalue()).convert("RGB")


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands over a map, in as many lines as it takes; the sheet grows by those past one.

    Attributes:
        heading: Lines of place and title.
        note: Lines of the note.
    """

    heading: list[str]
    note: list[str]

    @classmethod
    def of(cls, title: Label, frame: MapFrame, lang: Lang) -> "_Head":
        """The lines in a language, by the fonts in use."""
        place = frame.place.in_(lang)
        heading = f"{place}{title.zh}" if lang == "zh" else f"{place} · {title.en}"
        return cls(
            furniture.wrapped(heading, _TEXT_MM, _HEADING_PT),
            furniture.wrapped(frame.note.in_(lang), _TEXT_MM, _NOTE_PT),
        )

    @property
    def more_in(self) -> float:
        """Height of the lines past the first of each, inches."""
        return _more_in(self.heading, _HEADING_PT) + _more_in(self.note, _NOTE_PT)

    def write(self, figure: Figure) -> None:
        """Write it on the upper edge."""
        from_top = 0.42 + _more_in(self.heading, _HEADING_PT) / 2
        _write_lines(figure, self.heading, from_top, _HEADING_PT, furniture.INK)
        from_top = 0.74 + self.more_in - _more_in(self.note, _NOTE_PT) / 2
        _write_lines(figure, self.note, from_top, _NOTE_PT, furniture.SOFT)


def _more_in(lines: list[str], size: float) -> float:
    return max(len(lines) - 1, 0) * _LINE_SPACING * size / 72


def _write_lines(
    figure: Figure, lines: list[str], from_top: float, size: float, color: str
) -> None:
    """Write lines whose middle lies so many inches below the upper edge."""
    y = 1 - from_top / figure.get_size_inches()[1]
    text = "\n".join(lines)
    figure.text(0.03, y, text, fontsize=size, color=color, va="center", linespacing=_LINE_SPACING)


def _sheet(frame: MapFrame, head: _Head) -> tuple[Figure, Axes, Axes]:
    west, south, east, north = frame.bounds
    # A long, low region still needs room for the legend and what stands below it.
    height = max(_LEAST_HEIGHT_IN, _WIDTH_IN * _MAP_SHARE * (north - south) / (east - west))
    total = height + 1.9 + head.more_in
    figure = Figure(figsize=(_WIDTH_IN, total), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.03, 0.95 / total, _MAP_SHARE, height / total), facecolor=GROUND)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#9fb0bb")
    side = figure.add_axes((0.71, 0.95 / total, _SIDE_SHARE, height / total))
    side.set_axis_off()
    return figure, axes, side


def _write_foot(figure: Figure, frame: MapFrame, lang: Lang) -> None:
    total = figure.get_size_inches()[1]
    lead = "数据来源：" if lang == "zh" else "Data: "
    credits = furniture.wrapped(lead + frame.credits, _TEXT_MM, _CREDITS_PT)[:_CREDIT_LINES]
    figure.text(
        0.03,
        0.88 / total,
        "\n".join(credits),
        fontsize=_CREDITS_PT,
        color=furniture.SOFT,
        va="top",
    )
    if frame.stand_in:
        figure.text(
            0.5,
            0.26 / total,
            STAND_IN_BAND.in_(lang),
            fontsize=10.5,
            color="white",
            ha="center",
            va="center",
            bbox={"facecolor": _WARNING, "edgecolor": "none", "pad": 6},
        )


def _with_unit(style: RampStyle) -> Label:
    unit = written_unit(style.unit)
    if not unit.en:
        return style.title
    return Label(f"{style.title.zh}（{unit.zh}）", f"{style.title.en} ({unit.en})")


def _extent(frame: MapFrame) -> tuple[float, float, float, float]:
    west, south, east, north = frame.bounds
    return (west, east, south, north)


def _thinned(cells: NDArray[Number]) -> NDArray[Number]:
    """Every n-th cell, so that no picture is drawn from many more cells than it has pixels."""
    step = max(1, -(-max(cells.shape) // _MOST_PIXELS))
    return cells[::step, ::step]


def ramp_colours(
    values: NDArray[np.floating[Any]], colors: Colormap, low: float, high: float
) -> ByteArray:
    """Colours of cells by a ramp, as rows of red, green, blue and opacity; unknown is ground."""
    shades = colors(Normalize(low, high)(values), bytes=True)
    shades[~np.isfinite(values)] = _bytes_of(GROUND)
    return np.asarray(shades)


def class_colours(codes: ClassArray, style: ClassStyle) -> ByteArray:
    """Colours of cells by their class, as `ramp_colours`; what the style does not have is ground.

    By value, not by number: a style may have some of a legend's classes only.
    """
    table = np.tile(_bytes_of(GROUND), (256, 1))
    for entry in style.entries:
        table[entry.value] = _bytes_of(entry.color)
    return table.view(np.uint32)[codes].view(np.uint8)


def _bytes_of(color: str) -> ByteArray:
    return np.round(np.multiply(to_rgba(color), 255)).astype(np.uint8)


def show_cells(axes: Axes, extent: tuple[float, float, float, float], colours: ByteArray) -> None:
    """Lay cells below what is drawn on axes, each pixel in the colour of the cell it lies in.

    matplotlib's own way resamples colours and opacity apart, as numbers with a point, which takes
    several times as long.

    Args:
        axes: Their place on the figure is final, as are their limits.
        extent: Left, right, foot and top of the cells in the units of the axes.
        colours: As `ramp_colours`, the north first.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise TypeError("the axes stand in no figure")
    axes.apply_aspect()
    axes.patch.set_visible(False)
    left, right, foot, top = extent
    (west, south), (east, north) = axes.transData.transform([(left, foot), (right, top)])
    first_column, columns = cells_of_pixels(west, east, colours.shape[1])
    first_row, rows = cells_of_pixels(south, north, colours.shape[0])
    # As one number each, which are picked in a third of the time.
    whole = np.ascontiguousarray(colours).view(np.uint32)
    shown = whole[::-1][np.ix_(rows, columns)].view(np.uint8)
    figure.add_artist(_Pixels(shown, first_column, first_row))


class _Pixels(Artist):
    """Pixels below all else of a figure, as they are; matplotlib's images are resampled each time.

    Attributes:
        pixels: Rows of red, green, blue and opacity, the south first.
        left, foot: Pixel of the figure that the first lies on.
    """

    def __init__(self, pixels: ByteArray, left: int, foot: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.left = left
        self.foot = foot
        self.set_zorder(-1)

    def draw(self, renderer: RendererBase) -> None:
        """Lay the pixels."""
        renderer.draw_image(renderer.new_gc(), self.left, self.foot, self.pixels)


def cells_of_pixels(start: float, end: float, count: int) -> tuple[int, IntArray]:
    """The first pixel between two edges, and of it and each that follows the cell it lies in."""
    first = round(start)
    middles = np.arange(first, max(round(end), first + 1)) + 0.5
    cells = np.floor((middles - start) / (end - start) * count).astype(np.int64)
    return first, np.clip(cells, 0, count - 1)


def _class_legend(
    side: Axes, style: ClassStyle, shares: dict[int, float], heading: Label, lang: Lang
) -> None:
    rows = [
        LegendRow(Swatch("area", entry.color), entry.label, f"{shares.get(entry.value, 0.0):.1f} %")
        for entry in style.entries
    ]
    add_legend(side, [LegendGroup(heading, rows)], lang)


def add_legend(side: Axes, groups: Sequence[LegendGroup], lang: Lang, size: float = 9.5) -> None:
    """A legend in the panel beside a map, above its scale and north arrow."""
    width, height = furniture.size_mm(side)
    legends.draw_legend(side, groups, (1.0, _COMPASS_MM, width, height), lang, size)


def draw_compass(axes: Axes, side: Axes) -> None:
    """Scale bar and north arrow at the foot of the panel beside a map."""
    west, east = axes.get_xlim()
    metres_per_mm = (east - west) / furniture.size_mm(axes)[0]
    room = min(0.62 * furniture.size_mm(side)[0], 45.0)
    furniture.draw_scale_bar(side, 3.0, 1.0, metres_per_mm=metres_per_mm, room=room)
    furniture.draw_north_arrow(side, 5.5, 9.5, 14.0)


def _range_of(style: RampStyle, values: FloatArray) -> tuple[float, float]:
    if style.low is not None and style.high is not None:
        return style.low, style.high
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
