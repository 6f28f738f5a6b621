"""The documents of changes."""

from typing import Annotated, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.changes import feed
from shanhai_api.changes.parameters import ChangesQuery, write_cursor
from shanhai_api.features import documents
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText
from shanhai_api.negotiation import JSON
from shanhai_api.view import View


class Change(Answered):
    """One change; links lead to the object as it is now, where it is still there."""

    seq: int
    at: MomentText
    collection: str
    id: str
    version: Maybe[int] = None
    change: feed.Kind
    row_version: int | None
    links: list[Link]

    @classmethod
    def of(cls, change: feed.ChangeEntry, view: View) -> Self:
        """A change as it is shown."""
        entity = change.entity
        path = f"{documents.list_path(entity, change.bound)}/{quote(change.code, safe='')}"
        media_type = documents.data_format(entity).media_type
        item = view.link(path, "item", media_type, version=change.version)
        return cls.from_row(
            change,
            at=change.at.isoformat().replace("+00:00", "Z"),
            collection=entity.name,
            id=change.code,
            change=change.kind,
            links=[] if change.kind == "deleted" else [item],
        )


class Changes(Document):
    """Changes in order, and where to read on."""

    template = "changes.html"

    changes: list[Change]
    cursor: Annotated[str, Field(description="Ask with `since` for what came after")]
    numberReturned: int
    links: list[Link]

    @classmethod
    def of(cls, stretch: feed.FeedPage, query: ChangesQuery, view: View) -> Self:
        """A page of the changes."""
        cursor = write_cursor(stretch.seen)
        links = view.self_links("/changes")
        if stretch.more:
            kept = {"collection": query.collection, "limit": query.limit, "since": cursor}
            links.append(view.link("/changes", "next", JSON.media_type, **kept))
        return cls(
            changes=[Change.of(change, view) for change in stretch.changes],
            cursor=cursor,
            numberReturned=len(stretch.changes),
            links=links,
        )
