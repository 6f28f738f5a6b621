"""In which unit the values of a series are kept, and saying that they are of another.

Values of one property are kept in one unit, by which they are compared, taken together and judged.
A unit that converts to it is converted on entry, and back for who asks the Datastream. One that
does not is kept apart: the series is stored under a variant of the property, which nothing takes
together with the property itself.

A correction: the numbers stay what they are, and what is kept of them follows, so that nothing is
taken together that is not of one unit.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.write import CODE_LENGTH, CODE_LETTERS
from shanhai.db.observations.archive_restore import NEWEST, raw_connection, recall_whole
from shanhai.db.observations.properties import change_property, create_property
from shanhai.db.queries.audit import Act, record
from shanhai.db.sensorthings.rows import as_kept, as_told
from shanhai.db.sensorthings.write import NEVER, StationSeries
from shanhai.db.tables.observation import ObservationLatest, ObservedProperty
from shanhai.db.tables.station import Datastream
from shanhai.errors import Conflict
from shanhai.monitoring.checks import QualityFlag
from shanhai.monitoring.units import conversion, steps_to, symbol_of, unit_code
from shanhai.storage.artifacts import ArtifactStore

PLAIN = "1"
"""The unit of plain numbers, whose unit is not known here."""


def conversion_to(symbol: str, observed: ObservedProperty) -> list[float] | None:
    """How values of a unit become those of a property's; None where they are of the same unit."""
    return None if not symbol or observed.unit_open else steps_to(symbol, observed.unit)


async def kept_under(
    session: AsyncSession,
    act: Act,
    observed: ObservedProperty,
    symbol: str,
    station_id: int,
    *,
    own: int | None = None,
) -> ObservedProperty | None:
    """The property under which a series of a property is stored whose values are of a unit.

    Args:
        own: The property it is stored under now, if it is there.

    Returns:
        The property, or the variant of it that fits and of which the station has no other series;
        None where there is none.

    Raises:
        Conflict: the station has a series of it in that unit.
    """
    family = await _family(session, observed)
    taken = await _taken(session, station_id, family, own)
    fitting = [one for one in family if await _fits(session, one, symbol, station_id, own)]
    for one in fitting:
        if one.id not in taken:
            return await _settled(session, act, one, symbol)
    if any(conversion_to(symbol, one) is None for one in fitting):
        raise Conflict(
            f"there is a Datastream of {observed.code!r} in that unit at this station",
            message_zh=f"该站点已有 {observed.code!r} 以此单位表示的数据流",
        )
    return None


async def make_variant(
    session: AsyncSession, act: Act, observed: ObservedProperty, symbol: str
) -> ObservedProperty:
    """Make a variant of a property, for values of a unit that do not go with it."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    code = unit_code(symbol)
    same = ("name_zh", "name_en", "medium", "decimals", "moves", "definition", "description")
    contents = {
        **{name: getattr(observed, name) for name in same},
        "code": f"property-{letters}",
        "unit": code or PLAIN,
        "unit_open": code is None,
        "aliases": [],
        "variant_of": observed.variant_of or observed.code,
    }
    return await create_property(session, contents, act=act)


async def _family(session: AsyncSession, observed: ObservedProperty) -> Sequence[ObservedProperty]:
    """A property and its variants, the property first."""
    code = observed.variant_of or observed.code
    query = (
        select(ObservedProperty)
        .where(or_(ObservedProperty.code == code, ObservedProperty.variant_of == code))
        .order_by(ObservedProperty.variant_of.is_not(None), ObservedProperty.id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(query)).all()


async def _taken(
    session: AsyncSession, station_id: int, family: Sequence[ObservedProperty], own: int | None
) -> frozenset[int]:
    """The properties of which somebody described another series of a station, or once did."""
    keys = [one.id for one in family if one.id != own]
    told = select(Datastream.property_id).where(Datastream.station_id == station_id)
    former = select(Datastream.former_property_id).where(
        Datastream.station_id == station_id,
        Datastream.property_id.is_distinct_from(own),
        Datastream.former_property_id.is_not(None),
    )
    found = await session.scalars(told.union(former))
    return frozenset(found).intersection(keys)


async def _fits(
    session: AsyncSession, one: ObservedProperty, symbol: str, station_id: int, own: int | None
) -> bool:
    """Whether values of a unit can be kept under a property.

    Plain numbers are of the unit its Datastreams tell, whatever that is.
    """
    if not one.unit_open:
        return not symbol or conversion(symbol, one.unit) is not None
    if not symbol:
        return True
    others = [Datastream.property_id == one.id]
    valued = [ObservationLatest.property_id == one.id, ObservationLatest.observed_at > NEVER]
    if one.id == own:
        others.append(Datastream.station_id != station_id)
    if unit_code(symbol) is None:
        # Its own numbers are what it says they are.
        valued.append(ObservationLatest.station_id != station_id)
    query = select(Datastream.unit).where(*others, Datastream.unit.is_not(None))
    told = await session.scalar(query.limit(1))
    if told is not None:
        return symbol_of(told) == symbol
    return not await session.scalar(select(exists().where(*valued)))


async def _settled(
    session: AsyncSession, act: Act, one: ObservedProperty, symbol: str
) -> ObservedProperty:
    """A property whose unit is told by its first Datastream, if nobody told it before."""
    code = unit_code(symbol)
    if not one.unit_open or code is None:
        return one
    return await change_property(session, one.code, {"unit": code}, act=act)


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
  SELECT count(*) FROM gone
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
