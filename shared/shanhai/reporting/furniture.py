"""The furniture of maps, in millimetres of paper: legend, scale bar, north arrow, frame ticks.

All maps take it from here: sheets, and those of reports and bulletins. Lengths are millimetres from
the lower left corner of the axes that are drawn on, sizes of letters points.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib import patheffects, rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform
from pyproj import CRS, Transformer

from shanhai.vocabulary import Label

MM_IN = 25.4
PT_MM = MM_IN / 72
INK, SOFT, EDGE = "#22303a", "#55656f", "#5a6a74"
Tongue = Literal["zh", "en", "both"]
"""In which language something is written, or in both."""


def millimetres(axes: Axes) -> Transform:
    """From millimetres, from the lower left corner of some axes, to where that is drawn."""
    wide, high = size_mm(axes)
    return Affine2D().scale(1 / wide, 1 / high) + axes.transAxes


def size_mm(axes: Axes) -> tuple[float, float]:
    """Width and height of some axes."""
    place, figure = axes.get_position(), axes.get_figure(root=True)
    if figure is None:
        raise TypeError("the axes stand in no figure")
    width_in, height_in = figure.get_size_inches()
    return width_in * place.width * MM_IN, height_in * place.height * MM_IN


def write(axes: Axes, x: float, y: float, text: str, size: float, **look: Any) -> Text:
    """Write a text at a place; it stands on its line unless `va` says otherwise."""
    usual: dict[str, Any] = {"color": INK, "va": "baseline", "ha": "left", "clip_on": False}
    return axes.text(x, y, text, fontsize=size, transform=millimetres(axes), **{**usual, **look})


def write_over(axes: Axes, x: float, y: float, text: str, size: float, **look: Any) -> None:
    """Write a text over a map, with a pale edge; it stays a text in PDF, its edge is drawn."""
    usual: dict[str, Any] = {"color": INK, "ha": "center", "va": "center", "clip_on": True}
    edge = [patheffects.Stroke(linewidth=size / 4, foreground="white", alpha=0.85)]
    axes.text(x, y, text, fontsize=size, path_effects=edge, **{**usual, **look})
    axes.text(x, y, text, fontsize=size, **{**usual, **look})


def width_of(text: str, size: float) -> float:
    """Width of a text on one line in the fonts in use, mm."""
    families = tuple(rcParams["font.family"])
    return sum(_advance(letter, families) for letter in text) * size * PT_MM


@lru_cache(maxsize=20_000)
def _advance(letter: str, families: tuple[str, ...]) -> float:
    """How far a letter reaches in the first of some fonts that has it, in parts of its size."""
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    font = next((one for one in fonts if one.get_char_index(ord(letter))), None)
    if font is None:
        return 1.15  # the box that is drawn in its place
    font.set_size(100.0, 72)
    glyph = font.load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return float(glyph.linearHoriAdvance) / 65536 / 100.0


_PIECE = re.compile(r"\s+|[\u2e80-\uffef]|[^\s\u2e80-\uffef]+")
_NOT_FIRST = frozenset("，。、；：！？）》」』】％,.;:!?)]}%°′″")
_NOT_LAST = frozenset("（《「『【([{")


def wrapped(text: str, width_mm: float, size: float) -> list[str]:
    """A text in lines of at most so many millimetres.

    Chinese is broken between any two characters but before what closes and after what opens; other
    words are broken only where one is longer than a line. What stands on lines of its own stays so.
    """
    return [line for part in text.split("\n") for line in _lines(part, width_mm, size)]


def _lines(text: str, width_mm: float, size: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, width_mm, size):
        if line and width_of((line + piece).rstrip(), size) > width_mm:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str, width_mm: float, size: float) -> Iterator[str]:
    """What stays together: a word, or a character with what must not stand alone beside it."""
    held = ""
    for piece in _PIECE.findall(text):
        closes = piece[0] in _NOT_FIRST
        if held and not closes and held[-1] not in _NOT_LAST:
            yield from _cut(held, width_mm, size)
            held = ""
        held += piece
    yield from _cut(held, width_mm, size)


def _cut(word: str, width_mm: float, size: float) -> Iterator[str]:
    while len(word) > 1 and width_of(word, size) > width_mm:
        most = max(1, int(len(word) * width_mm / width_of(word, size)))
        yield word[:most]
        word = word[most:]
    yield word


def in_tongue(label: Label, tongue: Tongue, between: str = " ") -> str:
    """A label in one language, or in both."""
    if tongue != "both":
        return label.in_(tongue)
    return label.zh if label.zh == label.en else f"{label.zh}{between}{label.en}"


def nice_length(room_m: float) -> float:
    """The longest round length within `room_m`: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(room_m) + 1e-12)
    return max(step * power for step in (1, 2, 5) if step * power <= room_m * (1 + 1e-12))


