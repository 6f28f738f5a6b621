"""The paths and schemas of every collection and record, made from the declarations alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shanhai.db.features.crs import CRS84, crs_uris
from shanhai.db.features.entity import Entity, Property, Verb, digits_after_point
from shanhai.db.features.geometry import DEPTHS
from shanhai.db.features.input_validation import CODE
from shanhai.db.features.property_values import AMOUNTS
from shanhai.db.features.snapshots import MOST_VERSIONS
from shanhai_api.exports import ENCODINGS, file_formats
from shanhai_api.features.parameters import DEFAULT_LIMIT, LANGUAGES, parameters_of
from shanhai_api.features.records import bound_names
from shanhai_api.features.values import (
    MAX_LIMIT,
    MAX_OFFSET,
    MAX_SEARCH,
    names_pattern,
    value_schema,
)
from shanhai_api.kit.view import GEOJSON, HTML, JSON

Document = dict[str, Any]
READ_FAILURES = (400, 401, 403, 404, 406, 429, 503)
WRITE_FAILURES = (400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 422, 428, 429, 503)
MERGE_PATCH = "application/merge-patch+json"
BBOX = {
    "name": "bbox",
    "in": "query",
    "description": "Only features that meet the box: west,south,east,north in CRS84, or as bbox-crs"
    " has it",
    "required": False,
    "schema": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
    "style": "form",
    "explode": False,
}
COUNTINGS = ("capped", "exact", "estimate", "none")


def query_parameter(name: str, description: str, schema: Mapping[str, Any]) -> Document:
    """An optional parameter of a query."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": False,
        "schema": dict(schema),
        "style": "form",
        "explode": False,
    }


def header_parameter(name: str, description: str, schema: Mapping[str, Any]) -> Document:
    """An optional header."""
    return {
        "name": name,
        "in": "header",
        "description": description,
        "required": False,
        "schema": dict(schema),
    }


