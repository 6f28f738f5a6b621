"""Means of observations that indicators rest on: of stations by year, of a region's air by day.

They are read from roll-ups, and from the observations themselves where roll-ups are due. Years and
days begin in the zone the platform plans in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.rollups import buckets_sql
from shanhai.db.tables.observation import ObservedProperty
from shanhai.science import water_quality

WATER_STATIONS: Mapping[str, water_quality.Medium] = {
    "water_section": "surface_water",
    "sea": "sea_water",
}
"""Kinds of stations whose water has a class, and by which standard."""
_BELOW = """
WITH RECURSIVE place (id) AS (
  SELECT CAST(:region AS bigint)
  UNION
  SELECT region.id FROM region JOIN place ON region.parent_id = place.id
)
"""
_STATIONS = """
SELECT s.id, s.code, s.name_zh, s.name_en, s.kind, s.interval_s, ST_X(s.geom), ST_Y(s.geom)
  FROM station s
 WHERE s.deleted_at IS NULL AND s.kind = ANY(CAST(:kinds AS text[]))
   AND (s.region_id IN (SELECT id FROM place)
        OR ST_Intersects(s.geom, (SELECT geom FROM region WHERE id = :region)))
 ORDER BY s.code
"""

# A mean that is a limit is of that class, whatever the last bits of its sum are.
_MEAN = "CAST(round(CAST(avg({0}) AS numeric), 9) AS float8) AS mean"
# Constants of this package; callers' values are bound.
_YEARLY = f"""
SELECT b.station_id, p.code, CAST(:year AS int) AS year, {_MEAN.format("b.mean")},
       CAST(count(*) AS int) AS months, CAST(sum(b.number) AS bigint) AS number
  FROM ({buckets_sql("month")}) b
  JOIN observed_property p ON p.id = b.property_id
 GROUP BY b.station_id, p.code
 ORDER BY b.station_id, p.code
"""  # noqa: S608

# HJ 663-2013: a day's mean needs 20 of 24 hours; an 8-hour mean any 6 of 8; the day's greatest of
# them 14 of the 17 that end at 8 to 24 o'clock, or to be above the limit without them. Hour `h`
# begins at h. A station that observes once a day tells the day itself, but not of ozone.
_AIR = f"""
WITH hourly AS (
  SELECT b.station_id, p.code, CAST(b.starts_at AS date) AS day,
         CAST(extract(hour FROM b.starts_at) AS int) AS hour, b.mean
    FROM ({buckets_sql("hour")}) b
    JOIN observed_property p ON p.id = b.property_id
), moving AS (
  SELECT station_id, day, hour, avg(mean) OVER eight AS mean, count(mean) OVER eight AS hours,
         count(mean) OVER (PARTITION BY station_id, day) AS of_day
    FROM (SELECT DISTINCT station_id, code, day FROM hourly WHERE code = 'o3') observed
   CROSS JOIN generate_series(0, 23) AS hour
    LEFT JOIN hourly USING (station_id, code, day, hour)
  WINDOW eight AS (PARTITION BY station_id, day ORDER BY hour RANGE 7 PRECEDING)
), daily AS (
  SELECT h.station_id, h.code, h.day, avg(h.mean) AS mean, count(*) AS hours
    FROM hourly h
    JOIN station s ON s.id = h.station_id
   WHERE h.code <> 'o3'
   GROUP BY h.station_id, h.code, h.day, s.interval_s
  HAVING count(*) >= 20 OR s.interval_s >= 86400
  UNION ALL
  SELECT station_id, 'o3', day, max(mean), max(of_day)
    FROM moving WHERE hours >= 6 AND hour >= 7
   GROUP BY station_id, day
  HAVING count(*) >= 14 OR max(mean) > 160
), station_count AS (SELECT code, count(DISTINCT station_id) AS stations FROM daily GROUP BY code)
SELECT d.code, d.day, avg(d.mean) AS mean, CAST(sum(d.hours) AS bigint) AS hours
  FROM daily d
  JOIN station_count c USING (code)
 GROUP BY d.code, d.day, c.stations
HAVING count(*) * 4 >= c.stations * 3
 ORDER BY d.code, d.day
"""  # noqa: S608

# Of the whole period, so that the months of a year weigh alike and parts of months less.
_OF_PERIOD = f"""
SELECT station_id, code, {_MEAN.format("mean")}, CAST(count(*) AS int) AS months,
       CAST(sum(number) AS bigint) AS number
  FROM (SELECT b.station_id, p.code, date_trunc('month', b.starts_at) AS month,
               sum(b.mean * b.number) / sum(b.number) AS mean, sum(b.number) AS number
          FROM ({buckets_sql("day")}) b
          JOIN observed_property p ON p.id = b.property_id
         GROUP BY b.station_id, p.code, month) monthly
 GROUP BY station_id, code
 ORDER BY station_id, code
"""  # noqa: S608
_COURSE = f"""
SELECT day, avg(mean) AS mean
  FROM (SELECT b.station_id, CAST(date_trunc(CAST(:every AS text), b.starts_at) AS date) AS day,
               sum(b.mean * b.number) / sum(b.number) AS mean
          FROM ({buckets_sql("day")}) b
         GROUP BY b.station_id, day) of_stations
 GROUP BY day
 ORDER BY day