def draw_scale_bar(
    axes: Axes, x: float, y: float, *, metres_per_mm: float, room: float, size: float = 8.0
) -> float:
    """A bar of four parts, the first half of them told, labelled in m or km; gives its length.

    Args:
        axes: What is drawn on.
        x: Left end.
        y: Foot of the bar; the figures stand above it.
        metres_per_mm: Scale of the map.
        room: The most it may be long.
        size: Of the figures.
    """
    length_m = nice_length(room * metres_per_mm)
    length, height = length_m / metres_per_mm, 0.32 * size * PT_MM
    where = millimetres(axes)
    for part in range(4):
        axes.add_artist(
            Rectangle(
                (x + part * length / 4, y),
                length / 4,
                height,
                facecolor=INK if part % 2 == 0 else "white",
                edgecolor=INK,
                linewidth=0.07 * size,
                transform=where,
                clip_on=False,
            )
        )
    unit, factor = ("km", 1000.0) if length_m >= 1000 else ("m", 1.0)
    for share in (0.0, 0.5, 1.0):
        told = f"{length_m * share / factor:g}"
        write(axes, x + share * length, y + 1.7 * height, told, size, ha="center")
    write(
        axes,
        x + length + width_of(f"{length_m / factor:g}", size) / 2 + 0.3 * size * PT_MM,
        y + 1.7 * height,
        unit,
        size,
    )
    return length


def draw_north_arrow(axes: Axes, x: float, y: float, height: float) -> None:
    """An arrow to grid north with the N at its tip.

    Args:
        axes: What is drawn on.
        x: Its middle.
        y: Its foot.
        height: From the foot to the top of the N.
    """
    tip, half = 0.72 * height, 0.17 * height
    notch = (x, y + 0.16 * height)
    where = millimetres(axes)
    for side, color in ((-1, INK), (1, "white")):
        corners = [(x, y + tip), (x + side * half, y), notch]
        axes.add_artist(
            Polygon(
                corners,
                closed=True,
                facecolor=color,
                edgecolor=INK,
                linewidth=0.6,
                joinstyle="round",
                transform=where,
                clip_on=False,
            )
        )
    write(axes, x, y + 0.77 * height, "N", 0.31 * height / PT_MM, ha="center")


DEGREE_STEPS = (
    *(1 / 3600, 2 / 3600, 5 / 3600, 10 / 3600, 15 / 3600, 30 / 3600),
    *(1 / 60, 2 / 60, 5 / 60, 10 / 60, 15 / 60, 30 / 60),
    *(1.0, 2.0, 5.0, 10.0),
)
"""Distances of the meridians and parallels that a frame tells, degrees."""
_ALONG = 257
"""Points of an edge between which the graticule is taken as straight."""
Bounds = tuple[float, float, float, float]
"""West, south, east, north, m."""
Side = Literal["west", "south", "east", "north"]


@dataclass(frozen=True, slots=True)
class FrameTick:
    """Where a meridian or parallel meets an edge of a frame: m along the axis, and its name."""

    side: Side
    at: float
    degrees: float
    text: str


def tick_step(span_degrees: float, most: int = 5) -> float:
    """The smallest of `DEGREE_STEPS` of which at most `most` go into a span."""
    fitting = (step for step in DEGREE_STEPS if span_degrees / step <= most + 1e-9)
    return next(fitting, DEGREE_STEPS[-1])


