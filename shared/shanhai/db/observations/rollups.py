"""What changed in observations, and their statistics by hour, day and month.

Percentiles cannot be merged, so a stretch of time is always summed up from its rows, and only those
are summed up again in which something changed. Whoever stores rows notes the days they fall on
(`rollup_due`) in the same transaction. Days that are over are summed up from time to time by
`sum_up`. Until then reads take what is due from the rows themselves (`buckets_sql`): a late value
or a revision is seen at once, and the day under way costs nobody anything.

Only valid values count, and no impossible ones: the median and the mean of a month must not hang on
a sensor that tells 32767 when it is broken.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.monitoring.checks import QualityFlag
from shanhai.monitoring.observation import LARGEST, VALID

KEPT = timedelta(days=7)
"""Changes that nobody evaluated by then are forgotten: rules look back no further by themselves."""
_PRUNE = text(
    "DELETE FROM observation_change WHERE at < clock_timestamp() - CAST(:kept AS interval)"
)


async def prune_changes(session: AsyncSession, *, kept: timedelta = KEPT) -> int:
    """Forget old changes; how many."""
    done = await session.execute(_PRUNE, {"kept": kept})
    return int(getattr(done, "rowcount", 0))


Every = Literal["hour", "day", "month"]
EVERY: tuple[Every, ...] = ("hour", "day", "month")
PORTION_DAYS = 100
"""Days of series one transaction sums up; nobody can store to these series meanwhile."""
SPREAD_DAYS = 30
LEAST_CHANGES = 24
"""Changes from hour to hour from which a series' usual change can be told."""

COUNTED = (
    f"o.quality = {VALID} AND o.flags & {int(QualityFlag.OUT_OF_RANGE)} = 0"
    f" AND o.value BETWEEN -{LARGEST} AND {LARGEST}"
)
STATISTICS = (
    "count(*), avg(o.value), min(o.value), max(o.value),"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY o.value),"
    " percentile_cont(0.98) WITHIN GROUP (ORDER BY o.value)"
)
# A plan made while a month was nearly empty reads all of it for each day later on.
_BY_INDEX = text("SET LOCAL enable_seqscan = off")
# Who stores holds the lock of the series' newest value from before its first row until the end, so
# that all rows of a series whose lock is held here are there to be seen.
_TAKE = text("""
  SELECT d.station_id, d.property_id, d.day
    FROM rollup_due d JOIN observation_latest l USING (station_id, property_id)
   WHERE d.day < coalesce(CAST(:before AS date), current_date)
     AND NOT (l.observed_at::date = d.day
              AND l.received_at > clock_timestamp() - CAST(:settled AS interval))
   ORDER BY d.station_id, d.property_id, d.day
   LIMIT :most
     FOR UPDATE OF l SKIP LOCKED
""")
_DONE = text("""
  DELETE FROM rollup_due d USING unnest(
           CAST(:stations AS int[]), CAST(:properties AS smallint[]), CAST(:days AS date[])
         ) AS t (station_id, property_id, day)
   WHERE (d.station_id, d.property_id, d.day) = (t.station_id, t.property_id, t.day)
""")
_SPREAD = text(f"""
  UPDATE observation_latest l SET hourly_spread = f.spread
    FROM unnest(CAST(:stations AS int[]), CAST(:properties AS smallint[]))
           AS t (station_id, property_id),
         LATERAL (
           SELECT CASE WHEN count(*) >= {LEAST_CHANGES}
                       THEN percentile_cont(0.75) WITHIN GROUP (ORDER BY h.change)
                          - percentile_cont(0.25) WITHIN GROUP (ORDER BY h.change) END AS spread
             FROM (SELECT mean - lag(mean) OVER hours AS change,
                          starts_at - lag(starts_at) OVER hours AS step
                     FROM observation_hour r
                    WHERE r.station_id = t.station_id AND r.property_id = t.property_id
                      AND r.starts_at > (SELECT max(n.starts_at) FROM observation_hour n
                                          WHERE n.station_id = t.station_id
                                            AND n.property_id = t.property_id)
                                        - interval '{SPREAD_DAYS} days'
                   WINDOW hours AS (ORDER BY starts_at)) h
            WHERE h.step = interval '1 hour') f
   WHERE l.station_id = t.station_id AND l.property_id = t.property_id
""")  # noqa: S608 - constants of this file


class Rollup(NamedTuple):
    """Statistics of the valid and possible values of a series in a stretch of time.

    Attributes:
        p50, p98: Percentiles by linear interpolation between values, as HJ 663 has them.
    """

    station_id: int
    property_id: int
    starts_at: datetime
    number: int
    mean: float
    low: float
    high: float
    p50: float
    p98: float


