"""Whether a plan's figures are reached: values against targets, along the path the plan states.

All arithmetic is exact (fractions of the decimals as printed): a value on the path is on it. The
trend of a short yearly series (Sen's slope) is here too, as services without a compiler take it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Literal

from shanhai.science import flags
from shanhai.science.units import as_decimal
from shanhai.vocabulary import Label, Term

LEAST_POINTS = 3
"""Two points make a line, but no trend."""


def sen_slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Median of the slopes between all pairs, which outliers hardly move.

    Args:
        points: Pairs of year and value, the years different.

    Returns:
        Change per year; None for fewer than `LEAST_POINTS` points.

    Source: Sen 1968, Journal of the American Statistical Association 63, 1379.
    """
    if len(points) < LEAST_POINTS:
        return None
    ordered = sorted(points)
    return median((y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in combinations(ordered, 2))


Sense = Literal["at_least", "at_most", "track"]
Comparator = Literal["ge", "gt", "le", "lt", "eq", "none"]
Direction = Literal["higher", "lower"]


class IndicatorStatus(StrEnum):
    """How a value stands to a target; `no_data` without anything to judge, or to judge by."""

    REACHED = "reached"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    NO_DATA = "no_data"


STATUSES: tuple[Term, ...] = (
    Term(IndicatorStatus.REACHED.value, Label("已达到", "Reached")),
    Term(IndicatorStatus.ON_TRACK.value, Label("按进度", "On track")),
    Term(IndicatorStatus.BEHIND.value, Label("落后", "Behind")),
    Term(IndicatorStatus.NO_DATA.value, Label("未评价", "Not judged")),
)
SENSES: dict[Comparator, Sense] = {
    "ge": "at_least",
    "gt": "at_least",
    "le": "at_most",
    "lt": "at_most",
    "eq": "track",
}
"""How a printed comparator reads; a bare number is read by the indicator's direction."""


@dataclass(frozen=True, slots=True)
class TargetFigure:
    """A figure to be reached by a year; without a year it holds at all times.

    Attributes:
        value: In the indicator's unit; None when the plan prints none.
        comparator: As printed; a strict one is not met by the figure itself.
        cumulative_from: The first year counted when it is a total of yearly values.
    """

    year: int | None
    value: Decimal | None
    sense: Sense = "at_least"
    comparator: Comparator | None = None
    cumulative_from: int | None = None

    def meets(self, value: Decimal) -> bool:
        """Whether a value fulfils it; a figure is followed within its printed precision."""
        if self.value is None:
            return False
        match self.sense:
            case "at_least":
                return value > self.value or (value == self.value and self.comparator != "gt")
            case "at_most":
                return value < self.value or (value == self.value and self.comparator != "lt")
            case "track":
                return abs(value - self.value) <= half_of_last_digit(self.value)

    def gap(self, value: Decimal) -> Decimal | None:
        """What is missing to the target; negative beyond it."""
        if self.value is None:
            return None
        match self.sense:
            case "at_least":
                return self.value - value
            case "at_most":
                return value - self.value
            case "track":
                return abs(value - self.value)


@dataclass(frozen=True, slots=True)
class BaseFigure:
    """The figure a plan starts from."""

    year: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class ObservedFigure:
    """A value of a year; a cumulative one is the total up to and with the year.

    `note` is what was remarked when it was recorded.
    """

    year: int
    value: Decimal
    cumulative: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class IndicatorStanding:
    """How an indicator stands to one target, in its unit.

    Attributes:
        value: The value judged, or the total where the target is cumulative; of `value_year`.
        path: What the path asks of that year; None where there is no path.
        gap: Missing to the target; negative beyond it.
        progress_percent: Of the way from base to target; None where there is no such way.
    """

    status: IndicatorStatus
    value: Decimal | None = None
    value_year: int | None = None
    path: Decimal | None = None
    gap: Decimal | None = None
    progress_percent: Decimal | None = None
    remarks: tuple[flags.IndicatorRemark, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetPath:
    """Straight lines between the figures a plan states, by year."""

    sense: Sense
    points: tuple[tuple[int, Fraction], ...]

    def at(self, year: int) -> Fraction:
        """What is asked of a year: of the one before the first like of that, after the last too."""
        first_year, first = self.points[0]
        if year <= first_year:
            return self._start(first, self.points[1][1])
        for (before, start), (after, end) in zip(self.points, self.points[1:], strict=False):
            if year <= after:
                from_value = self._start(start, end)
                return from_value + (end - from_value) * Fraction(year - before, after - before)
        return self.points[-1][1]

    def _start(self, start: Fraction, end: Fraction) -> Fraction:
        """A line never asks for more than the target it leads to: a fall towards it is allowed."""
        match self.sense:
            case "at_least":
                return min(start, end)
            case "at_most":
                return max(start, end)
            case "track":
                return start


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of an indicator in a region: its figures in a plan and its values."""

    targets: Sequence[TargetFigure]
    base: BaseFigure | None = None
    observed: Sequence[ObservedFigure] = field(default=())

    def due(self, year: int) -> TargetFigure | None:
        """The target a year works towards: the next one, or the last when all are past."""
        dated = sorted(
            (t.year, place) for place, t in enumerate(self.targets) if t.year is not None
        )
        coming = [place for target_year, place in dated if target_year >= year]
        if coming or dated:
            return self.targets[coming[0] if coming else dated[-1][1]]
        return self.targets[0] if self.targets else None

    def judge(self, target: TargetFigure, year: int) -> IndicatorStanding:
        """How the indicator stands to one of its targets, by what is known of the years up to one.

        A value is judged by the path of its own year. A value from before the target's year says
        nothing once that year is past, unless it meets the target already.
        """
        latest = self.latest(target, year)
        if target.value is None:
            bare = IndicatorStanding(IndicatorStatus.NO_DATA, remarks=(flags.TARGET_MISSING,))
            if latest is None:
                return bare
            return replace(bare, value=latest.value, value_year=latest.year)
        remarks = tuple(self._remarks(target, latest, year))
        if latest is None:
            return IndicatorStanding(IndicatorStatus.NO_DATA, remarks=remarks)
        path = self.path(target)
        asked = None if path is None else path.at(latest.year)
        standing = IndicatorStanding(
            IndicatorStatus.NO_DATA,
            latest.value,
            latest.year,
            None if asked is None else as_decimal(asked),
            target.gap(latest.value),
            None if path is None else _percent(path, target, latest.value),
            remarks,
        )
        return replace(standing, status=_status(target, latest, asked, year))

    def latest(self, target: TargetFigure, year: int) -> ObservedFigure | None:
        """The value of the last year known, up to `year`; a total for a cumulative target."""
        if target.cumulative_from is not None:
            return total(self.observed, target.cumulative_from, year)
        since = None if self.base is None else self.base.year
        known = [
            item
            for item in self.observed
            if item.year <= year and (since is None or item.year >= since) and not item.cumulative
        ]
        return max(known, key=lambda item: item.year, default=None)

    def path(self, target: TargetFigure) -> TargetPath | None:
        """The path to a dated target, by way of earlier ones of its kind; None without a start."""
        if target.year is None or target.value is None:
            return None
        start = self._start(target)
        if start is None or target.year <= start[0]:
            return None
        points = {
            item.year: Fraction(item.value)
            for item in self.targets
            if item.value is not None
            and item.year is not None
            and (item.sense, item.cumulative_from) == (target.sense, target.cumulative_from)
            and start[0] < item.year <= target.year
        }
        return TargetPath(target.sense, (start, *sorted(points.items())))

    def _start(self, target: TargetFigure) -> tuple[int, Fraction] | None:
        if target.cumulative_from is not None:
            return target.cumulative_from - 1, Fraction(0)
        return None if self.base is None else (self.base.year, Fraction(self.base.value))

    def _remarks(
        self, target: TargetFigure, latest: ObservedFigure | None, year: int
    ) -> Iterable[flags.IndicatorRemark]:
        if target.year is None:
            yield flags.NO_YEAR
        elif self._start(target) is None:
            yield flags.BASE_MISSING
        if self.base is not None and target.value is not None:
            yield from _base_remarks(self.base, target, target.value)
        if latest is None:
            yield flags.VALUE_MISSING
            return
        if latest.year < year:
            yield flags.earlier_value(latest.year, year)
        if target.cumulative_from is not None:
            missing = uncounted(self.observed, target.cumulative_from, latest.year)
            if missing:
                yield flags.years_missing(missing)


def _status(
    target: TargetFigure, latest: ObservedFigure, asked: Fraction | None, year: int
) -> IndicatorStatus:
    if target.meets(latest.value) and not _may_still_grow(target, latest):
        return IndicatorStatus.REACHED
    if target.year is None or latest.year >= target.year:
        return IndicatorStatus.BEHIND
    if asked is None or year >= target.year:
        return IndicatorStatus.NO_DATA
    value = Fraction(latest.value)
    match target.sense:
        case "at_least":
            kept = value >= asked
        case "at_most":
            kept = value <= asked
        case "track":
            aim = Fraction(target.value or 0)
            kept = abs(value - aim) <= abs(asked - aim)
    return IndicatorStatus.ON_TRACK if kept else IndicatorStatus.BEHIND


def _may_still_grow(target: TargetFigure, latest: ObservedFigure) -> bool:
    """Whether a total is within its limit only because its years are not over."""
    capped = target.sense == "at_most" and target.cumulative_from is not None
    return capped and target.year is not None and latest.year < target.year


def _percent(path: TargetPath, target: TargetFigure, value: Decimal) -> Decimal | None:
    start, end = path.points[0][1], Fraction(target.value or 0)
    way = end - start
    forward = way > 0 if target.sense == "at_least" else way < 0
    if way == 0 or (target.sense != "track" and not forward):
        return None
    return round(as_decimal(100 * (Fraction(value) - start) / way), 2)


def total(observed: Iterable[ObservedFigure], since: int, year: int) -> ObservedFigure | None:
    """The total from the beginning of `since` to the last year known, up to `year`.

    A total that was stated replaces the years up to its own; what follows is added to it.
    """
    counted = sorted(
        (item for item in observed if since <= item.year <= year), key=lambda item: item.year
    )
    if not counted:
        return None
    stated = [place for place, item in enumerate(counted) if item.cumulative]
    summed = counted[stated[-1] :] if stated else counted
    return ObservedFigure(counted[-1].year, sum((item.value for item in summed), Decimal(0)), True)


def uncounted(observed: Iterable[ObservedFigure], since: int, year: int) -> list[int]:
    """The years a total up to `year` knows nothing of."""
    known = [item for item in observed if since <= item.year <= year]
    stated = max((item.year for item in known if item.cumulative), default=since - 1)
    have = {item.year for item in known}
    return [each for each in range(stated + 1, year + 1) if each not in have]


def sense_of(comparator: Comparator | None, direction: Direction) -> Sense:
    """How a printed target reads when nobody says it."""
    by_direction: Sense = "at_least" if direction == "higher" else "at_most"
    return SENSES.get(comparator or "none", by_direction)


def contradicts(comparator: Comparator | None, sense: Sense) -> bool:
    """Whether a printed comparator cannot be read in this sense; `eq` is printed for floors too."""
    return SENSES.get(comparator or "none", sense) not in {sense, "track"}


def shortfall_percent(target: TargetFigure, standing: IndicatorStanding) -> Decimal:
    """How far behind an indicator is: what its value lacks, in percent of what is asked of it.

    Asked is what the path asks of the year of the value, or the target itself once its year is
    reached, and where there is no path.

    Args:
        target: The target it was judged by.
        standing: How it stands to that target.

    Returns:
        At least 0, which it is whenever the indicator is not behind. 100 where nothing at all is
        asked for (a target of 0), for then no share says how much.
    """
    aim, value = target.value, standing.value
    if standing.status is not IndicatorStatus.BEHIND or aim is None or value is None:
        return Decimal(0)
    reached = target.year is None or (standing.value_year or 0) >= target.year
    asked = aim if reached or standing.path is None else standing.path
    match target.sense:
        case "at_least":
            lacking = Fraction(asked) - Fraction(value)
        case "at_most":
            lacking = Fraction(value) - Fraction(asked)
        case "track":
            lacking = abs(Fraction(value) - Fraction(aim)) - abs(Fraction(asked) - Fraction(aim))
    if asked == 0:
        return Decimal(100)
    return as_decimal(100 * max(lacking, Fraction(0)) / abs(Fraction(asked)))


def falls_short(lower: TargetFigure, upper: TargetFigure) -> bool:
    """Whether a lower plan's target asks for less than the upper plan's."""
    if lower.value is None or upper.value is None:
        return False
    return not replace(upper, comparator=None).meets(lower.value)


def half_of_last_digit(printed: Decimal) -> Decimal:
    """Half a unit of the last digit that is printed."""
    exponent = printed.as_tuple().exponent
    return Decimal(5).scaleb(exponent - 1) if isinstance(exponent, int) else Decimal(0)


def _base_remarks(
    base: BaseFigure, target: TargetFigure, aim: Decimal
) -> Iterable[flags.IndicatorRemark]:
    if target.cumulative_from is not None:
        if base.value:
            yield flags.base_not_counted(base.year, base.value, target.cumulative_from, aim)
    elif target.sense != "track" and base.value != aim and target.meets(base.value):
        yield flags.base_beyond_target(base.year, base.value, aim)
