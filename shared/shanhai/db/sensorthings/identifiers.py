"""The ids of SensorThings entities, made of codes, and where they lead since a move.

A Thing, its current Location and its FeatureOfInterest are called by the code of the station, a
Datastream by those of station and property (`xm-dz01:w01001`), an Observation by its time besides
(`xm-dz01:w01001:20260801T000000.000000Z`), former Locations by the version of the station that
began to lie there (`xm-dz01:3`), and so are HistoricalLocations, unless somebody told them later
(`xm-dz01:h5`). Locations that somebody made have codes of their own. Codes hold no colon, so ids
can be taken apart again; whoever knows the codes knows the ids.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Transaction
from shanhai.monitoring.observation import Batch, Texts

Key = Mapping[str, str | int | datetime]
"""What an id says of the columns of its entity."""
Parse = Callable[[str], Key | None]

CODE = r"[^:\x00]{1,200}"
BY_CODE = re.compile(rf"({CODE})")
PLACE = re.compile(rf"({CODE})(?::([1-9]\d{{0,8}}))?", re.ASCII)
STATE = re.compile(rf"({CODE}):(h?)([1-9]\d{{0,8}})", re.ASCII)
SERIES = re.compile(rf"({CODE}):({CODE})")
ROW = re.compile(rf"({CODE}):({CODE}):(\d{{8}}T\d{{6}}\.\d{{6}}Z)", re.ASCII)
STAMP = "%Y%m%dT%H%M%S.%fZ"
SQL_STAMP = 'YYYYMMDD"T"HH24MISS.US"Z"'
UNKNOWN_PROPERTY = (
    "names an observed property that is not there; /properties lists them",
    "所指观测要素不存在；清单见 /properties",
)
Address = tuple[str, str]
"""Codes of station and property, as a Datastream's id has them."""


def by_code(column: str) -> Parse:
    """Ids that are the code in a column."""

    def parse(text: str) -> Key | None:
        return {column: text} if BY_CODE.fullmatch(text) else None

    return parse


def place_key(text: str) -> Key | None:
    """The code of a Location or its station, and 0 or the version that began there."""
    found = PLACE.fullmatch(text)
    return found and {"place_code": found[1], "former": int(found[2] or 0)}


def state_key(text: str) -> Key | None:
    """The station of a HistoricalLocation, and the version it began with, or minus its number."""
    found = STATE.fullmatch(text)
    sign = -1 if found and found[2] else 1
    return found and {"station_code": found[1], "version": sign * int(found[3])}


def series_key(text: str) -> Key | None:
    """The station and property of a Datastream."""
    found = SERIES.fullmatch(text)
    return found and {"station_code": found[1], "property_code": found[2]}


def observation_key(text: str) -> Key | None:
    """The station, property and time of an Observation."""
    found = ROW.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.strptime(found[3], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return {"station_code": found[1], "property_code": found[2], "observed_at": at}


def observed_of(columns: Mapping[str, Any]) -> Key:
    """What columns of the Observations of a FeatureOfInterest are."""
    feature = int(columns["foi_id"])
    return {"station_id": feature, "feature": 0} if feature > 0 else {"feature_id": -feature}


def series_id(station: str, observed: str) -> str:
    """The id of a Datastream."""
    return f"{station}:{observed}"


def observation_id(station: str, observed: str, at: datetime) -> str:
    """The id of an Observation."""
    return f"{series_id(station, observed)}:{at.astimezone(UTC).strftime(STAMP)}"


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


KeptSeries = Mapping[Address, Kept]


async def kept_series(session: Transaction, asked: Collection[Address]) -> KeptSeries:
    """How series are stored, by the codes of station and property that their addresses tell.

    Those of properties that are not there are missing.
    """
    if not asked:
        return {}
    stations, properties = zip(*asked, strict=True)
    codes = {"stations": list(stations), "properties": list(properties)}
    rows = (await session.execute(_KEPT, codes)).all()
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


def as_kept(batch: Batch, known: KeptSeries) -> tuple[Batch, NDArray[np.bool_]]:
    """The rows of a batch as their Datastreams are kept, and which rows these are: the others are
    of properties there are not. Feeds may call a property otherwise, a Datastream has one id."""
    found = [known.get(address) for address in addresses_of(batch)]
    there = [one for one in found if one is not None]
    which = np.array([one is not None for one in found], np.bool_)
    kept = replace(
        batch if which.all() else batch.take(which),
        property=Texts.of([one.property_code for one in there]),
        unit=Texts.of([one.unit or "" for one in there]),
    )
    return kept, which


def addresses_of(batch: Batch) -> list[Address]:
    """The codes of station and property of each row."""
    stations, properties = (
        [column.distinct[number] for number in column.number.tolist()]
        for column in (batch.station, batch.property)
    )
    return [*zip(stations, properties, strict=True)]
