"""Means of observations that indicators rest on: of stations by year, of a region's air by day.

They are read from roll-ups, and from the observations themselves for days whose roll-ups are due.
Only valid and possible values count, as in the roll-ups.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

ZONE = "Asia/Shanghai"
"""Years, months and days of the plans begin there."""

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

# A month with a day that is due is made anew from its days, a due day from its observations.
_MONTHLY = """
WITH due AS (
  SELECT station_id, property_id, day, CAST(date_trunc('month', day) AS date) AS month
    FROM rollup_due
   WHERE station_id = ANY(:stations) AND day >= :first AND day < :last
), due_month AS (SELECT DISTINCT station_id, property_id, month FROM due),
part AS (
  SELECT m.station_id, m.property_id,
         CAST(m.starts_at AT TIME ZONE :zone AS date) AS month, m.mean, m.number
    FROM observation_month m
   WHERE m.station_id = ANY(:stations)
     AND m.starts_at >= CAST(:first AS timestamp) AT TIME ZONE :zone
     AND m.starts_at < CAST(:last AS timestamp) AT TIME ZONE :zone
     AND NOT EXISTS (SELECT FROM due_month d
                      WHERE (d.station_id, d.property_id) = (m.station_id, m.property_id)
                        AND d.month = CAST(m.starts_at AT TIME ZONE :zone AS date))
  UNION ALL
  SELECT d.station_id, d.property_id, due_month.month, d.mean, d.number
    FROM due_month
    JOIN observation_day d USING (station_id, property_id)
   WHERE d.starts_at >= CAST(due_month.month AS timestamp) AT TIME ZONE :zone
     AND d.starts_at < (CAST(due_month.month AS timestamp) + interval '1 month') AT TIME ZONE :zone
     AND NOT EXISTS (SELECT FROM due
                      WHERE (due.station_id, due.property_id) = (d.station_id, d.property_id)
                        AND due.day = CAST(d.starts_at AT TIME ZONE :zone AS date))
  UNION ALL
  SELECT o.station_id, o.property_id, due.month, avg(o.value), count(*)
    FROM due
    JOIN observation o
      ON (o.station_id, o.property_id) = (due.station_id, due.property_id)
     AND o.observed_at >= CAST(due.day AS timestamp) AT TIME ZONE :zone
     AND o.observed_at < CAST(due.day + 1 AS timestamp) AT TIME ZONE :zone
     AND o.quality = 0 AND o.flags & 1 = 0
   GROUP BY o.station_id, o.property_id, due.month, due.day
), monthly AS (
  SELECT station_id, property_id, month, sum(mean * number) / sum(number) AS mean,
         sum(number) AS number
    FROM part GROUP BY station_id, property_id, month
)
SELECT monthly.station_id, p.code, CAST(extract(year FROM month) AS int) AS year,
       avg(mean) AS mean, CAST(count(*) AS int) AS months, CAST(sum(number) AS bigint) AS number
  FROM monthly
  JOIN observed_property p ON p.id = monthly.property_id
 WHERE p.code = ANY(CAST(:properties AS text[]))
   AND CAST(extract(year FROM month) AS int) = ANY(:years)
 GROUP BY monthly.station_id, p.code, extract(year FROM month)
 ORDER BY monthly.station_id, p.code, year
"""

# HJ 663-2013: a day's mean needs 20 of 24 hours; an 8-hour mean 6 of 8; the day's greatest of them
# 14 of the 17 that end at 8 to 24 o'clock, or to be above the limit without them. Hour `h` is the
# one that begins at h. A station that observes once a day tells the day itself.
_AIR = """
WITH hourly AS (
  SELECT h.station_id, p.code, CAST(h.starts_at AT TIME ZONE :zone AS date) AS day,
         CAST(extract(hour FROM h.starts_at AT TIME ZONE :zone) AS int) AS hour, h.mean
    FROM observation_hour h
    JOIN observed_property p ON p.id = h.property_id
   WHERE h.station_id = ANY(:stations) AND p.code = ANY(CAST(:properties AS text[]))
     AND h.starts_at >= CAST(:first AS timestamp) AT TIME ZONE :zone
     AND h.starts_at < CAST(:last AS timestamp) AT TIME ZONE :zone
     AND NOT EXISTS (SELECT FROM rollup_due d
                      WHERE (d.station_id, d.property_id) = (h.station_id, h.property_id)
                        AND d.day = CAST(h.starts_at AT TIME ZONE :zone AS date))
  UNION ALL
  SELECT o.station_id, p.code, d.day,
         CAST(extract(hour FROM o.observed_at AT TIME ZONE :zone) AS int), avg(o.value)
    FROM rollup_due d
    JOIN observed_property p ON p.id = d.property_id AND p.code = ANY(CAST(:properties AS text[]))
    JOIN observation o
      ON (o.station_id, o.property_id) = (d.station_id, d.property_id)
     AND o.observed_at >= CAST(d.day AS timestamp) AT TIME ZONE :zone
     AND o.observed_at < CAST(d.day + 1 AS timestamp) AT TIME ZONE :zone
     AND o.quality = 0 AND o.flags & 1 = 0
   WHERE d.station_id = ANY(:stations) AND d.day >= :first AND d.day < :last
   GROUP BY o.station_id, p.code, d.day, extract(hour FROM o.observed_at AT TIME ZONE :zone)
), moving AS (
  SELECT station_id, day, hour, avg(mean) OVER eight AS mean, count(*) OVER eight AS hours
    FROM hourly WHERE code = 'o3'
  WINDOW eight AS (PARTITION BY station_id, day ORDER BY hour RANGE 7 PRECEDING)
), daily AS (
  SELECT h.station_id, h.code, h.day, avg(h.mean) AS mean, count(*) AS hours
    FROM hourly h
    JOIN station s ON s.id = h.station_id
   WHERE h.code <> 'o3'
   GROUP BY h.station_id, h.code, h.day, s.interval_s
  HAVING count(*) >= 20 OR s.interval_s >= 86400
  UNION ALL
  SELECT station_id, 'o3', day, max(mean), count(*)
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
"""


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
    values = {
        **_asked(stations, properties, min(years), max(years)),
        "years": sorted(years),
    }
    return [YearlyMean(*row) for row in await session.execute(text(_MONTHLY), values)]


async def daily_air(
    session: AsyncSession, stations: Collection[int], properties: Collection[str], year: int
) -> Sequence[DailyAir]:
    """Valid daily concentrations over the stations, by property and day.

    A day is valid where three quarters of the stations that tell of the pollutant in the year are.

    Source: HJ 663-2013 for what is valid.
    """
    values = _asked(stations, properties, year, year)
    return [DailyAir(*row) for row in await session.execute(text(_AIR), values)]


def _asked(
    stations: Collection[int], properties: Collection[str], first: int, last: int
) -> Mapping[str, Any]:
    return {
        "stations": sorted(stations),
        "properties": sorted(properties),
        "first": date(first, 1, 1),
        "last": date(last + 1, 1, 1),
        "zone": ZONE,
    }
