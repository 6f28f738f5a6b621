"""`/sta/v1.1`, and what the definition says of it."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel

from shanhai.db.sensorthings.model import KINDS, EntityKind, Kind
from shanhai.db.sensorthings.paths import resolve
from shanhai_api.kit.answers import Answered, Document
from shanhai_api.kit.dependencies import IfMatch, Reader, ReadSession, TheUnit, TheView, Writer
from shanhai_api.kit.late_route import DirectRoute, LateRoute
from shanhai_api.sta import documents, operations, schemas

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
ADDRESS: Schema = {"type": "string", "format": "uri"}
OBJECT: Schema = {"type": "object", "additionalProperties": {}}
GEOMETRY: Schema = {
    "type": ["object", "null"],
    "required": ["type"],
    "properties": {"type": TEXT, "coordinates": {"type": "array", "items": {}}},
}
VALUES: dict[Kind, Schema] = {
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "geometry": GEOMETRY,
    "json": {"description": "Any JSON"},
}
"""Of the members of each kind; texts are what is not here."""
BODIES: tuple[type[BaseModel], ...] = (
    schemas.ThingBody,
    schemas.LocationBody,
    schemas.HistoricalLocationBody,
    schemas.DatastreamBody,
    schemas.SensorBody,
    schemas.ObservedPropertyBody,
    schemas.ObservationBody,
    schemas.FeatureBody,
)
DATA_ARRAYS = "SensorThingsDataArrays"
REFERENCES = "SensorThingsReferences"
MEMBER = "SensorThingsMember"


class EntitySet(Answered):
    """A set of entities and its address."""

    name: str
    url: str


class ServiceConformance(Answered):
    """What is there of the standard."""

    conformance: list[str]


class SensorThingsIndex(Document):
    """The service's root."""

    value: list[EntitySet]
    serverSettings: ServiceConformance


def entity_schemas() -> Schema:
    """The schemas of the entities of each kind, of their sets, and of the other answers."""
    found: Schema = {
        DATA_ARRAYS: _paged(_TABLE),
        REFERENCES: _paged({"type": "object", "properties": {"@iot.selfLink": ADDRESS}}),
        MEMBER: {
            **OBJECT,
            "description": "One member of an entity, by its name; or its value, of `$value`",
            "minProperties": 1,
        },
    }
    for kind in KINDS.values():
        found[_name(kind.name)] = _entity(kind)
        found[_name(kind.plural)] = _paged(_reference(_name(kind.name)))
    return found


def _shown() -> Schema:
    """What is answered at a path: a set, an entity, references, a member, or the value of one."""
    sets = (_name(kind.plural) for kind in KINDS.values())
    others = (DATA_ARRAYS, REFERENCES, MEMBER)
    return {"anyOf": [*made()["anyOf"], *map(_reference, (*sets, *others)), {"type": "number"}]}


def made() -> Schema:
    """An entity of any kind."""
    return {"anyOf": [_reference(_name(name)) for name in KINDS]}


def stored() -> Schema:
    """What is answered where something was made; of data arrays, what became of each row."""
    rows = {"type": "array", "items": TEXT, "description": "An address, or `error: …`, of each row"}
    return {"anyOf": [*made()["anyOf"], rows]}


def changed_body() -> Schema:
    """A body that changes an entity."""
    return {"anyOf": [_reference(model.__name__) for model in BODIES]}


def new_body() -> Schema:
    """A body that makes an entity, or the data arrays of `CreateObservations`."""
    arrays = {"type": "array", "items": _reference(schemas.DataArray.__name__)}
    return {"anyOf": [*changed_body()["anyOf"], arrays]}


def json_content(schema: Schema) -> Schema:
    """JSON of a schema, as requests and answers declare it."""
    return {"content": {"application/json": {"schema": schema}}}


def _name(entity: str) -> str:
    return f"SensorThings{entity}"


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TABLE: Schema = {
    "type": "object",
    "required": ["components", "dataArray"],
    "properties": {
        "Datastream@iot.navigationLink": ADDRESS,
        "components": {"type": "array", "items": TEXT},
        "dataArray@iot.count": {"type": "integer"},
        "dataArray": {"type": "array", "items": {"type": "array", "items": {}}},
    },
}


def _paged(item: Schema) -> Schema:
    members = {
        "@iot.count": {"type": "integer"},
        "@iot.nextLink": ADDRESS,
        "value": {"type": "array", "items": item},
    }
    return {"type": "object", "required": ["value"], "properties": members}


