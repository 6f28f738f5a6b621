"""Say that the values of a series are of another unit than its Datastream told.

A correction: the numbers stay what they are, and what is kept of them follows, so that nothing is
taken together that is not of one unit.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.restating import Restatement, restate
from shanhai.db.queries.audit import Act, record
from shanhai.db.sensorthings.series_units import conversion_to, kept_under
from shanhai.db.sensorthings.write import StationSeries
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.station import Datastream
from shanhai.storage.artifacts import ArtifactStore


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
