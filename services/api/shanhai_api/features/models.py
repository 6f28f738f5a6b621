"""Collections, what their features have, and the states of an object, as they are answered."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import orjson
from fastapi import Response
from pydantic import Field, WithJsonSchema

from shanhai.db.features.crs import CRS84, storage_crs
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.query import CollectionExtent
from shanhai.db.features.selection import Selection
from shanhai.db.features.snapshots import Version, read_versions
from shanhai.errors import NotFound
from shanhai_api.exports import file_formats
from shanhai_api.features import documents
from shanhai_api.features.documents import collections_path
from shanhai_api.features.parameters import published
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText
from shanhai_api.kit.dependencies import Context
from shanhai_api.kit.view import GEOJSON, HTML, JSON, SCHEMA, View
from shanhai_api.kit.view import Link as Target

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
WORLD = (-180.0, -90.0, 180.0, 90.0)
ALL_SYSTEMS = "#/crs"
"""Where a list of collections names the systems of all of them."""
TEXT = {"type": "string"}
MemberSchema = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "The JSON Schema of a property",
            "properties": {
                **dict.fromkeys(("title", "description", "format"), TEXT),
                **dict.fromkeys(("x-ogc-role", "x-ogc-unit"), TEXT),
                "type": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
                "enum": {"type": "array", "items": {}},
                "readOnly": {"type": "boolean"},
                "x-enum-titles": {"type": "object", "additionalProperties": TEXT},
            },
        }
    ),
]


class FeaturesSpatialExtent(Answered):
    """The box of all features; the world when nothing has a place yet."""

    bbox: list[list[float]]
    crs: str


class FeaturesTemporalExtent(Answered):
    """The days of all features; an open end is null."""

    interval: list[list[MomentText | None]]
    trs: str


class FeaturesExtent(Answered):
    """Where and when the features of a collection are."""

    spatial: FeaturesSpatialExtent
    temporal: FeaturesTemporalExtent

    @classmethod
    def of(cls, extent: CollectionExtent) -> Self:
        """The extent of a collection."""
        box = [round(number, 7) for number in extent.box or WORLD]
        interval = [_day_start(extent.start), _day_start(extent.end)]
        return cls(
            spatial=FeaturesSpatialExtent(bbox=[box], crs=CRS84.uri),
            temporal=FeaturesTemporalExtent(interval=[interval], trs=GREGORIAN),
        )


def _day_start(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()}T00:00:00Z"


class CollectionDescription(Document):
    """A collection of features."""

    template = "collection.html"

    id: str
    title: str
    description: str
    itemType: Literal["feature"] = "feature"
    extent: FeaturesExtent
    crs: list[str] = Field(description="The systems its coordinates can be asked for in")
    storageCrs: Maybe[str] = None
    links: list[Link]

    @classmethod
    def of(cls, entity: Entity, extent: CollectionExtent, view: View) -> Self:
        """The description of a collection."""
        systems, stored = published(view.request), storage_crs().uri
        return cls(
            id=entity.name,
            title=entity.title.in_(view.lang),
            description=entity.description.in_(view.lang),
            extent=FeaturesExtent.of(extent),
            crs=systems,
            storageCrs=stored if stored in systems else None,
            links=collection_links(entity, view),
        )


class CollectionDescriptions(Document):
    """The collections there are."""

    template = "collections.html"

    links: list[Link]
    collections: list[CollectionDescription]
    crs: list[str]

    @classmethod
    def of(
        cls, entities: Sequence[Entity], extents: Mapping[str, CollectionExtent], view: View
    ) -> Self:
        """The descriptions of collections, whose systems are named once."""
        described = [
            CollectionDescription.of(entity, extents[entity.name], view) for entity in entities
        ]
        return cls(
            links=view.self_links("/collections"),
            collections=[one.model_copy(update={"crs": [ALL_SYSTEMS]}) for one in described],
            crs=published(view.request),
        )


def collection_links(entity: Entity, view: View) -> list[Target]:
    """Where one goes from a collection."""
    path, title = collections_path(entity), entity.title.in_(view.lang)
    return [
        view.link(path, "self", JSON.media_type, title),
        view.link(path, "alternate", HTML.media_type, title, f="html"),
        view.link(f"{path}/items", "items", GEOJSON.media_type, title),
        view.link(f"{path}/items", "items", HTML.media_type, title, f="html"),
        view.link(f"{path}/schema", f"{REL}/schema", SCHEMA.media_type),
        view.link(f"{path}/queryables", f"{REL}/queryables", SCHEMA.media_type),
        view.link(f"{path}/sortables", f"{REL}/sortables", SCHEMA.media_type),
        *(
            view.link(
                f"{path}/items",
                "enclosure",
                item.media_type,
                item.title.in_(view.lang),
                f=item.name,
            )
            for item in file_formats(entity)
        ),
    ]


class FeatureSchema(Document):
    """A JSON Schema of properties of features."""

    template = "schema.html"
    formats = (SCHEMA, HTML)

    dialect: str = Field(DIALECT, alias="$schema")
    id: str = Field(alias="$id")
    type: Literal["object"] = "object"
    title: str
    description: str
    properties: dict[str, MemberSchema]
    required: Maybe[list[str]] = None
    additionalProperties: Maybe[Literal[False]] = None

    @classmethod
    def of(cls, entity: Entity, view: View, kind: str, properties: Mapping[str, Any]) -> Self:
        """A schema of a kind, of these properties."""
        return cls(
            id=f"{view.base}{collections_path(entity, kind)}",
            title=entity.title.in_(view.lang),
            description=entity.description.in_(view.lang),
            properties=dict(properties),
        )

    @classmethod
    def of_features(cls, entity: Entity, view: View) -> Self:
        """The schema of the collection's features: what is returned, and what can be written."""
        editable = entity.editing is not None
        members = {item.name: _member(item, view, editable=editable) for item in entity.properties}
        required = [item.name for item in entity.receivables if editable and item.required]
        document = cls.of(entity, view, "schema", {**_geometry(entity), **members})
        return document.model_copy(update={"required": required or None})

    @classmethod
    def of_queryables(cls, entity: Entity, view: View) -> Self:
        """The properties that can be filtered on."""
        members = {item.name: item.described(view.lang) for item in entity.queryables}
        document = cls.of(entity, view, "queryables", {**_geometry(entity), **members})
        return document.model_copy(update={"additionalProperties": False})

    @classmethod
    def of_sortables(cls, entity: Entity, view: View) -> Self:
        """The properties that can be sorted by."""
        members = {item.name: item.described(view.lang) for item in entity.sortables}
        return cls.of(entity, view, "sortables", members)


