"""Write sampling features: what values are of that are not of their station's place.

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
from shanhai.db.sensorthings.rows import LAST_PLACE
from shanhai.db.tables.station import SamplingFeature, Station
from shanhai.errors import Conflict, NotFound
from shanhai.vocabulary import Label

Values = Mapping[str, Any]
COLUMNS = ("name", "description", "properties", "encoding_type")
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
    if code is not None and CODE.fullmatch(code) is None:
        raise refused("/@iot.id", Label(CODE_RULE_ZH, CODE_RULE))
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    own = code or f"feature-{letters}"
    query = insert(SamplingFeature).values(
        code=own, geom=_shape(wkb), region_id=region_id, **values
    )
    made = query.on_conflict_do_nothing().returning(SamplingFeature.id)
    of_station = await session.scalar(select(exists().where(Station.code == own)))
    if of_station or await session.scalar(made) is None:
        raise Conflict(
            f"there is a FeatureOfInterest {own!r}", message_zh=f"观测对象 {own!r} 已存在"
        )
    record(session, act, "create", table="sampling_feature", object_id=own, after=values)
    return own


async def keep_place(session: AsyncSession, act: Act, station: str) -> None:
    """Keep the place of a station, which is about to be deleted, as a sampling feature.

    A place of which nothing is to be told is not kept.
    """
    if await session.scalar(_KEEP_PLACE, {"station": station}):
        record(session, act, "create", table="sampling_feature", object_id=station)


async def find_features(
    session: AsyncSession, codes: Collection[str], *, known: bool
) -> dict[str, int]:
    """The rows of features by their codes; to the public those alone that values are of."""
    query = select(SamplingFeature.code, SamplingFeature.id).where(SamplingFeature.code.in_(codes))
    if not known:
        query = query.where(SamplingFeature.used)
    return {row.code: row.id for row in await session.execute(query)}


async def note_used(session: AsyncSession, features: Collection[int]) -> None:
    """Note that values are of some features."""
    query = update(SamplingFeature).where(SamplingFeature.id.in_(features), ~SamplingFeature.used)
    await session.execute(query.values(used=True))


async def region_of_feature(session: AsyncSession, code: str) -> int | None:
    """The region by which rights on a feature are judged."""
    query = select(SamplingFeature.region_id).where(SamplingFeature.code == code)
    found: int | None = await session.scalar(query)
    return found


async def update_feature(
    session: AsyncSession, act: Act, code: str, values: Values, wkb: bytes | None
) -> None:
    """Change what is said of a feature, and its shape.

    Raises:
        NotFound: there is none.
    """
    before = await _locked(session, code)
    free = merged(before["properties"], values.get("properties", {}))
    after = {**before, **values, "properties": free}
    shaped = {} if wkb is None else {"geom": _shape(wkb)}
    changed = update(SamplingFeature).where(SamplingFeature.code == code)
    await session.execute(changed.values(**after, **shaped, updated_at=func.now()))
    record(
        session, act, "update", table="sampling_feature", object_id=code, before=before, after=after
    )


async def remove_feature(session: AsyncSession, act: Act, code: str) -> None:
    """Delete a feature no value is of any more.

    Raises:
        NotFound: there is none.
    """
    before = await _locked(session, code)
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


async def _locked(session: AsyncSession, code: str) -> dict[str, Any]:
    query = select(SamplingFeature).where(SamplingFeature.code == code).with_for_update()
    row = await session.scalar(query)
    if row is None:
        raise NotFound(
            f"there is no FeatureOfInterest {code!r}", message_zh=f"没有观测对象 {code!r}"
        )
    return {name: getattr(row, name) for name in COLUMNS}


def _shape(wkb: bytes) -> Any:
    return func.ST_GeomFromWKB(wkb, STORAGE_SRID)
