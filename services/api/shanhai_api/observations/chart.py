"""A series drawn as lines in a box of a thousand by three hundred: where each thing lies."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

WIDTH, HEIGHT = 1000.0, 300.0
TICKS_UP = 5
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time, or the mean of a stretch of time with its least and greatest value."""

    at: datetime
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid and what is written beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A marked value: where it lies, and what a reader is told of it."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn; polygons and lines as SVG writes their points."""

    lines: list[str]
    bands: list[str]
    dots: list[ChartMark]
    spots: list[ChartMark]
    up: list[Tick]
    along: list[Tick]


@dataclass(frozen=True, slots=True)
class Frame:
    """From where to where the box reaches, in time and value."""

    start: datetime
    end: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        """How far from the left a time lies."""
        return round(WIDTH * ((at - self.start) / (self.end - self.start)), 2)

    def y(self, value: float) -> float:
        """How far from the top a value lies."""
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 2)

    def points(self, at: Sequence[tuple[datetime, float]]) -> str:
        """Points as SVG has them."""
        return " ".join(f"{self.x(moment)},{self.y(value)}" for moment, value in at)


def draw(
    points: Sequence[Point],
    marked: Sequence[tuple[datetime, float, str]],
    span: tuple[datetime, datetime],
    along: Sequence[tuple[datetime, str]],
    longest: timedelta,
) -> Chart:
    """The chart of points in the order of time.

    Args:
        marked: Times, values and titles of values a reader should be wary of.
        span: From when to before when the box reaches.
        along: Where lines of the grid stand for times, and their labels.
        longest: Between points further apart no line is drawn: there is a gap.
    """
    values = [number for point in points for number in (point.low, point.high)]
    ticks = ticks_for(*_limits([*values, *(value for _, value, _ in marked)]))
    frame = Frame(*span, ticks[0], ticks[-1])
    parts = list(unbroken(points, longest))
    wide = [part for part in parts if len(part) > 1]
    alone = [part[0] for part in parts if len(part) == 1]
    return Chart(
        lines=[frame.points([(p.at, p.value) for p in part]) for part in wide],
        bands=[
            frame.points([(p.at, p.high) for p in part] + [(p.at, p.low) for p in reversed(part)])
            for part in wide
            if any(p.low < p.high for p in part)
        ],
        dots=[ChartMark(frame.x(p.at), frame.y(p.value), "") for p in alone],
        spots=[ChartMark(frame.x(at), frame.y(value), title) for at, value, title in marked],
        up=[Tick(frame.y(tick), f"{tick:.6g}") for tick in ticks],
        along=[Tick(frame.x(at), label) for at, label in along],
    )


def unbroken(points: Sequence[Point], longest: timedelta) -> Iterator[list[Point]]:
    """The stretches of points within which none is further than `longest` from the one before."""
    part = list(points[:1])
    for before, point in pairwise(points):
        if point.at - before.at > longest:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def ticks_for(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, which is greater; a handful of them."""
    wish = (high - low) / (TICKS_UP - 1)
    power = 10.0 ** math.floor(math.log10(wish))
    step = next((one * power for one in STEPS if one * power >= wish * (1 - 1e-9)), wish)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """The least and greatest value; a box of some height where they are one."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = abs(low) * 0.1 or 1.0
    return low - room, high + room
