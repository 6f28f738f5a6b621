"""The documents of changes."""

from typing import Any
from urllib.parse import quote

from shanhai.db.changes.feed import Change, Stretch
from shanhai_api.changes.parameters import ChangesQuery, write_cursor
from shanhai_api.features import documents
from shanhai_api.negotiation import JSON
from shanhai_api.view import View


def changes_document(stretch: Stretch, query: ChangesQuery, view: View) -> dict[str, Any]:
    """Changes in order, and where to read on."""
    cursor = write_cursor(stretch.seen)
    links = view.self_links("/changes")
    if stretch.more:
        links.append(
            view.link(
                "/changes",
                "next",
                JSON.media_type,
                collection=query.collection,
                limit=query.limit,
                since=cursor,
            )
        )
    return {
        "changes": [described(change, view) for change in stretch.changes],
        "cursor": cursor,
        "numberReturned": len(stretch.changes),
        "links": links,
    }


def described(change: Change, view: View) -> dict[str, Any]:
    """One change; links lead to the object as it is now, where it is still there."""
    entity = change.entity
    path = f"{documents.list_path(entity, change.bound)}/{quote(change.code, safe='')}"
    media_type = documents.data_format(entity).media_type
    item = view.link(path, "item", media_type, version=change.version)
    return {
        "seq": change.seq,
        "at": change.at.isoformat().replace("+00:00", "Z"),
        "collection": entity.name,
        "id": change.code,
        **({} if change.version is None else {"version": change.version}),
        "change": change.kind,
        "row_version": change.row_version,
        "links": [] if change.kind == "deleted" else [item],
    }
