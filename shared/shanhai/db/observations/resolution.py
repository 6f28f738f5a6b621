"""What codes in a batch mean: stations and properties as the ingest path needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.monitoring.checks import RELATIONS
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope

OBSERVERS = frozenset(role for role in Role if Scope.OBSERVE in ROLE_SCOPES[role])
"""The roles that may send observations."""
LONGEST_CODE = 200
RELATED = tuple(sorted({code for first, second, _ in RELATIONS for code in (first, second)}))

# A station begins with its first state, if someone said when that is: a state begins on the day it
# is written unless told otherwise, which says nothing about the sensor.
_STATIONS = text("""
  SELECT s.code, s.id, s.region_id,
         CASE WHEN s.valid_from IS NOT NULL AND NOT f.open
                   AND least(s.valid_from, f.earliest) <> s.created_at::date
              THEN least(s.valid_from, f.earliest)::timestamptz END AS starts
    FROM station s,
         LATERAL (SELECT coalesce(bool_or(h.valid_from IS NULL), false) AS open,
                         min(h.valid_from) AS earliest
                    FROM station_history h WHERE h.id = s.id) f
   WHERE s.code = ANY (CAST(:codes AS text[])) AND s.deleted_at IS NULL
""")
_PROPERTIES = text("""
  SELECT id, code, unit, low, high, moves, hj525, aliases, current_setting('TimeZone') AS zone
    FROM observed_property
   WHERE code = ANY (CAST(:codes AS text[])) OR aliases && CAST(:codes AS text[])
      OR hj525 = ANY (CAST(:codes AS text[]))
""")
_SOURCE = text("SELECT id FROM observation_source WHERE kind = :kind AND sender = :sender")
_ADD_SOURCE = text(
    "INSERT INTO observation_source (kind, sender) VALUES (:kind, :sender)"
    " ON CONFLICT (kind, sender) DO UPDATE SET kind = excluded.kind RETURNING id"
)


@dataclass(frozen=True, slots=True)
class KnownStation:
    """A station; no observation is older than `starts`, where that is known."""

    id: int
    starts: datetime | None


@dataclass(frozen=True, slots=True)
class KnownProperty:
    """A property, its unit and the range of its values."""

    id: int
    code: str
    unit: str
    low: float | None
    high: float | None
    moves: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the codes of a batch mean; codes without meaning are missing.

    Attributes:
        properties: By every code they may be named by.
        related: Those that checks compare with others, by their own code.
        zone: The zone whose days are summed up.
    """

    stations: Mapping[str, KnownStation]
    properties: Mapping[str, KnownProperty]
    related: Mapping[str, KnownProperty]
    zone: ZoneInfo


async def find_known(
    session: AsyncSession, identity: Identity, stations: Sequence[str], properties: Sequence[str]
) -> Known:
    """What the codes mean to the identity, which knows only the stations it may observe at."""
    found = await session.execute(_STATIONS, {"codes": _possible(stations)})
    known = {
        row.code: KnownStation(row.id, row.starts)
        for row in found
        if identity.acts_as(OBSERVERS, row.region_id)
    }
    asked = _possible(properties)
    rows = (await session.execute(_PROPERTIES, {"codes": [*asked, *RELATED]})).all()
    by_name: dict[str, KnownProperty] = {}
    for row in rows:
        one = KnownProperty(row.id, row.code, row.unit, row.low, row.high, row.moves)
        for name in (row.hj525, *row.aliases):
            if name is not None:
                by_name.setdefault(name, one)
    own = {
        row.code: KnownProperty(row.id, row.code, row.unit, row.low, row.high, row.moves)
        for row in rows
    }
    related = {code: own[code] for code in RELATED if code in own}
    # A property's own code goes before another's alias.
    return Known(known, {**by_name, **own}, related, ZoneInfo(rows[0].zone if rows else "UTC"))


async def find_source(session: AsyncSession, kind: str, sender: str) -> int:
    """The number of a source of observations, made when it is new."""
    values = {"kind": kind, "sender": sender}
    found = await session.scalar(_SOURCE, values)
    return int(found if found is not None else (await session.scalar(_ADD_SOURCE, values)) or 0)


def _possible(codes: Sequence[str]) -> list[str]:
    """Codes that a column can hold."""
    return [code for code in codes if len(code) <= LONGEST_CODE and "\x00" not in code]
