"""`/changes`, and one object on two days: `/collections/{collection}/items/{code}/compare`."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Self
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import Field, field_validator

from shanhai.db import changes as feed
from shanhai.db.changes import (
    DayState,
    FeedPage,
    ObjectComparison,
    Size,
    compare_days,
    read_changes,
    read_head,
)
from shanhai.db.collections.catalogue import ENTITIES, collection_named, entity_named
from shanhai.db.features.entity import Entity
from shanhai.errors import InvalidInput, NotFound
from shanhai.validation import Rfc3339Date, readable
from shanhai_api.features import documents
from shanhai_api.kit.answers import Answer, Answered, Document, Link, Maybe, MomentText
from shanhai_api.kit.dependencies import PageQuery, Read, Reader
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import JSON, View

NOW = "now"
MARK = "c"
PLACE = re.compile(r"c(0|[1-9]\d{0,18})", re.ASCII)


class ChangesQuery(PageQuery):
    """Parameters of the changes."""

    since: str | None = Field(
        None,
        max_length=40,
        description="The `cursor` of an earlier answer, or `now` for a cursor and no changes;"
        " default: from the first change on",
    )
    collection: str | None = Field(
        None, max_length=500, description="Names of collections or records, with commas"
    )
    limit: int = Field(100, ge=1, le=10_000, description="Changes on a page")

    _since = field_validator("since")(readable(lambda text: text == NOW or read_cursor(text)))


def write_cursor(place: int) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(f"{MARK}{place}".encode()).rstrip(b"=").decode()


def read_cursor(text: str) -> int:
    """The place a cursor means."""
    try:
        padded = text + "=" * (-len(text) % 4)
        found = PLACE.fullmatch(base64.b64decode(padded, b"-_", validate=True).decode())
    except (binascii.Error, UnicodeError, ValueError):
        found = None
    if found is None or int(found[1]) >= 2**63:
        raise ValueError(
            "is not a cursor of this API; use the `cursor` of an earlier answer"
            " / 不是本接口给出的游标；请用先前应答中的 cursor"
        )
    return int(found[1])


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


router = APIRouter(tags=["features"], route_class=Route)


@router.get("/changes", summary="Every change of the plan's objects, in order")
async def list_changes(
    read: Read[Reader], query: Annotated[ChangesQuery, Query()]
) -> Answer[Changes]:
    """Tell each change once, in the order of commits, as far as the caller may know of the object.

    A removed object, and one that went out of the caller's sight, is told as `deleted`. Keep
    `cursor` and ask with `since` for what came after. A page may hold fewer changes than its limit,
    or none, and still have a `next`.
    """
    entities = entities_named(query.collection)
    if query.since == NOW:
        stretch = FeedPage([], await read_head(read.session), more=False)
    else:
        after = 0 if query.since is None else read_cursor(query.since)
        stretch = await read_changes(
            read.session, read.caller.viewer, entities, after=after, limit=query.limit
        )
    titles = {entity.name: entity.title.in_(read.lang) for entity in ENTITIES}
    return Answer(Changes.of(stretch, query, read), page={"titles": titles})


def entities_named(names: str | None) -> Sequence[Entity]:
    """The collections and records a list of names means; all when nothing is asked."""
    wanted = [name for name in (names or "").split(",") if name]
    return [entity_named(name) for name in wanted] if wanted else ENTITIES


M2_IN_KM2, M_IN_KM = 1e6, 1e3


class DayVersion(Answered):
    """A day, and the version the object had on it: null where it was not there."""

    day: date
    row_version: int | None

    @classmethod
    def of(cls, state: DayState | None, day: date) -> Self:
        """The state of a day."""
        return cls(day=day, row_version=None if state is None else state.row_version)


class MemberChange(Answered):
    """A member that differs, with both values."""

    property: str
    title: str
    former: Any = Field(alias="from")
    later: Any = Field(alias="to")


class SizeChange(Answered):
    """A size on both days, and what came and went."""

    former: float = Field(alias="from")
    later: float = Field(alias="to")
    added: float
    removed: float

    @classmethod
    def of(cls, size: Size, unit: float) -> Self:
        """A size in a unit."""
        return cls(
            former=round(size.former / unit, 6),
            later=round(size.later / unit, 6),
            added=round(size.added / unit, 6),
            removed=round(size.removed / unit, 6),
        )


class GeometryChange(Answered):
    """Whether the geometry differs, and by how much."""

    changed: bool
    area_km2: SizeChange | None
    length_km: SizeChange | None

    @classmethod
    def of(cls, comparison: ObjectComparison) -> Self:
        """What became of the geometry."""
        area, length = comparison.area, comparison.length
        return cls(
            changed=comparison.geometry_changed,
            area_km2=None if area is None else SizeChange.of(area, M2_IN_KM2),
            length_km=None if length is None else SizeChange.of(length, M_IN_KM),
        )


class DayComparison(Document):
    """What differs of an object between two days."""

    template = "compare.html"

    collection: str
    id: str
    former: DayVersion = Field(alias="from")
    later: DayVersion = Field(alias="to")
    changed: list[MemberChange]
    geometry: GeometryChange
    links: list[Link]

    @classmethod
    def of(
        cls,
        comparison: ObjectComparison,
        entity: Entity,
        code: str,
        days: tuple[date, date],
        view: View,
    ) -> Self:
        """The comparison of the object of this code."""
        return cls(
            collection=entity.name,
            id=code,
            former=DayVersion.of(comparison.former, days[0]),
            later=DayVersion.of(comparison.later, days[1]),
            changed=_members(comparison, entity, view),
            geometry=GeometryChange.of(comparison),
            links=_links(entity, code, days, view),
        )


def _links(entity: Entity, code: str, days: tuple[date, date], view: View) -> list[dict[str, str]]:
    item = f"{documents.list_path(entity, {})}/{quote(code, safe='')}"
    asked = {"from": days[0].isoformat(), "to": days[1].isoformat()}
    return [
        *view.self_links(f"{item}/compare", **asked),
        view.link(item, "item", documents.data_format(entity).media_type),
    ]


def _members(comparison: ObjectComparison, entity: Entity, view: View) -> list[MemberChange]:
    former, later = _properties(comparison.former), _properties(comparison.later)
    titles = {item.name: item.title.in_(view.lang) for item in entity.properties}
    return [
        MemberChange(
            property=name, title=titles[name], former=former.get(name), later=later.get(name)
        )
        for name in comparison.changed
    ]


def _properties(state: DayState | None) -> Mapping[str, Any]:
    return {} if state is None else state.properties


comparisons = APIRouter(tags=["features"], route_class=Route)


class CompareQuery(PageQuery):
    """The two days."""

    former: Rfc3339Date = Field(alias="from", description="The former day")
    later: Rfc3339Date = Field(alias="to", description="The later day")


@comparisons.get("/collections/{collection}/items/{code}/compare", summary="A feature on two days")
async def compare_item(
    read: Read[Reader], collection: str, code: str, query: Annotated[CompareQuery, Query()]
) -> Answer[DayComparison]:
    """Tell which members differ, and how much area or length came and went."""
    entity, days = collection_named(collection), (query.former, query.later)
    if query.former > query.later:
        raise InvalidInput(
            "the former day is after the later one",
            message_zh="起始日晚于截止日",
            pointer="from",
        )
    viewer, readable = read.caller.viewer, "\x00" not in code
    found = await compare_days(read.session, entity, viewer, code, days) if readable else None
    if found is None:
        raise NotFound(
            f"there was no {code!r} in {entity.name} on either day",
            message_zh=f"{entity.name} 在这两天均没有 {code!r}",
        )
    return Answer(DayComparison.of(found, entity, code, days, read), page={"entity": entity})
