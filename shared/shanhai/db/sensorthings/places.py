"""Write Locations, and sampling features: what values are of that are not of a station's place.

A station's geometry is what everything else reads, and it mirrors the Location the station is bound
to. A station that was moved otherwise lies at a place of its own, which is derived from its
geometry.

A feature belongs to the region of the station whose value it came with, or to none. Each function
works in the caller's transaction.
"""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.collections.guards import refused
from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH, merged
from shanhai.db.features.write import CODE_LENGTH, CODE_LETTERS
from shanhai.db.queries.audit import Act, record
from shanhai.db.sensorthings.model import FEATURE_OF_INTEREST
from shanhai.db.sensorthings.operands import Composition
from shanhai.db.sensorthings.rows import BOUND, LAST_PLACE, PLACES
from shanhai.db.tables.station import HistoricalLocation, Location, SamplingFeature, Station
from shanhai.errors import Conflict, NotFound
from shanhai.vocabulary import Label

Values = Mapping[str, Any]
Kind = type[Location] | type[SamplingFeature]
CALLED: Mapping[Kind, Label] = {
    Location: Label("位置", "Location"),
    SamplingFeature: Label("观测对象", "FeatureOfInterest"),
}
COLUMNS = ("name", "description", "properties", "encoding_type")
_HERE = text(
    "SELECT sn.code FROM station sn WHERE sn.deleted_at IS NULL"  # noqa: S608 - constants
    " AND sn.id IN (SELECT station_id FROM historical_location WHERE location_id = :location)"
    f" AND {BOUND} = :location ORDER BY sn.code"
)
_SINCE = text(
    f"SELECT since FROM ({PLACES}) place WHERE id = :station AND version = :version"  # noqa: S608
)
_LATEST = text(f"SELECT max(version) FROM ({PLACES}) place WHERE id = :station")  # noqa: S608


async def create_location(
    session: AsyncSession,
    act: Act,
    code: str | None,
    values: Values,
    wkb: bytes,
    *,
    station: str | None = None,
) -> str:
    """Make a Location; without a code it is given one.

    Args:
        station: The code of the station it is made for, which it may have too.

    Raises:
        InvalidInput: the code breaks the rule of codes.
        Conflict: it is taken, by another Location or a station.
    """
    return await _create(session, act, Location, code, values, wkb, station)


async def own_location(
    session: AsyncSession, act: Act, code: str, values: Values, wkb: bytes
) -> str:
    """Make the first Location of a station, which is called as the station unless one is so."""
    taken = await location_id(session, code) is not None
    return await create_location(session, act, None if taken else code, values, wkb, station=code)


async def update_place(
    session: AsyncSession, act: Act, kind: Kind, code: str, values: Values, wkb: bytes | None
) -> None:
    """Change what is said of a Location or feature, and where it is.

    Raises:
        NotFound: there is none.
    """
    before = await _locked(session, kind, code)
    free = merged(before["properties"], values.get("properties", {}))
    after = {**before, **values, "properties": free}
    moved = {} if wkb is None else {"geom": _stored(wkb)}
    changed = update(kind).where(kind.code == code)
    await session.execute(changed.values(**after, **moved, updated_at=func.now()))
    record(
        session, act, "update", table=kind.__tablename__, object_id=code, before=before, after=after
    )


async def remove_location(session: AsyncSession, act: Act, code: str) -> None:
    """Delete a Location; stations' histories no longer speak of it, and keep where they were.

    Raises:
        NotFound: there is none.
    """
    before = await _locked(session, Location, code)
    own = await location_id(session, code)
    told = HistoricalLocation.location_id == own
    await session.execute(
        update(HistoricalLocation)
        .where(told, HistoricalLocation.version.is_not(None))
        .values(hidden=True)
    )
    await session.execute(
        delete(HistoricalLocation).where(told, HistoricalLocation.version.is_(None))
    )
    await session.execute(delete(Location).where(Location.code == code))
    record(session, act, "delete", table="location", object_id=code, before=before)


async def location_id(session: AsyncSession, code: str) -> int | None:
    """The row of a Location."""
    found: int | None = await session.scalar(select(Location.id).where(Location.code == code))
    return found


async def stations_at(session: AsyncSession, code: str) -> list[str]:
    """The stations that are at a Location now."""
    own = await location_id(session, code)
    return list(await session.scalars(_HERE, {"location": own}))


