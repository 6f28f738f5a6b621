"""Where addresses lead: to what they name, or to where a series or a value was moved since."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.sensorthings.identifiers import Key

MOST_MOVES = 20
"""How often something may have been moved for its first address to lead to it."""

# A series that was moved is found by its former address too.
_KEPT = text("""
  SELECT k.station, k.property, coalesce(p.code, op.code) AS kept,
         CASE WHEN d.conversion IS NOT NULL
              THEN coalesce(nullif(d.unit->>'symbol', ''), d.unit->>'name') END AS unit
    FROM unnest(CAST(:stations AS text[]), CAST(:properties AS text[])) AS k (station, property)
    JOIN observed_property op ON op.code = k.property
    LEFT JOIN station s ON s.code = k.station AND s.deleted_at IS NULL
    LEFT JOIN datastream d ON d.station_id = s.id
         AND op.id IN (d.property_id, d.former_property_id)
    LEFT JOIN observed_property p ON p.id = d.property_id
""")
_MOVED_SERIES = text("""
  SELECT now.code
    FROM datastream d
    JOIN station s ON s.id = d.station_id AND s.deleted_at IS NULL
    JOIN observed_property own ON own.id = d.former_property_id
    JOIN observed_property now ON now.id = d.property_id
   WHERE s.code = :station AND own.code = :property
""")
_MOVED_VALUE = text("""
  SELECT r.moved_to
    FROM station s, observed_property p, observation_revision r
   WHERE s.code = :station AND s.deleted_at IS NULL AND p.code = :property
     AND r.station_id = s.id AND r.observed_at = :at
     AND r.property_id IN (p.id, (SELECT d.former_property_id FROM datastream d
                                   WHERE d.station_id = s.id AND d.property_id = p.id))
   ORDER BY r.id DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Kept:
    """How a series is stored: by the code of a property, of values of a unit.

    Attributes:
        unit: The unit its Datastream tells, where that is another one than the property's.
    """

    property_code: str
    unit: str | None


async def kept_series(
    session: AsyncSession, asked: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Kept]:
    """How series are stored, by the codes of station and property that their addresses tell.

    Those of properties that are not there are missing.
    """
    stations, properties = zip(*asked, strict=True) if asked else ((), ())
    rows = await session.execute(
        _KEPT, {"stations": list(stations), "properties": list(properties)}
    )
    return {(row.station, row.property): Kept(row.kept, row.unit) for row in rows}


async def leads_to(session: AsyncSession, key: Key) -> Key | None:
    """The key of what was moved away from a key where nothing is; None where nothing was."""
    station, observed = key.get("station_code"), key.get("property_code")
    if station is None or observed is None:
        return None
    asked = {"station": station, "property": observed}
    now = await session.scalar(_MOVED_SERIES, asked)
    if now is not None:
        return {**key, "property_code": str(now)}
    at = key.get("observed_at")
    if not isinstance(at, datetime):
        return None
    moved = await session.scalar(_MOVED_VALUE, {**asked, "at": at})
    return None if moved is None else {**key, "observed_at": moved}
