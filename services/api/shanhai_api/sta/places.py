"""Locations and histories of Things: made, bound, moved, told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features import write
from shanhai.db.features.input_validation import Draft, read_draft
from shanhai.db.features.write import WriteResult
from shanhai.db.sensorthings import places
from shanhai.db.sensorthings.model import GEOJSON, HISTORICAL_LOCATION, LOCATION, THING
from shanhai.db.sensorthings.options import Options
from shanhai.db.sensorthings.queries import Raw, find_columns, read_one
from shanhai.db.tables.station import Location
from shanhai.errors import Conflict
from shanhai_api.sta import schemas
from shanhai_api.sta.making import Making, fault_at, instant_of, pointing

GEOJSON_TYPES = frozenset({GEOJSON, "application/vnd.geo+json", "application/geojson"})
PLACES: Mapping[str, str] = {
    "/properties/name_zh": "/name",
    "/properties/name_en": "/name",
    "/properties/code": "/@iot.id",
    "/properties/description": "/description",
    "/properties/annotations": "/properties",
    "/id": "/@iot.id",
    "/geometry": "/Locations/0/location",
}
"""Where members of a station's feature stand in the body of a Thing."""


@dataclass(frozen=True, slots=True)
class Where:
    """A Location that is meant: one there is, or one that is to be made.

    Attributes:
        found: The entity, if it is there.
        body: What was told of it.
    """

    geometry: Mapping[str, Any]
    found: Raw | None
    body: schemas.LocationBody


def location_of(body: schemas.LocationBody, under: str) -> Mapping[str, Any]:
    """The geometry a Location tells.

    Raises:
        InvalidInput: it tells none, or in another encoding.
    """
    if body.encodingType is not None and body.encodingType not in GEOJSON_TYPES:
        raise fault_at(f"{under}/encodingType", f"must be {GEOJSON}", f"须为 {GEOJSON}")
    if body.location is None:
        raise fault_at(f"{under}/location", "is required", "必填")
    inner = body.location.get("geometry")
    if body.location.get("type") == "Feature" and isinstance(inner, dict):
        return inner
    return body.location


async def place_of(making: Making, body: schemas.LocationBody, under: str) -> Where:
    """The Location a body means: the one of its id, or one that is to be made.

    Raises:
        InvalidInput: it is neither.
    """
    found = None if body.id is None else await find_location(making, body.id)
    if found is not None:
        geometry: Mapping[str, Any] = found["members"]["location"]
        return Where(geometry, found, body)
    if body.id is not None and body.location is None:
        raise fault_at(f"{under}/@iot.id", "is not there", "不存在")
    return Where(location_of(body, under), None, body)


async def find_location(making: Making, identifier: str) -> Raw | None:
    """The Location of an id, if the caller may know of it."""
    key = LOCATION.parse(identifier)
    if key is None:
        return None
    return await read_one(making.session, making.asker, LOCATION, Options(), key)


async def settle(making: Making, written: WriteResult, at: Where, draft: Draft) -> None:
    """Note that a station that was just written is at a Location, which is made if need be."""
    code = await _there(making, at, draft, written)
    row = await places.location_id(making.session, code)
    if row is None:
        raise LookupError(f"{code} was made and is not there")
    await places.bind(making.session, written.row_id, written.row_version, row)


async def _there(making: Making, at: Where, draft: Draft, written: WriteResult) -> str:
    """The code of a Location that has a row of its own."""
    if at.found is not None:
        return await _materialized(making, at.found)
    if draft.shape is None:
        raise fault_at("/location", "is required", "必填")
    wkb, values = draft.shape.wkb, location_values(at.body, written.code)
    if at.body.id is None:
        return await places.own_location(making.session, making.act, written.code, values, wkb)
    return await places.create_location(
        making.session, making.act, at.body.id, values, wkb, station=written.code
    )