async def stations_of(session: AsyncSession, code: str) -> list[int]:
    """The stations that are or were at a Location."""
    own = await location_id(session, code)
    query = select(HistoricalLocation.station_id).where(HistoricalLocation.location_id == own)
    return sorted(set(await session.scalars(query)))


async def bind(session: AsyncSession, station: int, version: int, location: int) -> None:
    """Note that a station is at a Location since a version of its own."""
    since = await session.scalar(_SINCE, {"station": station, "version": version})
    values = {"location_id": location, "since": since or func.now()}
    await _note(session, station, version, values)


async def version_at(session: AsyncSession, station: int, former: int) -> int:
    """The version with which a place of a station's own began; `former` of 0 is that of now."""
    return former or int(await session.scalar(_LATEST, {"station": station}) or 0)


async def hide(session: AsyncSession, act: Act, station: int, version: int, code: str) -> None:
    """Leave a HistoricalLocation out: one that was told is removed, of others only the word."""
    if version < 0:
        await session.execute(delete(HistoricalLocation).where(HistoricalLocation.id == -version))
    else:
        await _note(session, station, version, {"hidden": True})
    record(session, act, "delete", table="historical_location", object_id=code)


async def _note(session: AsyncSession, station: int, version: int, values: Values) -> None:
    query = insert(HistoricalLocation).values(station_id=station, version=version, **values)
    target = [HistoricalLocation.station_id, HistoricalLocation.version]
    shown = {"hidden": False, **values}
    await session.execute(query.on_conflict_do_update(index_elements=target, set_=shown))


async def tell_history(
    session: AsyncSession, act: Act, station: int, location: int, since: datetime
) -> int:
    """Add to the history of a station where it was; its row."""
    query = insert(HistoricalLocation).values(station_id=station, location_id=location, since=since)
    made = int(await session.scalar(query.returning(HistoricalLocation.id)) or 0)
    after = {"station_id": station, "location_id": location, "since": since.isoformat()}
    record(session, act, "create", table="historical_location", object_id=str(made), after=after)
    return made


async def change_history(
    session: AsyncSession, act: Act, station: int, version: int, since: datetime
) -> bool:
    """Tell another time from which a station was at a Location; False for a place of its own."""
    one = (
        HistoricalLocation.id == -version
        if version < 0
        else (HistoricalLocation.station_id == station) & (HistoricalLocation.version == version)
    )
    query = update(HistoricalLocation).where(one, HistoricalLocation.location_id.is_not(None))
    made = await session.scalar(query.values(since=since).returning(HistoricalLocation.id))
    if made is not None:
        told = {"since": since.isoformat()}
        record(session, act, "update", table="historical_location", object_id=str(made), after=told)
    return made is not None


async def _create(
    session: AsyncSession,
    act: Act,
    kind: Kind,
    code: str | None,
    values: Values,
    wkb: bytes,
    station: str | None = None,
    **more: int | None,
) -> str:
    if code is not None and CODE.fullmatch(code) is None:
        raise refused("/@iot.id", Label(CODE_RULE_ZH, CODE_RULE))
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    own = code or f"{'location' if kind is Location else 'feature'}-{letters}"
    query = insert(kind).values(code=own, geom=_stored(wkb), **more, **values)
    made = query.on_conflict_do_nothing().returning(kind.id)
    of_station = own != station and await session.scalar(
        select(exists().where(Station.code == own))
    )
    if of_station or await session.scalar(made) is None:
        called = CALLED[kind]
        raise Conflict(f"there is a {called.en} {own!r}", message_zh=f"{called.zh} {own!r} 已存在")
    record(session, act, "create", table=kind.__tablename__, object_id=own, after=values)
    return own


async def _locked(session: AsyncSession, kind: Kind, code: str) -> dict[str, Any]:
    row = await session.scalar(select(kind).where(kind.code == code).with_for_update())
    if row is None:
        called = CALLED[kind]
        raise NotFound(f"there is no {called.en} {code!r}", message_zh=f"没有{called.zh} {code!r}")
    return {name: getattr(row, name) for name in COLUMNS}


def _stored(wkb: bytes) -> Any:
    return func.ST_GeomFromWKB(wkb, STORAGE_SRID)