def frame_ticks(bounds: Bounds, epsg: int, most: int = 5) -> list[FrameTick]:
    """The meridians on the lower and upper edge of a frame, the parallels on its sides.

    Args:
        bounds: The frame in a projected system.
        epsg: That system.
        most: How many there are at most on the longer side; the step is the same on all four.
    """
    west, south, east, north = bounds
    change = Transformer.from_crs(epsg, 4490, always_xy=True)
    along_x, along_y = np.linspace(west, east, _ALONG), np.linspace(south, north, _ALONG)
    edges: dict[Side, Any] = {
        "south": (along_x, change.transform(along_x, np.full(_ALONG, south))[0]),
        "north": (along_x, change.transform(along_x, np.full(_ALONG, north))[0]),
        "west": (along_y, change.transform(np.full(_ALONG, west), along_y)[1]),
        "east": (along_y, change.transform(np.full(_ALONG, east), along_y)[1]),
    }
    span = max(float(degrees[-1] - degrees[0]) for _, degrees in edges.values())
    step = tick_step(span, most)
    return [
        FrameTick(
            side,
            float(np.interp(number * step, degrees, metres)),
            number * step,
            written_degrees(number * step, "EW" if side in {"south", "north"} else "NS", step),
        )
        for side, (metres, degrees) in edges.items()
        for number in range(
            math.ceil(float(degrees[0]) / step - 1e-9),
            math.floor(float(degrees[-1]) / step + 1e-9) + 1,
        )
    ]


def written_degrees(degrees: float, letters: str, step: float = 1 / 60) -> str:
    """An angle as maps write it, to the minute or, where the step is finer, the second."""
    seconds = round(abs(degrees) * 3600)
    letter = letters[0] if degrees >= 0 else letters[1]
    whole, minutes = divmod(seconds // 60, 60)
    finer = f"{seconds % 60:02d}″" if round(step * 3600) % 60 else ""
    return f"{whole}°{minutes:02d}′{finer}{letter}"


def crs_words(epsg: int) -> Label:
    """A projected system in words: datum, projection, width of its zones, central meridian."""
    crs = CRS.from_epsg(epsg)
    way = crs.coordinate_operation
    datum = crs.geodetic_crs.name if crs.geodetic_crs is not None else ""
    known = _DATUMS.get(datum)
    if way is None or known is None or "Transverse Mercator" not in way.method_name:
        return Label(f"{crs.name}（EPSG:{epsg}）", f"{crs.name} (EPSG:{epsg})")
    parameters = {one.name: float(one.value) for one in way.params}
    meridian = f"{parameters['Longitude of natural origin']:g}°"
    if parameters["Scale factor at natural origin"] != 1:
        zone = re.search(r"zone (\d+)([NS])", crs.name)
        named = f"{zone[1]}{zone[2]}" if zone else ""
        return Label(
            f"{known.zh}，UTM 投影，{named} 带，中央经线{meridian}",
            f"{known.en}, UTM projection, zone {named}, central meridian {meridian}E",
        )
    width = 3 if "3-degree" in crs.name else 6
    # The number of the zone stands before the eastings of systems that tell it.
    zone_no = int(parameters["False easting"] // 1_000_000)
    zh = f"，第{zone_no}带" if zone_no else ""
    en = f" {zone_no}" if zone_no else ""
    return Label(
        f"{known.zh}，高斯-克吕格投影，{width}°带{zh}，中央经线{meridian}",
        f"{known.en}, Gauss-Krüger projection, {width}° zone{en}, central meridian {meridian}E",
    )


_DATUMS = {
    "China Geodetic Coordinate System 2000": Label("2000国家大地坐标系", "CGCS2000"),
    "WGS 84": Label("WGS 84 坐标系", "WGS 84"),
    "Beijing 1954": Label("1954年北京坐标系", "Beijing 1954"),
    "Xian 1980": Label("1980西安坐标系", "Xian 1980"),
}
