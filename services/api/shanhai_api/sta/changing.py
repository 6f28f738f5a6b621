"""Change and delete entities."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features import write
from shanhai.db.features.input_validation import read_draft
from shanhai.db.observations.archive_restore import annul
from shanhai.db.observations.properties import remove_property
from shanhai.db.queries.audit import record
from shanhai.db.sensorthings import places
from shanhai.db.sensorthings import write as describing
from shanhai.db.sensorthings.identifiers import observation_key, series_key
from shanhai.db.sensorthings.queries import Raw
from shanhai.db.sensorthings.rows import UNSPECIFIED
from shanhai.db.sensorthings.series_units import relabel
from shanhai.db.sensorthings.write import StationSeries
from shanhai.db.tables.observation import ObservedProperty
from shanhai.monitoring.units import symbol_of
from shanhai.vocabulary import Scope
from shanhai_api.kit.requests import demand
from shanhai_api.sta import schemas
from shanhai_api.sta.creating import sensor_of, thing_members
from shanhai_api.sta.features import change_feature, remove_feature
from shanhai_api.sta.making import Making, fault_at, pointing
from shanhai_api.sta.observing import revise
from shanhai_api.sta.places import (
    PLACES,
    Where,
    bind_thing,
    change_history,
    change_location,
    place_of,
    remove_history,
    remove_location,
)
from shanhai_api.sta.properties import alter_property, demand_measurement, told_unit, variant_of

Change = Callable[[Making, Raw, Any], Awaitable[str | None]]
"""Changes an entity to what a body says; its id, where that may be another from then on."""
Removal = Callable[[Making, Raw], Awaitable[None]]


async def _thing(making: Making, before: Raw, body: schemas.ThingBody) -> None:
    if body.Datastreams:
        raise fault_at("/Datastreams", "are changed one by one", "须逐个更改")
    changed = _without_same(body, before["members"])
    feature: dict[str, Any] = {"type": "Feature", "properties": thing_members(changed)}
    with pointing(PLACES, ""):
        draft = await read_draft(STATIONS, feature, whole=False)
        target = write.WriteTarget(before["id"])
        await write.update(making.session, STATIONS, making.caller, making.act, target, draft)
    if body.Locations:
        at = await _bound(making, body.Locations[0])
        await bind_thing(making, before["id"], at, "/Locations/0/@iot.id")


async def _bound(making: Making, body: schemas.LocationBody) -> Where:
    """A Location there is, which is named and not described."""
    if body.id is None:
        raise fault_at(
            "/Locations/0/@iot.id",
            "is required: a Location is bound here, and made at Things('…')/Locations",
            "必填：此处仅绑定已有位置；新位置请在 Things('…')/Locations 新建",
        )
    return await place_of(making, body.model_copy(update={"location": None}), "/Locations/0")


def _without_same(body: schemas.ThingBody, was: Mapping[str, Any]) -> schemas.ThingBody:
    """A body without what it leaves as it was.

    Clients send back all they have read: then a new name must not meet the old ones it came with.
    """
    update: dict[str, Any] = {}
    if body.name == was["name"]:
        update["name"] = None
    if body.properties is not None:
        known = was["properties"]
        update["properties"] = {
            name: value
            for name, value in body.properties.items()
            if name not in known or known[name] != value
        }
    return body.model_copy(update=update)


async def _sensor(making: Making, before: Raw, body: schemas.SensorBody) -> None:
    given = body.model_dump(exclude_unset=True, exclude_none=True)
    columns = {
        "description": "description",
        "encodingType": "encoding_type",
        "metadata": "document",
        "properties": "properties",
    }
    values = {column: given[name] for name, column in columns.items() if name in given}
    if body.name is not None:
        values |= {"name_zh": body.name, "name_en": body.name}
    # It locks the sensor, so that no other series gets it meanwhile.
    await describing.update_sensor(making.session, making.act, before["id"], values)
    for series in await describing.series_with(making.session, sensor=before["id"]):
        await making.demand_station(series.station_id)


async def _series(making: Making, before: Raw) -> StationSeries:
    """The series of a Datastream the caller may write about."""
    key = series_key(before["id"]) or {}
    station, observed = str(key["station_code"]), str(key["property_code"])
    station_id = await making.station(station)
    found = await describing.find_property(making.session, {observed})
    if station_id is None or found is None:
        raise LookupError(f"{before['id']} was read and is not there")
    await making.demand_station(station_id)
    return StationSeries(station, observed, station_id, found.id)


async def _datastream(making: Making, before: Raw, body: schemas.DatastreamBody) -> str:
    series = await _series(making, before)
    await _demand_same(making, body, series)
    demand_measurement(body, "")
    sensor = None if body.Sensor is None else await sensor_of(making, body.Sensor, "/Sensor")
    given = body.model_dump(
        include={"name", "description", "properties"}, exclude_unset=True, exclude_none=True
    )
    told = told_unit(body)
    unit = {} if told in (None, before["members"]["unitOfMeasurement"]) else {"unit": told}
    values: Mapping[str, Any] = {"name": before["members"]["name"], **given, **unit}
    await describing.update_series(making.session, making.act, series, sensor, values)
    return await _relabel(making, series, symbol_of(told)) if unit else series.identifier


async def _relabel(making: Making, series: StationSeries, symbol: str) -> str:
    """Let what is kept of a series follow the unit it tells now; its id."""

    async def make(observed: ObservedProperty) -> ObservedProperty:
        return await variant_of(making, observed, symbol, "")

    now, number = await relabel(making.session, making.act, making.files, series, symbol, make)
    if number:
        demand(making.caller, Scope.OBSERVE)
    return now.identifier


async def _demand_same(making: Making, body: schemas.DatastreamBody, series: StationSeries) -> None:
    """Refuse another station or property: then it would be another series."""
    if body.Thing is not None and body.Thing.id != series.station_code:
        raise fault_at("/Thing", "cannot be changed", "不可更改")
    told = body.ObservedProperty
    if told is not None and told.id != series.property_code:
        observed = await describing.find_property(making.session, {series.property_code})
        if observed is None or told.id is None or told.id != observed.variant_of:
            raise fault_at("/ObservedProperty", "cannot be changed", "不可更改")
    if body.Sensor is not None and body.Sensor.id is None:
        raise fault_at("/Sensor/@iot.id", "is required: a Sensor is bound here", "必填：仅可绑定")
    if body.Observations:
        raise fault_at("/Observations", "are sent to Observations", "请发送至 Observations")


async def _remove_thing(making: Making, before: Raw) -> None:
    # What was observed there stays something that can be observed.
    await places.keep_place(making.session, making.act, str(before["id"]))
    target = write.WriteTarget(before["id"])
    await write.remove(making.session, STATIONS, making.caller, making.act, target)


async def _remove_sensor(making: Making, before: Raw) -> None:
    own = before["id"] != UNSPECIFIED
    for series in await describing.series_with(making.session, sensor=before["id"]) if own else ():
        await _take_back(making, series)
    await describing.remove_sensor(making.session, making.act, before["id"])


async def _remove_property(making: Making, before: Raw) -> None:
    demand(making.caller, Scope.ADMIN)
    observed = await describing.find_property(making.session, {before["id"]})
    if observed is not None and observed.definition is not None:
        for series in await describing.series_with(making.session, observed=before["id"]):
            await _take_back(making, series)
    await remove_property(making.session, before["id"], act=making.act)


async def _remove_datastream(making: Making, before: Raw) -> None:
    await _take_back(making, await _series(making, before))


async def _take_back(making: Making, series: StationSeries) -> None:
    """Delete a series; its values stay in the revisions."""
    await making.demand_station(series.station_id)
    number = await annul(making.session, making.files, series.station_id, series.property_id)
    if number:
        demand(making.caller, Scope.OBSERVE)
        _record_annulled(making, series.identifier, {"observations": number})
    await describing.remove_series(making.session, making.act, series)


async def _remove_observation(making: Making, before: Raw) -> None:
    key = observation_key(before["id"]) or {}
    station_id = await making.station(str(key["station_code"]))
    found = await describing.find_property(making.session, {str(key["property_code"])})
    at = key["observed_at"]
    if station_id is None or found is None or not isinstance(at, datetime):
        raise LookupError(f"{before['id']} was read and is not there")
    await making.demand_station(station_id)
    await annul(making.session, making.files, station_id, found.id, [at])
    _record_annulled(making, before["id"], before["members"])


def _record_annulled(making: Making, code: str, before: Mapping[str, Any]) -> None:
    record(making.session, making.act, "delete", table="observation", object_id=code, before=before)


CHANGES: Mapping[str, tuple[type[BaseModel], Change]] = {
    "Thing": (schemas.ThingBody, _thing),
    "Location": (schemas.LocationBody, change_location),
    "HistoricalLocation": (schemas.HistoricalLocationBody, change_history),
    "Sensor": (schemas.SensorBody, _sensor),
    "Datastream": (schemas.DatastreamBody, _datastream),
    "ObservedProperty": (schemas.ObservedPropertyBody, alter_property),
    "Observation": (schemas.ObservationBody, revise),
    "FeatureOfInterest": (schemas.FeatureBody, change_feature),
}
"""What can be changed, by the kind of entity: what the body is, and who takes it."""
REMOVALS: Mapping[str, Removal] = {
    "Thing": _remove_thing,
    "Location": remove_location,
    "HistoricalLocation": remove_history,
    "Sensor": _remove_sensor,
    "Datastream": _remove_datastream,
    "ObservedProperty": _remove_property,
    "Observation": _remove_observation,
    "FeatureOfInterest": remove_feature,
}
"""What can be deleted."""
