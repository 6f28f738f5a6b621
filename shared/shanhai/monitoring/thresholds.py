"""When values raise a warning, raise it further and end it; hours in which it is not told.

A value beyond a limit for long enough raises the level of that limit; the level stays until a value
is back at the reset, which lies on the safe side of every limit, so that values that swing about a
limit make one alert and not many.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from shanhai.vocabulary import WARNING_LEVELS

MOST_SERIOUS = "red"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day, on some days of the week, in which nothing is delivered.

    Attributes:
        begins: When they begin, by the clock of the zone.
        ends: When they end, on the next day if that is not later; equal to `begins`: 24 hours.
        days: Days of the week on which they begin, Monday being 1.
        red_passes: What is red is delivered all the same.
    """

    begins: time
    ends: time
    days: frozenset[int]
    zone: ZoneInfo
    red_passes: bool

    @classmethod
    def of(cls, contents: Mapping[str, Any]) -> Self:
        """The quiet hours of a rule, as they are stored."""
        return cls(
            time.fromisoformat(contents["from"]),
            time.fromisoformat(contents["to"]),
            frozenset(contents["days"]),
            ZoneInfo(contents["time_zone"]),
            contents["red_passes"],
        )

    @property
    def always(self) -> bool:
        """Whether they never end."""
        return self.begins == self.ends and len(self.days) == 7

    def held_until(self, moment: datetime, level: str) -> datetime | None:
        """When what happens at a moment is told; None: at once.

        Hours that follow one another without a gap are one stretch.
        """
        if level == MOST_SERIOUS and self.red_passes:
            return None
        until = moment
        # No stretch is longer than a week: hours that never end are refused before.
        for _ in range(8):
            ending = self._ending(until)
            if ending is None:
                break
            until = ending
        return None if until == moment else until

    def _ending(self, moment: datetime) -> datetime | None:
        """When the hours a moment lies in end; None outside them."""
        today = moment.astimezone(self.zone).date()
        for day in (today, today - DAY):
            begins, ends = self._hours_of(day)
            if day.isoweekday() in self.days and begins <= moment < ends:
                return ends
        return None

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        last = day if self.ends > self.begins else day + DAY
        begins, ends = (
            datetime.combine(day, self.begins, self.zone),
            datetime.combine(last, self.ends, self.zone),
        )
        # In UTC, for moments of one zone are compared by their clocks, which may go back.
        utc = ZoneInfo("UTC")
        return begins.astimezone(utc), ends.astimezone(utc)


def next_time(moment: datetime, at: time, zone: ZoneInfo) -> datetime:
    """When it is next that late, by the clock of a zone; not the moment itself."""
    today = moment.astimezone(zone).date()
    for days in range(3):
        found = datetime.combine(today + days * DAY, at, zone).astimezone(ZoneInfo("UTC"))
        if found > moment:
            return found
    raise ValueError(f"{at} does not come within two days")


Kind = Literal[
    "above",
    "below",
    "rate",
    "no_data",
    "indicator_behind_target",
    "red_line_lead",
    "line_decline",
    "duty_due",
    "balance_short",
    "settlement_waiting",
    "mine_report_due",
    "mine_fund_short",
    "reclamation_due",
]
DAYS_LATE = frozenset({"duty_due", "settlement_waiting", "mine_report_due", "reclamation_due"})
"""Kinds of rules that count the days since something was due."""
RANK = {term.code: rank for rank, term in enumerate(WARNING_LEVELS)}
RATE_WITHIN = timedelta(days=1)
"""Values further apart than this say nothing about how fast something changes."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """What a rule demands of a measure.

    That is a value, a change per hour, seconds without data, percent an indicator is behind,
    square metres changed in a control area or lost of it, what is lacking of a balance or of a
    fund, or days since something was due.

    Attributes:
        by_level: The limit of each level, in any order; a measure on it is not yet beyond it.
        reset: From here on things are in order again.
        duration: How long values must be beyond a limit, from the first to the last of them.
    """

    kind: Kind
    by_level: Mapping[str, float]
    reset: float
    duration: timedelta = timedelta()

    def is_beyond(self, measure: float, level: str) -> bool:
        """Whether the measure is beyond the limit of a level."""
        limit = self.by_level[level]
        return measure < limit if self.kind == "below" else measure > limit

    def is_recovered(self, measure: float) -> bool:
        """Whether the measure is back at the reset, or on its safe side."""
        return measure >= self.reset if self.kind == "below" else measure <= self.reset


@dataclass(frozen=True, slots=True)
class LedgerStanding:
    """How far an entry of a ledger is behind, as rules of one kind measure it.

    Attributes:
        entry: Its id; of a balance, that of the region.
        region: Id of the region it lies in.
        measure: Days since it was due, or what is lacking; 0 where nothing is.
        facts: What else is known of it.
        year: The year it is of, where it has one for each.
        plan: Id of the plan it is of; None for none.
        sort: What a rule may be limited to: the kind of a balance, what a settlement waits in.
    """

    kind: Kind
    entry: int
    region: int | None
    measure: float
    facts: Mapping[str, Any]
    year: int | None = None
    plan: int | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A measure and its time."""

    time: datetime
    measure: float


