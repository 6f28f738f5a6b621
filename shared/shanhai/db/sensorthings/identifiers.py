"""The ids of SensorThings entities, which are made of codes.

A Thing, its current Location and its FeatureOfInterest are called by the code of the station, a
Datastream by those of station and property (`xm-dz01:w01001`), an Observation by its time besides
(`xm-dz01:w01001:20260801T000000.000000Z`), former Locations by the version of the station that
began to lie there (`xm-dz01:3`), and so are HistoricalLocations, unless somebody told them later
(`xm-dz01:h5`). Locations that somebody made have codes of their own. Codes hold no colon, so ids
can be taken apart again; whoever knows the codes knows the ids.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

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
