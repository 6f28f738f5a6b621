"""The JSON documents of collections and features."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import orjson

from shanhai.db.features.crs import CRS84, Crs, storage_crs
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.query import CollectionExtent, FeatureRow, PageRange
from shanhai.vocabulary import Label
from shanhai_api.exports.formats import file_formats
from shanhai_api.features.cursors import write_cursor
from shanhai_api.features.parameters import PLACES, ItemsQuery
from shanhai_api.features.systems import published
from shanhai_api.negotiation import GEOJSON, HTML, JSON, SCHEMA, Format
from shanhai_api.view import Link, View

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
WORLD = (-180.0, -90.0, 180.0, 90.0)
FILE = Label("文件", "File")


ALL_SYSTEMS = "#/crs"
"""Where a list of collections names the systems of all of them."""


def list_path(entity: Entity, bound: Mapping[str, str]) -> str:
    """The path of an entity's features or records; `bound` are the codes its path holds."""
    if entity.path is None:
        return collections_path(entity, "items")
    return entity.path.format_map({name: quote(code, safe="") for name, code in bound.items()})


def data_format(entity: Entity) -> Format:
    """What an entity's features or records are written in."""
    return JSON if entity.geometry is None and entity.path is not None else GEOJSON


def collections_path(entity: Entity, *rest: str) -> str:
    """The path of a collection, or of something below it."""
    return "/".join(["/collections", entity.name, *rest])


def collection_list(
    entities: Sequence[Entity], extents: Mapping[str, CollectionExtent], view: View
) -> dict[str, Any]:
    """The descriptions of all collections."""
    described = [collection(entity, extents[entity.name], view) for entity in entities]
    return {
        "links": view.self_links("/collections"),
        "collections": [{**document, "crs": [ALL_SYSTEMS]} for document in described],
        "crs": published(view.request),
    }


def collection(entity: Entity, extent: CollectionExtent, view: View) -> dict[str, Any]:
    """The description of a collection."""
    systems, stored = published(view.request), storage_crs().uri
    return {
        "id": entity.name,
        "title": entity.title.in_(view.lang),
        "description": entity.description.in_(view.lang),
        "itemType": "feature",
        "extent": extent_document(extent),
        "crs": systems,
        **({"storageCrs": stored} if stored in systems else {}),
        "links": collection_links(entity, view),
    }


def extent_document(extent: CollectionExtent) -> dict[str, Any]:
    """The extent of a collection; the world when nothing has a place yet."""
    box = extent.box or WORLD
    interval = [_day_start(extent.start), _day_start(extent.end)]
    return {
        "spatial": {"bbox": [[round(number, 7) for number in box]], "crs": CRS84.uri},
        "temporal": {"interval": [interval], "trs": GREGORIAN},
    }


def _day_start(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()}T00:00:00Z"


def collection_links(entity: Entity, view: View) -> list[Link]:
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


def schema(entity: Entity, view: View) -> dict[str, Any]:
    """The JSON schema of the collection's features: what is returned, and what can be written."""
    editable = entity.editing is not None
    members = {item.name: _member(item, view, editable=editable) for item in entity.properties}
    document = _schema(entity, view, "schema", {**_geometry(entity), **members})
    required = [item.name for item in entity.receivables if editable and item.required]
    return {**document, "required": required} if required else document


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


def queryables(entity: Entity, view: View) -> dict[str, Any]:
    """The properties that can be filtered on."""
    members = {item.name: item.described(view.lang) for item in entity.queryables}
    document = _schema(entity, view, "queryables", {**_geometry(entity), **members})
    return {**document, "additionalProperties": False}


def sortables(entity: Entity, view: View) -> dict[str, Any]:
    """The properties that can be sorted by."""
    members = {item.name: item.described(view.lang) for item in entity.sortables}
    return _schema(entity, view, "sortables", members)


def _schema(entity: Entity, view: View, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": f"{view.base}{collections_path(entity, kind)}",
        "type": "object",
        "title": entity.title.in_(view.lang),
        "description": entity.description.in_(view.lang),
        "properties": properties,
    }


def content_crs(crs: Crs) -> dict[str, str]:
    """The header that tells the system of an answer's coordinates."""
    return {"Content-Crs": f"<{crs.uri}>"}