SYSTEM = {"type": "string", "format": "uri", "enum": crs_uris(), "default": CRS84.uri}
LANG = query_parameter("lang", "Language", {"type": "string", "enum": ["zh", "en"]})
AS_OF = query_parameter("as_of", "Day whose state is wanted", {"type": "string", "format": "date"})
CRS = query_parameter("crs", "System of the coordinates in the answer", SYSTEM)
LISTING = (
    query_parameter(
        "limit",
        "Features on a page",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    query_parameter(
        "offset",
        "Features to skip; prefer the links",
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
    ),
    query_parameter(
        "cursor",
        "A place given by a `next` or `prev` link",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
    ),
    query_parameter(
        "datetime",
        "Only features whose period meets this RFC 3339 instant or interval; `..` is open",
        {"type": "string"},
    ),
    AS_OF,
    query_parameter(
        "count", "How exactly to count what matches", {"type": "string", "enum": list(COUNTINGS)}
    ),
    query_parameter(
        "q",
        "A text that the code, a name or a text in either language has in it, whatever its case",
        {"type": "string", "minLength": 1, "maxLength": MAX_SEARCH},
    ),
    query_parameter(
        "filter", "A CQL2 filter over the queryables", {"type": "string", "minLength": 1}
    ),
    query_parameter(
        "filter-lang",
        "Language of the filter",
        {"type": "string", "enum": list(LANGUAGES), "default": "cql2-text"},
    ),
)
PLACING = (
    BBOX,
    query_parameter("bbox-crs", "System of the box", SYSTEM),
    CRS,
    query_parameter("filter-crs", "System of the geometries in the filter", SYSTEM),
)
ARCHIVED: list[Document] = [
    one for one in (*LISTING, *PLACING) if one["name"] not in {"offset", "cursor", "crs"}
]
"""What chooses among occurrences for a Darwin Core Archive, besides their properties."""
REPAIR = query_parameter(
    "repair",
    "Mend an invalid geometry, and say what was done, instead of refusing it",
    {"type": "boolean", "default": False},
)
IF_MATCH = header_parameter(
    "If-Match", "ETag of the state that is to be written over", {"type": "string"}
)
ETAG = {"ETag": {"description": "Tag of its state, for `If-Match`", "schema": {"type": "string"}}}
IF_NONE_MATCH = header_parameter(
    "If-None-Match", "`*`: make the object, which must not be there yet", {"type": "string"}
)
CONTENT_CRS = header_parameter(
    "Content-Crs", "System of the body's coordinates, by URI; CRS84 without", {"type": "string"}
)
IDEMPOTENCY_KEY = header_parameter(
    "Idempotency-Key",
    "Made once for each key, and answered as often as asked",
    {"type": "string", "minLength": 1, "maxLength": 255},
)


def schemas_of(entity: Entity) -> Document:
    """The schemas of an entity: as it is told, as it is made, and as it is changed."""
    found = {entity.name: _told(entity)}
    if entity.path is None:
        found[properties_name(entity)] = _members(entity)
    if entity.editing is not None:
        found[f"{entity.name}_new"] = _taken(entity, whole=True)
        found[f"{entity.name}_change"] = _taken(entity, whole=False)
    return found


def properties_name(entity: Entity) -> str:
    """The name of the schema of an entity's properties: a record is nothing else."""
    return entity.name if entity.path is not None else f"{entity.name}_properties"


def paths_of(entity: Entity) -> Document:
    """The paths of an entity's objects."""
    path = entity.path or f"/collections/{entity.name}/items"
    verbs = entity.editing.verbs if entity.editing is not None else frozenset[Verb]()
    within = [path_parameter(name) for name in bound_names(entity)]
    code = path_parameter("code")
    every: Document = {"get": _listing(entity)}
    if "create" in verbs:
        every["post"] = _creating(entity)
    one: Document = {"get": _reading(entity)}
    if "replace" in verbs:
        one["put"] = _replacing(entity)
    if "update" in verbs:
        one["patch"] = _updating(entity)
    if "delete" in verbs:
        one["delete"] = _deleting(entity)
    found = {path: every, f"{path}/{{code}}": one}
    found[f"{path}/{{code}}/versions"] = {"get": _states(entity)}
    if entity.path is None:
        found[f"{path}/{{code}}/compare"] = {"get": _comparing(entity)}
    for place, item in found.items():
        own = [*within, code] if "{code}" in place else within
        for operation in item.values():
            operation["parameters"] = [*own, *operation["parameters"]]
    return found


def path_parameter(name: str) -> Document:
    """A code in a path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 80},
    }


def _listing(entity: Entity) -> Document:
    filters = [
        query_parameter(
            item.name, f"Only those with this value: {item.title.en}", value_schema(item.schema)
        )
        for item in parameters_of(entity, dict.fromkeys(bound_names(entity), ""))
    ]
    placing = PLACING if entity.geometry is not None else ()
    return {
        **_about(entity, "list", entity.title.en),
        "parameters": [
            *LISTING,
            *_naming(entity),
            *placing,
            *filters,
            *_file_parameters(entity),
            LANG,
        ],
        "responses": {
            "200": _content("A page, or a file of all", _listed(entity)),
            **failures(READ_FAILURES),
        },
    }


def _naming(entity: Entity) -> tuple[Document, ...]:
    """The parameters that name properties."""
    sorting = names_pattern((item.name for item in entity.sortables), "[+-]?")
    telling = names_pattern(item.name for item in entity.properties)
    return (
        query_parameter(
            "sortby",
            "Properties to order by, `-` before one for descending",
            {"type": "string", "pattern": f"^{sorting}$"},
        ),
        query_parameter(
            "properties",
            "Properties to tell, comma separated",
            {"type": "string", "pattern": f"^({telling})?$"},
        ),
    )


def _listed(entity: Entity) -> dict[str, Document]:
    """What a list is answered with, by media type."""
    pages = {_media(entity): _page(entity), HTML.media_type: TEXT}
    files = {item.media_type.partition(";")[0]: FILE for item in file_formats(entity)}
    return {**pages, **files}


def _file_parameters(entity: Entity) -> tuple[Document, ...]:
    """The format of a list, whole files included, and the encoding of those that have several."""
    pages = [JSON.name, HTML.name] if entity.path is not None else ["json", "geojson", "html"]
    names = [*pages, *(item.name for item in file_formats(entity))]
    chosen = query_parameter("f", "Format", {"type": "string", "enum": names})
    if entity.geometry is None:
        return (chosen,)
    encodings = {"type": "string", "enum": list(ENCODINGS)}
    return (chosen, query_parameter("encoding", "Of the texts, with f=shp", encodings))


def _reading(entity: Entity) -> Document:
    crs = [CRS] if entity.geometry is not None else []
    told = {_media(entity): _reference(entity.name), HTML.media_type: TEXT}
    return {
        **_about(entity, "read", f"{entity.title.en}: one"),
        "parameters": [AS_OF, *crs, _format(entity), LANG],
        "responses": {
            "200": _content("The object", told),
            "304": {"description": "The caller has it already"},
            **failures(READ_FAILURES),
        },
    }


def _creating(entity: Entity) -> Document:
    return {
        **_about(entity, "create", f"{entity.title.en}: make one"),
        "parameters": [*_writing(entity), IDEMPOTENCY_KEY, LANG],
        "requestBody": _body(entity, f"{entity.name}_new", [_media(entity), JSON.media_type]),
        "responses": {"201": _written(entity, "Made"), **failures(WRITE_FAILURES)},
    }


def _replacing(entity: Entity) -> Document:
    return {
        **_about(entity, "replace", f"{entity.title.en}: replace one"),
        "parameters": [*_writing(entity), IF_MATCH, IF_NONE_MATCH, LANG],
        "requestBody": _body(entity, f"{entity.name}_new", [_media(entity), JSON.media_type]),
        "responses": {
            "200": _written(entity, "As it is now"),
            "201": _written(entity, "Made"),
            "204": {"description": "As it was sent; asked for by `Prefer: return=minimal`"},
            **failures(WRITE_FAILURES),
        },
    }


def _updating(entity: Entity) -> Document:
    media_types = [MERGE_PATCH, _media(entity), JSON.media_type]
    return {
        **_about(entity, "update", f"{entity.title.en}: change one"),
        "parameters": [*_writing(entity), IF_MATCH, LANG],
        "requestBody": _body(entity, f"{entity.name}_change", media_types),
        "responses": {
            "200": _written(entity, "As it is now"),
            "204": {"description": "Changed; asked for by `Prefer: return=minimal`"},
            **failures(WRITE_FAILURES),
        },
    }


def _deleting(entity: Entity) -> Document:
    return {
        **_about(entity, "delete", f"{entity.title.en}: delete one"),
        "parameters": [IF_MATCH, LANG],
        "responses": {"204": {"description": "Deleted"}, **failures(WRITE_FAILURES)},
    }


def _states(entity: Entity) -> Document:
    most = {"type": "integer", "minimum": 1, "maximum": MOST_VERSIONS, "default": 100}
    own = {"type": "object", "properties": {"properties": _reference(properties_name(entity))}}
    states = {"type": "object", "properties": {"versions": {"type": "array", "items": own}}}
    return {
        **_about(entity, "list_versions_of", f"{entity.title.en}: the states of one"),
        **_shown(
            [query_parameter("limit", "States to show", most)],
            "Its states, the newest first",
            {"allOf": [_reference("ObjectStates"), states]},
        ),
    }


def _comparing(entity: Entity) -> Document:
    day = {"type": "string", "format": "date"}
    days = (
        query_parameter("from", "The former day", day),
        query_parameter("to", "The later day", day),
    )
    return {
        **_about(entity, "compare", f"{entity.title.en}: one on two days"),
        **_shown(
            [{**item, "required": True} for item in days],
            "What differs, and what area or length came and went",
            _reference("DayComparison"),
        ),
    }


def _shown(parameters: Sequence[Document], description: str, schema: Document) -> Document:
    formats = {"type": "string", "enum": [JSON.name, HTML.name]}
    told = {JSON.media_type: schema, HTML.media_type: TEXT}
    return {
        "parameters": [*parameters, query_parameter("f", "Format", formats), LANG],
        "responses": {
            "200": _content(description, told),
            "304": {"description": "The caller has it already"},
            **failures(READ_FAILURES),
        },
    }


NUMBERED = ({"type": "integer", "minimum": 0}, {"type": "null"})
LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}
TEXT = {"type": "string"}
FILE = {"type": "string", "format": "binary"}


def _about(entity: Entity, verb: str, summary: str) -> Document:
    return {
        "tags": ["features" if entity.path is None else "records"],
        "operationId": f"{verb}_{entity.name}",
        "summary": summary,
        "description": entity.description.en,
    }


def failures(statuses: Iterable[int]) -> Document:
    """The answers that tell a problem."""
    return {str(status): {"$ref": "#/components/responses/Problem"} for status in statuses}


def _writing(entity: Entity) -> Sequence[Document]:
    return (REPAIR, CONTENT_CRS) if entity.geometry_column and entity.path is None else ()


def _format(entity: Entity) -> Document:
    names = [JSON.name, HTML.name] if entity.path is not None else ["json", "geojson", "html"]
    return query_parameter("f", "Format", {"type": "string", "enum": names})


def _media(entity: Entity) -> str:
    return (GEOJSON if entity.path is None else JSON).media_type


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(description: str, schemas: Mapping[str, Any]) -> Document:
    content = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"description": description, "content": content}


def _body(entity: Entity, name: str, media_types: Iterable[str]) -> Document:
    content = {media_type: {"schema": _reference(name)} for media_type in media_types}
    return {"required": True, "content": content}


def _written(entity: Entity, description: str) -> Document:
    place = {"description": "Where it is, when it was made", "schema": {"type": "string"}}
    headers = {**ETAG, "Location": place}
    return {**_content(description, {_media(entity): _reference(entity.name)}), "headers": headers}


def _page(entity: Entity) -> Document:
    name = "features" if entity.path is None else entity.name
    members: Document = {
        name: {"type": "array", "items": _reference(entity.name)},
        "links": LINKS,
        "numberMatched": {"type": "integer", "minimum": 0},
        "numberReturned": {"type": "integer", "minimum": 0},
    }
    if entity.path is None:
        members["type"] = {"type": "string", "enum": ["FeatureCollection"]}
        members["timeStamp"] = {"type": "string", "format": "date-time"}
    return {"type": "object", "required": [name, "links"], "properties": members}


def _told(entity: Entity) -> Document:
    """The schema of an object as it is read."""
    if entity.path is not None:
        about = {"description": entity.description.en}
        return {**about, **_members(entity, links=LINKS)}
    told = _feature(entity, _reference(properties_name(entity)), ["properties", "geometry"])
    return {**told, "properties": {**told["properties"], "links": LINKS}}


def _members(entity: Entity, **others: Document) -> Document:
    members = {item.name: _nullable(item, item.role != "id") for item in entity.properties}
    return {"type": "object", "properties": {**members, **others}}


def _taken(entity: Entity, *, whole: bool) -> Document:
    """The schema of an object as it is written; other members it has are left as they are."""
    editing = entity.editing
    required = [item.name for item in entity.receivables if item.required and whole]
    state = editing.lifecycle.property if editing is not None and editing.lifecycle else None
    within = set(bound_names(entity))
    members = {
        item.name: _code(item) if item.role == "id" else _nullable(item, not item.required)
        for item in entity.receivables
    }
    needed = [name for name in required if name not in within and name != state]
    schema: Document = {"type": "object", "properties": members}
    if needed:
        schema["required"] = needed
    if entity.path is not None:
        return schema
    geometry = ["geometry"] if whole and entity.geometry_column else []
    taken = _feature(entity, schema, ["properties", *geometry] if whole else [])
    taken["properties"]["id"] = {"anyOf": [{"type": "string"}, *NUMBERED]}
    if not entity.geometry_column:
        taken["properties"]["geometry"] = {"description": "Not written: it is that of others"}
    return taken


def _feature(entity: Entity, properties: Document, required: Sequence[str]) -> Document:
    schema: Document = {
        "type": "object",
        "description": entity.description.en,
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": _geometry(entity),
            "properties": properties,
        },
    }
    if required:
        schema["required"] = ["type", *required]
    return schema


def _geometry(entity: Entity) -> Document:
    kind = (entity.geometry_type or "geometry-any").removeprefix("geometry-")
    known = [name for name in DEPTHS if kind in {"any", name.lower(), f"multi{name.lower()}"}]
    return {
        "type": ["object", "null"],
        "required": ["type", "coordinates"],
        "properties": {
            "type": {"type": "string", "enum": known},
            "coordinates": {"type": "array", "items": {}},
        },
    }


def _code(item: Property) -> Document:
    """A code as it is written; clients leave that of a new object empty, or write a number."""
    text = {"type": "string", "pattern": f"^({CODE.pattern})?$"}
    return {"title": item.described("en")["title"], "anyOf": [text, *NUMBERED]}


def _nullable(item: Property, nullable: bool) -> Document:
    described = item.described("en")
    if item.schema.get("format") == "decimal":
        text = {**item.schema, "pattern": f"^{AMOUNTS[digits_after_point(item.schema)].pattern}$"}
        number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1e14}
        nothing = [{"type": "null"}] if nullable else []
        return {"title": described["title"], "anyOf": [text, number, *nothing]}
    if not nullable:
        return described
    found = {**described, "type": [described["type"], "null"]}
    return {**found, "enum": [*found["enum"], None]} if "enum" in found else found
