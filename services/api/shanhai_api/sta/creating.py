"""Make entities, with those they come with: all of a body, or nothing of it."""

from typing import Any

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features import write
from shanhai.db.features.input_validation import read_draft
from shanhai.db.sensorthings import write as describing
from shanhai.db.sensorthings.series_units import conversion_to
from shanhai.db.sensorthings.write import (
    StationSeries,
    create_sensor,
    create_series,
    find_property,
    sensor_id,
)
from shanhai.db.tables.observation import ObservedProperty
from shanhai.monitoring.units import symbol_of, unit_code
from shanhai_api.sta import schemas
from shanhai_api.sta.making import Making, fault_at, pointing
from shanhai_api.sta.observing import reading_of
from shanhai_api.sta.places import PLACES, place_of, settle
from shanhai_api.sta.properties import demand_measurement, make_property, series_property, told_unit

USUAL_KIND = "land"
"""What kind of station a Thing is that does not say so."""
OWN_MEMBERS = tuple(
    item.name
    for item in STATIONS.receivables
    if item.name not in {"code", "description", "annotations"}
)
"""Members of `properties` that are the station's own; all others are its annotations."""
Station = tuple[str, int]
"""Code and row."""


def thing_members(body: schemas.ThingBody) -> dict[str, Any]:
    """The properties of the station's feature that a body gives."""
    found: dict[str, Any] = {}
    if body.name is not None:
        found |= {"name_zh": body.name, "name_en": body.name}
    if body.description is not None:
        found["description"] = body.description
    if body.properties is not None:
        own = {name: body.properties[name] for name in OWN_MEMBERS if name in body.properties}
        rest = body.properties.keys() - own.keys() - {"code"}
        found |= own
        found["annotations"] = {name: body.properties[name] for name in sorted(rest)}
    return found


async def create_thing(making: Making, body: schemas.ThingBody, under: str = "") -> str:
    """Make a station, its place and its series; its code."""
    if body.name is None:
        raise fault_at(f"{under}/name", "is required", "必填")
    code = body.id or (body.properties or {}).get("code")
    there = None
    if body.Locations:
        there = await place_of(making, body.Locations[0], f"{under}/Locations/0")
    feature = {
        "type": "Feature",
        **({} if code is None else {"id": code}),
        "geometry": None if there is None else there.geometry,
        "properties": {"kind": USUAL_KIND, **thing_members(body)},
    }
    with pointing(PLACES, under):
        draft = await read_draft(STATIONS, feature, whole=True)
        written = await write.create(making.session, STATIONS, making.caller, making.act, draft)
    if there is not None:
        await settle(making, written, there, draft)
    for number, datastream in enumerate(body.Datastreams):
        at = f"{under}/Datastreams/{number}"
        await create_datastream(making, datastream, (written.code, written.row_id), at)
    return str(written.code)


async def create_datastream(
    making: Making, body: schemas.DatastreamBody, station: Station | None, under: str = ""
) -> str:
    """Say something of a series, and collect its first values; its id."""
    if body.name is None:
        raise fault_at(f"{under}/name", "is required", "必填")
    code, station_id = await _station(making, body, station, under)
    await making.demand_station(station_id)
    unit = None if body.unitOfMeasurement is None else body.unitOfMeasurement.symbol
    observed = await property_of(
        making, body.ObservedProperty, f"{under}/ObservedProperty", unit, station_id
    )
    demand_measurement(body, under)
    symbol = symbol_of(told_unit(body))
    observed = await series_property(making, observed, symbol, station_id, under)
    series = StationSeries(code, observed.code, station_id, observed.id)
    if body.id not in {None, series.identifier}:
        raise fault_at(
            f"{under}/@iot.id", f"is made of codes: {series.identifier!r}", "由站点与要素代码组成"
        )
    sensor = await sensor_of(making, body.Sensor, f"{under}/Sensor")
    values = {
        "name": body.name,
        "description": body.description or "",
        "properties": body.properties or {},
        "unit": told_unit(body),
        "conversion": conversion_to(symbol, observed),
    }
    await create_series(making.session, making.act, series, sensor, values)
    for number, observation in enumerate(body.Observations):
        at = f"{under}/Observations/{number}"
        making.readings.append(await reading_of(making, observation, (code, observed.code), at))
    return series.identifier


