"""Legends of maps: what looks how, and how much of it there is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from shanhai.reporting import furniture
from shanhai.reporting.furniture import PT_MM, Tongue
from shanhai.vocabulary import Label

NO_DATA = Label("无数据", "No data")
NO_DATA_COLOR, NO_DATA_HATCH = "#e4e4e2", "/////"
Box = tuple[float, float, float, float]
"""Left, foot, right, top, mm."""
SwatchKind = Literal["area", "outline", "line", "point", "ring", "no_data", "none"]


@dataclass(frozen=True, slots=True)
class Swatch:
    """How a thing looks on the map, as its line of the legend shows it."""

    kind: SwatchKind
    color: str = "#888888"
    opaque: float = 1.0
    width: float = 1.6
    dashed: bool = False
    marker: str = "o"


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A line of the legend: what it looks like, what it is, how much of it there is."""

    swatch: Swatch
    label: Label
    amount: str = ""


@dataclass(frozen=True, slots=True)
class LegendRamp:
    """A ramp between two values; `beyond` says that there are some outside them."""

    colors: Sequence[str]
    low: float
    high: float
    beyond: bool = False
    ends: tuple[Label, Label] | None = None
    """What its upper and lower end mean."""


@dataclass(frozen=True, slots=True)
class LegendGroup:
    """What belongs to one layer."""

    title: Label
    rows: Sequence[LegendRow] = ()
    ramp: LegendRamp | None = None
    note: Label | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a legend that stays together: how high it is, and what it draws from its top."""

    height: float
    kind: Literal["title", "row", "ramp", "note"]
    lines: tuple[tuple[str, float], ...]
    """Texts with their sizes."""
    row: LegendRow | None = None
    ramp: LegendRamp | None = None


SHRUNK = (1.0, 0.92, 0.85, 0.78, 0.7, 0.62, 0.55)
_TOGETHER = 0.78
_LEAST_COLUMN = 40.0
_LEADING = 1.28
_NOTES = 0.86


def draw_legend(
    axes: Axes, groups: Sequence[LegendGroup], box: Box, tongue: Tongue, size: float = 8.0
) -> int:
    """Draw a legend from the top of a box down, in as many columns as it takes.

    It is written smaller where it does not fit; what does not fit even then is left out.

    Returns:
        How many lines had to be left out.
    """
    left, foot, right, top = box
    ways = [(factor, True) for factor in SHRUNK if factor >= _TOGETHER] + [
        (factor, False) for factor in SHRUNK
    ]
    placed: list[tuple[_Item, int, float]] = []
    rest, width, letters = 0, right - left, size
    for factor, together in ways:
        letters = size * factor
        most = max(1, int((right - left) / (_LEAST_COLUMN * letters / 8)))
        for columns in range(1, most + 1):
            width = (right - left) / columns
            items = _items(groups, width - letters * PT_MM, tongue, letters)
            placed, rest = _flow(items, columns, top - foot, together=together)
            if not rest:
                break
        if not rest:
            break
    for item, column, down in placed:
        _draw_item(axes, item, left + column * width, top - down, width, letters)
    return rest


def _flow(
    items: Sequence[_Item], columns: int, room: float, *, together: bool
) -> tuple[list[tuple[_Item, int, float]], int]:
    """Each item with its column and how far down it begins, and how many have no place.

    A title is not left alone at the foot of a column; groups that are kept together are not split.
    """
    placed: list[tuple[_Item, int, float]] = []
    column, down = 0, 0.0
    for number, item in enumerate(items):
        need = item.height
        if item.kind == "title":
            need = _group_height(items, number) if together else need + items[number + 1].height
        if down and down + need > room + 1e-6:
            column, down = column + 1, 0.0
        if column >= columns or need > room:
            return placed, len(items) - number
        placed.append((item, column, down))
        down += item.height
    return placed, 0


def _group_height(items: Sequence[_Item], first: int) -> float:
    """Height of a title with all that belongs to it."""
    rows = takewhile(lambda item: item.kind != "title", items[first + 1 :])
    return items[first].height + sum(item.height for item in rows)


def _items(groups: Sequence[LegendGroup], width: float, tongue: Tongue, size: float) -> list[_Item]:
    line = size * PT_MM * _LEADING
    found: list[_Item] = []
    for group in groups:
        heading = _texts(group.title, width, tongue, size * 1.06)
        found.append(_Item(_high(heading) + 0.5 * line, "title", heading))
        if group.ramp is not None:
            ends = () if group.ramp.ends is None else group.ramp.ends
            told = tuple((furniture.in_tongue(one, tongue, " · "), size * _NOTES) for one in ends)
            found.append(_Item((4.6 + 0.4) * line, "ramp", told, ramp=group.ramp))
        for row in group.rows:
            taken = _swatch_width(size) + (
                furniture.width_of(row.amount, size) + 0.6 * line
            ) * bool(row.amount)
            lines = _texts(row.label, width - taken, tongue, size)
            found.append(_Item(_high(lines) + 0.32 * line, "row", lines, row=row))
        if group.note is not None:
            lines = _texts(group.note, width, tongue, size * _NOTES)
            found.append(_Item(_high(lines) + 0.4 * line, "note", lines))
    return found


def _texts(
    label: Label, width: float, tongue: Tongue, size: float
) -> tuple[tuple[str, float], ...]:
    """The lines of a label; in both languages English stands beside, or smaller below."""
    if tongue == "both" and label.zh != label.en:
        beside = furniture.in_tongue(label, tongue)
        if furniture.width_of(beside, size) <= width:
            return ((beside, size),)
        return (
            *((one, size) for one in furniture.wrapped(label.zh, width, size)),
            *((one, size * _NOTES) for one in furniture.wrapped(label.en, width, size * _NOTES)),
        )
    text = label.zh if tongue == "both" else label.in_(tongue)
    return tuple((one, size) for one in furniture.wrapped(text, width, size))


def _high(lines: Sequence[tuple[str, float]]) -> float:
    return sum(size * PT_MM * _LEADING for _, size in lines)


def _swatch_width(size: float) -> float:
    return 2.9 * size * PT_MM


def _draw_item(axes: Axes, item: _Item, left: float, top: float, width: float, size: float) -> None:
    line = size * PT_MM * _LEADING
    start = left
    if item.kind == "title":
        top -= 0.25 * line
    if item.ramp is not None:
        _draw_ramp(axes, item, left, top, size)
        return
    if item.row is not None:
        start = left + _swatch_width(size)
        _draw_swatch(axes, item.row.swatch, left, top - 0.92 * line, size)
        if item.row.amount:
            end = left + width - size * PT_MM
            furniture.write(
                axes, end, top - 0.8 * line, item.row.amount, size, ha="right", color=furniture.SOFT
            )
    down = top
    for number, (text, letters) in enumerate(item.lines):
        down -= letters * PT_MM * _LEADING
        quiet = item.kind == "note" or (number > 0 and letters < item.lines[0][1])
        furniture.write(
            axes,
            start,
            down + 0.25 * letters * PT_MM,
            text,
            letters,
            color=furniture.SOFT if quiet else furniture.INK,
        )


def _draw_swatch(axes: Axes, swatch: Swatch, left: float, foot: float, size: float) -> None:
    wide, high = 2.2 * size * PT_MM, 1.05 * size * PT_MM
    where = furniture.millimetres(axes)
    middle = foot + high / 2
    edge: dict[str, Any] = {
        "edgecolor": furniture.EDGE,
        "linewidth": 0.06 * size,
        "transform": where,
        "clip_on": False,
    }
    match swatch.kind:
        case "area":
            for color, alpha, line in (
                ("white", 1.0, {"linewidth": 0}),
                (swatch.color, swatch.opaque, {"linewidth": 0}),
                ("none", 1.0, edge),
            ):
                axes.add_artist(
                    Rectangle(
                        (left, foot),
                        wide,
                        high,
                        facecolor=color,
                        alpha=alpha,
                        **{"transform": where, "clip_on": False, **line},
                    )
                )
        case "outline":
            own = {**edge, "edgecolor": swatch.color, "linewidth": swatch.width * size / 8}
            axes.add_artist(Rectangle((left, foot), wide, high, facecolor="none", **own))
        case "no_data":
            axes.add_artist(no_data_patch((left, foot), wide, high, size, **edge))
        case "line":
            axes.add_artist(
                Line2D(
                    [left, left + wide],
                    [middle, middle],
                    color=swatch.color,
                    linewidth=swatch.width * size / 8,
                    linestyle="dashed" if swatch.dashed else "solid",
                    transform=where,
                    clip_on=False,
                )
            )
        case "point":
            axes.add_artist(
                Line2D(
                    [left + wide / 2],
                    [middle],
                    marker=swatch.marker,
                    markersize=0.85 * size,
                    markerfacecolor=swatch.color,
                    markeredgecolor="white",
                    markeredgewidth=0.08 * size,
                    linestyle="none",
                    transform=where,
                    clip_on=False,
                )
            )
        case "ring":
            axes.add_artist(
                Line2D(
                    [left + wide / 2],
                    [middle],
                    marker="o",
                    markersize=1.15 * size,
                    markerfacecolor="none",
                    markeredgecolor=swatch.color,
                    markeredgewidth=swatch.width * size / 8,
                    linestyle="none",
                    transform=where,
                    clip_on=False,
                )
            )
        case "none":
            pass


def no_data_patch(
    corner: tuple[float, float], wide: float, high: float, size: float, **look: Any
) -> Rectangle:
    """A rectangle as what is not known is drawn."""
    usual = {"facecolor": NO_DATA_COLOR, "hatch": NO_DATA_HATCH, "hatch_linewidth": 0.05 * size}
    return Rectangle(corner, wide, high, **{**usual, **look})


def _draw_ramp(axes: Axes, item: _Item, left: float, top: float, size: float) -> None:
    ramp = item.ramp
    if ramp is None:
        raise TypeError("the item holds a ramp")
    line = size * PT_MM * _LEADING
    wide, high = 1.7 * size * PT_MM, 4.3 * line
    foot = top - 0.15 * line - high
    shades = LinearSegmentedColormap.from_list("ramp", list(ramp.colors))(np.linspace(0, 1, 64))
    where = furniture.millimetres(axes)
    steps = foot + np.arange(64) * high / 64
    heights = np.full(64, high / 64 * 1.15)
    heights[-1] = high / 64
    bars = [
        [(left, step), (left + wide, step), (left + wide, step + tall), (left, step + tall)]
        for step, tall in zip(steps, heights, strict=True)
    ]
    axes.add_artist(
        PolyCollection(bars, facecolors=shades, linewidths=0, transform=where, clip_on=False)
    )
    axes.add_artist(
        Rectangle(
            (left, foot), wide, high,
            facecolor="none", edgecolor=furniture.EDGE, linewidth=0.06 * size,
            transform=where, clip_on=False,
        )
    )  # fmt: skip
    marks = ("≥ ", "", "≤ ") if ramp.beyond else ("", "", "")
    values = (ramp.high, (ramp.low + ramp.high) / 2, ramp.low)
    ends = (item.lines[0][0], "", item.lines[1][0]) if item.lines else ("", "", "")
    for share, value, mark, end in zip((1.0, 0.5, 0.0), values, marks, ends, strict=True):
        y = foot + share * high - 0.36 * size * PT_MM - (share - 0.5) * 0.5 * size * PT_MM
        text = f"{mark}{told_value(value)}" + (f"  {end}" if end else "")
        furniture.write(axes, left + wide + 0.7 * size * PT_MM, y, text, size)


def told_value(value: float) -> str:
    """A value of a ramp as people write numbers: three digits, no powers of ten."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    shown = f"{value:,.{min(digits, 6)}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown).replace("-", "−")
