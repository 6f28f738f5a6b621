"""What codes in a batch mean: stations and properties as the ingest path needs them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import text

from shanhai.db.engine import Transaction
from shanhai.db.identity import Identity
from shanhai.db.observations.partitions import missing_sql, month_table
from shanhai.monitoring.checks import RELATIONS
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope

OBSERVERS = frozenset(role for role in Role if Scope.OBSERVE in ROLE_SCOPES[role])
"""The roles that may send observations."""


LONGEST_CODE = 200
RELATED = tuple(sorted({code for first, second, _ in RELATIONS for code in (first, second)}))

# A station begins with its first state, if someone said when that is: a state begins on the day it
# is written unless told otherwise, which says nothing about the sensor.
STATION_STARTS = """
  (SELECT CASE WHEN isfinite(s.valid_from) AND NOT f.open
                    AND least(s.valid_from, f.earliest) <> s.created_at::date
               THEN (extract(epoch FROM
                       least(s.valid_from, f.earliest)::timestamptz) * 1000000)::bigint END
     FROM (SELECT coalesce(bool_or(isfinite(h.valid_from) IS NOT TRUE), false) AS open,
                  min(h.valid_from) AS earliest
             FROM station_history h WHERE h.id = s.id) f)
"""
"""SQL of the time before which nothing is of a station `s`; null where nobody said."""
# One statement for all that is to be known: a single observation pays for each round trip.
_FIND = f"""
  SELECT (SELECT json_agg(json_build_array(s.code, s.id, s.region_id, s.geom IS NULL,
                                           {STATION_STARTS}))
            FROM station s
           WHERE s.code = ANY ($1::text[]) AND s.deleted_at IS NULL
         )::text AS stations,
         (SELECT json_agg(json_build_array(id, code, unit, low, high, moves,
                   (extract(epoch FROM raw_since) * 1000000)::bigint, series_moved, hj525,
                   aliases))
            FROM observed_property
           WHERE code = ANY ($2::text[] || $3::text[])
              OR aliases && $2::text[]
              OR hj525 = ANY ($2::text[])
         )::text AS properties,
         (SELECT json_agg(json_build_array(kind, sender, id))
            FROM observation_source
           WHERE (kind, sender) IN (SELECT * FROM unnest($4::text[], $5::text[]))
         )::text AS sources,
         ARRAY({missing_sql("$6")}) <> '{{}}' AS months_missing,
         current_setting('TimeZone') AS zone
"""  # noqa: S608 - constants of this code
_MOVED = """
  SELECT d.station_id, d.former_property_id, p.code
    FROM datastream d JOIN observed_property p ON p.id = d.property_id
   WHERE d.former_property_id = ANY ($1::smallint[])
"""
_ADD_SOURCE = text(
    "INSERT INTO observation_source (kind, sender) VALUES (:kind, :sender)"
    " ON CONFLICT (kind, sender) DO UPDATE SET kind = excluded.kind RETURNING id"
)


def is_observer(identity: Identity) -> bool:
    """Whether an identity may send observations of any region."""
    if identity.grants is None or identity.may(Scope.ADMIN):
        return not identity.anonymous
    return any(grant.role in OBSERVERS for grant in identity.grants)


@dataclass(frozen=True, slots=True)
class KnownStation:
    """A station; no observation is older than `starts`, in microseconds since 1970, if not None."""

    id: int
    region_id: int | None
    placeless: bool
    starts: int | None

    def open_to(self, identity: Identity) -> bool:
        """Whether the identity may observe there; else it does not know the station."""
        return identity.acts_as(OBSERVERS, self.region_id)


@dataclass(frozen=True, slots=True)
class KnownProperty:
    """A property, its unit and the range of its values.

    Attributes:
        since: None older is taken, in microseconds since 1970, if not None: they were removed.
    """

    id: int
    code: str
    unit: str
    low: float | None
    high: float | None
    moves: bool
    since: int | None = None


@dataclass(frozen=True, slots=True)
class KnownCodes:
    """What the codes of a batch mean; codes without meaning are missing.

    Attributes:
        properties: By every code they may be named by.
        related: Those that checks compare with others, by their own code.
        sources: The numbers of who sends, by kind and sender; who is new is missing.
        moved: By station and property, the property under which a series is stored instead whose
            Datastream tells a unit that does not convert.
        months_missing: Some of the months asked for have no table.
        zone: The zone whose days are summed up.
    """

    stations: Mapping[str, KnownStation]
    properties: Mapping[str, KnownProperty]
    related: Mapping[str, KnownProperty]
    sources: Mapping[tuple[str, str], int]
    moved: Mapping[tuple[int, int], str]
    months_missing: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class CodeQuery:
    """The codes in some batches, the months these fall in, and who sends them: kind and name."""

    stations: Iterable[str]
    properties: Iterable[str]
    months: Iterable[date]
    senders: Iterable[tuple[str, str]]


async def find_known(raw: Any, asked: CodeQuery) -> KnownCodes:
    """What the codes mean.

    Args:
        raw: A connection of asyncpg.
    """
    senders = list(asked.senders)
    values = (
        _possible(asked.stations),
        _possible(asked.properties),
        list(RELATED),
        [kind for kind, _ in senders],
        [sender for _, sender in senders],
        [month_table(month) for month in asked.months],
    )
    row = await raw.fetchrow(_FIND, *values)
    stations = {
        code: KnownStation(id_, region_id, placeless, starts)
        for code, id_, region_id, placeless, starts in orjson.loads(row["stations"] or "[]")
    }
    sources = {(kind, sender): id_ for kind, sender, id_ in orjson.loads(row["sources"] or "[]")}
    own: dict[str, KnownProperty] = {}
    others: dict[str, KnownProperty] = {}
    left: list[int] = []
    for id_, code, unit, low, high, moves, since, moved, hj525, aliases in orjson.loads(
        row["properties"] or "[]"
    ):
        own[code] = KnownProperty(id_, code, unit, low, high, moves, since)
        if moved:
            left.append(id_)
        for name in (hj525, *aliases):
            if name is not None:
                others.setdefault(name, own[code])
    related = {code: own[code] for code in RELATED if code in own}
    # A property's own code goes before another's alias.
    properties = {**others, **own}
    elsewhere = await _moved(raw, left)
    missing, zone = row["months_missing"], ZoneInfo(row["zone"])
    return KnownCodes(stations, properties, related, sources, elsewhere, missing, zone)


async def _moved(raw: Any, left: list[int]) -> dict[tuple[int, int], str]:
    """Under which property series are stored that were once of some: hardly ever any."""
    if not left:
        return {}
    return {(station, former): code for station, former, code in await raw.fetch(_MOVED, left)}


async def add_source(session: Transaction, kind: str, sender: str) -> int:
    """The number of a new source of observations."""
    return int(await session.scalar(_ADD_SOURCE, {"kind": kind, "sender": sender}) or 0)


def _possible(codes: Iterable[str]) -> list[str]:
    """Codes that a column can hold."""
    return [code for code in codes if len(code) <= LONGEST_CODE and "\x00" not in code]
