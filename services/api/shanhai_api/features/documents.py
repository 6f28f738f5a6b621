"""The JSON documents of features and records."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from shanhai.db.features.crs import Crs
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import FeatureRow, PageRange
from shanhai.vocabulary import Label
from shanhai_api.features.parameters import PLACES, ItemsQuery
from shanhai_api.features.values import write_cursor
from shanhai_api.kit.view import GEOJSON, HTML, JSON, Format, Link, View

FILE = Label("文件", "File")


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
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
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
