"""How an indicator stands after its values were computed, and where it is going."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shanhai.processes.evaluate_indicators.contract import (
    EvaluateIndicatorsInputs,
    FigureTask,
    IndicatorTask,
    ValueTask,
)
from shanhai.science import indicators
from shanhai.science.forecast import Forecast, YearlyTrend, yearly_trend
from shanhai.science.units import plain

PERCENT = (0.0, 100.0)


@dataclass(frozen=True, slots=True)
class Outlook:
    """An indicator with the values that count.

    Attributes:
        computed: Values of this evaluation by year, in the indicator's unit.
        counting: Which of those count: the others stand beside one entered by hand.
        record: What is judged.
        due: The target that is worked towards.
        standing: How the last value stands to it.
        trend: Of the yearly values; None for totals and for fewer than three.
        forecast: For the year looked ahead to; None without a trend or a year ahead.
        limits: The least and greatest value there can be.
    """

    indicator: IndicatorTask
    computed: Mapping[int, Decimal]
    counting: frozenset[int]
    record: indicators.Record
    due: indicators.TargetFigure | None
    standing: indicators.IndicatorStanding
    trend: YearlyTrend | None
    forecast: Forecast | None
    limits: tuple[float, float] | None

    @property
    def path(self) -> indicators.TargetPath | None:
        """The path the plan states to the target."""
        return None if self.due is None else self.record.path(self.due)

    @property
    def aim(self) -> indicators.TargetFigure | None:
        """The target that the year of the forecast works towards."""
        return None if self.forecast is None else self.record.due(self.forecast.year)

    def expected(self) -> str | None:
        """The aim is `met`, `missed`, or `open` within the interval; None before its year."""
        aim, ahead = self.aim, self.forecast
        if ahead is None or aim is None or aim.value is None or ahead.year < (aim.year or 0):
            return None
        low, high = (Decimal(repr(self.bounded(end))) for end in (ahead.low, ahead.high))
        met = [aim.meets(end) for end in (low, high)]
        # A figure to be followed may lie within the interval though neither end meets it.
        between = aim.sense == "track" and low <= aim.value <= high
        if all(met):
            return "met"
        return "open" if any(met) or between else "missed"

    def bounded(self, value: float) -> float:
        """A value within what there can be."""
        if self.limits is None:
            return value
        return min(max(value, self.limits[0]), self.limits[1])


def look(
    indicator: IndicatorTask, computed: Mapping[int, Decimal], inputs: EvaluateIndicatorsInputs
) -> Outlook:
    """Judge the indicator in the last of the years, by what was entered and what was computed.

    A value entered by hand stays the one that counts unless it shall be replaced.
    """
    by_hand = {one.year for one in indicator.values if one.by_job is None}
    counting = frozenset(year for year in computed if inputs.replace or year not in by_hand)
    year = max(inputs.years)
    targets = [_target(one) for one in indicator.targets]
    entered = _joined(indicator.values, computed, counting)
    record = indicators.Record(targets, _base(indicator.base), entered)
    due = record.due(year)
    if due is not None and due.cumulative_from is not None:
        record = indicators.Record(
            targets, record.base, _joined(indicator.with_projects, computed, counting)
        )
    standing = _latest(entered) if due is None else record.judge(due, year)
    yearly = [(one.year, float(one.value)) for one in entered if not one.cumulative]
    summed = any(one.cumulative_from is not None for one in targets)
    trend = None if summed else yearly_trend(yearly)
    ahead = inputs.target_year or (None if due is None else due.year)
    last = max((one[0] for one in yearly), default=year)
    forecast = (
        trend.forecast(ahead, inputs.confidence)
        if trend is not None and ahead is not None and ahead > last
        else None
    )
    limits = PERCENT if indicator.unit == "%" else None
    return Outlook(indicator, computed, counting, record, due, standing, trend, forecast, limits)


def _latest(entered: Sequence[indicators.ObservedFigure]) -> indicators.IndicatorStanding:
    """The newest value, where no target is there to judge it."""
    if not entered:
        return indicators.IndicatorStanding(indicators.IndicatorStatus.NO_DATA)
    return indicators.IndicatorStanding(
        indicators.IndicatorStatus.NO_DATA, entered[-1].value, entered[-1].year
    )


def _joined(
    known: Sequence[ValueTask], computed: Mapping[int, Decimal], counting: frozenset[int]
) -> list[indicators.ObservedFigure]:
    kept = [
        indicators.ObservedFigure(one.year, one.value, one.cumulative)
        for one in known
        if one.year not in counting
    ]
    added = [indicators.ObservedFigure(year, computed[year]) for year in counting]
    return sorted([*kept, *added], key=lambda one: one.year)


def _target(figure: FigureTask) -> indicators.TargetFigure:
    return indicators.TargetFigure(
        figure.year, figure.value, figure.sense, figure.comparator, figure.cumulative_from
    )


def _base(figure: FigureTask | None) -> indicators.BaseFigure | None:
    if figure is None or figure.year is None or figure.value is None:
        return None
    return indicators.BaseFigure(figure.year, figure.value)


def describe(outlook: Outlook) -> dict[str, Any]:
    """Target, status, trend and forecast as documents show them."""
    standing, due, trend = outlook.standing, outlook.due, outlook.trend
    return {
        "target": None
        if due is None
        else {
            "year": due.year,
            "value": plain(due.value),
            "sense": due.sense,
            "comparator": due.comparator,
            "cumulative_from": due.cumulative_from,
        },
        "status": standing.status.value,
        "value": plain(standing.value),
        "value_year": standing.value_year,
        "path_value": plain(standing.path),
        "gap": plain(standing.gap),
        "progress_percent": plain(standing.progress_percent),
        "remarks": [
            {"code": one.code, "zh": one.label.zh, "en": one.label.en} for one in standing.remarks
        ],
        "trend": None
        if trend is None
        else {
            "per_year": trend.slope,
            "mann_kendall_s": trend.score,
            "z": trend.z,
            "p_value": trend.p_value,
            "values": len(trend.points),
        },
        "forecast": _forecast(outlook),
    }


def _forecast(outlook: Outlook) -> dict[str, Any] | None:
    ahead = outlook.forecast
    if ahead is None:
        return None
    told = {name: getattr(ahead, name) for name in ("value", "low", "high")}
    return {
        "year": ahead.year,
        **{name: outlook.bounded(value) for name, value in told.items()},
        "bounded": any(outlook.bounded(value) != value for value in told.values()),
        "target_year": None if outlook.aim is None else outlook.aim.year,
        "expected": outlook.expected(),
    }