def feature(row: FeatureRow) -> dict[str, Any]:
    """A feature; its geometry is JSON already."""
    return {
        "type": "Feature",
        "id": row.code,
        "geometry": None if row.geometry is None else orjson.Fragment(row.geometry),
        "properties": row.properties,
    }


def feature_document(entity: Entity, row: FeatureRow, view: View) -> dict[str, Any]:
    """A feature by itself, with links."""
    path = collections_path(entity, "items", quote(row.code, safe=""))
    links = [
        *view.self_links(path, GEOJSON, HTML),
        view.link(collections_path(entity), "collection"),
        *_file_links(entity, row, path, view),
    ]
    return {**feature(row), "links": links}


def _file_links(entity: Entity, row: FeatureRow, path: str, view: View) -> list[Link]:
    """Where the file is that a feature tells of: this very one, whatever has replaced it since."""
    if entity.file is None:
        return []
    checksum = str(row.properties["checksum"])
    return [
        view.link(f"{path}/file", "enclosure", entity.file, FILE.in_(view.lang), sha256=checksum)
    ]


def record_document(
    entity: Entity, row: FeatureRow, view: View, bound: Mapping[str, str]
) -> dict[str, Any]:
    """A record by itself, with links."""
    path = list_path(entity, bound)
    links = [
        *view.self_links(f"{path}/{quote(row.code, safe='')}"),
        view.link(path, "collection"),
    ]
    return {**row.plain(), "links": links}


def list_document(
    entity: Entity,
    page: PageRange,
    rows: Sequence[FeatureRow],
    query: ItemsQuery,
    view: View,
    bound: Mapping[str, str],
) -> dict[str, Any]:
    """A page of features or records."""
    if entity.path is None:
        return feature_collection(entity, page, rows, query, view)
    return record_list(entity, page, rows, query, view, bound)


def feature_collection(
    entity: Entity, page: PageRange, rows: Sequence[FeatureRow], query: ItemsQuery, view: View
) -> dict[str, Any]:
    """A page of features."""
    features = [feature(row) for row in rows]
    return {"type": "FeatureCollection", "features": features} | about_page(
        entity, page, query, view, returned=len(features)
    )


def about_page(
    entity: Entity, page: PageRange, query: ItemsQuery, view: View, *, returned: int
) -> dict[str, Any]:
    """What a page says beside its features."""
    path = collections_path(entity, "items")
    return {
        "links": [
            *page_links(path, page, query, view, GEOJSON),
            view.link(collections_path(entity), "collection"),
        ],
        "timeStamp": time_stamp(),
        **counts(page),
        "numberReturned": returned,
    }


def record_list(
    entity: Entity,
    page: PageRange,
    rows: Sequence[FeatureRow],
    query: ItemsQuery,
    view: View,
    bound: Mapping[str, str],
) -> dict[str, Any]:
    """A page of records."""
    return {
        entity.name: [row.properties for row in rows],
        "links": page_links(list_path(entity, bound), page, query, view, JSON),
        **counts(page),
        "numberReturned": len(rows),
    }


def counts(page: PageRange) -> dict[str, int]:
    """How many there are in all, where that was counted or estimated."""
    told = {"numberMatched": page.matched, "shanhai:numberMatchedEstimate": page.estimate}
    return {name: count for name, count in told.items() if count is not None}


def time_stamp() -> str:
    """This moment."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def page_links(
    path: str, page: PageRange, query: ItemsQuery, view: View, data: Format
) -> list[Link]:
    """`self`, the other format, `next` and `prev`."""
    here = dict(query.kept)
    here.pop("f", None)
    place = {name: value for name, value in view.request.query_params.items() if name in PLACES}
    html = view.wants_html(data, HTML)
    shown, other = (HTML, data) if html else (data, HTML)
    links = [
        view.link(path, "self", shown.media_type, **query.kept, **place),
        view.link(path, "alternate", other.media_type, **here, **place, f=other.name),
    ]
    for rel, cursor in _neighbours(page, here):
        links.append(view.link(path, rel, shown.media_type, **query.kept, cursor=cursor))
    return links


def _neighbours(page: PageRange, kept: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    found = []
    if page.has_next and page.last is not None:
        found.append(("next", write_cursor("after", page.last, kept)))
    if page.has_previous and page.first is not None:
        found.append(("prev", write_cursor("before", page.first, kept)))
    return found
