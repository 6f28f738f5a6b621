"""Answers to POST, PATCH and DELETE."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from fastapi import Request, Response

from shanhai.db.identity import demand_scopes
from shanhai.db.sensorthings.model import DATASTREAM, OBSERVATION, OBSERVED_PROPERTY, EntityKind
from shanhai.db.sensorthings.options import Options
from shanhai.db.sensorthings.paths import Resource, nothing_at, resolve
from shanhai.db.sensorthings.queries import Raw, read_one
from shanhai.db.sensorthings.write import create_sensor, hold
from shanhai.errors import Fault, InvalidInput, Stale
from shanhai.monitoring.observation import FeedObservation
from shanhai.vocabulary import Scope
from shanhai_api.kit.body import ParsedBody, parse, read_json
from shanhai_api.kit.dependencies import act_of
from shanhai_api.kit.errors import MethodNotAllowed
from shanhai_api.kit.requests import Caller, confirm, confirmed_first, demand, presumed_of
from shanhai_api.kit.routing import HEADER, Made, once
from shanhai_api.kit.state import UnitOfWork, state_of
from shanhai_api.kit.view import View, digest_of
from shanhai_api.sta import observing, schemas
from shanhai_api.sta.changing import CHANGES, REMOVALS
from shanhai_api.sta.creating import create_datastream, create_thing, sensor_values
from shanhai_api.sta.documents import Document, Writer, answered, asker_of
from shanhai_api.sta.features import create_feature
from shanhai_api.sta.making import Making, Reading, fault_at, without_links
from shanhai_api.sta.places import create_history, create_location
from shanhai_api.sta.properties import make_property

BODY_LIMIT_BYTES = 4 * 1024**2
"""Bodies are checked on the event loop; larger ones belong to `/observations`."""
MADE: Mapping[str, frozenset[str]] = {
    "Thing": frozenset(),
    "Location": frozenset({"Thing"}),
    "HistoricalLocation": frozenset(),
    "Datastream": frozenset({"Thing", "Sensor", "ObservedProperty"}),
    "Sensor": frozenset(),
    "ObservedProperty": frozenset(),
    "Observation": frozenset({"Datastream"}),
    "FeatureOfInterest": frozenset(),
}
"""What can be made, in its own set and in those of entities of these kinds."""
WRITING = frozenset({Scope.WRITE, Scope.OBSERVE})


def _demand(making: Making, kind: EntityKind) -> None:
    """Refuse a caller who may not write such entities at all, before the body is read.

    Raises:
        Unauthenticated, Forbidden: it may not.
    """
    if kind is OBSERVATION:
        demand(making.caller, Scope.OBSERVE)
    elif kind is OBSERVED_PROPERTY:
        demand(making.caller, Scope.ADMIN)
    else:
        making.demand_scope()


def making_of(unit: UnitOfWork, view: View, caller: Caller) -> Making:
    """One request that writes."""
    state = state_of(view.request)
    return Making(
        unit.session,
        caller,
        act_of(caller, view),
        asker_of(view, caller),
        state.configuration.observations.skew,
        state.store,
    )


async def create(
    request: Request, unit: UnitOfWork, view: View, caller: Caller, path: str
) -> Response:
    """Make an entity, with those it comes with.

    Raises:
        NotFound: there is no such set.
        MethodNotAllowed: nothing is made there.
        InvalidInput: the body breaks a rule.
    """
    making = making_of(unit, view, caller)
    demand_scopes(caller, WRITING)
    resource = await resolve(unit.session, making.asker, path)
    if not _takes_new(resource):
        raise not_allowed(request, resource)
    _demand(making, resource.kind)
    body = await read_json(request, limit=BODY_LIMIT_BYTES)
    return await _create(request, unit, making, resource, body)


async def _create(
    request: Request, unit: UnitOfWork, making: Making, resource: Resource, body: ParsedBody
) -> Response:
    value = without_links(body.value)

    async def effect() -> Made:
        document = await _made(making, resource, value)
        headers = {"Location": document["@iot.selfLink"]}
        return Made(document, headers)

    made = await once(request, unit, making.caller, body_sha256=body.sha256, effect=effect)
    return made.response()


async def _made(making: Making, resource: Resource, value: Any) -> Document:
    """Make what a body says, and show it."""
    writer, parent = Writer(making.asker.base), resource.parent
    if resource.kind is OBSERVATION:
        return await _made_observation(making, resource, value, writer)
    match resource.kind.name:
        case "Thing":
            identifier = await create_thing(making, parse(schemas.ThingBody, value))
        case "Location":
            station = None if parent is None else str(parent[1]["station_code"])
            identifier = await create_location(making, parse(schemas.LocationBody, value), station)
        case "HistoricalLocation":
            history = parse(schemas.HistoricalLocationBody, value)
            identifier = await create_history(making, history)
        case "FeatureOfInterest":
            identifier = await create_feature(making, parse(schemas.FeatureBody, value))
        case "Sensor":
            sensor = parse(schemas.SensorBody, value)
            identifier = await create_sensor(
                making.session, making.act, sensor.id, sensor_values(sensor)
            )
        case "ObservedProperty":
            observed = parse(schemas.ObservedPropertyBody, value)
            identifier = (await make_property(making, observed, None)).code
        case _:
            identifier = await create_datastream(
                making,
                _with_parent(parse(schemas.DatastreamBody, value), resource),
                _station(resource),
            )
    await observing.store_readings(making)
    raw = await read_one(
        making.session, making.asker, resource.kind, Options(), _key(resource.kind, identifier)
    )
    if raw is None:
        raise LookupError(f"{identifier} was made and is not there")
    return writer.entity(resource.kind, raw, Options())


def _takes_new(resource: Resource) -> bool:
    """Whether entities can be made there."""
    if resource.key is not None or resource.tail is not None or resource.kind.name not in MADE:
        return False
    return resource.parent is None or resource.parent[0].name in MADE[resource.kind.name]


def _station(resource: Resource) -> tuple[str, int] | None:
    """The station a path says a Datastream is of."""
    if resource.parent is None or resource.parent[0].name != "Thing":
        return None
    columns = resource.parent[1]
    return columns["station_code"], columns["station_id"]


def _with_parent(body: schemas.DatastreamBody, resource: Resource) -> schemas.DatastreamBody:
    """A Datastream with what the path says of its Sensor or ObservedProperty."""
    if resource.parent is None:
        return body
    kind, columns = resource.parent
    match kind.name:
        case "Sensor":
            return body.model_copy(
                update={
                    "Sensor": schemas.SensorBody.model_validate({"@iot.id": columns["sensor_code"]})
                }
            )
        case "ObservedProperty":
            told = {"@iot.id": columns["observed_code"]}
            return body.model_copy(
                update={"ObservedProperty": schemas.ObservedPropertyBody.model_validate(told)}
            )
        case _:
            return body


def _key(kind: EntityKind, identifier: str) -> Any:
    return kind.parse(identifier)


async def _made_observation(
    making: Making, resource: Resource, value: Any, writer: Writer
) -> Document:
    """Store one value; what is told of it is what was sent, without another look."""
    body = parse(schemas.ObservationBody, value)
    series = _series_of(body, resource)
    reading = await observing.reading_of(making, body, series, "")
    making.readings.append(reading)
    await observing.store_readings(making)
    return _sent(reading.observation, body, writer)


def _series_of(body: schemas.ObservationBody, resource: Resource) -> tuple[str, str]:
    """The station and property of the Datastream that the path says, or the body."""
    told = None if body.Datastream is None else body.Datastream.id
    if resource.parent is not None and resource.parent[0] is DATASTREAM:
        columns = resource.parent[1]
        own = f"{columns['station_code']}:{columns['property_code']}"
        if told not in {None, own}:
            raise fault_at("/Datastream/@iot.id", "is another than the path says", "与路径不一致")
        told = own
    if told is None:
        raise fault_at("/Datastream", "is required", "必填")
    return observing.series_of(told, "/Datastream/@iot.id")


async def create_observation(request: Request) -> Response:
    """Store one value, with those of other requests in one transaction.

    One that brings its feature of interest has a transaction of its own, and so has one whose
    answer is kept for replays.

    Raises:
        Unauthenticated, Forbidden: the caller may send nothing.
        InvalidInput: the body breaks a rule.
    """
    caller = await presumed_of(request)
    async with confirmed_first(request, caller):
        return await _create_observation(request, caller)


async def _create_observation(request: Request, caller: Caller) -> Response:
    state, view = state_of(request), View.of(request)
    demand_scopes(caller, WRITING)
    demand(caller, Scope.OBSERVE)
    body = await read_json(request, limit=BODY_LIMIT_BYTES)
    value = without_links(body.value)
    told = parse(schemas.ObservationBody, value)
    if HEADER in request.headers or told.FeatureOfInterest is not None:
        sure = await confirm(request, caller)
        async with state.unit() as unit:
            making = making_of(unit, view, sure)
            return await _create(request, unit, making, Resource(OBSERVATION), body)
    observation = observing.plain_observation(told, _series_of(told, Resource(OBSERVATION)))
    document = _sent(observation, told, Writer(view.base))
    delivery = observing.incoming([observation], caller)
    outcome = await state.gathering.store(delivery, partial(confirm, request, caller))
    observing.demand_stored([Reading(observation, "")], outcome.rejected.told)
    return Made(document, {"Location": document["@iot.selfLink"]}).response()


def _sent(observation: FeedObservation, body: schemas.ObservationBody, writer: Writer) -> Document:
    identifier = observing.identifier_of(observation)
    own = writer.address(OBSERVATION, identifier)
    if body.id not in {None, identifier}:
        raise fault_at(
            "/@iot.id", f"is made of codes and time: {identifier!r}", "由站点、要素代码与时间组成"
        )
    return {
        "@iot.id": identifier,
        "@iot.selfLink": own,
        "phenomenonTime": _moment(observation.time),
        "resultTime": None if observation.result_time is None else _moment(observation.result_time),
        "result": observation.value,
        "resultQuality": observation.quality,
        **{f"{name}@iot.navigationLink": f"{own}/{name}" for name in OBSERVATION.links},
    }


def _moment(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


async def create_observations(
    request: Request, unit: UnitOfWork, view: View, caller: Caller
) -> Response:
    """Store data arrays: good rows are kept, each bad one is told in its place."""
    demand(caller, Scope.OBSERVE)
    body = await read_json(request, limit=BODY_LIMIT_BYTES)
    making, writer = making_of(unit, view, caller), Writer(view.base)
    arrays = parse(schemas.DataArrays, {"value": without_links(body.value)}, under="")

    async def effect() -> Made:
        rows = await observing.store_arrays(making, arrays.value)
        told = [
            writer.address(OBSERVATION, observing.identifier_of(row))
            if isinstance(row, FeedObservation)
            else _told(row, view)
            for row in rows
        ]
        if rows and not any(isinstance(row, FeedObservation) for row in rows):
            raise _all_refused(rows)
        return Made({"value": told})

    made = await once(request, unit, caller, body_sha256=body.sha256, effect=effect)
    return Response(
        orjson.dumps(made.content["value"]), made.status, made.headers, "application/json"
    )


def _told(fault: Fault, view: View) -> str:
    told = fault.told(view.lang)
    return f"error: {told['pointer']} {told['detail']}"


def _all_refused(rows: list[Any]) -> InvalidInput:
    faults = [
        Fault(f"/{number}{row.pointer}", row.detail, row.detail_zh)
        for number, row in enumerate(rows[:100])
    ]
    return InvalidInput("no row could be stored", message_zh="没有可保存的行", faults=faults)


States = frozenset[str] | None
"""The states, one of which an entity must be in; None for any."""


async def update(
    request: Request, unit: UnitOfWork, view: View, caller: Caller, path: str, expected: States
) -> Response:
    """Change the members given.

    Raises:
        NotFound: there is none the caller may know of.
        Stale: it is not as the caller has read it.
    """
    making = making_of(unit, view, caller)
    resource, before = await _found(request, making, path, expected)
    body = await read_json(request, limit=BODY_LIMIT_BYTES)
    value = without_links(body.value)
    if isinstance(value, dict) and value.pop("@iot.id", before["id"]) != before["id"]:
        raise fault_at("/@iot.id", "cannot be changed", "不可更改")
    model, change = CHANGES[resource.kind.name]
    identifier = await change(making, before, parse(model, value))
    key = _key(resource.kind, identifier or before["id"])
    after = await read_one(making.session, making.asker, resource.kind, Options(), key)
    if after is None:
        # A station that was closed is not among those of now.
        return Response(status_code=204)
    return answered(view, Writer(view.base).entity(resource.kind, after, Options()))


async def remove(
    request: Request, unit: UnitOfWork, view: View, caller: Caller, path: str, expected: States
) -> Response:
    """Delete an entity.

    Raises:
        NotFound: there is none the caller may know of.
        Conflict: others refer to it.
    """
    making = making_of(unit, view, caller)
    resource, before = await _found(request, making, path, expected)
    await REMOVALS[resource.kind.name](making, before)
    return Response(status_code=204)


async def _found(
    request: Request, making: Making, path: str, expected: States
) -> tuple[Resource, Raw]:
    """The entity at a path, as it is; it must be in the state the caller has read."""
    demand_scopes(making.caller, WRITING)
    resource = await resolve(making.session, making.asker, path)
    if resource.key is None or resource.member is not None or resource.tail is not None:
        raise not_allowed(request, resource)
    _demand(making, resource.kind)
    before = await read_one(making.session, making.asker, resource.kind, Options(), resource.key)
    if before is None:
        raise nothing_at(path)
    if expected is not None:
        before = await _expected(making, resource.kind, before["id"], expected)
    return resource, before


async def _expected(
    making: Making, kind: EntityKind, identifier: str, expected: frozenset[str]
) -> Raw:
    """An entity nobody else changes until the transaction ends.

    Raises:
        Stale: it is in none of the states expected.
    """
    key = _key(kind, identifier)
    await hold(making.session, key)
    raw = await read_one(making.session, making.asker, kind, Options(), key)
    document = None if raw is None else Writer(making.asker.base).entity(kind, raw, Options())
    if raw is None or digest_of(orjson.dumps(document)) not in expected:
        raise Stale(
            "it has changed since it was read; read it again",
            message_zh="对象在读取之后已被更改，请重新读取",
        )
    return raw


def not_allowed(request: Request, resource: Resource) -> MethodNotAllowed:
    """The error of a method that a resource does not take; its headers name those it takes."""
    allowed = ["GET", "HEAD", "OPTIONS"]
    if _takes_new(resource):
        allowed.append("POST")
    if resource.key is not None and resource.member is None and resource.tail is None:
        allowed += ["DELETE", "PATCH"]
    return MethodNotAllowed(
        f"{resource.kind.plural} take no {request.method} here",
        message_zh=f"{resource.kind.plural} 在此不支持 {request.method}",
        allowed=sorted(allowed),
    )
