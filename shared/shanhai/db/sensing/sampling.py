"""Write sampling features: what values are of that are not of their station's place.

A feature belongs to the region of the station whose value it came with, or to none. Each function
works in the caller's transaction.
"""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.drafts import CODE, CODE_RULE, CODE_RULE_ZH
from shanhai.db.features.guards import refused
from shanhai.db.features.members import merged
from shanhai.db.features.writing import CODE_LENGTH, CODE_LETTERS
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables import ObservationLatest, SamplingFeature, Station, UnsampledStation
from shanhai.errors import Conflict, NotFound
from shanhai.vocabulary import Label

Values = Mapping[str, Any]
COLUMNS = ("name", "description", "properties", "encoding_type")
_SERIES_OF = text(
    "SELECT DISTINCT station_id, property_id FROM observation WHERE feature_id = :feature"
    " ORDER BY 1, 2"
)
_TIMES_OF = text(
    "SELECT observed_at FROM observation WHERE feature_id = :feature"
    " AND station_id = :station AND property_id = :property ORDER BY 1"
)


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


async def series_of_feature(session: AsyncSession, feature: int) -> list[tuple[int, int]]:
    """The series that have values of a feature, closed months left out."""
    found = await session.execute(_SERIES_OF, {"feature": feature})
    return [(row.station_id, row.property_id) for row in found]


async def times_of_feature(
    session: AsyncSession, feature: int, station: int, observed: int
) -> list[Any]:
    """When a series has values of a feature, closed months left out."""
    keys = {"feature": feature, "station": station, "property": observed}
    return list(await session.scalars(_TIMES_OF, keys))


async def leave_out(session: AsyncSession, act: Act, station: int, code: str) -> None:
    """Let the place of a station be no feature of interest until it is observed again.

    Raises:
        Conflict: it is observed.
    """
    observed = exists().where(
        ObservationLatest.station_id == station, ObservationLatest.observed_at > text("'-infinity'")
    )
    if await session.scalar(select(observed)):
        raise Conflict(
            f"there are Observations of {code!r}; delete them first",
            message_zh=f"{code!r} 仍有观测值，请先删除观测值",
        )
    query = insert(UnsampledStation).values(station_id=station)
    await session.execute(query.on_conflict_do_nothing())
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
