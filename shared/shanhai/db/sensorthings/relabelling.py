"""Say that the values of a series are of another unit than its Datastream told.

A correction: the numbers stay what they are, and what is kept of them follows, so that nothing is
taken together that is not of one unit.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.annulment import NEWEST, raw_connection, recall_whole
from shanhai.db.observations.conversions import as_kept, as_told
from shanhai.db.queries.audit import Act, record
from shanhai.db.sensorthings.series_units import conversion_to, kept_under
from shanhai.db.sensorthings.write import StationSeries
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.station import Datastream
from shanhai.monitoring.checks import QualityFlag
from shanhai.storage.artifacts import ArtifactStore

Steps = Sequence[float] | None
"""How values of the unit told become those that are kept; None where they are the same."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """Under which property the values of a series were kept and are to be, and how they follow."""

    station: int
    was: int
    now: int
    steps_was: Steps
    steps_now: Steps

    @property
    def changes(self) -> bool:
        """Whether stored values are others afterwards."""
        return self.was != self.now or self.steps_was != self.steps_now


_ADD = """
  INSERT INTO observation_latest
    (station_id, property_id, observed_at, value, received_at, quality, flags, equal_values)
  VALUES ($1, $2, '-infinity', 'NaN', '-infinity', 0, 0, 0) ON CONFLICT DO NOTHING
"""
_VALUE = as_kept(f"({as_told('g.value', '$4::float8[]')})", "$5::float8[]")
_RESTATE = f"""
  WITH gone AS (
    DELETE FROM observation WHERE station_id = $1 AND property_id = $2 RETURNING *
  ), limits AS (
    SELECT CASE WHEN r.station_id IS NULL THEN p.low ELSE r.low END AS low,
           CASE WHEN r.station_id IS NULL THEN p.high ELSE r.high END AS high
      FROM observed_property p
           LEFT JOIN station_range r ON r.station_id = $1 AND r.property_id = p.id
     WHERE p.id = $3
  ), anew AS (
    SELECT g.*, {_VALUE} AS restated FROM gone g
  ), kept AS (
    INSERT INTO observation_revision
      (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
       flags, result_time, feature_id)
    SELECT observed_at, value, received_at, clock_timestamp(), station_id, source_id, property_id,
           quality, flags, result_time, feature_id
      FROM gone
  ), back AS (
    INSERT INTO observation
      (observed_at, value, received_at, station_id, source_id, property_id, quality, flags,
       result_time, feature_id)
    SELECT a.observed_at, a.restated, a.received_at, a.station_id, a.source_id, $3, a.quality,
           a.flags & ~{int(QualityFlag.OUT_OF_RANGE)}
             | CASE WHEN a.restated < l.low OR a.restated > l.high
                    THEN {int(QualityFlag.OUT_OF_RANGE)} ELSE 0 END,
           a.result_time, a.feature_id
      FROM anew a, limits l
  ), series AS (
    SELECT DISTINCT property_id FROM unnest(ARRAY[$2, $3]::smallint[]) AS s (property_id)
  ), due AS (
    INSERT INTO rollup_due (station_id, property_id, day)
    SELECT DISTINCT g.station_id, s.property_id, g.observed_at::date FROM gone g, series s
    ON CONFLICT DO NOTHING
  ), told AS (
    INSERT INTO observation_change (station_id, property_id, first_at, last_at)
    SELECT g.station_id, s.property_id, min(g.observed_at), max(g.observed_at)
      FROM gone g, series s GROUP BY 1, 2
  )
  SELECT count(*), pg_notify('shanhai_observations', '') FROM gone
"""  # noqa: S608 - constants of this file
_FORGET_SPREAD = """
  UPDATE observation_latest SET hourly_spread = NULL WHERE station_id = $1 AND property_id = $2
"""


async def restate(session: AsyncSession, files: ArtifactStore, what: Restatement) -> int:
    """Keep the values of a series anew; how many.

    Raises:
        LimitExceeded: they are too many to be changed at once.
        Unavailable: the file of a closed month is missing.
    """
    if not what.changes:
        return 0
    raw = await raw_connection(session)
    for observed in sorted({what.was, what.now}):
        await raw.execute(_ADD, what.station, observed)
        await recall_whole(raw, files, what.station, observed)
    steps = (None if one is None else list(one) for one in (what.steps_was, what.steps_now))
    number = int(await raw.fetchval(_RESTATE, what.station, what.was, what.now, *steps))
    for observed in sorted({what.was, what.now}):
        await raw.execute(NEWEST, what.station, observed)
        await raw.execute(_FORGET_SPREAD, what.station, observed)
    return number


async def relabel(
    session: AsyncSession,
    act: Act,
    files: ArtifactStore,
    series: StationSeries,
    symbol: str,
    make: Callable[[ObservedProperty], Awaitable[ObservedProperty]],
) -> tuple[StationSeries, int]:
    """Keep a series as values of a unit its Datastream tells now; where, and how many changed.

    Args:
        make: Makes the variant of a property that is needed, or refuses.

    Raises:
        Conflict: the station has a series in that unit already.
        LimitExceeded: the values are too many to be changed at once.
    """
    observed = await session.get_one(ObservedProperty, series.property_id)
    station, own = series.station_id, series.property_id
    kept = await kept_under(session, act, observed, symbol, station, own=own)
    kept = kept or await make(observed)
    was = (await session.scalars(select(Datastream.conversion).where(_of(series)))).first()
    now = conversion_to(symbol, kept)
    number = await restate(session, files, Restatement(station, own, kept.id, was, now))
    former = case(
        (Datastream.former_property_id == kept.id, None),
        else_=func.coalesce(Datastream.former_property_id, own),
    )
    moved = {} if kept.id == own else {"property_id": kept.id, "former_property_id": former}
    await session.execute(update(Datastream).where(_of(series)).values(conversion=now, **moved))
    if moved:
        observed.series_moved = True
    after = StationSeries(series.station_code, kept.code, station, kept.id)
    if moved or number:
        _record(session, act, series, after, number)
    return after, number


def _of(series: StationSeries) -> ColumnElement[bool]:
    own = Datastream.property_id == series.property_id
    return and_(Datastream.station_id == series.station_id, own)


def _record(
    session: AsyncSession, act: Act, was: StationSeries, now: StationSeries, number: int
) -> None:
    record(
        session,
        act,
        "update",
        table="observation",
        object_id=was.identifier,
        before={"property": was.property_code, "observations": number},
        after={"property": now.property_code, "observations": number},
    )