async def _station(
    making: Making, body: schemas.DatastreamBody, station: Station | None, under: str
) -> Station:
    thing = body.Thing
    if station is not None:
        if thing is not None and thing.id != station[0]:
            raise fault_at(f"{under}/Thing", "is another than the path says", "与路径不一致")
        return station
    if thing is None:
        raise fault_at(f"{under}/Thing", "is required", "必填")
    if thing.id is not None:
        known = await making.station(thing.id)
        if known is not None:
            return thing.id, known
        if thing.name is None:
            raise fault_at(f"{under}/Thing/@iot.id", "is not there", "不存在")
    code = await create_thing(making, thing, f"{under}/Thing")
    made = await making.station(code)
    if made is None:
        raise LookupError(f"{code} was made and is not there")
    return code, made


async def property_of(
    making: Making,
    body: schemas.ObservedPropertyBody | None,
    under: str,
    unit: str | None = None,
    station_id: int | None = None,
) -> ObservedProperty:
    """The observed property that is meant: by its id, its code, or its definition.

    One that is not there is made, of the unit of its Datastream, where it has a name.

    Raises:
        InvalidInput: none is told, or none there is.
        Unauthenticated, Forbidden: it is not there, and the caller may not make it.
    """
    if body is None:
        raise fault_at(under, "is required", "必填")
    found = await find_property(making.session, named_codes(body, making.asker.base))
    if found is not None:
        return found
    if body.name is None:
        raise fault_at(
            under,
            "is not an observed property; /properties lists them",
            "不是已知的观测要素；清单见 /properties",
        )
    if body.id is None and body.definition:
        # A logger describes what it measures with every Datastream it makes.
        found = await describing.find_defined(
            making.session, body.name, body.definition, unit_code(unit or ""), station_id
        )
        if found is not None:
            return found
    return await make_property(making, body, unit, under)


def named_codes(body: schemas.ObservedPropertyBody, base: str) -> set[str]:
    """The codes by which a body may mean an observed property there is."""
    told = (body.properties or {}).get("code")
    address = f"{base}/properties/"
    definition = body.definition or ""
    names = {
        body.id,
        told if isinstance(told, str) else None,
        definition.removeprefix(address) if definition.startswith(address) else None,
    }
    return {name for name in names if name and "\x00" not in name}


async def sensor_of(making: Making, body: schemas.SensorBody | None, under: str) -> int:
    """The row of the sensor that is meant, or is made.

    Raises:
        InvalidInput: it is not told, or not there.
    """
    if body is None:
        raise fault_at(
            under, "is required; `unspecified` where nobody knows", "必填；未知时为 `unspecified`"
        )
    known = None if body.id is None else await sensor_id(making.session, body.id)
    if known is not None:
        return known
    if body.name is None:
        raise fault_at(f"{under}/@iot.id", "is not there", "不存在")
    code = await create_sensor(making.session, making.act, body.id, sensor_values(body, under))
    made = await sensor_id(making.session, code)
    if made is None:
        raise LookupError(f"{code} was made and is not there")
    return made


def sensor_values(body: schemas.SensorBody, under: str = "") -> dict[str, Any]:
    """The columns of a new sensor.

    Raises:
        InvalidInput: a member the standard demands is missing.
    """
    if body.name is None or body.encodingType is None or body.metadata is None:
        missing = next(
            name for name in ("name", "encodingType", "metadata") if getattr(body, name) is None
        )
        raise fault_at(f"{under}/{missing}", "is required", "必填")
    return {
        "name_zh": body.name,
        "name_en": body.name,
        "description": body.description or "",
        "encoding_type": body.encodingType,
        "document": body.metadata,
        "properties": body.properties or {},
    }