@dataclass(frozen=True, slots=True)
class Watch:
    """How far a rule has followed a series.

    Attributes:
        seen_to: The time of the newest sample that was judged.
        since: From when on samples are beyond the limit of each level.
        level: The level that is raised; it outlasts a closing by hand, until things recover.
    """

    seen_to: datetime | None = None
    since: Mapping[str, datetime] = field(default_factory=dict)
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A sample that changed the level.

    Attributes:
        level: The new level; None when things have recovered.
        since: When what raised it began.
    """

    sample: Sample
    level: str | None
    since: datetime


def follow(
    watch: Watch,
    limits: RuleLimits,
    samples: Iterable[Sample],
    *,
    not_before: datetime | None = None,
) -> tuple[Watch, list[Turn]]:
    """Follow samples in the order of time, from where the watch stands.

    Samples before `watch.seen_to` are past: they tell since when a limit is exceeded, and neither
    raise nor end anything. The one at `seen_to` is judged again, for it may have been revised.

    Args:
        not_before: Older samples raise nothing: they are history, and no warning.
    """
    since, level, seen_to = watch.since, watch.level, watch.seen_to
    turns: list[Turn] = []
    for sample in samples:
        since = {
            code: since.get(code, sample.time)
            for code in limits.by_level
            if limits.is_beyond(sample.measure, code)
        }
        if seen_to is not None and sample.time < seen_to:
            continue
        seen_to = sample.time
        reached = _reached(since, limits.duration, sample.time)
        fresh = not_before is None or sample.time >= not_before
        if reached is not None and fresh and (level is None or RANK[reached] > RANK[level]):
            level = reached
            turns.append(Turn(sample, level, since[level]))
        elif level is not None and limits.is_recovered(sample.measure):
            level = None
            turns.append(Turn(sample, None, sample.time))
    return Watch(seen_to, since, level), turns


def _reached(since: Mapping[str, datetime], duration: timedelta, now: datetime) -> str | None:
    """The most serious level that lasted long enough."""
    lasting = [code for code, begun in since.items() if now - begun >= duration]
    return max(lasting, key=RANK.__getitem__, default=None)


def rates(values: Iterable[Sample]) -> Iterator[Sample]:
    """The size of the change per hour at each value but the first, of values in order of time.

    What changed within an hour counts as the change of an hour, as in the check of spikes: the
    noise of a sensor read each minute is not sixty times as large.
    """
    for before, value in pairwise(values):
        elapsed = value.time - before.time
        if elapsed <= RATE_WITHIN:
            hours = max(elapsed, HOUR) / HOUR
            yield Sample(value.time, abs(value.measure - before.measure) / hours)


def measure_unit(kind: str, unit: str | None) -> str | None:
    """The unit of what a rule of a kind measures, whose property or balance is in `unit`."""
    fixed = {
        "no_data": "s",
        "indicator_behind_target": "%",
        "mine_fund_short": "CNY",
        **dict.fromkeys(DAYS_LATE, "d"),
        **dict.fromkeys(("red_line_lead", "line_decline"), "m2"),
    }
    return f"{unit}/h" if kind == "rate" else fixed.get(kind, unit)