def _entity(kind: EntityKind) -> Schema:
    """An entity; `$select` leaves members out, `$expand` puts others in the place of links."""
    members: Schema = {"@iot.id": TEXT, "@iot.selfLink": ADDRESS}
    for name, item in kind.members.items():
        members[name] = VALUES.get(item.kind, {"type": ["string", "null"]})
    for name, link in kind.links.items():
        target = _reference(_name(link.target))
        members[f"{name}@iot.navigationLink"] = ADDRESS
        if link.many:
            members[name] = {"type": "array", "items": target}
            members[f"{name}@iot.count"] = {"type": "integer"}
            members[f"{name}@iot.nextLink"] = ADDRESS
        else:
            members[name] = {"anyOf": [target, {"type": "null"}]}
    return {"type": "object", "required": ["@iot.selfLink"], "properties": members}


SHOWN: Schema = {
    "content": {**json_content(_shown())["content"], "text/plain": {"schema": TEXT}},
}


router = APIRouter(tags=["sensorthings"], route_class=LateRoute)
quick = APIRouter(tags=["sensorthings"], route_class=DirectRoute)
"""What loggers do every second: found first, and without dependencies."""
PATH = f"{documents.ROOT}/{{path:path}}"


def _option(name: str, description: str, kind: str = "string") -> dict[str, Any]:
    schema = {"type": kind} if kind != "integer" else {"type": kind, "minimum": 0}
    return {"name": name, "in": "query", "description": description, "schema": schema}


OPTIONS: dict[str, Any] = {
    "parameters": [
        _option("$filter", "Condition, such as `result gt 20 and phenomenonTime ge 2026-01-01`"),
        _option("$select", "Properties to show"),
        _option("$expand", "Related entities to show, with options in brackets"),
        _option("$orderby", "Order, such as `phenomenonTime desc`"),
        _option("$top", "Entities on a page, 1000 at most", "integer"),
        _option("$skip", "Entities to leave out, 10000 at most", "integer"),
        _option("$count", "Tell how many there are", "boolean"),
        _option("$resultFormat", "`dataArray` for Observations as tables"),
    ]
}


def _taken(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, **json_content(schema)}}


@router.get(f"{documents.ROOT}/", include_in_schema=False)
@router.get(
    documents.ROOT,
    summary="SensorThings API 1.1: its sets, and what is there of it",
    response_model=SensorThingsIndex,
)
async def show_index(view: TheView, caller: Reader) -> Response:
    """Show the sets of entities."""
    return documents.answered(view, documents.Writer(view.base, view.chosen_lang).index())


@router.get(f"{documents.ROOT}/Observations", include_in_schema=False)
async def show_observations(view: TheView, caller: Reader, session: ReadSession) -> Response:
    """Show values; the address is told apart from the template by the POST below."""
    return await documents.show(session, view, caller, "Observations")


@router.post(f"{documents.ROOT}/CreateObservations", include_in_schema=False)
async def create_observations(
    request: Request, view: TheView, caller: Writer, unit: TheUnit
) -> Response:
    """Store data arrays; nothing else can be done there."""
    return await operations.create_observations(request, unit, view, caller)


@router.get(
    PATH,
    summary="SensorThings entities, or one of them",
    responses={
        200: SHOWN,
        204: {"description": "A value that is not there, of `$value`"},
    },
    openapi_extra=OPTIONS,
)
async def show_entities(view: TheView, caller: Reader, path: str, session: ReadSession) -> Response:
    """Show what is at a path of the standard, such as `Things('x')/Datastreams`."""
    return await documents.show(session, view, caller, path)


@router.api_route(PATH, methods=["OPTIONS", "PUT"], include_in_schema=False)
async def tell_methods(
    request: Request, view: TheView, caller: Reader, path: str, session: ReadSession
) -> Response:
    """Tell what can be done at a path; nothing is put there."""
    if path in {"", "CreateObservations"}:
        raise HTTPException(405)
    resource = await resolve(session, documents.asker_of(view, caller), path)
    refused = operations.not_allowed(request, resource)
    if request.method == "PUT":
        raise refused
    return Response(status_code=204, headers=refused.headers)


@quick.post(f"{documents.ROOT}/Observations", include_in_schema=False)
async def create_observation(request: Request) -> Response:
    """Store one value."""
    return await operations.create_observation(request)


@router.post(
    PATH,
    summary="Make a SensorThings entity",
    status_code=201,
    responses={201: json_content(stored())},
    openapi_extra=_taken(new_body()),
)
async def create_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit
) -> Response:
    """Make an entity with those it comes with, or store data arrays at `CreateObservations`."""
    return await operations.create(request, unit, view, caller, path)


@router.patch(
    PATH,
    summary="Change a SensorThings entity",
    responses={
        200: json_content(made()),
        204: {"description": "Changed, and out of sight: a station that was closed"},
    },
    openapi_extra=_taken(changed_body()),
)
async def update_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit, expected: IfMatch
) -> Response:
    """Change the members given."""
    return await operations.update(request, unit, view, caller, path, expected)


@router.delete(PATH, summary="Delete a SensorThings entity", status_code=204)
async def delete_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit, expected: IfMatch
) -> Response:
    """Delete an entity nothing refers to."""
    return await operations.remove(request, unit, view, caller, path, expected)