async def _materialized(making: Making, found: Raw) -> str:
    """The code of a Location; a station's own place becomes one, which the station is at."""
    code = str(found["id"])
    if await places.location_id(making.session, code) is not None:
        # Who may not write about those that are there must not tie others to them.
        for station in await places.stations_at(making.session, code):
            await making.demand_station(await making.station(station) or 0)
        return code
    own = await _own(making, code)
    await making.demand_station(own.station)
    draft = await _point_at(found["members"]["location"], "/location")
    if draft.shape is None:
        raise LookupError(f"{code} was read and is not there")
    members = found["members"]
    values = {name: members[name] for name in ("name", "description", "properties")}
    made = await places.own_location(making.session, making.act, own.code, values, draft.shape.wkb)
    row = await places.location_id(making.session, made)
    await places.bind(making.session, own.station, own.version, row or 0)
    return made


def location_values(body: schemas.LocationBody, name: str | None = None) -> dict[str, Any]:
    """The columns of a new Location.

    Raises:
        InvalidInput: it has no name.
    """
    told = body.name or name
    if told is None:
        raise fault_at("/name", "is required", "必填")
    return {
        "name": told,
        "description": body.description or "",
        "properties": body.properties or {},
        "encoding_type": body.encodingType,
    }


async def create_location(making: Making, body: schemas.LocationBody, station: str | None) -> str:
    """Make a Location, and let the Things that are told be there; its id."""
    told = [thing.id for thing in body.Things or ()]
    if station is not None and told not in ([], [station]):
        raise fault_at("/Things", "is another than the path says", "与路径不一致")
    draft = await _point_at(location_of(body, ""), "/location")
    if draft.shape is None:
        raise fault_at("/location", "is required", "必填")
    things = told if station is None else [station]
    for number, code in enumerate(things):
        if await making.station(code) is None:
            raise fault_at(f"/Things/{number}/@iot.id", "is not there", "不存在")
    values = location_values(body, things[0] if things else None)
    made = await places.create_location(
        making.session,
        making.act,
        body.id,
        values,
        draft.shape.wkb,
        station=things[0] if things else None,
    )
    for code in things:
        await bind_thing(making, code, Where(location_of(body, ""), {"id": made}, body))
    return made


async def bind_thing(making: Making, code: str, at: Where, pointer: str = "/location") -> None:
    """Let a Thing be at a Location there is; where it was stays in its history."""
    station = await making.station(code)
    if station is None or at.found is None:
        raise LookupError(f"{code} or its Location was read and is not there")
    await making.demand_station(station)
    location = await _materialized(making, at.found)
    draft = await _point_at(at.geometry, pointer)
    written = await _move(making, code, draft)
    row = await places.location_id(making.session, location)
    await places.bind(making.session, written.row_id, written.row_version, row or 0)


async def change_location(making: Making, before: Raw, body: schemas.LocationBody) -> None:
    """Change a Location; the Things that are there move with it."""
    code = str(before["id"])
    if await places.location_id(making.session, code) is None:
        await _move_own(making, code, body)
        return
    given = given_columns(body)
    told = body.location is not None
    draft = await _point_at(location_of(body, ""), "/location") if told else Draft()
    here = await places.stations_at(making.session, code)
    await _demand_stations(making, code)
    wkb = None if draft.shape is None else draft.shape.wkb
    await places.update_place(making.session, making.act, Location, code, given, wkb)
    row = await places.location_id(making.session, code)
    for station in here if told else ():
        written = await _move(making, station, draft)
        await places.bind(making.session, written.row_id, written.row_version, row or 0)


def given_columns(body: schemas.LocationBody | schemas.FeatureBody) -> dict[str, Any]:
    """The columns a patch of a Location or sampling feature gives."""
    given = body.model_dump(
        include={"name", "description", "properties"}, exclude_unset=True, exclude_none=True
    )
    return given if body.encodingType is None else {**given, "encoding_type": body.encodingType}


async def _demand_stations(making: Making, code: str) -> None:
    """Refuse a caller who may not write about all stations that are or were at a Location."""
    for station in await places.stations_of(making.session, code):
        await making.demand_station(station)


@dataclass(frozen=True, slots=True)
class Own:
    """A place of a station's own, by the version it began with; `present` if it is there now."""

    code: str
    station: int
    version: int
    present: bool