def _member(item: Property, view: View, *, editable: bool) -> dict[str, Any]:
    described = item.described(view.lang)
    return described if editable and item.receivable else {**described, "readOnly": True}


def _geometry(entity: Entity) -> dict[str, Any]:
    if entity.geometry is None:
        return {}
    described = {"format": entity.geometry_type, "x-ogc-role": "primary-geometry"}
    return {
        "geometry": described if entity.geometry_column else {**described, "readOnly": True},
    }


class ObjectState(Answered):
    """A state of an object: the days it held, and when it was written and written over."""

    row_version: int
    valid_from: date | None
    valid_to: date | None
    recorded_from: MomentText
    recorded_to: MomentText | None
    deleted: bool
    properties: dict[str, Any]
    links: Maybe[list[Link]] = None


class ObjectStates(Document):
    """The states an object has had, the newest first."""

    versions: list[ObjectState]
    numberReturned: int
    links: list[Link]


async def show_versions(
    read: Context, entity: Entity, code: str, bound: Mapping[str, str], limit: int
) -> Response:
    """The states of an object that the caller may see, the newest first.

    Raises:
        NotFound: there is none.
    """
    selection = Selection(read.caller.viewer, filters=bound, code=code)
    readable = "\x00" not in code and not any("\x00" in value for value in bound.values())
    found = await read_versions(read.session, entity, selection, limit=limit) if readable else []
    if not found:
        raise NotFound(
            f"there is no {code!r} in {entity.name}", message_zh=f"{entity.title.zh}中没有 {code!r}"
        )
    item = f"{documents.list_path(entity, bound)}/{quote(code, safe='')}"
    described = [_described(version, item, entity, read) for version in found]
    links = [
        *read.self_links(f"{item}/versions"),
        read.link(item, "item", documents.data_format(entity).media_type),
    ]
    document = {"versions": described, "numberReturned": len(described), "links": links}
    if read.wants_html(JSON, HTML):
        document = orjson.loads(orjson.dumps(document))
    return read.respond(document)


def _described(version: Version, item: str, entity: Entity, view: View) -> dict[str, Any]:
    """One state; a link leads to it where a day is left on which it held."""
    described = {
        "row_version": version.row_version,
        "valid_from": _day(version.valid_from),
        "valid_to": _day(version.valid_to),
        "recorded_from": _moment(version.recorded_from),
        "recorded_to": _moment(version.recorded_to),
        "deleted": version.deleted,
        "properties": orjson.Fragment(version.properties),
    }
    start = version.valid_from
    if not entity.historic or start is None or start == version.valid_to:
        return described
    media_type = documents.data_format(entity).media_type
    return {**described, "links": [view.link(item, "version", media_type, as_of=start.isoformat())]}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
