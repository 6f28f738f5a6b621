"""What the definition says of SensorThings: made from the declared kinds of entities."""

from typing import Any

from pydantic import BaseModel

from shanhai.db.sensorthings.model import KINDS, EntityKind, Kind
from shanhai_api.kit.answers import Answered, Document
from shanhai_api.sta import schemas

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