async def sum_up(
    session: AsyncSession,
    *,
    before: date | None = None,
    most: int = PORTION_DAYS,
    settled: timedelta = timedelta(0),
) -> int:
    """Sum up days that are due and over, and the hours and months they touch; how many days.

    Series somebody stores to right now are left for the next time. The usual change from hour to
    hour is learned anew for the series, for the check of the rate.

    Args:
        before: The first day that is not over; today.
        settled: How long ago the newest value of a series must have come if it is of that very day:
            a device that makes up for an outage would have its day summed up with every telegram.
    """
    await session.execute(_BY_INDEX)
    asked = {"before": before, "most": most, "settled": settled}
    taken = (await session.execute(_TAKE, asked)).all()
    if not taken:
        return 0
    days = [(row.station_id, row.property_id, row.day) for row in taken]
    await session.execute(_DONE, _arrays(days))
    months = sorted({(station, of, day.replace(day=1)) for station, of, day in days})
    for every, stretches, length in (
        ("hour", days, "1 day"),
        ("day", days, "1 day"),
        ("month", months, "1 month"),
    ):
        forget, write = _statements(every, length)
        await session.execute(text(forget), _arrays(stretches))
        await session.execute(text(write), _arrays(stretches))
    series = sorted({(station, of) for station, of, _ in days})
    stations, properties = zip(*series, strict=True)
    await session.execute(_SPREAD, {"stations": list(stations), "properties": list(properties)})
    return len(days)


def _arrays(stretches: Sequence[tuple[int, int, date]]) -> dict[str, list[int] | list[date]]:
    stations, properties, days = zip(*stretches, strict=True)
    return {"stations": list(stations), "properties": list(properties), "days": list(days)}


def _statements(every: str, length: str) -> tuple[str, str]:
    """What removes and what makes the buckets of stretches of time that begin on given days."""
    stretches = (
        "unnest(CAST(:stations AS int[]), CAST(:properties AS smallint[]), CAST(:days AS date[]))"
        " AS t (station_id, property_id, day)"
    )
    # The zone's own day, which may have 23 or 25 hours.
    within = "{0} >= t.day::timestamptz AND {0} < (t.day + interval '{1}')::timestamptz"
    forget = (
        f"DELETE FROM observation_{every} r USING {stretches}"  # noqa: S608 - constants
        " WHERE r.station_id = t.station_id AND r.property_id = t.property_id"
        f" AND {within.format('r.starts_at', length)}"
    )
    write = (
        f"INSERT INTO observation_{every}"  # noqa: S608 - constants of this file
        f" SELECT t.station_id, t.property_id, f.* FROM {stretches},"
        f" LATERAL (SELECT date_trunc('{every}', o.observed_at), {STATISTICS} FROM observation o"
        " WHERE o.station_id = t.station_id AND o.property_id = t.property_id"
        f" AND {within.format('o.observed_at', length)} AND {COUNTED} GROUP BY 1) f"
    )
    return forget, write


def buckets_sql(every: Every) -> str:
    """SQL of the statistics of series (`:stations`, `:properties`): columns of `Rollup`.

    Buckets begin from `:start` to before `:end`. One comes from the roll-ups or, where any of its
    days is due, from the rows: all of its hour, day or month, since a percentile needs them.
    """
    # An hour is due with its day, a month with any of its days.
    span = "month" if every == "month" else "day"
    wanted = (
        "{0}.station_id = ANY (CAST(:stations AS int[]))"
        " AND {0}.property_id = ANY (CAST(:properties AS smallint[]))"
    )
    return f"""
      WITH asked AS (
        SELECT CAST(:start AS timestamptz) AS start, CAST(:end AS timestamptz) AS "end"
      ), due AS (
        SELECT DISTINCT d.station_id, d.property_id,
               date_trunc('{span}', d.day::timestamp)::timestamptz AS first,
               (date_trunc('{span}', d.day::timestamp) + interval '1 {span}')::timestamptz AS last
          FROM rollup_due d, asked
         WHERE {wanted.format("d")}
           AND d.day >= date_trunc('{span}', asked.start)::date
           AND d.day < (date_trunc('{span}', asked."end") + interval '1 {span}')::date
      )
      SELECT r.* FROM observation_{every} r, asked
       WHERE {wanted.format("r")} AND r.starts_at >= asked.start AND r.starts_at < asked."end"
         AND NOT EXISTS (SELECT FROM due d
                          WHERE d.station_id = r.station_id AND d.property_id = r.property_id
                            AND r.starts_at >= d.first AND r.starts_at < d.last)
      UNION ALL
      SELECT d.station_id, d.property_id, f.*
        FROM due d, asked,
             LATERAL (SELECT date_trunc('{every}', o.observed_at) AS starts_at, {STATISTICS}
                        FROM observation o
                       WHERE o.station_id = d.station_id AND o.property_id = d.property_id
                         AND o.observed_at >= d.first AND o.observed_at < d.last AND {COUNTED}
                       GROUP BY 1) f
       WHERE f.starts_at >= asked.start AND f.starts_at < asked."end"
       ORDER BY 1, 2, 3
    """  # noqa: S608 - constants of this file