"""  # noqa: S608

_SPAN = text("SELECT CAST(:first AS date)::timestamptz, (CAST(:last AS date) + 1)::timestamptz")


@dataclass(frozen=True, slots=True)
class StationRow:
    """A station of a region."""

    id: int
    code: str
    name_zh: str
    name_en: str
    kind: str
    interval_s: int | None
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True)
class YearlyMean:
    """The mean of the monthly means of a property at a station; all months count alike."""

    station_id: int
    property: str
    year: int
    mean: float
    months: int
    observations: int


@dataclass(frozen=True, slots=True)
class PeriodMean:
    """The mean of the monthly means of a property at a station within a period."""

    station_id: int
    property: str
    mean: float
    months: int
    observations: int


@dataclass(frozen=True, slots=True)
class DailyAir:
    """Concentration of a pollutant over a region on a day: mean of its stations.

    Of ozone it is the greatest 8-hour mean of the day.
    """

    property: str
    day: date
    mean: float
    hours: int


async def find_stations(
    session: AsyncSession, region_id: int, kinds: Collection[str]
) -> Sequence[StationRow]:
    """The stations of some kinds that belong to a region or lie in it, by code."""
    values = {"region": region_id, "kinds": sorted(kinds)}
    return [StationRow(*row) for row in await session.execute(text(_BELOW + _STATIONS), values)]


async def yearly_means(
    session: AsyncSession,
    stations: Collection[int],
    properties: Collection[str],
    years: Collection[int],
) -> Sequence[YearlyMean]:
    """Means by station, property and year; what was not observed is not there."""
    found: list[YearlyMean] = []
    # A statement for each year: of all together it might not end in time.
    for year in sorted(years):
        asked = await _asked(session, stations, properties, date(year, 1, 1), date(year, 12, 31))
        rows = await session.execute(text(_YEARLY), {**asked, "year": year})
        found += [YearlyMean(*row) for row in rows]
    return found


async def period_means(
    session: AsyncSession, stations: Collection[int], first: date, last: date
) -> Sequence[PeriodMean]:
    """Means of all that stations observed from one day to another, both included."""
    known = await session.scalars(select(ObservedProperty.code))
    asked = await _asked(session, stations, known.all(), first, last)
    return [PeriodMean(*row) for row in await session.execute(text(_OF_PERIOD), asked)]


@dataclass(frozen=True, slots=True)
class StationWater:
    """The class of the water at a station in a period.

    Attributes:
        number: 1 is the best; 0 where nothing was observed.
        name: Its code in the standard; None where nothing was observed.
        deciding: The items of that class.
        months: The fewest months in which an item was observed.
        means: Mean by property the standard reads.
    """

    number: int
    name: str | None
    deciding: Sequence[str]
    months: int
    means: Mapping[str, float]


async def water_classes(
    session: AsyncSession,
    stations: Collection[int],
    standard: water_quality.WaterStandard,
    first: date,
    last: date,
) -> Mapping[int, StationWater]:
    """The class of the water at stations by their means from one day to another, the worst item.

    Nothing tells sections of lakes apart: all are classed by the limits of rivers.
    """
    body: water_quality.Body = "sea" if standard.medium == "sea_water" else "river"
    read = standard.properties
    listed, found = sorted(stations), dict[int, dict[str, PeriodMean]]()
    for mean in await period_means(session, listed, first, last):
        if mean.property in read:
            found.setdefault(mean.station_id, {})[mean.property] = mean
    values = {
        name: np.array(
            [found[one][name].mean if name in found.get(one, {}) else np.nan for one in listed],
            dtype=np.float64,
        )
        for name in read
    }
    classes = water_quality.classify(values, standard, body)
    return {
        one: StationWater(
            int(classes.classes[place]),
            standard.name_of(int(classes.classes[place])),
            classes.deciding_items(place),
            min((mean.months for mean in found.get(one, {}).values()), default=0),
            {name: mean.mean for name, mean in found.get(one, {}).items()},
        )
        for place, one in enumerate(listed)
    }


async def course_of(
    session: AsyncSession,
    stations: Collection[int],
    property_: str,
    first: date,
    last: date,
    every: Literal["day", "month"],
) -> Sequence[tuple[date, float]]:
    """Means of a property over stations, by day or month; all stations that tell count alike."""
    asked = await _asked(session, stations, [property_], first, last)
    rows = await session.execute(text(_COURSE), {**asked, "every": every})
    return [(row.day, row.mean) for row in rows]


async def daily_air(
    session: AsyncSession,
    stations: Collection[int],
    properties: Collection[str],
    first: date,
    last: date,
) -> Sequence[DailyAir]:
    """Valid daily concentrations over the stations, by property and day, both days included.

    A day is valid where three quarters of the stations that tell of the pollutant in the period
    are.

    Source: HJ 663-2013 for what is valid.
    """
    found: list[DailyAir] = []
    for one in sorted(properties):
        asked = await _asked(session, stations, [one], first, last)
        found += [DailyAir(*row) for row in await session.execute(text(_AIR), asked)]
    return found


async def _asked(
    session: AsyncSession,
    stations: Collection[int],
    properties: Collection[str],
    first: date,
    last: date,
) -> Mapping[str, Any]:
    """What the statements of roll-ups bind; a day begins in the zone of the platform."""
    known = select(ObservedProperty.id).where(ObservedProperty.code.in_(properties))
    start, end = (await session.execute(_SPAN, {"first": first, "last": last})).one()
    return {
        "stations": sorted(stations),
        "properties": sorted(await session.scalars(known)),
        "start": start,
        "end": end,
    }
