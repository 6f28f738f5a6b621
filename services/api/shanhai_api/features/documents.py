"""The JSON documents of collections and features."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson

from shanhai.db.features.entity import Entity
from shanhai.db.features.query import Extent, FeatureRow, Page
from shanhai_api.features.parameters import ItemsQuery, write_cursor
from shanhai_api.negotiation import GEOJSON, HTML, JSON, SCHEMA
from shanhai_api.view import Link, View

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
WORLD = (-180.0, -90.0, 180.0, 90.0)


def collections_path(entity: Entity, *rest: str) -> str:
    """The path of a collection, or of something below it."""
    return "/".join(["/collections", entity.name, *rest])


def collection(entity: Entity, extent: Extent, view: View) -> dict[str, Any]:
    """The description of a collection."""
    return {
        "id": entity.name,
        "title": entity.title.in_(view.lang),
        "description": entity.description.in_(view.lang),
        "itemType": "feature",
        "extent": extent_document(extent),
        "crs": [CRS84],
        "storageCrs": CRS84,
        "links": collection_links(entity, view),
    }


def extent_document(extent: Extent) -> dict[str, Any]:
    """The extent of a collection; the world when nothing has a place yet."""
    box = extent.box or WORLD
    interval = [_day_start(extent.start), _day_start(extent.end)]
    return {
        "spatial": {"bbox": [[round(number, 7) for number in box]], "crs": CRS84},
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
    ]


def schema(entity: Entity, view: View) -> dict[str, Any]:
    """The JSON schema of the collection's features."""
    geometry = {"format": entity.geometry_type, "x-ogc-role": "primary-geometry"}
    members = {item.name: item.described(view.lang) for item in entity.properties}
    return _schema(entity, view, "schema", {"geometry": geometry, **members})


def queryables(entity: Entity, view: View) -> dict[str, Any]:
    """The properties that can be filtered on."""
    members = {item.name: item.described(view.lang) for item in entity.queryables}
    return {**_schema(entity, view, "queryables", members), "additionalProperties": False}


def sortables(entity: Entity, view: View) -> dict[str, Any]:
    """The properties that can be sorted by: none yet, pages follow the order of registration."""
    return _schema(entity, view, "sortables", {})


def _schema(entity: Entity, view: View, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": f"{view.base}{collections_path(entity, kind)}",
        "type": "object",
        "title": entity.title.in_(view.lang),
        "description": entity.description.in_(view.lang),
        "properties": properties,
    }


def feature(row: FeatureRow) -> dict[str, Any]:
    """A feature; its geometry and properties are JSON already."""
    return {
        "type": "Feature",
        "id": row.code,
        "geometry": None if row.geometry is None else orjson.Fragment(row.geometry),
        "properties": orjson.Fragment(row.properties),
    }


def feature_document(entity: Entity, row: FeatureRow, view: View) -> dict[str, Any]:
    """A feature by itself, with links."""
    path = collections_path(entity, "items", row.code)
    links = [
        *view.self_links(path, GEOJSON, HTML),
        view.link(collections_path(entity), "collection"),
    ]
    return {**feature(row), "links": links}


def feature_collection(entity: Entity, page: Page, query: ItemsQuery, view: View) -> dict[str, Any]:
    """A page of features; `numberMatched` only when it was counted."""
    count = {} if page.matched is None else {"numberMatched": page.matched}
    return {
        "type": "FeatureCollection",
        "features": [feature(row) for row in page.rows],
        "links": page_links(entity, page, query, view),
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        **count,
        "numberReturned": len(page.rows),
    }


def page_links(entity: Entity, page: Page, query: ItemsQuery, view: View) -> list[Link]:
    """`self`, the other format, `next`, `prev` and the collection."""
    path, here = collections_path(entity, "items"), dict(query.kept)
    here.pop("f", None)
    place = {
        name: value
        for name, value in view.request.query_params.items()
        if name in {"cursor", "offset"}
    }
    html = view.wants_html(GEOJSON, HTML)
    shown, other = (HTML, GEOJSON) if html else (GEOJSON, HTML)
    links = [
        view.link(path, "self", shown.media_type, **query.kept, **place),
        view.link(path, "alternate", other.media_type, **here, **place, f=other.name),
        view.link(collections_path(entity), "collection"),
    ]
    for rel, cursor in _neighbours(page, here):
        links.append(view.link(path, rel, shown.media_type, **query.kept, cursor=cursor))
    return links


def _neighbours(page: Page, kept: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    if not page.rows:
        return []
    found = []
    if page.has_next:
        found.append(("next", write_cursor(b"a", page.rows[-1].key, kept)))
    if page.has_previous:
        found.append(("prev", write_cursor(b"b", page.rows[0].key, kept)))
    return found