_LIVE = text("""
  SELECT station_id, property_id, array_agg(observed_at ORDER BY observed_at) AS times
    FROM observation
   WHERE feature_id = :feature OR station_id = :station AND feature_id IS NULL
   GROUP BY 1, 2 ORDER BY 1, 2
""")
_LEAVE_OUT = text("""
  INSERT INTO unsampled_station (station_id, since)
  SELECT CAST(:station AS bigint), coalesce(max(received_at), '-infinity') FROM observation_latest
   WHERE station_id = :station
  ON CONFLICT (station_id) DO UPDATE SET since = excluded.since
""")
# It keeps its code, as long as no other station takes that.
_KEEP_PLACE = text(f"""
  INSERT INTO sampling_feature (code, name, description, geom, region_id, used)
  SELECT s.code, s.name_zh, coalesce(s.attrs->>'description', ''), v.geom, s.region_id, v.valued
    FROM station s, LATERAL (
           SELECT coalesce(s.geom, {LAST_PLACE.format(station="s.id")}) AS geom,
                  EXISTS (SELECT FROM observation_latest l
                           WHERE l.station_id = s.id AND l.observed_at > '-infinity') AS valued) v
   WHERE s.code = :station AND s.deleted_at IS NULL AND v.geom IS NOT NULL
     AND (v.valued OR NOT EXISTS (SELECT FROM unsampled_station u WHERE u.station_id = s.id))
  ON CONFLICT (code) DO NOTHING
  RETURNING id
""")  # noqa: S608 - constants of this file


async def create_feature(
    session: AsyncSession,
    act: Act,
    code: str | None,
    values: Values,
    wkb: bytes,
    region_id: int | None = None,
) -> str:
    """Make a sampling feature; without a code it is given one.

    Raises:
        InvalidInput: the code breaks the rule of codes.
        Conflict: it is taken, by another feature or a station.
    """
    return await _create(session, act, SamplingFeature, code, values, wkb, region_id=region_id)


async def keep_place(session: AsyncSession, act: Act, station: str) -> None:
    """Keep the place of a station, which is about to be deleted, as a sampling feature.

    A place of which nothing is to be told is not kept.
    """
    if await session.scalar(_KEEP_PLACE, {"station": station}):
        record(session, act, "create", table="sampling_feature", object_id=station)


async def find_features(
    session: AsyncSession, codes: Collection[str], seen: Composition
) -> dict[str, int]:
    """The rows of sampling features by their codes, of those that are seen."""
    query = (
        f"SELECT f.foi_code, -f.foi_id AS id FROM {seen.rows(FEATURE_OF_INTEREST)} f"  # noqa: S608
        f" WHERE f.foi_id < 0 AND f.foi_code = ANY({seen.bind(list(codes), 'text[]')})"
    )
    return {row.foi_code: row.id for row in await session.execute(text(query), seen.values)}


async def note_used(session: AsyncSession, features: Collection[int]) -> None:
    """Note that values are of some features."""
    query = update(SamplingFeature).where(SamplingFeature.id.in_(features), ~SamplingFeature.used)
    await session.execute(query.values(used=True))


async def feature_row(session: AsyncSession, code: str) -> tuple[int, int | None] | None:
    """The row of a sampling feature, and the region by which rights on it are judged."""
    query = select(SamplingFeature.id, SamplingFeature.region_id)
    found = (await session.execute(query.where(SamplingFeature.code == code))).one_or_none()
    return None if found is None else (found.id, found.region_id)


async def remove_feature(session: AsyncSession, act: Act, code: str) -> None:
    """Delete a feature no value is of any more.

    Raises:
        NotFound: there is none.
    """
    before = await _locked(session, SamplingFeature, code)
    await session.execute(delete(SamplingFeature).where(SamplingFeature.code == code))
    record(session, act, "delete", table="sampling_feature", object_id=code, before=before)


async def live_values(
    session: AsyncSession, *, feature: int | None = None, station: int | None = None
) -> dict[tuple[int, int], list[datetime]]:
    """When series have values of a feature or of a station's place, closed months left out."""
    found = await session.execute(_LIVE, {"feature": feature, "station": station})
    return {(row.station_id, row.property_id): row.times for row in found}


async def leave_out(session: AsyncSession, act: Act, station: int, code: str) -> None:
    """Let the place of a station, of which no values are, be no feature until there are again."""
    await session.execute(_LEAVE_OUT, {"station": station})
    record(session, act, "delete", table="feature_of_interest", object_id=code)