async def _own(making: Making, identifier: str) -> Own:
    key = LOCATION.parse(identifier) or {}
    columns = await find_columns(making.session, making.asker, LOCATION, key)
    if columns is None:
        raise LookupError(f"{identifier} was read and is not there")
    code, station = str(columns["place_code"]), int(columns["place_id"])
    latest = await places.version_at(making.session, station, 0)
    version = int(columns["former"]) or latest
    thing = await find_columns(making.session, making.asker, THING, {"station_code": code})
    present = thing is not None and thing["place_id"] == station and version == latest
    return Own(code, station, version, present)


async def _move_own(making: Making, identifier: str, body: schemas.LocationBody) -> None:
    own = await _own(making, identifier)
    if not own.present:
        raise Conflict("a former Location stays as it was", message_zh="历史位置不可更改")
    await _move(making, own.code, await _point_at(location_of(body, ""), "/location"))


async def remove_location(making: Making, before: Raw) -> None:
    """Delete a Location; Things that are there are nowhere then."""
    code = str(before["id"])
    if await places.location_id(making.session, code) is None:
        own = await _own(making, code)
        await making.demand_station(own.station)
        await places.hide(making.session, making.act, own.station, own.version, code)
        if own.present:
            await _move(making, own.code, Draft(has_geometry=True))
        return
    await _demand_stations(making, code)
    for station_code in await places.stations_at(making.session, code):
        await _move(making, station_code, Draft(has_geometry=True))
    await places.remove_location(making.session, making.act, code)


async def _move(making: Making, code: str, draft: Draft) -> WriteResult:
    target = write.WriteTarget(code)
    return await write.update(making.session, STATIONS, making.caller, making.act, target, draft)


async def _point_at(geometry: Mapping[str, Any], pointer: str) -> Draft:
    feature = {"type": "Feature", "geometry": geometry, "properties": {}}
    with pointing({"/geometry": pointer}, ""):
        return await read_draft(STATIONS, feature, whole=False)


async def create_history(making: Making, body: schemas.HistoricalLocationBody) -> str:
    """Tell where a Thing was since when; the id of the HistoricalLocation."""
    if body.Thing is None:
        raise fault_at("/Thing", "is required", "必填")
    station = await making.station(body.Thing.id)
    if station is None:
        raise fault_at("/Thing/@iot.id", "is not there", "不存在")
    await making.demand_station(station)
    if not body.Locations:
        raise fault_at("/Locations", "is required", "必填")
    found = await find_location(making, body.Locations[0].id)
    if found is None:
        raise fault_at("/Locations/0/@iot.id", "is not there", "不存在")
    code = await _materialized(making, found)
    row = await places.location_id(making.session, code)
    since = instant_of(body.time, "/time")
    made = await places.tell_history(making.session, making.act, station, row or 0, since)
    return f"{body.Thing.id}:h{made}"


async def change_history(making: Making, before: Raw, body: schemas.HistoricalLocationBody) -> None:
    """Tell another time since when a Thing was somewhere."""
    station, version = await _history(making, before)
    if body.Thing is not None or body.Locations is not None:
        raise fault_at("/time", "alone can be changed", "仅可更改 time")
    since: datetime = instant_of(body.time, "/time")
    if not await places.change_history(making.session, making.act, station, version, since):
        raise Conflict(
            "a station's own former place stays as it was", message_zh="历史位置不可更改"
        )


async def remove_history(making: Making, before: Raw) -> None:
    """Leave a HistoricalLocation out."""
    station, version = await _history(making, before)
    await places.hide(making.session, making.act, station, version, str(before["id"]))


async def _history(making: Making, before: Raw) -> tuple[int, int]:
    key = HISTORICAL_LOCATION.parse(before["id"]) or {}
    columns = await find_columns(making.session, making.asker, HISTORICAL_LOCATION, key)
    if columns is None:
        raise LookupError(f"{before['id']} was read and is not there")
    await making.demand_station(int(columns["station_id"]))
    return int(columns["station_id"]), int(columns["version"])
