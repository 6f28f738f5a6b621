"""Stations and observations that tests of monitoring need."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity
from shanhai.db.observations.ingest import IncomingBatch, Sender, store_all
from shanhai.db.observations.rollups import Every, Rollup, buckets_sql
from shanhai.db.tables.station import Station
from shanhai.db.tables.zone import Region
from shanhai.monitoring.observation import Batch, BatchOutcome, FeedObservation
from shanhai.vocabulary import Scope
from tests.support.emptying import forget_rows

FEED = Identity("key:feed", frozenset({Scope.OBSERVE}))
EMPTIED = (
    *("observation", "observation_revision", "observation_latest", "observation_source"),
    *("observation_hour", "observation_day", "observation_month", "rollup_due"),
    *("observation_change", "station", "alert_rule"),
    *("observation_archive", "archived_series", "observation_hold"),
)


async def forget_observations(session: AsyncSession) -> None:
    """Leave no station and no observation; the caller commits."""
    await forget_rows(session, EMPTIED)


async def add_station(
    session: AsyncSession,
    code: str,
    *,
    region: Region | None = None,
    since: date | None = None,
    kind: str = "land",
    place: tuple[float, float] = (118.05, 24.45),
    interval_s: int | None = 3600,
) -> Station:
    """A station, which began at any time unless told otherwise."""
    station = Station(
        visibility="public",
        code=code,
        name_zh=f"站点 {code}",
        name_en=f"Station {code}",
        kind=kind,
        region_id=None if region is None else region.id,
        interval_s=interval_s,
        geom=func.ST_SetSRID(func.ST_MakePoint(*place), 4490),
        valid_from=since,
    )
    session.add(station)
    await session.flush()
    return station


async def store_observations(
    sessions: Sessions, rows: Sequence[FeedObservation], identity: Identity = FEED, **options: Any
) -> BatchOutcome:
    """Store the rows in a transaction of their own."""
    async with sessions.begin() as session:
        delivery = IncomingBatch(Batch.of(rows), Sender("http", identity))
        [outcome] = await store_all(session, [delivery], **options)
        return outcome


async def fetch(sessions: Sessions, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    async with sessions() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def stored_values(
    sessions: Sessions, station: str, property_: str
) -> list[tuple[datetime, float]]:
    """What is stored of a series, in the order of time."""
    query = text("""
      SELECT o.observed_at, o.value
        FROM observation o JOIN station s ON s.id = o.station_id
             JOIN observed_property p ON p.id = o.property_id
       WHERE s.code = :station AND p.code = :property ORDER BY o.observed_at
    """)
    async with sessions() as session:
        found = await session.execute(query, {"station": station, "property": property_})
        return [(row.observed_at, row.value) for row in found]


async def read_buckets(
    session: AsyncSession,
    every: Every,
    stations: Sequence[int],
    properties: Sequence[int],
    start: datetime,
    end: datetime,
) -> list[Rollup]:
    """The statistics of series in the order of stations, properties and time."""
    given = {"stations": stations, "properties": properties, "start": start, "end": end}
    found = await session.execute(text(buckets_sql(every)), given)
    return [Rollup(*tuple(row)) for row in found]
